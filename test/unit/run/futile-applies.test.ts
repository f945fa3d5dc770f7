import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND } from '../../../src/core/model/ids.ts';
import type { LiveObject, Spec } from '../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import { complete, deployment, endpoints, keys, service, spec, specSet, unavailable, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const DEPLOYMENT = 'apps/Deployment/default/web' as ObjectKey;
const HASH = 'poolkeeper.dev/hash';
const web = (replicas: number): Spec => spec('web.json', deployment('web', { replicas }), service('web'));

function edit(site: FakeSite, change: (live: LiveObject) => LiveObject): void {
  const { cluster } = site.world;
  const all = snapshotValue(cluster.objects.get(DEPLOYMENT_KIND) ?? unavailable<ReadonlyMap<ObjectKey, LiveObject>>()) ?? [];
  const edited: ReadonlyMap<ObjectKey, LiveObject> = new Map(
    [...all].map(([key, live]) => [key, key === DEPLOYMENT ? change(live) : live] as const),
  );
  site.world = { ...site.world, cluster: { ...cluster, objects: new Map([...cluster.objects, [DEPLOYMENT_KIND, complete(edited)]]) } };
}
const withoutHash = (live: LiveObject): LiveObject => {
  const { [HASH]: _hash, ...annotations } = live.annotations;
  return { ...live, annotations };
};

/** A site in step, but that somebody takes our hash from the Deployment whenever it is applied. */
async function strippedSite(): Promise<FakeSite> {
  const site = new FakeSite(world({ specs: complete(specSet([web(1)])), endpoints: [endpoints('default/web')] }));
  await site.run();
  site.admit = (live) => (live.key === DEPLOYMENT ? withoutHash(live) : live);
  edit(site, withoutHash);
  site.takeJournal();
  return site;
}

describe('an apply that does not stay', () => {
  it('is sent once, and told as what it is', async () => {
    const site = await strippedSite();
    const { last, unfinished } = await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${DEPLOYMENT}`]);
    expect(unfinished).toBe(false);
    expect(last.guarded.plans[0]?.problems).toMatchObject([
      {
        code: 'KUBERNETES_NO_EFFECT',
        severity: 'warning',
        message: expect.stringContaining('Deployment default/web, but its annotation poolkeeper.dev/hash does not stay'),
        where: { file: 'web.json' },
      },
    ]);
    const again = await site.run();
    expect(site.takeJournal()).toEqual([]);
    expect(again.last.guarded.plans[0]?.problems).toHaveLength(1);
  });

  it('is not sent again for what others write, but for what they take from us', async () => {
    const site = await strippedSite();
    await site.run();
    site.takeJournal();
    const annotations = { 'deployment.kubernetes.io/revision': '2' };
    edit(site, (live) => ({ ...live, annotations, resourceVersion: '99', status: { replicas: 3 } }));
    await site.run();
    expect(site.takeJournal()).toEqual([]);
    edit(site, (live) => ({ ...live, ourFields: { ...live.ourFields, 'f:spec': {} } }));
    await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${DEPLOYMENT}`]);
  });

  it('gives way to a change of the spec', async () => {
    const site = await strippedSite();
    await site.run();
    site.takeJournal();
    site.admit = (live) => live;
    site.commit(complete(specSet([web(2)])));
    const { last } = await site.run();
    expect(site.takeJournal()).toEqual([`apply-object ${DEPLOYMENT}`]);
    expect(last.guarded.plans[0]?.problems).toEqual([]);
    expect(site.memos.futile.size).toBe(0);
  });

  it('holds up nothing that comes after it', async () => {
    const site = await strippedSite();
    const later = { ...service('web', { annotations: { 'poolkeeper.dev/wave': '1', tags: 'new' } }) };
    site.commit(complete(specSet([spec('web.json', deployment('web', { replicas: 1 }), later)])));
    await site.run();
    expect(snapshotValue(site.world.registry)?.instances.get(keys.pool('web'))?.[0]?.tags).toContain('new');
  });
});
