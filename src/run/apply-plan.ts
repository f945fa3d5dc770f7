import pLimit from 'p-limit';
import { serviceKey } from '../core/desired/build-desired.ts';
import type { Action, ClusterAction, NodeAction, RegisterPool, RegistryAction } from '../core/model/action.ts';
import type { KvKey, ObjectKey, PoolKey, SpecId } from '../core/model/ids.ts';
import type { LiveObject } from '../core/model/objects.ts';
import type { Cluster, Fence, Lease, Registry } from '../core/model/ports.ts';
import { isToRecreate } from '../core/plan/plan-recreate.ts';
import type { SpecPlan } from '../core/plan/spec-plan.ts';
import type { Problem } from '../shared/problem.ts';
import { RegistryBatch } from './registry-batch.ts';
import type { DrainClock } from './stamp-drains.ts';
import { correctDrains, stampDrains } from './stamp-drains.ts';
import type { Check, Refusals } from './try-spec.ts';
import { trySpec } from './try-spec.ts';

/** The ports that a plan is applied through. */
export interface ApplyPorts {
  readonly cluster: Cluster;
  readonly registry: Registry;
  readonly leases: { readonly consul: Lease; readonly kubernetes: Lease };
  /** False once the daemon is asked to stop: what is under way finishes, nothing new begins. */
  readonly mayBegin: () => boolean;
  /** Told of each action before it is sent. */
  readonly onBegin?: (action: Action | NodeAction) => void;
}

/** What is to be applied. */
export interface Applicable {
  readonly nodes: readonly NodeAction[];
  readonly specs: readonly SpecPlan[];
  /** Services that were refused before: their registrations were planned from what runs. */
  readonly refused: ReadonlySet<ObjectKey>;
  /** True: nothing of a spec is applied unless dry runs show that all of it would be taken. */
  readonly tryFirst: boolean;
  /** Where the draining keys stand, and the time at which drains begin. */
  readonly drains: { readonly prefix: KvKey; readonly now: () => number };
}

/** The Consul nodes that are to be and are not: what is registered on one of them would be refused. */
type MissingNodes = ReadonlySet<string>;

interface Sender {
  readonly batch: RegistryBatch;
  readonly clock: DrainClock;
  readonly onBegin: ApplyPorts['onBegin'];
}

/** How one action ended. `skipped` was not done: another action of its spec failed, or this replica may not write there. */
export interface Outcome {
  readonly spec: SpecId | undefined;
  readonly action: Action | NodeAction;
  readonly result: 'done' | 'failed' | 'skipped';
  readonly problem?: Problem;
  /** What an apply made of its object. */
  readonly stored?: LiveObject;
}

/** How many specs are applied at once: as many as the pooled connections of the Kubernetes client carry. */
const SPECS_AT_ONCE = 16;
/** How many objects are tried at once, of all specs together. */
export const TRIALS_AT_ONCE = 16;

/** True for what is done in Kubernetes. */
export const isClusterAction = (action: Action | NodeAction): action is ClusterAction =>
  action.kind === 'apply-object' || action.kind === 'delete-object';

/** The fence of the Consul lease while it is held. */
export function currentFence(lease: Lease): Fence | undefined {
  const state = lease.state();
  return state.held ? state.fence : undefined;
}

/**
 * Executes the node actions, then every spec's actions: its objects in order, then its pools. A failed object ends the
 * Kubernetes part of its spec, and the registrations that depend on it; nothing else. When trying first shows that something
 * would be refused, nothing of that spec is applied, and every refusal is told. Deletes need both leases, since they rely
 * on what was written to Consul. Pools that need a node which could not be created are skipped. `onOutcome` is told of each
 * action as it ends.
 */
