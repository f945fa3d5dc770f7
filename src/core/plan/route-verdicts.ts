import type { Problem } from '../../shared/problem.ts';
import type { PoolKey, SpecId } from '../model/ids.ts';
import type { SpecObject } from '../model/objects.ts';
import type { CatalogRoutes, RoutePart } from '../routes/catalog-routes.ts';
import type { RouteClaim } from '../routes/settle-routes.ts';

/** What is known of the conflicts of routes before anything is written. */
export interface RouteVerdicts {
  /** The pools whose registration stays as it is, or stays out. */
  readonly setAside: ReadonlySet<PoolKey>;
  /** What is told to each spec; the very same list while it says the same. */
  readonly problems: ReadonlyMap<SpecId, readonly Problem[]>;
}

/** Nobody is set aside, and nothing is told. */
export const NO_VERDICTS: RouteVerdicts = { setAside: new Set(), problems: new Map() };

/** A claim, and what of a spec it is made for. */
export interface PoolClaim extends RouteClaim {
  readonly object?: SpecObject;
}

/** What verdicts are made from. */
export interface RouteSource {
  readonly claims: readonly PoolClaim[];
  readonly foreign: readonly RoutePart[];
}

/** What the last verdicts were made from. Losing it costs time, nothing else. */
export interface RouteMemo {
  readonly parts: readonly unknown[];
  readonly source: RouteSource;
  readonly settings: string;
  readonly catalog: CatalogRoutes;
  readonly verdicts: RouteVerdicts;
}
