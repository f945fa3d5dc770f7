import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRoutes } from '../../../../src/core/routes/build-routes.ts';
import type { RoutedInstance, RouteOptions, Routes } from '../../../../src/core/routes/route-model.ts';

const on = 'traefik.enable=true';
function instance(more: Partial<RoutedInstance> = {}): RoutedInstance {
  const { consulNode = 'k8s-a', service = 'web' } = more;
  const base = { consulNode, nodeId: `id-of-${consulNode}`, id: `${service}-${consulNode}`, service, address: '10.0.0.1', port: 30_080 };
  return { ...base, tags: [on], status: 'passing', ...more };
}
const build = (instances: readonly RoutedInstance[], options: RouteOptions = {}): Routes =>
  buildRoutes(instances, { exposedByDefault: false, ...options });
const problems = (routes: Routes): string[] => routes.problems.map(({ kind, object }) => `${kind} ${object}`);
const servers = (routes: Routes, name = 'web'): string[] => routes.services.get(name)?.servers.map(({ url }) => url) ?? [];

const router = (name: string, ...fields: string[]): string[] => fields.map((field) => `traefik.http.routers.${name}.${field}`);
const service = (name: string, ...fields: string[]): string[] =>
  fields.map((field) => `traefik.http.services.${name}.loadbalancer.${field}`);

describe('the routes of one instance', () => {
  it('without router or service: both are made up, named after the Consul service', () => {
    const routes = build([instance({ service: 'my_web.v1' })]);
    expect(routes.routers.get('my-web-v1')).toMatchObject({
      text: 'Host(`my-web-v1`)',
      service: 'my-web-v1',
      priority: 17,
      tls: false,
      entryPoints: [],
    });
    expect(routes.services.get('my-web-v1')).toEqual({
      name: 'my-web-v1',
      servers: [{ url: 'http://10.0.0.1:30080', weight: 1 }],
      declaredBy: ['my_web.v1'],
    });
    expect(routes.problems).toEqual([]);
  });

  it('with a router: its fields are read, and it leads to the only service', () => {
    const tags = [
      on,
      ...router('R', 'rule=Host(`a`)', 'EntryPoints=web, websecure', 'priority=7', 'tls.certresolver=le', 'middlewares=m@file'),
    ];
    expect(build([instance({ tags })]).routers.get('R')).toMatchObject({
      text: 'Host(`a`)',
      entryPoints: ['web', 'websecure'],
      priority: 7,
      tls: true,
      middlewares: ['m@file'],
      service: 'web',
      declaredBy: ['web'],
    });
  });

  it.each([
    [['server.port=8080'], 'http://10.0.0.1:8080', 1],
    [['server.scheme=https', 'server.weight=3'], 'https://10.0.0.1:30080', 3],
    [['server.url=http://x:1'], 'http://x:1', 1],
    [['server.weight=0'], 'http://10.0.0.1:30080', 0],
  ])('with the service fields %j: the server is %s, weight %i', (fields, url, weight) => {
    expect(build([instance({ tags: [on, ...service('s', ...fields)] })]).services.get('s')?.servers).toEqual([{ url, weight }]);
  });

  it.each([
    ['of TCP only: no HTTP is made up', [on, 'traefik.tcp.routers.t.rule=HostSNI(`*`)'], [], []],
    ['with an unknown field: it is left out', [on, ...router('r', 'rul=Host(`a`)')], [], ['bad-tags instance web-k8s-a']],
    [
      'with a service kind that tags cannot make: it is left out',
      [on, 'traefik.http.services.s.weighted.x=1'],
      [],
      ['bad-tags instance web-k8s-a'],
    ],
    ['with a router without fields: it gets the default rule', [on, 'traefik.http.routers.r=x'], ['r'], []],
    ['with an unknown middleware: it is left out', [on, 'traefik.http.middlewares.m.magic=1'], [], ['bad-tags instance web-k8s-a']],
    ['with an empty part in a key: it is left out', [on, 'traefik.http.routers..rule=x'], [], ['bad-tags instance web-k8s-a']],
    ['with a weight that is no number: it is left out', [on, ...service('s', 'server.weight=many')], [], ['bad-tags instance web-k8s-a']],
    [
      'with URL beside port: it is left out',
      [on, ...service('s', 'server.url=http://x', 'server.port=1')],
      [],
      ['bad-tags instance web-k8s-a'],
    ],
    ['with a rule that cannot be read: no router', [on, ...router('r', 'rule=Host(a)')], [], ['bad-rule router r']],
    ['with a rule of Traefik 2: not judged', [on, ...router('r', 'rule=Host(`a`, `b`)', 'rulesyntax=v2')], ['r'], []],
    [
      'with two services and a router that names none',
      [on, ...service('a', 'server.port=1'), ...service('b', 'server.port=2'), ...router('r', 'rule=Path(`/`)')],
      [],
      ['unlinked router r'],
    ],
    ['with a service that does not exist', [on, ...router('r', 'rule=Path(`/`)', 'service=absent')], ['r'], ['missing-service router r']],
    ['with a service of another provider', [on, ...router('r', 'rule=Path(`/`)', 'service=api@internal')], ['r'], []],
    ['with tags of Traefik 1 beside: they are not read', [on, 'traefik.frontend.rule=Host:a', 'plain'], ['web'], []],
  ])('%s', (_, tags, routers, found) => {
    const routes = build([instance({ tags })]);
    expect([...routes.routers.keys()]).toEqual(routers);
    expect(problems(routes)).toEqual(found);
  });

  it('says why the rule cannot be read, and where', () => {
    const {
      problems: [first],
    } = build([instance({ tags: [on, ...router('r', 'rule=Host(a)')] })]);
    expect(first?.message).toBe('the rule of router r cannot be read: column 6: expected a text in backticks or double quotes, found "a"');
  });

  it('reads the tags of another prefix', () => {
    const routes = build([instance({ tags: ['edge.enable=true', 'edge.http.routers.r.rule=Path(`/`)', on] })], { prefix: 'edge' });
    expect([...routes.routers.keys()]).toEqual(['r']);
  });

  it('brackets an IPv6 address', () => {
    expect(servers(build([instance({ address: 'fd00::1' })]))).toEqual(['http://[fd00::1]:30080']);
  });
});

