import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitSourceOptions } from '../../src/adapters/git/git-settings.ts';
import { createGitSource, type GitSource } from '../../src/adapters/git/git-source.ts';
import { selfSigned } from '../support/certificate.ts';
import { type GitServer, type GitServerOptions, startGitServer } from '../support/git-server.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { complete, PATIENCE_MS, reasonOf, steady, texts } from './spec-source-rig.ts';

const SERVER = selfSigned('127.0.0.1');
const CLIENT = selfSigned('poolkeeper');
const STRANGER = selfSigned('stranger');

describe('a spec source over https', () => {
  let directory: TempDirectory;
  const closing: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    directory = await makeTempDirectory('spec-source-https');
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await directory.remove();
  });

  const serve = async (options: GitServerOptions = {}): Promise<GitServer> => {
    const server = await startGitServer({ tls: SERVER, ...options });
    closing.push(() => server.stop());
    await server.commit({ 'a.yaml': 'a' }, 'one');
    return server;
  };
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(directory.path, name);
    await writeFile(path, content);
    return path;
  };
  const open = (server: GitServer, options: Partial<GitSourceOptions> = {}): GitSource => {
    const source = createGitSource({
      url: server.url,
      mirrorDir: join(directory.path, 'mirror'),
      timeoutMs: PATIENCE_MS,
      clock: { now: () => 0 },
      environment: { PATH: process.env['PATH'] },
      ...options,
    });
    closing.push(() => source.close());
    return source;
  };

  it('trusts the authority that it was given, and no other', async () => {
    const server = await serve();
    expect(reasonOf(await open(server).read('', steady()))).toMatchObject({
      code: 'GIT_UNREACHABLE',
      remedy: expect.stringContaining('git.sslCaFile'),
    });
    const other = await file('other.pem', STRANGER.cert);
    expect(reasonOf(await open(server, { sslCaFile: other }).read('', steady())).code).toBe('GIT_UNREACHABLE');
    const sslCaFile = await file('ca.pem', SERVER.cert);
    expect(texts(complete(await open(server, { sslCaFile }).read('', steady())))).toEqual({ 'a.yaml': 'a' });
  });

  it('shows its certificate where the server asks for one', async () => {
    const server = await serve({ tls: { ...SERVER, clientCa: CLIENT.cert } });
    const sslCaFile = await file('ca.pem', SERVER.cert);
    expect(reasonOf(await open(server, { sslCaFile }).read('', steady()))).toMatchObject({
      code: 'GIT_AUTH_FAILED',
      remedy: expect.stringContaining('git.certFile'),
    });
    const stranger = { certFile: await file('s.pem', STRANGER.cert), keyFile: await file('s.key', STRANGER.key) };
    expect(reasonOf(await open(server, { sslCaFile, ...stranger }).read('', steady())).code).toBe('GIT_AUTH_FAILED');
    const certFile = await file('client.pem', CLIENT.cert);
    const keyFile = await file('client.key', CLIENT.key);
    expect(texts(complete(await open(server, { sslCaFile, certFile, keyFile }).read('', steady())))).toEqual({ 'a.yaml': 'a' });
    const wrong = reasonOf(await open(server, { sslCaFile, certFile, keyFile: join(directory.path, 'none') }).read('', steady()));
    expect(wrong).toMatchObject({ code: 'GIT_AUTH_FAILED', remedy: expect.stringContaining('git.keyFile') });
  });

  it('takes a token that was changed at the next look', async () => {
    const server = await serve({ user: 'git', password: 'canary-token-1' });
    const sslCaFile = await file('ca.pem', SERVER.cert);
    const token = await file('token', 'canary-token-1\n');
    const source = open(server, { sslCaFile, password: () => readFileSync(token, 'utf8').trim() });
    complete(await source.read('', steady()));
    server.setPassword('canary-token-2');
    expect(reasonOf(await source.read('', steady())).code).toBe('GIT_AUTH_FAILED');
    await writeFile(token, 'canary-token-2\n');
    complete(await source.read('', steady()));
  });

  it('goes through the proxy that is configured', async () => {
    const server = await serve();
    const sslCaFile = await file('ca.pem', SERVER.cert);
    const proxy = await startProxy();
    closing.push(() => proxy.stop());
    const environment = { PATH: process.env['PATH'], https_proxy: 'http://127.0.0.1:1' };
    complete(await open(server, { sslCaFile, proxy: proxy.url, environment }).read('', steady()));
    expect(new Set(proxy.targets)).toEqual(new Set([new URL(server.url).host]));
    proxy.refuse = true;
    await server.commit({ 'b.yaml': 'b' }, 'two');
    const refused = reasonOf(await open(server, { sslCaFile, proxy: proxy.url }).read('', steady()));
    expect(refused).toMatchObject({ code: 'GIT_UNREACHABLE', remedy: expect.stringContaining('git.proxy') });
  });
});

interface Proxy {
  readonly url: string;
  readonly targets: string[];
  refuse: boolean;
  stop(): Promise<void>;
}

/** A proxy that opens tunnels (CONNECT), and notes where to. */
async function startProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server: Server = createServer();
  const proxy = {
    url: '',
    targets: [] as string[],
    refuse: false,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('connect', (request, socket: Socket) => {
    if (proxy.refuse) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const target = request.url ?? '';
    proxy.targets.push(target);
    const { hostname, port } = new URL(`http://${target}`);
    const upstream = connect(Number(port), hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one.on('error', () => {});
    }
    upstream.pipe(socket).pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
