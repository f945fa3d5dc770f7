import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import type { RegisterPool } from '../../../../src/core/model/action.ts';
import type { Spec } from '../../../../src/core/model/objects.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegistryState } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  node,
  POLICY,
  service,
  spec,
  specSet,
  world,
} from '../../../support/builders.ts';
import { gatewayState } from '../../../support/gateway-state.ts';
import { applyToWorld, type ModelPlan, planWorld, settle } from '../../../support/model-world.ts';

const V3: Policy = { ...POLICY, dialect: 'v3' };

/** A spec with one Service and these lines of tags, without their `traefik.`. */
function app(name: string, labels: readonly string[], file = `${name}.json`): Spec {
  const tags = labels.map((label) => `traefik.${label}`).join('\n');
  const annotations = { 'traefik.enable': 'true', 'traefik.frontend.rule': '', 'poolkeeper.dev/tags': tags };
  const object = service(name, { annotations });
  const { 'traefik.frontend.rule': _, ...rest } = object.metadata.annotations ?? {};
  return spec(file, deployment(name), { ...object, metadata: { ...object.metadata, annotations: rest } });
}
const router = (name: string, rule: string, ...more: readonly string[]): readonly string[] => [
  `http.routers.${name}.rule=${rule}`,
  ...more.map((label) => `http.routers.${name}.${label}`),
];

function worldOf(specs: readonly Spec[], foreign: Readonly<Record<string, readonly string[]>> = {}): World {
  const names = specs.flatMap(({ objects }) => objects.map(({ object }) => object.metadata.name));
  return world({
    specs: complete(specSet(specs)),
    endpoints: [...new Set(names)].map((name) => endpoints(`default/${name}`)),
    registry: complete(withForeign(EMPTY_REGISTRY, foreign)),
  });
}
const withForeign = (state: RegistryState, foreign: Readonly<Record<string, readonly string[]>>): RegistryState => ({
  ...state,
  foreignServices: new Set(Object.keys(foreign)),
  foreignTags: new Map(Object.entries(foreign).map(([name, tags]) => [name, [tags]])),
});
const withRegistry = (base: World, change: (state: RegistryState) => RegistryState): World => ({
  ...base,
  registry: complete(change(snapshotValue(base.registry) ?? EMPTY_REGISTRY)),
});
const withSpecs = (base: World, ...specs: readonly Spec[]): World => ({ ...base, specs: complete(specSet(specs)) });

const registered = (base: World): readonly string[] => [...(snapshotValue(base.registry)?.instances.keys() ?? [])].sort();
const tagsOf = (base: World, name: string): readonly string[] =>
  snapshotValue(base.registry)
    ?.instances.get(keys.pool(name))?.[0]
    ?.tags.filter((tag) => tag.includes('rule=')) ?? [];
const told = ({ guarded }: ModelPlan): readonly string[] =>
  guarded.plans.flatMap(({ spec: id, problems }) =>
    problems.flatMap(({ code, severity, message }) => (code.startsWith('ROUTE_') ? [`${id} ${severity} ${code}: ${message}`] : [])),
  );
const registrations = ({ actions }: ModelPlan): readonly RegisterPool[] => actions.filter((action) => action.kind === 'register-pool');

const A = app('a', router('shop', 'Host(`a.example`)'));
const B = app('b', router('shop', 'Host(`b.example`)'));