describe('which instances count', () => {
  it.each<[string, Partial<RoutedInstance>, RouteOptions, boolean]>([
    ['passing', {}, {}, true],
    ['warning', { status: 'warning' }, {}, true],
    ['critical', { status: 'critical' }, {}, false],
    ['in maintenance', { status: 'maintenance' }, {}, false],
    ['without traefik.enable', { tags: [] }, {}, false],
    ['without traefik.enable, exposed by default', { tags: [] }, { exposedByDefault: true }, true],
    ['enabled by another spelling than =true', { tags: ['traefik.enable=1'] }, {}, false],
    ['enabled by another spelling, exposed by default', { tags: ['traefik.enable=1'] }, { exposedByDefault: true }, true],
    ['disabled, exposed by default', { tags: ['traefik.enable=false'] }, { exposedByDefault: true }, false],
    ['with the constraint tag', { tags: [on, 'c1'] }, { constraintTag: 'c1' }, true],
    ['without the constraint tag', { tags: [on, 'c2'] }, { constraintTag: 'c1' }, false],
    ['without an address', { address: '' }, {}, false],
  ])('%s', (_, more, options, expected) => {
    expect(build([instance(more)], options).services.has('web')).toBe(expected);
  });

  it('an enable that is no boolean keeps the whole service out, one that differs is a warning', () => {
    const other = (tag: string) => build([instance(), instance({ consulNode: 'k8s-b', tags: [tag] })]);
    expect(other('traefik.enable=yes').services.size).toBe(0);
    expect(problems(other('traefik.enable=yes'))).toEqual(['enable Consul service web']);
    expect(problems(other('traefik.enable=false'))).toEqual(['enable Consul service web']);
    expect(problems(other('other'))).toEqual([]);
  });

  it('equal instance IDs on nodes without IDs share the health of the last one', () => {
    const sick = (nodeId: string) =>
      build([
        instance({ nodeId, id: 'web' }),
        instance({ consulNode: 'k8s-b', nodeId, id: 'web', address: '10.0.0.2', status: 'critical' }),
      ]);
    expect(servers(sick(''))).toEqual([]);
    expect(
      servers(build([instance({ id: 'web' }), instance({ consulNode: 'k8s-b', id: 'web', address: '10.0.0.2', status: 'critical' })])),
    ).toHaveLength(1);
  });

  it('of two that have one name in Traefik, one is lost', () => {
    const routes = build([instance({ consulNode: 'k8s.a', id: 'x' }), instance({ consulNode: 'k8s-a', id: 'x', address: '10.0.0.2' })]);
    expect(problems(routes)).toEqual(['lost-instance instance x']);
    expect(servers(routes)).toHaveLength(1);
  });
});

