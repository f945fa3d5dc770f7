import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import { patchTypes } from '../support/kube-client.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;
const DEPLOYMENT = '/apis/apps/v1/namespaces/NS/deployments/web';
const SERVICE = '/api/v1/namespaces/NS/services/web';
const SETTINGS = '/api/v1/namespaces/NS/configmaps/web';
const SECRET = '/api/v1/namespaces/NS/secrets/web';
const container = (body: unknown): unknown => ({ spec: { template: { spec: { containers: [body] } } } });
const main = 'spec.template.spec.containers[0]';

const SPEC = `
apiVersion: v1
kind: ConfigMap
metadata: { name: web, finalizers: [] }
data: { a: "1" }
---
apiVersion: v1
kind: Secret
metadata: { name: web }
stringData: { token: secret }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 0
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      volumes: []
      containers:
        - name: main
          image: registry.invalid/web:1
          command: [serve]
          args: []
          env: [{ name: A, value: "1" }, { name: B, value: "" }]
          resources: { requests: { cpu: 1000m, memory: 1024Mi }, limits: { cpu: 1.5, memory: 1Gi } }
`;

/** One request of somebody else, and what the next run must make of it. */
interface Interference {
  readonly name: string;
  readonly path: string;
  readonly by: string;
  readonly type?: string;
  readonly body: unknown;
  /** What the run does, with the fields that it tells; nothing when the change is none of ours. */
  readonly repairs?: { readonly what: string; readonly fields: readonly string[] };
  /** What the object must show in the end. */
  readonly shows: unknown;
}
const drift = (kind: string, ...fields: readonly string[]): NonNullable<Interference['repairs']> => ({
  what: `drift ${kind} NS/web`,
  fields,
});

const INTERFERENCES: readonly Interference[] = [
  {
    name: 'kubectl edit changes an image',
    path: DEPLOYMENT,
    by: 'kubectl-edit',
    type: patchTypes.strategic,
    body: container({ name: 'main', image: 'registry.invalid/web:edited' }),
    repairs: drift('Deployment', `${main}.image`),
    shows: container({ name: 'main', image: 'registry.invalid/web:1' }),
  },
  {
    name: 'kubectl scale',
    path: `${DEPLOYMENT}/scale`,
    by: 'kubectl',
    body: { spec: { replicas: 1 } },
    repairs: drift('Deployment', 'spec.replicas'),
    shows: { spec: { replicas: 0 } },
  },
  {
    name: 'kubectl annotate with a key of its own',
    path: DEPLOYMENT,
    by: 'kubectl-annotate',
    body: { metadata: { annotations: { 'example.com/owner': 'ops' } } },
    shows: { metadata: { annotations: { 'example.com/owner': 'ops' } } },
  },
  {
    name: 'kubectl label takes our label away, so that no watch shows the object',
    path: DEPLOYMENT,
    by: 'kubectl-label',
    body: { metadata: { labels: { 'poolkeeper.dev/owner': null } } },
    repairs: drift('Deployment', 'metadata.labels.poolkeeper.dev/owner'),
    shows: { metadata: { labels: { 'poolkeeper.dev/owner': expect.any(String) } } },
  },
  {
    name: 'kubectl annotate takes our id away',
    path: SETTINGS,
    by: 'kubectl-annotate',
    body: { metadata: { annotations: { 'poolkeeper.dev/id': null } } },
    repairs: drift('ConfigMap', 'metadata.annotations.poolkeeper.dev/id'),
    shows: { metadata: { annotations: { 'poolkeeper.dev/id': expect.any(String) } } },
  },
  {
    name: 'kubectl annotate forges our id',
    path: SETTINGS,
    by: 'kubectl-annotate',
    body: { metadata: { annotations: { 'poolkeeper.dev/id': 'someone//ConfigMap/else/where' } } },
    repairs: drift('ConfigMap', 'metadata.annotations.poolkeeper.dev/id'),
    shows: { metadata: { annotations: { 'poolkeeper.dev/id': expect.stringContaining('/ConfigMap/') } } },
  },
  {
    name: 'kubectl annotate forges our hash',
    path: SETTINGS,
    by: 'kubectl-annotate',
    body: { metadata: { annotations: { 'poolkeeper.dev/hash': 'x' } } },
    repairs: { what: 'change ConfigMap NS/web', fields: ['metadata.annotations.poolkeeper.dev/hash'] },
    shows: { metadata: { annotations: { 'poolkeeper.dev/hash': expect.not.stringMatching(/^x$/) } } },
  },
  {
    name: 'kubectl edit fills a list that the spec leaves empty on purpose',
    path: DEPLOYMENT,
    by: 'kubectl-edit',
    type: patchTypes.strategic,
    body: container({ name: 'main', args: ['--debug'] }),
    repairs: drift('Deployment', `${main}.args`),
    shows: { spec: { template: { spec: { containers: [expect.not.objectContaining({ args: expect.anything() })] } } } },
  },
  {
    name: 'kubectl edit adds a volume to a keyed list that the spec leaves empty',
    path: DEPLOYMENT,
    by: 'kubectl-edit',
    type: patchTypes.strategic,
    body: { spec: { template: { spec: { volumes: [{ name: 'theirs', emptyDir: {} }] } } } },
    shows: { spec: { template: { spec: { volumes: [{ name: 'theirs' }] } } } },
  },
  {
    name: 'an injector adds a container and a variable',
    path: DEPLOYMENT,
    by: 'injector',
    type: patchTypes.strategic,
    body: {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'main', env: [{ name: 'INJECTED', value: '1' }] },
              { name: 'proxy', image: 'registry.invalid/proxy:1' },
            ],
          },
        },
      },
    },
    shows: { spec: { template: { spec: { containers: expect.arrayContaining([expect.objectContaining({ name: 'proxy' })]) } } } },
  },
  {
    name: 'a value of a Secret is replaced',
    path: SECRET,
    by: 'kubectl-edit',
    body: { data: { token: 'AQID' } },
    repairs: drift('Secret', 'data'),
    shows: { data: { token: 'c2VjcmV0' } },
  },
  {
    name: 'a port is added to the Service',
    path: SERVICE,
    by: 'kubectl-patch',
    type: patchTypes.strategic,
    body: { spec: { ports: [{ name: 'metrics', port: 9090 }] } },
    shows: { spec: { ports: expect.arrayContaining([expect.objectContaining({ port: 9090 }), expect.objectContaining({ port: 80 })]) } },
  },
  {
    name: 'somebody adds a finalizer',
    path: SETTINGS,
    by: 'someone',
    body: { metadata: { finalizers: ['example.com/theirs'] } },
    shows: { metadata: { finalizers: ['example.com/theirs'] } },
  },
  {
    name: 'a controller writes a status',
    path: `${DEPLOYMENT}/status`,
    by: 'some-controller',
    body: { status: { conditions: [{ type: 'Theirs', status: 'True' }] } },
    shows: { spec: { replicas: 0 } },
  },
  {
    name: 'another applier sets the same value',
    path: SETTINGS,
    by: 'argocd-controller',
    type: patchTypes.apply,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: '1' } },
    shows: { data: { a: '1' } },
  },
  {
    name: 'another applier forces another value, and a key of its own',
    path: `${SETTINGS}?force=true`,
    by: 'argocd-controller',
    type: patchTypes.apply,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: '2', theirs: '1' } },
    repairs: drift('ConfigMap', 'data'),
    shows: { data: { a: '1', theirs: '1' } },
  },
];

