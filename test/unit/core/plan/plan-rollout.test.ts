import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import type { Action, Waiting } from '../../../../src/core/model/action.ts';
import { DEPLOYMENT_KIND, type ObjectKey, objectKey, type SpecId } from '../../../../src/core/model/ids.ts';
import type { JsonObject, LiveObject, Spec } from '../../../../src/core/model/objects.ts';
import type { PodTrouble } from '../../../../src/core/model/pods.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import type { SpecPlan } from '../../../../src/core/plan/spec-plan.ts';
import { legStates, specState } from '../../../../src/core/report/spec-state.ts';
import { complete, deployment, endpoints, node, service, spec, specSet, stale, unavailable, world } from '../../../support/builders.ts';
import { applyToWorld, type ModelPlan, planWorld, settle } from '../../../support/model-world.ts';

const WEB = spec('web.json', deployment('web'), service('web'));
const API = spec('api.json', deployment('api'), service('api'));
const BOTH = [WEB, API];

const STUCK: JsonObject = { observedGeneration: 1, replicas: 2, updatedReplicas: 2 };
const DEAD: JsonObject = { ...STUCK, conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] };
const DONE: JsonObject = { ...STUCK, availableReplicas: 2 };

const keyOf = (name: string): ObjectKey => objectKey(DEPLOYMENT_KIND, 'default', name);
const start = (specs: readonly Spec[] = BOTH): World =>
  world({ specs: complete(specSet(specs)), endpoints: [endpoints('default/web'), endpoints('default/api')] });
const withSpecs = (base: World, ...specs: readonly Spec[]): World => ({ ...base, specs: complete(specSet(specs)) });

/** The world with these Deployments changed. */
function withDeployments(base: World, change: (live: LiveObject) => LiveObject): World {
  const known = base.cluster.objects.get(DEPLOYMENT_KIND);
  const lives = known === undefined ? [] : [...(snapshotValue(known)?.values() ?? [])];
  const objects = new Map(base.cluster.objects).set(DEPLOYMENT_KIND, complete(new Map(lives.map((live) => [live.key, change(live)]))));
  return { ...base, cluster: { ...base.cluster, objects } };
}
const withStatus = (base: World, name: string, status: JsonObject): World =>
  withDeployments(base, (live) => (live.name === name ? { ...live, status, generation: 1 } : live));
function withTrouble(base: World, name: string, reason: string): World {
  const trouble: PodTrouble = { pod: `${name}-1`, workload: keyOf(name), reason, message: 'its own words' };
  return { ...base, cluster: { ...base.cluster, pods: complete(new Map([[keyOf(name), [trouble]]])) } };
}

function planOf(plan: ModelPlan, id: string): SpecPlan {
  const found = plan.guarded.plans.find((one) => one.spec === (id as SpecId));
  if (found === undefined) throw new Error(`no plan of ${id}`);
  return found;
}
const stateOf = (base: World, id: string) => {
  const plan = planOf(planWorld(base), id);
  const finding = { plan, open: plan.actions, problems: plan.problems, world: base };
  return { state: specState(finding), ...legStates(finding) };
};
const SLOW = 'Deployment default/web: 0 of 2 replicas are available';
const WAIT: Waiting = { leg: 'kubernetes', what: SLOW, on: keyOf('web'), rollout: true };

describe('a roll-out', () => {
  const rest = settle(start()).world;

  it('that is under way is waited for on the Kubernetes leg', () => {
    const base = withStatus(rest, 'web', STUCK);
    expect(planOf(planWorld(base), 'web.json')).toMatchObject({ waiting: [WAIT], problems: [], actions: [] });
    expect(stateOf(base, 'web.json')).toMatchObject({ state: 'waiting', git: 'in-step', kubernetes: 'waiting', consul: 'in-step' });
  });

  it('that has failed is a problem of the spec, at its place, on the Kubernetes leg', () => {
    const base = withStatus(rest, 'web', DEAD);
    const { waiting, problems } = planOf(planWorld(base), 'web.json');
    expect(waiting).toEqual([]);
    expect(problems).toMatchObject([
      {
        code: 'ROLLOUT_FAILED',
        severity: 'error',
        next: 'fix-spec',
        message: 'Deployment default/web: no progress within the progress deadline; 0 of 2 replicas are available',
        where: { file: 'web.json', line: 1, column: 1 },
      },
    ]);
    expect(stateOf(base, 'web.json')).toMatchObject({ state: 'failed', git: 'in-step', kubernetes: 'failed', consul: 'in-step' });
  });

  it.each<readonly [string, World]>([
    ['that is done', withStatus(rest, 'web', DONE)],
    ['that nobody has looked at', rest],
  ])('%s is not told', (_what, base) => {
    expect(planOf(planWorld(base), 'web.json')).toMatchObject({ waiting: [], problems: [] });
    expect(stateOf(base, 'web.json').state).toBe('in-step');
  });

  it('tells the words of its own pods, as long as anyone knows them', () => {
    const base = withTrouble(withStatus(rest, 'web', STUCK), 'web', 'ImagePullBackOff');
    const told = (one: World) => planOf(planWorld(one), 'web.json').waiting[0]?.what;
    expect(told(base)).toBe(`${SLOW}; pod web-1: ImagePullBackOff: its own words`);
    expect(told({ ...base, cluster: { ...base.cluster, pods: stale(snapshotValue(base.cluster.pods) ?? new Map()) } })).toBe(told(base));
    expect(told({ ...base, cluster: { ...base.cluster, pods: unavailable() } })).toBe(SLOW);
    expect(told(withTrouble(withStatus(rest, 'web', STUCK), 'api', 'ImagePullBackOff'))).toBe(SLOW);
  });

  it('is not asked about in a file that is broken or gone', () => {
    const stuck = withStatus(rest, 'web', STUCK);
    const broken: World = { ...stuck, specs: complete(specSet([API], { broken: { 'web.json': [] } })) };
    for (const base of [broken, withSpecs(stuck, API)]) expect(planOf(planWorld(base), 'web.json').waiting).not.toContainEqual(WAIT);
  });
});

