import { describe, expect, it } from 'vitest';
import { poolCheckId } from '../../../../src/core/model/consul-names.ts';
import type { PoolKey } from '../../../../src/core/model/ids.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegisteredCheck, RegistryState } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { followTimeMs } from '../../../../src/core/plan/follow-time.ts';
import { nudgedAtMs } from '../../../../src/core/plan/nudge-mark.ts';
import { NUDGE_EVERY_MS, nudgeNow, planNudge } from '../../../../src/core/plan/plan-nudge.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  NOW_MS,
  POLICY,
  service,
  spec,
  specSet,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const [API, WEB] = [keys.pool('api'), keys.pool('web')];
const WATCHES: Policy = { ...POLICY, refresh: { kind: 'watch' } };
const specs = (annotations: Readonly<Record<string, Record<string, string>>> = {}) =>
  complete(
    specSet(['api', 'web'].map((name) => spec(`${name}.json`, deployment(name), service(name, { annotations: annotations[name] ?? {} })))),
  );
const site = settle(world({ specs: specs(), endpoints: [endpoints('default/api'), endpoints('default/web')] }), { policy: WATCHES }).world;

const registry = (base: World): RegistryState => snapshotValue(base.registry) ?? EMPTY_REGISTRY;
const checkOf = (base: World, pool: PoolKey): RegisteredCheck => {
  const found = [...registry(base).checks.values()].find(({ checkId }) => checkId === poolCheckId(pool));
  if (found === undefined) throw new Error(`pool ${pool} has no check`);
  return found;
};
/** The world with the instances of a pool written at an index of Consul: the model's own never grows. */
function atIndex(base: World, pool: PoolKey, modifyIndex: number): World {
  const written = (registry(base).instances.get(pool) ?? []).map((instance) => ({ ...instance, modifyIndex }));
  return { ...base, registry: complete({ ...registry(base), instances: new Map([...registry(base).instances, [pool, written]]) }) };
}
interface At {
  readonly nowMs?: number;
  readonly policy?: Policy;
}
const contextOf = (base: World, { nowMs = NOW_MS, policy = WATCHES }: At = {}) => planWorld(base, { nowMs, policy }).context;
const nudge = (base: World, behind: readonly PoolKey[], at: At = {}) => planNudge(new Set(behind), new Set(), contextOf(base, at));
/** The world after the nudge of these pools. */
function nudged(base: World, behind: readonly PoolKey[], at: At = {}): World {
  const found = nudge(base, behind, at);
  if (found === undefined) throw new Error('nothing is left to try');
  return applyToWorld(base, [found.action]);
}

describe('planNudge', () => {
  it('touches the check of a pool that a Traefik which watches has not followed, and nothing else', () => {
    const { atMs, action } = nudge(site, [WEB]) ?? {};
    expect(atMs).toBe(NOW_MS);
    const check = checkOf(site, WEB);
    expect(action).toMatchObject({ kind: 'register-pool', pool: WEB, set: [], remove: [], removeChecks: [], kv: [] });
    expect(action?.checks).toEqual([{ ...check, output: action?.checks[0]?.output }]);
    expect(nudgedAtMs(action?.checks[0]?.output ?? '')).toBe(NOW_MS);
  });

  it('does nothing at rest, nor for a Traefik that polls; it does where nobody has said how Traefik learns of changes', () => {
    expect(nudge(site, [])).toBeUndefined();
    expect(nudge(site, [WEB], { policy: { ...POLICY, refresh: { kind: 'poll', intervalMs: 2_000 } } })).toBeUndefined();
    expect(nudge(site, [WEB], { policy: POLICY })).toBeDefined();
  });

  it('is not taken back: what is planned of the pool after it is nothing', () => {
    const after = nudged(site, [WEB]);
    expect(nudgedAtMs(checkOf(after, WEB).output)).toBe(NOW_MS);
    expect(planWorld(after, { policy: WATCHES }).actions).toEqual([]);
  });

  it('touches one check for all pools, once for what is registered of them, whoever leads by then', () => {
    const after = nudged(site, [WEB, API]);
    const touched = [API, WEB].filter((pool) => checkOf(after, pool).output !== '');
    expect(touched).toEqual([API]);
    expect(nudge(after, [WEB, API], { nowMs: NOW_MS + 24 * 3_600_000 })).toBeUndefined();
  });

  it('touches again after the next change, but not within its time', () => {
    const other = { 'traefik.frontend.rule': 'Host:other.example.com' };
    const after = nudged(site, [WEB]);
    expect(nudge(after, [API])).toBeUndefined();
    const changed = atIndex(settle({ ...after, specs: specs({ api: other }) }, { policy: WATCHES }).world, API, 8);
    expect(nudge(changed, [API], { nowMs: NOW_MS + 60_000 })?.atMs).toBe(NOW_MS + NUDGE_EVERY_MS);
    expect(nudgeNow(new Set([API]), [], contextOf(changed, { nowMs: NOW_MS + 60_000 }))).toEqual([]);
    expect(nudgeNow(new Set([API]), [], contextOf(changed, { nowMs: NOW_MS + NUDGE_EVERY_MS }))).toHaveLength(1);
  });

  it('keeps its time when the pool itself changes: that is a touch of the check already', () => {
    const changed = settle({ ...nudged(site, [WEB]), specs: specs({ web: { tags: 'other' } }) }, { policy: WATCHES }).world;
    expect(checkOf(changed, WEB).notes).not.toBe(checkOf(site, WEB).notes);
    expect(nudgedAtMs(checkOf(changed, WEB).output)).toBe(NOW_MS);
    expect(nudge(changed, [WEB])).toBeUndefined();
  });

  it('leaves a pool alone that changes in the same pass: the change is a touch', () => {
    const plans = [{ actions: [{ kind: 'deregister-pool' as const, pool: WEB, service: 'web', remove: [], kv: [], why: '' }] }];
    expect(nudgeNow(new Set([WEB]), plans, contextOf(site)).map(({ pool }) => pool)).toEqual([API]);
    expect(nudgeNow(undefined, plans, contextOf(site))).toEqual([]);
  });

  it('touches the check of another pool for one that has left Consul', () => {
    const instances = new Map([...registry(site).instances].filter(([pool]) => pool !== WEB));
    const key = keys.draining('default/web');
    const value = JSON.stringify({ spec: 'web.json', ports: { 31000: NOW_MS - 2_000 } });
    const kv = new Map([...registry(site).kv, [key, { key, value, flags: keys.flags, modifyIndex: 999 }] as const]);
    const left = { ...site, registry: complete({ ...registry(site), instances, kv }) };
    expect(nudge(left, [WEB])?.action.pool).toBe(API);
  });
});

describe('followTimeMs', () => {
  it.each([
    [undefined, 20_000],
    [{ kind: 'poll', intervalMs: 15_000 }, 20_000],
    [{ kind: 'poll', intervalMs: 5_000 }, 8_750],
    [{ kind: 'poll', intervalMs: 2_000 }, 3_500],
    [{ kind: 'poll', intervalMs: 500 }, 3_500],
    [{ kind: 'watch' }, 3_500],
  ] as const)('of a Traefik with %j is %d ms', (refresh, expected) => {
    expect(followTimeMs({ letGoMs: 20_000, ...(refresh === undefined ? {} : { refresh }) })).toBe(expected);
  });
});
