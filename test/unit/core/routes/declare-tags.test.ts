import { describe, expect, it } from 'vitest';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { PredictedRoutes } from '../../../../src/core/routes/predicted-routes.ts';
import { routedInstance, routerTags, serviceTags } from '../../../support/routed-instance.ts';

const on = 'traefik.enable=true';
const build = (tags: readonly string[]): PredictedRoutes =>
  predictRoutes([routedInstance({ tags })], { exposedByDefault: false, known: { middlewares: ['m@file'] } });
/** Each router with what is against it, and what is dropped. */
const told = ({ http, dropped }: PredictedRoutes): readonly string[] => [
  ...[...http.routers.values()].map(({ name, errors }) => [name.replace('@consulcatalog', ''), ...errors].join(': ')),
  ...dropped.map(({ what, why }) => `no ${what}: ${why}`),
];

describe('the tags of one instance', () => {
  it('name a router with its fields, in any letter case, and it leads to the only service', () => {
    const fields = ['rule=Host(`a`)', 'EntryPoints=web, websecure', 'priority=7', 'tls.certresolver=le', 'middlewares=m@file'];
    expect(build(routerTags('R', ...fields)).http.routers.get('R@consulcatalog')).toMatchObject({
      config: {
        rule: 'Host(`a`)',
        entryPoints: ['web', 'websecure'],
        priority: 7,
        tls: { certResolver: 'le' },
        middlewares: ['m@file'],
        service: 'web',
      },
      declaredBy: ['web'],
    });
  });

  it.each([
    [['server.port=8080'], { url: 'http://10.0.0.1:8080' }],
    [['server.scheme=https', 'server.weight=3'], { url: 'https://10.0.0.1:30080', weight: 3 }],
    [['server.url=http://x:1'], { url: 'http://x:1' }],
    [['server.weight=0', 'server.preservepath=true'], { url: 'http://10.0.0.1:30080', weight: 0, preservePath: true }],
  ])('with the fields %j of a service make the server %j', (fields, server) => {
    expect(build(serviceTags('s', ...fields)).http.services.get('s@consulcatalog')?.config['loadBalancer']).toHaveProperty('servers', [
      server,
    ]);
  });

  it.each<readonly [string, readonly string[], readonly string[]]>([
    ['of TCP only: no HTTP is made up', [on, 'traefik.tcp.routers.t.rule=HostSNI(`*`)'], []],
    ['with a service kind that tags cannot make', [on, 'traefik.http.services.s.weighted.x=1'], ['field not found, node: x']],
    ['with an unknown middleware', [on, 'traefik.http.middlewares.m.magic=1'], ['field not found, node: magic']],
    ['with an empty part in a key', [on, 'traefik.http.routers..rule=x'], ['invalid element: traefik.http.routers..rule']],
    ['with a weight that is no number', serviceTags('s', 'server.weight=many'), ['"many" is no int']],
  ])('%s', (_, tags, why) => {
    const { http, dropped } = build(tags);
    expect(http.routers.size).toBe(0);
    expect(dropped.map((one) => one.why.replace('its tags cannot be read: ', ''))).toEqual(why);
  });

  it.each<readonly [string, readonly string[], readonly string[]]>([
    ['with a router of priority 0 and no rule: it gets the default rule', routerTags('r', 'priority=0'), ['r']],
    [
      'with a rule that cannot be read',
      routerTags('r', 'rule=Host(a)'),
      ['r: error while parsing rule Host(a): column 6: expected a text in backticks or double quotes, found "a"'],
    ],
    ['with a rule of Traefik 2: not judged', routerTags('r', 'rule=Host(`a`, `b`)', 'rulesyntax=v2'), ['r']],
    [
      'with two services and a router that names none',
      [...serviceTags('a', 'server.port=1'), ...serviceTags('b', 'server.port=2'), ...routerTags('r', 'rule=Path(`/`)')],
      ['no router r: it names no service, where there are several: a, b'],
    ],
    ['with a service of another provider', routerTags('r', 'rule=Path(`/`)', 'service=api@internal'), ['r']],
    ['with tags of Traefik 1 beside: they are not read', [on, 'traefik.frontend.rule=Host:a', 'plain'], ['web']],
  ])('%s', (_, tags, expected) => {
    expect(told(build(tags))).toEqual(expected);
  });

  it('give a field that may stand alone its value, unless it is a struct', () => {
    const tags = [
      on,
      ...['sourcerange=10.0.0.0/8', 'rejectstatuscode=404'].map((field) => `traefik.http.middlewares.m.ipallowlist.${field}`),
    ];
    expect(build(tags).http.middlewares.get('m@consulcatalog')?.config).toEqual({
      ipAllowList: { sourceRange: ['10.0.0.0/8'], rejectStatusCode: 404 },
    });
    expect(
      build(routerTags('r', 'rule=Path(`/`)', 'tls=no', 'tls.certresolver=le')).http.routers.get('r@consulcatalog')?.config,
    ).not.toHaveProperty('tls');
  });

  it('are read under another prefix', () => {
    const tags = ['edge.enable=true', 'edge.http.routers.r.rule=Path(`/`)', on];
    const { routers } = predictRoutes([routedInstance({ tags })], { prefix: 'edge', exposedByDefault: false }).http;
    expect([...routers.keys()]).toEqual(['r@consulcatalog']);
  });

  it('bracket an IPv6 address', () => {
    const { services } = predictRoutes([routedInstance({ address: 'fd00::1' })]).http;
    expect(services.get('web@consulcatalog')?.config['loadBalancer']).toHaveProperty('servers', [{ url: 'http://[fd00::1]:30080' }]);
  });
});
