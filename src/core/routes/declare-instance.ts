import { type DecodedLabels, decodeLabels, type LabelledObject, labelsOf } from './decode-labels.ts';
import { normalizeName } from './go-values.ts';
import { serverUrl } from './merge-objects.ts';
import type { RoutedInstance, RouteOptions, RouteProblem } from './route-model.ts';

type Objects = ReadonlyMap<string, LabelledObject>;

/**
 * What an instance declares, with the service and the router that Traefik makes up for one that declares none, and each router
 * linked to its service. Undefined when Traefik leaves the instance out.
 */
export function declareInstance(instance: RoutedInstance, options: RouteOptions, problems: RouteProblem[]): DecodedLabels | undefined {
  const leaveOut = (why: string): undefined => {
    const message = `${instance.id} on ${instance.consulNode} is left out: ${why}`;
    problems.push({ kind: 'bad-tags', object: `instance ${instance.id}`, declaredBy: [instance.service], message });
  };
  const decoding = decodeLabels(labelsOf(instance.tags, options.prefix ?? 'traefik'));
  if (!decoding.ok) return leaveOut(`its tags cannot be read: ${decoding.reason}`);
  const { decoded } = decoding;
  if (decoded.hasTcpOrUdp && decoded.routers.size + decoded.services.size + decoded.middlewares.size === 0) return decoded;
  const madeUp: Objects = new Map([[instance.service.toLowerCase(), { name: normalizeName(instance.service), labels: new Map() }]]);
  const services = decoded.services.size > 0 ? decoded.services : madeUp;
  if ([...services.values()].some(({ labels }) => serverUrl(instance, labels) === undefined)) {
    return leaveOut('it has no address, or a server URL beside a scheme or port');
  }
  const routers = decoded.routers.size === 0 && services.size === 1 ? madeUp : decoded.routers;
  return { ...decoded, services, routers: linkRouters({ instance, routers, services }, options, problems) };
}

/** Gives each router its rule and its service: the only one there is, unless it names one. */
function linkRouters(
  { instance, routers, services }: { readonly instance: RoutedInstance; readonly routers: Objects; readonly services: Objects },
  options: RouteOptions,
  problems: RouteProblem[],
): Objects {
  const defaultRule = options.defaultRule ?? ((name) => `Host(\`${normalizeName(name)}\`)`);
  const [only] = services.size === 1 ? services.values() : [];
  const linked = new Map<string, LabelledObject>();
  for (const [key, { name, labels }] of routers) {
    const service = labels.get('service') || only?.name;
    const rule = labels.get('rule') || defaultRule(instance.service);
    if (service === undefined) {
      const message = `router ${name} is left out: it names no service, and ${instance.id} declares several`;
      problems.push({ kind: 'unlinked', object: `router ${name}`, declaredBy: [instance.service], message });
    } else {
      linked.set(key, { name, labels: new Map([...labels, ['rule', rule], ['service', service]]) });
    }
  }
  return linked;
}
