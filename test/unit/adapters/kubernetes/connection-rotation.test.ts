import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubernetesConnection } from '../../../../src/adapters/kubernetes/connection.ts';
import { createKubeClient, type KubeClient } from '../../../../src/adapters/kubernetes/kube-client.ts';
import { selfSigned } from '../../../support/certificate.ts';

const SERVICE_ACCOUNT = join('var', 'run', 'secrets', 'kubernetes.io', 'serviceaccount');

describe('credentials that change under a running client', () => {
  const signal = AbortSignal.timeout(20_000);
  const authority = selfSigned('api-server');
  let directory: string;
  let server: Server;
  let port: number;
  /** Who has asked: the token, or the name in the client certificate. */
  let asked: string[];
  let streams: ServerResponse[];
  let clients: KubeClient[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rotation-'));
    [asked, streams, clients] = [[], [], []];
    server = createServer({ ...authority, requestCert: true, rejectUnauthorized: false }, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    await write('ca.crt', authority.cert);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all(clients.map((client) => client.close()));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { subject } = request.socket instanceof TLSSocket ? request.socket.getPeerCertificate() : {};
    asked.push(request.headers.authorization ?? String(subject?.CN));
    if (request.url !== '/watch') return void response.end('{}');
    streams.push(response.writeHead(200));
    response.write('{"n":1}\n');
  }

  const write = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);
  const open = (connection: KubernetesConnection, allowCommands = false): KubeClient => {
    const client = createKubeClient({ connection, allowCommands });
    clients.push(client);
    return client;
  };
  const ask = (client: KubeClient, timeoutMs = 10_000): Promise<unknown> =>
    client.send({ method: 'GET', path: '/call', timeoutMs }, signal);

  async function withKubeconfig(user: object, allowCommands = false): Promise<KubeClient> {
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': 'ca.crt' };
    const config = {
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await write('config', JSON.stringify(config));
    return open({ kind: 'kubeconfig', path: join(directory, 'config') }, allowCommands);
  }

  it('sends the token that the file of a kubeconfig holds now, which wins over a token', async () => {
    await write('token', 'one\n');
    const client = await withKubeconfig({ tokenFile: 'token', token: 'old' });
    await ask(client);
    await write('token', 'two\n');
    await ask(client);
    expect(asked).toEqual(['Bearer one', 'Bearer two']);
  });

  it('says that the token cannot be read, and goes on when it can', async () => {
    await write('token', 'one');
    const client = await withKubeconfig({ tokenFile: 'token' });
    await rm(join(directory, 'token'));
    await expect(ask(client)).rejects.toMatchObject({ problem: { message: expect.stringContaining('ENOENT') } });
    await write('token', 'two');
    await ask(client);
    expect(asked).toEqual(['Bearer two']);
  });

  it('sends the token that the service account of the Pod holds now', async () => {
    await mkdir(join(directory, SERVICE_ACCOUNT), { recursive: true });
    await write(join(SERVICE_ACCOUNT, 'ca.crt'), authority.cert);
    await write(join(SERVICE_ACCOUNT, 'namespace'), 'ours');
    await write(join(SERVICE_ACCOUNT, 'token'), 'one');
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String(port));
    const client = open({ kind: 'in-cluster', root: directory });
    expect(client.namespace).toBe('ours');
    await ask(client);
    await write(join(SERVICE_ACCOUNT, 'token'), 'two');
    await ask(client);
    expect(asked).toEqual(['Bearer one', 'Bearer two']);
  });

  it('says that it runs in no Pod, or in one without a token', () => {
    expect(() => open({ kind: 'in-cluster', root: directory })).toThrow(/CONFIG_INVALID.*KUBERNETES_SERVICE_HOST/);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String(port));
    expect(() => open({ kind: 'in-cluster', root: directory })).toThrow(/CONFIG_UNREADABLE.*token of the service account/);
  });

  it('shows the client certificate that the files hold now, and leaves open watches alone', async () => {
    const show = async (name: string): Promise<void> => {
      const { cert, key } = selfSigned(name);
      await write('client.crt', cert);
      await write('client.key', key);
    };
    await show('one');
    const client = await withKubeconfig({ 'client-certificate': 'client.crt', 'client-key': 'client.key' });
    const watch = await client.open({ method: 'GET', path: '/watch', timeoutMs: 10_000 }, signal);
    if (!('documents' in watch)) throw new Error('no stream');
    await ask(client);
    await show('two');
    await ask(client);
    expect(asked).toEqual(['one', 'one', 'two']);
    streams[0]?.end('{"n":2}\n');
    const seen: unknown[] = [];
    for await (const document of watch.documents) seen.push(document);
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('lets a program log in where that is allowed, but not for longer than the request may take', async () => {
    const exec = (script: string): object => ({ exec: { command: process.execPath, args: ['-e', script] } });
    await ask(await withKubeconfig(exec('console.log(JSON.stringify({ status: { token: "one" } }))'), true));
    expect(asked).toEqual(['Bearer one']);
    const hanging = ask(await withKubeconfig(exec('setTimeout(() => {}, 3_000)'), true), 500);
    await expect(hanging).rejects.toMatchObject({ problem: { message: expect.stringContaining('no end after 0.5 s') } });
  });
});
