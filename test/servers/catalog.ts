import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One real server that tests run: which module builds it, and how to tell that a binary is that very version. */
export interface ServerEntry {
  /** Folder next to this file whose go.mod and go.sum pin the server. */
  readonly module: string;
  /** Go package of the program. */
  readonly package: string;
  /** Pinned version, as `versionArgs` prints it. */
  readonly version: string;
  readonly versionArgs: readonly string[];
  /** Linker stamps (`-X`), for the servers that otherwise do not know their version. */
  readonly stamps: Readonly<Record<string, string>>;
}

const kubernetesVersion = '1.35.4';

function kubernetesServer(name: string, versionArgs: readonly string[]): ServerEntry {
  const stamp = 'k8s.io/component-base/version';
  return {
    module: 'kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    version: kubernetesVersion,
    versionArgs,
    stamps: {
      [`${stamp}.gitVersion`]: `v${kubernetesVersion}`,
      [`${stamp}.gitMajor`]: '1',
      [`${stamp}.gitMinor`]: '35',
    },
  };
}

/** Every server the tests know, by name; the name is also the file name of its binary. */
export const servers = {
  etcd: {
    module: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    version: '3.6.5',
    versionArgs: ['--version'],
    stamps: {},
  },
  'kube-apiserver': kubernetesServer('kube-apiserver', ['--version']),
  'kube-controller-manager': kubernetesServer('kube-controller-manager', ['--version']),
  'kube-scheduler': kubernetesServer('kube-scheduler', ['--version']),
  kubectl: kubernetesServer('kubectl', ['version', '--client']),
  kwok: {
    module: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    version: '0.8.0',
    versionArgs: ['--version'],
    stamps: {},
  },
  consul: {
    module: 'consul',
    package: 'github.com/hashicorp/consul',
    version: '1.21.0',
    versionArgs: ['version'],
    stamps: {},
  },
  'consul-template': {
    module: 'consul-template',
    package: 'github.com/hashicorp/consul-template',
    version: '0.41.1',
    versionArgs: ['-version'],
    stamps: {},
  },
  traefik: {
    module: 'traefik',
    package: 'github.com/traefik/traefik/v3/cmd/traefik',
    version: '3.6.12',
    versionArgs: ['version'],
    stamps: { 'github.com/traefik/traefik/v3/pkg/version.Version': '3.6.12' },
  },
} satisfies Record<string, ServerEntry>;

export type ServerName = keyof typeof servers;

/** Names of all servers, in the order in which they are built: small and most needed first. */
export const serverNames = Object.keys(servers) as readonly ServerName[];

/** Whether `name` is a server of the catalogue. */
export function isServerName(name: string): name is ServerName {
  return Object.hasOwn(servers, name);
}

/** Folder of the wrapper module that builds this server. */
export function moduleDirectory(name: ServerName): string {
  return join(import.meta.dirname, servers[name].module);
}

/** Arguments of `go build` for this server, without the output file and the package. */
export function buildFlags(name: ServerName): readonly string[] {
  const stamps = Object.entries(servers[name].stamps).map(([variable, value]) => `-X ${variable}=${value}`);
  return ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags', ['-s', '-w', ...stamps].join(' ')];
}

/** Folder that holds every cached build; outside the tree, so that a fresh checkout finds it. */
export function cacheRoot(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(base, 'poolkeeper', 'servers');
}

/** Where the cache keeps the binary of this server. The folder changes with go.mod, go.sum and the build flags. */
export async function cachedBinary(name: ServerName): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) {
    hash.update(await readFile(join(moduleDirectory(name), file)));
  }
  hash.update(buildFlags(name).join('\n'));
  return join(cacheRoot(), hash.digest('hex').slice(0, 16), name);
}

/**
 * Path of a binary of this server, or undefined when it has to be built. Looked for in POOLKEEPER_SERVERS_DIR (taken as
 * it is: whoever sets it answers for the version), the cache, and PATH (only in exactly the pinned version, so that
 * every machine tests the same servers).
 */
export async function findServer(name: ServerName): Promise<string | undefined> {
  const directory = process.env['POOLKEEPER_SERVERS_DIR'];
  if (directory !== undefined && directory !== '') {
    const given = join(directory, name);
    if (await isExecutable(given)) return given;
  }
  const cached = await cachedBinary(name);
  if (await isExecutable(cached)) return cached;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, name);
    if ((await isExecutable(candidate)) && (await hasPinnedVersion(name, candidate))) return candidate;
  }
  return undefined;
}

/** Like findServer, but an error that says how to get the server when there is none. */
export async function requireServer(name: ServerName): Promise<string> {
  const found = await findServer(name);
  if (found !== undefined) return found;
  throw new Error(`no ${name} ${servers[name].version} in POOLKEEPER_SERVERS_DIR, ${cacheRoot()} or PATH: run "npm run servers"`);
}

/** Whether the binary at `path` prints the pinned version of this server. */
export async function hasPinnedVersion(name: ServerName, path: string): Promise<boolean> {
  const { version, versionArgs } = servers[name];
  try {
    const { stdout, stderr } = await run(path, [...versionArgs], { timeout: 20_000 });
    const printed = /\d+\.\d+\.\d+\S*/.exec(`${stdout}\n${stderr}`)?.[0];
    return printed === version;
  } catch {
    return false;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The servers that tests need and that are found nowhere. */
export async function missingServers(): Promise<readonly ServerName[]> {
  const found = await Promise.all(serverNames.map(async (name) => [name, await findServer(name)] as const));
  return found.flatMap(([name, path]) => (path === undefined ? [name] : []));
}
