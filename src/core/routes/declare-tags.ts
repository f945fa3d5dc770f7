import type { TagFacts } from './catalog-items.ts';
import type { DynamicObject } from './dynamic-types.ts';
import { fillLabels, newStruct } from './fill-labels.ts';
import { fnv64, joinHostPort, normalizeName } from './go-values.ts';
import { LabelError, labelTree } from './label-tree.ts';
import type { RoutedInstance } from './route-model.ts';

export type Protocol = 'http' | 'tcp' | 'udp';
export type ObjectKind = 'routers' | 'services' | 'middlewares';

/** A service with what its one server has beside its address. */
export interface DeclaredService {
  /** Without servers. */
  readonly config: DynamicObject;
  readonly server: DynamicObject;
}

/** Objects by name, as an instance declares them. */
export interface DeclaredObjects {
  readonly routers: ReadonlyMap<string, DynamicObject>;
  readonly middlewares: ReadonlyMap<string, DynamicObject>;
  readonly services: ReadonlyMap<string, DeclaredService>;
}
export type Configuration = Readonly<Record<Protocol, DeclaredObjects>>;

/** A router that Traefik leaves out of what an instance declares. */
export interface LostRouter {
  readonly protocol: Protocol;
  readonly name: string;
  readonly why: string;
}

/** What the instances of a service with the same tags declare. */
export interface TagDeclaration {
  readonly configuration: Configuration;
  readonly lost: readonly LostRouter[];
}

/** Renders the rule of a router that has none; undefined when the template cannot be followed. */
export type DefaultRule = (service: string, labels: ReadonlyMap<string, string>) => string | undefined;

const FILTERS = ['traefik.http', 'traefik.tcp', 'traefik.udp', 'traefik.tls.stores.default'];

/**
 * What tags declare for an instance of a Consul service: their labels decoded, the service and the router that Traefik makes up, and each
 * router linked to its service. Throws a `LabelError` when Traefik leaves the instance out. Source: traefik pkg/provider/consulcatalog
 * buildConfiguration, pkg/provider/configuration.go.
 */
export function declareTags(service: string, tags: TagFacts, defaultRule: DefaultRule): TagDeclaration {
  const tree = labelTree(tags.labels, FILTERS);
  const decoded = tree === undefined ? {} : fillLabels('Configuration', tree);
  const lost: LostRouter[] = [];
  const name = nameOf(service, tags);
  const section = (protocol: Protocol): Declaring => ({ protocol, name, section: (decoded[protocol] ?? {}) as DynamicObject, lost });
  const [http, tcp, udp] = [section('http'), section('tcp'), section('udp')];
  const [hasTcp, hasUdp] = [tcp, udp].map((declaring) => has(declaring, 'routers') || has(declaring, 'services'));
  const isHttp = (!hasTcp && !hasUdp) || has(http, 'routers') || has(http, 'services') || has(http, 'middlewares');
  const sockets = { tcp: declareSection(tcp, hasTcp === true), udp: declareSection(udp, hasUdp === true) };
  const objects = declareSection(http, isHttp);
  if (!isHttp) return { configuration: { ...sockets, http: objects }, lost };
  const isAlone = !has(http, 'routers') && objects.services.size === 1;
  const routers = isAlone ? new Map([[name, {}]]) : objectsOf(http.section, 'routers');
  const ruled = withRules(routers, defaultRule(service, tags.labels), lost);
  return { configuration: { ...sockets, http: { ...objects, routers: linkRouters(ruled, objects.services, http) } }, lost };
}

interface Declaring {
  readonly protocol: Protocol;
  /** The name of what is made up. */
  readonly name: string;
  readonly section: DynamicObject;
  readonly lost: LostRouter[];
}

/** The name of the service and router that Traefik makes up; canaries have another for each set of tags. */
function nameOf(service: string, { isCanary, tags }: TagFacts): string {
  if (!isCanary) return normalizeName(service);
  return normalizeName(`${service}-${fnv64([...tags].sort().join(''))}`);
}

