import { describe, expect, it } from 'vitest';
import type { GatewayKey, GatewayRouter, GatewayState } from '../../../../src/core/model/gateway.ts';
import { DEPLOYMENT_KIND, objectKey, type PoolKey, replicaName } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject } from '../../../../src/core/model/objects.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { explain } from '../../../../src/core/report/explain.ts';
import type { WhyKind } from '../../../../src/core/report/explanation.ts';
import { whyNoQuestion } from '../../../../src/core/report/why-no-question.ts';
import { HiddenText } from '../../../../src/core/spec/hidden-text.ts';
import { problem } from '../../../../src/shared/problem.ts';
import {
  commit,
  complete,
  deployment,
  endpoints,
  NOW_MS,
  node,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { answered, silent, spreadRouters } from '../../../support/gateway-state.ts';
import { knownWorld, settled, why } from '../../../support/known-world.ts';

const POOL = 'default/web';
const ROUTER = 'http/web-default-78aed7';
const URL = 'http://web.example.com/cart';
const TWO_ENTRY_POINTS = ['rule=Host(`shop.example.com`)', 'entrypoints=web,websecure']
  .map((one) => `traefik.http.routers.shop.${one}`)
  .join('\n');
const app = (labels: Record<string, string> = { app: 'web' }): KubernetesObject =>
  deployment('web', { replicas: 2, template: { metadata: { labels } } });
const { 'traefik.enable': _, ...others } = service('web').metadata.annotations ?? {};
const unexposed = { ...service('web'), metadata: { ...service('web').metadata, annotations: others } };
const files = (...objects: KubernetesObject[]) => complete({ ...specSet([spec('web.json', ...objects)]), head: commit('r2') });
const web = (more: Parameters<typeof service>[1] = {}, labels?: Record<string, string>): World =>
  world({ specs: files(app(labels), service('web', more)), endpoints: [endpoints(POOL)] });
const pods = (start: World, reason: string, message: string): World => ({
  ...start,
  cluster: {
    ...start.cluster,
    pods: complete(
      new Map([
        [
          objectKey(DEPLOYMENT_KIND, 'default', 'web'),
          [{ pod: 'web-1', workload: objectKey(DEPLOYMENT_KIND, 'default', 'web'), reason, message }],
        ],
      ]),
    ),
  },
});
/** The same world with another set of endpoints, after everything is written. */
const withEndpoints = (base: World, ...facts: Parameters<typeof endpoints>[]): World => ({
  ...base,
  cluster: { ...base.cluster, endpoints: complete(new Map(facts.map((one) => [one[0] as PoolKey, endpoints(...one)]))) },
});
const withStatus = (base: World, status: Record<string, number>): World => ({
  ...base,
  cluster: {
    ...base.cluster,
    objects: new Map(
      [...base.cluster.objects].map(([kind, snapshot]) => [
        kind,
        snapshot.kind === 'complete' ? complete(new Map([...snapshot.value].map(([key, live]) => [key, { ...live, status }]))) : snapshot,
      ]),
    ),
  },
});
const withRouter = (key: GatewayKey, change: Partial<GatewayRouter>, base?: Partial<GatewayRouter>) => (state: GatewayState) => {
  const [first] = state.routers.values();
  const old = state.routers.get(key) ?? (base === undefined ? undefined : ({ ...first, ...base } as GatewayRouter));
  if (old === undefined) throw new Error(`there is no ${key}, but ${[...state.routers.keys()].join()}`);
  return answered({ ...state, routers: new Map([...state.routers, [key, { ...old, ...change }]]) });
};

describe('explain', () => {
  it('of what is in traffic tells the whole way, and no cause', () => {
    const answer = why(settled(web()), 'pool', POOL);
    expect(answer).toMatchObject({ verdict: 'in-traffic', pool: POOL, says: 'pool default/web is in traffic', runAgeMs: 0 });
    expect(answer.cause).toBeUndefined();
    expect(answer.links.map(({ link, state }) => `${link} ${state}`)).toEqual([
      'commit ok',
      'file ok',
      'objects ok',
      'pods ok',
      'node-port ok',
      'backends ok',
      'registrations ok',
      'router ok',
      'servers ok',
      'probe not-watched',
    ]);
    expect(answer.links[0]?.says).toBe('r2 by A, 0s ago: s');
    expect(answer.sources.map(({ source }) => source)).toContain('traefik:edge');
  });

  it('tells of a route conflict to the pool that is set aside, not to the one of the same spec that serves', () => {
    const other = { ...service('xeb'), metadata: { ...service('xeb').metadata, annotations: service('web').metadata.annotations ?? {} } };
    const start = world({
      specs: files(app(), service('web'), deployment('xeb'), other),
      endpoints: [endpoints(POOL), endpoints('default/xeb')],
    });
    const base = settled(start);
    expect(why(base, 'pool', POOL)).toMatchObject({ verdict: 'in-traffic' });
    expect(why(base, 'pool', POOL).cause).toBeUndefined();
    expect(why(base, 'pool', 'default/xeb')).toMatchObject({ verdict: 'out', cause: { link: 'registrations', code: 'ROUTE_CONFLICT' } });
  });

  it('of a pool in traffic says nothing of others of its spec that are held', () => {
    const names = ['aa', 'bb', 'cc', 'dd'];
    const objectsOf = (name: string) => [deployment(name), service(name, { annotations: { 'traefik.frontend.rule': `Host:${name}` } })];
    const all = [app(), service('web'), ...names.flatMap(objectsOf)];
    const start = settled(world({ specs: files(...all), endpoints: ['web', ...names].map((name) => endpoints(`default/${name}`)) }));
    const held = { ...start, specs: files(app(), service('web')) };
    expect(why(held, 'pool', POOL).cause).toBeUndefined();
    expect(why(held, 'pool', 'default/aa').cause).toMatchObject({ link: 'file', code: 'REMOVAL_LIMIT' });
  });

  it('of a pool whose file is broken does not say that it leaves', () => {
    const broken = { 'web.json': [problem('SPEC_SYNTAX', 'no')] };
    const answer = why({ ...settled(web()), specs: complete({ ...specSet([], { broken }), head: commit('r3') }) }, 'pool', POOL);
    expect(answer).toMatchObject({ verdict: 'degraded', cause: { link: 'file', code: 'SPEC_SYNTAX' } });
    expect(answer.links.find(({ link }) => link === 'node-port')).toMatchObject({
      state: 'ok',
      says: expect.stringMatching(/^\d+ stays: its removal is held \(BROKEN_SPEC_MAY_OWN\)$/),
    });
  });

  it('shows no password of the tags', () => {
    const annotations = { 'traefik.enable': 'true', 'traefik.frontend.auth.basic.users': 'bob:s3cret' };
    const answer = JSON.stringify(why(settled(web({ annotations })), 'pool', POOL));
    expect(answer).toContain('basic.users=[redacted]');
    expect(answer).not.toContain('s3cret');
  });

  const base = settled(web());
  const cordoned = [node('n1', { unschedulable: true }), node('n2', { unschedulable: true }), node('n3', { unschedulable: true })];
  const table: readonly (readonly [name: string, world: World, kind: WhyKind, value: string, verdict: string, cause: string])[] = [
    [
      'a broken file that was never in force',
      world({
        specs: complete(
          specSet([], {
            broken: { 'web.json': [problem('SPEC_SYNTAX', 'no')] },
            brokenTexts: new Map([[spec('web.json').id, new HiddenText('web web.example.com')]]),
          }),
        ),
      }),
      'pool',
      POOL,
      'out',
      'file SPEC_SYNTAX',
    ],
    [
      'a host that only a broken file mentions',
      world({
        specs: complete(
          specSet([], {
            broken: { 'web.json': [problem('SPEC_SYNTAX', 'no')] },
            brokenTexts: new Map([[spec('web.json').id, new HiddenText('web web.example.com')]]),
          }),
        ),
      }),
      'url',
      URL,
      'out',
      'file SPEC_SYNTAX',
    ],
    [
      'a broken file whose last version serves',
      { ...base, specs: complete(specSet([], { broken: { 'web.json': [problem('SPEC_SYNTAX', 'no')] } })) },
      'pool',
      POOL,
      'degraded',
      'file SPEC_SYNTAX',
    ],
    [
      'Git away',
      { ...base, specs: stale({ ...specSet([spec('web.json', app(), service('web'))]) }) },
      'pool',
      POOL,
      'in-traffic',
      'commit SNAPSHOT_STALE',
    ],
    [
      'a pool that Git may have, but cannot be read',
      { ...base, specs: unavailable() },
      'pool',
      'default/nobody',
      'out',
      'commit KUBERNETES_UNAVAILABLE',
    ],
    ['objects that are still to be applied', web(), 'pool', POOL, 'out', 'objects changing'],
    [
      'an image that cannot be pulled',
      pods(withStatus(base, { replicas: 2, updatedReplicas: 1, availableReplicas: 1 }), 'ImagePullBackOff', 'no such image'),
      'pool',
      POOL,
      'degraded',
      'pods image-pull',
    ],
    [
      'a pod that is never ready',
      pods(
        withEndpoints(withStatus(base, { replicas: 2, updatedReplicas: 2, availableReplicas: 0 }), [POOL, 0, []]),
        'ContainersNotReady',
        'web',
      ),
      'pool',
      POOL,
      'out',
      'pods rolling-out',
    ],
    [
      'a selector that matches nothing',
      withEndpoints(settled(web({}, { app: 'wbe' })), [POOL, 0, []]),
      'pool',
      POOL,
      'out',
      'pods selector-matches-nothing',
    ],
    ['a target port that no container has', withEndpoints(base, [POOL, 2, []]), 'url', URL, 'out', 'pods port-without-endpoints'],
    ['a Service of another type', settled(web({ spec: { type: 'ClusterIP' } })), 'pool', POOL, 'out', 'node-port not-a-node-port'],
    [
      'register: false',
      settled(web({ annotations: { 'poolkeeper.dev/register': 'false' } })),
      'pool',
      POOL,
      'out',
      'node-port register-false',
    ],
    [
      'a selector of nodes that none matches',
      settled(web({ annotations: { 'poolkeeper.dev/nodes': 'zone=x' } })),
      'pool',
      POOL,
      'out',
      'backends not-selected',
    ],
    [
      'a cordoned node',
      { ...base, cluster: { ...base.cluster, nodes: complete([node('n1', { unschedulable: true }), node('n2'), node('n3')]) } },
      'node',
      'n1',
      'degraded',
      'node cordoned',
    ],
    [
      'a node that waits for its turn',
      { ...base, cluster: { ...base.cluster, nodes: complete(cordoned) } },
      'node',
      'n3',
      'in-traffic',
      'node kept-by-turn',
    ],
    ['a node that nobody knows', base, 'node', 'n33', 'out', 'node not-found'],
    [
      'Consul away',
      { ...base, registry: stale(base.registry.kind === 'complete' ? base.registry.value : (undefined as never)) },
      'pool',
      POOL,
      'in-traffic',
      'registrations SNAPSHOT_STALE',
    ],
    [
      'a router that Traefik does not use',
      settled(web(), withRouter(ROUTER, { status: 'disabled', errors: ['middleware "auth@file" does not exist'] })),
      'url',
      URL,
      'out',
      'router TRAEFIK_ROUTER_BROKEN',
    ],
    [
      "a stranger's router that comes before",
      settled(web(), withRouter('http/thief', { priority: 1000, service: 'thief' }, { rule: 'Host(`web.example.com`)' })),
      'url',
      URL,
      'out',
      'router shadowed',
    ],
    [
      'two routers of one priority',
      settled(web(), withRouter('http/thief', { service: 'thief' }, {})),
      'url',
      URL,
      'degraded',
      'router tie',
    ],
    [
      'its own router under another name',
      settled(web({ annotations: { 'poolkeeper.dev/tags': TWO_ENTRY_POINTS } }), (state) => answered(spreadRouters(state))),
      'url',
      'http://shop.example.com/',
      'in-traffic',
      'undefined undefined',
    ],
    [
      'a Traefik that is down',
      settled(web(), (state) => silent(NOW_MS - 1000, state)),
      'url',
      URL,
      'unknown',
      'router TRAEFIK_UNREACHABLE',
    ],
    [
      'a Traefik that has not followed yet',
      settled(web(), (state) => answered({ ...state, routers: new Map(), services: new Map() })),
      'pool',
      POOL,
      'out',
      'router traefik-follows',
    ],
    [
      'tags that leave it to exposedByDefault',
      settled(world({ specs: files(app(), unexposed), endpoints: [endpoints(POOL)] }), (state) =>
        answered({ ...state, routers: new Map(), services: new Map() }),
      ),
      'pool',
      POOL,
      'out',
      'router not-exposed',
    ],
    [
      'a path that no rule takes',
      settled(web({ annotations: { 'traefik.frontend.rule': 'Host:web.example.com;PathPrefix:/api' } })),
      'url',
      URL,
      'out',
      'router rule-differs',
    ],
    ['a host with a typo', base, 'url', 'http://wbe.example.com/', 'out', 'router host-unknown'],
    ['a name with a typo', base, 'pool', 'default/wbe', 'out', 'file not-found'],
  ];
  it.each(table)('of %s tells the first broken link', (_name, seen, kind, value, verdict, cause) => {
    const answer = why(seen, kind, value);
    expect(
      { verdict: answer.verdict, cause: `${answer.cause?.link} ${answer.cause?.code}` },
      JSON.stringify(answer.links, null, 1),
    ).toEqual({ verdict, cause });
  });

  it('names what somebody may have meant', () => {
    expect(why(base, 'url', 'http://wbe.example.com/').cause?.remedy).toContain('Did you mean web.example.com?');
    expect(why(base, 'name', 'default/wbe').cause?.remedy).toBe('Did you mean default/web?');
    expect(why(base, 'node', 'n33').cause?.remedy).toBe('Did you mean n3?');
  });

  it('takes a bare name for a node, a pool, or a host', () => {
    expect(why(base, 'name', 'n1').about).toBe('node n1');
    expect(why(base, 'name', 'web').about).toBe('pool default/web');
    expect(why(base, 'name', 'web.example.com/cart')).toMatchObject({ about: 'web.example.com/cart', pool: POOL, verdict: 'in-traffic' });
  });

  it('asks which, where several pools have the name', () => {
    const two = [spec('web.json', service('web')), spec('other.json', service('web', { namespace: 'other' }))];
    const answer = why(settled(world({ specs: complete(specSet(two)) })), 'name', 'web');
    expect(answer.cause).toMatchObject({ code: 'ambiguous', says: '2 pools are called web: default/web, other/web' });
  });

  it('says of a router with an expression that is too large to be tried that it is not judged', () => {
    const rule = `HostRegexp(\`${'\\pL{1000}'.repeat(20)}\`)`;
    const large = withRouter('http/large', { rule, service: 'large', priority: 9_999 }, {});
    const answer = why(settled(web(), large), 'url', URL);
    expect(answer).toMatchObject({ verdict: 'in-traffic', pool: POOL });
    expect(answer.links.find(({ link }) => link === 'router')?.facts).toContain(
      'not judged: an expression in the rule of router large (priority 9999) is too large',
    );
  });

  it('says which router takes a URL, and which ones it beats', () => {
    const longer = service('api', { annotations: { 'traefik.frontend.rule': 'Host:web.example.com;PathPrefix:/api' } });
    const two = settled(
      world({
        specs: files(app(), service('web'), longer),
        endpoints: [endpoints(POOL), endpoints('default/api')],
      }),
    );
    const answer = why(two, 'url', 'http://web.example.com/api/x');
    expect(answer).toMatchObject({ verdict: 'in-traffic', pool: 'default/api' });
    const router = answer.links.find(({ link }) => link === 'router');
    expect(router?.says).toMatch(/^router api-default-\w+ \(priority \d+\) takes it: Host\(`web.example.com`\) && PathPrefix/);
    expect(router?.facts).toContainEqual(expect.stringMatching(/^before router web-default-\w+ \(priority \d+\)$/));
  });

  it('without a watched Traefik goes by Consul, and says so', () => {
    const { gateways: _, ...unwatched } = base;
    const answer = why(unwatched, 'url', URL);
    expect(answer).toMatchObject({
      verdict: 'in-traffic',
      says: `${URL} is registered and passing on 3 nodes; no Traefik is watched, so whether it serves is not known`,
    });
    expect(why(unwatched, 'node', 'n1').says).toBe(
      'node n1 is registered and passing in 1 pool; no Traefik is watched, so whether it serves is not known',
    );
    expect(answer.links.slice(-3).map(({ state }) => state)).toEqual(['not-watched', 'not-watched', 'not-watched']);
  });

  describe('of https, where the host has a router without TLS only', () => {
    const HTTPS = 'https://web.example.com/cart';
    const HTTP_ONLY = { 'traefik.frontend.rule': 'Host:web.example.com', 'traefik.frontend.entryPoints': 'http' };
    const TLS = { 'traefik.frontend.rule': 'Host:api.example.com', 'traefik.frontend.entryPoints': 'https' };
    const site = settled(
      world({
        specs: files(app(), service('web', { annotations: HTTP_ONLY }), service('api', { annotations: TLS })),
        endpoints: [endpoints(POOL), endpoints('default/api')],
      }),
    );
    const broken = complete(
      specSet([], {
        broken: { 'web.json': [problem('SPEC_SYNTAX', 'no')] },
        brokenTexts: new Map([[spec('web.json').id, new HiddenText('web web.example.com')]]),
      }),
    );
    const { gateways: _, ...unwatched } = site;
    const routed = {
      verdict: 'out',
      cause: {
        link: 'router',
        code: 'entry-point-differs',
        says: expect.stringMatching(/^web\.example\.com is routed only over http: router web/),
      },
    };

    it('says that it is routed only over http, whether or not a Traefik is watched', () => {
      expect(why(site, 'url', HTTPS)).toMatchObject(routed);
      expect(why(unwatched, 'url', HTTPS)).toMatchObject(routed);
    });

    it('does not blame the file that is broken besides', () => {
      const answer = why({ ...site, specs: broken }, 'url', HTTPS);
      expect(answer).toMatchObject(routed);
      expect(answer.links.find(({ link }) => link === 'file')).toMatchObject({ state: 'broken', code: 'SPEC_SYNTAX' });
    });

    it("says so of a stranger's router too", () => {
      const strange = settled(
        world({ specs: files(service('api', { annotations: TLS })), endpoints: [endpoints('default/api')] }),
        (state) => {
          const [first] = state.routers.values();
          if (first === undefined) throw new Error('there is no router');
          const web = { ...first, rule: 'Host(`web.example.com`)', entryPoints: ['web'], tls: false };
          return answered({ ...state, routers: new Map([...state.routers, ['http/web', web]]) });
        },
      );
      expect(why({ ...strange, specs: broken }, 'url', HTTPS)).toMatchObject(routed);
    });
  });

  describe('of a spec file', () => {
    const files2 = (...objects: KubernetesObject[]) => complete(specSet([spec('api.yaml', ...objects)]));
    const pair = settled(
      world({
        specs: files2(service('aa', { annotations: { 'traefik.frontend.rule': 'Host:aa' } }), service('web')),
        endpoints: [endpoints('default/aa'), endpoints(POOL)],
      }),
    );

    it('explains its only pool', () => {
      const one = settled(world({ specs: files2(service('web')), endpoints: [endpoints(POOL)] }));
      expect(why(one, 'name', 'api.yaml')).toMatchObject({ pool: POOL, says: 'api.yaml: pool default/web is in traffic' });
    });

    it('says of several that all are well', () => {
      const answer = why(pair, 'name', 'api.yaml');
      expect(answer).toMatchObject({ verdict: 'in-traffic', says: 'api.yaml with its 2 pools is in traffic' });
      expect(answer.links.find(({ link }) => link === 'file')?.facts).toContain('its pools: default/aa, default/web');
    });

    it('of several explains the first that is out', () => {
      const out = withEndpoints(pair, ['default/aa'], [POOL, 2, []]);
      expect(why(out, 'name', 'api.yaml')).toMatchObject({ verdict: 'out', pool: POOL, about: 'api.yaml: pool default/web' });
    });

    it('that has never been in force, or holds no Service, says so', () => {
      const never = world({ specs: complete(specSet([], { broken: { 'api.yaml': [problem('SPEC_SYNTAX', 'no')] } })) });
      expect(why(never, 'name', 'api.yaml')).toMatchObject({
        about: 'api.yaml',
        verdict: 'out',
        cause: { link: 'file', code: 'SPEC_SYNTAX' },
      });
      const bare = world({ specs: files2(deployment('web')) });
      expect(why(bare, 'name', 'api.yaml').cause?.says).toBe('api.yaml is a spec file without a Service, so it makes no pool');
    });
  });

  it('tells the age of each source by itself', () => {
    const known = knownWorld(base);
    const aged = known.sources.map((one) => (one.source === 'consul' ? { ...one, ageMs: 90_000 } : one));
    const { links } = explain({ kind: 'pool', value: POOL }, { ...known, sources: aged });
    expect(links.find(({ link }) => link === 'registrations')?.ageMs).toBe(90_000);
    expect(links.find(({ link }) => link === 'node-port')?.ageMs).toBe(0);
  });

  it('tells of a standby who writes what is open', () => {
    const known = knownWorld(web());
    const leader = { consul: false, kubernetes: false, holder: 'http://10.0.0.2:8080' };
    const answer = explain({ kind: 'pool', value: POOL }, { ...known, report: { ...known.report, leader } });
    expect(answer.cause?.says).toContain('http://10.0.0.2:8080 leads and writes it');
  });

  it('tells of the last request that was sent through Traefik', () => {
    const known = knownWorld(base);
    const probe = {
      router: 'web',
      host: 'web.example.com',
      path: '/',
      atMs: NOW_MS - 5_000,
      durationMs: 12,
      ok: true,
      status: 200,
      failures: 0,
    };
    const told = (more: Partial<typeof probe> & { readonly error?: string }) => {
      const pools = known.report.pools.map((one) => ({ ...one, probes: [{ ...probe, ...more }] }));
      return explain({ kind: 'pool', value: POOL }, { ...known, report: { ...known.report, pools } });
    };
    expect(told({})).toMatchObject({ verdict: 'in-traffic' });
    expect(told({}).links.at(-1)).toMatchObject({ state: 'ok', says: 'web.example.com/: 200 in 12 ms, 5s ago', ageMs: 5_000 });
    expect(told({ ok: false, failures: 1, error: '502' })).toMatchObject({ verdict: 'in-traffic', cause: { state: 'waiting' } });
    const failing = { verdict: 'degraded', cause: { link: 'probe', code: 'probe-failed', says: 'web.example.com/: 502, 5s ago' } };
    expect(told({ ok: false, failures: 2, error: '502' })).toMatchObject(failing);
  });

  it('takes what follows from an unknown link for unknown as well', () => {
    const { registry: _, ...rest } = base;
    const answer = why({ ...rest, registry: unavailable() }, 'pool', POOL);
    expect(answer.cause).toMatchObject({ link: 'registrations', state: 'unknown' });
    expect(answer.links.find(({ link }) => link === 'router')?.state).toBe('unknown');
  });

  it('knows the replicas apart', () => {
    const two = { ...base, gateways: new Map([...(base.gateways ?? []), [replicaName('dark'), silent(NOW_MS - 1000)] as const]) };
    expect(why(two, 'pool', POOL)).toMatchObject({ verdict: 'in-traffic', cause: { link: 'servers', code: 'TRAEFIK_UNREACHABLE' } });
  });
});

describe('whyNoQuestion', () => {
  it('refuses what cannot be answered', () => {
    expect(whyNoQuestion({ kind: 'url', value: 'https://a.example/b?c=d' })).toBeUndefined();
    expect(whyNoQuestion({ kind: 'url', value: 'ftp://a.example' })).toBe('url is not an http or https URL.');
    expect(whyNoQuestion({ kind: 'pool', value: ' ' })).toBe('pool is empty.');
    expect(whyNoQuestion({ kind: 'name', value: 'a'.repeat(3000) })).toBe('name is longer than 2048 characters.');
    expect(whyNoQuestion({ kind: 'node', value: 'a\nb' })).toBe('node holds control characters.');
  });
});
