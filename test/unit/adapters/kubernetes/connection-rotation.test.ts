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
  /** Whom the server lets in. */
  let known: (authorization: string | undefined) => boolean;
  let streams: ServerResponse[];
  let clients: KubeClient[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rotation-'));
    [asked, streams, clients] = [[], [], []];
    known = () => true;
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
    if (!known(request.headers.authorization)) return void response.writeHead(401).end('{}');
    if (request.url !== '/watch') return void response.end('{}');
    streams.push(response.writeHead(200));
    response.write('{"n":1}\n');
  }

  const write = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);
  const open = (connection: KubernetesConnection, allowCommands = false, credentialsAgeMs = 0): KubeClient => {
    const client = createKubeClient({ connection, allowCommands, credentialsAgeMs });
    clients.push(client);
    return client;
  };
  const ask = (client: KubeClient, timeoutMs = 10_000): Promise<unknown> =>
    client.send({ method: 'GET', path: '/call', timeoutMs }, signal);

  const configOf = (user: object, server = `https://127.0.0.1:${port}`): object => ({
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority': 'ca.crt' } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });

  async function withKubeconfig(user: object, allowCommands = false): Promise<KubeClient> {
    const config = configOf(user);
    await write('config', JSON.stringify(config));
    return open({ kind: 'kubeconfig', path: join(directory, 'config') }, allowCommands);
  }

  it('sends the token that the kubeconfig itself holds now, to the server and in the context of the start', async () => {
    const client = await withKubeconfig({ token: 'one' });
    await ask(client);
    await withKubeconfig({ token: 'two' });
    await ask(client);
    await write('config', 'half-writ: [');
    await ask(client);
    await write('config', JSON.stringify({ ...configOf({ token: 'three' }), 'current-context': 'elsewhere' }));
    await ask(client);
    const moved = configOf({ token: 'four' }, 'https://192.0.2.1');
    await write('config', JSON.stringify(moved));
    await ask(client);
    expect(asked).toEqual(['Bearer one', 'Bearer two', 'Bearer two', 'Bearer three', 'Bearer three']);
  });

  it('logs in again by its program when the token is not known any more, once for each answer', async () => {
    await write('count', '0');
    const script = `const fs = require('fs'); const n = +fs.readFileSync(${JSON.stringify(join(directory, 'count'))}) + 1;
      fs.writeFileSync(${JSON.stringify(join(directory, 'count'))}, String(n)); console.log(JSON.stringify({ status: { token: 'n' + n } }))`;
    const client = await withKubeconfig({ exec: { command: process.execPath, args: ['-e', script] } }, true);
    await ask(client);
    known = (authorization) => authorization !== 'Bearer n1';
    expect(await ask(client)).toMatchObject({ status: 200 });
    await ask(client);
    known = () => false;
    expect(await ask(client)).toMatchObject({ status: 401 });
    expect(asked).toEqual(['Bearer n1', 'Bearer n1', 'Bearer n2', 'Bearer n2', 'Bearer n2', 'Bearer n3']);
  });

  it('sends the token that the file of a kubeconfig holds now, which wins over a token', async () => {
    await write('token', 'one\n');
    const client = await withKubeconfig({ tokenFile: 'token', token: 'old' });
    await ask(client);
    await write('token', 'two\n');
    await ask(client);
    expect(asked).toEqual(['Bearer one', 'Bearer two']);
  });

  it('reads the files once in a while, and at once when what it knows is refused', async () => {
    await write('token', 'one');
    await write('config', JSON.stringify(configOf({ tokenFile: 'token' })));
    const client = open({ kind: 'kubeconfig', path: join(directory, 'config') }, false, 3_600_000);
    await ask(client);
    await write('token', 'two');
    await ask(client);
    known = (authorization) => authorization === 'Bearer two';
    expect(await Promise.all([ask(client), ask(client)])).toMatchObject([{ status: 200 }, { status: 200 }]);
    await ask(client);
    known = () => false;
    expect(await ask(client)).toMatchObject({ status: 401 });
    expect(asked.slice(0, 2)).toEqual(['Bearer one', 'Bearer one']);
    expect(asked.slice(2, 6).toSorted()).toEqual(['Bearer one', 'Bearer one', 'Bearer two', 'Bearer two']);
    expect(asked.slice(6)).toEqual(['Bearer two', 'Bearer two']);
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