const objectsOf = (section: DynamicObject, kind: ObjectKind): ReadonlyMap<string, DynamicObject> =>
  new Map(Object.entries(section[kind] ?? {}) as [string, DynamicObject][]);

const has = ({ section }: Declaring, kind: ObjectKind): boolean => Object.keys(section[kind] ?? {}).length > 0;

/** The objects of a protocol; those of HTTP get their routers later. */
function declareSection(declaring: Declaring, isServed: boolean): DeclaredObjects {
  const { section, protocol, name } = declaring;
  const declared = objectsOf(section, 'services');
  const madeUp: DynamicObject = { loadBalancer: protocol === 'http' ? newStruct('ServersLoadBalancer') : {} };
  const configs = isServed && declared.size === 0 ? new Map([[name, madeUp]]) : declared;
  const services = new Map([...configs].map(([service, config]) => [service, splitServer(service, config)]));
  const routers = protocol === 'http' ? new Map<string, DynamicObject>() : linkRouters(objectsOf(section, 'routers'), services, declaring);
  return { routers, services, middlewares: objectsOf(section, 'middlewares') };
}

function splitServer(service: string, config: DynamicObject): DeclaredService {
  const { servers = [], ...balancer } = (config['loadBalancer'] ?? { servers: '' }) as DynamicObject;
  if (servers === '') throw new LabelError(`${service}: load-balancer is not defined`);
  const [server = {}] = servers as readonly DynamicObject[];
  if (server['url'] !== undefined && (server['scheme'] !== undefined || server['port'] !== undefined)) {
    throw new LabelError(`${service}: defining scheme or port is not allowed when URL is defined`);
  }
  return { config: { ...config, loadBalancer: balancer }, server };
}

type Address = Pick<RoutedInstance, 'address' | 'port'>;

/** Makes the servers that instances are to a service. */
export function serverMaker(protocol: Protocol, server: DynamicObject): (at: Address) => DynamicObject {
  const { scheme, port: ownPort, ...rest } = server;
  const hostPort = ({ address, port }: Address): string => joinHostPort(address, String(ownPort ?? port));
  if (protocol !== 'http') return (at) => ({ ...rest, address: hostPort(at) });
  if (rest['url'] !== undefined) return () => rest;
  const begin = `${String(scheme ?? 'http')}://`;
  return (at) => ({ ...rest, url: begin + hostPort(at) });
}

/** `defaultRule` marks those of a rule made up: Traefik compares the mark too. */
function withRules(
  routers: ReadonlyMap<string, DynamicObject>,
  rule: string | undefined,
  lost: LostRouter[],
): ReadonlyMap<string, DynamicObject> {
  const ruled = new Map<string, DynamicObject>();
  for (const [name, router] of routers) {
    if (router['rule'] !== undefined) ruled.set(name, router);
    else if (rule) ruled.set(name, { ...router, rule, defaultRule: true });
    else lost.push({ protocol: 'http', name, why: 'it has no rule, and the default rule makes none' });
  }
  return ruled;
}

/** Links each router without a service to the only one; without one it is left out. */
function linkRouters(
  routers: ReadonlyMap<string, DynamicObject>,
  services: ReadonlyMap<string, DeclaredService>,
  { protocol, lost }: Declaring,
): ReadonlyMap<string, DynamicObject> {
  const linked = new Map<string, DynamicObject>();
  const [only] = services.size === 1 ? services.keys() : [];
  for (const [name, router] of routers) {
    if (protocol === 'tcp' && router['rule'] === undefined) lost.push({ protocol, name, why: 'it has no rule' });
    else if (router['service'] !== undefined) linked.set(name, router);
    else if (only !== undefined) linked.set(name, { ...router, service: only });
    else lost.push({ protocol, name, why: `it names no service, where there are several: ${[...services.keys()].join(', ')}` });
  }
  return linked;
}
