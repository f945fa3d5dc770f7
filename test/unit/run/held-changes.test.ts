import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../src/core/model/objects.ts';
import type { Policy } from '../../../src/core/model/policy.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { World } from '../../../src/core/model/world.ts';
import { problem } from '../../../src/shared/problem.ts';
import { complete, deployment, endpoints, keys, liveOf, node, POLICY, service, spec, specSet, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const KV: Policy = { ...POLICY, registration: 'kv' };
/** So that the pool of the tests is not all that there is. */
const OTHERS = ['api', 'shop', 'cart'].map((name) => spec(`${name}.json`, deployment(name), service(name)));
const specsWith = (...specs: readonly Spec[]): World['specs'] => complete(specSet([...OTHERS, ...specs]));
const annotated = (object: KubernetesObject, annotations: Record<string, string>): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
});
const isRegistered = (site: FakeSite, name: string): boolean => snapshotValue(site.world.registry)?.instances.has(keys.pool(name)) === true;
const isLive = (site: FakeSite, key: string): boolean =>
  [site.world.cluster.services, ...site.world.cluster.objects.values()].some((all) => snapshotValue(all)?.has(key as ObjectKey) === true);
const waitsOf = (result: Awaited<ReturnType<FakeSite['run']>>, id = 'web.json'): readonly string[] =>
  result.last.guarded.plans.filter((plan) => plan.spec === id).flatMap(({ waiting }) => waiting.map(({ what }) => what));

async function atRest(policy: Policy, ...specs: readonly Spec[]): Promise<FakeSite> {
  const names = ['api', 'shop', 'cart', 'web', 'web2'];
  const site = new FakeSite(world({ specs: specsWith(...specs), endpoints: names.map((name) => endpoints(`default/${name}`)) }));
  for (let i = 0; i < 2; i++) await site.run({ policy });
  site.takeJournal();
  return site;
}

/** Runs again and again, long enough for drains to end and for what was refused to be tried again. */
async function goOn(site: FakeSite, policy: Policy = POLICY): Promise<readonly string[]> {
  for (let i = 0; i < 12; i++) {
    site.nowMs += 35_000;
    await site.run({ policy });
  }
  return site.takeJournal();
}

const refuses = (site: FakeSite, key: string): void => {
  site.refuse = (action) =>
    action.kind === 'apply-object' && action.key === key ? problem('KUBERNETES_REFUSED', `${key} would not do`) : undefined;
};

describe('what a file has dropped', () => {
  const old = spec('web.json', deployment('web'), service('web'));
  const renamed = spec('web.json', deployment('web2'), service('web2'));

  it('leaves in the run that has applied what takes its place', async () => {
    const site = await atRest(POLICY, old);
    site.commit(specsWith(renamed));
    await site.run();
    expect(site.takeJournal().slice(0, 3)).toEqual([
      'apply-object apps/Deployment/default/web2',
      'apply-object /Service/default/web2',
      'register-pool default/web2',
    ]);
    expect(isRegistered(site, 'web')).toBe(false);
    await goOn(site);
    expect([isLive(site, '/Service/default/web'), isLive(site, 'apps/Deployment/default/web')]).toEqual([false, false]);
  });

  it.each([false, true])('stays, and serves, while what takes its place is refused (tried first: %s)', async (dryRun) => {
    const site = await atRest(POLICY, old);
    refuses(site, '/Service/default/web2');
    const policy = { ...POLICY, dryRun };
    site.commit(specsWith(renamed));
    const journal = [...(await goOn(site, policy))];
    expect(journal.filter((line) => !line.startsWith('apply-object'))).toEqual([]);
    expect(waitsOf(await site.run({ policy }))).toContain(
      'what the file has dropped goes when all that it contains is applied (2 objects)',
    );
    site.refuse = () => undefined;
    await goOn(site);
    expect([isRegistered(site, 'web2'), isRegistered(site, 'web'), isLive(site, '/Service/default/web')]).toEqual([true, false, false]);
  });

  it('stays while what takes its place waits for another spec, and its pool follows its nodes', async () => {
    const site = await atRest(POLICY, old);
    const dependent = annotated(deployment('web2'), { 'poolkeeper.dev/depends-on': 'nowhere.json' });
    site.commit(specsWith(spec('web.json', dependent, service('web2'))));
    expect(await goOn(site)).toEqual([]);
    site.world = { ...site.world, cluster: { ...site.world.cluster, nodes: complete([node('n1'), node('n2')]) } };
    await site.run();
    expect(snapshotValue(site.world.registry)?.instances.get(keys.pool('web'))).toHaveLength(2);
  });

  it('stays while something of the file belongs to somebody else, or to another spec', async () => {
    const stranger = await atRest(POLICY, old);
    const theirs: LiveObject = { ...liveOf(deployment('web2')), managers: [] };
    const { ourFields: _none, ...foreign } = theirs;
    const objects = new Map(
      [...stranger.world.cluster.objects].map(([kind, all]) => [
        kind,
        complete(new Map([...(snapshotValue(all) ?? []), [foreign.key, foreign]])),
      ]),
    );
    stranger.world = { ...stranger.world, cluster: { ...stranger.world.cluster, objects } };
    stranger.commit(specsWith(renamed));
    expect(await goOn(stranger)).toEqual([]);
    const other = await atRest(POLICY, old);
    other.commit(specsWith(spec('web.json', deployment('api'), service('web2'))));
    expect(await goOn(other)).toEqual([]);
  });

  it('goes although an object is being deleted by somebody, who may be waiting for it', async () => {
    const site = await atRest(POLICY, old);
    const services = new Map(snapshotValue(site.world.cluster.services));
    const key = '/Service/default/web' as ObjectKey;
    services.set(key, { ...(services.get(key) as LiveObject), deleting: true, finalizers: ['example.com/wait'] });
    site.world = { ...site.world, cluster: { ...site.world.cluster, services: complete(services) } };
    site.commit(specsWith(spec('web.json', service('web'))));
    expect(await goOn(site)).toContain('delete-object apps/Deployment/default/web');
  });
});

