import type { GatewayKey, GatewayRouter, GatewayServer, GatewayService, NamesElsewhere } from '../../core/model/gateway.ts';
import { withoutUsers } from '../../core/model/shown-tag.ts';
import { BadAnswer } from './gateway-failure.ts';

/** What of an answer is of interest: objects of the catalog provider, and the names of what others have. */
export interface DecodedRawData {
  readonly services: ReadonlyMap<GatewayKey, GatewayService>;
  readonly routers: ReadonlyMap<GatewayKey, GatewayRouter>;
  readonly elsewhere: NamesElsewhere;
}

type Json = Readonly<Record<string, unknown>>;

const PROVIDER = '@consulcatalog';
/** Where the objects of each protocol stand in the answer. */
const SECTIONS = [
  { prefix: 'http', routers: 'routers', services: 'services' },
  { prefix: 'tcp', routers: 'tcpRouters', services: 'tcpServices' },
  { prefix: 'udp', routers: 'udpRouters', services: 'udpServices' },
] as const;

/**
 * Reads the text of `/api/rawdata` of Traefik 3. Of middlewares only names are taken: they may hold secrets. Objects that say the same as
 * in `before` are the very same. Throws BadAnswer for anything else than such a text.
 */
export function decodeRawData(text: string, before: DecodedRawData | undefined): DecodedRawData {
  const root = parse(text);
  const services = new Map<GatewayKey, GatewayService>();
  const routers = new Map<GatewayKey, GatewayRouter>();
  for (const section of SECTIONS) {
    for (const [name, value] of catalogObjects(root[section.services])) {
      const key: GatewayKey = `${section.prefix}/${name}`;
      services.set(key, sameOr(before?.services.get(key), serviceOf(value)));
    }
    for (const [name, value] of catalogObjects(root[section.routers])) {
      const key: GatewayKey = `${section.prefix}/${name}`;
      routers.set(key, sameOr(before?.routers.get(key), routerOf(value)));
    }
  }
  const elsewhere = {
    middlewares: namesElsewhere(root['middlewares'], root['tcpMiddlewares']),
    services: namesElsewhere(root['services'], root['tcpServices'], root['udpServices']),
  };
  return { services, routers, elsewhere: sameOr(before?.elsewhere, elsewhere) };
}

const namesElsewhere = (...sections: readonly unknown[]): readonly string[] =>
  [...new Set(sections.flatMap((section) => Object.keys(isObject(section) ? section : {})))].filter((id) => !isCatalog(id)).sort();

function parse(text: string): Json {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    throw new BadAnswer(200, 'the answer is not JSON');
  }
  // A Traefik has routers of its own at least while its API answers; another server may answer {} to anything.
  if (!isObject(root) || !isObject(root['services'])) throw new BadAnswer(200, 'the answer has no services');
  return root;
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);

/** The objects of the catalog provider, by their names without it. Namespaces of Consul Enterprise make providers of their own. */
function catalogObjects(section: unknown): readonly (readonly [string, Json])[] {
  return Object.entries(isObject(section) ? section : {}).flatMap(([id, value]) => {
    return isCatalog(id) && isObject(value) ? [[id.slice(0, id.lastIndexOf('@')), value] as const] : [];
  });
}

function isCatalog(id: string): boolean {
  const at = id.lastIndexOf('@');
  const provider = id.slice(at);
  return at > 0 && (provider === PROVIDER || provider.startsWith(`${PROVIDER}-`));
}

function serviceOf(value: Json): GatewayService {
  const balancer = isObject(value['loadBalancer']) ? value['loadBalancer'] : {};
  const status = isObject(value['serverStatus']) ? value['serverStatus'] : {};
  const listed = Array.isArray(balancer['servers']) ? (balancer['servers'] as readonly unknown[]) : [];
  const servers = listed.flatMap((item): GatewayServer[] => {
    const server = isObject(item) ? item : {};
    const url = textOf(server['url']) || textOf(server['address']);
    if (url === '' || server['weight'] === 0) return [];
    return [{ url, endpoint: endpointOf(url), up: status[url] !== 'DOWN' }];
  });
  return { status: textOf(value['status']), servers: servers.sort((a, b) => (a.url < b.url ? -1 : 1)) };
}

function endpointOf(url: string): string {
  const parsed = url.includes('://') ? URL.parse(url) : null;
  if (parsed === null) return url;
  return `${parsed.hostname}:${parsed.port || (parsed.protocol === 'https:' ? '443' : '80')}`;
}

function routerOf(value: Json): GatewayRouter {
  return {
    status: textOf(value['status']),
    errors: textsOf(value['error']).map(withoutUsers),
    rule: textOf(value['rule']),
    service: textOf(value['service']),
    entryPoints: textsOf(value['entryPoints']),
    middlewares: textsOf(value['middlewares']),
    priority: typeof value['priority'] === 'number' ? value['priority'] : 0,
    tls: isObject(value['tls']),
  };
}

/** The one from before where both say the same: what was worked out from it then still holds. */
const sameOr = <T extends object>(before: T | undefined, now: T): T =>
  before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;
