import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND, nodeName } from '../../../src/core/model/ids.ts';
import type { Memory } from '../../../src/core/model/memory.ts';
import type { LiveObject } from '../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { World } from '../../../src/core/model/world.ts';
import { readMemory } from '../../../src/run/read-memory.ts';
import { problem } from '../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  liveOf,
  node,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const app = (name: string, tags = 'a'): ReturnType<typeof spec> =>
  spec(`${name}.json`, deployment(name), service(name, { annotations: { tags } }));
const NAMES = ['api', 'shop', 'web'];
const ALL = NAMES.map((name) => app(name));
const start = (): World => world({ specs: complete(specSet(ALL)), endpoints: NAMES.map((name) => endpoints(`default/${name}`)) });
const memoryOf = (site: FakeSite): Memory => readMemory(snapshotValue(site.world.registry), POLICY).memory;
const tagsOf = (site: FakeSite, name: string): readonly string[] | undefined =>
  snapshotValue(site.world.registry)?.instances.get(keys.pool(name))?.[0]?.tags;
const nodesOf = (site: FakeSite, name: string): readonly string[] =>
  (snapshotValue(site.world.registry)?.instances.get(keys.pool(name)) ?? []).map((instance) => instance.node).sort();

async function settledSite(): Promise<FakeSite> {
  const site = new FakeSite(start());
  await site.run();
  site.takeJournal();
  return site;
}

describe('one run', () => {
  it('brings a commit from files to registrations: the NodePort of an answer reaches Consul in the same run', async () => {
    const site = new FakeSite(start());
    const { passes, outcomes, unfinished } = await site.run();
    // The third one records what was deployed.
    expect(passes).toBe(4);
    expect(unfinished).toBe(false);
    expect(outcomes.every(({ result }) => result === 'done')).toBe(true);
    for (const name of NAMES) expect(nodesOf(site, name)).toEqual(['n1', 'n2', 'n3']);
  });

  it('writes nothing when it comes again, also after a restart', async () => {
    const site = await settledSite();
    const again = new FakeSite(site.world);
    expect((await again.run()).passes).toBe(1);
    expect(again.journal).toEqual([]);
  });

  it('forgets what it knew of pools that are no more', async () => {
    const site = await settledSite();
    site.memos.plans.opening.set(keys.pool('gone'), { nodePort: 30_000, seenAtMs: 0 });
    await site.run();
    expect([...site.memos.plans.opening.keys()]).toEqual([]);
  });

  it('asks for the kinds of the specs, of what is remembered, and for what exists of every object but Services', async () => {
    const site = await settledSite();
    expect(site.prepared[0]).toEqual({
      kinds: ['/Service', 'apps/Deployment'],
      claims: NAMES.map((name) => `apps/Deployment/default/${name}`),
    });
    expect(memoryOf(site).kinds).toEqual(['/Service', 'apps/Deployment']);
    site.commit(complete(specSet([])));
    await site.run();
    expect(site.prepared[1]).toEqual({ kinds: ['/Service', 'apps/Deployment'], claims: [] });
  });

  it('looks at most four times, and says when it is not done', async () => {
    const site = await settledSite();
    site.commit(complete(specSet([app('api'), app('shop'), app('web', 'b')])));
    // Somebody takes the tags back after every write.
    const spoil = (): void => {
      const state = snapshotValue(site.world.registry) ?? EMPTY_REGISTRY;
      const pool = keys.pool('web');
      const instances = (state.instances.get(pool) ?? []).map((one) => ({ ...one, tags: ['theirs'] }));
      site.world = { ...site.world, registry: complete({ ...state, instances: new Map([...state.instances, [pool, instances]]) }) };
    };
    const { passes, unfinished } = await site.run({ onOutcome: (outcome) => outcome.action.kind === 'register-pool' && spoil() });
    expect([passes, unfinished]).toEqual([4, true]);
  });

  it('only plans in a dry run', async () => {
    const site = new FakeSite(start());
    const { last, outcomes } = await site.run({ dryRun: true });
    expect([outcomes, site.journal]).toEqual([[], []]);
    expect(last.guarded.plans.flatMap((plan) => plan.actions)).toHaveLength(6);
  });

  it('tells of every outcome as it comes', async () => {
    const site = new FakeSite(start());
    const { told, outcomes } = await site.run();
    expect(told).toEqual(outcomes);
  });
});

