import { describe, expect, it } from 'vitest';
import { deployment, findings, service } from './validate.ts';

/** What is found in one file, as `line:column code: message. Remedy`; warnings are marked. */
const found = (text: string): readonly string[] =>
  findings({ 'a.yaml': text }).map((line) => line.replace(/^a\.yaml:/, '').replace(/ error /, ' '));

/** The same without words. */
const places = (text: string): readonly string[] => found(text).map((line) => line.split(': ')[0] ?? '');

describe('an object whose name is wrong', () => {
  it.each([
    ['My_App', '3:19'],
    ['7', '3:19'],
  ])('is looked at in all layers: %s', (name, place) => {
    const text = deployment('web', '          imagePullPolicyy: Always\n').replace('name: web }', `name: ${name} }`);
    const broken =
      text + service('web', ['poolkeeper.dev/min-backends: few', 'traefik.frontend.rule: Hots:a'], 'htp').replace('name: web', 'name: ""');
    expect(places(broken)).toEqual([
      `${place} SPEC_INVALID_FIELD`,
      '13:11 SPEC_UNKNOWN_FIELD',
      '18:9 SPEC_INVALID_FIELD',
      '21:34 SPEC_BAD_ANNOTATION',
      '22:28 TAG_NOT_TRANSLATED',
      expect.stringMatching(/ SPEC_TARGET_PORT_MISSING$/),
    ]);
  });

  it('is not taken for another one without a name, and Services find its pods', () => {
    const nameless = (text: string): string => text.replace('{ name: web }', '{}').replace('  name: web\n', '');
    expect(places(`${nameless(deployment('web'))}---\n${nameless(deployment('web'))}${nameless(service('web'))}`)).toEqual([
      '3:11 SPEC_MISSING_FIELD',
      '16:11 SPEC_MISSING_FIELD',
      '30:3 SPEC_MISSING_FIELD',
    ]);
  });

  it('hides no unknown kind, nor does a missing name hide a wrong field', () => {
    expect(places('apiVersion: apps/v1\nkind: Deploymnt\nmetadata: { name: A_B }\n')).toEqual([
      '2:7 KUBERNETES_UNKNOWN_KIND',
      '3:19 SPEC_INVALID_FIELD',
    ]);
    expect(places('kind: Job\nmetadata: name:a\nspec: { tmplate: {} }\n')).toContain('2:11 SPEC_INVALID_FIELD');
  });
});

describe('an API version that has no such kind', () => {
  const object = (head: string): string => `${head}\nmetadata: { name: a }\n`;

  it.each([
    ['apiVersion: v1\nkind: Deployment', '1:13', 'Write apiVersion: apps/v1.'],
    ['apiVersion: apps/v1\nkind: Service', '1:13', 'Write apiVersion: v1.'],
    ['apiVersion: v1\nkind: Ingress', '1:13', 'Write apiVersion: networking.k8s.io/v1.'],
    ['apiVersion: apps/v1\nkind: CronJob', '1:13', 'Write apiVersion: batch/v1.'],
    ['apiVersion: app/v1\nkind: Deployment', '1:13', 'Write apiVersion: apps/v1.'],
    ['apiVersion: v1\nkind: HorizontalPodAutoscaler', '1:13', 'Write apiVersion: autoscaling/v2, or autoscaling/v1.'],
    ['kind: Deployment', '1:1', 'Write apiVersion: apps/v1.'],
    ['apiVersion: apps/v1\nkind: deployment', '2:7', 'Did you mean "Deployment"?'],
    ['apiVersion: v1\nkind: Deploymnt', '2:7', 'Did you mean "Deployment"? It is of another apiVersion.'],
    ['apiVersoin: apps/v1\nkind: Deployment', '1:1', 'Did you mean "apiVersion"?'],
  ])('%j', (head, place, remedy) => {
    expect(found(object(head))).toContainEqual(expect.stringMatching(new RegExp(`^${place} .*${remedy.replaceAll(/[.?]/g, '\\$&')}$`)));
  });
});

