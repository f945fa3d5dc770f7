import type { DesiredMemo } from '../../src/core/desired/build-desired.ts';
import { buildDesired, newDesiredMemo } from '../../src/core/desired/build-desired.ts';
import type { ImmutableRefusal } from '../../src/core/desired/recreations.ts';
import { suspendedNow } from '../../src/core/desired/suspensions.ts';
import type { Action, NodeAction, WriteKv } from '../../src/core/model/action.ts';
import { NODE_CHECK_ID } from '../../src/core/model/consul-names.ts';
import type { KvKey, ObjectKey, PoolKey } from '../../src/core/model/ids.ts';
import { kindOf, SERVICE_KIND } from '../../src/core/model/ids.ts';
import type { Memory } from '../../src/core/model/memory.ts';
import type { JsonObject, LiveObject } from '../../src/core/model/objects.ts';
import type { Policy } from '../../src/core/model/policy.ts';
import type { KvEntry, RegisteredCheck, RegisteredInstance, RegisteredNode, RegistryState } from '../../src/core/model/registration.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import type { World } from '../../src/core/model/world.ts';
import type { PlanContext } from '../../src/core/plan/context.ts';
import { planContext } from '../../src/core/plan/context.ts';
import type { Guarded } from '../../src/core/plan/guard-run.ts';
import { guardRun } from '../../src/core/plan/guard-run.ts';
import type { PlanMemos } from '../../src/core/plan/memos.ts';
import { createPlanMemos } from '../../src/core/plan/memos.ts';
import { planNodes } from '../../src/core/plan/plan-nodes.ts';
import { planSpecs } from '../../src/core/plan/plan-specs.ts';
import { world as buildWorld, complete, EMPTY_REGISTRY, keys, liveOf, MEMORY, NOW_MS, POLICY } from './builders.ts';

/** A plan as the run makes it, of one moment. */
export interface ModelPlan {
  readonly context: PlanContext;
  readonly nodes: readonly NodeAction[];
  readonly guarded: Guarded;
  readonly actions: readonly Action[];
  /** What is written under `specifications/`, when nothing else is left to do for a spec; not among `actions`. */
  readonly records: readonly WriteKv[];
}

/** What a plan depends on beside the world; without `memos` nothing is remembered. */
export interface PlanOptions {
  readonly memory?: Memory;
  readonly policy?: Policy;
  readonly nowMs?: number;
  readonly immutable?: ReadonlyMap<ObjectKey, ImmutableRefusal>;
  readonly memos?: { readonly plans: PlanMemos; readonly desired: DesiredMemo };
}

/** Plans a whole world with the functions that the run uses. */
export function planWorld(world: World, options: PlanOptions = {}): ModelPlan {
  const { policy = POLICY, memory = MEMORY, nowMs = NOW_MS } = options;
  const memos = options.memos?.plans ?? createPlanMemos();
  const refused = new Set<ObjectKey>();
  for (;;) {
    const desired = buildDesired(world, policy, {
      memo: options.memos?.desired ?? newDesiredMemo(),
      refused,
      immutable: options.immutable ?? new Map(),
      suspended: suspendedNow(memory, nowMs),
    });
    const context = planContext({ world, desired, memory, policy, nowMs, memos });
    const plans = planSpecs(context);
    const unapplied = plans.flatMap((plan) => plan.unapplied).filter((key) => !refused.has(key));
    if (unapplied.length === 0) {
      const guarded = guardRun(plans, context);
      const all = guarded.plans.flatMap((plan) => plan.actions);
      const records = all.filter((action): action is WriteKv => action.kind === 'write-kv' && action.why.startsWith('specification of '));
      return {
        context,
        nodes: planNodes(context),
        guarded,
        actions: all.filter((action) => !records.includes(action as WriteKv)),
        records,
      };
    }
    for (const key of unapplied) refused.add(key);
  }
}

let nextNodePort = 30_000;

/** What the real servers would hold after the actions: the smallest model of them that the plans can be applied to. */
export function applyToWorld(world: World, actions: readonly (Action | NodeAction)[]): World {
  const objects = new Map<ObjectKey, LiveObject>();
  for (const snapshot of [...world.cluster.objects.values(), world.cluster.services]) {
    for (const [key, object] of snapshotValue(snapshot) ?? []) objects.set(key, object);
  }
  const registry = mutable(snapshotValue(world.registry) ?? EMPTY_REGISTRY);
  for (const action of actions) {
    if (action.kind === 'apply-object') objects.set(action.key, withNodePorts(liveOf(action.object), objects.get(action.key)));
    else if (action.kind === 'delete-object') objects.delete(action.key);
    else applyToRegistry(registry, action);
  }
  const specs = world.specs;
  const nodes = snapshotValue(world.cluster.nodes) ?? [];
  const endpoints = [...(snapshotValue(world.cluster.endpoints) ?? new Map()).values()];
  return buildWorld({ specs, nodes, endpoints, objects: [...objects.values()], registry: complete(registry) });
}

