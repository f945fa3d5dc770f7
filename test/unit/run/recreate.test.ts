import { describe, expect, it } from 'vitest';
import { portsOf } from '../../../src/core/desired/service-ports.ts';
import type { ClusterAction, RegistryAction } from '../../../src/core/model/action.ts';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND } from '../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../src/core/model/objects.ts';
import type { Draining } from '../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { World } from '../../../src/core/model/world.ts';
import type { Problem } from '../../../src/shared/problem.ts';
import { problem } from '../../../src/shared/problem.ts';
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
  stale,
  world,
} from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const DRAIN_MS = 30_000;
const WEB = 'apps/Deployment/default/web' as ObjectKey;
const SERVICE = '/Service/default/web' as ObjectKey;
const RECREATE = { 'poolkeeper.dev/recreate': 'true' };

/** A Deployment whose selector, and its pods' labels, are of one colour. */
function workload(name: string, color: string, annotations: Record<string, string> = RECREATE): KubernetesObject {
  const labels = { app: name, color };
  const object = deployment(name, { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels } } });
  return { ...object, metadata: { ...object.metadata, annotations } };
}
const serviceOf = (color: string): KubernetesObject => service('web', { spec: { selector: { app: 'web', color } } });
const web = (color: string, annotations?: Record<string, string>): Spec =>
  spec('web.json', workload('web', color, annotations), serviceOf(color));
/** So that one pool of them is not all that there is. */
const OTHERS = ['api', 'shop'].map((name) => spec(`${name}.json`, deployment(name), service(name)));
const specsWith = (one: Spec): World['specs'] => complete(specSet([...OTHERS, one]));

const liveOf = (site: FakeSite, key: ObjectKey): LiveObject | undefined =>
  snapshotValue(site.world.cluster.services)?.get(key) ?? liveDeployments(site).get(key);
const liveDeployments = (site: FakeSite): ReadonlyMap<ObjectKey, LiveObject> =>
  snapshotValue(site.world.cluster.objects.get(DEPLOYMENT_KIND) ?? complete(new Map<ObjectKey, LiveObject>())) ?? new Map();
const nodesOf = (site: FakeSite): readonly string[] =>
  (snapshotValue(site.world.registry)?.instances.get(keys.pool('web')) ?? []).map((instance) => instance.node).sort();
const colorOf = (site: FakeSite): unknown => liveOf(site, WEB)?.spec['selector'];
const nodePortOf = (site: FakeSite): number | undefined => portsOf(liveOf(site, SERVICE)?.spec ?? {})[0]?.nodePort;

const immutable = (field: string): Problem =>
  problem('KUBERNETES_IMMUTABLE', `${field} cannot be changed on a live object`, { fields: [field] });

/** What the API server says: a selector, and the cluster IP of a Service, may not change while the object stands. */
function refuse(site: FakeSite): (action: ClusterAction | RegistryAction) => Problem | undefined {
  return (action) => {
    if (action.kind !== 'apply-object' || action.existing === undefined) return undefined;
    const before = liveOf(site, action.key)?.spec ?? {};
    const after = (action.object['spec'] ?? {}) as LiveObject['spec'];
    if (action.key === SERVICE) return before['clusterIP'] === after['clusterIP'] ? undefined : immutable('spec.clusterIPs[0]');
    return JSON.stringify(before['selector']) === JSON.stringify(after['selector']) ? undefined : immutable('spec.selector');
  };
}

/** A site at rest with `one`, and what its servers refuse. */
async function siteAtRest(one: Spec): Promise<FakeSite> {
  const names = ['api', 'shop', 'web'];
  const site = new FakeSite(world({ specs: specsWith(one), endpoints: names.map((name) => endpoints(`default/${name}`)) }));
  site.refuse = refuse(site);
  site.before = (action) => expectDrained(site, action);
  await site.run();
  site.takeJournal();
  return site;
}

