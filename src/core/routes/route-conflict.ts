import type { Dropped } from './predicted-routes.ts';

/** What is the matter with routes. */
export type ConflictKind =
  /** Traefik drops it: see `Dropped`. */
  | Dropped['reason']
  /** Servers of several Consul services under one Traefik service: each gets the other's requests. */
  | 'shared-service'
  /** It will not serve, or not all: an unknown middleware, entry point, service, transport or TLS options, a bad rule. */
  | 'broken'
  /** The certificate resolver is not in Traefik's configuration. */
  | 'unknown-resolver'
  /** An expression in its rule is too large to be tried: nothing is said of the requests that it takes. */
  | 'not-judged'
  /** Two routers of one rule and priority: chance decides which of them answers. */
  | 'same-rule'
  /** Two routers of one priority that both take some requests. */
  | 'overlap'
  /** No request reaches it: another router takes all of its requests first. */
  | 'shadowed'
  /** Several UDP routers on one entry point: only one of them serves. */
  | 'udp-entry-point';

export interface RouteConflict {
  readonly kind: ConflictKind;
  /** `error`: a route does not serve, or serves another's pool. `warning`: it does, but surely not as meant. */
  readonly severity: 'error' | 'warning';
  readonly what: string;
  readonly message: string;
  /** The Consul services that take part, in order. */
  readonly declaredBy: readonly string[];
  /** Those of them that took no part in it before: the ones to set aside. None when everybody who takes part did before. */
  readonly newcomers: readonly string[];
}

/** A conflict before it is told who is new in it. */
export interface FoundConflict extends Omit<RouteConflict, 'newcomers'> {
  /** The names of the objects that it is about. */
  readonly objects: readonly string[];
}