describe('several instances', () => {
  const pair = (one: string[], two: string[], more: Partial<RoutedInstance> = {}): Routes =>
    build([instance({ tags: [on, ...one] }), instance({ consulNode: 'k8s-b', address: '10.0.0.2', tags: [on, ...two], ...more })]);

  it('that agree put their servers together, each URL once', () => {
    expect(servers(pair([], []))).toEqual(['http://10.0.0.1:30080', 'http://10.0.0.2:30080']);
    expect(servers(pair([], [], { address: '10.0.0.1' }))).toEqual(['http://10.0.0.1:30080']);
  });

  const middleware = (prefix: string): string[] => [`traefik.http.middlewares.m.addprefix.prefix=${prefix}`];
  it.each([
    { name: 'router r', one: router('r', 'rule=Host(`a`)'), two: router('r', 'rule=Host(`b`)'), left: [0, 1] },
    { name: 'router r', one: router('r', 'rule=Host(`a`)'), two: router('r', 'rule=Host(`a`)', 'priority=1'), left: [0, 1] },
    { name: 'service s', one: service('s', 'sticky.cookie=true'), two: service('s', 'sticky.cookie=false'), left: [1, 0] },
    { name: 'middleware m', one: middleware('/a'), two: middleware('/b'), left: [1, 1] },
  ])('that disagree on $name lose it for all', ({ name, one, two, left }) => {
    const routes = pair(one, two);
    expect(problems(routes)).toContain(`conflict ${name}`);
    expect([routes.routers.size, routes.services.size]).toEqual(left);
  });

  it.each([
    ['server fields', service('s', 'server.port=1', 'server.weight=2'), service('s', 'server.port=3')],
    ['the spelling of a boolean', service('s', 'passhostheader=0'), service('s', 'passhostheader=False')],
    ['a default that is written out', service('s', 'passhostheader=true', 'server.port=1'), service('s', 'server.port=1')],
    ['the case of a key', router('r', 'rule=Host(`a`)'), router('r', 'Rule=Host(`a`)')],
  ])('may differ in %s', (_, one, two) => {
    expect(problems(pair(one, two))).toEqual([]);
  });

  it('of several Consul services that declare one object are all named', () => {
    const shared = [on, ...router('r', 'rule=Host(`a`)', 'service=s'), ...service('s', 'server.port=1')];
    const routes = build([instance({ tags: shared }), instance({ service: 'api', address: '10.0.0.2', tags: shared })]);
    expect(routes.routers.get('r')?.declaredBy).toEqual(['api', 'web']);
    expect(routes.services.get('s')?.declaredBy).toEqual(['api', 'web']);
  });

  it.each([
    {
      of: 'the same rule and priority',
      one: ['rule=Host(`a`)', 'priority=5'],
      two: ['rule=Host( "a" )', 'priority=5'],
      found: ['tie router r2'],
    },
    { of: 'different rules of one length', one: ['rule=Host(`a`)'], two: ['rule=Host(`b`)'], found: [] },
    { of: 'different entry points', one: ['rule=Host(`a`)', 'entrypoints=x'], two: ['rule=Host(`a`)', 'entrypoints=y'], found: [] },
    { of: 'one with TLS', one: ['rule=Host(`a`)', 'tls=true'], two: ['rule=Host(`a`)'], found: [] },
  ])('with routers of $of', ({ one, two, found }) => {
    const first = instance({ tags: [on, ...router('r1', ...one)] });
    const second = instance({ service: 'api', tags: [on, ...router('r2', ...two)] });
    expect(problems(build([first, second]))).toEqual(found);
  });

  it('give the same whatever their order', () => {
    const tags = fc.constantFrom(
      [on],
      [on, ...router('r', 'rule=Host(`a`)')],
      [on, ...router('r', 'rule=Host(`b`)')],
      [on, ...service('s', 'server.port=1')],
      [],
    );
    const arbitrary = fc.record({
      consulNode: fc.constantFrom('k8s-a', 'k8s-b', 'k8s.a'),
      service: fc.constantFrom('web', 'api'),
      address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      tags,
      status: fc.constantFrom('passing' as const, 'critical' as const),
    });
    const unique = fc.uniqueArray(arbitrary, { selector: ({ consulNode, service: name }) => `${consulNode}/${name}` });
    fc.assert(
      fc.property(unique, fc.infiniteStream(fc.nat()), (parts, dice) => {
        const instances = parts.map((part) => instance(part));
        const shuffled = instances
          .map((item) => [dice.next().value ?? 0, item] as const)
          .sort(([a], [b]) => a - b)
          .map(([, item]) => item);
        expect(build(shuffled)).toEqual(build(instances));
      }),
    );
  });
});
