import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CatalogRoutes, type RoutePart } from '../../../../src/core/routes/catalog-routes.ts';
import { findConflicts } from '../../../../src/core/routes/find-conflicts.ts';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { RoutedInstance } from '../../../../src/core/routes/route-model.ts';

const SETTINGS = { exposedByDefault: true, entryPoints: [{ name: 'web' }, { name: 'dns', protocol: 'udp' as const }] };

const names = fc.constantFrom('a', 'b', 'c');
const rule = fc.constantFrom('Host(`x`)', 'Host(`y`) && PathPrefix(`/a`)', 'Host(`y`) && PathPrefix(`/ab`)', 'PathPrefix(`/`)', 'bad(');
/** What tags may say, so that names, references and rules of parts meet in all ways. */
const label = fc.oneof(
  fc.tuple(names, rule).map(([name, text]) => `http.routers.${name}.rule=${text}`),
  fc.tuple(names, names).map(([name, other]) => `http.routers.${name}.middlewares=${other}`),
  fc.tuple(names, names).map(([name, other]) => `http.routers.${name}.service=${other}`),
  fc.tuple(names, fc.constantFrom('/a', '/b')).map(([name, prefix]) => `http.middlewares.${name}.stripprefix.prefixes=${prefix}`),
  fc.tuple(names, names).map(([name, other]) => `http.middlewares.${name}.chain.middlewares=${other}`),
  fc.tuple(names, names).map(([name, other]) => `http.middlewares.${name}.errors.service=${other}`),
  names.map((name) => `http.services.${name}.loadbalancer.server.port=80`),
  names.map((name) => `tcp.routers.${name}.rule=HostSNI(\`*\`)`),
  names.map((name) => `udp.routers.${name}.entrypoints=dns`),
);
const part: fc.Arbitrary<RoutePart> = fc.record({
  service: fc.constantFrom('s1', 'S1', 's2', 's3', 's4', 's5'),
  tags: fc.array(label, { maxLength: 4 }).map((labels) => labels.map((one) => `traefik.${one}`)),
});
const parts = fc.uniqueArray(part, { selector: ({ service, tags }) => JSON.stringify([service, tags]), maxLength: 6 });

const instanceOf = ({ service, tags }: RoutePart, i: number): RoutedInstance => ({
  consulNode: `n${i}`,
  nodeId: '',
  id: `${service}-${i}`,
  service,
  address: '192.0.2.1',
  port: 80,
  tags,
  status: 'passing',
});
/** Without the titles of single instances, of which there are others. */
const shown = (
  found: readonly { readonly kind: string; readonly what: string; readonly declaredBy: readonly string[] }[],
): readonly string[] =>
  [...new Set(found.map(({ kind, what, declaredBy }) => `${kind} ${what.replace(/-\d+ on n\d+$/, '')} of ${declaredBy.join()}`))].sort();

describe('CatalogRoutes', () => {
  it('finds what a prediction of the whole finds, whatever it knows from before', () => {
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 4 }), (looks) => {
        const catalog = new CatalogRoutes(SETTINGS);
        for (const look of looks) {
          const whole = findConflicts(undefined, predictRoutes(look.map(instanceOf), SETTINGS), SETTINGS);
          expect(shown(catalog.conflictsOf(look))).toEqual(shown(whole));
          catalog.forgetUnused();
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [['traefik.http.services.web.loadbalancer.server.port=eighty'], 'service web: error parsing server URL http://<node>:eighty'],
    [['traefik.http.routers.web.priority=high'], 'instances of web: its tags cannot be read: "high" is no int'],
  ])('tells nothing of the instance that it foresees with: %s', (tags, message) => {
    const own = ['traefik.http.routers.web.rule=Host(`a`)', 'traefik.http.routers.web.service=web', ...tags];
    expect(new CatalogRoutes(SETTINGS).conflictsOf([{ service: 'web', tags: own }]).map((conflict) => conflict.message)).toContain(message);
  });
});
