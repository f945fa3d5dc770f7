import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { withLiveReplicas } from '../desired/live-replicas.ts';
import { markObject } from '../desired/mark-object.ts';
import { ownershipOf } from '../desired/ownership.ts';
import type { PortUse } from '../desired/service-ports.ts';
import { portsClosedByTypeChange, withOpenPorts } from '../desired/service-ports.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { groupKind, kindOf, NAMESPACE_KIND, objectTitle, poolKey, SERVICE_KIND } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { JsonObject, KubernetesObject, LiveObject, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, drainMs, forgottenDrains, remember } from './context.ts';
import { judgeStep } from './in-step.ts';
import { byApplyOrder } from './order.ts';
import { registeredPorts, toldNodePorts } from './pool-entries.ts';
import type { ObjectStep } from './steps.ts';

const AUTOSCALER_KIND = groupKind('autoscaling', 'HorizontalPodAutoscaler');

/** Plans the objects of one decoded spec, in the order of applying. */
export function planObjects(spec: DesiredSpec, context: PlanContext): readonly { readonly key: ObjectKey; readonly step: ObjectStep }[] {
  const objects = [...(spec.spec?.objects ?? [])].sort((a, b) => byApplyOrder(a.key, b.key));
  const autoscaled = autoscaledNames(objects);
  return objects.map((wanted) => ({ key: wanted.key, step: planObject(spec.id, wanted, autoscaled.has(wanted.key), context) }));
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
  const snapshot = snapshotOf(wanted.key, context);
  if (snapshot === undefined || snapshot.kind === 'unavailable') {
    const reason = snapshot?.reason ?? problem('SNAPSHOT_STALE', `${objectTitle(wanted.key)} has not been looked up yet`);
    return { kind: 'refused', problem: reason };
  }
  const live = snapshot.value.get(wanted.key);
  const use = kindOf(wanted.key) === SERVICE_KIND ? portUse(live, context) : new Set<number>();
  const parts = [wanted, live, spec, autoscaled, use === 'all' ? use : [...use].sort((a, b) => a - b).join()];
  return remember(context.memos.objects, wanted.key, parts, () =>
    live === undefined ? createStep(spec, wanted, context.policy) : changeStep({ spec, wanted, live, use, autoscaled }, context.policy),
  );
}

function snapshotOf(key: ObjectKey, context: PlanContext): Snapshot<ReadonlyMap<ObjectKey, LiveObject>> | undefined {
  const kind = kindOf(key);
  return kind === SERVICE_KIND ? context.world.cluster.services : context.world.cluster.objects.get(kind);
}

/**
 * The NodePorts of a Service that may not close: those registered or told to agents, and those that drain or may still have to. Without a complete answer from
 * Consul nobody can tell, so all stay open (a Consul outage stops NodePort closings).
 */
function portUse(live: LiveObject | undefined, context: PlanContext): PortUse {
  if (live === undefined) return new Set();
  if (context.world.registry.kind !== 'complete') return 'all';
  const pool = poolKey(live.namespace, live.name);
  const wait = drainMs(context.views.get(pool), context.policy);
  const remembered = drainingOf(pool, context.registry, context.policy)?.value;
  const draining = Object.entries(remembered?.ports ?? {});
  return new Set([
    ...registeredPorts(pool, context),
    ...toldNodePorts(pool, context),
    ...forgottenDrains(live.spec, remembered),
    ...draining.flatMap(([port, sinceMs]) => (sinceMs + wait > context.nowMs ? [Number(port)] : [])),
  ]);
}

function createStep(spec: SpecId, wanted: SpecObject, policy: Policy): ObjectStep {
  const object = markObject(wanted.object, spec, policy.owner, undefined);
  return { kind: 'apply', action: { kind: 'apply-object', key: wanted.key, object, why: 'create', changes: ['new object'] } };
}

interface Change {
  readonly spec: SpecId;
  readonly wanted: SpecObject;
  readonly live: LiveObject;
  readonly use: PortUse;
  readonly autoscaled: boolean;
}

function changeStep({ spec, wanted, live, use, autoscaled }: Change, policy: Policy): ObjectStep {
  const { key } = wanted;
  if (live.deleting)
    return { kind: 'wait', waiting: { leg: 'kubernetes', what: `${objectTitle(key)} is still being deleted${finalizers(live)}`, on: key } };
  const closing = portsClosedByTypeChange(wanted.object, live, use);
  const ownership = ownershipOf(live, policy.owner);
  const replicas = withLiveReplicas(wanted.object, live, autoscaled);
  const object = markObject(withOpenPorts(replicas, live, use), spec, policy.owner, live);
  const existing = { uid: live.uid, resourceVersion: live.resourceVersion };
  if (ownership === 'stranger') return adoptStep({ key, object, live }, policy);
  if (closing.length > 0) return { kind: 'drain-first', ports: closing };
  const verdict = judgeStep(object, live);
  if (verdict.kind === 'in-step') return { kind: 'in-step' };
  const pinVersion = kindOf(key) === SERVICE_KIND || replicas !== wanted.object;
  const { kind: why, changes } = verdict;
  return { kind: 'apply', action: { kind: 'apply-object', key, object, why, existing: { ...existing, pinVersion }, changes } };
}

const finalizers = (live: LiveObject): string => (live.finalizers.length === 0 ? '' : ` (finalizers: ${live.finalizers.join(', ')})`);

/** A stranger is refused, unless the spec or the configuration allows taking it over. */
function adoptStep({ key, object, live }: { key: ObjectKey; object: KubernetesObject; live: LiveObject }, policy: Policy): ObjectStep {
  const managers = [...new Set(live.managers.filter((m) => m.subresource === '').map((m) => m.name))];
  const by = managers.length === 0 ? 'someone else' : managers.join(', ');
  if (live.controlledBy !== undefined) {
    const message = `${objectTitle(key)} is controlled by ${live.controlledBy}`;
    return { kind: 'refused', problem: problem('OBJECT_NOT_OURS', message, { remedy: 'Rename the object in the spec.' }) };
  }
  const allowed = policy.allowAdopt || object.metadata.annotations?.[SETTINGS.adopt] === 'true';
  if (!allowed) {
    return { kind: 'refused', problem: problem('OBJECT_NOT_OURS', `${objectTitle(key)} exists already and belongs to ${by}`) };
  }
  const takeFrom = managers.filter((name) => policy.adoptFrom.includes(name));
  const existing = { uid: live.uid, resourceVersion: live.resourceVersion, pinVersion: true };
  return {
    kind: 'apply',
    action: { kind: 'apply-object', key, object, why: 'adopt', existing, takeFrom, changes: [`taken over from ${by}`] },
  };
}

/** Namespaces are never deleted: what strangers keep in them would go with them. */
export const isNeverDeleted = (key: ObjectKey): boolean => kindOf(key) === NAMESPACE_KIND;
