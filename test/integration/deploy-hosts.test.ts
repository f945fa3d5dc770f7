import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { optionEntries } from '../../src/config/option-entries.ts';
import { servers } from '../servers/catalog.ts';
import { deployPath, findProgram, iniValues, parseIni, readDeploy } from '../support/deploy-files.ts';
import { freePort } from '../support/free-port.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { answersOk, startServer } from '../support/server.ts';

const run = promisify(execFile);
const COMMAND = '/usr/bin/node /usr/lib/poolkeeper/poolkeeper.mjs run --config /etc/poolkeeper/poolkeeper.yaml';

let directory: TempDirectory;
beforeAll(async () => {
  directory = await makeTempDirectory('deploy-hosts');
});
afterAll(() => directory.remove());

interface Mount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly bind?: { readonly create_host_path: boolean };
}

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly network_mode: string;
  readonly ports?: unknown;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: unknown;
  readonly volumes: readonly Mount[];
}

describe('deploy/compose/compose.yaml', () => {
  const compose = load(readDeploy('compose', 'compose.yaml')) as {
    readonly services: Readonly<Record<'poolkeeper' | 'consul' | 'traefik', ComposeService>>;
    readonly volumes: Readonly<Record<string, unknown>>;
  };
  const { poolkeeper, consul, traefik } = compose.services;
  const every = Object.entries(compose.services);

  it('runs the three, in the versions that the tests run', () => {
    expect(every.map(([name]) => name)).toEqual(['poolkeeper', 'consul', 'traefik']);
    expect(consul.image).toBe(`hashicorp/consul:${servers.consul.version}`);
    expect(traefik.image).toBe(`traefik:v${servers.traefik.version}`);
  });

  it('gives none of them more than it needs', () => {
    for (const [name, service] of every) {
      expect([name, service.network_mode, service.ports, service.privileged]).toEqual([name, 'host', undefined, undefined]);
    }
    for (const service of [poolkeeper, traefik]) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    }
    expect(poolkeeper.cap_add).toBeUndefined();
    expect(traefik.cap_add).toEqual(['NET_BIND_SERVICE']);
    expect(consul.command).toEqual(expect.arrayContaining(['-bind=127.0.0.1', '-client=127.0.0.1']));
  });

  it('mounts files that are there, read only, and volumes that are declared', () => {
    /** What the first lines tell the operator to make. */
    const made = ['./kubeconfig', './git-password', './certificates'];
    for (const [, { volumes }] of every) {
      for (const mount of volumes) {
        if (mount.type === 'volume') expect(Object.keys(compose.volumes)).toContain(mount.source);
        else {
          expect(mount).toMatchObject({ type: 'bind', read_only: true, bind: { create_host_path: false } });
          const shipped = existsSync(deployPath('compose', mount.source));
          expect({ source: mount.source, known: shipped || made.includes(mount.source) }).toEqual({ source: mount.source, known: true });
        }
      }
    }
    const { context = '', dockerfile = '' } = poolkeeper.build ?? {};
    expect(existsSync(join(deployPath('compose', context), dockerfile))).toBe(true);
  });

  it('brings a configuration that is right, and every file that it names', () => {
    const read: string[] = [];
    const text = readDeploy('compose', 'poolkeeper.yaml');
    const file = '/etc/poolkeeper/poolkeeper.yaml';
    const readIn = (path: string): string => {
      read.push(path);
      return path === file ? text : 'secret';
    };
    const loaded = loadConfig({ file, env: {}, flags: {}, readFile: readIn });
    if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
    const targets = poolkeeper.volumes.map(({ target }) => target);
    expect(targets.sort()).toEqual([...read, loaded.config.kubernetes.kubeconfig, loaded.config.git.mirrorDir].sort());
    const rights = load(readDeploy('kubernetes', 'access', 'namespace.yaml')) as { readonly metadata: { readonly name: string } };
    expect(loaded.config.lease.namespace).toBe(rights.metadata.name);
  });

  it('starts the real Consul with its arguments', async () => {
    const ports = { http: await freePort(), 'serf-lan': await freePort(), 'serf-wan': await freePort(), server: await freePort() };
    const moved = Object.entries(ports).map(([name, port]) => `-${name}-port=${port}`);
    const server = await startServer({
      name: 'consul',
      // The image's entry point adds the data directory.
      args: [
        ...(consul.command ?? []),
        `-data-dir=${directory.path}/consul`,
        ...moved,
        '-grpc-port=-1',
        '-grpc-tls-port=-1',
        '-dns-port=-1',
      ],
      directory: directory.path,
      isReady: () => answersOk(`http://127.0.0.1:${ports.http}/v1/agent/self`),
    });
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${ports.http}/v1/status/leader`)).json(), { timeout: 20_000 })
      .toContain(`:${ports.server}`);
    await server.stop();
  });
});

describe('deploy/systemd/poolkeeper.service', () => {
  const text = readDeploy('systemd', 'poolkeeper.service');
  const unit = parseIni(text);
  const service = (key: string): readonly string[] => iniValues(unit, 'Service', key);

  it('starts the bundle, and not again where that does not help', () => {
    expect(service('ExecStart')).toEqual([COMMAND]);
    expect(service('Restart')).toEqual(['always']);
    expect(service('RestartPreventExitStatus')).toEqual([`${EXIT.usage} ${EXIT.config}`]);
    expect(service('KillMode')).toEqual(['mixed']);
    // Node makes machine code at run time and would die at once.
    expect(service('MemoryDenyWriteExecute')).toEqual([]);
  });

  it('hands over every secret as a credential, by variables that are options', () => {
    const credentials = service('LoadCredential').map((value) => value.split(':')[0]);
    const variables = service('Environment').map((value) => value.split('='));
    const known = optionEntries().map(({ env }) => env);
    for (const [name = ''] of variables) if (name.startsWith('POOLKEEPER_')) expect(known).toContain(name);
    const used = variables.flatMap(([, value = '']) => (value.startsWith('%d/') ? [value.slice(3)] : []));
    expect(used).toEqual(credentials);
  });

  it('is a unit that systemd takes, and that shuts the service in', async () => {
    const analyze = await findProgram('systemd-analyze', 'systemd');
    for (const key of ['DynamicUser', 'NoNewPrivileges', 'PrivateTmp', 'PrivateDevices', 'ProtectKernelModules', 'RestrictSUIDSGID']) {
      expect([key, ...service(key)]).toEqual([key, 'yes']);
    }
    expect(service('ProtectSystem')).toEqual(['strict']);
    expect(service('CapabilityBoundingSet')).toEqual(['']);
    if (analyze === undefined) return;
    // Only programs that exist pass: this Node stands for /usr/bin/node.
    const verify = async (content: string): Promise<string> => {
      const path = join(directory.path, 'poolkeeper.service');
      await writeFile(path, content.replace('/usr/bin/node', process.execPath));
      return (await run(analyze, ['verify', path]).catch((error: { readonly stderr: string }) => error)).stderr;
    };
    expect(await verify(text.replace('KillMode=mixed', 'KillMod=mixed'))).toMatch(/Unknown key.*KillMod/);
    expect(await verify(text)).not.toMatch(/poolkeeper\.service/);
    const { stdout } = await run(analyze, ['security', '--offline=yes', '--threshold=20', join(directory.path, 'poolkeeper.service')]);
    expect(stdout).toMatch(/exposure level for poolkeeper\.service: 1\.\d OK/);
  });
});

describe('deploy/supervisord/poolkeeper.conf', () => {
  const program = (key: string): string | undefined =>
    iniValues(parseIni(readDeploy('supervisord', 'poolkeeper.conf')), 'program:poolkeeper', key)[0];

  it('starts the bundle as a user of its own, and not again where that does not help', () => {
    expect(program('command')).toBe(COMMAND);
    expect(program('user')).toBe('poolkeeper');
    expect(program('autorestart')).toBe('unexpected');
    expect(program('exitcodes')).toBe([EXIT.done, EXIT.usage, EXIT.config].join());
    expect(program('environment')).toContain('HOME="/var/lib/poolkeeper"');
  });

  it('asks the daemon once to stop, and leaves nothing behind', () => {
    expect([program('stopsignal'), program('stopasgroup'), program('killasgroup')]).toEqual(['TERM', 'false', 'true']);
    expect(Number(program('stopwaitsecs'))).toBeGreaterThanOrEqual(10);
  });
});

describe('deploy/prometheus/prometheus.yml', () => {
  const text = readDeploy('prometheus', 'prometheus.yml');

  it('is a configuration that promtool takes', async () => {
    const promtool = await findProgram('promtool', 'prometheus');
    const config = load(text) as { readonly scrape_configs: readonly { readonly job_name: string }[] };
    expect(config.scrape_configs.map(({ job_name }) => job_name)).toEqual(['poolkeeper', 'poolkeeper-host']);
    if (promtool === undefined) return;
    const { stdout } = await run(promtool, ['check', 'config', deployPath('prometheus', 'prometheus.yml')]);
    expect(stdout).toContain('SUCCESS');
    const broken = join(directory.path, 'prometheus.yml');
    await writeFile(broken, text.replace('scrape_interval', 'scrap_interval'));
    await expect(run(promtool, ['check', 'config', broken])).rejects.toThrow();
  });

  it('finds what the Service and the defaults offer', () => {
    const service = load(readDeploy('kubernetes', 'service.yaml').replace(/^#.*$/gm, '')) as {
      readonly metadata: { readonly name: string; readonly namespace: string };
      readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly port: number }[] };
    };
    const { metadata, spec } = service;
    // Only of a headless Service does DNS give every replica.
    expect(spec.clusterIP).toBe('None');
    expect(load(text)).toMatchObject({
      scrape_configs: [
        { dns_sd_configs: [{ names: [`${metadata.name}.${metadata.namespace}.svc`], type: 'A', port: spec.ports[0]?.port }] },
        { static_configs: [{ targets: [optionEntries().find(({ key }) => key === 'http.listen')?.option.default] }] },
      ],
    });
  });
});

describe('deploy/README.md', () => {
  it('names every file, and none that is not there', () => {
    const readme = readDeploy('README.md');
    const named = [...readme.matchAll(/`([a-z][\w.-]*\/[\w./-]*|poolkeeper\.example\.yaml)`/g)].map(([, name = '']) => name);
    for (const name of named) expect({ name, exists: existsSync(deployPath(normalize(name))) }).toEqual({ name, exists: true });
    const folders = new Set(named.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : name)));
    expect([...folders].sort()).toEqual(readdirSync(deployPath('.')).filter((name) => name !== 'README.md'));
  });
});
