import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createSchemaCheck, unpackKubernetesSchema } from '../../src/adapters/schema/kubernetes-schema.ts';
import type { JsonObject } from '../../src/core/model/objects.ts';
import { readKubernetesSchema } from '../support/generate-kubernetes-schema.ts';
import { kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { runCli } from '../support/run-cli.ts';
import { prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'validate-cluster';
const stack = inject('stack') as StackConnection;

/** A Deployment whose only container is this. */
const deployment = (container: JsonObject, spec: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'registry.invalid/web:1', ...container }] },
    },
    ...spec,
  },
});

/** What both sides are to say of an object. */
const CASES: readonly (readonly [string, boolean, JsonObject])[] = [
  ['a plain one', true, deployment({})],
  [
    'quantities as text and numbers',
    true,
    deployment({ resources: { requests: { cpu: 1, memory: '64Mi' }, limits: { cpu: '1500m', memory: '1e9' } } }),
  ],
  [
    'one port for two protocols',
    true,
    deployment({
      ports: [
        { containerPort: 53, protocol: 'TCP' },
        { containerPort: 53, protocol: 'UDP' },
      ],
    }),
  ],
  [
    'a port by name and by number',
    true,
    deployment({
      ports: [{ name: 'http', containerPort: 80 }],
      livenessProbe: { tcpSocket: { port: 'http' } },
      readinessProbe: { tcpSocket: { port: 80 } },
    }),
  ],
  ['an unknown field', false, deployment({ imagePullPolicyy: 'Always' })],
  ['an unknown word', false, deployment({ imagePullPolicy: 'always' })],
  ['a text for a number', false, deployment({}, { replicas: '1' })],
  ['a number for a text', false, deployment({ env: [{ name: 'A', value: 1 }] })],
  ['no quantity', false, deployment({ resources: { requests: { memory: '64 MB' } } })],
  ['a variable twice', false, deployment({ env: [{ name: 'A' }, { name: 'A', value: 'b' }] })],
  [
    'a port twice',
    false,
    deployment({
      ports: [
        { containerPort: 80, protocol: 'TCP' },
        { containerPort: 80, protocol: 'TCP' },
      ],
    }),
  ],
  ['a mapping for a list', false, deployment({ args: { a: 'b' } })],
  ['a field that is missing', false, deployment({ ports: [{ name: 'http' }] })],
];

describe.skipIf(inject('stack') === undefined)('the schema that is committed', () => {
  const check = createSchemaCheck(unpackKubernetesSchema());

  it('is what `npm run schema` would take from the API server now', async () => {
    expect(JSON.parse(await readKubernetesSchema(stack))).toEqual(unpackKubernetesSchema());
  });

  it.each(CASES)('says of %s what the API server says', async (_, isRight, object) => {
    const query = 'fieldManager=test&fieldValidation=Strict&dryRun=All';
    const path = `/apis/apps/v1/namespaces/default/deployments/web?${query}`;
    const answer = await kubeFetch(stack, { method: 'PATCH', path, body: object, contentType: patchTypes.apply });
    expect({ server: answer.status < 300, schema: check(object).length === 0 }).toEqual({ server: isRight, schema: isRight });
  });
});

