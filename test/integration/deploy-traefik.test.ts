import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/config/options.ts';
import { parseDuration } from '../../src/shared/duration.ts';
import { requireServer } from '../servers/catalog.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { aclOf } from '../support/consul-acl.ts';
import { readDeploy } from '../support/deploy-files.ts';
import { freePort } from '../support/free-port.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { answersOk, type RunningServer, startServer } from '../support/server.ts';

const run = promisify(execFile);
const staticFile = readDeploy('traefik', 'traefik.v3.yml');

interface StaticConfig {
  readonly entryPoints: Readonly<Record<string, { readonly address: string }>>;
  readonly providers: { readonly consulCatalog: Readonly<Record<string, unknown>> & { readonly refreshInterval: string } };
}

describe('deploy/traefik/traefik.v3.yml', () => {
  const config = load(staticFile) as StaticConfig;
  let directory: TempDirectory;
  let consul: ConsulServer;
  let traefik: RunningServer | undefined;
  let ports: { readonly web: number; readonly websecure: number; readonly traefik: number };

  beforeAll(async () => {
    directory = await makeTempDirectory('deploy-traefik');
    consul = await startConsul({ acl: true });
    await makeCertificate(directory.path);
    ports = { web: await freePort(), websecure: await freePort(), traefik: await freePort() };
    const file = await writeFiles(directory.path, ports, new URL(consul.consulUrl).host);
    const token = await aclOf(consul).tokenFor(readDeploy('consul', 'traefik.hcl'));
    traefik = await startServer({
      name: 'traefik',
      args: [`--configfile=${file}`],
      directory: directory.path,
      env: { CONSUL_HTTP_TOKEN: token },
      isReady: () => answersOk(`http://127.0.0.1:${ports.traefik}/ping`),
    });
  });
  afterAll(async () => {
    await traefik?.stop();
    await consul.stop();
    await directory.remove();
  });

  const api = async (path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${ports.traefik}/api/${path}`)).json();

  it('starts the real Traefik with its provider and entry points', async () => {
    expect(await api('overview')).toMatchObject({ providers: expect.arrayContaining(['ConsulCatalog', 'File']) });
    const entryPoints = (await api('entrypoints')) as readonly { readonly name: string; readonly http?: object }[];
    expect(entryPoints.map(({ name }) => name).sort()).toEqual(['traefik', 'web', 'websecure']);
    expect(entryPoints.find(({ name }) => name === 'web')?.http).toMatchObject({
      redirections: { entryPoint: { scheme: 'https', permanent: true } },
    });
  });

  it('routes a Service that asks for it by both of its tags, and no other, with the rights of traefik.hcl', async () => {
    const tags = (name: string) => [
      'traefik.enable=true',
      `traefik.http.routers.${name}.rule=Host(\`${name}.example.com\`)`,
      `traefik.http.routers.${name}.entrypoints=websecure`,
      `traefik.http.routers.${name}.tls=true`,
    ];
    await register('marked', ['kubernetes', ...tags('marked')]);
    await register('unmarked', tags('unmarked'));
    await register('disabled', ['kubernetes', ...tags('disabled').slice(1)]);
    await register('sick', ['kubernetes', ...tags('sick')], 'warning');
    const names = async (): Promise<readonly string[]> =>
      ((await api('http/routers')) as readonly { readonly name: string }[])
        .map(({ name }) => name)
        .filter((name) => name.includes('consul'));
    await expect.poll(names, { timeout: 30_000, interval: 200 }).toEqual(['marked@consulcatalog']);
  });

  it('sends plain HTTP to HTTPS, whatever is asked for', async () => {
    const answer = await fetch(`http://127.0.0.1:${ports.web}/path?x=1`, { redirect: 'manual' });
    expect(answer.status).toBe(301);
    expect(answer.headers.get('location')).toBe(`https://127.0.0.1:${ports.websecure}/path?x=1`);
  });

  it('serves HTTPS with the certificate of dynamic/certificates.yml', async () => {
    const shown = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: ports.websecure, servername: 'any.example.com', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '');
        socket.end();
      });
      socket.once('error', reject);
    });
    expect(shown).toContain('server.dc1.example.com');
    // Nothing listens behind the router: the answer is Traefik's own.
    expect(await statusOf(ports.websecure, 'marked.example.com')).toBe(502);
    expect(await statusOf(ports.websecure, 'unmarked.example.com')).toBe(404);
  });

  it('fits the defaults of poolkeeper', () => {
    const names = Object.keys(config.entryPoints);
    for (const { name } of Object.values(OPTIONS.traefik.entryPoints.default as Readonly<Record<string, { readonly name: string }>>)) {
      expect(names).toContain(name);
    }
    const letGoMs = parseDuration(String(OPTIONS.traefik.letGoMs.default)) ?? 0;
    // Beside the poll: 2 s in which Traefik gathers changes, and the time to read the catalog.
    expect(parseDuration(config.providers.consulCatalog.refreshInterval) ?? Number.NaN).toBeLessThan(letGoMs - 5_000);
    expect(config.entryPoints['traefik']?.address).toMatch(/^127\.0\.0\.1:/);
    expect(config.entryPoints['traefik']?.address).not.toContain(portOf(String(OPTIONS.http.listen.default)));
  });

  const register = async (name: string, tags: readonly string[], status = 'passing'): Promise<void> => {
    await aclOf(consul).manage('PUT', 'catalog/register', {
      Node: `node-${name}`,
      Address: '127.0.0.1',
      Service: { ID: name, Service: name, Address: '127.0.0.1', Port: await freePort(), Tags: tags },
      Check: { Node: `node-${name}`, CheckID: name, Name: name, Status: status, ServiceID: name },
    });
  };
});

