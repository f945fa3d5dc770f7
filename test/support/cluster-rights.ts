import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import { readClusterUid } from '../../src/adapters/kubernetes/cluster-uid.ts';
import type { ClusterAdapter } from '../../src/adapters/kubernetes/create-cluster.ts';
import { createKubernetesLease } from '../../src/adapters/kubernetes/kubernetes-lease.ts';
import { createNodeDrains } from '../../src/adapters/kubernetes/node-drains.ts';
import type { ApplyObject, ClusterAction } from '../../src/core/model/action.ts';
import { DEPLOYMENT_KIND, nodeName, poolKey } from '../../src/core/model/ids.ts';
import { type KubernetesObject, keyOfObject, type LiveObject } from '../../src/core/model/objects.ts';
import type { ClusterResult } from '../../src/core/model/ports.ts';
import { type Snapshot, snapshotValue } from '../../src/core/model/snapshot.ts';
import { AppError } from '../../src/shared/errors.ts';
import type { Problem } from '../../src/shared/problem.ts';
import {
  CLOCK,
  CONFIG_MAP,
  change,
  claimsOf,
  configMap,
  create,
  deployment,
  live,
  pathOf,
  type Rig,
  remove,
  service,
  unmarked,
} from '../contract/cluster-rig.ts';

/** One rule of RBAC. */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** One verb on one resource, as `verb` and `resource.group`, with the rule that grants it and nothing else. */
export interface Grant {
  readonly verb: string;
  readonly resource: string;
  readonly rule: RbacRule;
}

/** The rules of the Role or ClusterRole in a manifest of several documents. */
export function rulesIn(manifest: string): readonly RbacRule[] {
  const documents = loadAll(manifest) as readonly { readonly kind: string; readonly rules?: readonly RbacRule[] }[];
  return documents.flatMap(({ kind, rules = [] }) => (kind === 'Role' || kind === 'ClusterRole' ? rules : []));
}

/** Rules taken apart. */
export const grantsOf = (rules: readonly RbacRule[]): readonly Grant[] =>
  rules.flatMap((rule) =>
    rule.apiGroups.flatMap((group) =>
      rule.resources.flatMap((resource) =>
        rule.verbs.map((verb) => ({
          verb,
          resource: group === '' ? resource : `${resource}.${group}`,
          rule: { ...rule, apiGroups: [group], resources: [resource], verbs: [verb] },
        })),
      ),
    ),
  );

/**
 * Everything that the daemon does in Kubernetes, but for the Lease, by its own adapter; `rig.call` plays the others. Returns
 * what went wrong, nothing when all was allowed.
 */
export async function liveInCluster(rig: Rig): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const note = (problem: Problem | undefined): void => {
    if (problem !== undefined) problems.push(problem);
  };
  note(await problemOf(readClusterUid(rig.client, rig.signal)));
  const leg = await rig.open({ settleMs: 5_000 });
  const own = [configMap(rig, 'settings'), deployment(rig, 'web'), service(rig, 'web')];
  const strange = [configMap(rig, 'old-settings'), deployment(rig, 'old'), service(rig, 'old')];
  for (const object of strange) await rig.call('POST', `${parentOf(object)}?fieldManager=kubectl`, unmarked(object));
  const prepare = (): Promise<void> => leg.prepare(new Set([CONFIG_MAP, DEPLOYMENT_KIND]), claimsOf(...own, ...strange), rig.signal);
  await prepare();
  const made: KubernetesObject[] = [];
  for (const object of own) {
    const refused = failure(await leg.apply(create(object), rig.signal));
    if (refused === undefined) made.push(object);
    note(refused);
  }
  for (const object of strange) {
    const adopt = (found: LiveObject): ApplyObject => {
      const existing = { uid: found.uid, resourceVersion: found.resourceVersion, pinVersion: true };
      return change(object, found, { why: 'adopt', takeFrom: ['kubectl'], existing });
    };
    note(await applyToLive(leg, object, { actionOn: adopt, prepare }, rig.signal));
  }
  for (const object of made) note(await applyToLive(leg, object, { actionOn: remove, prepare }, rig.signal));
  await othersChange(rig, leg);
  note(await problemOfDrain(rig));
  for (const snapshot of snapshotsOf(leg)) note(reasonOf(snapshot));
  return problems;
}

/** Does something to an object as it now is; again, as the daemon does, when a controller was faster. */
async function applyToLive(
  leg: ClusterAdapter,
  object: KubernetesObject,
  { actionOn, prepare }: { readonly actionOn: (found: LiveObject) => ClusterAction; readonly prepare: () => Promise<void> },
  signal: AbortSignal,
): Promise<Problem | undefined> {
  let tried: string | undefined;
  for (;;) {
    const fresh = (): LiveObject | undefined => {
      const found = live(leg, keyOfObject(object));
      return found?.resourceVersion === tried ? undefined : found;
    };
    const found = await eventually(fresh, leg);
    if (found === undefined) return undefined;
    const refused = failure(await leg.apply(actionOn(found), signal));
    if (refused?.code !== 'KUBERNETES_CONFLICT') return refused;
    tried = found.resourceVersion;
    await prepare();
  }
}

