import type { Action, ApplyObject, ClusterAction, DeleteObject } from '../core/model/action.ts';
import { hashOf } from '../core/model/hash.ts';
import type { ObjectKey, SpecId } from '../core/model/ids.ts';
import { kindOf, SERVICE_KIND } from '../core/model/ids.ts';
import type { Clock } from '../core/model/ports.ts';
import type { ClusterState } from '../core/model/world.ts';
import type { SpecPlan } from '../core/plan/spec-plan.ts';
import { backoffMs } from '../shared/backoff.ts';
import type { Problem } from '../shared/problem.ts';
import type { Outcome } from './apply-plan.ts';
import { isClusterAction } from './apply-plan.ts';

/** What Kubernetes refused of a spec, and when it is tried again. */
export interface RefusedSpec {
  /** Hash of the objects that were to be applied and are not. */
  readonly applies: string;
  /** Hashes of the deletes that were to be done and are not; empty when none of them was refused. */
  readonly deletes: ReadonlySet<string>;
  readonly problems: readonly Problem[];
  /** How often the same was refused in a row. */
  readonly failures: number;
  readonly triedAtMs: number;
  readonly dueAtMs: number;
}

/** The specs of which something was refused. Kept in memory only: after a restart each is tried once more. */
export type RefusedSpecs = Map<SpecId, RefusedSpec>;

/** What only a change mends; quotas, webhooks and rights are changed without our seeing it. */
const SLOW = { baseMs: 30_000, maxMs: 300_000 };
/** What may pass by itself. */
const QUICK = { baseMs: 1_000, maxMs: 60_000 };

/** True for the failure of an action of a spec in Kubernetes: when it is tried again is decided here, not by the loop. */
export function isRefusal({ spec, action, result, problem }: Outcome): boolean {
  const ofSpec = spec !== undefined && spec !== '' && isClusterAction(action);
  return ofSpec && result === 'failed' && problem?.code !== 'LEASE_HELD_ELSEWHERE';
}

/** Remembers what was refused, and forgets the specs of which everything was done. */
export function noteRefusedSpecs(outcomes: readonly Outcome[], refused: RefusedSpecs, clock: Clock): void {
  const told = outcomes.filter(({ action }) => isClusterAction(action));
  for (const [spec, ofSpec] of Map.groupBy(told, (outcome) => outcome.spec)) {
    if (spec === undefined) continue;
    const left = ofSpec.filter(({ result }) => result !== 'done');
    if (left.length === 0) refused.delete(spec);
    if (left.some(isRefusal)) refused.set(spec, refusedSpec(left, refused.get(spec), clock));
  }
}

function refusedSpec(left: readonly Outcome[], before: RefusedSpec | undefined, clock: Clock): RefusedSpec {
  const problems = left.flatMap(({ problem }) => problem ?? []);
  const applies = hashApplies(
    left.flatMap(({ action }) => (action.kind === 'apply-object' ? [action] : [])),
    cameTooLate(problems),
  );
  const refusedDelete = left.some((outcome) => outcome.action.kind === 'delete-object' && isRefusal(outcome));
  const deletes = left.flatMap(({ action }) => (action.kind === 'delete-object' && refusedDelete ? [hashDelete(action)] : []));
  const failures = before?.applies === applies ? before.failures + 1 : 1;
  const triedAtMs = clock.now();
  const policy = problems.every(mayPass) ? QUICK : SLOW;
  const dueAtMs = triedAtMs + backoffMs(failures - 1, policy, clock.random);
  return { applies, deletes: new Set(deletes), problems, failures, triedAtMs, dueAtMs };
}

/** A kind may be served a moment after its definition is there. */
const mayPass = ({ next, code }: Problem): boolean => next === 'retry' || code === 'KUBERNETES_UNKNOWN_KIND';

/**
 * What is sent, and to which object. What a plan relied on of the object stands in what is sent (its NodePorts, its number of
 * replicas), so its version does not count: a status moves it at any time. It does where it was what was refused.
 */
