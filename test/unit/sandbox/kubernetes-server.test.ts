import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SandboxKubernetes, startSandboxKubernetes } from '../../../src/sandbox/kubernetes/start-sandbox-kubernetes.ts';

type Json = { readonly [key: string]: Json } & { readonly [index: number]: Json };

const configMaps = '/api/v1/namespaces/default/configmaps';
let sandbox: SandboxKubernetes;

beforeEach(async () => {
  sandbox = await startSandboxKubernetes({ podDelayMs: 10, controllerDelayMs: 1, bookmarkIntervalMs: 10 });
});
afterEach(() => sandbox.stop());

async function call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<{ status: number; body: Json }> {
  const headers = { 'content-type': type };
  const response = await fetch(sandbox.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as Json };
}
const apply = (path: string, body: unknown): Promise<{ status: number; body: Json }> =>
  call('PATCH', `${path}?fieldManager=us`, body, 'application/apply-patch+yaml');
const put = (name: string, labels: Record<string, string> = {}, data = {}): Promise<{ status: number; body: Json }> =>
  apply(`${configMaps}/${name}`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data });

/** Reads the events of a watch: each call of `next` waits for one that is no bookmark. */
async function watch(path: string): Promise<{ next(bookmarks?: boolean): Promise<Json | undefined>; close(): void }> {
  const stop = new AbortController();
  const response = await fetch(sandbox.url + path, { signal: stop.signal });
  const lines = (async function* (): AsyncGenerator<Json, undefined> {
    let rest = '';
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) yield JSON.parse(part) as Json;
    }
    return undefined;
  })();
  return {
    next: async (bookmarks = false) => {
      for (;;) {
        const { value } = await lines.next();
        if (value === undefined || bookmarks || textOf(value['type']) !== 'BOOKMARK') return value;
      }
    },
    close: () => stop.abort(),
  };
}
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const summary = (event: Json | undefined): unknown => event && [event['type'], event['object']?.['metadata']?.['name']];

describe('watching', () => {
  it('replays what came after the version of a list, then goes on', async () => {
    await put('a');
    const version = (await call('GET', configMaps)).body['metadata']?.['resourceVersion'];
    await put('b');
    const events = await watch(`${configMaps}?watch=true&resourceVersion=${textOf(version)}`);
    expect(summary(await events.next())).toEqual(['ADDED', 'b']);
    await put('b', { x: '1' });
    expect(summary(await events.next())).toEqual(['MODIFIED', 'b']);
    await call('DELETE', `${configMaps}/b`);
    expect(summary(await events.next())).toEqual(['DELETED', 'b']);
    events.close();
  });

  it('adds and deletes what begins and ceases to match the selector', async () => {
    const events = await watch(`${configMaps}?watch=true&labelSelector=${encodeURIComponent('x in (1,2),!y')}`);
    await put('a');
    await put('a', { x: '1' });
    expect(summary(await events.next())).toEqual(['ADDED', 'a']);
    await put('a', { x: '2' });
    expect(summary(await events.next())).toEqual(['MODIFIED', 'a']);
    await put('a', { x: '2', y: '1' });
    expect(summary(await events.next())).toEqual(['DELETED', 'a']);
    events.close();
  });

  it('sends bookmarks with the present version', async () => {
    const events = await watch(`${configMaps}?watch=true&resourceVersion=1&allowWatchBookmarks=true`);
    const version = (await call('GET', configMaps)).body['metadata']?.['resourceVersion'];
    expect(await events.next(true)).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { resourceVersion: version } },
    });
    events.close();
  });

  it('answers a forgotten version with an ERROR event, and a forgotten page with 410', async () => {
    await put('a');
    await put('b');
    const page = (await call('GET', `${configMaps}?limit=1`)).body['metadata']?.['continue'];
    sandbox.compactHistory();
    await put('c');
    const events = await watch(`${configMaps}?watch=true&resourceVersion=1`);
    expect(await events.next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
    expect(await events.next()).toBeUndefined();
    sandbox.compactHistory();
    expect((await call('GET', `${configMaps}?limit=1&continue=${textOf(page)}`)).status).toBe(410);
  });
});