function withNodePorts(live: LiveObject, before: LiveObject | undefined): LiveObject {
  if (kindOf(live.key) !== SERVICE_KIND || live.spec['type'] !== 'NodePort') return live;
  const old = (before?.spec['ports'] ?? []) as readonly JsonObject[];
  const ports = ((live.spec['ports'] ?? []) as readonly JsonObject[]).map((port) => ({
    ...port,
    nodePort: port['nodePort'] ?? old.find((other) => other['name'] === port['name'])?.['nodePort'] ?? nextNodePort++,
  }));
  return { ...live, spec: { ...live.spec, ports } };
}

interface MutableRegistry extends RegistryState {
  readonly nodes: Map<string, RegisteredNode>;
  readonly instances: Map<PoolKey, readonly RegisteredInstance[]>;
  readonly checks: Map<string, RegisteredCheck>;
  readonly kv: Map<KvKey, KvEntry>;
}

function mutable(state: RegistryState): MutableRegistry {
  return {
    ...state,
    nodes: new Map(state.nodes),
    instances: new Map(state.instances),
    checks: new Map(state.checks),
    kv: new Map(state.kv),
  };
}

function applyToRegistry(
  registry: MutableRegistry,
  action: Exclude<Action | NodeAction, { kind: 'apply-object' | 'delete-object' }>,
): void {
  const modifyIndex = 7;
  if (action.kind === 'ensure-node') {
    const { node, status } = action;
    registry.nodes.set(node.name, { ...node, modifyIndex, ours: true });
    const check = {
      consulNode: node.name,
      checkId: NODE_CHECK_ID,
      name: 'node',
      instanceId: '',
      service: '',
      status,
      notes: '',
      output: '',
    };
    registry.checks.set(`${node.name}/${NODE_CHECK_ID}`, { ...check, modifyIndex });
    return;
  }
  if (action.kind === 'delete-node') {
    registry.nodes.delete(action.name);
    return;
  }
  const writes = action.kind === 'write-kv' ? action.writes : action.kv;
  for (const { key, value } of writes) {
    if (value === undefined) registry.kv.delete(key);
    else registry.kv.set(key, { key, value, flags: keys.flags, modifyIndex });
  }
  if (action.kind === 'write-kv') return;
  const gone = new Set(action.remove.map((ref) => `${ref.consulNode}/${ref.id}`));
  const set = action.kind === 'register-pool' ? action.set.map((one) => ({ ...one, pool: action.pool, modifyIndex })) : [];
  const replaced = new Set(set.map((one) => `${one.consulNode}/${one.id}`));
  const kept = (registry.instances.get(action.pool) ?? []).filter((one) => {
    const key = `${one.consulNode}/${one.id}`;
    return !gone.has(key) && !replaced.has(key);
  });
  if (kept.length + set.length === 0) registry.instances.delete(action.pool);
  else registry.instances.set(action.pool, [...kept, ...set]);
  for (const [key, check] of registry.checks) if (gone.has(`${check.consulNode}/${check.instanceId}`)) registry.checks.delete(key);
  if (action.kind !== 'register-pool') return;
  for (const check of action.removeChecks) registry.checks.delete(`${check.consulNode}/${check.checkId}`);
  for (const check of action.checks) registry.checks.set(`${check.consulNode}/${check.checkId}`, { ...check, modifyIndex });
}

/** Plans and applies until nothing is left to do, at most `most` times; the world in which that is so. */
export function settle(
  start: World,
  options: Parameters<typeof planWorld>[1] = {},
  most = 6,
): { readonly world: World; readonly last: ModelPlan } {
  let world = start;
  let memory = options.memory ?? MEMORY;
  for (let i = 0; i < most; i++) {
    const plan = planWorld(world, { ...options, memory });
    memory = plan.guarded.memory;
    const all = [...plan.nodes, ...plan.actions, ...plan.records];
    if (all.length === 0) return { world, last: plan };
    world = applyToWorld(world, all);
  }
  return { world, last: planWorld(world, { ...options, memory }) };
}