const portOf = (address: string): string => address.slice(address.lastIndexOf(':'));

/** The files as an operator would put them, but for addresses, paths and the poll. */
async function writeFiles(path: string, ports: Readonly<Record<string, number>>, consulHost: string): Promise<string> {
  const dynamic = join(path, 'dynamic');
  await mkdir(dynamic);
  const moved = (text: string): string => text.replaceAll('/etc/traefik/', `${path}/`);
  await writeFile(join(dynamic, 'certificates.yml'), moved(readDeploy('traefik', 'dynamic', 'certificates.yml')));
  const changes: readonly (readonly [string, string])[] = [
    ['":80"', `"127.0.0.1:${ports['web']}"`],
    ['":443"', `"127.0.0.1:${ports['websecure']}"`],
    ['"127.0.0.1:8081"', `"127.0.0.1:${ports['traefik']}"`],
    ['"127.0.0.1:8500"', `"${consulHost}"`],
    ['refreshInterval: 5s', 'refreshInterval: 500ms'],
  ];
  let text = moved(staticFile);
  for (const [from, to] of changes) {
    expect(text.split(from)).toHaveLength(2);
    text = text.replace(from, to);
  }
  const file = join(path, 'traefik.yml');
  await writeFile(file, text);
  return file;
}

/** Consul's own tool signs one: no other program is needed. */
async function makeCertificate(path: string): Promise<void> {
  const command = await requireServer('consul');
  const options = { cwd: path };
  await mkdir(join(path, 'certificates'));
  await run(command, ['tls', 'ca', 'create', '-domain=example.com'], options);
  await run(command, ['tls', 'cert', 'create', '-server', '-dc=dc1', '-domain=example.com'], options);
  for (const [made, wanted] of [
    ['dc1-server-example.com-0.pem', 'default.crt'],
    ['dc1-server-example.com-0-key.pem', 'default.key'],
  ] as const) {
    await writeFile(join(path, 'certificates', wanted), await readFile(join(path, made)));
  }
}

function statusOf(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: host, headers: { host }, rejectUnauthorized: false, agent: false };
    const sent = request(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('deploy/traefik/traefik.v1.toml', () => {
  const config = parse(readDeploy('traefik', 'traefik.v1.toml'));
  const v3 = load(staticFile) as StaticConfig;

  it('says in the words of Traefik 1.7 what traefik.v3.yml says', () => {
    expect(config).toEqual({
      defaultEntryPoints: ['http', 'https'],
      entryPoints: {
        http: { address: v3.entryPoints['web']?.address, redirect: { entryPoint: 'https', permanent: true } },
        https: {
          address: v3.entryPoints['websecure']?.address,
          tls: {
            minVersion: 'VersionTLS12',
            certificates: [{ certFile: '/etc/traefik/certificates/default.crt', keyFile: '/etc/traefik/certificates/default.key' }],
          },
        },
        traefik: { address: v3.entryPoints['traefik']?.address },
      },
      api: { entryPoint: 'traefik' },
      ping: { entryPoint: 'traefik' },
      consulCatalog: {
        endpoint: '127.0.0.1:8500',
        prefix: v3.providers.consulCatalog['prefix'],
        exposedByDefault: false,
        constraints: ['tag==kubernetes'],
        strictChecks: true,
        domain: 'example.com',
      },
      traefikLog: { format: 'json' },
    });
  });

  it('has the entry points that poolkeeper translates', () => {
    expect(Object.keys(OPTIONS.traefik.entryPoints.default ?? {})).toEqual(['http', 'https']);
  });
});
