import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { freePort } from './free-port.ts';
import { makeTempDirectory, type OwnedProcess, startProcess } from './processes.ts';
import type { StackConnection } from './stack.ts';
import { waitUntil } from './wait-until.ts';

/** How to run the built program against a stack. */
export interface DaemonOptions {
  readonly stack: Pick<StackConnection, 'kubeconfigPath' | 'consulUrl'>;
  readonly cluster: string;
  readonly owner?: string;
  readonly keyPath?: string;
  /** Namespace of objects that name none. */
  readonly namespace: string;
  readonly git: {
    readonly url: string;
    readonly username?: string;
    readonly password?: string;
    readonly ref?: string;
    readonly root?: string;
  };
  /** Further environment variables `POOLKEEPER_…`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The program as a child process; it can be killed and started again with the same configuration. */
export interface DaemonProcess {
  readonly url: string;
  /** The configuration it runs with, for other commands of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts it; resolves when its first run has ended. */
  start(): Promise<void>;
  /** Starts it without waiting for anything. */
  launch(): Promise<OwnedProcess>;
  process(): OwnedProcess;
  status(): Promise<RunReport>;
  metrics(): Promise<string>;
  /** Tells it by a webhook that something was pushed; gives the status of the answer. */
  hook(): Promise<number>;
  /** Asks for a resync by HTTP. */
  resync(): Promise<number>;
  /** The log lines, decoded. */
  logs(): Promise<readonly Record<string, unknown>[]>;
  /** Resolves with the first status for which `done` holds; fails with the last one after `timeoutMs`. */
  waitFor(what: string, done: (report: RunReport) => boolean, timeoutMs?: number): Promise<RunReport>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

const HOOK_SECRET = 'a secret of the tests';
const BUNDLE = join(import.meta.dirname, '..', '..', 'dist', 'poolkeeper.mjs');

/** Prepares a daemon; it runs after `start`. The timers of drains and grace are short unless `env` says otherwise. */
export async function prepareDaemon(options: DaemonOptions): Promise<DaemonProcess> {
  const directory = await makeTempDirectory('daemon');
  const logFile = join(directory.path, 'daemon.log');
  const passwordFile = join(directory.path, 'password');
  await writeFile(passwordFile, options.git.password ?? 'none');
  const hookSecretFile = join(directory.path, 'hook-secret');
  await writeFile(hookSecretFile, HOOK_SECRET);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = environmentOf(options, { directory: directory.path, passwordFile, hookSecretFile, port });
  let current: OwnedProcess | undefined;
  const running = (): OwnedProcess => {
    if (current === undefined) throw new Error('the daemon has not been started');
    return current;
  };
  const daemon: DaemonProcess = {
    url,
    env,
    async launch() {
      current = await startProcess({ command: process.execPath, args: [BUNDLE, 'run'], directory: directory.path, logFile, env });
      return current;
    },
    async start() {
      await daemon.launch();
      await daemon.waitFor('the first run', () => true);
    },
    process: running,
    status: async () => (await (await fetch(`${url}/api/v1/status`)).json()) as RunReport,
    metrics: async () => await (await fetch(`${url}/metrics`)).text(),
    hook: async () => (await fetch(`${url}/hooks/generic`, { method: 'POST', headers: { authorization: `Bearer ${HOOK_SECRET}` } })).status,
    resync: async () => (await fetch(`${url}/api/v1/resync`, { method: 'POST' })).status,
    async logs() {
      const text = await readFile(logFile, 'utf8').catch(() => '');
      return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
    },
    async waitFor(what, done, timeoutMs = 30_000) {
      let last: RunReport | undefined;
      const look = async (): Promise<RunReport | undefined> => {
        const exit = running().exitStatus();
        if (exit !== undefined) throw new Error(`the daemon has ended (${JSON.stringify(exit)}):\n${await readFile(logFile, 'utf8')}`);
        last = await daemon.status().catch(() => undefined);
        return last !== undefined && Array.isArray(last.specs) && done(last) ? last : undefined;
      };
      return await waitUntil(what, look, { timeoutMs, describe: () => JSON.stringify(last, null, 1)?.slice(0, 6000) ?? 'no status' });
    },
    async kill() {
      await running().signal('SIGKILL');
      await running().waitForExit();
    },
    stop: async () => await running().stop(),
    async remove() {
      if (current?.exitStatus() === undefined) await current?.stop();
      await directory.remove();
    },
  };
  return daemon;
}

function environmentOf(
  options: DaemonOptions,
  files: { directory: string; passwordFile: string; hookSecretFile: string; port: number },
): Record<string, string> {
  const { stack, git, keyPath, owner } = options;
  return {
    POOLKEEPER_CLUSTER: options.cluster,
    POOLKEEPER_SPECS_DEFAULT_NAMESPACE: options.namespace,
    POOLKEEPER_LEASE_NAMESPACE: options.namespace,
    POOLKEEPER_GIT_URL: git.url,
    POOLKEEPER_GIT_INTERVAL: '1s',
    POOLKEEPER_GIT_MIRROR_DIR: join(files.directory, 'mirror'),
    ...(git.ref === undefined ? {} : { POOLKEEPER_GIT_REF: git.ref }),
    ...(git.root === undefined ? {} : { POOLKEEPER_GIT_ROOT: git.root }),
    ...(git.username === undefined ? {} : { POOLKEEPER_GIT_USERNAME: git.username, POOLKEEPER_GIT_PASSWORD_FILE: files.passwordFile }),
    POOLKEEPER_CONSUL_ADDRESS: stack.consulUrl,
    POOLKEEPER_KUBERNETES_KUBECONFIG: stack.kubeconfigPath,
    POOLKEEPER_HOOKS_SECRET_FILE: files.hookSecretFile,
    POOLKEEPER_HTTP_LISTEN: `127.0.0.1:${files.port}`,
    POOLKEEPER_POOL_GRACE: '0s',
    POOLKEEPER_POOL_OPEN: '0s',
    POOLKEEPER_TRAEFIK_LET_GO: '4s',
    POOLKEEPER_DRAIN_SECONDS: '1',
    ...(keyPath === undefined ? {} : { POOLKEEPER_CONSUL_KEY_PATH: keyPath }),
    ...(owner === undefined ? {} : { POOLKEEPER_OWNER: owner }),
    ...options.env,
  };
}
