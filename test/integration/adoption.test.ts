import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, isQuiet, openClusterSite } from '../support/cluster-run.ts';
import { FOREIGN_WRITERS, type PlainObject, pathsOf } from '../support/foreign-writers.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;

function deploymentOf(spec: Readonly<Record<string, unknown>> = {}, env: readonly unknown[] = []): PlainObject {
  const container = {
    name: 'main',
    image: 'registry.invalid/web:1',
    ...(env.length === 0 ? {} : { env }),
    resources: { limits: { cpu: '500m' } },
  };
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { team: 'shop' } },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template, ...spec },
  };
}

function serviceOf(spec: Readonly<Record<string, unknown>> = {}): PlainObject {
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { type: 'ClusterIP', selector: { app: 'web' }, ports, ...spec },
  };
}

const adopting = (object: PlainObject): PlainObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, 'poolkeeper.dev/adopt': 'true' } },
});
const file = (...items: readonly PlainObject[]): Readonly<Record<string, string>> => ({
  'web.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
});

interface Shown {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly manager: string; readonly operation: string; readonly subresource?: string }[];
  };
  readonly kind: string;
  readonly spec: Readonly<Record<string, unknown>> & { readonly replicas?: number } & {
    readonly ports?: readonly { readonly nodePort?: number }[];
  };
}