describe('the API', () => {
  it('lists in pages, each object once', async () => {
    for (const name of ['a', 'b', 'c']) await put(name);
    const names: unknown[] = [];
    let next = '';
    do {
      const { body } = await call('GET', `${configMaps}?limit=2&continue=${next}`);
      names.push(...(body['items'] as unknown as Json[]).map((object) => object['metadata']?.['name']));
      next = textOf(body['metadata']?.['continue']);
    } while (next !== '');
    expect(names).toEqual(['a', 'b', 'c']);
  });

  it('keeps the resourceVersion when the same is applied again, and writes nothing in a dry-run', async () => {
    const first = await put('a', {}, { k: '1' });
    expect((await put('a', {}, { k: '1' })).body).toEqual(first.body);
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: '2' } };
    const dry = await call('PATCH', `${configMaps}/a?fieldManager=us&dryRun=All`, body, 'application/apply-patch+yaml');
    expect(dry.body['data']).toEqual({ k: '2' });
    expect((await call('GET', `${configMaps}/a`)).body).toEqual(first.body);
  });

  it('patches by JSON patch all or nothing', async () => {
    await put('a', {}, { k: '1' });
    const json = 'application/json-patch+json';
    const replace = { op: 'replace', path: '/data/k', value: '2' };
    expect((await call('PATCH', `${configMaps}/a`, [replace, { op: 'test', path: '/data/k', value: '1' }], json)).status).toBe(422);
    expect((await call('PATCH', `${configMaps}/a`, [replace, { op: 'remove', path: '/data/none' }], json)).status).toBe(422);
    expect((await call('GET', `${configMaps}/a`)).body['data']).toEqual({ k: '1' });
    expect((await call('PATCH', `${configMaps}/a`, [replace, { op: 'add', path: '/data/x~1y', value: '3' }], json)).body['data']).toEqual({
      k: '2',
      'x/y': '3',
    });
  });

  it('deletes only what the preconditions name', async () => {
    const { body } = await put('a');
    expect((await call('DELETE', `${configMaps}/a`, { preconditions: { uid: 'other' } })).status).toBe(409);
    expect((await call('DELETE', `${configMaps}/a`, { preconditions: { resourceVersion: '1' } })).status).toBe(409);
    const { uid, resourceVersion } = body['metadata'] ?? {};
    expect((await call('DELETE', `${configMaps}/a`, { preconditions: { uid, resourceVersion } })).status).toBe(200);
  });

  it('keeps an object with finalizers until the last one is gone', async () => {
    await put('a');
    await call('PATCH', `${configMaps}/a`, { metadata: { finalizers: ['x/y'] } }, 'application/merge-patch+json');
    await call('DELETE', `${configMaps}/a`);
    expect((await call('GET', `${configMaps}/a`)).body['metadata']).toHaveProperty('deletionTimestamp');
    await call('PATCH', `${configMaps}/a`, { metadata: { finalizers: null } }, 'application/merge-patch+json');
    expect((await call('GET', `${configMaps}/a`)).status).toBe(404);
  });

  it('empties a deleted namespace, lets nothing in, and removes it', async () => {
    await call('POST', '/api/v1/namespaces', { metadata: { name: 'gone' } });
    await call('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'a', finalizers: ['x/y'] } });
    expect((await call('DELETE', '/api/v1/namespaces/gone')).body['status']).toEqual({ phase: 'Terminating' });
    expect((await call('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'b' } })).status).toBe(403);
    await call('PATCH', '/api/v1/namespaces/gone/configmaps/a', { metadata: { finalizers: null } }, 'application/merge-patch+json');
    await expect.poll(async () => (await call('GET', '/api/v1/namespaces/gone')).status).toBe(404);
    expect((await call('GET', '/api/v1/configmaps')).body['items']).toEqual([]);
    expect((await call('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'b' } })).status).toBe(404);
  });

  it.each(['/apis/batch/v1/jobs', '/api/v1/namespaces/default/endpoints', '/api/v1/namespaces/default/nodes/n1'])(
    'does not serve %s',
    async (path) => {
      expect(await call('GET', path)).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
    },
  );

  it('does not take a request without the token, when it wants one', async () => {
    const closed = await startSandboxKubernetes({ token: 'secret' });
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${closed.url}${configMaps}`, { headers })).status;
    expect([await status({}), await status({ authorization: 'Bearer secret' })]).toEqual([401, 200]);
    await closed.stop();
  });
});

describe('faults and counting', () => {
  it('fails as often as it is told, and only what it is told', async () => {
    sandbox.inject({ verb: 'patch', resource: 'configmaps', times: 2, fault: { status: 503 } });
    expect((await call('GET', configMaps)).status).toBe(200);
    expect([(await put('a')).status, (await put('a')).status, (await put('a')).status]).toEqual([503, 503, 201]);
  });

  it('loses the answer of a write that was done', async () => {
    sandbox.inject({ verb: 'patch', fault: 'lose-answer' });
    await expect(put('a')).rejects.toThrow();
    expect((await call('GET', `${configMaps}/a`)).status).toBe(200);
    const remove = sandbox.inject({ fault: 'close', times: Number.POSITIVE_INFINITY });
    await expect(put('b')).rejects.toThrow();
    remove();
    expect((await call('GET', `${configMaps}/b`)).status).toBe(404);
  });

  it('knows the writes, without dry-runs', async () => {
    await put('a');
    await call('DELETE', `${configMaps}/a?dryRun=All`);
    await call('GET', configMaps);
    expect(sandbox.requests().map(({ verb }) => verb)).toEqual(['patch', 'delete', 'list']);
    expect(sandbox.writes()).toEqual([{ verb: 'patch', resource: 'configmaps', namespace: 'default', name: 'a', dryRun: false }]);
    sandbox.clearRequests();
    expect(sandbox.requests()).toEqual([]);
  });
});

describe('the controllers', () => {
  const labels = { app: 'web' };
  const deployment = (replicas: number, image = 'web:1'): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image, ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }] },
      },
    },
  });
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', labels: { ours: 'yes' } },
    spec: { type: 'NodePort', selector: labels, ports: [{ name: 'web', port: 80, protocol: 'TCP', targetPort: 'http' }] },
  };
  const deployments = '/apis/apps/v1/namespaces/default/deployments/web';
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  const readyNodes = (): readonly string[] | undefined => sandbox.services()[0]?.readyNodes;

  beforeEach(async () => {
    for (const name of ['n1', 'n2', 'n3']) sandbox.createNode(name, `127.0.1.${name.slice(1)}`);
    await apply(deployments, deployment(2));
    await apply('/api/v1/namespaces/default/services/web', service);
    await expect.poll(readyNodes).toEqual(['n1', 'n2']);
  });

  it('publish the ready pods, with the labels of the Service and its ownership', async () => {
    const { body } = await call('GET', slices);
    expect(body['items']?.[0]).toMatchObject({
      metadata: {
        labels: { ours: 'yes', 'kubernetes.io/service-name': 'web' },
        ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
      },
      ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
    });
  });

  it('report a rollout and keep the old pods until the new ones are ready', async () => {
    const seen: (readonly string[])[] = [];
    const forget = sandbox.onServiceChange((services) => seen.push(services[0]?.readyNodes ?? []));
    await apply(deployments, deployment(2, 'web:2'));
    const status = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2 };
    await expect.poll(async () => (await call('GET', deployments)).body['status']).toMatchObject(status);
    const conditions = [
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
    ];
    await expect.poll(async () => (await call('GET', deployments)).body['status']).toMatchObject({ availableReplicas: 2, conditions });
    expect(seen.filter((nodes) => nodes.length === 0)).toEqual([]);
    forget();
  });

  it('write a status only when it changes', async () => {
    await expect.poll(async () => (await call('GET', deployments)).body['status']).toMatchObject({ availableReplicas: 2 });
    const { resourceVersion } = (await call('GET', deployments)).body['metadata'] ?? {};
    // They look at everything again, and find nothing to write about it.
    await apply('/api/v1/namespaces/default/services/other', { ...service, metadata: { name: 'other' } });
    await expect.poll(async () => (await call('GET', slices)).body['items']).toHaveLength(2);
    expect((await call('GET', deployments)).body['metadata']?.['resourceVersion']).toBe(resourceVersion);
  });

  it('take a node that is not ready out, and bring it back; move the pods of a deleted one', async () => {
    sandbox.setNodeReady('n1', false);
    await expect.poll(readyNodes).toEqual(['n2']);
    sandbox.setNodeReady('n1', true);
    await expect.poll(readyNodes).toEqual(['n1', 'n2']);
    sandbox.deleteNode('n1');
    await expect.poll(() => readyNodes()?.toSorted()).toEqual(['n2', 'n3']);
  });

  it('remove the slice of a deleted Service', async () => {
    await call('DELETE', '/api/v1/namespaces/default/services/web');
    await expect.poll(async () => (await call('GET', slices)).body['items']).toEqual([]);
  });
});
