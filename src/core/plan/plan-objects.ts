import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { scaledByAutoscaler, withLiveReplicas } from '../desired/live-replicas.ts';
import { withLiveSelector } from '../desired/live-selector.ts';
import { markObject } from '../desired/mark-object.ts';
import { ownershipOf } from '../desired/ownership.ts';
import type { ImmutableRefusal } from '../desired/recreations.ts';
import { mayRecreate } from '../desired/recreations.ts';
import type { PortUse } from '../desired/service-ports.ts';
import { portsClosedByTypeChange, withFormerNodePorts, withOpenPorts } from '../desired/service-ports.ts';
import { takenOver } from '../desired/taken-over.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { groupKind, kindOf, objectTitle, poolKey, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, KubernetesObject, LiveObject, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import { adoptionChanges, managersToTake, whyNotAdopt } from './adopt-object.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, forgottenDrains } from './context.ts';
import { missingFoundation, objectsOf } from './foundations.ts';
import { unlessFutile } from './futile-apply.ts';
import { judgeStep } from './in-step.ts';
import { drainEnd } from './let-go.ts';
import { remember } from './memos.ts';
import { orderObjects } from './order.ts';
import { recreateStep } from './plan-recreate.ts';
import { registeredPorts, toldNodePorts } from './pool-entries.ts';
import type { ObjectStep } from './steps.ts';

const AUTOSCALER_KIND = groupKind('autoscaling', 'HorizontalPodAutoscaler');

/** One desired object, its wave, and what is to be done about it. */
export interface PlannedObject {
  readonly key: ObjectKey;
  readonly wave: number;
  readonly step: ObjectStep;
}

/** Plans the objects of one decoded spec, in the order of applying. What of it may be done now is the gate's to say. */
export function planObjects({ id, spec }: DesiredSpec, context: PlanContext): readonly PlannedObject[] {
  if (spec === undefined) return [];
  const ordered = remember(context.memos.orders, id, [spec], () => orderObjects(spec));
  const autoscaled = autoscaledNames(spec.objects);
  return ordered.map(({ wanted, wave }) => {
    const step = planObject(id, wanted, autoscaled.has(wanted.key), context);
    return { key: wanted.key, wave, step };
  });
}

/** Keys of the workloads that an autoscaler of the same spec scales. */
function autoscaledNames(objects: readonly SpecObject[]): ReadonlySet<ObjectKey> {
  return new Set(
    objects.flatMap(({ key, object }) => {
      if (kindOf(key) !== AUTOSCALER_KIND) return [];
      const target = (object['spec'] as JsonObject | undefined)?.['scaleTargetRef'] as JsonObject | undefined;
      const group = String(target?.['apiVersion'] ?? '').split('/')[0] ?? '';
      return [`${group}/${String(target?.['kind'])}/${object.metadata.namespace ?? ''}/${String(target?.['name'])}` as ObjectKey];
    }),
  );
}

function planObject(spec: SpecId, wanted: SpecObject, autoscaled: boolean, context: PlanContext): ObjectStep {
  const missing = missingFoundation(wanted.key, context);
  if (missing !== undefined) return { kind: 'wait', waiting: { leg: 'kubernetes', what: missing, on: wanted.key } };
  const snapshot = objectsOf(kindOf(wanted.key), context);
  if (snapshot === undefined || snapshot.kind === 'unavailable') {
    const reason = snapshot?.reason ?? problem('SNAPSHOT_STALE', `${objectTitle(wanted.key)} has not been looked up yet`);
    return { kind: 'refused', problem: reason };
  }
  const live = snapshot.value.get(wanted.key);
  const use = kindOf(wanted.key) === SERVICE_KIND ? portUse(live, context) : new Set<number>();
  const immutable = context.desired.recreations.get(wanted.key);
  const futile = context.futile?.get(wanted.key);
  const parts = [wanted, live, spec, autoscaled, immutable, futile, use === 'all' ? use : [...use].sort((a, b) => a - b).join()];
  return remember(context.memos.objects, wanted.key, parts, () =>
    live === undefined
      ? createStep({ spec, wanted, immutable }, context.policy)
      : unlessFutile(
          changeStep({ spec, wanted, live, use, autoscaled, immutable }, context.policy),
          futile,
          { spec, wanted, live },
          context.policy,
        ),
  );
}

/**
 * The NodePorts of a Service that may not close: those registered or told to agents, and those that drain or may still have to. Without a complete answer from
 * Consul nobody can tell, so all stay open (a Consul outage stops NodePort closings).
 */
