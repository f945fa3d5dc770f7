import { setTimeout as delay } from 'node:timers/promises';
import { type GapPool, type GapRig, stateOf } from './gap-rig.ts';
import { cordon, deleteNode } from './many-nodes.ts';
import type { PoolInRotation } from './rotation-watch.ts';
import { consulRequest } from './site.ts';

/** What a user may do to all pools at once. */
export const GAP_CHANGES = [
  'rule',
  'join',
  'port',
  'cordon',
  'middleware',
  'uncordon',
  'weight',
  'delete',
  'all',
  'port-and-cordon',
] as const;
export type GapChange = (typeof GAP_CHANGES)[number];

/** How the changes are made. */
export interface GapPlan {
  /** How many, in the order of GAP_CHANGES, again and again. */
  readonly count: number;
  /** The pause before the i-th, in ms. */
  readonly pauseMs?: (i: number) => number;
}

/**
 * Makes one change after the other, the next as soon as both Traefiks have the last. The machine of a deleted node is switched off a
 * second after both have let go of it: no daemon can keep one running that is switched off before.
 */
export async function makeChanges(rig: GapRig, { count, pauseMs }: GapPlan): Promise<void> {
  const state: Progress = { cordoned: [] };
  for (let i = 0; i < count; i++) {
    if (pauseMs !== undefined) await delay(pauseMs(i));
    const what = GAP_CHANGES[i % GAP_CHANGES.length] ?? 'rule';
    rig.changes.push({ what, atMs: Date.now() });
    await CHANGES[what](rig, state, i);
  }
}

interface Progress {
  cordoned: readonly Member[];
}

type Make = (rig: GapRig, progress: Progress, i: number) => Promise<void>;

const CHANGES: Readonly<Record<GapChange, Make>> = {
  rule: (rig) => commit(rig, 'rule', ['rule']),
  middleware: (rig) => commit(rig, 'middleware', ['middleware']),
  port: (rig) => commit(rig, 'port', ['nodePort']),
  weight: (rig) => commit(rig, 'weight', ['weight']),
  all: (rig) => commit(rig, 'everything', ['rule', 'middleware', 'nodePort', 'weight']),
  cordon: async (rig, progress) => {
    await cordonSome(rig, progress);
    await isGone(rig, progress.cordoned);
  },
  uncordon: uncordonAll,
  join: async (rig, progress, i) => {
    await uncordonAll(rig, progress);
    const names = new Map(rig.pools.map((pool) => [pool, `${rig.name}-${pool.nodes}-j${i}`]));
    const before = sizes(rig);
    await rig.join(names);
    // A pool that is cut has no need of another node.
    await rig.arrived('the nodes that join', (seen, pool) => {
      const isCut = pool.nodes > MOST_UNCUT;
      return isCut || seen.servers.length > (before.get(pool) ?? 0);
    });
  },
  delete: async (rig) => {
    const victims = await pickMembers(rig);
    await Promise.all(victims.map(({ name }) => deleteNode(rig.stack, name)));
    await isGone(rig, victims);
    await switchOff(rig, victims);
  },
  'port-and-cordon': async (rig, progress) => {
    await uncordonAll(rig, progress);
    await cordonSome(rig, progress);
    await commit(rig, 'port while nodes leave', ['nodePort']);
    await isGone(rig, progress.cordoned);
  },
};

/** For the requests that are still on their way. */
const IN_FLIGHT_MS = 1_000;

async function switchOff({ listeners }: GapRig, members: readonly Member[]): Promise<void> {
  await delay(IN_FLIGHT_MS);
  // Connections that Traefik has opened and never used keep it from ending; nothing is sent on them.
  for (const { name } of members) void listeners.setDown(name, true);
}

/** No pool of so many nodes is cut. */
const MOST_UNCUT = 100;

const sizes = ({ pools, traefiks }: GapRig): ReadonlyMap<GapPool, number> =>
  new Map(pools.map((pool) => [pool, traefiks[0]?.rotation.latest(pool.app)?.servers.length ?? 0]));

type Part = 'rule' | 'middleware' | 'nodePort' | 'weight';

async function commit(rig: GapRig, what: string, parts: readonly Part[]): Promise<void> {
  await rig.commit((state) => ({ ...state, ...Object.fromEntries(parts.map((part) => [part, state[part] + 1])) }), what);
  await rig.arrived(what, (seen, pool) => isInState(seen, pool));
}

function isInState({ servers, rules, middlewares }: PoolInRotation, pool: GapPool): boolean {
  const { nodePort, rule, middleware, weight } = stateOf(pool);
  return (
    servers.every((server) => server.url.endsWith(`:${nodePort}`) && server.weight === weight) &&
    rules.some((text) => text.includes(`r${rule}.`)) &&
    middlewares.includes(`"X-Version":"${middleware}"`)
  );
}

async function cordonSome(rig: GapRig, progress: Progress): Promise<void> {
  progress.cordoned = await pickMembers(rig);
  await Promise.all(progress.cordoned.map(({ name }) => cordon(rig.stack, name, true)));
}

async function uncordonAll(rig: GapRig, progress: Progress): Promise<void> {
  const { cordoned } = progress;
  if (cordoned.length === 0) return;
  progress.cordoned = [];
  const before = sizes(rig);
  await Promise.all(cordoned.map(({ name }) => cordon(rig.stack, name, false)));
  await rig.arrived('the nodes that come back', (seen, pool) => {
    const size = before.get(pool) ?? 0;
    return pool.nodes > MOST_UNCUT ? seen.servers.length >= size : seen.servers.length > size;
  });
}

/** A node that is a backend. */
interface Member {
  readonly name: string;
  readonly address: string;
}

/** One present member of each pool, of none that is smaller. */
async function pickMembers({ stack, pools }: GapRig): Promise<readonly Member[]> {
  const picked: Member[] = [];
  const taken = new Set<string>();
  for (const { app } of pools) {
    const instances = (await consulRequest(stack, 'GET', `/v1/catalog/service/${app}`)) as readonly Instance[];
    const members = instances.map((one) => ({ name: one.ServiceMeta['k8s-node'] ?? '', address: one.ServiceAddress }));
    const member = members.find(({ name }) => !taken.has(name));
    if (member === undefined) throw new Error(`${app} has no member of its own`);
    picked.push(member);
    for (const { name } of members) taken.add(name);
  }
  return picked;
}

interface Instance {
  readonly ServiceAddress: string;
  readonly ServiceMeta: Readonly<Record<string, string>>;
}

async function isGone(rig: GapRig, members: readonly Member[]): Promise<void> {
  const hosts = new Set(members.map(({ address }) => address));
  await rig.arrived(`the absence of ${members.map(({ name }) => name).join(', ')}`, ({ servers }) =>
    servers.every(({ url }) => !hosts.has(new URL(url).hostname)),
  );
}
