import { byBytes } from '../model/ids.ts';
import { HostIndex } from './host-index.ts';
import type { PredictedObject, PredictedRoutes } from './predicted-routes.ts';
import type { FoundConflict } from './route-conflict.ts';
import { conflictOf, type Listener, listenerOf } from './rule-conflict.ts';

/** HTTP routers that take each other's requests: of one rule, overlapping at one priority, or out of reach. */
export const findRuleConflicts = ({ http }: PredictedRoutes): readonly FoundConflict[] => new RuleConflicts().update(http.routers.values());

/**
 * The same of routers that come and go: only those that are not the very same as before are compared with the others of their hosts,
 * so that a change costs as much as it has neighbours.
 */
export class RuleConflicts {
  readonly #listeners = new Map<PredictedObject, Listener | undefined>();
  readonly #index = new HostIndex<Listener>();
  readonly #found = new Map<Listener, Map<Listener, FoundConflict>>();

  /** The conflicts among these routers, in the order of their names. */
  update(routers: Iterable<PredictedObject>): readonly FoundConflict[] {
    const now = new Set(routers);
    for (const router of this.#listeners.keys()) if (!now.has(router)) this.#remove(router);
    for (const router of now) if (!this.#listeners.has(router)) this.#add(router);
    const all = [...this.#found].flatMap(([one, others]) =>
      [...others].flatMap(([other, conflict]) => (isBefore(one, other) ? [{ one, other, conflict }] : [])),
    );
    return all
      .sort((a, b) => byBytes(a.one.router.name, b.one.router.name) || byBytes(a.other.router.name, b.other.router.name))
      .map(({ conflict }) => conflict);
  }

  #add(router: PredictedObject): void {
    const listener = listenerOf(router);
    this.#listeners.set(router, listener);
    if (listener === undefined) return;
    for (const other of this.#index.neighboursOf(listener)) {
      const conflict = isBefore(listener, other) ? conflictOf(listener, other) : conflictOf(other, listener);
      if (conflict === undefined) continue;
      this.#foundWith(listener).set(other, conflict);
      this.#foundWith(other).set(listener, conflict);
    }
    this.#index.add(listener);
  }

  #remove(router: PredictedObject): void {
    const listener = this.#listeners.get(router);
    this.#listeners.delete(router);
    if (listener === undefined) return;
    this.#index.delete(listener);
    for (const other of this.#found.get(listener)?.keys() ?? []) this.#found.get(other)?.delete(listener);
    this.#found.delete(listener);
  }

  #foundWith(listener: Listener): Map<Listener, FoundConflict> {
    const found = this.#found.get(listener) ?? new Map<Listener, FoundConflict>();
    this.#found.set(listener, found);
    return found;
  }
}

const isBefore = (one: Listener, other: Listener): boolean => one.router.name < other.router.name;