describe('a new conflict', () => {
  it('sets aside the path that comes second where nobody holds the name yet', () => {
    const { world: end, last } = settle(worldOf([B, A]), { policy: V3 });
    expect(registered(end)).toEqual(['default/a']);
    expect(told(last)).toEqual([
      'a.json warning ROUTE_CONFLICT: pool default/b (b.json) is set aside: it collides with router shop, which pool default/a has',
      'b.json error ROUTE_CONFLICT: pool default/b is not registered: router shop is declared in another way by pool default/a (a.json); Traefik would drop it for all of them',
    ]);
  });

  it('is told in the plan before anything is written, and the Kubernetes side goes on', () => {
    const plan = planWorld(worldOf([A, B]), { policy: V3 });
    expect(told(plan).map((line) => line.slice(0, 29))).toEqual(['a.json warning ROUTE_CONFLICT', 'b.json error ROUTE_CONFLICT: ']);
    expect(plan.actions.filter(({ kind }) => kind === 'apply-object')).toHaveLength(4);
  });

  it('leaves who holds the name, whatever its path', () => {
    const held = settle(worldOf([B]), { policy: V3 }).world;
    const both = withSpecs(held, A, B);
    const plan = settle({ ...both, cluster: { ...both.cluster, endpoints: worldOf([A, B]).cluster.endpoints } }, { policy: V3 });
    expect(registered(plan.world)).toEqual(['default/b']);
    expect(told(plan.last)[0]).toMatch(
      /^a.json error ROUTE_CONFLICT: pool default\/a is not registered: router shop .* by pool default\/b/,
    );
  });

  it('with a stranger: the stranger stays, and the pool comes in by itself when it has gone', () => {
    const foreign = { legacy: ['traefik.enable=true', 'traefik.http.routers.shop.rule=Host(`old.example`)'] };
    const { world: held, last } = settle(worldOf([A], foreign), { policy: V3 });
    expect(registered(held)).toEqual([]);
    expect(told(last)).toEqual([
      'a.json error ROUTE_CONFLICT: pool default/a is not registered: router shop is declared in another way by the Consul service legacy, which is not ours; Traefik would drop it for all of them',
    ]);
    const free = settle(
      withRegistry(held, (state) => withForeign(state, {})),
      { policy: V3 },
    );
    expect(registered(free.world)).toEqual(['default/a']);
    expect(told(free.last)).toEqual([]);
  });

  it('that a change of a registered pool would bring keeps it as it was, and it follows its nodes', () => {
    const before = settle(worldOf([A, app('b', router('other', 'Host(`b.example`)'))]), { policy: V3 }).world;
    const changed = withSpecs(before, A, B);
    const nodes = complete([node('n1'), node('n2'), node('n3'), node('n4')]);
    const { world: end, last } = settle({ ...changed, cluster: { ...changed.cluster, nodes } }, { policy: V3 });
    expect(tagsOf(end, 'b')).toEqual(['traefik.http.routers.other.rule=Host(`b.example`)']);
    expect(snapshotValue(end.registry)?.instances.get(keys.pool('b'))).toHaveLength(4);
    expect(told(last)[1]).toMatch(/^b.json error ROUTE_CONFLICT: pool default\/b stays registered as it was: router shop/);
  });

  it.each<readonly [string, readonly string[], readonly string[], RegExp]>([
    [
      'one Traefik service',
      ['http.services.x.loadbalancer.server.port=1'],
      ['http.services.x.loadbalancer.server.port=1'],
      /service x .*requests of the others/,
    ],
    [
      'one rule at one priority',
      router('r', 'Host(`x`)'),
      router('s', 'Host(`x`)'),
      /router s: has the rule and the priority of router r.*pool default\/a/,
    ],
    [
      'an unknown middleware',
      router('r', 'Host(`r`)'),
      router('s', 'Host(`s`)', 'middlewares=gone@consulcatalog'),
      /middleware "gone@consulcatalog" does not exist/,
    ],
  ])('is %s', (_name, first, second, message) => {
    const { world: end, last } = settle(worldOf([app('a', first), app('b', second)]), { policy: V3 });
    expect(registered(end)).toEqual(['default/a']);
    expect(told(last).find((line) => line.startsWith('b.json error'))).toMatch(message);
  });

  it('is told without the password that is wrong', () => {
    const users = [...router('r', 'Host(`r`)', 'middlewares=m'), 'http.middlewares.m.basicauth.users=bobs3cret'];
    const { world: end, last } = settle(worldOf([app('a', users)]), { policy: V3 });
    expect(registered(end)).toEqual([]);
    expect(told(last).join('\n')).toContain('error parsing BasicUser: [redacted]');
    expect(told(last).join('\n')).not.toContain('s3cret');
  });

  it('leaves no pool on a NodePort that is closed: it follows a Service that somebody has made anew', () => {
    const before = settle(worldOf([A, app('b', router('other', 'Host(`b.example`)'))]), { policy: V3 }).world;
    const aside = settle(withSpecs(before, A, B), { policy: V3 }).world;
    const services = [...(snapshotValue(aside.cluster.services) ?? [])].map(([key, live]) => {
      const ports = [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 32_555 }];
      return [key, live.name === 'b' ? { ...live, spec: { ...live.spec, ports } } : live] as const;
    });
    const anew = { ...aside, cluster: { ...aside.cluster, services: complete(new Map(services)) } };
    const plan = planWorld(anew, { policy: V3 });
    expect(registrations(plan).map(({ pool, set }) => [pool, set.map(({ port }) => port)])).toEqual([
      ['default/b', [32_555, 32_555, 32_555]],
    ]);
    const after = applyToWorld(anew, plan.actions);
    expect(tagsOf(after, 'b')).toEqual(['traefik.http.routers.other.rule=Host(`b.example`)']);
    expect(registrations(planWorld(after, { policy: V3 }))).toEqual([]);
  });

  it('of a rule that a registered pool takes over from nobody is the fault of who changed', () => {
    const b = (rule: string): Spec => app('b', router('b', rule));
    const before = settle(worldOf([app('c', router('c', 'Host(`c`)')), b('Host(`b`)')]), { policy: V3 }).world;
    const { world: end } = settle(withSpecs(before, app('c', router('c', 'Host(`c`)')), b('Host(`c`)')), { policy: V3 });
    expect(tagsOf(end, 'b')).toEqual(['traefik.http.routers.b.rule=Host(`b`)']);
  });

  it('sets aside no more than it must: who collides only with one that is set aside comes in', () => {
    const specs = [
      app('a', router('one', 'Host(`a`)')),
      app('b', [...router('one', 'Host(`b`)'), ...router('two', 'Host(`b2`)')]),
      app('c', router('two', 'Host(`c`)')),
    ];
    expect(registered(settle(worldOf(specs), { policy: V3 }).world)).toEqual(['default/a', 'default/c']);
  });
});

