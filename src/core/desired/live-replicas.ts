import { fieldManager } from '../model/marks.ts';
import type { FieldManager, JsonObject, KubernetesObject, LiveObject } from '../model/objects.ts';

/** The horizontal pod autoscaler writes through the scale subresource under this manager name. */
const AUTOSCALER = 'kube-controller-manager';

/** What else decides about the number. */
export interface Scaling {
  /** A spec holds an autoscaler for the object. */
  readonly autoscaled: boolean;
  /** Whose server-side apply is ours. */
  readonly owner: string;
}

const isOurApply = ({ name, operation, subresource }: FieldManager, owner: string): boolean =>
  name === fieldManager(owner) && operation === 'Apply' && subresource === '';

/** True when an autoscaler has set `spec.replicas` of this object. */
export function scaledByAutoscaler(live: LiveObject): boolean {
  return live.managers.some((m) => m.ownsReplicas && m.subresource === 'scale' && m.name === AUTOSCALER);
}

/**
 * What to send as `spec.replicas` (design section 5). Without an autoscaler, and when the spec states a number: that number.
 * Otherwise the field belongs to someone else: it is left out once managedFields shows another owner, and until then the live
 * number is sent, because leaving out a field that only we own makes the server drop it (6 replicas become 1 at once).
 */
export function withLiveReplicas(object: KubernetesObject, live: LiveObject | undefined, { autoscaled, owner }: Scaling): KubernetesObject {
  const spec = object['spec'] as JsonObject | undefined;
  if (live === undefined || spec === undefined) return object;
  const stated = spec['replicas'] !== undefined;
  const held = live.managers.some((m) => m.ownsReplicas && !isOurApply(m, owner));
  const oursAlone = live.ourFields?.['f:spec']?.['f:replicas'] !== undefined && !held;
  const yields = autoscaled || scaledByAutoscaler(live);
  const running = oursAlone ? live.spec['replicas'] : undefined;
  if (stated ? !yields : running === undefined) return object;
  const { replicas: _dropped, ...rest } = spec;
  return { ...object, spec: running === undefined ? rest : { ...rest, replicas: running } };
}
