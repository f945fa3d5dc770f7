import { describe, expect, it } from 'vitest';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { RouteTarget } from '../../../../src/core/model/ports.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { type RouteTargetMemo, routeTargets } from '../../../../src/core/plan/route-targets.ts';
import { complete, deployment, endpoints, keys, service, spec, specSet, world } from '../../../support/builders.ts';
import { answered, followingState } from '../../../support/gateway-state.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const siteWith = (annotations: Record<string, string>): World =>
  settle(
    world({
      specs: complete(specSet([spec('web.json', deployment('web'), service('web', { annotations }))])),
      endpoints: [endpoints('default/web')],
    }),
  ).world;
/** A Service whose routers are these lines of tags. */
const tagged = (lines: readonly string[], more: Record<string, string> = {}): World =>
  siteWith({ 'traefik.frontend.rule': '', 'poolkeeper.dev/tags': ['traefik.enable=true', ...lines].join('\n'), ...more });
const targetsOf = (base: World, tls = false): readonly RouteTarget[] => routeTargets(planWorld(base).context, { tls, memo: new Map() });
const rule = (name: string, text: string): string => `traefik.http.routers.${name}.rule=${text}`;
const asked = (base: World, tls = false): readonly string[] =>
  targetsOf(base, tls).map(({ router, host, path }) => `${router} ${host}${path}`);

describe('routeTargets', () => {
  it('asks each router that names a host, at a path that it takes', () => {
    const lines = [
      rule('plain', 'Host(`A.example.com`)'),
      rule('below', 'Host(`a.example.com`) && PathPrefix(`/api`)'),
      rule('either', 'Path(`/x`) || (Host(`b.example.com`) && Path(`/y`))'),
      rule('pattern', 'HostRegexp(`^.+$`)'),
      rule('wild', 'Host(`*.example.com`)'),
      rule('header', 'Host(`c.example.com`) && Header(`X-A`, `b`)'),
      rule('post', 'Host(`c.example.com`) && Method(`POST`)'),
      rule('not', 'Host(`d.example.com`) && !PathPrefix(`/`)'),
    ];
    expect([...asked(tagged(lines))].sort()).toEqual(['below a.example.com/api', 'either b.example.com/y', 'plain a.example.com/']);
  });

  it('asks for the path of the annotation where the router takes it, and tells the codes', () => {
    const lines = [rule('plain', 'Host(`a.example.com`)'), rule('below', 'Host(`a.example.com`) && PathPrefix(`/api`)')];
    const base = tagged(lines, { 'poolkeeper.dev/probe-path': '/healthz?full=1', 'poolkeeper.dev/probe-codes': '200-204, 401' });
    expect([...asked(base)].sort()).toEqual(['below a.example.com/api', 'plain a.example.com/healthz?full=1']);
    expect(targetsOf(base)[0]).toMatchObject({
      pool: keys.pool('web'),
      codes: [
        { from: 200, to: 204 },
        { from: 401, to: 401 },
      ],
    });
  });

  it('asks nothing of a Service that says so, that is switched off, or that has no backend', () => {
    const lines = [rule('plain', 'Host(`a.example.com`)')];
    expect(asked(tagged(lines))).toHaveLength(1);
    expect(asked(tagged(lines, { 'poolkeeper.dev/probe-path': 'off' }))).toEqual([]);
    expect(asked(siteWith({ 'traefik.enable': 'false' }))).toEqual([]);
    const base = tagged(lines);
    const registry = snapshotValue(base.registry);
    if (registry === undefined) throw new Error('Consul has been read');
    expect(asked({ ...base, registry: complete({ ...registry, instances: new Map() }) })).toEqual([]);
  });

  it('asks routers with TLS over TLS, and those without in the clear; what Traefik says of them goes first', () => {
    const lines = [rule('plain', 'Host(`a.example.com`)'), rule('safe', 'Host(`b.example.com`)'), 'traefik.http.routers.safe.tls=true'];
    const base = tagged(lines);
    expect(asked(base)).toEqual(['plain a.example.com/']);
    expect(asked(base, true)).toEqual(['safe b.example.com/']);
    const state = followingState(snapshotValue(base.registry));
    const routers = new Map([...state.routers].map(([key, router]) => [key, { ...router, tls: true }] as const));
    const seen = { ...base, gateways: new Map([[replicaName('edge'), answered({ ...state, routers })]]) };
    expect([...asked(seen, true)].sort()).toEqual(['plain a.example.com/', 'safe b.example.com/']);
    expect(asked(seen)).toEqual([]);
  });

  it('works nothing out anew while nothing has changed, and forgets pools that are gone', () => {
    const { context } = planWorld(tagged([rule('plain', 'Host(`a.example.com`)')]));
    const memo: RouteTargetMemo = new Map();
    const [first] = routeTargets(context, { tls: false, memo });
    const [again] = routeTargets(context, { tls: false, memo });
    expect(again).toBe(first);
    expect(routeTargets({ ...context, views: new Map() }, { tls: false, memo })).toEqual([]);
    expect(memo.size).toBe(0);
  });
});
