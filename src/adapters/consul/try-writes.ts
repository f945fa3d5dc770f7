import {
  canaryServiceName,
  consulNodeId,
  consulNodePrefix,
  deploymentsPrefix,
  ownMeta,
  ownPrefix,
  specificationsPrefix,
} from '../../core/model/consul-names.ts';
import type { ConsulRight } from '../../core/model/consul-right.ts';
import { kvKey, nodeName } from '../../core/model/ids.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { ConsulClient, TransactionOutcome } from './consul-client.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import { fenceOperation, type TransactionOperation } from './registry-write.ts';

export interface WriteTrial {
  readonly client: ConsulClient;
  readonly identity: RegistryIdentity;
  /** The Consul services to be written; any name must do when undefined. */
  readonly services?: readonly string[];
  /** A UUID that nobody else uses. */
  readonly id: string;
}

/** The rights that are missing, in Consul's words, or why nobody knows. */
export type WriteRefusals = ReadonlyMap<ConsulRight, { readonly denied: string } | { readonly problem: Problem }>;

interface Trial {
  readonly right: ConsulRight;
  readonly operation: TransactionOperation;
}

/** Services tried in one transaction; with the others they stay below the least limit of 64 operations. */
const SERVICES_AT_ONCE = 40;

/**
 * Tries which writes the token is allowed, without any: Consul checks the rights of all operations of a transaction before it
 * applies the first, and this one fails then, for its operation 0 asks for a session that holds a key nobody has.
 */
export async function tryWrites(request: WriteTrial, signal: AbortSignal): Promise<WriteRefusals> {
  const refusals = new Map<ConsulRight, { readonly denied: string } | { readonly problem: Problem }>();
  const { identity, id, services } = request;
  const names = services === undefined ? [`doctor-${id}`] : services;
  const all = [canaryServiceName(identity.cluster), ...names];
  for (let from = 0; from < all.length; from += SERVICES_AT_ONCE) {
    const trials = trialsOf(request, all.slice(from, from + SERVICES_AT_ONCE));
    const operations = trials.map(({ operation }) => operation);
    const outcome = await request.client.transact(operations, signal);
    for (const [right, why] of refusalsOf(outcome, trials)) if (!refusals.has(right)) refusals.set(right, why);
  }
  return refusals;
}

function trialsOf({ identity, id }: WriteTrial, services: readonly string[]): readonly Trial[] {
  const { owner, cluster, keyPath, nodePrefix } = identity;
  const key = kvKey(`${ownPrefix(keyPath, cluster)}doctor-${id}`);
  // As with the canary, no Kubernetes node can have such a name.
  const node = `${consulNodePrefix(nodePrefix, cluster)}-doctor`;
  const Meta = ownMeta(owner, cluster);
  const nodeId = consulNodeId(nodePrefix, cluster, nodeName(`-doctor-${id}`));
  const nodeBody = { ID: nodeId, Node: node, Address: '127.0.0.1', Meta, ModifyIndex: 0 };
  const create = { Verb: 'cas', Value: '', Index: 0 };
  return [
    { right: 'own-keys', operation: fenceOperation({ key, session: id }) },
    { right: 'own-keys', operation: { KV: { ...create, Key: key } } },
    { right: 'pool-keys', operation: { KV: { ...create, Key: `${deploymentsPrefix(keyPath)}doctor-${id}` } } },
    { right: 'history-keys', operation: { KV: { ...create, Key: `${specificationsPrefix(keyPath)}doctor-${id}` } } },
    { right: 'own-nodes', operation: { Node: { Verb: 'cas', Node: nodeBody } } },
    ...services.map((name) => {
      const body = { ID: `${name}-${id}`, Service: name, Address: '127.0.0.1', Port: 1, Meta, ModifyIndex: 0 };
      return { right: 'services', operation: { Service: { Verb: 'cas', Node: node, Service: body } } } as const;
    }),
  ];
}

function refusalsOf(outcome: TransactionOutcome, trials: readonly Trial[]): WriteRefusals {
  if (outcome.kind === 'refused') {
    const denials = outcome.errors.filter(({ what }) => /permission denied|acl not found/i.test(what));
    return new Map(
      denials.flatMap(({ operation, what }) => {
        const right = trials[operation]?.right;
        return right === undefined ? [] : [[right, { denied: `a write is refused: ${what}` }]];
      }),
    );
  }
  const unknown =
    outcome.kind === 'failed' ? outcome.problem : problem('CONSUL_BAD_ANSWER', 'a transaction that cannot succeed was not refused');
  return new Map(trials.map(({ right }) => [right, { problem: unknown }]));
}
