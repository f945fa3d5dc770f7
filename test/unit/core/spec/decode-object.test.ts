import { describe, expect, it } from 'vitest';
import { readDependencies } from '../../../../src/core/desired/dependencies.ts';
import { decode, objectsOf, summary, words } from './decode.ts';

const decodeObject = (object: unknown) => decode('a.json', JSON.stringify(object));
const onlyObject = (object: unknown) => objectsOf(decodeObject(object))[0] as unknown as Record<string, unknown>;

describe('what an object must say of itself', () => {
  it.each([
    ['kind: A\nmetadata: {name: a}', '1:1 SPEC_MISSING_FIELD apiVersion'],
    ['apiVersion: v1\nmetadata: {name: a}', '1:1 SPEC_MISSING_FIELD kind'],
    ['apiVersion: 1\nkind: A\nmetadata: {name: a}', '1:13 SPEC_INVALID_FIELD apiVersion'],
    ['apiVersion: apps/one\nkind: A\nmetadata: {name: a}', '1:13 SPEC_INVALID_FIELD apiVersion'],
    ['apiVersion: v1\nkind: pod\nmetadata: {name: a}', '2:7 SPEC_INVALID_FIELD kind'],
    ['apiVersion: v1\nkind: A', '1:1 SPEC_MISSING_FIELD metadata.name'],
    ['apiVersion: v1\nkind: A\nmetadata: []', '3:11 SPEC_INVALID_FIELD metadata'],
    ['apiVersion: v1\nkind: A\nmetadata: {generateName: a-}', '3:11 SPEC_MISSING_FIELD metadata.name'],
    ['apiVersion: v1\nkind: A\nmetadata:\n  name: 7', '4:9 SPEC_INVALID_FIELD metadata.name'],
    ['apiVersion: v1\nkind: A\nmetadata:\n  name:', '4:3 SPEC_MISSING_FIELD metadata.name'],
  ])('%j', (text, expected) => {
    const decoded = decode('a.yaml', text);
    expect(decoded.kind).toBe('broken');
    expect(summary(decoded)).toEqual([expected]);
  });

  it.each([
    ['v1', 'Service', 'a'.repeat(63), true],
    ['v1', 'Service', 'a'.repeat(64), false],
    ['v1', 'Service', 'a.b', false],
    ['v1', 'Namespace', 'a.b', false],
    ['v1', 'ConfigMap', 'a.b', true],
    ['v1', 'ConfigMap', 'A', false],
    ['v1', 'ConfigMap', 'a..b', false],
    ['v1', 'ConfigMap', `${'a.'.repeat(127)}a`, false],
    ['rbac.authorization.k8s.io/v1', 'Role', 'system:Leader', true],
    ['rbac.authorization.k8s.io/v1', 'Role', 'a/b', false],
  ])('%s %s may be named %s: %s', (apiVersion, kind, name, valid) => {
    const spec = kind === 'Service' ? { spec: {} } : {};
    expect(decodeObject({ apiVersion, kind, metadata: { name }, ...spec }).kind).toBe(valid ? 'spec' : 'broken');
  });
});

