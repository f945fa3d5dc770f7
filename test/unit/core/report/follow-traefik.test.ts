import { describe, expect, it } from 'vitest';
import type { GatewayKey, GatewayRouter, GatewayState } from '../../../../src/core/model/gateway.ts';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegistryState } from '../../../../src/core/model/registration.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { followTimeMs } from '../../../../src/core/plan/follow-time.ts';
import { nudgeMark } from '../../../../src/core/plan/nudge-mark.ts';
import type { FollowedTraefik, TraefikLook } from '../../../../src/core/report/follow-traefik.ts';
import { followTraefik } from '../../../../src/core/report/follow-traefik.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  NOW_MS,
  node,
  POLICY,
  service,
  spec,
  specSet,
  world,
} from '../../../support/builders.ts';
import { answered, followingState, gatewayState, silent } from '../../../support/gateway-state.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const POOL = keys.pool('web');
const A = 'edge-1';
const B = 'edge-2';
const siteWith = (annotations: Record<string, string> = {}): World =>
  settle(
    world({
      specs: complete(specSet([spec('web.json', deployment('web'), service('web', { annotations }))])),
      endpoints: [endpoints('default/web')],
    }),
  ).world;
const site = siteWith();
const registry = (base: World): RegistryState => snapshotValue(base.registry) ?? EMPTY_REGISTRY;

interface Scene {
  readonly replicas: Readonly<Record<string, Snapshot<GatewayState>>>;
  readonly nowMs?: number;
  readonly before?: FollowedTraefik;
  readonly policy?: Policy;
}
function look(base: World, { replicas, nowMs = NOW_MS, before, policy = POLICY }: Scene): TraefikLook {
  const gateways = new Map(Object.entries(replicas).map(([name, snapshot]) => [replicaName(name), snapshot]));
  const found = followTraefik(planWorld({ ...base, gateways }, { nowMs, policy }).context, before);
  if (found === undefined) throw new Error('Traefik is watched');
  return found;
}
const poolOf = ({ view }: TraefikLook) => {
  const found = view.pools.get(POOL);
  if (found === undefined) throw new Error('there is no such pool');
  return found;
};
const following = (base: World, atMs = NOW_MS): Snapshot<GatewayState> => answered(followingState(registry(base)), atMs);
const names = (state: GatewayState): readonly string[] => [...state.services.keys()];
/** The state with the servers of every service changed. */
const withServers = (state: GatewayState, change: (urls: readonly string[]) => readonly string[]): GatewayState => {
  const services = [...state.services].map(([key, { servers }]) => [key.slice(5), change(servers.map(({ url }) => url))] as const);
  return gatewayState(Object.fromEntries(services), { routers: state.routers });
};
const withRouters = (state: GatewayState, change: (router: GatewayRouter) => GatewayRouter | undefined): GatewayState => ({
  ...state,
  routers: new Map([...state.routers].flatMap(([key, router]) => (change(router) === undefined ? [] : [[key, change(router) ?? router]]))),
});