describe.skipIf(inject('stack') === undefined)('adoption', () => {
  let site: ClusterSite;

  beforeEach(async () => {
    site = await openClusterSite(stack);
  });
  afterEach(() => site?.close());

  const shown = (object: PlainObject): Promise<Shown> => site.get<Shown>(pathsOf(object).one);
  /** Everyone who has written the object itself. */
  const writersOf = async (object: PlainObject): Promise<readonly string[]> =>
    (await shown(object)).metadata.managedFields?.flatMap(({ manager, subresource }) => (subresource === undefined ? [manager] : [])) ?? [];
  const replicaSets = async (): Promise<readonly string[]> => {
    const list = await site.get<{ readonly items: readonly Shown[] }>('/apis/apps/v1/namespaces/NS/replicasets');
    return list.items.map(({ metadata }) => metadata.uid);
  };

  const rolledOut = (): Promise<void> => expect.poll(async () => isQuiet(await shown(deploymentOf())), { timeout: 20_000 }).toBe(true);

  describe.each(FOREIGN_WRITERS)('from $name', ({ manager, dress, write }) => {
    it('restarts and deletes nothing, and what is removed from Git later really goes', async () => {
      const wanted = [adopting(deploymentOf({ revisionHistoryLimit: 3 })), adopting(serviceOf())];
      await write(site, dress(deploymentOf({ revisionHistoryLimit: 3 })));
      await write(site, dress(serviceOf({ sessionAffinity: 'ClientIP' })));
      await rolledOut();
      const [before, sets] = [await shown(deploymentOf()), await replicaSets()];

      site.commit(file(...wanted));
      const run = await site.run();
      // What had no managers at first has one after the first apply, which a later pass takes over.
      const later = manager === 'before-first-apply' ? await site.settle() : [];
      expect([...new Set([...run.did, ...later])].filter((what) => !what.includes(': '))).toEqual([
        'adopt Deployment NS/web',
        'adopt Service NS/web',
      ]);
      if (manager !== 'before-first-apply') {
        expect(run.changes['Deployment NS/web']).toEqual(
          expect.arrayContaining([`taken over from ${manager}`, `metadata.labels.team (${manager})`, `spec.replicas (${manager})`]),
        );
        expect(run.changes['Service NS/web']).toContain(`spec.sessionAffinity no longer set (${manager})`);
      }
      const after = await shown(deploymentOf());
      expect([after.metadata.uid, after.spec, await replicaSets()]).toEqual([before.metadata.uid, before.spec, sets]);
      expect(after.metadata.labels).toMatchObject({ team: 'shop', 'app.kubernetes.io/managed-by': 'poolkeeper' });
      expect(Object.keys(after.metadata.annotations ?? {}).filter((key) => /kubectl|helm/.test(key))).toEqual([]);
      expect((await shown(serviceOf())).spec['sessionAffinity']).toBe('None');
      expect(await writersOf(deploymentOf())).toEqual([`poolkeeper-${site.namespace}`]);
      await site.expectRest();

      site.commit(file(adopting({ ...deploymentOf(), metadata: { name: 'web' } }), adopting(serviceOf())));
      expect((await site.run()).did).toEqual(['change Deployment NS/web']);
      const changed = await shown(deploymentOf());
      expect([changed.spec['revisionHistoryLimit'], changed.metadata.labels?.['team']]).toEqual([10, undefined]);
      expect(await replicaSets()).toEqual(sets);
      await site.expectRest();
    });

    it('is refused without permission, and the object is as it was', async () => {
      await write(site, dress(deploymentOf()));
      await rolledOut();
      const before = await shown(deploymentOf());
      site.commit(file(deploymentOf()));
      const run = await site.run();
      expect([run.did, run.writes]).toEqual([[], []]);
      expect(run.problems).toHaveLength(1);
      expect(run.problems[0]).toContain('OBJECT_NOT_OURS Deployment NS/web exists already and belongs to ');
      if (manager !== 'before-first-apply')
        expect(run.problems[0]).toMatch(new RegExp(`belongs to ${manager}; both set metadata.labels.team, spec.replicas, `));
      const after = await shown(deploymentOf());
      expect([after.metadata.uid, after.metadata.generation, after.spec]).toEqual([
        before.metadata.uid,
        before.metadata.generation,
        before.spec,
      ]);
      expect(await writersOf(deploymentOf())).not.toContain(`poolkeeper-${site.namespace}`);
    });

    it('keeps a NodePort that the spec does not state', async () => {
      await write(site, dress(serviceOf({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 0 }] })));
      const ports = async (): Promise<readonly (number | undefined)[]> =>
        (await shown(serviceOf())).spec.ports?.map(({ nodePort }) => nodePort) ?? [];
      const before = await ports();
      // Stated by number, as a manifest that was exported and applied again does.
      await site.call('DELETE', pathsOf(serviceOf()).one);
      await write(site, dress(serviceOf({ type: 'NodePort', ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: before[0] }] })));
      site.commit(file(adopting(serviceOf({ type: 'NodePort', ports: [{ name: 'web', port: 80, targetPort: 8080 }] }))));
      expect(await site.settle()).toEqual(['adopt Service NS/web']);
      expect(await ports()).toEqual(before);
      await site.expectRest();
    });

    it('keeps the running number under an autoscaler of the spec', async () => {
      await write(site, dress(deploymentOf({ replicas: 3 })));
      await rolledOut();
      const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
      const scaler = {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'web' },
        spec: { minReplicas: 2, maxReplicas: 6, scaleTargetRef },
      };
      const { replicas: _none, ...spec } = deploymentOf()['spec'] as Readonly<Record<string, unknown>>;
      site.commit(file(adopting({ ...deploymentOf(), spec }), scaler));
      // A roll-out may come between the two requests of an adoption; then the second one is a change in the next run.
      expect(await site.settle()).toContain('create HorizontalPodAutoscaler NS/web');
      expect((await shown(deploymentOf())).spec['replicas']).toBe(3);
      await site.expectRest();
      expect((await shown(deploymentOf())).spec['replicas']).toBe(3);
    });
  });

  it('leaves the fields of a manager that is not to be replaced', async () => {
    await FOREIGN_WRITERS[1]?.write(site, deploymentOf());
    await rolledOut();
    await site.call(
      'PATCH',
      `${pathsOf(deploymentOf()).one}?fieldManager=injector`,
      { spec: { paused: true } },
      'application/merge-patch+json',
    );
    await rolledOut();
    site.commit(file(adopting(deploymentOf())));
    expect((await site.run()).changes['Deployment NS/web']?.[0]).toBe('taken over from kubectl, injector');
    expect((await shown(deploymentOf())).spec['paused']).toBe(true);
    expect(await writersOf(deploymentOf())).toEqual(expect.arrayContaining(['injector']));
    await site.expectRest();
  });

  it('goes on where it was killed between the two requests', async () => {
    await FOREIGN_WRITERS[1]?.write(site, deploymentOf({ replicas: 0, minReadySeconds: 7 }));
    await rolledOut();
    site.commit(file(adopting(deploymentOf({ replicas: 0 }))));
    let sent = 0;
    site.interrupt(({ method }) => method === 'PATCH' && ++sent > 1);
    expect((await site.run()).did[0]).toContain('adopt Deployment NS/web: ');
    site.interrupt(undefined);
    expect((await shown(deploymentOf())).spec['minReadySeconds']).toBe(7);
    await site.restart();
    expect((await site.run()).did).toEqual(['change Deployment NS/web']);
    expect((await shown(deploymentOf())).spec['minReadySeconds']).toBeUndefined();
    await site.expectRest();
  });
});