describe('what has a name until it has left', () => {
  it('a pool whose spec is gone: the next one comes in when it is out of Consul', () => {
    const before = settle(worldOf([B, app('c', [])]), { policy: V3 }).world;
    const next = withSpecs(before, A, app('c', []));
    const base = { ...next, cluster: { ...next.cluster, endpoints: worldOf([A, B]).cluster.endpoints } };
    const plan = planWorld(base, { policy: V3 });
    expect(plan.actions.map(({ kind }) => kind)).toContain('deregister-pool');
    expect(told(plan)[0]).toMatch(/^a.json error ROUTE_CONFLICT: .*by pool default\/b \(b.json\)/);
    const { world: end, last } = settle(base, { policy: V3 });
    expect(registered(end)).toContain('default/a');
    expect(told(last)).toEqual([]);
  });
});

describe('a Service that its spec renames', () => {
  const renamed = (name: string, file = 'x.json'): Spec => app(name, router(`r-${name}`, 'Host(`a.example`)'), file);
  const ready = worldOf([A, B]).cluster.endpoints;
  const before = settle(worldOf([renamed('a')]), { policy: V3 }).world;
  const inOrder = (next: Spec): readonly string[] => {
    const order: string[] = [];
    let now: World = { ...withSpecs(before, next), cluster: { ...before.cluster, endpoints: ready } };
    for (let plan = planWorld(now, { policy: V3 }); plan.actions.length > 0; plan = planWorld(now, { policy: V3 })) {
      order.push(...plan.actions.flatMap((action) => (/register-pool/.test(action.kind) && 'pool' in action ? [action.kind] : [])));
      now = applyToWorld(now, plan.actions);
    }
    return order;
  };

  it('hands its rule over: the new pool comes in before the old one goes', () => {
    expect(inOrder(renamed('b'))).toEqual(['register-pool', 'deregister-pool']);
  });

  it('does so too when the new one was there first, and had to wait', () => {
    const both = spec('x.json', ...[...renamed('a').objects, ...renamed('b').objects].map(({ object }) => object));
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    const waiting = settle({ ...withSpecs(before, both), cluster: { ...before.cluster, endpoints: ready } }, { policy: V3, memos }).world;
    expect(registered(waiting)).toEqual(['default/a']);
    const plan = planWorld(
      { ...withSpecs(waiting, renamed('b')), cluster: { ...waiting.cluster, endpoints: ready } },
      { policy: V3, memos },
    );
    expect(registrations(plan).map(({ pool }) => pool)).toEqual(['default/b']);
  });

  it('does not do so for the rule of another spec', () => {
    expect(inOrder(renamed('b', 'y.json'))).toEqual(['deregister-pool', 'register-pool']);
  });
});

