import { instanceTitle } from './catalog-items.ts';
import { type DeclaredService, type ObjectKind, type Protocol, serverOf, type TagDeclaration } from './declare-tags.ts';
import type { DynamicObject, DynamicValue } from './dynamic-types.ts';
import type { Dropped } from './predicted-routes.ts';
import type { RoutedInstance } from './route-model.ts';

/** What one instance declares. */
export interface Declaration {
  readonly instance: RoutedInstance;
  readonly service: string;
  readonly declared: TagDeclaration;
}

/** An object on which all who declare it agree. */
export interface MergedObject {
  readonly name: string;
  readonly config: DynamicObject;
  /** The Consul services whose instances declare it, in order. */
  readonly declaredBy: readonly string[];
}

export type MergedObjects = Readonly<Record<ObjectKind, readonly MergedObject[]>>;
export type MergedConfiguration = Readonly<Record<Protocol, MergedObjects>>;

/**
 * Joins what the instances declare, in the order given. Objects of one name must be equal, services but for their servers, which are put
 * together, the first of each address; otherwise Traefik deletes them for all. Source: traefik pkg/provider/configuration.go Merge.
 */
export function mergeConfigurations(declarations: readonly Declaration[], dropped: Dropped[]): MergedConfiguration {
  const merge = (protocol: Protocol): MergedObjects => ({
    routers: mergeObjects(declarations, { protocol, kind: 'routers' }, dropped),
    services: mergeObjects(declarations, { protocol, kind: 'services' }, dropped),
    middlewares: mergeObjects(declarations, { protocol, kind: 'middlewares' }, dropped),
  });
  return { http: merge('http'), tcp: merge('tcp'), udp: merge('udp') };
}

interface Place {
  readonly protocol: Protocol;
  readonly kind: ObjectKind;
}
interface Merging {
  config: DynamicObject;
  readonly first: Declaration;
  readonly declaredBy: Set<string>;
  /** The servers of a service by address. */
  readonly servers: Map<string, DynamicObject>;
  /** The first who declares it in another way. */
  other?: Declaration;
}

function mergeObjects(declarations: readonly Declaration[], place: Place, dropped: Dropped[]): readonly MergedObject[] {
  const { protocol, kind } = place;
  const byName = new Map<string, Merging>();
  for (const declaration of declarations) {
    for (const [name, object] of declaration.declared.configuration[protocol][kind]) {
      const { config, server } = kind === 'services' ? (object as DeclaredService) : { config: object as DynamicObject, server: undefined };
      const merging: Merging = byName.get(name) ?? { config, first: declaration, declaredBy: new Set(), servers: new Map() };
      byName.set(name, merging);
      merging.declaredBy.add(declaration.service);
      if (!sameValue(config, merging.config)) merging.other ??= declaration;
      if (server !== undefined) addServer(merging, serverOf(protocol, server, declaration.instance));
    }
  }
  return [...byName].flatMap(([name, { config, first, other, declaredBy, servers }]) => {
    const by = [...declaredBy].sort();
    if (other !== undefined) {
      const why = `${instanceTitle(first.instance)} and ${instanceTitle(other.instance)} declare it in different ways, so it is deleted for all`;
      dropped.push({ reason: 'conflict', what: objectTitle(place, name), why, declaredBy: by });
      return [];
    }
    return [{ name, config: kind === 'services' ? joinServers(config, [...servers.values()]) : config, declaredBy: by }];
  });
}

function addServer({ servers }: Merging, server: DynamicObject): void {
  const address = String(server['url'] ?? server['address']);
  if (!servers.has(address)) servers.set(address, server);
}

/** What a person calls an object: `router shop`, `TCP service db`. */
export function objectTitle({ protocol, kind }: Place, name: string): string {
  return `${protocol === 'http' ? '' : `${protocol.toUpperCase()} `}${kind.slice(0, -1)} ${name}`;
}

const joinServers = (config: DynamicObject, servers: readonly DynamicObject[]): DynamicObject => ({
  ...config,
  loadBalancer: { ...(config['loadBalancer'] as DynamicObject), servers },
});

/** Go's reflect.DeepEqual, where what is absent is zero. */
export function sameValue(a: DynamicValue, b: DynamicValue): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map<string, DynamicValue>(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && sameValue(value, right.get(key) ?? ''));
}
