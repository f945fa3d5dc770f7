import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { DaemonProcess } from '../support/daemon-process.ts';
import { prepareDaemon } from '../support/daemon-process.ts';
import type { GitServer } from '../support/git-server.ts';
import { startGitServer } from '../support/git-server.ts';
import { type Load, startLoad } from '../support/http-load.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAMESPACE = 'e2e-traffic';
const HOST = 'echoserver.example.com';
const OTHER_HOST = 'steady.example.com';

/** The ancestor's envelope as it is, as decoded JSON. */
interface Envelope {
  objects: {
    deployments: { specification: { spec: { replicas: number } } };
    services: { specification: { metadata: { annotations: Record<string, string> }; spec: { ports: { nodePort?: number }[] } } };
  };
}

const steady = `apiVersion: v1
kind: Service
metadata:
  name: steady
  annotations:
    traefik.enable: "true"
    traefik.frontend.rule: Host:${OTHER_HOST}
    tags: kubernetes
spec:
  type: NodePort
  selector: { app: steady }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: steady }
spec:
  replicas: 2
  selector: { matchLabels: { app: steady } }
  template:
    metadata: { labels: { app: steady } }
    spec: { containers: [{ name: web, image: registry.example.com/steady:1 }] }
`;

const stack = inject('stack');

describe('from a commit to traffic, on real servers', () => {
  let git: GitServer;
  let daemon: DaemonProcess;
  let listeners: NodeListeners;
  const loads: Load[] = [];
  const servers = stack;
  const webUrl = servers.traefik?.webUrl ?? '';

  beforeAll(async () => {
    await kubeRequest(servers, 'POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    listeners = await startNodeListeners({ stack: servers, nodes: SHARED_NODES });
    git = await startGitServer({ user: 'keeper', password: 'correct horse' });
    await git.commit({ 'steady.yaml': steady }, 'a service that nobody touches');
    daemon = await prepareDaemon({
      stack: servers,
      cluster: 'e2e',
      owner: 'e2e-traffic',
      keyPath: 'e2e-traffic',
      namespace: NAMESPACE,
      git: { url: git.url, username: 'keeper', password: 'correct horse' },
      // Webhooks tell of commits.
      env: { POOLKEEPER_GIT_INTERVAL: '10m' },
    });
    await daemon.start();
  });

  afterAll(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    await daemon?.remove();
    await listeners?.stop();
    await git?.stop();
  });

  it('routes a commit to every node, changes without a lost request, and removes only after the drain', async () => {
    await waitUntil('the untouched service in traffic', async () => ((await ask(webUrl, OTHER_HOST)).status === 200 ? true : undefined));
    const untouched = startLoad({ url: webUrl, headers: { host: OTHER_HOST }, perSecond: 50 });
    loads.push(untouched);

    const original = await readFile(new URL('../unit/core/spec/fixtures/echoserver.json', import.meta.url), 'utf8');
    await git.commit({ 'echoserver.json': original }, 'echoserver');
    expect(await daemon.hook()).toBe(202);
    await waitUntil('echoserver in traffic', async () => ((await ask(webUrl, HOST)).status === 200 ? true : undefined));
    const bodies = new Set<string>();
    for (let i = 0; i < 9; i++) bodies.add((await ask(webUrl, HOST)).body.split(' ')[0] ?? '');
    expect([...bodies].sort()).toEqual(['n1', 'n2', 'n3']);
    const firstPorts = openPorts(listeners, 'n1');

    const changing = startLoad({ url: webUrl, headers: { host: HOST }, perSecond: 50 });
    loads.push(changing);
    await git.commit({ 'echoserver.json': changed(original) }, 'another NodePort, another tag, one more replica');
    expect(await daemon.hook()).toBe(202);
    await waitUntil('the new NodePort open', () => (listeners.open().includes('n1:32111') ? true : undefined));
    expect(openPorts(listeners, 'n1')).toEqual(expect.arrayContaining([...firstPorts, '32111']));
    await waitUntil('the old NodePort closed', () => (openPorts(listeners, 'n1').length === firstPorts.length ? true : undefined), {
      timeoutMs: 40_000,
    });
    await daemon.waitFor('rest after the second commit', (report) => report.specs.every((spec) => spec.state === 'in-step'));
    expect(changing.soFar().failures).toEqual([]);
    expect(tagsOf(await instances(servers))).toEqual([expect.arrayContaining(['kubernetes', 'blue'])]);

    expect(await daemon.metrics()).toMatch(/sync_latency_seconds_count\{stage="total",start="webhook"[^}]*\} 2/);

    const removedAtMs = Date.now();
    await git.commit({}, 'no echoserver any more', { remove: ['echoserver.json'] });
    expect(await daemon.hook()).toBe(202);
    const deregisteredAtMs = await waitUntil('echoserver out of Consul', async () =>
      (await instances(servers)).length === 0 ? Date.now() : undefined,
    );
    const deployment = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/echoserver`;
    expect((await kubeRequest(servers, 'GET', deployment)) as object).toMatchObject({ kind: 'Deployment' });
    expect(listeners.open()).toContain('n1:32111');
    await waitUntil('echoserver out of Kubernetes', () => (listeners.open().includes('n1:32111') ? undefined : true));
    await daemon.waitFor('rest after the third commit', (report) => report.specs.length === 1 && report.specs[0]?.state === 'in-step');

    const result = await changing.stop();
    const failed = result.failures.filter((sample) => sample.sentAtMs < removedAtMs);
    expect(failed).toEqual([]);
    const late = result.failures.filter((sample) => sample.sentAtMs >= removedAtMs);
    expect(late.length).toBeGreaterThan(0);
    expect(new Set(late.map((sample) => sample.status))).toEqual(new Set(late.map((sample) => (sample.status === 503 ? 503 : 404))));
    // 300 ms: the time between the transaction and the test's own look at the catalog.
    expect(Math.min(...late.map((sample) => sample.sentAtMs))).toBeGreaterThan(Math.min(deregisteredAtMs, removedAtMs + 50) - 300);
    expect((await untouched.stop()).failures).toEqual([]);
    expect(listeners.problems).toEqual([]);
  });
});

function changed(original: string): string {
  const envelope = JSON.parse(original) as Envelope;
  envelope.objects.deployments.specification.spec.replicas = 3;
  const { metadata, spec } = envelope.objects.services.specification;
  metadata.annotations['tags'] = 'kubernetes,k8s,blue';
  for (const port of spec.ports) port.nodePort = 32_111;
  return JSON.stringify(envelope, null, 2);
}

const openPorts = (listeners: NodeListeners, node: string): readonly string[] =>
  listeners.open().flatMap((open) => (open.startsWith(`${node}:`) ? [open.slice(node.length + 1)] : []));

interface CatalogService {
  readonly ServiceTags: readonly string[];
}

async function instances({ consulUrl }: StackConnection): Promise<readonly CatalogService[]> {
  return (await (await fetch(`${consulUrl}/v1/catalog/service/echoserver`)).json()) as readonly CatalogService[];
}

/** The different tag lists of some instances. */
function tagsOf(services: readonly CatalogService[]): readonly (readonly string[])[] {
  return [...new Set(services.map((service) => JSON.stringify(service.ServiceTags)))].map((text) => JSON.parse(text) as readonly string[]);
}

/** One request through Traefik, by Host; an error counts as status 0. */
function ask(url: string, host: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve) => {
    const outgoing = request(url, { headers: { host }, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', () => resolve({ status: 0, body: '' }));
    outgoing.end();
  });
}
