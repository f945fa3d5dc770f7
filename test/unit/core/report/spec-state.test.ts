import { describe, expect, it } from 'vitest';
import type { Action } from '../../../../src/core/model/action.ts';
import type { World } from '../../../../src/core/model/world.ts';
import type { SpecPlan } from '../../../../src/core/plan/spec-plan.ts';
import type { LegName, LegState, SpecState } from '../../../../src/core/report/run-report.ts';
import { SPEC_STATES } from '../../../../src/core/report/run-report.ts';
import type { SpecFinding } from '../../../../src/core/report/spec-state.ts';
import { legOfProblem, legStates, specState } from '../../../../src/core/report/spec-state.ts';
import type { ProblemCode } from '../../../../src/shared/problem.ts';
import { PROBLEMS, problem } from '../../../../src/shared/problem.ts';
import { complete, EMPTY_REGISTRY, keys, spec, specSet, stale, unavailable, world } from '../../../support/builders.ts';

const PLAN: SpecPlan = {
  spec: keys.spec('web.json'),
  standing: 'decoded',
  actions: [],
  waiting: [],
  problems: [],
  removals: [],
  removing: [],
  whileHeld: [],
  holds: [],
  unapplied: [],
  pools: [],
};
const say = (code: ProblemCode) => problem(code, 'x');
const HOLD = { spec: PLAN.spec, what: 'pool default/web', reason: say('REMOVAL_LIMIT') };
const WAIT = { leg: 'kubernetes' as const, what: 'x', on: undefined };
const REMOVAL = { key: 'pool:default/web', kind: 'pool' as const, title: 'pool', withPool: false, bar: undefined };
const APPLY = { kind: 'apply-object' } as Action;
const WRITE = { kind: 'write-kv' } as Action;

interface Given {
  readonly plan?: Partial<SpecPlan>;
  readonly open?: readonly Action[];
  readonly problems?: readonly ProblemCode[];
  readonly world?: World;
}
const finding = ({ plan, open = [], problems = [], world: seen = world({}) }: Given): SpecFinding => ({
  plan: { ...PLAN, ...plan },
  open,
  problems: problems.map(say),
  world: seen,
});
const dark = world({});
const without = (parts: Partial<World>): World => ({ ...dark, ...parts });

describe('specState', () => {
  it.each<readonly [SpecState, string, Given]>([
    ['in-step', 'nothing is open', {}],
    ['in-step', 'there are warnings and notes only', { problems: ['TAG_APPROXIMATED', 'SPEC_OLD_API_VERSION'] }],
    ['broken', 'the file did not decode, whatever else', { plan: { standing: 'broken', holds: [HOLD] }, problems: ['SPEC_SYNTAX'] }],
    ['suspended', 'a person said so, whatever else', { plan: { standing: 'suspended', holds: [HOLD], waiting: [WAIT] } }],
    ['conflict', 'it is set aside', { plan: { standing: 'set-aside' } }],
    ['conflict', 'its object belongs to someone else', { problems: ['OBJECT_NOT_OURS'] }],
    ['conflict', 'its Consul name is taken', { problems: ['CONSUL_NAME_TAKEN'], plan: { holds: [HOLD] } }],
    ['conflict', 'its Consul name is wanted by another spec', { problems: ['SPEC_NAME_CONFLICT'] }],
    ['conflict', 'its key is taken', { problems: ['CONSUL_KEY_TAKEN'] }],
    ['held', 'a guard keeps something back, though something failed too', { plan: { holds: [HOLD] }, problems: ['KUBERNETES_REFUSED'] }],
    ['failed', 'the API server refused, though it waits too', { problems: ['KUBERNETES_REFUSED'], plan: { waiting: [WAIT] } }],
    ['leaving', 'its file is gone', { plan: { standing: 'gone', waiting: [WAIT] } }],
    ['leaving', 'a pool of it goes', { plan: { removals: [REMOVAL] }, open: [WRITE] }],
    ['waiting', 'it waits, though something is open', { plan: { waiting: [WAIT] }, open: [APPLY] }],
    ['changing', 'something is open', { open: [APPLY], world: without({ registry: unavailable() }) }],
    ['unknown', 'Git is stale', { world: without({ specs: stale(specSet([])) }) }],
    ['unknown', 'Consul does not answer', { world: without({ registry: unavailable() }) }],
    ['unknown', 'Consul is stale', { world: without({ registry: stale(EMPTY_REGISTRY) }) }],
    ['unknown', 'the Services are not known', { world: without({ cluster: { ...dark.cluster, services: unavailable() } }) }],
    ['unknown', 'the nodes are stale', { world: without({ cluster: { ...dark.cluster, nodes: stale([]) } }) }],
    ['unknown', 'the endpoints are not known', { world: without({ cluster: { ...dark.cluster, endpoints: unavailable() } }) }],
  ])('is %s when %s', (state, _why, given) => {
    expect(specState(finding(given))).toBe(state);
    expect(SPEC_STATES).toContain(state);
  });
});

