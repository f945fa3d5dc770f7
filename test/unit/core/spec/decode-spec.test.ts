import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, objectsOf, summary, words } from './decode.ts';

const FIXTURE = readFileSync(new URL('./fixtures/echoserver.json', import.meta.url));
const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';

describe('the echoserver of the ancestor', () => {
  it('is kept byte by byte', () => {
    expect(createHash('sha256').update(FIXTURE).digest('hex')).toBe('89bf1f89563679cab42db4d8f3104449a12f8f174ccc2714fb7e99fbe60974e8');
  });

  it('decodes unmodified', () => {
    const decoded = decode('echoserver.json', FIXTURE);
    expect(summary(decoded)).toEqual(['7:23 SPEC_OLD_API_VERSION objects.deployments.specification.apiVersion']);
    expect(words(decoded)).toContain('apps/v1; spec.selector filled from the labels of the pod template');
    const [deployment, service] = objectsOf(decoded);
    expect(deployment).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'echoserver', namespace: 'default', labels: { app: 'echoserver' } },
      spec: {
        replicas: 2,
        revisionHistoryLimit: 5,
        selector: { matchLabels: { app: 'echoserver' } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: {
          metadata: { labels: { app: 'echoserver' } },
          spec: {
            containers: [
              {
                name: 'echoserver',
                image: 'registry.example.com/echoserver:1.10',
                ports: [{ containerPort: 8080, protocol: 'TCP' }],
                resources: { requests: { cpu: '50m', memory: '64Mi' } },
              },
            ],
            securityContext: {},
          },
        },
      },
    });
    expect(service).toMatchObject({
      metadata: { name: 'echoserver', namespace: 'default', annotations: { tags: 'kubernetes,k8s,red' } },
      spec: { type: 'NodePort', ports: [{ name: 'http', port: 8080, targetPort: 8080, protocol: 'TCP' }] },
    });
    expect(service).not.toHaveProperty('status');
    expect(service).not.toHaveProperty('metadata.creationTimestamp');
  });

  it('tells where each object begins', () => {
    const decoded = decode('echoserver.json', FIXTURE);
    expect(decoded.kind === 'spec' && decoded.spec.objects.map(({ key, where }) => ({ key, ...where }))).toEqual([
      { key: 'apps/Deployment/default/echoserver', line: 6, column: 24, path: 'objects.deployments.specification' },
      { key: '/Service/default/echoserver', line: 59, column: 24, path: 'objects.services.specification' },
    ]);
  });
});