function portUse(live: LiveObject | undefined, context: PlanContext): PortUse {
  if (live === undefined) return new Set();
  if (context.world.registry.kind !== 'complete') return 'all';
  const pool = poolKey(live.namespace, live.name);
  const remembered = drainingOf(pool, context.registry, context.policy)?.value;
  const draining = Object.entries(remembered?.ports ?? {});
  return new Set([
    ...registeredPorts(pool, context),
    ...toldNodePorts(pool, context),
    ...forgottenDrains(live.spec, remembered),
    ...draining
      .map(([port, sinceMs]) => ({ pool, port: Number(port), sinceMs }))
      .flatMap((one) => (drainEnd(one, context).atMs > context.nowMs ? [one.port] : [])),
  ]);
}

function createStep({ spec, wanted, immutable }: Pick<Change, 'spec' | 'wanted' | 'immutable'>, policy: Policy): ObjectStep {
  const object = markObject(withFormerNodePorts(wanted.object, immutable?.live), spec, policy.owner, undefined);
  return { kind: 'apply', action: { kind: 'apply-object', key: wanted.key, object, why: 'create', changes: ['new object'] } };
}

interface Change {
  readonly spec: SpecId;
  readonly wanted: SpecObject;
  readonly live: LiveObject;
  readonly use: PortUse;
  readonly autoscaled: boolean;
  /** Known when the change was refused and the object is to be deleted and created again. */
  readonly immutable: ImmutableRefusal | undefined;
}

function changeStep({ spec, wanted, live, use, autoscaled, immutable }: Change, policy: Policy): ObjectStep {
  const { key } = wanted;
  if (live.deleting)
    return { kind: 'wait', waiting: { leg: 'kubernetes', what: `${objectTitle(key)} is still being deleted${finalizers(live)}`, on: key } };
  const ownership = ownershipOf(live, policy.owner);
  const refusal = ownership === 'stranger' ? whyNotAdopt(wanted.object, live, policy) : undefined;
  if (refusal !== undefined) return { kind: 'refused', problem: refusal };
  const takeFrom = managersToTake(live, ownership, policy);
  const seen = takenOver(live, takeFrom);
  const unscaled = withLiveSelector(wanted, seen);
  const scaled = withLiveReplicas(unscaled, seen, { autoscaled, owner: policy.owner });
  const object = markObject(withOpenPorts(scaled, seen, use), spec, policy.owner, seen);
  const relies = kindOf(key) === SERVICE_KIND || sendsLiveReplicas(unscaled, scaled);
  const existing = { uid: live.uid, resourceVersion: live.resourceVersion, pinVersion: relies || ownership === 'stranger' };
  const recreate = mayRecreate(wanted.object, live, policy.owner) ? { recreate: true as const } : {};
  const action = { kind: 'apply-object' as const, key, object, existing, ...recreate };
  const closing = ownership === 'stranger' ? [] : portsClosedByTypeChange(wanted.object, live, use);
  if (closing.length > 0) return { kind: 'drain-first', ports: closing };
  const verdict = judgeStep(object, live);
  if (verdict.kind === 'in-step' && takeFrom.length === 0) {
    const note = autoscaled ? undefined : replicasNote({ spec, wanted, live });
    return { kind: 'in-step', ...(note === undefined ? {} : { problem: note }) };
  }
  if (immutable !== undefined) return recreateStep(live, immutable);
  if (verdict.kind === 'in-step' || ownership === 'stranger' || takeFrom.length > 0) {
    const changes = adoptionChanges({ sent: object, live, taken: takeFrom }, policy);
    return { kind: 'apply', action: { ...action, why: 'adopt', takeFrom, changes } };
  }
  return { kind: 'apply', action: { ...action, why: verdict.kind, changes: verdict.changes } };
}

/** Tells that the number in the file does not count, since an autoscaler that no spec holds has set another. */
function replicasNote({ spec, wanted, live }: Pick<Change, 'spec' | 'wanted' | 'live'>): Problem | undefined {
  const stated = (wanted.object['spec'] as JsonObject | undefined)?.['replicas'];
  const running = live.spec['replicas'];
  if (typeof stated !== 'number' || stated === running || !scaledByAutoscaler(live)) return undefined;
  const message = `${objectTitle(wanted.key)} keeps ${String(running)} replicas, which an autoscaler has set; the ${stated} of the file do not count`;
  return problem('KUBERNETES_REPLICAS_LEFT', message, { where: { file: spec, ...wanted.where } });
}

/** True when the number of replicas is the live one, which another write could change meanwhile. */
const sendsLiveReplicas = (unscaled: KubernetesObject, scaled: KubernetesObject): boolean =>
  scaled !== unscaled && (scaled['spec'] as JsonObject)['replicas'] !== undefined;

/** What holds up the end of an object that is being deleted, for people. */
export const finalizers = (live: LiveObject): string =>
  live.finalizers.length === 0 ? '' : ` (finalizers: ${live.finalizers.join(', ')})`;
