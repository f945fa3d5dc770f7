import { canaryKey, canaryNodeName, canaryServiceName, consulNodeId, kvFlags, ownMeta } from '../../core/model/consul-names.ts';
import { nodeName } from '../../core/model/ids.ts';
import type { LeaseState } from '../../core/model/ports.ts';
import { AppError } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { canaryMeta, clusterOf } from './canary-marks.ts';
import type { ConsulClient } from './consul-client.ts';
import type { RegistryReading } from './read-registry.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import { fenceOperation, type TransactionOperation } from './registry-write.ts';

/**
 * What became of missing canaries. `created`: the token may write them, so it can read them, and they were really not there.
 * `hidden`: they exist, but were not shown to us.
 */
export type CanaryOutcome =
  | { readonly kind: 'created' }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** Creates the canaries that a reading lacks, and marks again those whose marks were wiped, if this process leads; all or none. */
export async function createCanaries(
  request: {
    readonly client: ConsulClient;
    readonly identity: RegistryIdentity;
    readonly reading: RegistryReading;
    readonly lease: LeaseState;
  },
  signal: AbortSignal,
): Promise<CanaryOutcome> {
  const { client, identity, reading, lease } = request;
  const names = [...reading.missing.keys()].join(', ');
  if (reading.clash !== undefined) return { kind: 'failed', problem: reading.clash };
  if (reading.canaryTaken) {
    const node = canaryNodeName(identity.nodePrefix, identity.cluster);
    return { kind: 'failed', problem: problem('CONSUL_NODE_TAKEN', `The Consul node ${node} belongs to someone else`) };
  }
  if (!lease.held) {
    const message = `Consul shows no canary (${names}); the leader creates it, and this process does not lead`;
    return {
      kind: 'failed',
      problem: problem('CONSUL_UNAVAILABLE', message, { remedy: 'Nothing has to be done: it is looked for again.' }),
    };
  }
  // The lease may have been taken since the reading.
  const clusterUid = reading.clusterUid ?? clusterOf((await client.readKey({ key: lease.fence.key }, signal)).value);
  const operations = [fenceOperation(lease.fence), ...canaryOperations(identity, reading.missing, clusterUid)];
  const outcome = await client.transact(operations, signal);
  if (outcome.kind === 'applied') return { kind: 'created' };
  if (outcome.kind === 'failed') return { kind: 'failed', problem: outcome.problem };
  if (outcome.kind === 'too-large')
    return { kind: 'failed', problem: problem('CONSUL_TOO_LARGE', `Creating the canaries: ${outcome.text}`) };
  const what = outcome.errors.map((error) => error.what).join('; ');
  if (/permission denied|acl not found/i.test(what)) {
    return { kind: 'failed', problem: problem('CONSUL_FORBIDDEN', `Creating the canaries (${names}): ${what}`) };
  }
  if (outcome.errors.some(({ operation }) => operation === 0)) {
    return { kind: 'failed', problem: problem('CONSUL_FENCED', `Creating the canaries (${names}): ${what}`) };
  }
  return { kind: 'hidden' };
}

/** The canaries are not all readable: whatever else was read may be a part only. */
export class CanaryError extends AppError {}

/** What `hidden` means. */
export function hiddenCanaries(missing: RegistryReading['missing']): CanaryError {
  const names = [...missing.keys()].join(', ');
  return new CanaryError(problem('CONSUL_FILTERED', `Consul does not show our canary (${names}) although it exists`));
}

/** With the index that was read: 0 creates only. The service carries no route, and nothing health-checks the node. */
function canaryOperations(
  identity: RegistryIdentity,
  missing: RegistryReading['missing'],
  clusterUid: string | undefined,
): readonly TransactionOperation[] {
  const { owner, cluster, keyPath, nodePrefix } = identity;
  const node = canaryNodeName(nodePrefix, cluster);
  const service = canaryServiceName(cluster);
  const meta = ownMeta(owner, cluster);
  const key = { Verb: 'cas', Key: canaryKey(keyPath, cluster), Value: '', Flags: kvFlags(owner, cluster), Index: 0 };
  const nodeBody = {
    ID: consulNodeId(nodePrefix, cluster, nodeName('-canary')),
    Node: node,
    Address: '127.0.0.1',
    Meta: canaryMeta(identity, clusterUid),
    ModifyIndex: missing.get('node') ?? 0,
  };
  const instance = {
    ID: service,
    Service: service,
    Address: '127.0.0.1',
    Port: 1,
    Tags: ['traefik.enable=false'],
    Meta: meta,
    ModifyIndex: missing.get('instance') ?? 0,
  };
  return [
    ...(missing.has('key') ? [{ KV: key }] : []),
    ...(missing.has('node') ? [{ Node: { Verb: 'cas', Node: nodeBody } }] : []),
    ...(missing.has('instance') ? [{ Service: { Verb: 'cas', Node: node, Service: instance } }] : []),
  ];
}