export async function applyPlan(
  plan: Applicable,
  ports: ApplyPorts,
  onOutcome: (outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const tell = (outcome: Outcome): void => {
    outcomes.push(outcome);
    onOutcome(outcome);
  };
  const batch = new RegistryBatch(ports.registry, () => currentFence(ports.leases.consul), signal);
  const sender = { batch, clock: { registry: ports.registry, ...plan.drains }, onBegin: ports.onBegin };
  await Promise.all(
    plan.nodes.map(async (action) => tell(ports.mayBegin() ? await commit(undefined, action, sender) : skipped(undefined, action))),
  );
  const missing = missingNodes(outcomes);
  const limit = pLimit(SPECS_AT_ONCE);
  const trials = pLimit(TRIALS_AT_ONCE);
  const check: Check = (action) => trials(() => ports.cluster.check(action, signal));
  const busy = plan.specs.filter((spec) => spec.actions.length > 0);
  await Promise.all(
    busy.map(async (spec) => {
      const left = await limit(async () => {
        const refusals = plan.tryFirst ? await tryObjects(spec, ports, check) : NO_REFUSALS;
        return applyObjects({ spec, refusals }, ports, tell, signal);
      });
      // What is to be deleted and created again changes which pools may be registered at all: the next pass knows.
      const again =
        left.size > 0 && outcomes.some((outcome) => outcome.spec === spec.spec && isToRecreate(outcome.action, outcome.problem));
      const registryActions = spec.actions.filter((action) => !isClusterAction(action)) as readonly (Action & RegistryAction)[];
      await Promise.all(
        registryActions.map(async (action) => {
          const waits = action.kind === 'register-pool' && (again || dependsOn(left, action.pool, plan) || standsOn(missing, action));
          const blocked = !ports.mayBegin() || waits;
          tell(blocked ? skipped(spec.spec, action) : await commit(spec.spec, action, sender));
        }),
      );
    }),
  );
  return outcomes;
}

/** A registration was planned from the Service as it should be, unless that one was known to be refused. */
const dependsOn = (left: ReadonlySet<ObjectKey>, pool: PoolKey, { refused }: Applicable): boolean =>
  left.has(serviceKey(pool)) && !refused.has(serviceKey(pool));

function missingNodes(outcomes: readonly Outcome[]): MissingNodes {
  const failed = outcomes.filter(({ result }) => result !== 'done');
  return new Set(failed.flatMap(({ action }) => (action.kind === 'ensure-node' && action.nodeIndex === 0 ? [action.node.name] : [])));
}

const standsOn = (missing: MissingNodes, { set }: RegisterPool): boolean => set.some(({ consulNode }) => missing.has(consulNode));

const skipped = (spec: SpecId | undefined, action: Outcome['action']): Outcome => ({ spec, action, result: 'skipped' });

async function commit(spec: SpecId | undefined, action: Action | NodeAction, { batch, clock, onBegin }: Sender): Promise<Outcome> {
  onBegin?.(action);
  const stamped = stampDrains(action as RegistryAction, clock);
  const sentAtMs = clock.now();
  const result = await batch.commit(stamped);
  const correction = result.kind === 'done' ? correctDrains(stamped, sentAtMs, clock) : undefined;
  if (correction !== undefined) await batch.commit(correction);
  return result.kind === 'done' ? { spec, action, result: 'done' } : { spec, action, result: 'failed', problem: result.problem };
}

const NO_REFUSALS: Refusals = new Map();

/** Tries what is to be applied of one spec, when it may be applied at all. */
async function tryObjects({ actions }: SpecPlan, ports: ApplyPorts, check: Check): Promise<Refusals> {
  const applies = actions.filter((action) => action.kind === 'apply-object');
  return applies.every((action) => mayWrite(action, ports)) ? trySpec(applies, check) : NO_REFUSALS;
}

/** Applies and deletes the objects of one spec in order; gives the keys of those that were not applied. */
async function applyObjects(
  { spec, refusals }: { readonly spec: SpecPlan; readonly refusals: Refusals },
  ports: ApplyPorts,
  tell: (outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<ReadonlySet<ObjectKey>> {
  const left = new Set<ObjectKey>();
  let stopped = refusals.size > 0;
  for (const action of spec.actions) {
    if (!isClusterAction(action)) continue;
    const refusal = action.kind === 'apply-object' ? refusals.get(action.key) : undefined;
    if (stopped || !mayWrite(action, ports)) {
      left.add(action.key);
      tell(refusal === undefined ? skipped(spec.spec, action) : { spec: spec.spec, action, result: 'failed', problem: refusal });
      continue;
    }
    ports.onBegin?.(action);
    const result = await ports.cluster.apply(action, signal);
    if (result.kind === 'failed') {
      stopped = true;
      left.add(action.key);
      tell({ spec: spec.spec, action, result: 'failed', problem: result.problem });
    } else {
      const { stored } = result;
      tell({ spec: spec.spec, action, result: 'done', ...(stored === undefined ? {} : { stored }) });
    }
  }
  return left;
}

function mayWrite(action: ClusterAction, { leases, mayBegin }: ApplyPorts): boolean {
  if (!mayBegin() || !leases.kubernetes.state().held) return false;
  return action.kind !== 'delete-object' || leases.consul.state().held;
}
