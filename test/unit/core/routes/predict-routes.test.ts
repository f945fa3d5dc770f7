import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { PredictedRoutes, TraefikSettings } from '../../../../src/core/routes/predicted-routes.ts';
import type { RoutedInstance } from '../../../../src/core/routes/route-model.ts';
import { routeCatalogs } from '../../../support/route-catalogs.ts';

const instance = (service: string, tags: readonly string[], rest: Partial<RoutedInstance> = {}): RoutedInstance => ({
  consulNode: 'n1',
  nodeId: 'id-n1',
  id: `${service}-1`,
  service,
  address: '10.0.0.1',
  port: 30_080,
  tags,
  status: 'passing',
  ...rest,
});
const http = (name: string): string => `traefik.http.${name}`;
const reasons = ({ dropped }: PredictedRoutes): readonly string[] => dropped.map(({ reason, what }) => `${reason} ${what}`);
const SETTINGS: TraefikSettings = {
  entryPoints: [{ name: 'web' }, { name: 'dns', protocol: 'udp' }],
  known: { middlewares: [], serversTransports: [] },
};

describe('predictRoutes', () => {
  it('makes up a router and a service for an instance without labels', () => {
    const routes = predictRoutes([instance('my_shop', [])], SETTINGS);
    expect(routes.http.routers.get('my-shop@consulcatalog')).toMatchObject({
      config: { rule: 'Host(`my-shop`)', service: 'my-shop', entryPoints: ['web'], priority: 15 },
      status: 'enabled',
      declaredBy: ['my_shop'],
    });
    expect(routes.http.services.get('my-shop@consulcatalog')?.config).toEqual({
      loadBalancer: {
        strategy: 'wrr',
        passHostHeader: true,
        responseForwarding: { flushInterval: '100ms' },
        servers: [{ url: 'http://10.0.0.1:30080' }],
      },
    });
    expect(routes.dropped).toEqual([]);
  });

  it.each([
    ['an unknown field', [http('routers.a.nothing=1')], 'instance instance a-1 on n1'],
    ['a value of another type', [http('routers.a.priority=high')], 'instance instance a-1 on n1'],
    [
      'a URL beside a port',
      [http('services.a.loadbalancer.server.url=http://x'), http('services.a.loadbalancer.server.port=1')],
      'instance instance a-1 on n1',
    ],
    ['a service without a balancer', [http('services.a=x')], 'instance instance a-1 on n1'],
    ['a stray bracket', [http('routers.a].rule=x')], 'freeze instance a-1 on n1'],
    ['a word that is no boolean', ['traefik.enable=yes'], 'service Consul service a'],
    ['a stray label of the gate', ['traefik.enabled=true'], 'service Consul service a'],
  ])('drops the instance or service of %s', (_, tags, told) => {
    const routes = predictRoutes([instance('a', tags), instance('b', [])], SETTINGS);
    expect(reasons(routes)).toEqual([told]);
    expect([...routes.http.routers.keys()]).toEqual(['b@consulcatalog']);
  });

  it('deletes for all what two declare in different ways, and tells whose it is', () => {
    const one = instance('a', [
      http('routers.r.rule=Host(`a`)'),
      http('routers.r.service=a'),
      http('services.a.loadbalancer.passhostheader=true'),
    ]);
    const other = instance('b', [
      http('routers.r.rule=Host(`b`)'),
      http('routers.r.service=b'),
      http('services.b.loadbalancer.passhostheader=true'),
    ]);
    const { http: found, dropped } = predictRoutes([other, one], SETTINGS);
    expect(found.routers.size).toBe(0);
    expect([...found.services.keys()]).toEqual(['a@consulcatalog', 'b@consulcatalog']);
    expect(dropped).toEqual([
      {
        reason: 'conflict',
        what: 'router r',
        why: 'instance a-1 on n1 and instance b-1 on n1 declare it in different ways, so it is deleted for all',
        declaredBy: ['a', 'b'],
      },
    ]);
  });

  it('tells a rule that is written from the same one made up', () => {
    const tags = ['traefik.enable=true'];
    const written = instance('a', [...tags, http('routers.a.rule=Host(`a`)')], { id: 'a-2' });
    expect(reasons(predictRoutes([instance('a', tags), written], SETTINGS))).toEqual(['conflict router a']);
  });

  it('puts the servers of a service together, the first of each address', () => {
    const weight = (value: number): readonly string[] => [http(`services.s.loadbalancer.server.weight=${value}`)];
    const routes = predictRoutes(
      [
        instance('a', weight(1), { id: 'a-1' }),
        instance('a', weight(2), { id: 'a-2', consulNode: 'n2', address: '10.0.0.2' }),
        instance('a', weight(3), { id: 'a-3' }),
      ],
      SETTINGS,
    );
    expect(routes.http.services.get('s@consulcatalog')?.config['loadBalancer']).toHaveProperty('servers', [
      { url: 'http://10.0.0.1:30080', weight: 1 },
      { url: 'http://10.0.0.2:30080', weight: 2 },
    ]);
  });

  it('judges names that do not exist', () => {
    const routes = predictRoutes(
      [
        instance('a', [
          http('routers.a.middlewares=gone'),
          http('routers.b.entrypoints=web,gone'),
          http('routers.c.entrypoints=gone'),
          http('routers.d.service=gone'),
        ]),
        instance('e', [http('services.e.loadbalancer.serverstransport=gone@file')]),
      ],
      SETTINGS,
    );
    const told = [...routes.http.routers.values()].map(({ name, status, errors }) => [
      name.replace('@consulcatalog', ''),
      status,
      ...errors,
    ]);
    expect(told).toEqual([
      ['a', 'disabled', 'middleware "gone@consulcatalog" does not exist'],
      ['b', 'warning', 'entryPoint "gone" doesn\'t exist'],
      ['c', 'disabled', 'entryPoint "gone" doesn\'t exist', 'no valid entryPoint for this router'],
      ['d', 'disabled', 'the service "gone@consulcatalog" does not exist'],
      [
        'e',
        'disabled',
        'error building proxy for server URL http://10.0.0.1:30080: getting RoundTripper: servers transport not found gone@file',
      ],
    ]);
    expect(routes.http.services.get('a@consulcatalog')?.usedBy).toEqual(['a@consulcatalog', 'b@consulcatalog', 'c@consulcatalog']);
  });

  it('says nothing of names of other providers that it does not know', () => {
    const tags = [
      http('routers.a.middlewares=auth@file'),
      http('routers.a.entrypoints=anything'),
      http('routers.a.tls.options=modern@file'),
    ];
    expect(predictRoutes([instance('a', tags)]).http.routers.get('a@consulcatalog')).toMatchObject({ status: 'enabled', errors: [] });
  });

  it('splits a router where an entry point adds TLS', () => {
    const entryPoints = [{ name: 'web' }, { name: 'websecure', tls: { certResolver: 'le' }, middlewares: ['hsts@file'] }];
    const { routers } = predictRoutes([instance('a', [])], { entryPoints }).http;
    expect([...routers.keys()]).toEqual(['a@consulcatalog', 'websecure-a@consulcatalog']);
    expect(routers.get('websecure-a@consulcatalog')?.config).toMatchObject({ tls: { certResolver: 'le' }, middlewares: ['hsts@file'] });
  });

  it('keeps out what the settings keep out, silently', () => {
    const hidden = instance('hidden', ['traefik.enable=true', 'hidden']);
    const critical = instance('critical', ['traefik.enable=true'], { status: 'critical' });
    const silent = instance('silent', []);
    const routes = predictRoutes([hidden, critical, silent], { exposedByDefault: false, constraints: '!Tag(`hidden`)' });
    expect([routes.http.routers.size, routes.dropped.length]).toEqual([0, 0]);
  });

  it('tells where chance decides', () => {
    const routes = predictRoutes([instance('a', ['traefik.enable=true']), instance('a', ['traefik.enable=false'], { id: 'a-2' })]);
    expect(reasons(routes)).toEqual(['chance Consul service a']);
  });

  it('reads TCP and UDP', () => {
    const tags = [
      'traefik.tcp.routers.db.rule=HostSNI(`*`)',
      'traefik.udp.routers.dns.entrypoints=dns',
      'traefik.tcp.services.db.loadbalancer.server.port=5432',
    ];
    const routes = predictRoutes([instance('db', tags)], SETTINGS);
    expect(routes.http.routers.size).toBe(0);
    expect(routes.tcp.routers.get('db@consulcatalog')).toMatchObject({ config: { priority: -1, service: 'db' }, status: 'enabled' });
    expect(routes.tcp.services.get('db@consulcatalog')?.config).toEqual({ loadBalancer: { servers: [{ address: '10.0.0.1:5432' }] } });
    expect(routes.udp.routers.get('dns@consulcatalog')).toMatchObject({ using: ['dns'], status: 'enabled' });
  });

  it('does not depend on the order of the instances', () => {
    const nodes = [1, 2, 3, 4].map((at) => ({ name: `n${at}`, id: `id-${at}` }));
    const instances = routeCatalogs(30, 11, nodes).flatMap((catalog) => catalog.instances);
    const expected = shown(predictRoutes(instances, SETTINGS));
    fc.assert(
      fc.property(fc.shuffledSubarray([...instances], { minLength: instances.length }), (shuffled) => {
        expect(shown(predictRoutes(shuffled, SETTINGS))).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});

const shown = ({ http: web, tcp, udp, dropped }: PredictedRoutes): unknown => [
  ...[web, tcp, udp].map(({ routers, services, middlewares }) => [[...routers], [...services], [...middlewares]]),
  dropped,
];