describe('metadata', () => {
  it('refuses unknown fields, owners and values that are no strings', () => {
    const text = [
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata:',
      '  name: a',
      '  namespace: A_b',
      '  label: {}',
      '  ownerReferences: [{name: x}]',
      '  labels: {app: a b, version: 1.10, "a/b/c": d}',
      '  annotations:',
      '    enabled: true',
      '    traefik.http.middlewares.a-long-name-of-a-middleware.redirectscheme.scheme: https',
    ].join('\n');
    const decoded = decode('a.yaml', text);
    expect(summary(decoded)).toEqual([
      '5:14 SPEC_INVALID_FIELD metadata.namespace',
      '6:3 SPEC_UNKNOWN_FIELD metadata.label',
      '7:3 SPEC_INVALID_FIELD metadata.ownerReferences',
      '8:17 SPEC_INVALID_FIELD metadata.labels.app',
      '8:31 SPEC_INVALID_FIELD metadata.labels.version',
      '8:37 SPEC_INVALID_FIELD metadata.labels["a/b/c"]',
      '10:14 SPEC_INVALID_FIELD metadata.annotations.enabled',
      '11:5 SPEC_INVALID_FIELD metadata.annotations["traefik.http.middlewares.a-long-name-of-a-middleware.redirectscheme.scheme"]',
    ]);
    expect(words(decoded)).toContain('a line of the annotation poolkeeper.dev/tags');
    expect(words(decoded)).toContain('Did you mean "labels"?');
  });

  it('loses what an export of a live object carries', () => {
    const live = {
      name: 'a',
      uid: 'u',
      resourceVersion: '7',
      generation: 3,
      selfLink: '/api',
      creationTimestamp: '2020-01-01T00:00:00Z',
      managedFields: [{}],
      finalizers: ['example.com/keep'],
      labels: { app: 'a', 'poolkeeper.dev/owner': 'poolkeeper' },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'deployment.kubernetes.io/revision': '4',
        'poolkeeper.dev/id': 'x',
        'poolkeeper.dev/spec': 'x',
        'poolkeeper.dev/hash': 'x',
      },
    };
    const decoded = decodeObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: live, status: { a: 1 } });
    expect(summary(decoded)).toEqual([]);
    expect(objectsOf(decoded)).toEqual([
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: 'default', labels: { app: 'a' }, finalizers: ['example.com/keep'] },
      },
    ]);
  });
});

describe('fields', () => {
  it.each([
    [{ apiVersion: 'v1', kind: 'Service', spec: { tpye: 'NodePort' } }, 'SPEC_UNKNOWN_FIELD spec.tpye', 'type'],
    [{ apiVersion: 'v1', kind: 'Service', spce: {}, spec: {} }, 'SPEC_UNKNOWN_FIELD spce', 'spec'],
    [{ apiVersion: 'apps/v1', kind: 'Deployment', spec: { replica: 1 } }, 'SPEC_UNKNOWN_FIELD spec.replica', 'replicas'],
    [{ apiVersion: 'apps/v1', kind: 'StatefulSet', spec: { servicename: 1 } }, 'SPEC_UNKNOWN_FIELD spec.servicename', 'serviceName'],
    [{ apiVersion: 'apps/v1', kind: 'DaemonSet', spec: { templat: 1 } }, 'SPEC_UNKNOWN_FIELD spec.templat', 'template'],
    [{ apiVersion: 'v1', kind: 'ConfigMap', dat: {} }, 'SPEC_UNKNOWN_FIELD dat', 'data'],
    [{ apiVersion: 'v1', kind: 'Secret', stringdata: {} }, 'SPEC_UNKNOWN_FIELD stringdata', 'stringData'],
    [{ apiVersion: 'v1', kind: 'Namespace', spec: { finalizer: [] } }, 'SPEC_UNKNOWN_FIELD spec.finalizer', 'finalizers'],
  ])('%j: %s', (object, problem, meant) => {
    const decoded = decodeObject({ ...object, metadata: { name: 'a' } });
    expect(summary(decoded).map((line) => line.replace(/^\S+ /, ''))).toEqual([problem]);
    expect(words(decoded)).toContain(`Did you mean "${meant}"?`);
  });

  it('of other kinds are left to the API server', () => {
    expect(onlyObject({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' }, any: { thing: 1 } })).toMatchObject({
      any: { thing: 1 },
    });
  });

  it.each([
    [{ apiVersion: 'v1', kind: 'Service' }, 'SPEC_MISSING_FIELD spec'],
    [{ apiVersion: 'apps/v1', kind: 'Deployment', spec: [] }, 'SPEC_INVALID_FIELD spec'],
    [{ apiVersion: 'v1', kind: 'Service', spec: { type: 'Nodeport' } }, 'SPEC_INVALID_FIELD spec.type'],
    [{ apiVersion: 'v1', kind: 'ConfigMap', data: { port: 80 } }, 'SPEC_INVALID_FIELD data.port'],
    [{ apiVersion: 'v1', kind: 'ConfigMap', data: [] }, 'SPEC_INVALID_FIELD data'],
    [{ apiVersion: 'v1', kind: 'Secret', data: { a: 'plain text' } }, 'SPEC_INVALID_FIELD data.a'],
  ])('%j: %s', (object, problem) => {
    const decoded = decodeObject({ ...object, metadata: { name: 'a' } });
    expect(decoded.kind).toBe('broken');
    const told = object.kind === 'Secret' ? ['SPEC_PLAIN_SECRET data'] : [];
    expect(summary(decoded).map((line) => line.replace(/^\S+ /, ''))).toEqual([...told, problem]);
  });

  it('of a Secret in plain text are encoded, and win over encoded ones', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'a' },
      data: { a: 'YQ==', b: 'Yg==\n' },
      stringData: { a: 'grün' },
    };
    const object = onlyObject(secret);
    expect(object['data']).toEqual({ a: Buffer.from('grün').toString('base64'), b: 'Yg==\n' });
    expect(object).not.toHaveProperty('stringData');
  });
});

