import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND } from '../../../src/core/model/ids.ts';
import type { LiveObject, Spec } from '../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { SpecFiles, SpecSet } from '../../../src/core/model/spec-set.ts';
import { Engine } from '../../../src/run/engine.ts';
import { retryAll } from '../../../src/run/retry-spec.ts';
import { SpecPoller } from '../../../src/run/spec-poller.ts';
import type { ProblemCode } from '../../../src/shared/problem.ts';
import { problem } from '../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  endpoints,
  keys,
  NOW_MS,
  node,
  POLICY,
  service,
  spec,
  specSet,
  unavailable,
  world,
} from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const POLICY_WITH_TRIALS = { ...POLICY, dryRun: true };
const DEPLOYMENT = 'apps/Deployment/default/web';
const SERVICE = '/Service/default/web';
const web = (replicas: number, tags = 'a'): Spec =>
  spec('web.json', deployment('web', { replicas }), service('web', { annotations: { tags } }));
const other = (replicas: number): Spec => spec('other.json', deployment('other', { replicas }));

/** A site in step, whose next commit is refused for its Deployment. */
async function refusingSite(code: ProblemCode = 'KUBERNETES_REFUSED'): Promise<FakeSite> {
  const site = new FakeSite(world({ specs: complete(specSet([web(1), other(1)])), endpoints: [endpoints('default/web')] }));
  await run(site);
  site.takeJournal();
  site.checks.splice(0);
  site.refuse = (_action, name) => (name.endsWith(DEPLOYMENT) ? problem(code, 'spec.replicas: no') : undefined);
  site.commit(complete(specSet([web(2, 'b'), other(1)])));
  return site;
}
const run = (site: FakeSite) => site.run({ policy: POLICY_WITH_TRIALS });

/** What one run asks and writes. */
async function tries(site: FakeSite): Promise<readonly string[]> {
  site.journal.splice(0);
  site.checks.splice(0);
  await run(site);
  return [...site.checks.map((key) => `check ${key}`), ...site.takeJournal()];
}
const TRIED = [`check ${SERVICE}`, `apply-object ${DEPLOYMENT}`];
/** The Deployments of the world, and a world with others. */
const deploymentsOf = (site: FakeSite): ReadonlyMap<ObjectKey, LiveObject> =>
  snapshotValue(site.world.cluster.objects.get(DEPLOYMENT_KIND) ?? unavailable<ReadonlyMap<ObjectKey, LiveObject>>()) ?? new Map();
function setDeployments(site: FakeSite, live: Iterable<readonly [ObjectKey, LiveObject]>): void {
  const objects = new Map([
    ...site.world.cluster.objects,
    [DEPLOYMENT_KIND, complete<ReadonlyMap<ObjectKey, LiveObject>>(new Map(live))] as const,
  ]);
  site.world = { ...site.world, cluster: { ...site.world.cluster, objects } };
}
const tagsOf = (site: FakeSite): readonly string[] => snapshotValue(site.world.registry)?.instances.get(keys.pool('web'))?.[0]?.tags ?? [];
const nodesOf = (site: FakeSite): number => snapshotValue(site.world.registry)?.instances.get(keys.pool('web'))?.length ?? 0;

/** How long it takes until something is tried again, in seconds, looked at each second. */
async function waitsFor(site: FakeSite): Promise<number> {
  for (let seconds = 1; seconds <= 600; seconds++) {
    site.nowMs += 1000;
    if ((await tries(site)).length > 0) return seconds;
  }
  return Number.POSITIVE_INFINITY;
}

