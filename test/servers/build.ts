import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  buildFlags,
  cachedBinary,
  cacheRoot,
  findServer,
  hasPinnedVersion,
  isServerName,
  moduleDirectory,
  type ServerName,
  serverNames,
  servers,
} from './catalog.ts';

const run = promisify(execFile);
const heartbeatMs = 30_000;
const startedAt = Date.now();

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function elapsed(since: number): string {
  const seconds = Math.round((Date.now() - since) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Builds what is found nowhere. Returns the exit code. */
async function buildServers(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => !isServerName(arg));
  if (unknown.length > 0) {
    say(`unknown server: ${unknown.join(', ')}; known: ${serverNames.join(', ')}`);
    return 2;
  }
  const wanted = args.length > 0 ? args.filter(isServerName) : serverNames;
  const missing: ServerName[] = [];
  for (const name of wanted) {
    const found = await findServer(name);
    if (found === undefined) missing.push(name);
    else say(`${name} ${servers[name].version}: ${found}`);
  }
  if (missing.length === 0) return 0;
  if (!(await hasGo())) {
    say(
      `missing: ${missing.join(', ')}; building needs Go 1.26 or newer (https://go.dev/dl/) on PATH. ` +
        'Or put the binaries into a folder and set POOLKEEPER_SERVERS_DIR.',
    );
    return 1;
  }
  await mkdir(cacheRoot(), { recursive: true });
  const lock = await takeLock();
  try {
    for (const [index, name] of missing.entries()) {
      if (!(await buildServer(name, `${index + 1}/${missing.length}`))) return 1;
    }
  } finally {
    lock.close();
  }
  say(`all servers ready, ${elapsed(startedAt)} in total`);
  return 0;
}

async function hasGo(): Promise<boolean> {
  try {
    await run('go', ['version']);
    return true;
  } catch {
    return false;
  }
}

/**
 * Waits until no other run builds into this cache. The lock is an abstract Unix socket: the kernel gives it up when its
 * owner dies, however it dies, so there is no stale lock to recognise.
 */
async function takeLock(): Promise<Server> {
  const name = createHash('sha256').update(cacheRoot()).digest('hex').slice(0, 16);
  let told = false;
  for (;;) {
    const lock = createServer();
    try {
      lock.listen(`\0poolkeeper-servers-${name}`);
      await once(lock, 'listening');
      return lock;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      if (!told) say('another run builds into the same cache; waiting for it');
      told = true;
      await sleep(1000);
    }
  }
}

/** Builds one server into the cache; false (and the reason on stdout) when that failed. */
async function buildServer(name: ServerName, position: string): Promise<boolean> {
  const target = await cachedBinary(name);
  // The run that held the lock before us may have built it.
  if ((await findServer(name)) === target) {
    say(`[${position}] ${name}: built meanwhile`);
    return true;
  }
  const since = Date.now();
  say(`[${position}] ${name} ${servers[name].version}: building`);
  const heartbeat = setInterval(() => say(`[${position}] ${name}: still building, ${elapsed(since)}`), heartbeatMs);
  await mkdir(dirname(target), { recursive: true });
  // Inside the target's folder: a rename is atomic only within one file system.
  const scratch = await mkdtemp(join(dirname(target), '.build-'));
  try {
    const built = join(scratch, name);
    const problem = await goBuild(name, built);
    if (problem !== undefined) {
      say(`[${position}] ${name}: failed after ${elapsed(since)}\n${problem}`);
      return false;
    }
    if (!(await hasPinnedVersion(name, built))) {
      say(`[${position}] ${name}: the built program does not report version ${servers[name].version}`);
      return false;
    }
    await rename(built, target);
    const { size } = await stat(target);
    say(`[${position}] ${name}: built in ${elapsed(since)}, ${Math.round(size / 1e6)} MB, ${target}`);
    return true;
  } finally {
    clearInterval(heartbeat);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Runs `go build`; the last lines of its output when it failed. */
async function goBuild(name: ServerName, output: string): Promise<string | undefined> {
  const child = spawn('go', ['build', ...buildFlags(name), '-o', output, servers[name].package], {
    cwd: moduleDirectory(name),
    // GOFLAGS and GOWORK of the machine would change what is built under the same cache key.
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code, signal] = await once(child, 'close');
  return code === 0 ? undefined : `go build ended with ${code ?? signal}\n${tail}`;
}

process.exitCode = await buildServers(process.argv.slice(2));
