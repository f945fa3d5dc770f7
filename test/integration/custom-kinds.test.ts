import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import { patchTypes } from '../support/kube-client.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const DEFINITION = `${DEFINITIONS}/fleets.NS.example.com`;
const SOON = { timeout: 20_000 };

const text = { type: 'string' };
const entry = {
  type: 'object',
  required: ['port'],
  properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, note: text },
};
/** A list of every form that a definition can give it, a map that is one value, and a number that may be a text. */
const properties = {
  replicas: { type: 'integer' },
  origins: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
  weights: { type: 'array', items: { type: 'number' }, 'x-kubernetes-list-type': 'set' },
  ports: { type: 'array', items: entry, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port', 'protocol'] },
  order: { type: 'array', items: text },
  selector: { type: 'object', additionalProperties: text, 'x-kubernetes-map-type': 'atomic' },
  memory: { anyOf: [{ type: 'integer' }, text], 'x-kubernetes-int-or-string': true },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};
const schema = {
  type: 'object',
  properties: { spec: { type: 'object', properties }, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
};
const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
const version = (name: string, storage: boolean, served = true): object => ({
  name,
  served,
  storage,
  schema: { openAPIV3Schema: schema },
  subresources: { status: {}, scale },
});
const definition = (...versions: readonly object[]): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'fleets.NS.example.com' },
  spec: {
    group: 'NS.example.com',
    scope: 'Namespaced',
    names: { plural: 'fleets', singular: 'fleet', kind: 'Fleet', listKind: 'FleetList' },
    versions,
  },
});
const fleet = (spec: object, served = 'v1'): string =>
  `${JSON.stringify({ apiVersion: `NS.example.com/${served}`, kind: 'Fleet', metadata: { name: 'web' }, spec })}\n`;
const pathIn = (served: string): string => `/apis/NS.example.com/${served}/namespaces/NS/fleets/web`;
const FLEET = pathIn('v1');

const FULL = {
  replicas: 2,
  origins: ['https://a.example/?x=1&y=<2>', 'https://b.example', 'ä\u2028"\\'],
  weights: [1, 2.5],
  ports: [{ port: 53, protocol: 'UDP', note: 'dns' }, { port: 53 }, { port: 80, note: 'a<b' }],
  order: ['b', 'a'],
  selector: { app: 'web' },
  memory: '1024Mi',
  free: { any: { thing: [1, { a: 'x' }] }, none: {}, some: { a: 1, b: { c: 'd' }, e: { f: 'g', h: 'i' } } },
};
const SCALER = `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec: { minReplicas: 1, maxReplicas: 9, scaleTargetRef: { apiVersion: NS.example.com/v1, kind: Fleet, name: web } }
`;