describe('formats', () => {
  const object = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  const names = (path: string, content: string) => objectsOf(decode(path, content)).map(({ metadata }) => metadata.name);

  it.each([
    ['one object', object('a'), ['a']],
    ['a List', { apiVersion: 'v1', kind: 'List', items: [object('a'), object('b')] }, ['a', 'b']],
    ['a List of a kind', { apiVersion: 'v1', kind: 'ConfigMapList', items: [object('a')] }, ['a']],
    ['an array', [object('a'), { kind: 'List', apiVersion: 'v1', items: [object('b')] }], ['a', 'b']],
    ['an envelope', { objects: { configmaps: { specification: object('a') } } }, ['a']],
    ['an envelope with an array', { id: 'x', objects: { anything: { specification: [object('a'), object('b')] } } }, ['a', 'b']],
    ['an envelope with a List', { objects: { x: { specification: { kind: 'List', items: [object('a')] } }, y: null } }, ['a']],
  ])('%s, in JSON and in YAML', (_, value, expected) => {
    expect(names('a.json', JSON.stringify(value, null, '\t'))).toEqual(expected);
    expect(names('a.yaml', JSON.stringify(value, null, 2))).toEqual(expected);
  });

  it('several YAML documents, some of them empty', () => {
    expect(names('a.yaml', `---\n${CONFIG_MAP}---\n# nothing\n---\n${CONFIG_MAP.replace('name: a', 'name: b')}---\n`)).toEqual(['a', 'b']);
  });

  it('numbers in octal and in quotes, but none that begins with 0: kubectl reads it otherwise', () => {
    const secret = (mode: string): string =>
      `apiVersion: v1\nkind: Pod\nmetadata: { name: a, labels: { id: "007" } }\nspec:\n  containers: [{ name: a, image: a }]\n  volumes: [{ name: s, secret: { defaultMode: ${mode} } }]\n`;
    const [pod] = objectsOf(decode('a.yaml', secret('0o400')));
    expect(pod).toMatchObject({ metadata: { labels: { id: '007' } }, spec: { volumes: [{ secret: { defaultMode: 0o400 } }] } });
    for (const mode of ['0400', '0644', '-010', '08']) {
      expect(summary(decode('a.yaml', secret(mode)))).toEqual(['6:47 SPEC_INVALID_FIELD']);
    }
  });

  it('a byte order mark and Windows line ends', () => {
    expect(names('a.yaml', `\uFEFF${CONFIG_MAP.replaceAll('\n', '\r\n')}`)).toEqual(['a']);
    expect(names('a.JSON', `\uFEFF${JSON.stringify(object('a'), null, 2).replaceAll('\n', '\r\n')}`)).toEqual(['a']);
  });

  it.each([
    ['a.yaml', '', '1:1 SPEC_EMPTY'],
    ['a.yaml', '# only a comment\n---\n', '1:1 SPEC_EMPTY'],
    ['a.yaml', 'items: []\nkind: List\n', '1:1 SPEC_EMPTY'],
    ['a.yaml', 'objects: {}\n', '1:1 SPEC_EMPTY'],
    ['a.yaml', 'just words', '1:1 SPEC_UNKNOWN_FORMAT'],
    ['a.yaml', 'services: {}\nfoo: 1', '1:1 SPEC_UNKNOWN_FORMAT'],
    ['a.yaml', '{}', '1:1 SPEC_UNKNOWN_FORMAT'],
    ['a.yaml', '- 7', '1:3 SPEC_INVALID_FIELD [0]'],
    ['a.yaml', 'kind: List\n', '1:1 SPEC_MISSING_FIELD items'],
    ['a.yaml', 'kind: List\nitems: x\n', '2:8 SPEC_INVALID_FIELD items'],
    ['a.json', '', '1:1 SPEC_SYNTAX'],
    ['a.json', '{\n  "a": 1,\n}', '3:1 SPEC_SYNTAX'],
    ['a.yaml', 'a:\n  - b\n c: d\n', '3:2 SPEC_SYNTAX'],
    ['a.yaml', 'a: *b', '1:5 SPEC_SYNTAX'],
  ])('%s %j: %s', (path, content, expected) => {
    const decoded = decode(path, content);
    expect(decoded.kind).toBe('broken');
    expect(summary(decoded)).toEqual([expected]);
  });

  it('tells everything that is wrong with an envelope', () => {
    const envelope = [
      'namespce: x',
      'namespace: Prod',
      'id: []',
      'objects:',
      '  a: 1',
      '  b: {}',
      '  c: {specificaton: {}}',
      '  d: {kind: Pod}',
    ];
    const decoded = decode('a.yaml', envelope.join('\n'));
    expect(summary(decoded)).toEqual([
      '1:1 SPEC_UNKNOWN_FIELD namespce',
      '2:12 SPEC_INVALID_FIELD namespace',
      '3:5 SPEC_INVALID_FIELD id',
      '5:6 SPEC_INVALID_FIELD objects.a',
      '6:6 SPEC_MISSING_FIELD objects.b.specification',
      '7:7 SPEC_UNKNOWN_FIELD objects.c.specificaton',
      '8:6 SPEC_MISSING_FIELD objects.d.apiVersion',
      '8:6 SPEC_MISSING_FIELD objects.d.metadata.name',
      '8:6 SPEC_MISSING_FIELD objects.d.specification',
    ]);
    expect(words(decoded)).toContain('Did you mean "namespace"?');
    expect(words(decoded)).toContain('Did you mean "specification"?');
  });

  it('knows a misspelt envelope', () => {
    const decoded = decode('a.yaml', 'objets: {}\n');
    expect(summary(decoded)).toEqual(['1:1 SPEC_MISSING_FIELD objects', '1:1 SPEC_UNKNOWN_FIELD objets']);
  });
});

