import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createSchemaCheck, unpackKubernetesSchema } from '../../src/adapters/schema/kubernetes-schema.ts';
import type { JsonObject } from '../../src/core/model/objects.ts';
import { readKubernetesSchema } from '../support/generate-kubernetes-schema.ts';
import { kubeFetch, patchTypes } from '../support/kube-client.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { runCli } from '../support/run-cli.ts';
import { prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

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
    const wrong = await write('wrong.json', deployment({}, { replicas: -1 }));
    const right = await write('right.json', deployment({}));
    expect(await runCli(site.daemon, 'validate', wrong, right)).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await runCli(site.daemon, 'validate', '--cluster', wrong, right);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^error Deployment validate-cluster\/wrong: spec\.replicas: Invalid value: -1.* \[KUBERNETES_REFUSED\]$/m);
    expect(stdout).toContain('2 files with 2 objects: 1 error.');
    const { status } = await kubeFetch(stack, { method: 'GET', path: `/apis/apps/v1/namespaces/${NAME}/deployments/right` });
    expect(status).toBe(404);
  });

  it('fails when the API server does not answer', async () => {
    const right = await write('right.json', deployment({}));
    const silent = { ...site.daemon, env: { ...site.daemon.env, POOLKEEPER_KUBERNETES_KUBECONFIG: await silentKubeconfig(folder.path) } };
    const { code, stdout } = await runCli(silent, 'validate', '--cluster', right);
    expect(code).toBe(1);
    expect(stdout).toContain('[KUBERNETES_UNAVAILABLE]');
  });
});

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