describe('a roll-out that does not end', () => {
  const rest = settle(start()).world;

  it.each([
    ['under way', STUCK],
    ['failed', DEAD],
  ])('(%s) holds back no registration', (_what, status) => {
    const applied = applyToWorld(start(), planWorld(start()).actions);
    const plan = planWorld(withStatus(applied, 'web', status));
    expect(plan.actions).toEqual(planWorld(applied).actions);
    expect(plan.actions.map((action) => action.kind)).toEqual(['register-pool', 'register-pool']);
  });

  it.each([
    ['under way', STUCK],
    ['failed', DEAD],
  ])('(%s) holds back no change of nodes, and no removal', (_what, status) => {
    const fewer = (base: World): World => ({ ...base, cluster: { ...base.cluster, nodes: complete([node('n1'), node('n2')]) } });
    const gone = (base: World): World => withSpecs(base, WEB);
    for (const change of [fewer, gone]) {
      const [with_, without] = [planWorld(change(withStatus(rest, 'web', status))), planWorld(change(rest))];
      expect(with_.actions).toEqual(without.actions);
      expect(with_.nodes).toEqual(without.nodes);
      expect(without.actions.length).toBeGreaterThan(0);
    }
  });

  it('gives way to a new revision at once', () => {
    const next = spec('web.json', deployment('web', { replicas: 3 }), service('web'));
    for (const status of [STUCK, DEAD]) {
      const plan = planOf(planWorld(withSpecs(withStatus(rest, 'web', status), next, API)), 'web.json');
      expect(plan).toMatchObject({ waiting: [], problems: [], actions: [{ kind: 'apply-object', key: keyOf('web'), why: 'change' }] });
    }
  });

  it('delays nothing of another spec', () => {
    const base = withStatus(rest, 'web', STUCK);
    const next = spec('api.json', deployment('api', { replicas: 3 }), service('api'));
    expect(planOf(planWorld(withSpecs(base, WEB, next)), 'api.json')).toEqual(planOf(planWorld(withSpecs(rest, WEB, next)), 'api.json'));
    expect(stateOf(base, 'api.json').state).toBe('in-step');
  });
});

describe('many roll-outs that do not end', () => {
  const COUNT = 500;
  const names = Array.from({ length: COUNT }, (_, i) => `stuck-${i}`);
  const specs = names.map((name) => spec(`${name}.json`, deployment(name)));

  /** A world of stuck Deployments that counts how often their status is looked at. */
  function stuckWorld(): { readonly base: World; readonly reads: () => number } {
    let reads = 0;
    const read = (): JsonObject => {
      reads++;
      return STUCK;
    };
    const watched = (live: LiveObject): LiveObject =>
      Object.defineProperty({ ...live, generation: 1 }, 'status', { enumerable: true, get: read });
    return { base: withDeployments(settle(start(specs)).world, watched), reads: () => reads };
  }
  const waits = (plan: ModelPlan): readonly Waiting[] => plan.guarded.plans.flatMap(({ waiting }) => waiting);
  const appliedKeys = (actions: readonly Action[]) => actions.map((action) => (action.kind === 'apply-object' ? action.key : action.kind));

  it('are looked at once, and no more work for an unrelated service than its own', () => {
    const { base, reads } = stuckWorld();
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    const first = planWorld(base, { memos });
    expect(waits(first)).toHaveLength(COUNT);
    const looked = reads();
    const second = planWorld(withSpecs(base, ...specs, WEB), { memos });
    expect(reads()).toBe(looked);
    expect(appliedKeys(second.actions)).toEqual([keyOf('web'), '/Service/default/web']);
    const told = new Set(waits(first));
    expect(waits(second).every((waiting) => told.has(waiting))).toBe(true);
  });

  it('are looked at again one by one, when they change or their pods do', () => {
    const { base, reads } = stuckWorld();
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    planWorld(base, { memos });
    const looked = reads();
    const plan = planWorld(withTrouble(base, 'stuck-7', 'CrashLoopBackOff'), { memos });
    expect(reads() - looked).toBe(1);
    expect(waits(plan).filter(({ what }) => what.includes('CrashLoopBackOff'))).toHaveLength(1);
  });
});
