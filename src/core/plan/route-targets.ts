import type { PoolView } from '../desired/pool-view.ts';
import type { GatewayKey } from '../model/gateway.ts';
import type { PoolKey } from '../model/ids.ts';
import type { RouteTarget } from '../model/ports.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { matchRule } from '../routes/match-rule.ts';
import { isJudged, parseRule } from '../routes/parse-rule.ts';
import { routeRequest } from '../routes/route-request.ts';
import { readTerms } from '../routes/rule-terms.ts';
import type { PlanContext } from './context.ts';
import { expectedRoutes } from './expected-routes.ts';
import type { Remembered } from './memos.ts';
import { remember } from './memos.ts';

/** A request that a router takes, and whether it must come over TLS. */
interface Candidate {
  readonly key: GatewayKey;
  readonly tls: boolean;
  readonly target: RouteTarget;
}

/** What was worked out of each pool. Losing it costs time, nothing else. */
export type RouteTargetMemo = Map<PoolKey, Remembered<readonly Candidate[]>>;

/**
 * The requests that show whether the routes of all registered pools work, one for each router that names a host and can be asked with
 * a plain GET. `tls`: whether they come over TLS, which serves other routers than plain HTTP.
 */
export function routeTargets(
  context: PlanContext,
  { tls, memo }: { readonly tls: boolean; readonly memo: RouteTargetMemo },
): readonly RouteTarget[] {
  const { registry, views } = context;
  for (const pool of memo.keys()) if (!views.has(pool)) memo.delete(pool);
  const seen = [...(context.world.gateways?.values() ?? [])].map(snapshotValue).find((state) => state !== undefined);
  return [...views.values()].flatMap((view) => {
    if (view.leaving !== undefined || view.settings.probePath === 'off') return [];
    const parts = [view, registry?.instances.get(view.pool), registry?.agents?.get(view.service)];
    const candidates = remember(memo, view.pool, parts, () => candidatesOf(view, context));
    // An entry point may add TLS to routers that do not ask for it.
    return candidates.flatMap(({ key, target, ...own }) => ((seen?.routers.get(key)?.tls ?? own.tls) === tls ? [target] : []));
  });
}

function candidatesOf(view: PoolView, context: PlanContext): readonly Candidate[] {
  const { exposed, routers, services } = expectedRoutes(view, context);
  if (exposed === false || !services.some(({ required }) => required.size > 0)) return [];
  const { probePath, probeCodes } = view.settings;
  return routers.flatMap(({ key, fields: { rule = '', tls = false } }): Candidate[] => {
    const request = requestOf(rule, probePath);
    if (!key.startsWith('http/') || request === undefined) return [];
    const codes = probeCodes === undefined ? {} : { codes: probeCodes };
    return [{ key, tls, target: { pool: view.pool, router: key.slice('http/'.length), ...request, ...codes } }];
  });
}

/** The names that may stand in a Host header as they are. */
const LITERAL_HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** A GET that a rule takes, at a path of its own choice where none is wanted; undefined where it names no host, or wants more than that. */
function requestOf(text: string, wanted: string | undefined): { readonly host: string; readonly path: string } | undefined {
  const parsed = parseRule(text);
  if (!parsed.ok || !isJudged(parsed.rule)) return undefined;
  for (const term of readTerms(parsed.rule).terms ?? []) {
    const asked = term.filter(({ isNegated }) => !isNegated).map(({ match }) => match);
    const host = asked.find(({ matcher }) => matcher === 'Host')?.values[0]?.toLowerCase();
    if (host === undefined || !LITERAL_HOST.test(host)) continue;
    const own = asked.find(({ matcher }) => matcher === 'Path' || matcher === 'PathPrefix')?.values[0] ?? '/';
    const path = [wanted ?? own, own].find((one) => takes(parsed.rule, host, one));
    if (path !== undefined) return { host, path };
  }
  return undefined;
}

const takes = (rule: Parameters<typeof matchRule>[0], host: string, target: string): boolean =>
  target.startsWith('/') && matchRule(rule, routeRequest({ method: 'GET', target, headers: { host } }));
