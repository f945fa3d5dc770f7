import type { DynamicValue } from '../../src/core/routes/dynamic-types.ts';
import type { PredictedObject, PredictedObjects, PredictedRoutes } from '../../src/core/routes/predicted-routes.ts';
import type { RoutedInstance } from '../../src/core/routes/route-model.ts';

/** A Consul node that instances stand on. */
export interface CatalogNode {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

type Operation = Readonly<Record<string, unknown>>;

/** The transaction operations that write a node, and one instance with its check. */
export const nodeOperation = ({ name, id, address }: CatalogNode): Operation => ({
  Node: { Verb: 'set', Node: { Node: name, ID: id, Address: address } },
});

export const nodeDeletion = ({ name }: CatalogNode): Operation => ({ Node: { Verb: 'delete', Node: { Node: name } } });

export function instanceOperations({ consulNode, id, service, address, port, tags, status }: RoutedInstance): readonly Operation[] {
  const check = {
    Node: consulNode,
    CheckID: status === 'maintenance' ? `_service_maintenance:${id}` : `check:${id}`,
    Name: 'state',
    Status: status === 'maintenance' ? 'critical' : status,
    ServiceID: id,
  };
  const written = { ID: id, Service: service, Address: address, Port: port, Tags: tags };
  return [{ Service: { Verb: 'set', Node: consulNode, Service: written } }, { Check: { Verb: 'set', Check: check } }];
}

/** Runs the operations in order, as many at once as one transaction of Consul holds. */
export async function runTransactions(consulUrl: string, operations: readonly Operation[]): Promise<void> {
  const room = 128;
  for (let from = 0; from < operations.length; from += room) {
    const body = JSON.stringify(operations.slice(from, from + room));
    const response = await fetch(`${consulUrl}/v1/txn`, { method: 'PUT', body });
    if (!response.ok) throw new Error(`Consul refused a transaction (${response.status}): ${await response.text()}`);
  }
}

type RawObject = Readonly<Record<string, unknown>>;
export type RawData = Readonly<Record<string, Readonly<Record<string, RawObject>> | undefined>>;

export async function readRawData(apiUrl: string): Promise<RawData> {
  const response = await fetch(`${apiUrl}/api/rawdata`);
  return (await response.json()) as RawData;
}

/** An object in the form that both sides are brought to. */
interface Comparable {
  readonly config: unknown;
  readonly status: unknown;
  readonly errors: readonly string[];
  readonly usedBy: readonly string[];
  readonly using: readonly string[];
}

/** The sections of `/api/rawdata`, and what we call them. */
const SECTIONS = {
  routers: ['http', 'routers'],
  services: ['http', 'services'],
  middlewares: ['http', 'middlewares'],
  tcpRouters: ['tcp', 'routers'],
  tcpServices: ['tcp', 'services'],
  tcpMiddlewares: ['tcp', 'middlewares'],
  udpRouters: ['udp', 'routers'],
  udpServices: ['udp', 'services'],
} as const;

export interface Comparison {
  /** How many objects were compared. */
  readonly objects: number;
  /** How many of them are not `enabled` for Traefik. */
  readonly faulty: number;
  /** Where the two differ, one text for each object. */
  readonly differing: readonly string[];
}

/** Compares what was predicted with what a Traefik shows of its catalog provider, but for Consul's service of itself. */
export function compareRoutes(predicted: PredictedRoutes, raw: RawData): Comparison {
  const differing: string[] = [];
  let objects = 0;
  let faulty = 0;
  for (const [section, [protocol, kind]] of Object.entries(SECTIONS)) {
    const theirs = Object.entries(raw[section] ?? {}).filter(([name]) => /(?<!^(?:websecure-)?consul)@consulcatalog$/.test(name));
    const ours: PredictedObjects = predicted[protocol][kind];
    const names = new Set([...theirs.map(([name]) => name), ...ours.keys()]);
    const byName = new Map(theirs);
    for (const name of names) {
      objects += 1;
      const seen = byName.get(name);
      const own = ours.get(name);
      if (seen !== undefined && seen['status'] !== 'enabled') faulty += 1;
      const [a, b] = [seen === undefined ? 'absent' : ofTraefik(seen), own === undefined ? 'absent' : ofOurs(own)];
      if (canonical(a) !== canonical(b)) differing.push(`${section} ${name}\n  Traefik: ${canonical(a)}\n  ours:    ${canonical(b)}`);
    }
  }
  return { objects, faulty, differing };
}

function ofTraefik(seen: RawObject): Comparable {
  const { status, error = [], usedBy = [], using = [], serverStatus: _, ...config } = seen;
  return comparable({ config, status, errors: error as string[], usedBy: usedBy as string[], using: using as string[] });
}

function ofOurs({ config, status, errors, usedBy, using }: PredictedObject): Comparable {
  return comparable({ config: JSON.parse(JSON.stringify(config)) as DynamicValue, status, errors, usedBy, using });
}

/** Which of several routers is told that their TLS options differ is chance. */
const TLS_CHANCE = 'found different TLS options';

const comparable = ({ config, status, errors, usedBy, using }: Comparable): Comparable => ({
  config: withSortedServers(config),
  status: errors.length > 0 && errors.every((error) => error.startsWith(TLS_CHANCE)) ? 'enabled' : status,
  errors: [...new Set(errors.filter((error) => !error.startsWith(TLS_CHANCE)).map(plainError))].sort(),
  usedBy: [...usedBy].sort(),
  using: [...new Set(using)].sort(),
});

/** The order of servers is that in which Consul lists them, and Traefik shuffles them. */
function withSortedServers(config: unknown): unknown {
  const balancer = (config as { loadBalancer?: { servers?: readonly unknown[] } }).loadBalancer;
  if (balancer?.servers === undefined) return config;
  return {
    ...(config as object),
    loadBalancer: { ...balancer, servers: [...balancer.servers].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1)) },
  };
}

/** Errors of parsers of Go are told in other words by ours, and which server of several is told of is chance: their beginning counts. */
function plainError(error: string): string {
  const parser =
    /^(?:error while (?:parsing|adding) rule|invalid rule|error parsing server URL|error building proxy|cannot parse CIDRs|the router priority)/.exec(
      error,
    );
  if (parser !== null) return parser[0].replace(/error while .*|invalid rule/, 'bad rule');
  return /^error (?:compiling regular expression|parsing regexp)/.test(error) ? 'error parsing regexp' : error;
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, held: unknown) =>
    held !== null && typeof held === 'object' && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1)))
      : held,
  );
