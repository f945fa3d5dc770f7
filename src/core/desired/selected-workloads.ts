import type { JsonObject, KubernetesObject, LiveObject, SpecObject } from '../model/objects.ts';

type Labels = Readonly<Record<string, unknown>>;

/** The objects of a spec that make pods which a Service of it selects, as it stands or as it should be. */
export function selectedWorkloads(service: LiveObject, objects: readonly SpecObject[]): readonly SpecObject[] {
  const wanted = objects.find(({ key }) => key === service.key)?.object;
  const specs = [service.spec, specOf(wanted)];
  return objects.filter(
    ({ object }) =>
      object.metadata.namespace === service.namespace && labelsOfPods(object).some((labels) => specs.some((spec) => selects(spec, labels))),
  );
}

/** A workload, or a Service, in its live form and as its spec states it: while one replaces the other, both count. */
export interface TwoForms {
  readonly live: LiveObject;
  readonly wanted: KubernetesObject | undefined;
}

/** True when the Service selects pods of the workload, in any form of either. Better one pool too many than one with no pods. */
export function mayServe(workload: TwoForms, service: TwoForms): boolean {
  if (workload.live.namespace !== service.live.namespace) return false;
  const pods = [...labelsOfLivePods(workload.live), ...labelsOfPods(workload.wanted)];
  return [service.live.spec, specOf(service.wanted)].some((spec) => pods.some((labels) => selects(spec, labels)));
}

const labelsOfLivePods = ({ kind, labels, spec }: LiveObject): readonly Labels[] => (kind === 'Pod' ? [labels] : labelsOfTemplate(spec));

function labelsOfPods(object: KubernetesObject | undefined): readonly Labels[] {
  if (object === undefined) return [];
  return object.kind === 'Pod' ? [object.metadata.labels ?? {}] : labelsOfTemplate(specOf(object));
}

const specOf = (object: KubernetesObject | undefined): JsonObject => (object?.['spec'] ?? {}) as JsonObject;

function labelsOfTemplate(spec: JsonObject): readonly Labels[] {
  const template = spec['template'] as JsonObject | undefined;
  const labels = (template?.['metadata'] as JsonObject | undefined)?.['labels'];
  return labels === undefined ? [] : [labels as JsonObject];
}

/** A Service without selector selects nothing. */
function selects(service: JsonObject, labels: Labels): boolean {
  const wanted = Object.entries((service['selector'] ?? {}) as JsonObject);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