describe.skipIf(inject('stack') === undefined)('objects of a custom kind', () => {
  let site: ClusterSite;

  beforeEach(async () => {
    site = await openClusterSite(stack, { dryRun: true });
    await define(version('v1', true));
  });
  afterEach(async () => {
    await site?.call('DELETE', DEFINITION).catch(() => undefined);
    await site?.close();
  });

  /** Makes or changes the definition, and waits until the API server serves the versions that it says. */
  async function define(...versions: readonly object[]): Promise<void> {
    const body = JSON.parse(JSON.stringify(definition(...versions)).replaceAll(/\bNS\b/g, site.namespace));
    await site.call('PATCH', `${DEFINITION}?fieldManager=someone&force=true`, body, patchTypes.apply);
    for (const { name, served } of versions as readonly { name: string; served: boolean }[]) {
      const list = pathIn(name).replace('/web', '');
      await expect
        .poll(
          () =>
            site.get(list).then(
              () => true,
              () => false,
            ),
          SOON,
        )
        .toBe(served);
    }
  }

  interface Shown {
    readonly metadata: { readonly uid: string };
    readonly spec: Readonly<Record<string, unknown>>;
  }
  const shown = (path = FLEET): Promise<Shown> => site.get<Shown>(path);
  const commit = async (content: string): Promise<readonly string[]> => {
    site.commit({ 'web.yaml': content });
    return await site.settle();
  };

  it('are in step with lists and maps of every form, and show the drift of each', async () => {
    expect(await commit(fleet(FULL))).toEqual(['create Fleet NS/web']);
    await site.expectRest();
    const edits: readonly (readonly [string, unknown, readonly string[]])[] = [
      ['/spec/origins/0', 'https://c.example', ['spec.origins[0]']],
      ['/spec/origins/-', 'https://theirs.example', []],
      ['/spec/weights/1', 3, ['spec.weights[1]']],
      ['/spec/ports/1/note', 'theirs', []],
      ['/spec/ports/2/note', 'theirs', ['spec.ports[2].note']],
      ['/spec/ports/1', undefined, ['spec.ports[1]']],
      ['/spec/order/-', 'c', ['spec.order']],
      ['/spec/selector/tier', 'front', ['spec.selector']],
      ['/spec/memory', '1Gi', ['spec.memory']],
      ['/spec/free/any/thing/0', 2, ['spec.free.any.thing']],
      ['/spec/free/some/b/c', 'theirs', ['spec.free.some.b.c']],
      ['/spec/free/some/e/h', 'theirs', ['spec.free.some.e.h']],
      ['/spec/free/none/theirs', 1, []],
    ];
    for (const [path, value, fields] of edits) {
      const op = value === undefined ? 'remove' : path.endsWith('-') || !/\d$/.test(path) ? 'add' : 'replace';
      await site.call('PATCH', `${FLEET}?fieldManager=kubectl-edit`, [{ op, path, value }], patchTypes.json);
      const run = await site.run();
      expect([path, Object.values(run.changes), run.problems]).toEqual([path, fields.length === 0 ? [] : [fields], []]);
    }
    await site.expectRest();
    expect((await shown()).spec['origins']).toEqual(expect.arrayContaining([...FULL.origins, 'https://theirs.example']));
  });

  it.each([
    ['keeps its number', 4],
    ['leaves its number out', undefined],
  ])('keep their number when an autoscaler joins, works and goes: the spec %s', async (_name, stated) => {
    const spec = stated === undefined ? {} : { replicas: stated };
    const running = async (): Promise<unknown> => (await shown()).spec['replicas'];
    await commit(fleet({ replicas: 4 }));
    await commit(`${fleet(spec)}${SCALER}`);
    expect(await running()).toBe(4);
    await site.expectRest();
    const by = 'kube-controller-manager';
    await site.call('PATCH', `${FLEET}/scale?fieldManager=${by}`, { spec: { replicas: 5 } }, patchTypes.merge);
    await site.settle();
    expect(await running()).toBe(5);
    await site.expectRest();
    await commit(`${fleet({ ...spec, order: ['a'] })}${SCALER}`);
    expect(await running()).toBe(5);
    await commit(fleet({ order: ['a'] }));
    expect(await running()).toBe(5);
    await site.expectRest();
  });

  it('keep their number when they are adopted under an autoscaler', async () => {
    const theirs = JSON.parse(fleet({ replicas: 3, order: ['a'] }).replaceAll(/\bNS\b/g, site.namespace));
    await site.call('PATCH', `${FLEET}?fieldManager=kubectl`, theirs, patchTypes.apply);
    const adopting = fleet({ order: ['a'] }).replace('"name":"web"', '"name":"web","annotations":{"poolkeeper.dev/adopt":"true"}');
    await commit(`${adopting}${SCALER}`);
    expect((await shown()).spec['replicas']).toBe(3);
    await site.expectRest();
  });

  it('are ready when their controller says so, of the newest generation', async () => {
    const conditions = async (observedGeneration: number, ...all: readonly (readonly [string, string])[]): Promise<void> => {
      const list = all.map(([type, status]) => ({ type, status, reason: 'Tried', message: `${type} of ${observedGeneration}` }));
      const status = { observedGeneration, conditions: list };
      await site.call('PATCH', `${FLEET}/status?fieldManager=fleets`, { status }, patchTypes.merge);
    };
    const waves = (order: string): string => `${fleet({ order: [order] })}---\n${configMap(`after-${order}`, 1)}`;
    const made = (order: string): Promise<boolean> =>
      site.get(`/api/v1/namespaces/NS/configmaps/after-${order}`).then(
        () => true,
        () => false,
      );
    await commit(fleet({ order: ['none'] }));
    await conditions(1, ['Ready', 'False']);
    site.commit({ 'web.yaml': waves('a') });
    await site.run();
    // It has changed, and nobody has looked at that.
    await conditions(1, ['Ready', 'True']);
    expect([(await site.run()).did, await made('a')]).toEqual([[], false]);
    await conditions(2, ['Ready', 'True'], ['Reconciling', 'True']);
    expect([(await site.run()).did, await made('a')]).toEqual([[], false]);
    await conditions(2, ['Ready', 'False'], ['Stalled', 'True']);
    expect(await site.run()).toMatchObject({ did: [], problems: ['ROLLOUT_FAILED Fleet NS/web: Stalled of 2'] });
    await conditions(2, ['Ready', 'True']);
    expect([(await site.run()).did, await made('a')]).toEqual([['create ConfigMap NS/after-a'], true]);
    await site.expectRest();
  });

  it('follow their kind from a version that is no longer served to the next, and leave by it', async () => {
    await commit(fleet({ order: ['a'] }));
    const { uid } = (await shown()).metadata;
    await define(version('v1', false), version('v2', true));
    site.commit({ 'web.yaml': fleet({ order: ['b'] }, 'v2') });
    expect((await site.run()).did).toEqual(['change Fleet NS/web']);
    await site.expectRest();
    await define(version('v1', false, false), version('v2', true));
    await expect.poll(async () => (await site.run()).problems, SOON).toEqual([]);
    site.commit({ 'web.yaml': fleet({ order: ['c'] }, 'v2') });
    expect(await site.run()).toMatchObject({ did: ['change Fleet NS/web'], problems: [] });
    expect(await shown(pathIn('v2'))).toMatchObject({ metadata: { uid }, spec: { order: ['c'] } });
    await site.expectRest();
  });

  it('leave by another version when the one that they were written in is no longer served', async () => {
    const others = { 'one.yaml': configMap('one'), 'two.yaml': configMap('two') };
    site.commit({ 'web.yaml': fleet({ order: ['a'] }), ...others });
    await site.settle();
    await define(version('v1', false), version('v2', true));
    await define(version('v1', false, false), version('v2', true));
    site.commit(others);
    const did: string[] = [];
    const left = async (): Promise<boolean> => {
      const run = await site.run();
      did.push(...run.did, ...run.problems);
      return shown(pathIn('v2')).then(
        () => false,
        () => true,
      );
    };
    await expect.poll(left, SOON).toBe(true);
    expect(did).toEqual(['delete Fleet NS/web']);
    await site.expectRest();
  });
});

const configMap = (name: string, wave = 0): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, annotations: { poolkeeper.dev/wave: "${wave}" } }\n`;
