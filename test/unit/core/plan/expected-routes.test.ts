import { describe, expect, it } from 'vitest';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import { type ExpectedRoutes, expectedRoutes } from '../../../../src/core/plan/expected-routes.ts';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { RoutedInstance } from '../../../../src/core/routes/route-model.ts';
import { serversOf } from '../../../../src/sandbox/gateway/routing-table.ts';
import { complete, deployment, EMPTY_REGISTRY, endpoints, keys, service, spec, specSet, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';
import { routeCatalogs } from '../../../support/route-catalogs.ts';
import { routerTags, serviceTags } from '../../../support/routed-instance.ts';

const POOL = keys.pool('web');
const site = settle(
  world({ specs: complete(specSet([spec('web.json', deployment('web'), service('web'))])), endpoints: [endpoints('default/web')] }),
).world;
const registry = snapshotValue(site.registry) ?? EMPTY_REGISTRY;
const registered = registry.instances.get(POOL) ?? [];

/** What is expected of the pool if its registration held these tags. */
function expected(tags: readonly string[]): ExpectedRoutes {
  const instances = new Map([...registry.instances, [POOL, registered.map((instance) => ({ ...instance, tags }))] as const]);
  const { context } = planWorld({ ...site, registry: complete({ ...registry, instances }) });
  const view = context.views.get(POOL);
  if (view === undefined) throw new Error('there is no such pool');
  return expectedRoutes(view, context);
}

const on = 'traefik.enable=true';
const NOTHING = { exposed: false, services: [], routers: [] };

describe('what Traefik is to make of a pool', () => {
  it('is told by the names in its tags and the backends that pass their checks', () => {
    const { exposed, services, routers } = expected([
      ...routerTags('r', 'rule=Host(`a`)', 'entrypoints=web, websecure', 'priority=7', 'tls=true', 'middlewares=one,two@file'),
      ...serviceTags('s', 'server.port=81'),
    ]);
    expect(exposed).toBe(true);
    expect(services.map(({ key, required }) => [key, ...required.keys()])).toEqual([
      ['http/s', 'http://10.0.0.1:81', 'http://10.0.0.2:81', 'http://10.0.0.3:81'],
    ]);
    expect(routers).toEqual([
      {
        key: 'http/r',
        fields: {
          rule: 'Host(`a`)',
          service: 's',
          entryPoints: ['web', 'websecure'],
          priority: 7,
          tls: true,
          middlewares: ['one@consulcatalog', 'two@file'],
        },
      },
    ]);
  });

  it('leaves open what they leave open', () => {
    expect(expected(['kubernetes'])).toMatchObject({
      exposed: undefined,
      routers: [{ key: 'http/web', fields: { service: 'web', middlewares: [] } }],
    });
    expect(Object.keys(expected(routerTags('r', 'priority=0')).routers[0]?.fields ?? {})).toEqual(['service', 'middlewares']);
  });

  it.each([
    ['switched off', ['traefik.enable=false']],
    ['switched on by a word that is none', ['traefik.enable=yes']],
    ['a canary, whose name only Traefik knows', [on, 'traefik.consulcatalog.canary=true']],
    ['for Consul Connect', [on, 'traefik.consulcatalog.connect=true']],
    ['not readable', routerTags('r', 'rul=Host(`a`)')],
    ['a URL beside a port', serviceTags('s', 'server.url=http://x', 'server.port=1')],
  ])('is nothing where they are %s', (_, tags) => {
    expect(expected(tags)).toEqual(NOTHING);
  });

  it('reads TCP and UDP, each with the service that it makes up', () => {
    const tags = [on, 'traefik.tcp.routers.db.rule=HostSNI(`*`)', 'traefik.udp.services.dns.loadbalancer.server.port=53'];
    const { services, routers } = expected(tags);
    const [first] = registered;
    expect(services.map(({ key, required }) => [key, [...required.keys()][0]])).toEqual([
      ['tcp/web', `10.0.0.1:${first?.port}`],
      ['udp/dns', '10.0.0.1:53'],
    ]);
    expect(routers).toEqual([]);
  });

  it('is what is predicted of the catalog, for any tags', () => {
    const tagLists = routeCatalogs(60, 5, [{ name: 'n1', id: 'id-1' }]).flatMap(({ instances }) => instances.map(({ tags }) => tags));
    const seen = tagLists.filter((tags) => {
      const instances = registered.map((one): RoutedInstance => ({ ...one, tags, nodeId: one.consulNode, status: 'passing' }));
      const { http, dropped } = predictRoutes(instances, { defaultRule: 'Path(`/{{ .Name }}`)' });
      const { services, routers, exposed } = expected(tags);
      // Canaries are not followed, and what chance decides is not predicted.
      if (dropped.length > 0 || exposed === false) return false;
      const urls = new Map(
        [...http.services.values()].map((one) => [`http/${one.name.slice(0, -14)}`, serversOf(one).map(({ url }) => url)]),
      );
      const ours = services.filter(({ key }) => key.startsWith('http/')).map(({ key, required }) => [key, [...required.keys()]]);
      expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(urls));
      expect(routers.map(({ key }) => `${key.slice(5)}@consulcatalog`).sort()).toEqual([...http.routers.keys()].sort());
      for (const { key, fields } of routers)
        expect(http.routers.get(`${key.slice(5)}@consulcatalog`)?.config['service']).toBe(fields.service);
      return true;
    });
    expect(seen.length).toBeGreaterThan(100);
  });
});
