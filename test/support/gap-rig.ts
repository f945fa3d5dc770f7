import { readFile } from 'node:fs/promises';
import { type DaemonProcess, prepareDaemon } from './daemon-process.ts';
import { answerOfBackend, type CommittedState, hostOfPool, type Judgement, judge, type PoolState, poolManifest } from './gap-pool.ts';
import { type Load, startLoad } from './http-load.ts';
import { createNodes, deleteNodes, type LabelledNode, manyAddress } from './many-nodes.ts';
import { type NodeListeners, startNodeListeners } from './node-listeners.ts';
import { type LeastRotation, type PoolInRotation, type RotationWatch, watchRotation } from './rotation-watch.ts';
import { instancesOf, prepareSite, type Site } from './site.ts';
import type { StackConnection } from './stack.ts';
import { startTraefik, type TraefikRefresh, type TraefikServer } from './traefik.ts';
import { waitUntil } from './wait-until.ts';

/** How a gap test is set up. */
export interface GapOptions {
  readonly stack: StackConnection;
  /** `[a-z0-9-]{1,32}`: namespace, owner, cluster and key path. */
  readonly name: string;
  /** How many nodes each pool has, in rising order; the nodes of a smaller pool are also those of the larger ones. */
  readonly sizes: readonly number[];
  /** Requests a second to each Traefik, shared by the pools. */
  readonly perSecond: number;
  /** The first NodePort; each pool takes its own from every hundred. */
  readonly firstNodePort: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A Traefik under load. */
export interface GapTraefik {
  readonly mode: TraefikRefresh['kind'];
  readonly server: TraefikServer;
  readonly rotation: RotationWatch;
  /** By the name of the pool's app. */
  readonly loads: ReadonlyMap<string, Load>;
}

/** A pool of the test. */
export interface GapPool {
  readonly app: string;
  readonly label: string;
  /** Its nodes at the start. */
  readonly nodes: number;
  /** Every state that was committed, the newest last. */
  readonly states: CommittedState[];
}

/** What one pool and one Traefik showed in the end. */
export interface GapResult extends Judgement, LeastRotation {
  readonly mode: GapTraefik['mode'];
  readonly nodes: number;
  /** Instances in Consul at the end. */
  readonly backends: number;
}

/** A daemon, its pools on many nodes, a Traefik that polls and one that watches, both under load. */
export interface GapRig {
  readonly stack: StackConnection;
  readonly name: string;
  readonly site: Site;
  readonly daemon: DaemonProcess;
  readonly listeners: NodeListeners;
  readonly pools: readonly GapPool[];
  readonly traefiks: readonly GapTraefik[];
  /** Every change that was begun. */
  readonly changes: { readonly what: string; readonly atMs: number }[];
  /** Commits another state of every pool at once. */
  commit(next: (state: PoolState) => PoolState, message: string): Promise<void>;
  /** Makes nodes that belong to this pool and all larger ones, each with its listeners open. */
  join(names: ReadonlyMap<GapPool, string>): Promise<void>;
  /** Waits until every Traefik has it so of every pool. */
  arrived(what: string, isSo: (seen: PoolInRotation, pool: GapPool) => boolean): Promise<void>;
  /** Ends the load and judges the answers. */
  finish(): Promise<readonly GapResult[]>;
  /** What Traefiks have logged of objects that differ between instances. */
  complaints(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** The longest that Traefik takes: two seconds between polls, two of throttling, and two for the machine that all tests share. */
const LET_GO_MS = 6_000;
/** How long after a change of Services the nodes follow it. kube-proxy takes a second or so; the daemon allows for it by `pool.open`. */
const NODES_SYNC_MS = 500;
const REFRESHES: readonly TraefikRefresh[] = [{ kind: 'poll', intervalMs: 2_000 }, { kind: 'watch' }];

/** Sets everything up and returns under load; what it has begun is undone when it fails. */
export async function prepareGapRig(options: GapOptions): Promise<GapRig> {
  const undo: (() => Promise<unknown>)[] = [];
  const remove = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one();
  };
  try {
    return await build(options, undo, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function build(options: GapOptions, undo: (() => Promise<unknown>)[], remove: () => Promise<void>): Promise<GapRig> {
  const { stack, name, env } = options;
  const pools = options.sizes.map((nodes, i): GapPool => {
    const state = { nodePort: options.firstNodePort + 100 * i, rule: 0, middleware: 0, weight: 1, committedAtMs: Date.now() };
    return { app: `gap-${nodes}`, label: `poolkeeper.test/${name}-${nodes}`, nodes, states: [state] };
  });
  const nodes = firstNodes(name, pools);
  undo.push(() => deleteNodes(stack, name));
  await createNodes(stack, name, nodes);
  const listeners = await startNodeListeners({ stack, nodes, bodyOf: answerOfBackend, syncAfterMs: NODES_SYNC_MS });
  undo.push(() => listeners.stop());
  const servers = await startTraefiks(stack, undo);
  const site = await prepareSite({ stack, name, files: filesOf(pools) });
  undo.push(() => site.remove());
  const daemon = await startDaemon(site, servers, env);
  undo.push(() => daemon.remove());
  const prefixes = new Map(pools.map(({ app }) => [app, `${app}-${name}-`]));
  const traefiks = servers.map(({ kind, server }): GapTraefik => {
    const rotation = watchRotation(server.apiUrl, prefixes);
    undo.push(() => rotation.stop());
    return { mode: kind, server, rotation, loads: new Map() };
  });
  const rig = { stack, name, site, daemon, listeners, pools, traefiks, changes: [] };
  await arrived(rig, 'every backend', (seen, pool) => seen.servers.length === pool.nodes || seen.servers.length >= 100);
  await settled(rig);
  const loaded = traefiks.map((traefik) => ({ ...traefik, loads: startLoads(traefik, pools, options.perSecond / pools.length) }));
  undo.push(() => stopLoads(loaded));
  return withActions({ ...rig, traefiks: loaded }, { next: nodes.length }, remove);
}

type RigParts = Pick<GapRig, 'stack' | 'name' | 'site' | 'daemon' | 'listeners' | 'pools' | 'traefiks' | 'changes'>;

function withActions(rig: RigParts, addresses: { next: number }, remove: () => Promise<void>): GapRig {
  const { pools, site, daemon, listeners, stack, name } = rig;
  return {
    ...rig,
    async commit(next, message) {
      for (const pool of pools) pool.states.push({ ...next(stateOf(pool)), committedAtMs: Date.now() });
      await site.git.commit(filesOf(pools), message);
      await daemon.resync();
    },
    async join(names) {
      const nodes = [...names].map(
        ([pool, node]): LabelledNode => ({ name: node, address: manyAddress(addresses.next++), labels: labelsFrom(pools, pool) }),
      );
      for (const node of nodes) await listeners.addNode(node);
      await createNodes(stack, name, nodes);
    },
    arrived: async (what, isSo) => {
      await arrived(rig, what, isSo);
      for (const { rotation } of rig.traefiks) {
        for (const { app } of pools) rotation.setSize(app, rotation.latest(app)?.servers.length ?? 0);
      }
    },
    finish: () => finish(rig),
    complaints: () => complaints(rig.traefiks),
    remove,
  };
}

/** The newest state of a pool. */
export const stateOf = ({ states }: GapPool): CommittedState => {
  const state = states.at(-1);
  if (state === undefined) throw new Error('a pool without a state');
  return state;
};

const filesOf = (pools: readonly GapPool[]): Record<string, string> =>
  Object.fromEntries(pools.map((pool) => [`${pool.app}.yaml`, poolManifest(pool.app, `${pool.label}=yes`, stateOf(pool))]));

const labelsFrom = (pools: readonly GapPool[], smallest: GapPool): Record<string, string> =>
  Object.fromEntries(pools.filter(({ nodes }) => nodes >= smallest.nodes).map(({ label }) => [label, 'yes']));

function firstNodes(name: string, pools: readonly GapPool[]): readonly LabelledNode[] {
  return Array.from({ length: Math.max(...pools.map(({ nodes }) => nodes)) }, (_, i) => {
    const smallest = pools.find(({ nodes }) => i < nodes);
    return { name: `${name}-${i}`, address: manyAddress(i), labels: smallest === undefined ? {} : labelsFrom(pools, smallest) };
  });
}

async function startTraefiks(
  stack: StackConnection,
  undo: (() => Promise<unknown>)[],
): Promise<readonly { kind: TraefikRefresh['kind']; server: TraefikServer }[]> {
  const { consulUrl } = stack;
  const servers: { kind: TraefikRefresh['kind']; server: TraefikServer }[] = [];
  for (const refresh of REFRESHES) {
    // At DEBUG it writes several lines for each request.
    const server = await startTraefik({ consulUrl, refresh, extraArgs: ['--log.level=INFO'] });
    undo.push(() => server.stop());
    servers.push({ kind: refresh.kind, server });
  }
  return servers;
}

/** Without a proxy before the stores: it would share a processor with the load. */
async function startDaemon(
  { stack, name, git }: Site,
  servers: readonly { kind: string; server: TraefikServer }[],
  env: GapOptions['env'],
): Promise<DaemonProcess> {
  const replicas = servers.map(({ kind, server }) => `{name: ${kind}, url: "${server.apiUrl}"}`);
  const daemon = await prepareDaemon({
    stack,
    cluster: name,
    owner: name,
    keyPath: name,
    namespace: name,
    git: { url: git.url },
    env: {
      POOLKEEPER_TRAEFIK_API: `[${replicas.join(', ')}]`,
      POOLKEEPER_TRAEFIK_LET_GO: `${LET_GO_MS}ms`,
      POOLKEEPER_POOL_OPEN: '1s',
      ...env,
    },
  });
  await daemon.start();
  return daemon;
}

async function arrived(
  { pools, traefiks, daemon }: Pick<RigParts, 'pools' | 'traefiks' | 'daemon'>,
  what: string,
  isSo: (seen: PoolInRotation, pool: GapPool) => boolean,
): Promise<void> {
  for (const { mode, rotation } of traefiks) {
    for (const pool of pools) {
      const look = (): true | undefined => {
        const seen = rotation.latest(pool.app);
        return seen !== undefined && isSo(seen, pool) ? true : undefined;
      };
      try {
        await waitUntil(`${what} of ${pool.app} in ${mode} mode`, look, {
          timeoutMs: 60_000,
          describe: () => JSON.stringify(rotation.latest(pool.app)).slice(0, 2_000),
        });
      } catch (error) {
        const { specs, problems } = await daemon.status();
        throw new Error(`${String(error)}\n${JSON.stringify({ specs, problems }).slice(0, 6_000)}`, { cause: error });
      }
    }
  }
}

/** Traefik has all that Consul has, and Consul changes no more. */
async function settled({ pools, traefiks, stack }: Pick<RigParts, 'pools' | 'traefiks' | 'stack'>): Promise<void> {
  for (const { app } of pools) {
    await waitUntil(`the whole of ${app}`, async () => {
      const size = (await instancesOf(stack, app)).length;
      const isSame = traefiks.every(({ rotation }) => rotation.latest(app)?.servers.length === size);
      if (isSame) for (const { rotation } of traefiks) rotation.setSize(app, size);
      return isSame ? true : undefined;
    });
  }
}

/** A slow answer is no gap: on a machine that is too busy fewer requests are sent, and each has its time. */
const PATIENCE = { timeoutMs: 20_000, mostUnderWay: 100 };

const startLoads = ({ server }: GapTraefik, pools: readonly GapPool[], perSecond: number): ReadonlyMap<string, Load> =>
  new Map(pools.map(({ app }) => [app, startLoad({ url: server.webUrl, headers: { host: hostOfPool(app) }, perSecond, ...PATIENCE })]));

async function stopLoads(traefiks: readonly GapTraefik[]): Promise<void> {
  await Promise.all(traefiks.flatMap(({ loads }) => [...loads.values()].map((load) => load.stop())));
}

async function finish({ pools, traefiks, stack, name, changes }: RigParts): Promise<readonly GapResult[]> {
  const results: GapResult[] = [];
  for (const pool of pools) {
    const backends = (await instancesOf(stack, pool.app)).length;
    for (const { mode, loads, rotation } of traefiks) {
      const samples = (await loads.get(pool.app)?.stop())?.samples ?? [];
      results.push({
        mode,
        nodes: pool.nodes,
        backends,
        ...judge(`${name}/${pool.app}`, samples, { states: pool.states, changes }),
        ...rotation.least(pool.app),
      });
    }
  }
  return results;
}

async function complaints(traefiks: readonly GapTraefik[]): Promise<readonly string[]> {
  const logs = await Promise.all(traefiks.map(({ server }) => readFile(server.logFile, 'utf8')));
  return logs.flatMap((log) => log.split('\n').filter((line) => line.includes('defined multiple times')));
}