describe('ports', () => {
  const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec });
  const port = (value: object) => service({ ports: [value] });
  const pod = (ports: unknown) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [{ ports }] } });

  it.each([
    [port({}), 'SPEC_MISSING_FIELD spec.ports[0].port'],
    [port({ port: 0 }), 'SPEC_INVALID_FIELD spec.ports[0].port'],
    [port({ port: 65_536 }), 'SPEC_INVALID_FIELD spec.ports[0].port'],
    [port({ port: 80.5 }), 'SPEC_INVALID_FIELD spec.ports[0].port'],
    [port({ port: '80' }), 'SPEC_INVALID_FIELD spec.ports[0].port'],
    [port({ port: 80, nodePort: 70_000 }), 'SPEC_INVALID_FIELD spec.ports[0].nodePort'],
    [port({ port: 80, targetPort: 0 }), 'SPEC_INVALID_FIELD spec.ports[0].targetPort'],
    [service({ type: 'NodePort' }), 'SPEC_MISSING_FIELD spec.ports'],
    [service({ type: 'NodePort', ports: [] }), 'SPEC_MISSING_FIELD spec.ports'],
    [service({ ports: {} }), 'SPEC_INVALID_FIELD spec.ports'],
    [pod([{ containerPort: 0 }]), 'SPEC_INVALID_FIELD spec.containers[0].ports[0].containerPort'],
    [pod([{ containerPort: 80, hostPort: -1 }]), 'SPEC_INVALID_FIELD spec.containers[0].ports[0].hostPort'],
  ])('%j: %s', (object, problem) => {
    const decoded = decodeObject(object);
    expect(decoded.kind).toBe('broken');
    expect(summary(decoded).map((line) => line.replace(/^\S+ /, ''))).toEqual([problem]);
  });

  it('keep the index they are written at when an item before them is null', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n    -\n    - port: 0\n';
    expect(summary(decode('a.yaml', text))).toEqual(['7:13 SPEC_INVALID_FIELD spec.ports[1].port']);
  });

  it('of a Service get the protocol TCP', () => {
    const object = onlyObject(
      service({
        ports: [
          { port: 80, targetPort: 'http' },
          { port: 53, protocol: 'UDP' },
        ],
      }),
    );
    expect(object['spec']).toEqual({
      ports: [
        { port: 80, targetPort: 'http', protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    });
  });

  it.each([
    ['v1', 'Pod', (podSpec: object) => ({ spec: podSpec })],
    ['apps/v1', 'StatefulSet', (podSpec: object) => ({ spec: { template: { spec: podSpec } } })],
    ['batch/v1', 'Job', (podSpec: object) => ({ spec: { template: { spec: podSpec } } })],
    ['batch/v1', 'CronJob', (podSpec: object) => ({ spec: { jobTemplate: { spec: { template: { spec: podSpec } } } } })],
  ])('of containers in %s %s get it too', (apiVersion, kind, wrap) => {
    const podSpec = (ports: object[]) => wrap({ containers: [{ name: 'a' }, { ports }], initContainers: [{ ports }] });
    const object = onlyObject({ apiVersion, kind, metadata: { name: 'a' }, ...podSpec([{ containerPort: 80 }]) });
    expect(object).toMatchObject(podSpec([{ containerPort: 80, protocol: 'TCP' }]));
  });
});