describe.skipIf(inject('stack') === undefined)('drift', () => {
  let site: ClusterSite;

  beforeAll(async () => {
    site = await openClusterSite(stack);
    site.commit({ 'web.yaml': SPEC });
    expect((await site.run()).did).toEqual([
      'create ConfigMap NS/web',
      'create Secret NS/web',
      'create Deployment NS/web',
      'create Service NS/web',
    ]);
    await site.expectRest();
  });

  afterAll(() => site?.close());

  it.each(INTERFERENCES)('$name', async ({ path, by, type = patchTypes.merge, body, repairs, shows }) => {
    await site.call('PATCH', `${path}${path.includes('?') ? '&' : '?'}fieldManager=${by}`, body, type);
    const run = await site.run();
    const [object = ''] = path.replace(/\?.*|\/(scale|status)$/g, '').split('?');
    expect([run.did, Object.values(run.changes)]).toEqual(repairs === undefined ? [[], []] : [[repairs.what], [repairs.fields]]);
    expect(run.writes).toEqual(repairs === undefined ? [] : [`PATCH ${object}`]);
    expect(await site.get(object)).toMatchObject(shows as object);
    expect(await site.run()).toMatchObject({ did: [], writes: [], problems: [] });
  });

  it('another applier that does not force gets nothing, and neither do we write', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: '3' } };
    await expect(site.call('PATCH', `${SETTINGS}?fieldManager=flux`, body, patchTypes.apply)).rejects.toThrow('409');
    expect(await site.run()).toMatchObject({ did: [], writes: [] });
  });

  it('an object that somebody else has deleted is made again', async () => {
    await site.call('DELETE', SETTINGS);
    await site.call('PATCH', SETTINGS, { metadata: { finalizers: null } }, patchTypes.merge).catch(() => undefined);
    await expect.poll(() => site.get(SETTINGS).catch(() => undefined)).toBeUndefined();
    expect((await site.run()).did).toEqual(['create ConfigMap NS/web']);
    expect(await site.get(SETTINGS)).toMatchObject({ data: { a: '1' } });
  });

  it('an object that somebody else has deleted and made again is a stranger: the spec is refused, and nothing of it is written', async () => {
    await site.call('DELETE', SETTINGS);
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: 'theirs', b: '2' } };
    await site.call('POST', '/api/v1/namespaces/NS/configmaps?fieldManager=terraform', theirs);
    const run = await site.run();
    expect(run).toMatchObject({ did: [], writes: [] });
    expect(run.problems).toEqual(['OBJECT_NOT_OURS ConfigMap NS/web exists already and belongs to terraform; both set data.a']);
    expect(await site.get(SETTINGS)).toMatchObject({ data: { a: 'theirs', b: '2' } });
    await site.call('DELETE', SETTINGS);
  });

  it('is at rest in the end, after a restart too', async () => {
    // A stranger's object is not watched; a new process looks at once, this one within a minute.
    await site.restart();
    await site.run();
    await site.expectRest();
  });
});