describe.skipIf(inject('stack') === undefined)('validate --cluster', () => {
  let site: Site;
  let folder: Awaited<ReturnType<typeof makeTempDirectory>>;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME });
    folder = await makeTempDirectory('validate');
  });
  afterAll(async () => {
    await folder?.remove();
    await site?.remove();
  });

  const write = async (name: string, object: JsonObject): Promise<string> => {
    const path = join(folder.path, name);
    await writeFile(path, JSON.stringify({ ...object, metadata: { name: name.replace('.json', ''), namespace: NAME } }));
    return path;
  };

  it('tells what only the API server knows, and writes nothing', async () => {
    const wrong = await write('wrong.json', deployment({}, { minReadySeconds: 600, progressDeadlineSeconds: 600 }));
    const right = await write('right.json', deployment({}));
    expect(await runCli(site.daemon, 'validate', wrong, right)).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await runCli(site.daemon, 'validate', '--cluster', wrong, right);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(
      /^error Deployment validate-cluster\/wrong: spec\.progressDeadlineSeconds: Invalid value: 600.* \[KUBERNETES_REFUSED\]$/m,
    );
    expect(stdout).toMatch(/wrong\.json:1:\d+ \(spec\.progressDeadlineSeconds\)$/m);
    expect(stdout).toContain('2 files with 2 objects: 1 error.');
    const { status } = await kubeFetch(stack, { method: 'GET', path: `/apis/apps/v1/namespaces/${NAME}/deployments/right` });
    expect(status).toBe(404);
  });

  it('tells once, with its place, what the schema and the dry run find', async () => {
    const wrong = await write('twice.json', deployment({ imagePullPolicyy: 'Always' }, { replicas: '1' }));
    const right = await write('right.json', deployment({}));
    const { code, stdout, stderr } = await runCli(site.daemon, 'validate', '--cluster', wrong, right);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toContain('error Container has no field "imagePullPolicyy" [SPEC_UNKNOWN_FIELD]');
    expect(stdout).toContain('error replicas must be a whole number, not a string [SPEC_INVALID_FIELD]');
    expect(stdout).toContain('2 files with 2 objects: 2 errors.');
  });

  it('knows the fields of custom kinds from the cluster', async () => {
    await kubeRequest(stack, 'POST', DEFINITIONS, definition());
    try {
      await waitUntil('the custom kind and its schema', async () => {
        const paths = [`/openapi/v3/apis/${GROUP}/v1`, `/apis/${GROUP}/v1/things`];
        const answers = await Promise.all(paths.map((path) => kubeFetch(stack, { method: 'GET', path })));
        return answers.every(({ status }) => status === 200) ? true : undefined;
      });
      const thing = (spec: JsonObject): JsonObject => ({ apiVersion: `${GROUP}/v1`, kind: 'Thing', spec });
      const wrong = await write('wrong.json', thing({ size: 'big', store: { pathh: '/a' }, port: 'http', any: { a: [1] } }));
      const right = await write('right.json', thing({ size: 1, store: { path: '/a' }, port: 80, any: { b: 2 } }));
      expect(await runCli(site.daemon, 'validate', wrong, right)).toMatchObject({ code: 0 });
      const { code, stdout, stderr } = await runCli(site.daemon, 'validate', '--cluster', '--output', 'json', wrong, right);
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
      const { problems } = JSON.parse(stdout) as { readonly problems: readonly JsonObject[] };
      expect(problems.map(({ file, path, message }) => [file, path, message])).toEqual([
        [wrong, 'spec.size', 'size must be a whole number, not a string'],
        [wrong, 'spec.store.pathh', 'store has no field "pathh"'],
      ]);
    } finally {
      await kubeFetch(stack, { method: 'DELETE', path: `${DEFINITIONS}/things.${GROUP}` });
    }
  });

  it('takes a field that the cluster has and the committed schema lacks', async () => {
    const newer = await write('newer.json', deployment({ brandNew: 'yes' }));
    expect((await runCli(site.daemon, 'validate', newer)).stdout).toContain('Container has no field "brandNew"');
    const { body } = await kubeFetch(stack, { method: 'GET', path: '/openapi/v3/apis/apps/v1' });
    const name = '"io.k8s.api.core.v1.Container":';
    const [before, after = ''] = JSON.stringify(body).split(name);
    const document = `${before}${name}${after.replace('"properties":{', '"properties":{"brandNew":{"type":"string"},')}`;
    site.kubernetes.intercept(({ path, method }) => {
      if (path === '/openapi/v3/apis/apps/v1') return { kind: 'answer', status: 200, body: document };
      return method === 'PATCH' ? { kind: 'answer', status: 201, body: '{}' } : undefined;
    });
    expect(await runCli(site.daemon, 'validate', '--cluster', newer)).toMatchObject({
      code: 0,
      stdout: '1 file with 1 object: nothing is wrong.\n',
    });
    const both = await write('both.json', deployment({ brandNew: 1, brandNewer: 1 }));
    const { stdout } = await runCli(site.daemon, 'validate', '--cluster', both);
    expect(stdout).toContain('brandNew must be a string, not a number');
    expect(stdout).toContain('Container has no field "brandNewer"');
    site.kubernetes.intercept(undefined);
  });

  it.each([
    [403, '/openapi/v3', 'no'],
    [404, '/openapi/v3', 'no'],
    [200, '/openapi/v3/apis/apps/v1', '{"components":{"schemas":{"a":null}}}'],
  ])('says that the cluster does not tell its schema (%d of %s), and goes on with the dry run', async (status, where, body) => {
    const wrong = await write('wrong.json', deployment({ imagePullPolicyy: 'Always' }));
    const right = await write('right.json', deployment({}));
    site.kubernetes.intercept(({ path }) => (path === where ? { kind: 'answer', status, body } : undefined));
    const failed = await runCli(site.daemon, 'validate', '--cluster', wrong, right);
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('[KUBERNETES_NO_SCHEMA]') });
    expect(failed.stdout).toMatch(
      /^error Deployment validate-cluster\/wrong: \.spec.*imagePullPolicyy: field not declared.* \[KUBERNETES_REFUSED\]$/m,
    );
    expect(failed.stdout).toContain('2 files with 2 objects: 1 error, 1 warning.');
    expect(await runCli(site.daemon, 'validate', '--cluster', right)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^warning the schema of the cluster (cannot be read|is malformed): /),
    });
    site.kubernetes.intercept(undefined);
  });

  it('fails when the API server does not answer', async () => {
    const right = await write('right.json', deployment({}));
    const silent = { ...site.daemon, env: { ...site.daemon.env, POOLKEEPER_KUBERNETES_KUBECONFIG: await silentKubeconfig(folder.path) } };
    const { code, stdout } = await runCli(silent, 'validate', '--cluster', right);
    expect(code).toBe(1);
    expect(stdout).toContain('[KUBERNETES_UNAVAILABLE]');
    expect(stdout).not.toContain('KUBERNETES_NO_SCHEMA');
  });
});

const GROUP = 'validate.example.com';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A kind with every sort of field that a schema may have. */
function definition(): JsonObject {
  const spec: JsonObject = {
    type: 'object',
    required: ['size', 'mode'],
    properties: {
      size: { type: 'integer' },
      mode: { type: 'string', default: 'plain' },
      store: { type: 'object', properties: { path: { type: 'string' } } },
      port: { 'x-kubernetes-int-or-string': true },
      any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${GROUP}` },
    spec: {
      group: GROUP,
      names: { kind: 'Thing', plural: 'things', singular: 'thing' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } }],
    },
  };
}

/** A kubeconfig for a port at which nobody listens. */
async function silentKubeconfig(folder: string): Promise<string> {
  const path = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'a', user: {} }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}
