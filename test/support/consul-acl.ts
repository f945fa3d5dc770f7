import type { ConsulConnection } from './consul.ts';

/** ACL policies and tokens of a Consul that was started with `acl: true`. */
export interface ConsulAcl {
  /** Sends a call with the management token; rejects for everything but 2xx. `path` is below `/v1/`. */
  manage(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Makes a policy of these rules (HCL) and returns the secret of a token that has it and nothing else. */
  tokenFor(rules: string): Promise<string>;
  /** Changes the rules of the policy that `tokenFor` made of `before`. */
  changeRules(before: string, after: string): Promise<void>;
}

interface Policy {
  readonly ID: string;
  readonly Name: string;
  readonly Rules?: string;
}

/** Speaks to the ACL system of a Consul as its administrator. */
export function aclOf({ consulUrl, consulToken = '' }: ConsulConnection): ConsulAcl {
  const manage = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const init = { method, headers: { 'x-consul-token': consulToken }, signal: AbortSignal.timeout(10_000) };
    const response = await fetch(`${consulUrl}/v1/${path}`, { ...init, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  return {
    manage,
    async tokenFor(rules) {
      const policies = (await manage('GET', 'acl/policies')) as readonly Policy[];
      const { ID } = (await manage('PUT', 'acl/policy', { Name: `test-${policies.length}`, Rules: rules })) as Policy;
      const token = (await manage('PUT', 'acl/token', { Policies: [{ ID }] })) as { readonly SecretID: string };
      return token.SecretID;
    },
    async changeRules(before, after) {
      for (const { ID } of (await manage('GET', 'acl/policies')) as readonly Policy[]) {
        const policy = (await manage('GET', `acl/policy/${ID}`)) as Policy;
        if (policy.Rules === before) await manage('PUT', `acl/policy/${ID}`, { ...policy, Rules: after });
      }
    },
  };
}
