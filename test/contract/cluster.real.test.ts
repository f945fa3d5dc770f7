import { describe, expect, inject, it } from 'vitest';
import { type KubernetesConnection, kubeRequest } from '../support/kube-client.ts';
import { clusterContract } from './cluster.suite.ts';

const stack = inject('stack');

describe.skipIf(stack === undefined)('the real servers (npm run servers)', () => {
  it('are there', () => expect(stack?.apiServerUrl).toMatch(/^https:/));
});

if (stack !== undefined) {
  clusterContract('kube-apiserver', async () => {
    const { apiServerUrl: url, token } = stack;
    return { url, token, powerless: { token: await powerlessToken(stack) }, runsPods: true, stop: async () => undefined };
  });
}

/** The token of a ServiceAccount that no RoleBinding names. */
async function powerlessToken(connection: KubernetesConnection): Promise<string> {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const name = `powerless-${process.pid}`;
  await kubeRequest(connection, 'POST', accounts, { metadata: { name } });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
  const answer = (await kubeRequest(connection, 'POST', `${accounts}/${name}/token`, request)) as {
    readonly status: { readonly token: string };
  };
  return answer.status.token;
}
