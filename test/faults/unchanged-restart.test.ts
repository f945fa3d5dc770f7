import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubeRequest } from '../support/kube-client.ts';
import type { RecordedRequest } from '../support/recording-proxy.ts';
import { type CatalogNode, catalogNodes, consulRequest, endLeases, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'unchanged';
const REST_MS = 30_000;

/** A Service of the ancestor's annotations, with a workload. */
const app = (name: string): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}-${NAME}
  annotations: { traefik.enable: "true", "traefik.frontend.rule": "Host:${name}.unchanged.example.com", tags: kubernetes }
spec: { type: NodePort, selector: { app: ${name} }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - { name: web, image: registry.example.com/web:1, resources: { limits: { cpu: 1000m, memory: 1024Mi } } }
`;

/** Kinds, defaults and quantities that the server rewrites: none of it may look like drift. */
const files = {
  'one.yaml': app('one'),
  'two.yaml': app('two').replace('port: 80, ', 'name: http, nodePort: 30040, port: 80, protocol: TCP, '),
  'many.yaml': `${app('three')}---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { a: "1" }
---
apiVersion: v1
kind: Secret
metadata: { name: password }
stringData: { password: correct horse }
---
apiVersion: v1
kind: Service
metadata: { name: internal }
spec: { selector: { app: three }, ports: [{ port: 80 }] }
`,
};

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('a restart with nothing changed', () => {
  let site: Site;
  let settled: unknown;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME, files, env: { POOLKEEPER_GIT_INTERVAL: '30s' } });
    await site.daemon.start();
    await settle(site);
    settled = await stateOf(site);
  });

  afterAll(async () => {
    await site?.remove();
  });

  it.each([
    ['SIGTERM', () => site.daemon.stop()],
    ['kill -9', () => site.daemon.kill().then(() => endLeases(site))],
  ] as const)('writes nothing after %s', async (_, end) => {
    await end();
    for (const proxy of [site.kubernetes, site.consul]) proxy.forget();
    await site.daemon.start();
    await settle(site);
    const seen = [...site.kubernetes.requests, ...site.consul.requests];
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter(({ query }) => query.has('dryRun'))).toEqual([]);
    const kinds = new Set(seen.flatMap(writeKindsOf));
    expect([...kinds].sort()).toEqual(['Lease', 'lock acquire', 'session create']);
    expect(await stateOf(site)).toEqual(settled);
  });

  it('writes nothing on a resync either', async () => {
    for (const proxy of [site.kubernetes, site.consul]) proxy.forget();
    const before = (await site.daemon.status()).startedAtMs;
    await site.daemon.resync();
    await site.daemon.waitFor('the run of the resync', ({ startedAtMs, trigger }) => startedAtMs > before && trigger.includes('resync'));
    const kinds = [...site.kubernetes.requests, ...site.consul.requests].flatMap(writeKindsOf);
    expect(kinds.filter((kind) => kind !== 'Lease')).toEqual([]);
    expect(await stateOf(site)).toEqual(settled);
  });

  it('asks next to nothing at rest', async () => {
    await settle(site);
    const proxies = [site.kubernetes, site.consul];
    for (const proxy of proxies) proxy.forget();
    const git = site.git.requests();
    // The time itself is what is asked for here: nothing could be awaited.
    await sleep(REST_MS);
    const asked = proxies.flatMap(({ requests }) => requests).filter((request) => !request.waits && !isRenewal(request));
    const perMinute = 60_000 / REST_MS;
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    expect((asked.length + site.git.requests() - git) * perMinute).toBeLessThan(5);
  });
});

const isRenewal = (request: RecordedRequest): boolean =>
  request.path.startsWith('/v1/session/renew/') || writeKindsOf(request).includes('Lease');

/** Waits until every spec is in step, this replica leads, and for a second nothing has been asked. */
async function settle(site: Site): Promise<void> {
  await site.daemon.waitFor(
    'rest',
    ({ specs, leader, sources }) =>
      specs.length === Object.keys(files).length &&
      specs.every(({ state }) => state === 'in-step') &&
      leader.consul &&
      leader.kubernetes &&
      sources.every(({ kind }) => kind === 'complete'),
  );
  const lastAskedMs = (): number =>
    Math.max(0, ...[...site.kubernetes.requests, ...site.consul.requests].filter((r) => !r.waits && !isRenewal(r)).map((r) => r.atMs));
  await waitUntil('a quiet second', () => (Date.now() - lastAskedMs() > 1_000 ? true : undefined));
}

/** Everything of the site in both stores with its version, but for what leading writes: the Lease and the leader key. */
async function stateOf({ stack: servers, name }: Site): Promise<unknown> {
  const kinds = ['api/v1', 'apis/apps/v1'].flatMap((group) =>
    (group === 'api/v1' ? ['services', 'configmaps', 'secrets'] : ['deployments']).map((kind) => `/${group}/namespaces/${name}/${kind}`),
  );
  const lists = await Promise.all(kinds.map(async (path) => (await kubeRequest(servers, 'GET', path)) as ObjectList));
  const nodes = await catalogNodes(servers, name);
  return {
    objects: lists.flatMap(({ items }) => items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)),
    nodes: nodes.map(({ Node, ModifyIndex }) => `${Node} ${ModifyIndex}`),
    onNodes: await Promise.all(nodes.map((node) => onNode(servers, node))),
    keys: (await kvEntries(servers, `${name}/`))
      .filter(({ key }) => !key.endsWith('/leader'))
      .map(({ key, modifyIndex }) => `${key} ${modifyIndex}`),
  };
}

interface ObjectList {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[];
}

/** Instances and checks of a Consul node with their indexes. */
async function onNode(servers: StackConnection, { Node }: CatalogNode): Promise<readonly string[]> {
  const { Services } = (await consulRequest(servers, 'GET', `/v1/catalog/node-services/${Node}`)) as { Services: readonly Indexed[] };
  const checks = (await consulRequest(servers, 'GET', `/v1/health/node/${Node}`)) as readonly Indexed[];
  return [...Services, ...checks].map(({ ID, CheckID, ModifyIndex }) => `${ID ?? CheckID} ${ModifyIndex}`);
}

interface Indexed {
  readonly ID?: string;
  readonly CheckID?: string;
  readonly ModifyIndex: number;
}