describe('an object of a kind that is nearly known', () => {
  const wrong = deployment('web', '          imagePullPolicyy: Always\n').replace('spec:\n', 'spec:\n  replicas: -2\n');

  it.each([
    ['apps/v1', 'v1', '1:13'],
    ['kind: Deployment', 'kind: Deploymnt', '2:7'],
  ])('is checked as what is meant: %s for %s', (right, written, place) => {
    expect(places(wrong.replace(right, written))).toEqual([
      `${place} KUBERNETES_UNKNOWN_KIND`,
      '5:13 SPEC_INVALID_FIELD',
      '14:11 SPEC_UNKNOWN_FIELD',
    ]);
  });
});

describe('what an envelope holds', () => {
  const map = (indent: string): string =>
    ['apiVersion: v1', 'kind: ConfigMap', 'metadata: { name: a }', 'dta: {}'].map((line) => `${indent}${line}\n`).join('');

  it('is looked at where "specification" has another name, or is left out', () => {
    expect(found(`objects:\n  configmaps:\n    spec:\n${map('      ')}`)).toEqual([
      '3:5 SPEC_UNKNOWN_FIELD: only "specification" may stand here, not "spec". Write "specification" instead.',
      '7:7 SPEC_UNKNOWN_FIELD: a ConfigMap has no field "dta". Did you mean "data"?',
    ]);
    expect(places(`objects:\n  configmaps:\n${map('    ')}`)).toEqual(['3:5 SPEC_MISSING_FIELD', '6:5 SPEC_UNKNOWN_FIELD']);
    expect(places(`object:\n  configmaps:\n    specification:\n${map('      ')}`)).toEqual([
      '1:1 SPEC_MISSING_FIELD',
      '1:1 SPEC_UNKNOWN_FIELD',
      '7:7 SPEC_UNKNOWN_FIELD',
    ]);
  });

  it('is of the kind that its key names, also in lists; a key may name none', () => {
    const object = map('').replace('dta', 'data').trim().split('\n').join(', ');
    const text = `objects:\n  deployments: { specification: [{ ${object} }] }\n  configmap: { specification: { kind: List, items: [{ ${object.replace('name: a', 'name: b')} }] } }\n  mine: { specification: { ${object.replace('name: a', 'name: c')} } }\n`;
    expect(found(text)).toEqual([
      '2:58 warning SPEC_INVALID_FIELD: a ConfigMap stands under "deployments". Put it under "configmaps", or write kind: Deployment where that is meant.',
    ]);
  });

  it.each([
    ['deployments: {}\nservices: {}\n', 'Put what stands here under the key "objects".'],
    ['metadata: { name: a }\nspec: {}\n', 'Write apiVersion and kind.'],
  ])('is not found in %j', (text, remedy) => {
    expect(found(text)[0]).toContain(remedy);
  });
});