describe('one spec never blocks another', () => {
  it('goes on when an object of one spec is refused, and leaves the rest of that spec', async () => {
    const site = new FakeSite(start());
    site.refuse = (_action, name) =>
      name === 'apply-object apps/Deployment/default/shop' ? problem('KUBERNETES_REFUSED', 'no') : undefined;
    const { outcomes } = await site.run();
    expect(nodesOf(site, 'api')).toHaveLength(3);
    expect(nodesOf(site, 'web')).toHaveLength(3);
    expect(nodesOf(site, 'shop')).toEqual([]);
    expect(site.journal).not.toContain('apply-object /Service/default/shop');
    const shop = outcomes.filter((outcome) => outcome.spec === 'shop.json').slice(0, 2);
    expect(shop.map(({ result, problem: why }) => [result, why?.code])).toEqual([
      ['failed', 'KUBERNETES_REFUSED'],
      ['skipped', undefined],
    ]);
  });

  it('keeps the tags of the Service that really runs while the new one is refused, and node changes go on', async () => {
    const site = await settledSite();
    site.refuse = (_action, name) => (name === 'apply-object /Service/default/web' ? problem('KUBERNETES_REFUSED', 'no') : undefined);
    site.commit(complete(specSet([app('api'), app('shop'), app('web', 'b')])));
    site.world = {
      ...site.world,
      cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2'), node('n3', { ready: false })]) },
    };
    await site.run();
    expect(tagsOf(site, 'web')).toContain('a');
    expect(tagsOf(site, 'web')).not.toContain('b');
    for (const name of NAMES) expect(nodesOf(site, name)).toEqual(['n1', 'n2']);
  });

  it('keeps them also when a dry run refuses another object of the spec, of which nothing is written then', async () => {
    const two = (tags: string): ReturnType<typeof spec> =>
      spec('web.json', deployment('first', { tags }), deployment('web', { tags }), service('web', { annotations: { tags } }));
    const policy = { ...POLICY, dryRun: true };
    const site = new FakeSite(
      world({ specs: complete(specSet([two('a'), app('api')])), endpoints: [endpoints('default/web'), endpoints('default/api')] }),
    );
    await site.run({ policy });
    site.takeJournal();
    site.refuse = (_action, name) => (name === 'check apps/Deployment/default/web' ? problem('KUBERNETES_REFUSED', 'no') : undefined);
    site.commit(complete(specSet([two('b'), app('api', 'b')])));
    site.world = { ...site.world, cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2')]) } };
    const { outcomes } = await site.run({ policy });
    const applies = outcomes.filter((outcome) => outcome.spec === 'web.json' && outcome.action.kind === 'apply-object');
    expect(applies.map(({ result }) => result)).toEqual(['skipped', 'failed', 'skipped']);
    expect(site.takeJournal().filter((line) => line.startsWith('apply-object'))).toEqual(['apply-object /Service/default/api']);
    expect([tagsOf(site, 'web')?.includes('a'), tagsOf(site, 'web')?.includes('b')]).toEqual([true, false]);
    for (const name of ['api', 'web']) expect(nodesOf(site, name)).toEqual(['n1', 'n2']);
  });

  it('takes a node out of traffic by one operation before anything else is planned or written', async () => {
    const site = await settledSite();
    const before = site.commits.length;
    site.commit(complete(specSet([app('api', 'b'), app('shop'), app('web')])));
    site.world = {
      ...site.world,
      cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2'), node('n3', { ready: false })]) },
    };
    const { outcomes } = await site.run();
    expect(site.commits[before]?.size).toBe(1);
    expect(outcomes[0]?.action).toMatchObject({ kind: 'ensure-node', node: { name: expect.stringMatching(/n3$/) }, status: 'critical' });
    expect(outcomes.filter(({ action }) => action.kind === 'ensure-node' && action.status === 'critical')).toHaveLength(1);
    for (const name of NAMES) expect(nodesOf(site, name)).toEqual(['n1', 'n2']);
  });

  it('lets go of a node also when nothing else can be done', async () => {
    const local = spec('web.json', deployment('web'), service('web', { spec: { externalTrafficPolicy: 'Local' } }));
    const on = (...names: readonly string[]): World['cluster']['endpoints'] =>
      complete(new Map([[keys.pool('web'), { ...endpoints('default/web'), readyNodes: names.map(nodeName) }]]));
    const base = world({ specs: complete(specSet([local, app('api')])) });
    const site = new FakeSite({ ...base, cluster: { ...base.cluster, endpoints: on('n1', 'n2') } });
    await site.run();
    expect(nodesOf(site, 'web')).toEqual(['n1', 'n2']);
    const changed = spec(
      'web.json',
      deployment('web'),
      service('web', { spec: { externalTrafficPolicy: 'Local', selector: { app: 'x' } } }),
    );
    site.refuse = (_action, name) => (name.startsWith('apply-object') ? problem('KUBERNETES_REFUSED', 'no') : undefined);
    site.commit(complete(specSet([changed, app('api')])));
    site.world = { ...site.world, cluster: { ...site.world.cluster, endpoints: on('n2', 'n3') } };
    await site.run();
    expect(nodesOf(site, 'web')).toEqual(['n2', 'n3']);
  });

  it('keeps them also when another object of the spec may not be applied', async () => {
    const site = await settledSite();
    const stranger = deployment('extra');
    const before = snapshotValue(site.world.cluster.objects.get(DEPLOYMENT_KIND) ?? unavailable<ReadonlyMap<ObjectKey, LiveObject>>());
    const live = foreign(stranger);
    const objects = new Map([[DEPLOYMENT_KIND, complete(new Map([...(before ?? []), [live.key, live]]))]]);
    site.world = { ...site.world, cluster: { ...site.world.cluster, objects } };
    const web = spec('web.json', deployment('web'), stranger, service('web', { annotations: { tags: 'b' } }));
    site.commit(complete(specSet([app('api'), app('shop'), web])));
    const { last } = await site.run();
    expect(site.takeJournal()).toEqual([]);
    expect(tagsOf(site, 'web')).toContain('a');
    expect(last.guarded.plans.find((plan) => plan.spec === 'web.json')?.problems.map(({ code }) => code)).toEqual(['OBJECT_NOT_OURS']);
  });
});

describe('removals', () => {
  const without = (...gone: readonly string[]) => complete(specSet(NAMES.filter((name) => !gone.includes(name)).map((name) => app(name))));

  it('are remembered before anything is removed', async () => {
    const site = await settledSite();
    site.commit(without('web'));
    await site.run();
    expect(site.journal[0]).toContain('/memory');
    expect(site.takeJournal()).toEqual(['deregister-pool default/web']);
    expect(Object.keys(memoryOf(site).removals).sort()).toEqual([
      'object:/Service/default/web',
      'object:apps/Deployment/default/web',
      'pool:default/web',
    ]);
  });

  it('do not begin when they cannot be remembered, and are tried again', async () => {
    const site = await settledSite();
    site.refuse = (_action, name) => (name.includes('/memory') ? problem('CONSUL_CHANGED', 'no', { severity: 'error' }) : undefined);
    site.commit(without('web'));
    const { outcomes } = await site.run();
    expect(outcomes.map(({ result, problem: why }) => [result, why?.code, why?.next])).toEqual([['failed', 'CONSUL_CHANGED', 'retry']]);
    expect(site.takeJournal()).toEqual([]);
    site.refuse = () => undefined;
    await site.run();
    expect(site.takeJournal()).toEqual(['deregister-pool default/web']);
  });

  it('do not begin before they are remembered when the lease comes back amid the pass', async () => {
    const site = await settledSite();
    site.leases.consul.held = false;
    site.before = () => {
      site.leases.consul.held = true;
    };
    site.commit(complete({ ...specSet([app('api'), app('shop', 'b')]), revision: 'r3' as never }));
    await site.run();
    const written = site.journal.filter((line) => !line.includes('/specifications/'));
    expect(written.slice(0, 2)).toEqual(['apply-object /Service/default/shop', expect.stringContaining('/memory')]);
    expect(written).toContain('deregister-pool default/web');
  });

  it('hold nothing else up when the memory cannot be written and nothing was granted', async () => {
    const site = await settledSite();
    site.refuse = (_action, name) => (name.includes('/memory') ? problem('CONSUL_CHANGED', 'no') : undefined);
    site.commit(complete({ ...specSet([app('api'), app('shop'), app('web', 'b')]), revision: 'r3' as never }));
    await site.run();
    expect(tagsOf(site, 'web')).toContain('b');
  });

  it('drain before the objects go, and the key is forgotten after them', async () => {
    const site = await settledSite();
    site.commit(without('web'));
    await site.run();
    site.takeJournal();
    site.nowMs += 29_000;
    await site.run();
    expect(site.takeJournal()).toEqual([]);
    site.nowMs += 2_000;
    await site.run();
    expect(site.takeJournal()).toEqual([
      'delete-object /Service/default/web',
      'delete-object apps/Deployment/default/web',
      `write-kv ${keys.draining('default/web')}`,
    ]);
  });

  it.each<readonly [string, (base: World) => World]>([
    ['Git is stale', (base) => ({ ...base, specs: stale(snapshotValue(base.specs) ?? specSet([])) })],
    ['Consul is stale', (base) => ({ ...base, registry: stale(snapshotValue(base.registry) ?? EMPTY_REGISTRY) })],
    ['Consul does not answer', (base) => ({ ...base, registry: unavailable() })],
    ['the nodes are unknown', (base) => ({ ...base, cluster: { ...base.cluster, nodes: unavailable() } })],
  ])('are not tried while %s', async (_name, spoil) => {
    const site = await settledSite();
    site.commit(without('web'));
    site.world = spoil(site.world);
    await site.run();
    expect(site.takeJournal().filter((line) => !line.startsWith('apply-object'))).toEqual([]);
  });
});

describe('without a lease', () => {
  it.each<readonly [string, 'consul' | 'kubernetes', RegExp]>([
    ['Consul is not written', 'consul', /^(apply|delete)-object/],
    ['Kubernetes is not written', 'kubernetes', /^(ensure-node|register-pool|write-kv)/],
  ])('%s', async (_name, lease, allowed) => {
    const site = new FakeSite(start());
    site.leases[lease].held = false;
    await site.run();
    for (const line of site.journal) expect(line).toMatch(allowed);
  });

  it('of Consul nothing is deleted in Kubernetes either', async () => {
    const site = await settledSite();
    site.commit(complete(specSet([app('api'), app('shop')])));
    await site.run();
    site.takeJournal();
    site.nowMs += 60_000;
    site.leases.consul.held = false;
    await site.run();
    expect(site.takeJournal()).toEqual([]);
  });
});

it('begins nothing once it is asked to stop', async () => {
  const site = new FakeSite(start());
  let writes = 0;
  site.before = () => {
    writes++;
    if (writes > 2) site.mayBegin = false;
  };
  await site.run();
  const objects = site.journal.filter((line) => line.startsWith('apply-object')).length;
  expect(objects).toBeLessThanOrEqual(NAMES.length + 1);
  expect(site.journal.filter((line) => !line.startsWith('apply-object') && !line.includes('/memory'))).toEqual([]);
});

/** The object as somebody else has made it. */
function foreign(object: ReturnType<typeof deployment>): LiveObject {
  const { ourFields: _none, ...rest } = liveOf(object);
  return rest;
}
