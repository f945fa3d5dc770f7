import type { HostBound } from './rule-terms.ts';

/** What is found by the hosts that it takes, and by where it listens. */
export interface Hosted {
  /** Undefined: it may take any host. */
  readonly hosts: readonly HostBound[] | undefined;
  readonly places: ReadonlySet<string>;
}

/** Those that listen at one place. */
interface Place<T> {
  readonly anyHost: Set<T>;
  readonly byHost: Map<string, Set<T>>;
  /** By the text of an expression that hosts must fit. */
  readonly byPattern: Map<string, { readonly bound: HostBound; readonly members: Set<T> }>;
}

/**
 * Finds those that may take one another's requests without a look at all others: a thousand with hosts of their own have no neighbours.
 */
export class HostIndex<T extends Hosted> {
  readonly #places = new Map<string, Place<T>>();

  add(member: T): void {
    for (const name of member.places) {
      const place = this.#places.get(name) ?? { anyHost: new Set(), byHost: new Map(), byPattern: new Map() };
      this.#places.set(name, place);
      if (member.hosts === undefined) place.anyHost.add(member);
      for (const bound of member.hosts ?? []) addTo(place, bound, member);
    }
  }

  delete(member: T): void {
    for (const name of member.places) {
      const place = this.#places.get(name);
      place?.anyHost.delete(member);
      for (const bound of member.hosts ?? []) if (place !== undefined) deleteFrom(place, bound, member);
    }
  }

  /** Those that share a place, and a host or an expression for hosts, or of which one may take any host. */
  neighboursOf({ hosts, places }: T): ReadonlySet<T> {
    const all = [...places].map((name) => this.#places.get(name)).filter((place) => place !== undefined);
    return new Set(all.flatMap((place) => [...place.anyHost, ...(hosts?.flatMap((bound) => meeting(place, bound)) ?? everyone(place))]));
  }
}

const everyone = <T>({ byHost, byPattern }: Place<T>): readonly T[] => [
  ...[...byHost.values()].flatMap((members) => [...members]),
  ...[...byPattern.values()].flatMap(({ members }) => [...members]),
];

function meeting<T>({ byHost, byPattern }: Place<T>, bound: HostBound): readonly T[] {
  if (bound.kind === 'host') {
    const fitting = [...byPattern.values()].filter((other) => mayFit(other.bound, bound.host));
    return [...(byHost.get(bound.host) ?? []), ...fitting.flatMap(({ members }) => [...members])];
  }
  const fitting = [...byHost].filter(([host]) => mayFit(bound, host));
  return [...(byPattern.get(bound.source)?.members ?? []), ...fitting.flatMap(([, members]) => [...members])];
}

function addTo<T>({ byHost, byPattern }: Place<T>, bound: HostBound, member: T): void {
  if (bound.kind === 'host') byHost.set(bound.host, (byHost.get(bound.host) ?? new Set()).add(member));
  else byPattern.set(bound.source, { bound, members: (byPattern.get(bound.source)?.members ?? new Set()).add(member) });
}

function deleteFrom<T>({ byHost, byPattern }: Place<T>, bound: HostBound, member: T): void {
  const [all, key] = bound.kind === 'host' ? [byHost, bound.host] : [byPattern, bound.source];
  const members = bound.kind === 'host' ? byHost.get(key) : byPattern.get(key)?.members;
  members?.delete(member);
  if (members?.size === 0) all.delete(key);
}

/** Names may be written with a dot at their end. */
const mayFit = (bound: HostBound, host: string): boolean =>
  bound.kind === 'pattern' && (bound.pattern.test(host) || bound.pattern.test(`${host}.`));
