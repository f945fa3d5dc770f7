import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { Desired } from '../desired/build-desired.ts';
import type { Dependencies } from '../desired/dependencies.ts';
import { readDependencies } from '../desired/dependencies.ts';
import type { PoolView } from '../desired/pool-view.ts';
import { isDrainingPort, portsOf } from '../desired/service-ports.ts';
import { deploymentsKey, drainingKey, drainingPrefix, kvFlags, NODE_CHECK_ID } from '../model/consul-names.ts';
import type { NodeName, ObjectKey, PoolKey, SpecId } from '../model/ids.ts';
import type { Memory } from '../model/memory.ts';
import type { EndpointFacts } from '../model/nodes.ts';
import type { JsonObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { Draining, KvEntry, RegisteredCheck, RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { ReadEntry } from '../model/told-agents.ts';
import { readEntry } from '../model/told-agents.ts';
import type { World } from '../model/world.ts';
import type { PoolDemand } from '../pool/classify-node.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import { decidePool } from '../pool/decide-pool.ts';
import { stayingOut } from '../pool/stay-out.ts';
import { instanceKey } from './diff-registration.ts';
import type { FutileApply } from './futile-apply.ts';
import { drainEnd } from './let-go.ts';
import type { PlanMemos } from './memos.ts';
import { remember } from './memos.ts';
import { membersOf, whereMembers } from './pool-members.ts';
import { recogniseDrift } from './recognise-drift.ts';
import type { RouteVerdicts } from './route-verdicts.ts';
import { backendsOfPool, backendsThatFit } from './transaction-room.ts';

/** Everything that the planning of one pass looks at. Frozen; built once per pass. */
export interface PlanContext {
  readonly world: World;
  readonly desired: Desired;
  readonly memory: Memory;
  readonly policy: Policy;
  readonly nowMs: number;
  /** The registry's last known state, stale or not, with what is ours although somebody has wiped its marks. */
  readonly registry: RegistryState | undefined;
  /** Why nothing may be removed or closed now; empty when every source that removals rely on is complete. */
  readonly removalBar: Problem | undefined;
  /** The decision for every pool that has a live Service and is to stay. */
  readonly decisions: ReadonlyMap<PoolKey, PoolDecision>;
  /** Every pool that has a live Service. */
  readonly views: ReadonlyMap<PoolKey, PoolView>;
  /** The checks of instances by `consulNode/instanceId`; those that somebody has set on no instance by `/checkId`. */
  readonly checksByInstance: ReadonlyMap<string, readonly RegisteredCheck[]>;
  readonly dependencies: Dependencies;
  /** Why others must wait for a spec, worked out when the first one asks; undefined when they need not. */
  readonly readiness: Map<SpecId, string | undefined>;
  readonly memos: PlanMemos;
  /** Applies that changed nothing when they were last sent. */
  readonly futile?: ReadonlyMap<ObjectKey, FutileApply>;
  /** Which pools are set aside for the sake of routes. Absent until the specs are planned. */
  readonly routes?: RouteVerdicts;
}

/** What the context of one pass is built from. */
export interface ContextInput {
  readonly world: World;
  readonly desired: Desired;
  readonly memory: Memory;
  readonly policy: Policy;
  readonly nowMs: number;
  readonly memos: PlanMemos;
  readonly futile?: ReadonlyMap<ObjectKey, FutileApply>;
}

/** Builds the context of one pass. */
export function planContext(input: ContextInput): PlanContext {
  const known = snapshotValue(input.world.registry);
  const set = snapshotValue(input.world.specs) ?? NO_SPECS;
  const views = new Map([...input.desired.specs.values()].flatMap(({ pools }) => pools.map((view) => [view.pool, view] as const)));
  const registry = known === undefined ? undefined : recogniseDrift(known, views.values(), input.policy);
  return {
    ...input,
    registry,
    views,
    removalBar: whyNoRemoval(input.world) ?? whyUncompared(input),
    decisions: decidePools(input, registry),
    checksByInstance: indexChecks(registry),
    dependencies: remember(input.memos.dependencies, 'specs', [set], () => readDependencies(set)),
    readiness: new Map(),
  };
}

const NO_SPECS = { specs: new Map(), broken: new Map() };

function indexChecks(registry: RegistryState | undefined): ReadonlyMap<string, readonly RegisteredCheck[]> {
  const index = new Map<string, RegisteredCheck[]>();
  for (const check of registry?.checks.values() ?? []) {
    if (check.instanceId === '' && check.checkId === NODE_CHECK_ID) continue;
    const key = check.instanceId === '' ? instanceKey('', check.checkId) : instanceKey(check.consulNode, check.instanceId);
    const list = index.get(key);
    if (list === undefined) index.set(key, [check]);
    else list.push(check);
  }
  return index;
}

/**
 * Removals need complete snapshots of every source (design section 2): specs, Services, nodes and the registry. What was granted
 * when they were, and comes back, is seen through without Git: `isReturn`.
 */
export function whyNoRemoval(world: World, isReturn?: 'is-return'): Problem | undefined {
  const sources = [
    ...(isReturn === undefined ? [['the Git repository', world.specs] as const] : []),
    ['the Services of the cluster', world.cluster.services],
    ['the nodes of the cluster', world.cluster.nodes],
    ['Consul', world.registry],
  ] as const;
  for (const [name, snapshot] of sources) {
    if (snapshot.kind === 'complete') continue;
    return problem('SNAPSHOT_NOT_COMPLETE', `removals wait: the answer of ${name} is ${snapshot.kind} (${snapshot.reason.message})`);
  }
  if (snapshotValue(world.registry)?.fresh === true) {
    return problem('SNAPSHOT_NOT_COMPLETE', 'removals wait: the canaries in Consul have only just been created');
  }
  return undefined;
}

/** Why nothing may be removed, or approved, by a head of which nobody has asked whether it may follow the one that was in force. */
function whyUncompared({ world, memory }: ContextInput): Problem | undefined {
  if (snapshotValue(world.specs)?.judgedAlone !== true || memory.appliedRevision === '') return undefined;
  return problem(
    'SNAPSHOT_NOT_COMPLETE',
    `removals wait: the head in Git was not compared yet with ${memory.appliedRevision}, which was in force`,
  );
}

const NOBODY: ReadonlyMap<NodeName, number> = new Map();

function decidePools(input: ContextInput, registry: RegistryState | undefined): ReadonlyMap<PoolKey, PoolDecision> {
  const nodes = snapshotValue(input.world.cluster.nodes);
  const endpoints = snapshotValue(input.world.cluster.endpoints);
  const decisions = new Map<PoolKey, PoolDecision>();
  if (nodes === undefined) return decisions;
  const { memory, policy, nowMs } = input;
  const { reachable } = input.world;
  const flags = kvFlags(policy.owner, policy.cluster);
  const source = { ...input, registry };
  const most = backendsThatFit(registry, policy);
  const isCalm = Object.keys(memory.stayOut ?? {}).length === 0;
  const nodeLength = Math.max(0, ...nodes.map(({ name }) => name.length));
  for (const { pools } of input.desired.specs.values()) {
    for (const view of pools) {
      const facts = endpoints?.get(view.pool);
      const registered = registry?.instances.get(view.pool);
      // While a node waits for the end of its grace, the time is a part of the decision.
      const waiting = input.memos.decisions.get(view.pool)?.result.lookAgainAtMs !== undefined;
      const stayOut = isCalm ? NOBODY : stayingOut(memory, { pool: view.pool, graceMs: policy.pool.graceMs, nowMs });
      const moment = isCalm && !waiting ? '' : `${[...stayOut].join()} ${waiting ? nowMs : ''}`;
      // An entry of somebody else tells nothing of the backends that we have chosen.
      const isOurs = registry?.kv.get(deploymentsKey(policy.keyPath, view.pool))?.flags === flags;
      const told = isOurs ? toldEntry(view.pool, source)?.nodes : undefined;
      const parts = [nodes, view, endpoints === undefined, facts, registered, told, most, registry?.limits.bytes, reachable, moment];
      const decide = (): PoolDecision => {
        const maxBackends = backendsOfPool({ view, most, nodeLength }, registry, policy);
        const members = membersOf(registered, told);
        const known = endpoints === undefined ? whereMembers(view.pool, members) : facts;
        return decidePool(nodes, demandOf(view, { endpoints: known, members, stayOut, maxBackends }, input), policy.pool, nowMs);
      };
      decisions.set(view.pool, remember(input.memos.decisions, view.pool, parts, decide));
    }
  }
  return decisions;
}

/** What is known of one pool beside its Service. */
interface PoolFacts {
  readonly endpoints: EndpointFacts | undefined;
  readonly members: ReadonlyMap<NodeName, string>;
  readonly stayOut: ReadonlyMap<NodeName, number>;
  readonly maxBackends: number;
}

function demandOf(view: PoolView, facts: PoolFacts, { world, policy }: ContextInput): PoolDemand {
  const ipFamilies = view.live.spec['ipFamilies'] as readonly string[] | undefined;
  return {
    ...facts,
    pool: view.pool,
    local: view.local,
    nodes: view.settings.nodes ?? [],
    minBackends: view.settings.minBackends ?? policy.pool.minBackends,
    ...(ipFamilies === undefined ? {} : { ipFamilies }),
    ...(world.reachable === undefined ? {} : { reachable: world.reachable }),
  };
}

/** What is remembered of a pool's NodePorts that left Consul, with the entry it was read from. What cannot be read tells of no port. */
export function drainingOf(
  pool: PoolKey,
  registry: RegistryState | undefined,
  policy: Policy,
): { readonly entry: KvEntry; readonly value: Draining } | undefined {
  const entry = registry?.kv.get(drainingKey(policy.keyPath, policy.cluster, pool));
  if (entry === undefined) return undefined;
  return { entry, value: parseDraining(entry.value) };
}

function parseDraining(text: string): Draining {
  try {
    const { spec, ports } = JSON.parse(text) as Partial<Draining>;
    return { spec: spec ?? '', ports: ports ?? {} };
  } catch {
    return { spec: '', ports: {} };
  }
}

/** What a pool's entry under `deployments/` tells agents, ours or not; undefined when there is none. */
export function toldEntry(
  pool: PoolKey,
  { registry, policy, memos }: Pick<PlanContext, 'registry' | 'policy' | 'memos'>,
): ReadEntry | undefined {
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  return entry === undefined ? undefined : remember(memos.told, pool, [entry], () => readEntry(entry.value));
}

/** NodePorts that a Service holds open for a drain which nobody remembers: its key was lost, so they drain from now on. */
export const forgottenDrains = (service: JsonObject, remembered: Draining | undefined): readonly number[] =>
  portsOf(service).flatMap((port) =>
    isDrainingPort(port) && port.nodePort !== undefined && remembered?.ports[String(port.nodePort)] === undefined ? [port.nodePort] : [],
  );

/** When each draining NodePort may close, for those of which that is known and that may not yet; ms since the epoch. */
export function drainsDueAt(context: PlanContext): readonly number[] {
  const prefix = drainingPrefix(context.policy.keyPath, context.policy.cluster);
  return [...(context.registry?.kv.keys() ?? [])].flatMap((key) => {
    if (!key.startsWith(prefix)) return [];
    const pool = key.slice(prefix.length) as PoolKey;
    const ports = Object.entries(drainingOf(pool, context.registry, context.policy)?.value.ports ?? {});
    const ends = ports.map(([port, sinceMs]) => drainEnd({ pool, port: Number(port), sinceMs }, context).atMs);
    return ends.filter((dueMs) => dueMs > context.nowMs && Number.isFinite(dueMs));
  });
}