describe('settings', () => {
  const service = (annotations: Record<string, string>, more: object = { type: 'NodePort', ports: [{ name: 'http', port: 80 }] }) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a', annotations },
    spec: more,
  });

  it('are checked with their place', () => {
    const text = `apiVersion: v1\nkind: Service\nspec: {}\nmetadata:\n  name: a\n  annotations:\n    poolkeeper.dev/health: x\n    poolkeeper.dev/heath: node\n`;
    const decoded = decode('a.yaml', text);
    expect(summary(decoded)).toEqual([
      '7:28 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/health"]',
      '8:5 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/heath"]',
    ]);
  });

  it.each([
    ['http', true],
    ['80', true],
    ['8080', false],
    ['admin', false],
  ])('the port %s is one of the Service: %s', (port, found) => {
    const decoded = decodeObject(service({ 'poolkeeper.dev/port': port }));
    expect(decoded.kind).toBe(found ? 'spec' : 'broken');
    if (!found) expect(words(decoded)).toContain(port);
  });

  it('do not need the port of a Service that makes no pool', () => {
    expect(decodeObject(service({ 'poolkeeper.dev/port': 'x' }, {})).kind).toBe('spec');
  });

  it('for any object are checked on every kind', () => {
    const set = { wave: 'first', prune: '"no"', 'depends-on': '"a.yaml,,b.yaml"', adopt: '"yes"', recreate: '"1"' };
    const lines = Object.entries(set).map(([name, value]) => `    poolkeeper.dev/${name}: ${value}`);
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n${lines.join('\n')}\n`;
    expect(summary(decode('a.yaml', text))).toEqual([
      '6:26 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/wave"]',
      '7:27 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/prune"]',
      '8:32 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/depends-on"]',
      '9:27 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/adopt"]',
      '10:30 SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/recreate"]',
    ]);
  });

  it('tell where a dependency is named', () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    poolkeeper.dev/depends-on: gone.yaml\n';
    const decoded = decode('a.yaml', text);
    const specs = new Map(decoded.kind === 'spec' ? [[decoded.spec.id, decoded.spec] as const] : []);
    const [found] = [...readDependencies({ specs, broken: new Map() }).problems.values()].flat();
    expect(found).toMatchObject({
      code: 'SPEC_DEPENDENCY_MISSING',
      where: { file: 'a.yaml', line: 6, column: 32, path: 'metadata.annotations["poolkeeper.dev/depends-on"]' },
    });
  });

  it.each(['-1000', '0', '7', '1000'])('take %s as a wave', (wave) => {
    const annotations = { 'poolkeeper.dev/wave': wave, 'poolkeeper.dev/prune': 'false', 'poolkeeper.dev/depends-on': './a.yaml, b/c.yaml' };
    expect(decodeObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', annotations } }).kind).toBe('spec');
  });

  it('of Services mean nothing on other kinds', () => {
    const annotations = { 'poolkeeper.dev/adopt': 'true', 'poolkeeper.dev/recreate': 'true', 'poolkeeper.dev/port': '80' };
    const decoded = decodeObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', annotations } });
    expect(summary(decoded).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'SPEC_BAD_ANNOTATION metadata.annotations["poolkeeper.dev/port"]',
    ]);
  });
});

describe('the same object twice in a file', () => {
  const configMap = (namespace: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ${namespace}}\n`;

  it('is refused at the second place, naming the first', () => {
    const decoded = decode('a.yaml', `${configMap('default')}---\n${configMap('""')}`);
    expect(summary(decoded)).toEqual(['5:1 SPEC_DUPLICATE_OBJECT']);
    expect(words(decoded)).toContain('ConfigMap default/a stands in this file twice, first in line 1');
  });

  it('in two namespaces is two objects', () => {
    expect(objectsOf(decode('a.yaml', `${configMap('b')}---\n${configMap('c')}`))).toHaveLength(2);
  });
});