describe('followTraefik', () => {
  it('says nothing where no Traefik is watched', () => {
    expect(followTraefik(planWorld(site).context, undefined)).toBeUndefined();
  });

  it('finds a replica in step that has built what is predicted of Consul', () => {
    const seen = look(site, { replicas: { [A]: following(site) } });
    expect(poolOf(seen)).toMatchObject({ state: 'in-step', serving: 3, problems: [] });
    expect(poolOf(seen).replicas).toEqual([{ replica: A, state: 'in-step', serving: 3, missing: 0, lingering: [], routers: [] }]);
    expect(seen.view).toMatchObject({ problems: [], awaitedSinceMs: undefined, lookAgainAtMs: undefined });
  });

  const state = followingState(registry(site));
  it.each<readonly [string, GatewayState, object]>([
    ['a backend that is missing', withServers(state, (urls) => urls.slice(1)), { serving: 2, missing: 1, lingering: [] }],
    [
      'a backend that should be gone, by its node',
      withServers(state, (urls) => [...urls, 'http://10.0.0.3:39999']),
      { serving: 3, missing: 0, lingering: ['n3'] },
    ],
    [
      'one at an address that no node has, by address and port',
      withServers(state, (urls) => [...urls, 'http://10.9.9.9:30000']),
      { serving: 3, lingering: ['10.9.9.9:30000'] },
    ],
    ['nothing at all', gatewayState({}), { serving: 0, missing: 3 }],
    ['routers that are missing', withRouters(state, () => undefined), { serving: 0, missing: 0 }],
    ['another rule', withRouters(state, (router) => ({ ...router, rule: 'Host(`old.example.com`)' })), { serving: 3, missing: 0 }],
    ['another entry point', withRouters(state, (router) => ({ ...router, entryPoints: ['other'] })), { serving: 3 }],
    ['another middleware', withRouters(state, (router) => ({ ...router, middlewares: ['x@consulcatalog'] })), { serving: 3 }],
    ['another priority', withRouters(state, (router) => ({ ...router, priority: 7 })), { serving: 3 }],
  ])('sees %s, and waits for it', (_name, shown, expected) => {
    const seen = look(site, { replicas: { [A]: answered(shown) } });
    expect(poolOf(seen)).toMatchObject({ state: 'changing', problems: [], replicas: [{ replica: A, state: 'changing', ...expected }] });
    expect(seen.view).toMatchObject({ problems: [], awaitedSinceMs: NOW_MS, lookAgainAtMs: NOW_MS + POLICY.letGoMs + 1 });
  });

  it.each<readonly [string, readonly string[], readonly string[]]>([
    ['each of its entry points', ['web', 'websecure'], ['in-step']],
    ['one of them, and has it by its own name on the others', ['web'], ['in-step']],
    ['an entry point that it is not on', ['other'], ['changing']],
  ])('knows a router that Traefik names after %s: nobody tells of core.defaultRuleSyntax', (_name, renamed, expected) => {
    const tags = 'traefik.enable=true\ntraefik.http.routers.shop.rule=Host(`a`)\ntraefik.http.routers.shop.entrypoints=web,websecure';
    const tagged = siteWith({ 'traefik.frontend.rule': '', 'poolkeeper.dev/tags': tags });
    const built = followingState(registry(tagged));
    const routers = [...built.routers].flatMap(([key, router]) => {
      const rest = router.entryPoints.filter((name) => !renamed.includes(name));
      const spread = renamed.map((name) => [`http/${name}-${key.slice(5)}`, { ...router, entryPoints: [name] }] as const);
      const plain = renamed.includes('other') ? [] : [[key, { ...router, entryPoints: rest }] as const];
      return [...(rest.length === 0 ? [] : plain), ...spread] as readonly (readonly [GatewayKey, GatewayRouter])[];
    });
    const seen = poolOf(look(tagged, { replicas: { [A]: answered({ ...built, routers: new Map(routers) }) } }));
    expect(seen.replicas.map(({ state: said }) => said)).toEqual(expected);
    expect(seen.serving).toBe(expected[0] === 'in-step' ? 3 : 0);
  });

  it('does not take a router of another service for one by another name', () => {
    const shown = new Map(
      [...state.routers].map(([key, router]) => [`http/http-${key.slice(5)}` as GatewayKey, { ...router, service: 'x' }]),
    );
    expect(poolOf(look(site, { replicas: { [A]: answered({ ...state, routers: shown }) } })).state).toBe('changing');
  });

  it('does not count a backend that the health check of Traefik has taken out', () => {
    const down = [...state.services].map(([key, one]) => {
      const servers = one.servers.map((server, i) => ({ ...server, up: i > 0 }));
      return [key, { ...one, servers }] as const;
    });
    expect(poolOf(look(site, { replicas: { [A]: answered({ ...state, services: new Map(down) }) } }))).toMatchObject({
      state: 'in-step',
      serving: 2,
    });
  });

  it('takes the least of what the replicas serve', () => {
    const seen = look(site, { replicas: { [A]: following(site), [B]: answered(withServers(state, (urls) => urls.slice(2))) } });
    expect(poolOf(seen)).toMatchObject({ state: 'changing', serving: 1 });
  });

  it('wants a node out that is critical in Consul', () => {
    const drained = node('n2', { annotations: { 'poolkeeper.dev/drain': 'true' } });
    const base = { ...site, cluster: { ...site.cluster, nodes: complete([node('n1'), drained, node('n3')]) } };
    const checks = new Map(
      [...registry(base).checks].map(([key, check]) => [
        key,
        key.startsWith('k8s-c1-n2/') ? { ...check, status: 'critical' as const } : check,
      ]),
    );
    const critical = { ...base, registry: complete({ ...registry(base), checks }) };
    expect(poolOf(look(critical, { replicas: { [A]: following(site) } })).replicas).toMatchObject([
      { state: 'changing', lingering: ['n2'] },
    ]);
    expect(poolOf(look(critical, { replicas: { [A]: following(critical) } }))).toMatchObject({ state: 'in-step', serving: 2 });
  });

  it('takes nothing that a replica said before the pool changed for what it says of the pool as it is', () => {
    const { followed } = look(site, { replicas: { [A]: following(site) } });
    const changed = siteWith({ 'traefik.frontend.headers.STSSeconds': '60' });
    // The name of the middleware is all that the API shows of it, and it was there already.
    const shown = followingState(registry(changed));
    const then = look(changed, { replicas: { [A]: answered(shown, NOW_MS + 500) }, before: followed, nowMs: NOW_MS + 1_000 });
    expect(poolOf(then)).toMatchObject({ state: 'changing', replicas: [{ state: 'unasked' }] });
    expect(then.view.awaitedSinceMs).toBe(NOW_MS + 1_000);
    const later = look(changed, { replicas: { [A]: answered(shown, NOW_MS + 1_200) }, before: then.followed, nowMs: NOW_MS + 1_300 });
    expect(poolOf(later)).toMatchObject({ state: 'in-step', replicas: [{ state: 'in-step' }] });
  });

  it('takes what it finds at the start as it is: nobody knows since when', () => {
    expect(poolOf(look(site, { replicas: { [A]: following(site, NOW_MS - 30_000) } })).state).toBe('in-step');
  });

  it('does not wait for a replica that does not answer, and knows nothing when none does', () => {
    expect(poolOf(look(site, { replicas: { [A]: following(site), [B]: silent(NOW_MS - 5_000, state) } }))).toMatchObject({
      state: 'in-step',
      serving: 3,
      replicas: [{ state: 'in-step' }, { state: 'stale' }],
    });
    const none = poolOf(look(site, { replicas: { [A]: silent(NOW_MS - POLICY.maxWaitMs), [B]: silent(NOW_MS) } }));
    expect(none).toMatchObject({ state: 'unknown', serving: undefined, replicas: [{ state: 'lost' }, { state: 'stale' }] });
  });

  it('names a replica that does not follow, and who has', () => {
    const shown = { [A]: following(site), [B]: answered(withServers(state, (urls) => urls.slice(1))) };
    const first = look(site, { replicas: shown });
    expect(first.view.problems).toEqual([]);
    const later = look(site, { replicas: shown, before: first.followed, nowMs: NOW_MS + POLICY.letGoMs + 1 });
    expect(poolOf(later)).toMatchObject({ state: 'failed', problems: [], replicas: [{ state: 'in-step' }, { state: 'behind' }] });
    expect(later.view.problems).toMatchObject([
      {
        code: 'TRAEFIK_BEHIND',
        message: 'Traefik replica edge-2 does not follow Consul: pool default/web: 1 backends are missing; edge-1 has followed',
      },
    ]);
    const mended = look(site, { replicas: { [A]: following(site), [B]: following(site) }, before: later.followed, nowMs: NOW_MS + 60_000 });
    expect(mended.view.problems).toEqual([]);
    expect(poolOf(mended).state).toBe('in-step');
  });

  it('calls a replica frozen that has changed nothing since Consul did, and tells what was tried', () => {
    const shown = { [A]: following(site), [B]: answered({ ...withServers(state, (urls) => urls.slice(1)), changedAtMs: NOW_MS - 9_000 }) };
    const policy: Policy = { ...POLICY, refresh: { kind: 'watch' } };
    const first = look(site, { replicas: shown, policy });
    expect(first.view.gateways).toMatchObject([
      { replica: A, state: 'in-step' },
      { replica: B, state: 'changing' },
    ]);
    const lateMs = NOW_MS + followTimeMs(policy) + 1;
    const late = look(site, { replicas: shown, before: first.followed, nowMs: lateMs, policy });
    expect(late.view.gateways[1]).toEqual({ replica: B, state: 'frozen', pools: 1, sinceMs: NOW_MS });
    expect(late.view.behind).toEqual(new Set([POOL]));
    const message =
      'Traefik replica edge-2 serves what it did before Consul changed: pool default/web: 1 backends are missing; edge-1 has followed';
    expect(late.view.problems).toMatchObject([{ code: 'TRAEFIK_FROZEN', message }]);

    const checks = [...registry(site).checks].map(
      ([key, check]) => [key, key.includes('pool:') ? { ...check, output: nudgeMark(lateMs) } : check] as const,
    );
    const touched = { ...site, registry: complete({ ...registry(site), checks: new Map(checks) }) };
    const inVainMs = lateMs + followTimeMs(policy) + 1;
    const then = look(touched, { replicas: shown, before: late.followed, nowMs: inVainMs, policy });
    expect(then.view.gateways[1]).toMatchObject({ state: 'frozen', sinceMs: NOW_MS, nudgedAtMs: lateMs });
    expect(then.view.problems[0]?.message).toBe(`${message}; touching a check in Consul did not wake it`);
  });

  it.each<readonly [string, Policy['refresh'], number]>([
    ['15 s', { kind: 'poll', intervalMs: 15_000 }, 15_000],
    ['5 s', { kind: 'poll', intervalMs: 5_000 }, 5_000],
    ['2 s', { kind: 'poll', intervalMs: 2_000 }, 2_000],
    ['no interval: it watches', { kind: 'watch' }, 2_000],
  ])('notices within two intervals that a Traefik with %s is frozen, and blames none that takes one', (_name, refresh, intervalMs) => {
    const policy: Policy = { ...POLICY, ...(refresh === undefined ? {} : { refresh }) };
    const frozen = { ...withServers(state, (urls) => urls.slice(1)), changedAtMs: NOW_MS - 60_000 };
    let { followed } = look(site, { replicas: { [A]: following(site) }, policy });
    let noticedMs: number | undefined;
    for (let ms = 0; noticedMs === undefined && ms <= 3 * intervalMs; ms += 100) {
      // As it is asked while something is awaited: a twentieth of the time ago.
      const seen = look(site, { replicas: { [A]: answered(frozen, NOW_MS + ms * 0.95) }, before: followed, nowMs: NOW_MS + ms, policy });
      followed = seen.followed;
      if (seen.view.gateways[0]?.state === 'frozen') noticedMs = ms;
    }
    expect((noticedMs ?? Number.POSITIVE_INFINITY) / intervalMs).toBeLessThan(2);
    expect((noticedMs ?? 0) / intervalMs).toBeGreaterThan(1.3);
  });

  it('names a replica that makes something else of Consul than most others', () => {
    const web = following(site);
    const other = answered(withRouters(state, (router) => ({ ...router, status: 'disabled' })));
    const C = 'edge-3';
    const seen = look(site, { replicas: { [A]: web, [B]: other, [C]: web } });
    expect(seen.view.gateways.map((gateway) => gateway.state)).toEqual(['in-step', 'differs', 'in-step']);
    expect(seen.view.problems).toMatchObject([
      {
        code: 'TRAEFIK_DIFFERS',
        message: 'Traefik replica edge-2 makes routers with another status of pool default/web than edge-1, edge-3',
      },
    ]);
  });

  it('gives a replica that has just started the time that drains allow for it, and no more', () => {
    const policy: Policy = { ...POLICY, refresh: { kind: 'watch' } };
    const { followed } = look(site, { replicas: { [A]: following(site), [B]: following(site) }, policy });
    const startMs = NOW_MS + 1_000;
    const empty = gatewayState({}, { startedAtMs: startMs, changedAtMs: startMs });
    const shown = { [A]: following(site), [B]: answered(empty, startMs) };
    const soon = look(site, { replicas: shown, before: followed, nowMs: startMs, policy });
    const lateMs = startMs + followTimeMs(policy) + 1;
    const late = look(site, { replicas: shown, before: soon.followed, nowMs: lateMs, policy });
    expect(late.view).toMatchObject({ problems: [], gateways: [{ state: 'in-step' }, { state: 'changing' }], behind: new Set() });
    expect(poolOf(late)).toMatchObject({ state: 'changing', serving: 0 });
    expect(late.view.lookAgainAtMs).toBe(startMs + policy.letGoMs + 1);
    const tooLate = look(site, { replicas: shown, before: late.followed, nowMs: startMs + policy.letGoMs + 1, policy });
    expect(tooLate.view).toMatchObject({ problems: [{ code: 'TRAEFIK_BEHIND' }], behind: new Set([POOL]) });
  });

  it('says nothing of a router whose middleware a replica that has just started does not have yet', () => {
    const errors = ['middleware "auth@file" does not exist'];
    const half = { ...withRouters(state, (router) => ({ ...router, status: 'disabled', errors })), startedAtMs: NOW_MS };
    const shown = { [A]: following(site), [B]: answered(half) };
    const seen = look(site, { replicas: shown });
    expect(seen.view).toMatchObject({ problems: [], gateways: [{ state: 'in-step' }, { state: 'in-step' }] });
    expect(poolOf(seen).problems).toEqual([]);
    const later = look(site, { replicas: shown, before: seen.followed, nowMs: NOW_MS + POLICY.letGoMs + 1 });
    expect(later.view.problems).toMatchObject([{ code: 'TRAEFIK_DIFFERS' }]);
    expect(poolOf(later).problems).toMatchObject([{ code: 'TRAEFIK_ROUTER_BROKEN' }]);
  });

  it('tells a replica that does not answer, and after drain.maxWait that drains no longer wait for it', () => {
    const gateways = (nowMs: number) => look(site, { replicas: { [A]: following(site), [B]: silent(NOW_MS, state) }, nowMs }).view;
    const early = gateways(NOW_MS + 1_000);
    expect(early.gateways[1]).toEqual({ replica: B, state: 'unreachable', pools: 0, sinceMs: NOW_MS });
    expect(early.problems).toEqual([]);
    expect(early.lookAgainAtMs).toBe(NOW_MS + POLICY.maxWaitMs);
    expect(gateways(NOW_MS + POLICY.maxWaitMs).problems).toMatchObject([{ code: 'TRAEFIK_LOST' }]);
  });

  it('tells of a pool that no replica has anything of, instead of blaming each', () => {
    const shown = { [A]: answered(gatewayState({})), [B]: answered(gatewayState({})) };
    const first = look(site, { replicas: shown });
    const later = look(site, { replicas: shown, before: first.followed, nowMs: NOW_MS + POLICY.letGoMs + 1 });
    expect(later.view.problems).toEqual([]);
    expect(poolOf(later).problems).toMatchObject([
      { code: 'TRAEFIK_NOT_SERVED', message: 'pool default/web: no Traefik replica (edge-1, edge-2) has anything of Consul service web' },
    ]);
  });

  it('passes on what Traefik says of a router that it does not use', () => {
    const errors = ['middleware "auth@file" does not exist'];
    const broken = withRouters(state, (router) => ({ ...router, status: 'disabled', errors }));
    const seen = poolOf(look(site, { replicas: { [A]: answered(broken) } }));
    expect(seen).toMatchObject({ state: 'in-step', serving: 0 });
    expect(seen.problems[0]).toMatchObject({ code: 'TRAEFIK_ROUTER_BROKEN' });
    expect(seen.problems[0]?.message).toMatch(
      /^pool default\/web: Traefik says: router .* is disabled: middleware "auth@file" does not exist$/,
    );
  });

  it('does not expect anything of a pool that is switched off, nor of one that Traefik may not expose', () => {
    const off = siteWith({ 'traefik.enable': 'false' });
    expect(poolOf(look(off, { replicas: { [A]: answered(gatewayState({})) } }))).toMatchObject({ state: 'not-watched', replicas: [] });
    const bare = settle(
      world({
        specs: complete(specSet([spec('web.json', deployment('web'), bareService())])),
        endpoints: [endpoints('default/web')],
      }),
    ).world;
    expect(poolOf(look(bare, { replicas: { [A]: answered(gatewayState({})) } }))).toMatchObject({ state: 'not-watched' });
    expect(poolOf(look(bare, { replicas: { [A]: following(bare) } }))).toMatchObject({ state: 'in-step', serving: 3 });
  });

  it('judges only servers at our nodes where clusters share a Consul service', () => {
    const shown = withServers(state, (urls) => [...urls, 'http://10.200.0.1:30000']);
    const shared = { ...POLICY, sharedService: true };
    const base = settle(site, { policy: shared }).world;
    const merged = withServers(followingState(registry(base)), (urls) => [...urls, 'http://10.200.0.1:30000']);
    expect(poolOf(look(base, { replicas: { [A]: answered(merged) }, policy: shared })).replicas[0]?.lingering).toEqual([]);
    expect(poolOf(look(site, { replicas: { [A]: answered(shown) } })).replicas[0]?.lingering).toEqual(['10.200.0.1:30000']);
  });

  it('reads the names of TCP services', () => {
    const tags = 'traefik.enable=true\ntraefik.tcp.routers.db.rule=HostSNI(`*`)\ntraefik.tcp.services.pg.loadbalancer.server.port=5432';
    const base = siteWith({ 'traefik.frontend.rule': '', 'poolkeeper.dev/tags': tags });
    const seen = look(base, { replicas: { [A]: answered({ ...gatewayState({}), services: new Map() }) } });
    expect(poolOf(seen).replicas[0]?.missing).toBe(3);
    const servers = [1, 2, 3].map((i) => ({ url: `10.0.0.${i}:5432`, endpoint: `10.0.0.${i}:5432`, up: true }));
    const shown = { ...gatewayState({}), services: new Map([['tcp/pg', { status: 'enabled', servers }] as const]) };
    expect(poolOf(look(base, { replicas: { [A]: answered(shown) } })).replicas[0]?.missing).toBe(0);
    expect(names(shown)).toEqual(['tcp/pg']);
  });

  it('waits for replicas while a NodePort drains, though the pool is in step', () => {
    const key = keys.draining('default/web');
    const value = JSON.stringify({ spec: 'web.json', ports: { 31000: NOW_MS - 2_000 } });
    const kv = new Map([...registry(site).kv, [key, { key, value, flags: keys.flags, modifyIndex: 4 }] as const]);
    const base = { ...site, registry: complete({ ...registry(site), kv }) };
    const shown = gatewayState(
      { ...servicesOf(followingState(registry(base))), old: ['http://10.0.0.1:31000'] },
      { routers: state.routers },
    );
    expect(look(base, { replicas: { [A]: answered(shown) } }).view.awaitedSinceMs).toBe(NOW_MS - 2_000);
  });
});

const servicesOf = (shown: GatewayState): Record<string, readonly string[]> =>
  Object.fromEntries([...shown.services].map(([key, { servers }]) => [key.slice(5), servers.map(({ url }) => url)]));

function bareService() {
  const made = service('web');
  return { ...made, metadata: { ...made.metadata, annotations: { tags: 'kubernetes' } } };
}
