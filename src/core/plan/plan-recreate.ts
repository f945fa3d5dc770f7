import type { Problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { ImmutableRefusal } from '../desired/recreations.ts';
import { selectedWorkloads } from '../desired/selected-workloads.ts';
import type { Action, NodeAction, Waiting } from '../model/action.ts';
import type { ObjectKey } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { LiveObject, SpecObject } from '../model/objects.ts';
import type { PlanContext } from './context.ts';
import type { ObjectStep } from './steps.ts';

/**
 * How an object is deleted and created again, whose change the API server refuses because a field of it is immutable
 * (`poolkeeper.dev/recreate: "true"`). Each line is a state of the world, so a kill in between loses nothing but the knowledge
 * that the change was refused, which the next try brings back.
 *
 * | what stands | what is done |
 * |---|---|
 * | the old object, its pools in Consul | the pools leave, by the guard like any removal; nothing else of the spec is applied |
 * | the old object, its pools draining | it waits until they have drained, and they stay out |
 * | the old object, its pools drained | it is deleted; its children go with it |
 * | the old object, being deleted | it waits, its finalizers are told |
 * | nothing | it is created; a Service asks for the NodePorts that it had |
 * | the new object | its pools come back as soon as it has a ready pod of its own |
 */
export const recreateStep = (live: LiveObject, { what }: ImmutableRefusal): ObjectStep => ({
  kind: 'recreate',
  live,
  why: `deleted and created again: ${what}`,
});

/** What is to be done about one object of a spec. */
interface Step {
  readonly key: ObjectKey;
  readonly step: ObjectStep;
}

/** A live object that is to be deleted, and why. */
export interface Going {
  readonly live: LiveObject;
  readonly why: string;
  /** It is to be created again. */
  readonly returns?: true;
}

/** The objects to be deleted first: none while something of the spec is refused, since then nothing would be created either. */
export function toRecreate(steps: readonly Step[], shut: ReadonlySet<ObjectKey>): readonly Going[] {
  if (steps.some(({ step }) => step.kind === 'refused')) return [];
  return steps.flatMap(({ key, step }) =>
    step.kind === 'recreate' && !shut.has(key) ? [{ live: step.live, why: step.why, returns: true }] : [],
  );
}

/** True for a change whose refusal says that its object is to be deleted and created again. */
export const isToRecreate = (action: Action | NodeAction, problem: Problem | undefined): boolean =>
  action.kind === 'apply-object' && action.recreate === true && problem?.code === 'KUBERNETES_IMMUTABLE';

/**
 * Objects known as refused that this plan does not delete after all: something else of the spec is refused, they must wait, or
 * there is nothing to change any more. Their pools are to stay, so the plan is made once more without the refusals.
 */
export function notRecreated(steps: readonly Step[], recreated: readonly Going[], context: PlanContext): readonly ObjectKey[] {
  const { recreations, live } = context.desired;
  const going = new Set(recreated.map((object) => object.live.key));
  return steps.flatMap(({ key, step }) => (recreations.has(key) && live.has(key) && step.kind !== 'wait' && !going.has(key) ? [key] : []));
}

/**
 * Why a pool may not enter Consul although it has ready endpoints: they are pods that go with a workload which is being created
 * again, and the new one has no ready pod yet. Told from the world alone, so that it holds after a restart, for workloads that
 * carry the annotation. Another workload that is ready serves as well.
 */
export function whyNotServed(view: PoolView, { desired }: PlanContext): Waiting | undefined {
  const objects = desired.specs.get(view.spec)?.spec?.objects ?? [];
  const workloads = objects.some(isRecreatable) ? selectedWorkloads(view.live, objects) : [];
  const [absent] = workloads.filter((object) => isRecreatable(object) && !mayHaveReadyPods(desired.live.get(object.key)));
  if (absent === undefined || workloads.some(({ key }) => hasReadyPods(desired.live.get(key)))) return undefined;
  return { leg: 'kubernetes', what: `${objectTitle(absent.key)} has no ready pod yet`, on: view.pool };
}

const isRecreatable = ({ object }: SpecObject): boolean => object.metadata.annotations?.[SETTINGS.recreate]?.trim() === 'true';

/** The ready pods that a workload counts as its own; undefined when nobody has looked, or its kind does not count them. */
function readyPods(live: LiveObject | undefined): number | undefined {
  if (live === undefined || live.deleting) return 0;
  const count = live.status?.['readyReplicas'] ?? live.status?.['numberReady'];
  if (typeof count === 'number') return count;
  return live.status !== undefined && COUNTS_PODS.has(live.kind) ? 0 : undefined;
}

const COUNTS_PODS: ReadonlySet<string> = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController']);

const hasReadyPods = (live: LiveObject | undefined): boolean => (readyPods(live) ?? 0) > 0;

/** One that is scaled to nothing brings no pods, so nobody waits for them. */
const mayHaveReadyPods = (live: LiveObject | undefined): boolean => readyPods(live) !== 0 || live?.spec['replicas'] === 0;