describe('Services of one spec in one Traefik service, such as a canary', () => {
  const sharing = (name: string): readonly string[] => [
    ...router(`r-${name}`, `Host(\`${name}.example\`)`, 'service=shop'),
    'http.services.shop.loadbalancer.passhostheader=true',
  ];
  const [a, b] = [app('a', sharing('a')), app('b', sharing('b'))];

  it('are meant to share requests', () => {
    const both = spec('x.json', ...[...a.objects, ...b.objects].map(({ object }) => object));
    const ready = worldOf([a, b]).cluster.endpoints;
    const base = worldOf([both]);
    const { world: end } = settle({ ...base, cluster: { ...base.cluster, endpoints: ready } }, { policy: V3 });
    expect(registered(end)).toEqual(['default/a', 'default/b']);
  });

  it('are a conflict where they are of two', () => {
    expect(registered(settle(worldOf([a, b]), { policy: V3 }).world)).toEqual(['default/a']);
  });
});

describe('where agents register (registration: kv)', () => {
  const KV: Policy = { ...V3, registration: 'kv' };
  const toldTags = (base: World, name: string): string =>
    snapshotValue(base.registry)?.kv.get(keys.deployments(`default/${name}`))?.value ?? '';

  it('a newcomer is not told to agents', () => {
    const { world: end, last } = settle(worldOf([A, B]), { policy: KV });
    expect(toldTags(end, 'a')).toContain('routers.shop');
    expect(toldTags(end, 'b')).toBe('');
    expect(told(last)[1]).toMatch(/^b.json error ROUTE_CONFLICT: pool default\/b is not registered/);
  });

  it('a change that would collide leaves what agents are told, but for the nodes', () => {
    const before = settle(worldOf([A, app('b', router('other', 'Host(`b.example`)'))]), { policy: KV }).world;
    const changed = withSpecs(before, A, B);
    const cluster = { ...changed.cluster, nodes: complete([node('n1'), node('n2')]) };
    const { world: end, last } = settle({ ...changed, cluster }, { policy: KV });
    expect(toldTags(end, 'b')).toContain('routers.other.rule');
    expect(toldTags(end, 'b')).not.toContain('\\"n3\\"');
    expect(told(last)[1]).toMatch(/^b.json error ROUTE_CONFLICT: pool default\/b stays registered as it was/);
  });
});

