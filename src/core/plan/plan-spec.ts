import type { Problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import type { PoolView } from '../desired/pool-view.ts';
import { isDrainingPort, portsOf } from '../desired/service-ports.ts';
import { suspensionsOf } from '../desired/suspensions.ts';
import type { Action, Waiting } from '../model/action.ts';
import type { ObjectKey } from '../model/ids.ts';
import { kindOf, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, KubernetesObject } from '../model/objects.ts';
import type { PlanContext } from './context.ts';
import { gateSpec } from './gate-spec.ts';
import type { PlannedObject } from './plan-objects.ts';
import { planObjects } from './plan-objects.ts';
import { planPool } from './plan-pool.ts';
import type { Pruning } from './plan-pruning.ts';
import { planPruning } from './plan-pruning.ts';
import { notRecreated, toRecreate } from './plan-recreate.ts';
import type { HandOver } from './plan-removals.ts';
import { planRemovals } from './plan-removals.ts';
import { planRollouts } from './plan-rollout.ts';
import { planSpecifications } from './plan-specifications.ts';
import { putOffChanges } from './put-off.ts';
import type { SpecPlan } from './spec-plan.ts';
import type { ObjectStep } from './steps.ts';

/**
 * Plans one spec: objects to apply, pools to register, pools and objects to remove, in that order. Pure. Of a broken
 * file the last good version is applied, where one is known; a spec that is suspended or set aside, or one whose file is gone, applies
 * nothing. Their pools go on from the live Services. Removals are planned as if allowed; the guard takes them out where they are not. Nothing of a spec is applied while one of its objects is
 * refused, or is to be deleted first.
 */
export function planSpec(spec: DesiredSpec, context: PlanContext): SpecPlan {
  const actions: Action[] = [];
  const steps = isInForce(spec) ? planObjects(spec, context) : [];
  const gate = gateSpec(spec, steps, context);
  const problems: Problem[] = [...spec.problems, ...gate.problems, ...(context.routes?.problems.get(spec.id) ?? [])];
  const waiting: Waiting[] = [...gate.waiting];
  const recreated = toRecreate(steps, gate.shut);
  const refused = recreated.length > 0 || steps.some(({ step }) => step.kind === 'refused');
  for (const { key, step } of steps) {
    if (step.kind === 'in-step' && step.problem !== undefined) problems.push(step.problem);
    if (gate.shut.has(key)) continue;
    if (step.kind === 'apply' && !refused) actions.push(step.action);
    else if (step.kind === 'wait') waiting.push(step.waiting);
    else if (step.kind === 'refused') problems.push(step.problem);
    else if (step.kind === 'drain-first') {
      waiting.push({ leg: 'consul', what: `NodePort ${step.ports.join(', ')} drains before the Service changes its type`, on: key });
    }
  }
  const pruning = planPruning(spec, steps, context);
  const pools = planPools(spec, { kept: pruning.kept, applied: appliedServices(actions) }, context);
  actions.push(...pools.actions);
  waiting.push(...pools.waiting);
  problems.push(...pools.problems);
  const rollouts = planRollouts(spec, steps, context);
  const leaving = planRemovals(spec, { pruning, handOvers: pools.handOvers, recreated }, context);
  // After everything else: what is told to people may wait, traffic may not.
  if (spec.standing === 'decoded' && actions.length + leaving.actions.length === 0) {
    const isApplied = steps.every(({ step }) => step.kind === 'in-step');
    const record = planSpecifications(spec, isApplied, context);
    actions.push(...record.actions);
    problems.push(...record.problems);
  }
  const putOff = putOffChanges(spec, { steps, gate, pruning });
  return {
    spec: spec.id,
    standing: spec.standing,
    actions,
    waiting: [...waitsOfSuspended(spec, context), ...waiting, ...rollouts.waiting, ...leaving.waiting, ...pruning.waiting],
    problems: [...problems, ...rollouts.problems, ...leaving.notes],
    removals: leaving.removals,
    removing: leaving.actions,
    whileHeld: pools.whileHeld,
    holds: [],
    ...(putOff.length === 0 ? {} : { putOff }),
    unapplied: [...servicesLeft(spec, { steps, shut: gate.shut, refused }), ...notRecreated(steps, recreated, context)],
    pools: spec.pools.map((view) => view.pool),
  };
}

/** That a person has the spec left as it is, and until when. */
const waitsOfSuspended = ({ id }: DesiredSpec, { memory, nowMs }: PlanContext): readonly Waiting[] =>
  suspensionsOf(id, memory, nowMs).map(({ reason, untilMs }) => {
    const what = reason === undefined ? 'suspended' : `suspended: ${reason}`;
    return { leg: 'kubernetes', what, on: undefined, ...(untilMs === undefined ? {} : { untilMs }) };
  });

/** The last good version of a broken file stays in force (design section 9, promise 10). */
const isInForce = ({ standing }: DesiredSpec): boolean => standing === 'decoded' || standing === 'broken';

/** What is done about the pools of one spec that have a Service. */
interface PoolPlans {
  readonly actions: readonly Action[];
  readonly whileHeld: readonly Action[];
  readonly handOvers: readonly HandOver[];
  readonly waiting: readonly Waiting[];
  readonly problems: readonly Problem[];
}

interface PoolInput extends Pick<Pruning, 'kept'> {
  /** The Services that are applied before, as they are sent. */
  readonly applied: ReadonlyMap<ObjectKey, KubernetesObject>;
}

function planPools(spec: DesiredSpec, { kept, applied }: PoolInput, context: PlanContext): PoolPlans {
  const actions: Action[] = [];
  const whileHeld: Action[] = [];
  const handOvers: HandOver[] = [];
  const waiting: Waiting[] = [];
  const problems: Problem[] = [];
  for (const view of spec.pools) {
    problems.push(...view.problems);
    const step = planPool(view, context, isMoving(view, applied.get(view.live.key)));
    if (view.leaving !== undefined) {
      if (step.action?.kind === 'register-pool') (kept.has(view.live.key) ? actions : whileHeld).push(step.action);
      continue;
    }
    const handOver = step.handOver ?? step.forget;
    if (handOver !== undefined) handOvers.push({ pool: view.pool, action: handOver });
    if (step.action !== undefined) (step.handOver === undefined ? actions : whileHeld).push(step.action);
    waiting.push(...step.waiting);
    problems.push(...step.problems);
  }
  return { actions, whileHeld, handOvers, waiting, problems };
}

function appliedServices(actions: readonly Action[]): ReadonlyMap<ObjectKey, KubernetesObject> {
  return new Map(
    actions.flatMap((action) =>
      action.kind === 'apply-object' && kindOf(action.key) === SERVICE_KIND ? [[action.key, action.object]] : [],
    ),
  );
}

/** True when the Service is about to keep the NodePort that the pool has only for its draining. */
function isMoving({ nodePort, leaving }: PoolView, applied: KubernetesObject | undefined): boolean {
  const spec = applied?.['spec'] as JsonObject | undefined;
  if (spec === undefined || nodePort === undefined || leaving !== undefined) return false;
  return portsOf(spec).some((port) => isDrainingPort(port) && port.nodePort === nodePort);
}

/** The Services that the spec wants changed and that are not: their pools follow what runs. */
function servicesLeft(
  { pools }: DesiredSpec,
  { steps, shut, refused }: { readonly steps: readonly PlannedObject[]; readonly shut: ReadonlySet<ObjectKey>; readonly refused: boolean },
): readonly ObjectKey[] {
  const withdrawn = new Set(pools.flatMap((view) => (isWithdrawn(view) ? [view.live.key] : [])));
  const isChange = ({ kind }: ObjectStep): boolean => kind === 'apply' || kind === 'drain-first';
  const changes = steps.flatMap(({ key, step }) => (kindOf(key) === SERVICE_KIND && isChange(step) ? [key] : []));
  return changes.filter((key) => (refused || shut.has(key)) && !withdrawn.has(key));
}

/** `poolkeeper.dev/register: "false"` takes a pool out of traffic at once, whatever the Service itself waits for. */
const isWithdrawn = ({ settings }: PoolView): boolean => settings.register === false;
