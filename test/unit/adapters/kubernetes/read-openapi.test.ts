import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKubeClient, type KubeClient } from '../../../../src/adapters/kubernetes/kube-client.ts';
import { readOpenApi } from '../../../../src/adapters/kubernetes/read-openapi.ts';

const INDEX = {
  paths: {
    'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=a' },
    'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=b' },
    'apis/example.com/v1': { serverRelativeURL: 'https://elsewhere.example/openapi/v3/' },
  },
};

describe('the schema of a cluster', () => {
  let server: Server;
  let client: KubeClient;
  let asked: string[];
  /** What is answered in the place of a document, by path. */
  let instead: Readonly<Record<string, (response: ServerResponse) => unknown>>;
  const signal = AbortSignal.timeout(20_000);

  beforeEach(async () => {
    asked = [];
    instead = {};
    server = createServer(({ url = '' }, response) => {
      asked.push(url);
      const [path = ''] = url.split('?');
      const other = instead[path];
      if (other !== undefined) return void other(response);
      const known: Readonly<Record<string, object>> = { '/version': { gitVersion: 'v1.40.2' }, '/openapi/v3': INDEX };
      response.end(JSON.stringify(known[path] ?? { components: { schemas: {} }, path }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = createKubeClient({ connection: { kind: 'explicit', server: url, skipTlsVerify: true } });
  });
  afterEach(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is read as far as it is needed, and from nowhere else', async () => {
    const answer = await readOpenApi(client, ['apps/v1', 'example.com/v1', 'example.com/v2', 'apps/v1'], signal);
    expect(answer).toEqual({
      kind: 'read',
      release: '1.40.2',
      documents: [{ components: { schemas: {} }, path: '/openapi/v3/apis/apps/v1' }],
    });
    expect(asked.sort()).toEqual(['/openapi/v3', '/openapi/v3/apis/apps/v1?hash=b', '/version']);
  });

  it.each<[string, string, (response: ServerResponse) => unknown, string]>([
    [
      'an index that is not served',
      '/openapi/v3',
      (response) => response.writeHead(404).end('404 page not found'),
      'does not serve /openapi/v3',
    ],
    ['an index that is forbidden', '/openapi/v3', (response) => response.writeHead(403).end('no'), 'forbids "get" on /openapi/v3'],
    ['a document that fails', '/openapi/v3/apis/apps/v1', (response) => response.writeHead(500).end('no'), 'could not get'],
    ['a document that is no JSON', '/openapi/v3/apis/apps/v1', (response) => response.end('<html>'), 'something else than JSON'],
    ['a document without an end', '/openapi/v3/apis/apps/v1', endless, 'is longer than 50331648 bytes'],
  ])('is not half of it: %s', async (_, path, answer, reason) => {
    instead = { [path]: answer };
    const read = await readOpenApi(client, ['v1', 'apps/v1'], signal);
    const message = expect.stringMatching(/^the schema of the cluster cannot be read: /);
    expect(read).toMatchObject({ kind: 'unreadable', problem: { code: 'KUBERNETES_NO_SCHEMA', severity: 'warning', message } });
    expect(read).toMatchObject({ problem: { message: expect.stringContaining(reason) } });
  });
});

/** Writes until nobody listens any more. */
function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(1_000_000, ' ');
  const more = (): void => {
    while (!response.destroyed && response.write(chunk)) {
      // Until the buffer is full.
    }
    response.once('drain', more);
  };
  response.on('error', () => undefined);
  more();
}