describe('what the API server refuses of a container', () => {
  const web = (container: string): string => deployment('web', container.replaceAll(/^/gm, '          '));
  const named = (name: string): string => deployment('web').replace('- name: web', `- name: ${name}`);

  it.each<[string, string, readonly string[]]>([
    ['a name', named('My Container'), ['10:17 SPEC_INVALID_FIELD']],
    [
      'a name of an init container, too',
      web('').replace('      containers:', '      initContainers: [{ name: web, image: a }]\n      containers:'),
      ['9:32 SPEC_INVALID_FIELD'],
    ],
    ['blanks around an image', web('').replace('image: registry.example.com/web:1', 'image: " ng"'), ['11:18 warning SPEC_INVALID_FIELD']],
    ['blanks in an image', web('').replace('image: registry.example.com/web:1', 'image: a b'), ['11:18 warning SPEC_INVALID_FIELD']],
    ['an empty image', web('').replace('image: registry.example.com/web:1', 'image: ""'), ['11:18 SPEC_MISSING_FIELD']],
    ['a port name', web('').replace('name: http,', 'name: Http_port,'), ['12:27 SPEC_INVALID_FIELD']],
    ['a port name twice', web('').replace('}]', '}, { name: http, containerPort: 81 }]'), ['12:64 SPEC_INVALID_FIELD']],
    ['a volume that is not there', web('volumeMounts: [{ name: data, mountPath: /data }]'), ['13:34 SPEC_INVALID_FIELD']],
    ['a port of a probe that is not there', web('livenessProbe: { httpGet: { port: htp } }'), ['13:45 warning SPEC_TARGET_PORT_MISSING']],
    ['a port of a probe', web('readinessProbe: { tcpSocket: { port: 70000 } }'), ['13:48 SPEC_INVALID_FIELD']],
    ['a port of a hook in quotes', web('lifecycle: { preStop: { httpGet: { port: "8080" } } }'), ['13:52 SPEC_INVALID_FIELD']],
    ['the name of a variable', web('env: [{ name: A=B, value: x }]'), ['13:25 SPEC_INVALID_FIELD']],
    [
      'a variable with two values',
      web('env: [{ name: A, value: x, valueFrom: { fieldRef: { fieldPath: a } } }]'),
      ['13:49 SPEC_INVALID_FIELD'],
    ],
    [
      'a number for a text',
      web('env: [{ name: A, value: 8080 }, { name: B, value: true }]'),
      ['13:35 SPEC_INVALID_FIELD', '13:61 SPEC_INVALID_FIELD'],
    ],
  ])('%s', (_, text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  it('nothing of a StatefulSet that mounts its own claims', () => {
    const claims =
      '  serviceName: web\n  volumeClaimTemplates:\n    - metadata: { name: data }\n      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }\n';
    const text = web('volumeMounts: [{ name: data, mountPath: /data }]\n').trimEnd();
    expect(places(`${text.replace('kind: Deployment', 'kind: StatefulSet')}\n${claims}`)).toEqual([]);
  });

  it('types in quotes and without, with the remedy', () => {
    expect(found(web('env: [{ name: A, value: true }]').replace('spec:\n', 'spec:\n  replicas: "3"\n'))).toEqual([
      expect.stringMatching(/^5:13 SPEC_INVALID_FIELD.*Write it without quotes\.$/),
      expect.stringMatching(/^14:35 SPEC_INVALID_FIELD.*Put it in quotes\.$/),
    ]);
  });
});

const BACKEND = 'backend: { service: { name: a, port: { number: 80 } } }';

describe('what it refuses of other fields', () => {
  const spec = (apiVersion: string, kind: string, fields: string): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a }\nspec: { ${fields} }\n`;
  const ofService = (fields: string): string => spec('v1', 'Service', `ports: [{ port: 80, ${fields} }]`);

  it.each<[string, readonly string[]]>([
    [deployment('web').replace('spec:\n', 'spec:\n  replicas: -2\n'), ['5:13 SPEC_INVALID_FIELD']],
    [deployment('web').replace('labels: {', 'labels: { "a b": c, d: "e f",'), ['7:27 SPEC_INVALID_FIELD', '7:40 SPEC_INVALID_FIELD']],
    [deployment('web').replace('labels: {', `labels: { d: ${'x'.repeat(64)},`), ['7:30 SPEC_INVALID_FIELD']],
    [
      spec('autoscaling/v2', 'HorizontalPodAutoscaler', 'minReplicas: 3, maxReplicas: 2, scaleTargetRef: { kind: Deployment, name: a }'),
      ['4:38 SPEC_INVALID_FIELD'],
    ],
    [ofService('nodePort: 30080'), ['4:39 SPEC_INVALID_FIELD']],
    [ofService('nodePort: 80').replace('spec: {', 'spec: { type: NodePort,'), ['4:55 warning SPEC_INVALID_FIELD']],
    [ofService('nodePort: 70000').replace('spec: {', 'spec: { type: NodePort,'), ['4:55 SPEC_INVALID_FIELD']],
    [ofService('name: My_Port'), ['4:35 SPEC_INVALID_FIELD']],
    [ofService('targetPort: "8080"'), ['4:41 SPEC_INVALID_FIELD']],
    [spec('v1', 'Service', 'selector: { app: "a b" }, ports: [{ port: 80 }]'), ['4:26 SPEC_INVALID_FIELD']],
    [spec('example.com/v1', 'Thing', 'replicas: -2'), []],
    [spec('example.com/v1', 'CronJob', 'schedule: "* * * *"'), []],
    [spec('policy/v1', 'PodDisruptionBudget', 'minAvailable: 1, maxUnavailable: 1'), ['4:42 SPEC_INVALID_FIELD']],
    [
      spec(
        'networking.k8s.io/v1',
        'Ingress',
        `rules: [{ host: "https://a.b", http: { paths: [{ path: api, pathType: Prefix, ${BACKEND} }] } }]`,
      ),
      ['4:25 SPEC_INVALID_FIELD', '4:64 SPEC_INVALID_FIELD'],
    ],
  ])('%j', (text, expected) => {
    expect(places(text)).toEqual(expected);
  });
});
