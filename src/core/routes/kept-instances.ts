import { byBytes } from '../model/ids.ts';
import { enableLabels, labelsOf } from './decode-labels.ts';
import type { RoutedInstance, RouteOptions, RouteProblem } from './route-model.ts';

/**
 * The instances that Traefik looks at: enabled, let through by the constraint, and healthy. They are sorted, so that the order
 * of the input is forgotten.
 */
export function keptInstances(
  instances: readonly RoutedInstance[],
  options: RouteOptions,
  problems: RouteProblem[],
): readonly RoutedInstance[] {
  const sorted = [...instances].sort((a, b) => byBytes(a.service, b.service) || byBytes(a.consulNode, b.consulNode) || byBytes(a.id, b.id));
  return [...Map.groupBy(sorted, (instance) => instance.service).values()].flatMap((group) =>
    isServiceKept(group, options, problems) ? keptOfService(group, options) : [],
  );
}

/** Traefik lets a whole service in or keeps it out by the tags of all its instances together. */
function isServiceKept(group: readonly RoutedInstance[], options: RouteOptions, problems: RouteProblem[]): boolean {
  const { prefix = 'traefik', exposedByDefault = true, constraintTag } = options;
  const service = group[0]?.service ?? '';
  const report = (message: string): unknown =>
    problems.push({ kind: 'enable', object: `Consul service ${service}`, declaredBy: [service], message: `${service}: ${message}` });
  const written = new Set(group.flatMap(({ tags }) => enableLabels(labelsOf(tags, prefix))));
  if (written.has(undefined)) report(`${prefix}.enable is neither true nor false; all its instances are left out`);
  else if (written.size > 1) report(`${prefix}.enable differs between its instances; chance decides whether Traefik sees any of them`);
  const isOn = written.size === 0 ? exposedByDefault : written.has(true) && !written.has(undefined);
  return isOn && (constraintTag === undefined || group.some(({ tags }) => tags.includes(constraintTag)));
}

function keptOfService(group: readonly RoutedInstance[], options: RouteOptions): readonly RoutedInstance[] {
  const { prefix = 'traefik', exposedByDefault = true, constraintTag } = options;
  // Traefik keys the health by node ID and instance ID: without node IDs, equal instance IDs share the last one's.
  const statuses = new Map(group.map((instance) => [instance.nodeId + instance.id, instance.status]));
  return group.filter(({ nodeId, id, tags }) => {
    const isExposed = exposedByDefault || tags.some((tag) => tag.toLowerCase() === `${prefix}.enable=true`);
    const isAllowed = constraintTag === undefined || tags.includes(constraintTag);
    const isOn = enableLabels(labelsOf(tags, prefix)).at(-1) ?? exposedByDefault;
    const status = statuses.get(nodeId + id);
    return isExposed && isAllowed && isOn && (status === 'passing' || status === 'warning');
  });
}