describe('the wish to leave Consul', () => {
  const plain = spec('web.json', deployment('web'), service('web'));

  it.each([
    ['register: "false"', service('web', { annotations: { 'poolkeeper.dev/register': 'false' } })],
    ['another type', service('web', { spec: { type: 'ClusterIP' } })],
  ])('by %s is not taken back when the Service cannot be applied', async (_by, wanted) => {
    const site = await atRest(POLICY, plain);
    refuses(site, '/Service/default/web');
    site.commit(specsWith(spec('web.json', deployment('web'), wanted)));
    const journal = await goOn(site);
    expect(journal.filter((line) => line.includes('register-pool'))).toEqual(['deregister-pool default/web']);
    expect(isRegistered(site, 'web')).toBe(false);
  });

  it('by register: "false" is heard while another object of the spec is refused, by another type it waits', async () => {
    const withStranger = (wanted: KubernetesObject): Spec => spec('web.json', deployment('web'), wanted, deployment('theirs'));
    for (const [wanted, stays] of [
      [service('web', { annotations: { 'poolkeeper.dev/register': 'false' } }), false],
      [service('web', { spec: { type: 'ClusterIP' } }), true],
    ] as const) {
      const site = await atRest(POLICY, plain);
      const { ourFields: _none, ...foreign } = liveOf(deployment('theirs'));
      const objects = new Map(
        [...site.world.cluster.objects].map(([kind, all]) => [
          kind,
          complete(new Map([...(snapshotValue(all) ?? []), [foreign.key, foreign]])),
        ]),
      );
      site.world = { ...site.world, cluster: { ...site.world.cluster, objects } };
      site.commit(specsWith(withStranger(wanted)));
      await goOn(site);
      expect(isRegistered(site, 'web')).toBe(stays);
    }
  });
});

describe('where agents register', () => {
  const plain = spec('web.json', deployment('web'), service('web'));

  it('they are told nothing of a Service that is refused, however often it is tried', async () => {
    const site = await atRest(KV, plain);
    refuses(site, '/Service/default/web');
    site.commit(specsWith(spec('web.json', deployment('web'), service('web', { annotations: { 'traefik.backend': 'x' } }))));
    expect((await goOn(site, KV)).filter((line) => !line.startsWith('apply-object'))).toEqual([]);
  });

  it('a pool that leaves begins its drain once', async () => {
    const site = await atRest(KV, plain);
    site.commit(specsWith());
    await site.run({ policy: KV });
    // Told to nobody first, then gone.
    expect(site.takeJournal().filter((line) => !line.includes('/specifications/'))).toEqual([
      'deregister-pool default/web',
      'deregister-pool default/web',
    ]);
  });
});