/** Changes of others, of every watched kind; returns when all are seen, or it is known why one is not. */
async function othersChange(rig: Rig, leg: ClusterAdapter): Promise<void> {
  const nowhere = { metadata: { labels: { app: 'theirs' } }, spec: { containers: [CONTAINER], nodeSelector: { none: 'such' } } };
  const stuck = deployment(rig, 'theirs', { replicas: 1, template: nowhere });
  const objects = [configMap(rig, 'theirs'), stuck, service(rig, 'theirs')];
  for (const object of objects) await rig.call('POST', parentOf(object), object);
  await rig.call('POST', '/api/v1/nodes', { metadata: { name: rig.namespace } });
  await rig.call('POST', `/apis/discovery.k8s.io/v1/namespaces/${rig.namespace}/endpointslices`, {
    metadata: { name: 'theirs', labels: { 'kubernetes.io/service-name': 'by-hand' } },
    addressType: 'IPv4',
    endpoints: [],
  });
  for (const object of objects) await eventually(() => live(leg, keyOfObject(object)), leg);
  const node = nodeName(rig.namespace);
  await eventually(() => snapshotValue(leg.state().nodes)?.find(({ name }) => name === node), leg);
  await eventually(() => snapshotValue(leg.state().endpoints)?.get(poolKey(rig.namespace, 'by-hand')), leg);
  await eventually(() => snapshotValue(leg.state().pods)?.get(keyOfObject(stuck)), leg);
}

/** Marks the node of the rig. */
async function problemOfDrain({ client, namespace, signal }: Rig): Promise<Problem | undefined> {
  const result = await createNodeDrains(client).mark(nodeName(namespace), 'a test', signal);
  if (result.kind === 'no-such-node') throw new Error(`the node ${namespace} is not there`);
  return result.kind === 'failed' ? result.problem : undefined;
}

const CONTAINER = { name: 'main', image: 'registry.invalid/main:1' };

function snapshotsOf(leg: ClusterAdapter): readonly Snapshot<unknown>[] {
  const { nodes, services, endpoints, pods, objects } = leg.state();
  return [nodes, services, endpoints, pods, ...objects.values()];
}

/** What `look` finds in time; undefined when a part of the leg is out of order, which is why it finds nothing. */
async function eventually<T>(look: () => T | undefined, leg: ClusterAdapter): Promise<T | undefined> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = look();
    const broken = snapshotsOf(leg).some(({ kind }) => kind !== 'complete');
    if (found !== undefined || broken) return found;
    if (Date.now() > deadline) throw new Error('a change is not seen, though nothing is wrong');
    await sleep(10);
  }
}

const parentOf = (object: KubernetesObject): string => pathOf(object).slice(0, pathOf(object).lastIndexOf('/'));
const failure = (result: ClusterResult): Problem | undefined => (result.kind === 'failed' ? result.problem : undefined);
const reasonOf = (snapshot: Snapshot<unknown>): Problem | undefined => (snapshot.kind === 'complete' ? undefined : snapshot.reason);

/** Takes the Lease, lets it be renewed once and gives it up; or what the API server said. */
export async function holdLease(rig: Rig, namespace: string): Promise<string> {
  const lease = createKubernetesLease({
    client: rig.client,
    name: 'poolkeeper-poolkeeper',
    namespace,
    identity: rig.owner,
    clock: CLOCK,
    mayHold: () => true,
    durationMs: 3_000,
    renewMs: 50,
    retryMs: 50,
  });
  const renewals = (): number => rig.proxy.seen().filter(({ method }) => method === 'PUT').length;
  try {
    lease.start();
    const outcome = (): string | undefined => {
      const state = lease.state();
      if (!state.held && state.problem !== undefined) return state.problem.message;
      return state.held && renewals() > 1 ? 'held' : undefined;
    };
    const deadline = Date.now() + 10_000;
    while (outcome() === undefined && Date.now() < deadline) await sleep(10);
    const told = outcome() ?? 'nothing was said';
    if (told !== 'held') return told;
    return (await problemOf(lease.release(rig.signal)))?.message ?? 'held and released';
  } finally {
    await lease.stop();
  }
}

/** The problem of an operation that fails with an AppError. */
async function problemOf(work: Promise<unknown>): Promise<Problem | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.problem;
    throw error;
  }
}
