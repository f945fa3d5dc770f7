import type { LabelledObject } from './decode-labels.ts';
import type { DeclaringInstance, RoutedInstance, RouteProblem, RouteServer, RouteService } from './route-model.ts';

interface MergedRouter {
  readonly object: LabelledObject;
  readonly declaredBy: readonly string[];
}

/**
 * Joins what the instances declare. Routers and middlewares must be the same wherever they are declared, services but for their
 * servers; otherwise Traefik drops them for all. The servers of a service are put together, the first of each URL.
 */
export function mergeObjects(
  instances: readonly DeclaringInstance[],
  problems: RouteProblem[],
): { readonly routers: readonly MergedRouter[]; readonly services: readonly RouteService[]; readonly middlewares: readonly string[] } {
  const routers = agreed(instances, 'routers', problems, (labels) => labels);
  const middlewares = agreed(instances, 'middlewares', problems, (labels) => labels);
  const services = agreed(instances, 'services', problems, withoutServer);
  return {
    routers: routers.map(({ object, declaredBy }) => ({ object, declaredBy })),
    middlewares: middlewares.map(({ object }) => object.name),
    services: services.map(({ object, declaredBy, declarations }) => ({
      name: object.name,
      declaredBy,
      servers: serversOf(declarations),
    })),
  };
}

interface Declaration {
  readonly instance: DeclaringInstance;
  readonly object: LabelledObject;
}
interface Agreed extends MergedRouter {
  readonly declarations: readonly Declaration[];
}
type Labels = ReadonlyMap<string, string>;

/** The objects of a kind on which all who declare them agree; the others become problems. */
function agreed(
  instances: readonly DeclaringInstance[],
  kind: 'routers' | 'services' | 'middlewares',
  problems: RouteProblem[],
  compared: (labels: Labels) => Labels,
): readonly Agreed[] {
  const declarations = instances.flatMap((instance) =>
    [...instance.decoded[kind].values()].map((object): Declaration => ({ instance, object })),
  );
  // Names are compared with their case: only within one instance are they the same in any case.
  return [...Map.groupBy(declarations, ({ object }) => object.name)].flatMap(([name, group]) => {
    const [first] = group;
    const declaredBy = [...new Set(group.map(({ instance }) => instance.instance.service))];
    const other = group.find(({ object }) => first !== undefined && !sameLabels(compared(object.labels), compared(first.object.labels)));
    if (first !== undefined && other === undefined) return [{ object: first.object, declaredBy, declarations: group }];
    const title = `${kind.slice(0, -1)} ${name}`;
    const [one, two] = [first, other].map((declaration) => declaration?.instance.instance);
    const both = `${one?.id} on ${one?.consulNode} and ${two?.id} on ${two?.consulNode}`;
    const message = `${both} declare ${title} in different ways; Traefik drops it for all`;
    problems.push({ kind: 'conflict', object: title, declaredBy, message });
    return [];
  });
}

const sameLabels = (a: Labels, b: Labels): boolean => a.size === b.size && [...a].every(([field, value]) => b.get(field) === value);

/** The labels of a service without those of its server; `passhostheader=true` is the default. */
function withoutServer(labels: Labels): Labels {
  return new Map(
    [...labels].filter(
      ([field, value]) => !field.startsWith('loadbalancer.server.') && !(field === 'loadbalancer.passhostheader' && value === 'true'),
    ),
  );
}

function serversOf(declarations: readonly Declaration[]): readonly RouteServer[] {
  const servers = new Map<string, RouteServer>();
  for (const { instance, object } of declarations) {
    const url = serverUrl(instance.instance, object.labels);
    if (url === undefined || servers.has(url)) continue;
    servers.set(url, { url, weight: Number(object.labels.get('loadbalancer.server.weight') ?? 1) });
  }
  return [...servers.values()];
}

/** The URL of an instance as a server of the service with these labels; undefined when Traefik cannot make one. */
export function serverUrl(instance: RoutedInstance, labels: Labels): string | undefined {
  const [url, port, scheme] = ['url', 'port', 'scheme'].map((field) => labels.get(`loadbalancer.server.${field}`) || undefined);
  if (instance.address === '') return undefined;
  if (url !== undefined) return port === undefined && scheme === undefined ? url : undefined;
  const host = instance.address.includes(':') ? `[${instance.address}]` : instance.address;
  return `${scheme ?? 'http'}://${host}:${port ?? instance.port}`;
}
