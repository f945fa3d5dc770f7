import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import { patchTypes } from '../support/kube-client.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;
const CONFIG_MAPS = '/api/v1/namespaces/NS/configmaps';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/NS/endpointslices';
const DEPLOYMENT = '/apis/apps/v1/namespaces/NS/deployments/web';

interface Shown {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly manager: string }[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

const settings = (name: string, data = '{ a: "1" }'): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: ${data}\n`;
const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
`;
const SLICE = `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: by-hand, labels: { kubernetes.io/service-name: elsewhere } }
addressType: IPv4
endpoints: []
ports: []
`;

describe.skipIf(inject('stack') === undefined)('what is ours', () => {
  let site: ClusterSite;

  beforeEach(async () => {
    site = await openClusterSite(stack);
  });
  afterEach(() => site?.close());

  const shown = (path: string): Promise<Shown> => site.get<Shown>(path);
  const names = async (path: string): Promise<readonly string[]> =>
    (await site.get<{ readonly items: readonly Shown[] }>(path)).items.map(({ metadata }) => metadata.name);

  it('a stranger without a clashing field is refused, and nothing of ours is left in it', async () => {
    await site.call('POST', `${CONFIG_MAPS}?fieldManager=terraform`, { metadata: { name: 'web' }, data: { theirs: '1' } });
    const before = await shown(`${CONFIG_MAPS}/web`);
    site.commit({ 'web.yaml': settings('web') });
    const run = await site.run();
    expect([run.did, run.writes, run.problems]).toEqual([
      [],
      [],
      ['OBJECT_NOT_OURS ConfigMap NS/web exists already and belongs to terraform'],
    ]);
    expect(await shown(`${CONFIG_MAPS}/web`)).toEqual(before);
  });

  it('our label alone makes nothing ours: such objects are neither changed nor pruned', async () => {
    const labels = { 'poolkeeper.dev/owner': site.namespace };
    await site.call('POST', `${CONFIG_MAPS}?fieldManager=kubectl`, { metadata: { name: 'labelled', labels }, data: { a: 'theirs' } });
    const before = await shown(`${CONFIG_MAPS}/labelled`);
    site.commit({ 'stays.yaml': settings('stays'), 'web.yaml': settings('web') });
    expect(await site.settle()).toEqual(['create ConfigMap NS/stays', 'create ConfigMap NS/web']);
    site.commit({ 'stays.yaml': settings('stays'), 'labelled.yaml': settings('labelled') });
    const run = await site.run();
    expect(run.did).toEqual(['delete ConfigMap NS/web']);
    expect(run.problems).toEqual(['OBJECT_NOT_OURS ConfigMap NS/labelled exists already and belongs to kubectl; both set data.a']);
    expect(await shown(`${CONFIG_MAPS}/labelled`)).toEqual(before);
  });

  it('a copy with all our marks is not ours: not while its original stands, and not after', async () => {
    site.commit({ 'stays.yaml': settings('stays'), 'web.yaml': settings('web') });
    await site.settle();
    const { metadata, ...rest } = await shown(`${CONFIG_MAPS}/web`);
    const { labels, annotations, managedFields } = metadata;
    await site.call('POST', CONFIG_MAPS, { ...rest, metadata: { name: 'copy', labels, annotations, managedFields } });
    const copy = await shown(`${CONFIG_MAPS}/copy`);
    await site.expectRest();
    site.commit({ 'stays.yaml': settings('stays') });
    expect((await site.run()).did).toEqual(['delete ConfigMap NS/web']);
    await site.expectRest();
    expect(await shown(`${CONFIG_MAPS}/copy`)).toEqual(copy);
  });

  it('the last object of its kind is pruned by a process that has never seen one, and finds it by what is remembered', async () => {
    const files = { 'one.yaml': settings('one'), 'two.yaml': settings('two') };
    const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: web }\n';
    site.commit({ ...files, 'web.yaml': account });
    await site.settle();
    await site.restart();
    site.commit(files);
    expect((await site.run()).did).toEqual(['delete ServiceAccount NS/web']);
    await site.expectRest();
  });

  it('children that inherit our label are not pruned with what is ours of their kind', async () => {
    site.commit({ 'web.yaml': `${SERVICE}${SLICE}` });
    expect((await site.settle()).length).toBe(2);
    await expect.poll(async () => (await names(SLICES)).length, { timeout: 20_000 }).toBe(2);
    const inherited = (await names(SLICES)).find((name) => name !== 'by-hand');
    expect((await shown(`${SLICES}/${inherited}`)).metadata.labels?.['poolkeeper.dev/owner']).toBe(site.namespace);
    await site.expectRest();
    site.commit({ 'web.yaml': SERVICE });
    expect(await site.settle()).toEqual(['delete EndpointSlice NS/by-hand']);
    await site.expectRest();
    expect(await names(SLICES)).toEqual([inherited]);
  });

  it('an object whose managedFields somebody cleared is a stranger until it is adopted', async () => {
    site.commit({ 'web.yaml': settings('web') });
    await site.run();
    await site.call('PATCH', `${CONFIG_MAPS}/web`, { metadata: { managedFields: [{}] } }, patchTypes.merge);
    const run = await site.run();
    expect(run).toMatchObject({
      did: [],
      writes: [],
      problems: ['OBJECT_NOT_OURS ConfigMap NS/web exists already and belongs to someone else'],
    });
    site.commit({ 'web.yaml': settings('web').replace('name: web', 'name: web, annotations: { poolkeeper.dev/adopt: "true" }') });
    expect(await site.settle()).toEqual(['adopt ConfigMap NS/web']);
    await site.expectRest();
  });

  it('an object that another owner has adopted is his, and nobody takes it back and forth', async () => {
    site.commit({ 'web.yaml': settings('web') });
    await site.run();
    const other = await openClusterSite(stack);
    try {
      const adopting = `name: web, namespace: ${site.namespace}, annotations: { poolkeeper.dev/adopt: "true" }`;
      other.commit({ 'web.yaml': settings('web', '{ a: "2" }').replace('name: web', adopting) });
      expect(await other.settle()).toEqual([`adopt ConfigMap ${site.namespace}/web`]);
      const problems = [`OBJECT_NOT_OURS ConfigMap NS/web exists already and belongs to poolkeeper-${other.namespace}; both set data.a`];
      for (const restart of [false, true]) {
        if (restart) await site.restart();
        expect(await site.run()).toMatchObject({ did: [], writes: [], problems });
      }
      await other.expectRest();
      expect(await shown(`${CONFIG_MAPS}/web`)).toMatchObject({ data: { a: '2' } });
    } finally {
      await other.close();
    }
  });

  it('a field that blocks ours is told with the reason of the server, and tried once a run', async () => {
    site.commit({
      'web.yaml': deployment('apps/v1', { app: 'web' }, 'selector: { matchLabels: { app: web } }', '[{ name: tmp, emptyDir: {} }]'),
    });
    await site.settle();
    const theirs = { name: 'tmp', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } };
    await site.call(
      'PATCH',
      `${DEPLOYMENT}?fieldManager=kubectl-edit`,
      { spec: { template: { spec: { volumes: [theirs] } } } },
      patchTypes.strategic,
    );
    const run = await site.run();
    expect([run.did, run.writes.length]).toEqual([['drift Deployment NS/web: KUBERNETES_REFUSED'], 1]);
    expect(run.problems[0]).toContain('may not specify more than 1 volume type');
  });

  it('a workload of an old API version keeps its selector while the labels of its template grow', async () => {
    site.commit({ 'web.yaml': deployment('extensions/v1beta1', { app: 'web' }) });
    expect(await site.settle()).toEqual(['create Deployment NS/web']);
    const { uid } = (await shown(DEPLOYMENT)).metadata;
    site.commit({ 'web.yaml': deployment('extensions/v1beta1', { app: 'web', version: '2' }) });
    expect(await site.settle()).toEqual(['change Deployment NS/web']);
    const after = await shown(DEPLOYMENT);
    expect([after.metadata.uid, after.spec['selector']]).toEqual([uid, { matchLabels: { app: 'web' } }]);
    await site.expectRest();
    site.commit({ 'web.yaml': deployment('extensions/v1beta1', { other: 'x' }) });
    const run = await site.run();
    expect(run.did).toEqual(['change Deployment NS/web: KUBERNETES_IMMUTABLE']);
    expect(run.problems[0]).toContain('spec.selector');
  });
});

function deployment(apiVersion: string, labels: Readonly<Record<string, string>>, selector = '', volumes = '[]'): string {
  return `apiVersion: ${apiVersion}
kind: Deployment
metadata: { name: web }
spec:
  replicas: 0
  ${selector}
  template:
    metadata: { labels: ${JSON.stringify(labels)} }
    spec: { volumes: ${volumes}, containers: [{ name: main, image: "registry.invalid/web:1" }] }
`;
}
