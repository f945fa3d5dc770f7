import { canaryServiceName, consulNodePrefix, deploymentsPrefix, ownPrefix, specificationsPrefix } from '../model/consul-names.ts';
import type { ConsulRight } from '../model/consul-right.ts';
import { byBytes } from '../model/ids.ts';

/** What decides which rights a daemon needs in Consul. */
export interface ConsulRightsInput {
  readonly cluster: string;
  readonly keyPath: string;
  readonly nodePrefix: string;
  /** The Consul services that it may register; any when undefined, for a spec can name any. */
  readonly services?: readonly string[];
  /** Whether what was deployed is recorded: in every mode but `catalog`, and when undefined. */
  readonly history?: boolean;
  /** Consul Enterprise. */
  readonly namespace?: string | undefined;
  readonly partition?: string | undefined;
}

/** One rule of an ACL policy. */
export interface ConsulRule {
  readonly right: ConsulRight;
  readonly resource: 'agent_prefix' | 'key_prefix' | 'node_prefix' | 'service' | 'service_prefix' | 'session_prefix';
  readonly name: string;
  readonly policy: 'read' | 'write';
}

/**
 * The least rules, each one used. Beside the history they do not depend on `registration`: when that changes, what was
 * registered before must still be taken back.
 */
export function consulRules({ cluster, keyPath, nodePrefix, services, history }: ConsulRightsInput): readonly ConsulRule[] {
  const ofHistory = { right: 'history-keys', resource: 'key_prefix', name: specificationsPrefix(keyPath), policy: 'write' } as const;
  return [
    { right: 'nodes', resource: 'node_prefix', name: '', policy: 'read' },
    { right: 'own-nodes', resource: 'node_prefix', name: consulNodePrefix(nodePrefix, cluster), policy: 'write' },
    ...serviceRules(cluster, services),
    { right: 'pool-keys', resource: 'key_prefix', name: deploymentsPrefix(keyPath), policy: 'write' },
    ...(history === false ? [] : [ofHistory]),
    { right: 'own-keys', resource: 'key_prefix', name: ownPrefix(keyPath, cluster), policy: 'write' },
    { right: 'sessions', resource: 'session_prefix', name: '', policy: 'write' },
    { right: 'agent', resource: 'agent_prefix', name: '', policy: 'read' },
  ];
}

function serviceRules(cluster: string, services: readonly string[] | undefined): readonly ConsulRule[] {
  const all = { right: 'services', resource: 'service_prefix', name: '' } as const;
  if (services === undefined) return [{ ...all, policy: 'write' }];
  const names = [...new Set([canaryServiceName(cluster), ...services])].sort(byBytes);
  return [{ ...all, policy: 'read' }, ...names.map((name) => ({ right: 'services', resource: 'service', name, policy: 'write' }) as const)];
}
