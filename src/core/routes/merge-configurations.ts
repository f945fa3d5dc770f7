import { instanceTitle } from './catalog-items.ts';
import { type DeclaredService, type ObjectKind, type Protocol, serverMaker, type TagDeclaration } from './declare-tags.ts';
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
  const groups = groupAlike(declarations);
  const merge = (protocol: Protocol): MergedObjects => ({
    routers: mergeObjects(groups, { protocol, kind: 'routers' }, dropped),
    services: mergeObjects(groups, { protocol, kind: 'services' }, dropped),
    middlewares: mergeObjects(groups, { protocol, kind: 'middlewares' }, dropped),
  });
  return { http: merge('http'), tcp: merge('tcp'), udp: merge('udp') };
}

interface Place {
  readonly protocol: Protocol;
  readonly kind: ObjectKind;
}

/** Instances of a service that declare the very same. */
interface Group {
  readonly declared: TagDeclaration;
  readonly first: Declaration;
  readonly members: { readonly instance: RoutedInstance; readonly order: number }[];
}

/** In the order of the first of each: what only depends on what is declared is looked at once for all of them. */
function groupAlike(declarations: readonly Declaration[]): readonly Group[] {
  const groups = new Map<TagDeclaration, Group>();
  for (const [order, first] of declarations.entries()) {
    const { declared, instance } = first;
    let group = groups.get(declared);
    if (group === undefined) {
      group = { declared, first, members: [] };
      groups.set(declared, group);
    }
    group.members.push({ instance, order });
  }
  return [...groups.values()];
}

interface Merging {
  readonly config: DynamicObject;
  readonly first: Declaration;
  readonly declaredBy: Set<string>;
  /** Who declares it, with the server of a service. */
  readonly sources: { readonly group: Group; readonly server: DynamicObject }[];
  /** The first who declares it in another way. */
  other?: Declaration;
}

function mergeObjects(groups: readonly Group[], place: Place, dropped: Dropped[]): readonly MergedObject[] {
  const { protocol, kind } = place;
  const byName = new Map<string, Merging>();
  for (const group of groups) {
    for (const [name, object] of group.declared.configuration[protocol][kind]) {
      const { config, server } = kind === 'services' ? (object as DeclaredService) : { config: object as DynamicObject, server: {} };
      const merging: Merging = byName.get(name) ?? { config, first: group.first, declaredBy: new Set(), sources: [] };
      byName.set(name, merging);
      merging.declaredBy.add(group.first.service);
      merging.sources.push({ group, server });
      if (!sameValue(config, merging.config)) merging.other ??= group.first;
    }
  }
  return [...byName].flatMap(([name, { config, first, other, declaredBy, sources }]) => {
    const by = [...declaredBy].sort();
    if (other !== undefined) {
      const why = `${instanceTitle(first.instance)} and ${instanceTitle(other.instance)} declare it in different ways, so it is deleted for all`;
      dropped.push({ reason: 'conflict', what: objectTitle(place, name), why, declaredBy: by });
      return [];
    }
    return [{ name, config: kind === 'services' ? joinServers(config, serversOf(protocol, sources)) : config, declaredBy: by }];
  });
}

/** The servers of all who declare a service, in the order of their instances, the first of each address. */
function serversOf(protocol: Protocol, sources: Merging['sources']): readonly DynamicObject[] {
  const made = sources.flatMap(({ group, server }) => {
    const serverOf = serverMaker(protocol, server);
    return group.members.map(({ instance, order }) => ({ order, server: serverOf(instance) }));
  });
  if (sources.length > 1) made.sort((a, b) => a.order - b.order);
  const servers = new Map<string, DynamicObject>();
  for (const { server } of made) {
    const address = String(server['url'] ?? server['address']);
    if (!servers.has(address)) servers.set(address, server);
  }
  return [...servers.values()];
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