describe('namespaces', () => {
  const namespaceOf = (path: string, content: string, options = {}) => objectsOf(decode(path, content, options))[0]?.metadata.namespace;
  const own = CONFIG_MAP.replace('name: a', 'name: a\n  namespace: own');
  const inEnvelope = (namespace: string, object: string) =>
    `namespace: ${namespace}\nobjects:\n  c:\n    specification:\n${object.replaceAll(/^/gm, '      ')}`;
  const folders = { namespaceFromFolder: true, root: 'specs' };

  it.each([
    ['the object’s own', 'specs/prod/a.yaml', inEnvelope('env', own), 'own'],
    ['the envelope’s', 'specs/prod/a.yaml', inEnvelope('env', CONFIG_MAP), 'env'],
    ['the folder’s', 'specs/prod/sub/a.yaml', inEnvelope('""', CONFIG_MAP), 'prod'],
    ['the default', 'specs/a.yaml', CONFIG_MAP, 'default'],
  ])('%s', (_, path, content, expected) => {
    expect(namespaceOf(path, content, folders)).toBe(expected);
  });

  it.each([
    ['', 'prod/a.yaml', 'prod'],
    ['.', 'prod/a.yaml', 'prod'],
    ['/specs/', 'specs/prod/a.yaml', 'prod'],
    ['a/b', 'a/b/prod/x/y.yaml', 'prod'],
    ['a/b', 'a/b/y.yaml', 'default'],
  ])('under the root %j, %s is in %s', (root, path, expected) => {
    expect(namespaceOf(path, CONFIG_MAP, { namespaceFromFolder: true, root })).toBe(expected);
    expect(namespaceOf(path, CONFIG_MAP, { root })).toBe('default');
  });

  it('refuses a folder that cannot be one, where it is needed', () => {
    expect(summary(decode('My Apps/a.yaml', CONFIG_MAP, { namespaceFromFolder: true }))).toEqual([
      '4:3 SPEC_INVALID_FIELD metadata.namespace',
    ]);
    expect(namespaceOf('My Apps/a.yaml', own, { namespaceFromFolder: true })).toBe('own');
  });

  it.each([
    ['v1', 'Namespace'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ['rbac.authorization.k8s.io/v1beta1', 'ClusterRoleBinding'],
    ['storage.k8s.io/v1', 'StorageClass'],
    ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
    ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding'],
  ])('none for %s %s', (apiVersion, kind) => {
    const object = { apiVersion, kind, metadata: { name: 'a', namespace: 'prod' } };
    const decoded = decode('a.json', JSON.stringify(object));
    expect(objectsOf(decoded)[0]?.metadata).toEqual({ name: 'a' });
    expect(words(decoded)).toContain('belongs to no namespace');
  });
});

describe('limits', () => {
  const bomb = (width: number, levels: string): string =>
    [...levels]
      .map(
        (name, i) =>
          `${name}: &${name} [${Array(width)
            .fill(i === 0 ? 'x' : `*${levels[i - 1]}`)
            .join(', ')}]`,
      )
      .join('\n');

  it('refuses more than 1 MiB', () => {
    expect(summary(decode('a.yaml', `#${'x'.repeat(1024 * 1024)}`))).toEqual(['1:1 SPEC_TOO_LARGE']);
    expect(summary(decode('a.yaml', `#${'x'.repeat(1024 * 1024 - 1)}`))).toEqual(['1:1 SPEC_EMPTY']);
  });

  it('refuses what is not UTF-8, with the line', () => {
    expect(summary(decode('a.yaml', new Uint8Array([0x61, 0x0a, 0x0a, 0xff])))).toEqual(['3:1 SPEC_NOT_UTF8']);
    expect(summary(decode('a.yaml', new Uint8Array([0xff, 0xfe, 0x61, 0x00])))).toEqual(['1:1 SPEC_NOT_UTF8']);
  });

  it('refuses more aliases than 100', () => {
    expect(words(decode('a.yaml', bomb(20, 'abcdefg')))).toContain('maxAliases');
  });

  it('refuses few aliases that expand to much', () => {
    const decoded = decode('a.yaml', bomb(10, 'abcdefg'));
    expect(decoded.kind === 'broken' && decoded.problems.map(({ code }) => code)).toEqual(['SPEC_TOO_LARGE']);
  });

  it('refuses a value that contains itself', () => {
    expect(words(decode('a.yaml', 'a: &x {b: [*x]}'))).toContain('deeper than 100');
  });

  it.each(['a.json', 'a.yaml'])('refuses deep nesting in %s', (path) => {
    expect(summary(decode(path, `${'['.repeat(500)}${']'.repeat(500)}`))).toEqual([expect.stringContaining('SPEC_SYNTAX')]);
  });

  it('writes aliases out, so that no two objects share a value', () => {
    const text = `${CONFIG_MAP}x: &x {y: [1]}\nz: *x\n`.replace('ConfigMap', 'Custom').replace('v1', 'example.com/v1');
    const [object] = objectsOf(decode('a.yaml', text));
    expect(object?.['z']).toEqual({ y: [1] });
    expect(object?.['z']).not.toBe(object?.['x']);
  });

  it('points into the anchor for what is wrong in an alias', () => {
    const service = (name: string, ports: string) =>
      `- apiVersion: v1\n  kind: Service\n  metadata: {name: ${name}}\n  spec:\n    ports: ${ports}\n`;
    const decoded = decode('a.yaml', service('a', '&p [{port: 0}]') + service('b', '*p'));
    expect(summary(decoded)).toEqual(['5:23 SPEC_INVALID_FIELD [0].spec.ports[0].port', '5:23 SPEC_INVALID_FIELD [1].spec.ports[0].port']);
  });

  it('half a surrogate pair, in a value and in a key', () => {
    const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"\\ud83d","\\udc00":"y"}}';
    const decoded = decode('a.json', text);
    const problems = decoded.kind === 'broken' ? decoded.problems : [];
    expect(problems.filter(({ message }) => message.includes('lone surrogate')).map(({ code }) => code)).toEqual([
      'SPEC_INVALID_FIELD',
      'SPEC_INVALID_FIELD',
    ]);
  });

  it('refuses __proto__ and merge keys anywhere, and pollutes nothing', () => {
    const decoded = decode('a.yaml', `${CONFIG_MAP}__proto__: {polluted: true}\ndata:\n  __proto__: {polluted: x}\n  <<: {a: b}\n`);
    expect(summary(decoded)).toEqual([
      '5:1 SPEC_UNKNOWN_FIELD __proto__',
      '7:3 SPEC_UNKNOWN_FIELD data.__proto__',
      '8:3 SPEC_UNKNOWN_FIELD data["<<"]',
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each(['12345678901234567890', '.inf', '.nan'])('refuses the number %s, which JSON could not give back', (number) => {
    expect(summary(decode('a.yaml', `${CONFIG_MAP}data: {a: ${number}}`))).toEqual(['5:11 SPEC_INVALID_FIELD data.a']);
  });
});

describe('secrets', () => {
  it.each([
    '*s3cret',
    '!s3cret',
    '!!int s3cret',
    '@s3cret',
    '{s3cret',
    '"s3cret',
    '"\\qs3cret"',
    '- s3cret',
    's3cret: x',
    '[s3cret',
    '!<s3cret> x',
  ])('are not in the problems of a file with %j', (value) => {
    const text = `apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: ${value}\n`;
    const decoded = decode('a.yaml', text);
    expect(decoded.kind).toBe('broken');
    expect(JSON.stringify(decoded)).not.toContain('s3cret');
  });

  it.each(['{"stringData": {"a": s3cret}}', '{"stringData": {"a": "s3cret}}', '{"stringData": {"a": "s3cret",}}'])('nor of %s', (text) => {
    expect(JSON.stringify(decode('a.json', text))).not.toContain('s3cret');
  });

  it('nor when a value has the wrong form', () => {
    const text = 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: 5314159}\ndata: {b: s3cret}\n';
    const decoded = decode('a.yaml', text);
    expect(summary(decoded)).toEqual([
      '4:1 SPEC_PLAIN_SECRET stringData',
      '4:17 SPEC_INVALID_FIELD stringData.a',
      '5:11 SPEC_INVALID_FIELD data.b',
    ]);
    expect(JSON.stringify(decoded)).not.toMatch(/s3cret|5314159/);
  });
});
