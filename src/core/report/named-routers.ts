import type { GatewayRouter, GatewayState } from '../model/gateway.ts';
import type { ExpectedRouter } from '../plan/expected-routes.ts';
import { defaultEntryPoints } from '../routes/apply-entry-points.ts';

/**
 * A router under the names that the replica has it by. With `core.defaultRuleSyntax`, which its API does not tell, Traefik names a router on
 * several entry points after each of them, as it does where they add something. Source: traefik pkg/server/aggregator.go.
 */
export function asNamed(router: ExpectedRouter, { routers, elsewhere }: GatewayState): readonly ExpectedRouter[] {
  const { key, fields } = router;
  const names = fields.entryPoints ?? defaultEntryPoints(elsewhere?.entryPoints ?? []);
  const own = routers.get(key)?.entryPoints ?? [];
  const others = names.filter((name) => !own.includes(name));
  const spread = others.map((name): ExpectedRouter => ({ key: `http/${name}-${nameOf(key)}`, fields: { ...fields, entryPoints: [name] } }));
  const stands = spread.every((one) => {
    const found = routers.get(one.key);
    return found !== undefined && isOf(found, fields) && sameSet(found.entryPoints, one.fields.entryPoints);
  });
  if (names.length < 2 || others.length === 0 || !stands) return [router];
  const rest = names.filter((name) => own.includes(name));
  return [...(rest.length === 0 ? [] : [{ key, fields: { ...fields, entryPoints: rest } }]), ...spread];
}

const isOf = ({ service }: GatewayRouter, fields: ExpectedRouter['fields']): boolean =>
  withoutProvider(service) === withoutProvider(fields.service ?? service);

/** The name of a Traefik service without the provider that ours have. */
export const withoutProvider = (name: string): string => name.replace(/@consulcatalog$/, '');
/** A key of Traefik's without its protocol: `web` for `http/web`. */
export const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1);
/** The same names in the same order; nothing wanted is always the same. */
export const sameOrder = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b === undefined || a.join('\n') === b.join('\n');
/** The same names in any order; nothing wanted is always the same. */
export const sameSet = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b === undefined || sameOrder([...a].sort(), [...b].sort());