describe('what is no conflict, or sets nobody aside', () => {
  const pass = (specs: readonly Spec[], policy: Policy = V3, foreign: Readonly<Record<string, readonly string[]>> = {}) => {
    const { world: end, last } = settle(worldOf(specs, foreign), { policy });
    return { registered: registered(end), told: told(last) };
  };

  it('a middleware of another pool', () => {
    const specs = [
      app('a', router('a', 'Host(`a`)', 'middlewares=strip')),
      app('b', [...router('b', 'Host(`b`)'), 'http.middlewares.strip.stripprefix.prefixes=/x']),
    ];
    expect(pass(specs)).toEqual({ registered: ['default/a', 'default/b'], told: [] });
  });

  it('a router that another one outranks is told of, and serves', () => {
    const specs = [app('a', router('a', 'Host(`x`)', 'priority=1')), app('b', router('b', 'PathPrefix(`/`)', 'priority=9'))];
    const { registered: found, told: lines } = pass(specs);
    expect(found).toEqual(['default/a', 'default/b']);
    expect(lines.every((line) => line.includes('warning ROUTE_DOUBTFUL'))).toBe(true);
    expect(lines).toHaveLength(2);
  });

  it('a Consul service of others without tags for Traefik, unless everything is exposed', () => {
    const specs = [app('web', router('db', 'Host(`db.example`)'))];
    expect(pass(specs, V3, { db: ['v1'] }).registered).toEqual(['default/web']);
    expect(pass(specs, { ...V3, routes: { exposedByDefault: true } }, { db: ['v1'] }).registered).toEqual([]);
    const constraints = { exposedByDefault: true, constraints: 'Tag(`kubernetes`)' };
    expect(pass(specs, { ...V3, routes: constraints }, { db: ['v1'] }).registered).toEqual(['default/web']);
  });

  it('names of other providers that nobody knows', () => {
    const specs = [app('a', router('a', 'Host(`a`)', 'middlewares=auth@file', 'entrypoints=odd', 'tls.certresolver=le'))];
    expect(pass(specs).registered).toEqual(['default/a']);
    expect(pass(specs, { ...V3, routes: { known: { middlewares: ['auth@file'] } } }).registered).toEqual(['default/a']);
    expect(pass(specs, { ...V3, routes: { known: { middlewares: ['other@file'] } } }).registered).toEqual([]);
    expect(pass(specs, { ...V3, routes: { entryPoints: [{ name: 'web' }] } }).registered).toEqual([]);
    expect(pass(specs, { ...V3, routes: { known: { certResolvers: [] } } }).told).toEqual([
      'a.json warning ROUTE_DOUBTFUL: pool default/a: router a: there is no certificate resolver le',
    ]);
  });

  it('two that are registered already: both are told, and both go on', () => {
    const before = settle(worldOf([A, B]), { policy: { ...V3, dialect: 'v1' } }).world;
    const swapped = withRegistry(before, (state) => {
      const tags = (name: string): readonly string[] => [
        `traefik.enable=true`,
        ...router('shop', `Host(\`${name}\`)`).map((one) => `traefik.${one}`),
      ];
      const instances = [...state.instances].map(
        ([pool, list]) => [pool, list.map((one) => ({ ...one, tags: tags(one.service) }))] as const,
      );
      return { ...state, instances: new Map(instances) };
    });
    const specs = withSpecs(swapped, app('a', router('shop', 'Host(`a`)')), app('b', router('shop', 'Host(`b`)')));
    const plan = planWorld(specs, { policy: V3 });
    expect(told(plan).map((line) => line.slice(0, 39))).toEqual([
      'a.json warning ROUTE_CONFLICT_STANDS: p',
      'b.json warning ROUTE_CONFLICT_STANDS: p',
    ]);
    expect(registrations(plan).map(({ pool }) => pool)).toEqual(['default/a', 'default/b']);
  });

  it('anything, where only Traefik 1 reads the catalog', () => {
    expect(pass([A, B], { ...V3, dialect: 'v1' })).toEqual({ registered: ['default/a', 'default/b'], told: [] });
  });
});

