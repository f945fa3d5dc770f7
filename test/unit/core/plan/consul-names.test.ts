import { describe, expect, it } from 'vitest';
import type { Action, RegisterPool } from '../../../../src/core/model/action.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { complete, deployment, endpoints, keys, service, spec, specSet, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const POOL = keys.pool('web');
const specOf = (annotations: Record<string, string> = {}): ReturnType<typeof spec> =>
  spec('web.json', deployment('web'), service('web', { annotations }));
const settled = (): World => settle(world({ specs: complete(specSet([specOf()])), endpoints: [endpoints('default/web')] })).world;
const registration = (actions: readonly Action[]): RegisterPool | undefined => actions.find((action) => action.kind === 'register-pool');
const registeredNodes = (base: World): readonly string[] =>
  (snapshotValue(base.registry)?.instances.get(POOL) ?? []).map((instance) => instance.node);

describe('Consul names', () => {
  const other = spec('b.json', deployment('b'), service('b', { annotations: { 'poolkeeper.dev/service-name': 'web' } }));
  const api = spec('api.json', deployment('api'), service('api'));
  const both = [endpoints('default/web'), endpoints('default/b'), endpoints('default/api')];
  const joinsWeb = (plan: ReturnType<typeof planWorld>): boolean =>
    plan.actions.some((action) => action.kind === 'register-pool' && action.pool !== POOL && action.service === 'web');

  it('are not given to a newcomer while another pool is registered under them, also not while that one is held back from leaving', () => {
    const before = settle(world({ specs: complete(specSet([specOf(), api])), endpoints: both })).world;
    const moved = settle({ ...before, specs: complete(specSet([other, api], { broken: { 'x.json': [] } })) });
    expect(moved.last.guarded.holds.map(({ reason }) => reason.code)).toContain('BROKEN_SPEC_MAY_OWN');
    expect(registeredNodes(moved.world)).toHaveLength(3);
    expect(joinsWeb(moved.last)).toBe(false);
    expect(moved.last.guarded.plans.find((plan) => plan.spec === 'b.json')?.problems.map(({ code }) => code)).toEqual([
      'SPEC_NAME_CONFLICT',
    ]);
    const freed = settle({ ...moved.world, specs: complete(specSet([other, api])) });
    expect(snapshotValue(freed.world.registry)?.instances.get(keys.pool('b'))?.[0]?.service).toBe('web');
  });

  it('change in one transaction that also takes the old instances out', () => {
    const renamed = { ...settled(), specs: complete(specSet([specOf({ 'poolkeeper.dev/service-name': 'api' })])) };
    const register = registration(planWorld(renamed).actions);
    expect([register?.set.length, register?.remove.length, new Set(register?.set.map((one) => one.service))]).toEqual([
      3,
      3,
      new Set(['api']),
    ]);
  });
});