/** Nothing that serves a pool is deleted while it is registered, or before it has drained. */
function expectDrained(site: FakeSite, action: ClusterAction | RegistryAction): void {
  if (action.kind !== 'delete-object' || (action.key !== WEB && action.key !== SERVICE)) return;
  expect(nodesOf(site)).toEqual([]);
  const { ports } = JSON.parse(snapshotValue(site.world.registry)?.kv.get(keys.draining('default/web'))?.value ?? '{}') as Draining;
  expect(Math.min(...Object.values(ports).map((sinceMs) => site.nowMs - sinceMs))).toBeGreaterThanOrEqual(DRAIN_MS);
}

const stateOf = (result: Awaited<ReturnType<FakeSite['run']>>, id = 'web.json') =>
  result.last.guarded.plans.find((plan) => plan.spec === id);

describe('a change that the live object cannot take', () => {
  it('drains the pool, deletes the object, creates it, and takes the pool back', async () => {
    const site = await siteAtRest(web('red'));
    site.commit(specsWith(web('blue')));
    const first = await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${WEB}`, 'deregister-pool default/web']);
    expect(first.outcomes.flatMap(({ problem: why }) => why ?? [])).toMatchObject([{ code: 'KUBERNETES_IMMUTABLE', severity: 'note' }]);
    expect(stateOf(first)?.waiting).toMatchObject([{ leg: 'consul', untilMs: NOW_MS + DRAIN_MS }]);

    site.nowMs = NOW_MS + DRAIN_MS - 1;
    await site.run();
    expect(site.takeJournal()).toEqual([]);

    site.nowMs = NOW_MS + DRAIN_MS;
    const last = await site.run();
    expect(site.takeJournal()).toEqual([
      `delete-object ${WEB}`,
      `apply-object ${WEB}`,
      `apply-object ${SERVICE}`,
      'register-pool default/web',
    ]);
    expect(last.outcomes.find(({ action }) => action.kind === 'delete-object')?.action).toMatchObject({
      why: 'deleted and created again: spec.selector is immutable',
    });
    expect(colorOf(site)).toEqual({ matchLabels: { app: 'web', color: 'blue' } });
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
    await site.run();
    expect(site.takeJournal()).toEqual([]);
    expect(site.memos.immutable.size).toBe(0);
  });

  it('is refused without the annotation, and the pool goes on following its nodes', async () => {
    const site = await siteAtRest(web('red', {}));
    site.commit(specsWith(web('blue', {})));
    const { outcomes } = await site.run();
    expect(outcomes.flatMap(({ problem: why }) => why ?? [])).toMatchObject([{ code: 'KUBERNETES_IMMUTABLE', severity: 'error' }]);
    site.world = { ...site.world, cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2', { ready: false })]) } };
    await site.run();
    expect(site.takeJournal().filter((line) => line.startsWith('delete-object') || line.startsWith('deregister'))).toEqual([]);
    expect(nodesOf(site)).toEqual(['n1']);
  });

  it('takes no pool out for a workload that serves none', async () => {
    const worker = (color: string): Spec => spec('web.json', workload('web', 'red'), workload('worker', color), serviceOf('red'));
    const site = await siteAtRest(worker('red'));
    site.commit(specsWith(worker('blue')));
    await site.run();
    const key = 'apps/Deployment/default/worker';
    expect(site.takeJournal()).toEqual([`apply-object ${key}`, `delete-object ${key}`, `apply-object ${key}`]);
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
  });

  it('keeps everything while the guard holds the removal, and follows the nodes', async () => {
    const site = await siteAtRest(web('red'));
    const guard = { windowMs: 600_000, maxRemovedPools: { kind: 'number', value: 0 } } as const;
    const held = { policy: { ...POLICY, guard } };
    site.commit(specsWith(web('blue')));
    const first = await site.run(held);
    expect(stateOf(first)?.holds.map(({ what }) => what)).toEqual(['pool default/web', 'Deployment default/web']);
    site.world = { ...site.world, cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2'), node('n4')]) } };
    await site.run(held);
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n4']);
    expect(site.takeJournal().filter((line) => line.startsWith('delete-object') || line.startsWith('deregister'))).toEqual([]);
    expect(colorOf(site)).toEqual({ matchLabels: { app: 'web', color: 'red' } });
  });

  it('is seen through when Git fails in the middle, so that the pool is not left out', async () => {
    const site = await siteAtRest(web('red'));
    const wish = specSet([...OTHERS, web('blue')]);
    site.commit(complete(wish));
    await site.run();
    expect(nodesOf(site)).toEqual([]);
    site.commit(stale(wish));
    site.nowMs = NOW_MS + DRAIN_MS;
    await site.run();
    expect(colorOf(site)).toEqual({ matchLabels: { app: 'web', color: 'blue' } });
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
  });

  it('is not begun while Git cannot be read', async () => {
    const site = await siteAtRest(web('red'));
    site.commit(stale(specSet([...OTHERS, web('blue')])));
    const result = await site.run();
    expect(stateOf(result)?.holds.map(({ reason }) => reason.code)).toEqual(['SNAPSHOT_NOT_COMPLETE', 'SNAPSHOT_NOT_COMPLETE']);
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
    expect(colorOf(site)).toEqual({ matchLabels: { app: 'web', color: 'red' } });
  });

  it('waits for Consul when that fails in the middle, says so, and goes on by itself', async () => {
    const site = await siteAtRest(web('red'));
    site.commit(specsWith(web('blue')));
    await site.run();
    const { registry } = site.world;
    site.world = { ...site.world, registry: stale(snapshotValue(registry) ?? EMPTY_REGISTRY) };
    site.nowMs = NOW_MS + DRAIN_MS;
    const waiting = await site.run();
    expect(stateOf(waiting)?.holds.map(({ what, reason }) => [what, reason.code])).toEqual([
      ['Deployment default/web', 'SNAPSHOT_NOT_COMPLETE'],
    ]);
    site.world = { ...site.world, registry };
    await site.run();
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
  });

  it.each([
    ['refused', 'KUBERNETES_REFUSED'],
    ['not answered', 'KUBERNETES_UNAVAILABLE'],
  ] as const)('tells when its second half is %s, tries it again, and takes the pool back then', async (_, code) => {
    const site = await siteAtRest(web('red'));
    site.commit(specsWith(web('blue')));
    await site.run();
    const refuses = site.refuse;
    site.refuse = (action, name) =>
      action.kind === 'apply-object' && action.key === WEB && action.why === 'create' ? problem(code, 'no') : refuses(action, name);
    site.nowMs = NOW_MS + DRAIN_MS;
    await site.run();
    const later = await site.run();
    expect(liveOf(site, WEB)).toBeUndefined();
    expect(nodesOf(site)).toEqual([]);
    expect(stateOf(later)?.problems.map((one) => one.code)).toEqual([code]);
    const dueMs = Math.min(...(stateOf(later)?.waiting.flatMap(({ untilMs }) => untilMs ?? []) ?? []));
    expect(dueMs).toBeLessThanOrEqual(site.nowMs + 30_000);
    site.refuse = refuses;
    site.nowMs = dueMs;
    await site.run();
    expect(colorOf(site)).toEqual({ matchLabels: { app: 'web', color: 'blue' } });
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
  });

  it('brings the pool back at once when the spec changes back', async () => {
    const site = await siteAtRest(web('red'));
    site.commit(specsWith(web('blue')));
    await site.run();
    expect(nodesOf(site)).toEqual([]);
    site.takeJournal();
    site.commit(specsWith(web('red')));
    await site.run();
    expect(site.takeJournal()).toEqual(['register-pool default/web']);
    expect(snapshotValue(site.world.registry)?.kv.has(keys.draining('default/web'))).toBe(false);
  });

  it('tries another change by itself, and deletes nothing for it', async () => {
    const site = await siteAtRest(web('red'));
    site.commit(specsWith(web('blue')));
    await site.run();
    site.takeJournal();
    const more = workload('web', 'red');
    const scaled = { ...more, spec: { ...(more['spec'] as object), replicas: 5 } };
    site.commit(specsWith(spec('web.json', scaled, serviceOf('red'))));
    site.nowMs += DRAIN_MS;
    await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${WEB}`, 'register-pool default/web']);
  });

  it('deletes nothing while something else of the spec is refused: it might not be created', async () => {
    const both = (color: string): Spec => spec('web.json', workload('web', color), workload('worker', color, {}), serviceOf(color));
    const site = await siteAtRest(both('red'));
    site.commit(specsWith(both('blue')));
    await site.run({ policy: { ...POLICY, dryRun: true } });
    expect(site.takeJournal()).toEqual([]);
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('a Service that is created again', () => {
  const addressed = (clusterIP: string): Spec => {
    const object = serviceOf('red');
    const annotated = { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...RECREATE } } };
    return spec('web.json', workload('web', 'red'), {
      ...annotated,
      spec: { ...(object['spec'] as object), ...(clusterIP === '' ? {} : { clusterIP }) },
    });
  };
  const twoRuns = async (site: FakeSite): Promise<void> => {
    site.commit(specsWith(addressed('10.0.0.7')));
    await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${SERVICE}`, 'deregister-pool default/web']);
    site.nowMs += DRAIN_MS;
    await site.run();
    await site.run();
  };

  it('asks for the NodePort that it had', async () => {
    const site = await siteAtRest(addressed(''));
    const before = nodePortOf(site);
    await twoRuns(site);
    expect(liveOf(site, SERVICE)?.spec['clusterIP']).toBe('10.0.0.7');
    expect([before, nodePortOf(site)]).toEqual([before, before]);
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
    site.takeJournal();
    await site.run();
    expect(site.takeJournal()).toEqual([]);
  });

  it('takes another one when somebody else has it by now', async () => {
    const site = await siteAtRest(addressed(''));
    const before = nodePortOf(site);
    const isTaken = (object: KubernetesObject): boolean => portsOf(object['spec'] as LiveObject['spec'])[0]?.nodePort === before;
    const usual = site.refuse;
    site.refuse = (action, name) => {
      const again = action.kind === 'apply-object' && action.key === SERVICE && action.existing === undefined;
      return again && isTaken(action.object) ? problem('KUBERNETES_REFUSED', 'the port is already allocated') : usual(action, name);
    };
    await twoRuns(site);
    expect(nodePortOf(site)).not.toBe(before);
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('a kill', () => {
  /** Runs until `most` writes have begun; what comes then was never sent. */
  async function runKilledAfter(site: FakeSite, most: number): Promise<number> {
    let writes = 0;
    const usual = site.before;
    site.before = (action, name) => {
      if (writes++ >= most) throw new Error('killed');
      return usual(action, name);
    };
    await site.run().catch(() => undefined);
    site.before = usual;
    return writes;
  }

  /** The same servers, another process. */
  function restarted(before: FakeSite): FakeSite {
    const site = new FakeSite(before.world);
    site.nowMs = before.nowMs;
    site.refuse = refuse(site);
    site.before = (action) => expectDrained(site, action);
    return site;
  }

  const MOST_WRITES = 12;

  it.each(Array.from({ length: MOST_WRITES }, (_, n) => n))('after %i writes loses no drain, and the next start converges', async (n) => {
    let site = await siteAtRest(web('red'));
    site.commit(specsWith(web('blue')));
    // Killed in the first run, or in the one that follows the drain.
    let left = n;
    for (const laterMs of [0, DRAIN_MS]) {
      site.nowMs += laterMs;
      left -= await runKilledAfter(site, left);
      if (left < 0) break;
    }
    site = restarted(site);
    for (let i = 0; i < 4; i++) {
      await site.run();
      site.nowMs += DRAIN_MS;
    }
    expect(colorOf(site)).toEqual({ matchLabels: { app: 'web', color: 'blue' } });
    expect(nodesOf(site)).toEqual(['n1', 'n2', 'n3']);
    site.takeJournal();
    await site.run();
    expect(site.takeJournal()).toEqual([]);
  });

  it('while the pool drains does not bring it back, nor begin the drain anew', async () => {
    const steady = service('web', { spec: { selector: { app: 'web' } } });
    const before = await siteAtRest(spec('web.json', workload('web', 'red'), steady));
    before.commit(specsWith(spec('web.json', workload('web', 'blue'), steady)));
    await before.run();
    const site = restarted(before);
    site.nowMs += DRAIN_MS / 2;
    await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${WEB}`]);
    site.nowMs += DRAIN_MS / 2;
    await site.run();
    expect(site.takeJournal()[0]).toBe(`delete-object ${WEB}`);
  });
});