describe('a spec that was refused', () => {
  it('is tried again ever later, at least every five minutes, until it is taken', async () => {
    const site = await refusingSite();
    expect(await tries(site)).toEqual(TRIED);
    // Three quarters of 30, 60, 120, 240 and 300 seconds.
    for (const seconds of [23, 45, 90, 180, 225, 225]) expect(await waitsFor(site)).toBe(seconds);
    site.refuse = () => undefined;
    expect(await waitsFor(site)).toBe(225);
    expect(tagsOf(site)).toContain('b');
    expect(site.memos.refused.size).toBe(0);
  });

  it('is tried again soon when that may help', async () => {
    for (const code of ['KUBERNETES_UNAVAILABLE', 'KUBERNETES_UNKNOWN_KIND'] as const) {
      const site = await refusingSite(code);
      expect(await tries(site)).toEqual(TRIED);
      const waits: number[] = [];
      for (let i = 0; i < 8; i++) waits.push(await waitsFor(site));
      expect(waits).toEqual([1, 2, 3, 6, 12, 24, 45, 45]);
    }
  });

  it('says the same while it waits, and when it is tried again', async () => {
    const site = await refusingSite();
    const first = (await run(site)).last.guarded.plans.find((plan) => plan.spec === 'web.json');
    const later = (await run(site)).last.guarded.plans.find((plan) => plan.spec === 'web.json');
    for (const plan of [first, later]) {
      expect(plan?.problems.map(({ message, where }) => [message, where?.file])).toEqual([['spec.replicas: no', 'web.json']]);
      expect(plan?.waiting).toContainEqual(expect.objectContaining({ leg: 'kubernetes', untilMs: NOW_MS + 22_500 }));
      expect(plan?.resting?.map((action) => action.kind === 'apply-object' && action.key)).toEqual([DEPLOYMENT, SERVICE]);
    }
  });

  it('keeps its pool as what runs wants it, and lets it follow the nodes', async () => {
    const site = await refusingSite();
    await run(site);
    expect(tagsOf(site)).toContain('a');
    site.world = { ...site.world, cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2')]) } };
    expect(await tries(site)).toEqual(['ensure-node k8s-c1-n3', 'register-pool default/web', 'delete-node k8s-c1-n3']);
    expect([nodesOf(site), tagsOf(site).includes('a')]).toEqual([2, true]);
  });

  it('holds up no other spec', async () => {
    const site = await refusingSite();
    await run(site);
    site.commit(complete(specSet([web(2, 'b'), other(2)])));
    expect(await tries(site)).toEqual(['apply-object apps/Deployment/default/other']);
  });

  it('is tried at once when its content changes', async () => {
    const site = await refusingSite();
    await run(site);
    site.commit(complete(specSet([web(3, 'b'), other(1)])));
    expect(await tries(site)).toEqual(TRIED);
    expect(await tries(site)).toEqual([]);
  });

  it('is tried at once when it comes back after it was taken back', async () => {
    const site = await refusingSite();
    await run(site);
    site.commit(complete(specSet([web(1), other(1)])));
    expect(await tries(site)).toEqual([]);
    site.commit(complete(specSet([web(2, 'b'), other(1)])));
    expect(await tries(site)).toEqual(TRIED);
  });

  it('is tried at once when the object is another one, or gone', async () => {
    const site = await refusingSite();
    await run(site);
    setDeployments(
      site,
      [...deploymentsOf(site)].filter(([key]) => key !== DEPLOYMENT),
    );
    expect(await tries(site)).toEqual(TRIED);
  });

  it('is not tried for a change of status', async () => {
    const site = await refusingSite();
    await run(site);
    setDeployments(
      site,
      [...deploymentsOf(site)].map(([key, live]) => [key, { ...live, resourceVersion: '2', status: { replicas: 1 } }] as const),
    );
    expect(await tries(site)).toEqual([]);
  });

  it.each([
    ['is not tried for a change of status either where the live number of replicas is sent', 'KUBERNETES_REFUSED', []],
    ['is tried at once for any change where it came too late for the one before', 'KUBERNETES_CONFLICT', TRIED],
  ] as const)('%s', async (_, code, expected) => {
    const site = await refusingSite(code);
    const unstated = spec('web.json', deployment('web', { paused: true }), service('web'));
    site.commit(complete(specSet([unstated, other(1)])));
    const { outcomes } = await run(site);
    expect(outcomes[0]?.action).toMatchObject({ existing: { pinVersion: true }, object: { spec: { replicas: 1 } } });
    expect(await tries(site)).toEqual([]);
    setDeployments(
      site,
      [...deploymentsOf(site)].map(([key, live]) => [key, { ...live, resourceVersion: '77', status: { replicas: 1 } }] as const),
    );
    expect(await tries(site)).toEqual(expected);
  });

  it('is tried again in the same run when it came too late, and the object is known as it is by then', async () => {
    const site = await refusingSite();
    site.commit(complete(specSet([spec('web.json', deployment('web', { paused: true }), service('web')), other(1)])));
    let late = 0;
    site.refuse = (_action, name) => {
      if (name !== `apply-object ${DEPLOYMENT}` || late++ > 0) return undefined;
      setDeployments(
        site,
        [...deploymentsOf(site)].map(([key, live]) => [key, { ...live, resourceVersion: '78' }] as const),
      );
      return problem('KUBERNETES_CONFLICT', 'it has changed');
    };
    await run(site);
    expect(site.takeJournal().filter((line) => line.endsWith(DEPLOYMENT))).toEqual(Array(2).fill(`apply-object ${DEPLOYMENT}`));
    expect(site.memos.refused.size).toBe(0);
  });

  it('is tried at once when the API server has come back', async () => {
    const site = await refusingSite('KUBERNETES_UNAVAILABLE');
    await run(site);
    site.nowMs += 200;
    const { services } = site.world.cluster;
    const back = services.kind === 'complete' ? { ...services, connectedAtMs: site.nowMs - 100 } : services;
    site.world = { ...site.world, cluster: { ...site.world.cluster, services: back } };
    expect(await tries(site)).toEqual(TRIED);
    expect(await tries(site)).toEqual([]);
  });

  it('is tried at once when everything is, and waits on as before', async () => {
    const site = await refusingSite();
    await run(site);
    await waitsFor(site);
    retryAll(site.memos.refused);
    expect(await tries(site)).toEqual(TRIED);
    expect(await waitsFor(site)).toBe(90);
  });

  it('is not remembered when it was this replica that may not write', async () => {
    const site = await refusingSite('LEASE_HELD_ELSEWHERE');
    await run(site);
    expect(site.memos.refused.size).toBe(0);
  });
});

describe('a delete that was refused', () => {
  const objects = ['web', 'old', 'older'].map((name) => deployment(name));
  const file = (count: number): SpecSet => specSet([spec('web.json', ...objects.slice(0, count))]);
  const KEY = 'delete-object apps/Deployment/default';

  it('is tried again later, and at once together with another one', async () => {
    const site = new FakeSite(world({ specs: complete(file(3)) }));
    await run(site);
    site.refuse = (_action, name) => (name.startsWith('delete') ? problem('KUBERNETES_REFUSED', 'a webhook says no') : undefined);
    site.commit(complete(file(2)));
    expect(await tries(site)).toEqual([`${KEY}/older`]);
    expect(await waitsFor(site)).toBe(23);
    site.commit(complete(file(1)));
    expect(await tries(site)).toEqual([`${KEY}/older`]);
    expect(await tries(site)).toEqual([]);
    site.refuse = () => undefined;
    await waitsFor(site);
    expect(await tries(site)).toEqual([]);
    expect([...deploymentsOf(site).keys()]).toEqual([DEPLOYMENT]);
  });
});

describe('the engine', () => {
  async function engineOf(site: FakeSite): Promise<Engine> {
    const clock = { now: () => site.nowMs, random: () => 0.5 };
    const files: SpecFiles = { revision: 'r' as never, source: '', files: [], commits: [], problems: [], movedAfterMs: 0, fetchedAtMs: 0 };
    const poller = new SpecPoller({ read: async () => complete(files) }, () => snapshotValue(site.world.specs) ?? specSet([]), clock);
    const engine = new Engine({ ports: site.ports(), policy: POLICY_WITH_TRIALS, clock, poller, dryRun: false });
    await engine.poll(new AbortController().signal);
    return engine;
  }
  const turn = (engine: Engine, trigger: string) => engine.run([trigger], new AbortController().signal);

  it('comes back when the spec is due, not before, and tells it as failed meanwhile', async () => {
    const site = await refusingSite('KUBERNETES_UNAVAILABLE');
    const engine = await engineOf(site);
    const first = await turn(engine, 'git');
    expect([first.retry, first.lookAgainAtMs]).toEqual([false, NOW_MS + 750]);
    site.journal.splice(0);
    const later = await turn(engine, 'consul');
    expect([later.retry, later.lookAgainAtMs, site.journal]).toEqual([false, NOW_MS + 750, []]);
    for (const { report } of [first, later]) {
      const told = report.specs.find(({ id }) => id === 'web.json');
      expect(told).toMatchObject({ state: 'failed', legs: { kubernetes: 'failed' }, problems: [{ message: 'spec.replicas: no' }] });
      expect(told?.actions.filter(({ leg }) => leg === 'kubernetes').map(({ on }) => on)).toEqual([
        'Deployment default/web',
        'Service default/web',
      ]);
    }
    expect(first.report.writes).toContainEqual({ leg: 'kubernetes', result: 'failed', count: 1 });
    expect(later.report.specs.find(({ id }) => id === 'web.json')?.actions.map(({ result }) => result)).toEqual(['planned', 'planned']);
    expect(later.report.writes).toEqual([]);
  });

  it.each(['resync', 'full-compare'])('tries everything at once on a %s', async (trigger) => {
    const site = await refusingSite();
    const engine = await engineOf(site);
    await turn(engine, 'git');
    site.journal.splice(0);
    await turn(engine, 'kubernetes');
    expect(site.journal).toEqual([]);
    await turn(engine, trigger);
    expect(site.journal).toEqual([`apply-object ${DEPLOYMENT}`]);
  });
});