describe('legStates', () => {
  const legs = (given: Given): Readonly<Record<LegName, LegState>> => legStates(finding(given));

  it.each<readonly [string, Given, Partial<Record<LegName, LegState>>]>([
    ['nothing', {}, { git: 'in-step', kubernetes: 'in-step', consul: 'in-step', traefik: 'not-watched' }],
    [
      'a file that never was good',
      { plan: { standing: 'broken' } },
      { git: 'failed', kubernetes: 'waiting', consul: 'waiting', traefik: 'not-watched' },
    ],
    [
      'a file that never was good, where a Traefik is watched',
      { plan: { standing: 'broken' }, world: without({ gateways: new Map() }) },
      { kubernetes: 'waiting', consul: 'waiting', traefik: 'waiting' },
    ],
    [
      'a broken file with a pool',
      { plan: { standing: 'broken', pools: [keys.pool('web')] } },
      { git: 'failed', kubernetes: 'in-step', consul: 'in-step' },
    ],
    [
      'a broken file whose last good version is in force',
      {
        plan: { standing: 'broken' },
        world: without({ specs: complete({ ...specSet([]), lastGood: new Map([[PLAN.spec, spec('web.json')]]) }) }),
      },
      { git: 'failed', kubernetes: 'in-step', consul: 'in-step' },
    ],
    ['a problem of the spec', { problems: ['SPEC_OBJECT_CONFLICT'] }, { git: 'failed', kubernetes: 'in-step' }],
    ['a refused object', { problems: ['KUBERNETES_REFUSED'] }, { git: 'in-step', kubernetes: 'failed', consul: 'in-step' }],
    ['a refused transaction', { problems: ['CONSUL_REFUSED'] }, { kubernetes: 'in-step', consul: 'failed' }],
    ['an open object', { open: [APPLY] }, { kubernetes: 'changing', consul: 'in-step' }],
    ['an open registration', { open: [WRITE] }, { kubernetes: 'in-step', consul: 'changing' }],
    ['a wait', { plan: { waiting: [WAIT] }, open: [APPLY] }, { kubernetes: 'waiting', consul: 'in-step' }],
    ['a removal that is held', { plan: { holds: [HOLD], removals: [REMOVAL] } }, { kubernetes: 'in-step', consul: 'waiting' }],
    ['a stale Git', { world: without({ specs: stale(specSet([])) }) }, { git: 'unknown', kubernetes: 'in-step' }],
    ['a Consul that is away', { world: without({ registry: unavailable() }) }, { kubernetes: 'in-step', consul: 'unknown' }],
    [
      'a cluster that is away',
      { world: without({ cluster: { ...dark.cluster, services: stale(new Map()) } }) },
      { kubernetes: 'unknown', consul: 'in-step' },
    ],
  ])('tells of %s where it belongs', (_name, given, expected) => {
    expect(legs(given)).toMatchObject(expected);
  });

  it('gives every problem of the catalogue to a leg', () => {
    const byLeg = Object.groupBy(Object.keys(PROBLEMS) as ProblemCode[], legOfProblem);
    expect(byLeg.kubernetes).toEqual(
      expect.arrayContaining(['KUBERNETES_CONFLICT', 'OBJECT_NOT_OURS', 'LEASE_HELD_ELSEWHERE', 'ROLLOUT_FAILED']),
    );
    expect(byLeg.consul).toEqual(expect.arrayContaining(['CONSUL_FENCED', 'REGISTRATION_CHOICE_NEEDED']));
    expect(byLeg.git).toEqual(expect.arrayContaining(['GIT_UNREACHABLE', 'SPEC_SYNTAX']));
  });
});