describe('what the replicas of Traefik have beside the catalog', () => {
  const specs = [app('a', router('a', 'Host(`a`)', 'middlewares=auth@file'))];
  const gateways = (...lists: readonly (readonly string[] | undefined)[]) =>
    new Map(
      lists.map((middlewares, i) => {
        const state = gatewayState({});
        return [`edge-${i}` as never, complete(middlewares === undefined ? state : { ...state, elsewhere: { middlewares, services: [] } })];
      }),
    );
  it.each<readonly [string, World['gateways'], boolean]>([
    ['one has it', gateways(['auth@file'], []), true],
    ['none has it', gateways(['other@file'], []), false],
    ['one has not told', gateways([], undefined), true],
  ])('%s', (_name, seen, comesIn) => {
    const base = settle(worldOf(specs), { policy: { ...V3, dialect: 'v1' } }).world;
    const state = { ...(snapshotValue(base.registry) ?? EMPTY_REGISTRY), instances: new Map() };
    const plan = planWorld({ ...base, registry: complete(state), ...(seen === undefined ? {} : { gateways: seen }) }, { policy: V3 });
    expect(registrations(plan).map(({ pool }) => pool)).toEqual(comesIn ? ['default/a'] : []);
  });
});

describe('what was remembered', () => {
  it('gives the verdicts of a fresh look, whatever changed', () => {
    const rules = fc.constantFrom('Host(`x`)', 'Host(`y`)', 'PathPrefix(`/`)', 'Host(`x`) && PathPrefix(`/a`)');
    const one = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), router: fc.constantFrom('r', 's', 't'), rule: rules });
    const step = fc.uniqueArray(one, { selector: ({ name }) => name, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
        for (const wanted of steps) {
          const now = worldOf(wanted.map(({ name, router: named, rule }) => app(name, router(named, rule))));
          expect(told(planWorld(now, { policy: V3, memos }))).toEqual(told(planWorld(now, { policy: V3 })));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the very same plan of a settled spec with a warning', () => {
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    const specs = [app('a', router('a', 'Host(`x`)', 'priority=1')), app('b', router('b', 'PathPrefix(`/`)', 'priority=9'))];
    const base = settle(worldOf(specs), { policy: V3 }).world;
    const [first, second] = [1, 2].map(() => planWorld(base, { policy: V3, memos }));
    expect(second?.guarded.plans.map((plan, i) => plan === first?.guarded.plans[i])).toEqual([true, true]);
  });
});

describe('properties', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 2, maxLength: 6 });

  it('specs of disjoint names and hosts have no conflict', () => {
    fc.assert(
      fc.property(names, fc.array(fc.constantFrom('/', '/a', '/b'), { minLength: 1 }), (list, paths) => {
        const specs = list.map((name, i) =>
          app(name, router(name, `Host(\`${name}.example\`) && PathPrefix(\`${paths[i % paths.length]}\`)`)),
        );
        const { world: end, last } = settle(worldOf(specs), { policy: POLICY });
        expect(told(last)).toEqual([]);
        expect(registered(end)).toHaveLength(list.length);
      }),
      { numRuns: 50 },
    );
  });

  it('of two that make a router of one name exactly one is set aside, in whatever order they come', () => {
    fc.assert(
      fc.property(names, fc.boolean(), (list, isSecondFirst) => {
        const [one = '', other = ''] = list;
        const specs = list.map((name) => app(name, router(name === other ? one : name, `Host(\`${name}.example\`)`)));
        const started = isSecondFirst
          ? settle(worldOf(specs.filter(({ id }) => id !== `${one}.json`)), { policy: POLICY }).world
          : worldOf([]);
        const all = worldOf(specs);
        const { world: end, last } = settle({
          ...started,
          specs: all.specs,
          cluster: { ...started.cluster, endpoints: all.cluster.endpoints },
        });
        expect(registered(end)).toHaveLength(list.length - 1);
        expect(told(last).filter((line) => line.includes(' error '))).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
  });
});
