import { describe, expect, it } from 'vitest';
import { specId } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject } from '../../../../src/core/model/objects.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { pendingChanges } from '../../../../src/core/report/pending-changes.ts';
import type { PlannedChange } from '../../../../src/core/report/plan-diff.ts';
import type { ActionReport } from '../../../../src/core/report/run-report.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { complete, deployment, endpoints, service, spec, specSet, world } from '../../../support/builders.ts';
import { type PlanOptions, planWorld, settle } from '../../../support/model-world.ts';

const WEB = spec('web.json', deployment('web'), service('web'));
const OTHER = spec('other.json', deployment('other'), service('other'));
const both = (): World =>
  settle(world({ specs: complete(specSet([WEB, OTHER])), endpoints: [endpoints('default/web'), endpoints('default/other')] })).world;

const pending = (one: World, options: PlanOptions = {}, tried: readonly ActionReport[] = []): readonly PlannedChange[] => {
  const { context, guarded, nodes } = planWorld(one, options);
  const plans = [...guarded.plans.map((plan) => ({ spec: plan.spec, actions: plan.actions, plan })), { actions: nodes }];
  const specs = [{ ...EMPTY, id: specId('web.json'), actions: tried }];
  return pendingChanges(plans, { context, report: { specs } });
};
const inWave = (name: string, wave: string): KubernetesObject => {
  const object = deployment(name);
  return { ...object, metadata: { ...object.metadata, annotations: { 'poolkeeper.dev/wave': wave } } };
};
const LEGS = { git: 'in-step', kubernetes: 'in-step', consul: 'in-step', traefik: 'in-step' } as const;
const EMPTY = { state: 'in-step', legs: LEGS, problems: [], waiting: [], holds: [], actions: [] } as const;
const short = ({ state, op, on }: PlannedChange): string => `${state} ${op} ${on}`;

describe('pendingChanges', () => {
  it('has nothing to tell of what is in step', () => {
    expect(pending(both())).toEqual([]);
  });

  it('tells what is deleted when a pool has drained, and what it waits for', () => {
    const gone = { ...both(), specs: complete(specSet([OTHER])) };
    const found = pending(gone);
    expect(found.map(short)).toEqual([
      'planned deregister-pool pool default/web',
      'planned route routes of pool default/web',
      'waiting delete-object Deployment default/web',
      'waiting delete-object Service default/web',
    ]);
    expect(found.slice(2).map(({ reason }) => reason)).toEqual([
      'pool default/web leaves Consul and drains first',
      'pool default/web leaves Consul and drains first',
    ]);
  });

  it('tells every object and backend that a guard holds, with the reason and what releases it, and none of it as planned', () => {
    const { specs, ...rest } = both();
    const found = pending({ ...rest, specs: complete(specSet([])) }, {});
    expect(specs.kind).toBe('complete');
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(['held']));
    expect(found.map(({ on }) => on)).toEqual(
      expect.arrayContaining(['pool default/web', 'Deployment default/web', 'Service default/web', 'pool default/other']),
    );
    const pool = found.find(({ on }) => on === 'pool default/web');
    expect(pool).toMatchObject({ code: expect.stringMatching(/^(REMOVAL_ALL|SPECS_VANISHED)$/), remedy: expect.stringMatching(/\.$/) });
    expect(pool?.lines.map(({ op, what }) => `${op} ${what}`)).toContain('remove backend n1');
  });

  it('tells what is refused or went wrong in the last run, with what was said of it', () => {
    const changed = { ...both(), specs: complete(specSet([spec('web.json', deployment('web', { replicas: 7 }), service('web')), OTHER])) };
    const [first] = pending(changed);
    expect(first).toMatchObject({ state: 'planned', op: 'apply-object', on: 'Deployment default/web' });
    const refused = problem('KUBERNETES_REFUSED', 'Deployment default/web is refused');
    const tried: ActionReport = {
      leg: 'kubernetes',
      op: 'apply-object',
      on: 'Deployment default/web',
      changes: [],
      result: 'failed',
      problem: refused,
    };
    const [failed] = pending(changed, {}, [tried]);
    expect(failed).toMatchObject({ state: 'failed', reason: refused.message, remedy: refused.remedy, code: refused.code });
  });

  it('tells what waits for a lower wave, and what would be changed by then', () => {
    const first = spec('web.json', inWave('a', '1'), inWave('b', '2'));
    const found = pending(world({ specs: complete(specSet([first])) }));
    expect(found.map(short)).toEqual(['planned apply-object Deployment default/a', 'waiting apply-object Deployment default/b']);
    expect(found[1]?.reason).toContain('wave 2 waits for Deployment default/a');
    expect(found[1]?.lines.length).toBeGreaterThan(0);
  });
});
