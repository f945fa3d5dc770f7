import type { Problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { healthOf } from '../health/health-of.ts';
import type { Waiting } from '../model/action.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { groupKind, kindOf, objectTitle } from '../model/ids.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';
import { foundationCircle } from './foundation-circles.ts';
import type { PlannedObject } from './plan-objects.ts';
import { planObjects } from './plan-objects.ts';

/** What keeps changes of a spec back. What is in step already needs nothing, so nothing of it waits. */
export interface Gate {
  /** Objects whose change must wait. */
  readonly shut: ReadonlySet<ObjectKey>;
  readonly waiting: readonly Waiting[];
  readonly problems: readonly Problem[];
}

const OPEN: Gate = { shut: new Set(), waiting: [], problems: [] };

/**
 * Which changes of a spec wait: all of them until every spec that it depends on is in step and healthy, and those of a wave
 * until every object of the lower waves is. The registrations of pools never wait for either. What the file has dropped goes
 * when nothing waits any more (see planPruning), the other removals at once.
 */
export function gateSpec(spec: DesiredSpec, planned: readonly PlannedObject[], context: PlanContext): Gate {
  const { of, problems: wrong } = context.dependencies;
  const problems = wrong.get(spec.id) ?? [];
  const changes = planned.filter((one) => isChange(one) && !isSecondHalf(one, context));
  if (changes.length === 0) return problems.length === 0 ? OPEN : { ...OPEN, problems };
  const waiting = (of.get(spec.id) ?? []).flatMap((on): Waiting[] => {
    const why = whyNotReady(on, context);
    return why === undefined ? [] : [{ leg: 'kubernetes', what: `waits for ${on}: ${why}`, on: undefined }];
  });
  if (problems.length > 0) return { shut: keysOf(changes), waiting, problems };
  if (waiting.length > 0) return { shut: keysOf(changes), waiting, problems: circlesOf(spec, context) };
  return gateWaves(changes, planned, context);
}

function circlesOf({ id }: DesiredSpec, context: PlanContext): readonly Problem[] {
  const circle = foundationCircle(id, context);
  return circle === undefined ? [] : [circle];
}

const isChange = ({ step }: PlannedObject): boolean => step.kind === 'apply' || step.kind === 'drain-first' || step.kind === 'recreate';

/** What was deleted to be created again must come back, whatever has begun to fail meanwhile. */
const isSecondHalf = ({ key }: PlannedObject, { desired }: PlanContext): boolean => desired.recreations.has(key) && !desired.live.has(key);

const keysOf = (objects: readonly PlannedObject[]): ReadonlySet<ObjectKey> => new Set(objects.map(({ key }) => key));

function gateWaves(changes: readonly PlannedObject[], planned: readonly PlannedObject[], context: PlanContext): Gate {
  const last = changes.at(-1)?.wave ?? 0;
  const lower = planned.filter(({ wave }) => wave < last);
  const first = firstUnsettled(lower, context);
  if (first === undefined) return OPEN;
  const { object, why } = first;
  const shut = changes.filter(({ wave }) => wave > object.wave);
  const waiting = [...new Set(shut.map(({ wave }) => wave))].map((wave): Waiting => {
    return { leg: 'kubernetes', what: `wave ${wave} waits for ${objectTitle(object.key)} of wave ${object.wave}: ${why}`, on: object.key };
  });
  return { shut: keysOf(shut), waiting, problems: [] };
}

/** Why what depends on a spec must wait: it is not decoded, or an object of it is not in step, or not healthy. */
function whyNotReady(id: SpecId, context: PlanContext): string | undefined {
  const { readiness, desired } = context;
  if (readiness.has(id)) return readiness.get(id);
  const why = unreadiness(desired.specs.get(id), context);
  readiness.set(id, why);
  return why;
}

function unreadiness(spec: DesiredSpec | undefined, context: PlanContext): string | undefined {
  if (spec === undefined || spec.standing === 'gone') return 'it does not exist';
  if (spec.standing === 'broken') return 'it is broken';
  if (spec.standing === 'set-aside') return 'it is set aside';
  if (spec.spec === undefined) return 'it does not exist, and what it held is suspended';
  const first = firstUnsettled(planObjects(spec, context), context);
  if (first === undefined) return undefined;
  return `${spec.standing === 'suspended' ? 'it is suspended, and ' : ''}${objectTitle(first.object.key)}: ${first.why}`;
}

function firstUnsettled(
  objects: readonly PlannedObject[],
  context: PlanContext,
): { readonly object: PlannedObject; readonly why: string } | undefined {
  for (const object of objects) {
    const why = whyUnsettled(object, context);
    if (why !== undefined) return { object, why };
  }
  return undefined;
}

/** Why an object is not in step or not healthy. A health that nobody has looked at holds nothing up. */
function whyUnsettled({ key, step }: PlannedObject, context: PlanContext): string | undefined {
  switch (step.kind) {
    case 'apply':
      return step.action.existing === undefined ? 'it does not exist yet' : 'its change is not applied yet';
    case 'drain-first':
      return `its NodePort ${step.ports.join(', ')} drains first`;
    case 'recreate':
      return 'it is to be deleted and created again';
    case 'wait':
      return step.waiting.what;
    case 'refused':
      return step.problem.message;
    case 'in-step':
      return whyUnhealthy(key, context);
  }
}

/**
 * Nothing waits for a claim to be bound: its pods do so by themselves, and where the storage class binds on the first consumer
 * (WaitForFirstConsumer) it is bound only when a pod of a higher wave wants it.
 */
const CLAIM_KIND = groupKind('', 'PersistentVolumeClaim');

function whyUnhealthy(key: ObjectKey, { desired, world }: PlanContext): string | undefined {
  const live = desired.live.get(key);
  if (live === undefined) return undefined;
  const { state, reason } = healthOf(live, snapshotValue(world.cluster.pods)?.get(key) ?? []);
  if (state === 'progressing' && kindOf(key) === CLAIM_KIND && !live.deleting) return undefined;
  return state === 'progressing' || state === 'failed' ? reason : undefined;
}