const hashApplies = (actions: readonly ApplyObject[], cameLate: boolean): string =>
  hashOf(
    actions.map(({ key, object, existing }) => {
      const version = cameLate && existing?.pinVersion === true ? existing.resourceVersion : '';
      return { key, object, uid: existing?.uid ?? '', version };
    }),
  );

/** The object had another version by then: the next one that is seen is tried at once. */
const cameTooLate = (problems: readonly Problem[]): boolean => problems.some(({ code }) => code === 'KUBERNETES_CONFLICT');
const hashDelete = ({ key, uid, resourceVersion }: DeleteObject): string => hashOf({ key, uid, resourceVersion });

/** What decides whether a spec is tried again now. */
export interface Moment {
  readonly cluster: ClusterState;
  readonly nowMs: number;
}

/**
 * The plan without what was refused before, while there is no reason to try it again: the same is to be done to the same objects,
 * it is not due yet, and the API server has not come back since. What was said of it is said again, and the Services that are
 * left count as not applied. Pure.
 */
export function restRefused(plan: SpecPlan, refused: RefusedSpec | undefined, moment: Moment): SpecPlan {
  if (refused === undefined || !rests(plan, refused, moment)) return plan;
  const resting = clusterActions(plan.actions);
  const what = 'what was refused rests; a change of the spec or of one of its objects, or a resync, tries it again at once';
  return {
    ...plan,
    actions: plan.actions.filter((action) => !isClusterAction(action)),
    removing: plan.removing.filter((action) => !isClusterAction(action)),
    resting,
    problems: [...plan.problems, ...refused.problems],
    waiting: [...plan.waiting, { leg: 'kubernetes', what, on: undefined, untilMs: refused.dueAtMs }],
    unapplied: [...plan.unapplied, ...keysOfServices(resting)],
  };
}

function rests(plan: SpecPlan, refused: RefusedSpec, { cluster, nowMs }: Moment): boolean {
  const applies = clusterActions(plan.actions).filter((action) => action.kind === 'apply-object');
  const deletes = clusterActions(plan.removing).filter((action) => action.kind === 'delete-object');
  const open = [...applies, ...deletes];
  if (open.length === 0 || nowMs >= refused.dueAtMs || lastConnected(open, cluster) > refused.triedAtMs) return false;
  const sameDeletes = refused.deletes.size === 0 || deletes.every((action) => refused.deletes.has(hashDelete(action)));
  return sameDeletes && hashApplies(applies, cameTooLate(refused.problems)) === refused.applies;
}

/** When the last of the watches of these kinds began, in ms since the epoch; 0 when none is complete. */
function lastConnected(actions: readonly ClusterAction[], { services, objects }: ClusterState): number {
  const kinds = new Set(actions.map(({ key }) => kindOf(key)));
  const times = [...kinds].map((kind) => {
    const snapshot = kind === SERVICE_KIND ? services : objects.get(kind);
    return snapshot?.kind === 'complete' ? snapshot.connectedAtMs : 0;
  });
  return Math.max(0, ...times);
}

const clusterActions = (actions: readonly Action[]): readonly ClusterAction[] => actions.filter(isClusterAction);

const keysOfServices = (actions: readonly ClusterAction[]): readonly ObjectKey[] =>
  actions.flatMap(({ key }) => (kindOf(key) === SERVICE_KIND ? [key] : []));

/** Makes every refused spec due: somebody asks for it, or everything is compared anew. */
export function retryAll(refused: RefusedSpecs): void {
  for (const [spec, entry] of refused) refused.set(spec, { ...entry, dueAtMs: 0 });
}

/** Forgets the specs of which nothing is to be done in Kubernetes any more. `plans` hold what is to be done, resting or not. */
export function forgetSettled(refused: RefusedSpecs, plans: readonly SpecPlan[]): void {
  if (refused.size === 0) return;
  const open = new Set(plans.filter(({ actions, removing }) => [...actions, ...removing].some(isClusterAction)).map(({ spec }) => spec));
  for (const spec of refused.keys()) if (!open.has(spec)) refused.delete(spec);
}
