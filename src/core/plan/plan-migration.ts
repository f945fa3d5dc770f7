import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { KvWrite, Waiting } from '../model/action.ts';
import { migratingKey } from '../model/consul-names.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { KvEntry } from '../model/registration.ts';
import { parseObject } from '../model/told-agents.ts';
import type { PlanContext } from './context.ts';
import type { PoolAgents } from './pool-agents.ts';
import { listed, tellable } from './pool-agents.ts';
import type { RegistrarInput, Registrars } from './registrars.ts';
import { addressed } from './registrars.ts';
import { roomFor } from './transaction-room.ts';

/** The JSON value of a pool's `migrating` key. Who asks for the move writes `sinceMs`, the daemon the rest. Times in ms since the epoch. */
export interface Migration {
  readonly sinceMs: number;
  /** When agents were last told to leave. */
  readonly untoldAtMs?: number;
  /** Nodes whose agents were told to leave although they did not register the pool then, and when: they may only have been late. */
  readonly unseen?: Readonly<Record<NodeName, number>>;
}

interface KnownMigration {
  readonly entry: KvEntry;
  readonly value: Migration;
}

/** How long an agent that was not seen may still be late with what it was told before. */
export const LATE_AGENT_MS = 10_000;
/** After this time agents that stay are told to people. */
const PATIENCE_MS = 60_000;

/** The move of a pool from agents to the catalog that somebody has asked for; undefined when there is none. */
export function migrationOf(pool: PoolKey, { registry, policy }: PlanContext): KnownMigration | undefined {
  const entry = registry?.kv.get(migratingKey(policy.keyPath, policy.cluster, pool));
  if (entry === undefined) return undefined;
  const { sinceMs, untoldAtMs, unseen } = (parseObject(entry.value) ?? {}) as Partial<Migration>;
  return {
    entry,
    value: { sinceMs: sinceMs ?? 0, ...(untoldAtMs === undefined ? {} : { untoldAtMs }), ...(unseen === undefined ? {} : { unseen }) },
  };
}

/** Deletes the memory of a move that is over; undefined when there is none. */
export function forgetMigration(pool: PoolKey, context: PlanContext): KvWrite | undefined {
  const known = migrationOf(pool, context);
  return known === undefined ? undefined : { key: known.entry.key, value: undefined, modifyIndex: known.entry.modifyIndex };
}

/** What a step of a move is worked out from. */
export interface MigrationInput extends RegistrarInput {
  readonly agents: PoolAgents;
  readonly migration: KnownMigration | undefined;
  /** The nodes whose agents the entry tells to register; undefined: all. */
  readonly told: readonly NodeName[] | undefined;
}

/** Where each backend is on its way. */
interface Places {
  /** Registered by their agents, which are told to. */
  readonly kept: readonly NodeName[];
  /** Told, but not registered by anybody. */
  readonly absent: readonly NodeName[];
  /** Registered by their agents on nodes that are no backends: they go, but not before anything else is there. */
  readonly bridge: readonly NodeName[];
  /** Agents that are told to leave and have not left yet; also those of nodes that are no backends. */
  readonly leaving: readonly NodeName[];
  /** Nobody's: neither told nor registered by an agent. */
  readonly free: readonly NodeName[];
  readonly ours: ReadonlySet<NodeName>;
}

function placesOf({ backends, agents, told, registered }: MigrationInput): Places {
  const ours = new Set(registered.instances.map(({ node }) => node));
  const names = backends.map(({ node }) => node);
  const may = told === undefined ? undefined : new Set(told);
  const isTold = (node: NodeName): boolean => may?.has(node) ?? true;
  return {
    kept: names.filter((node) => isTold(node) && agents.nodes.has(node) && !ours.has(node)),
    absent: names.filter((node) => isTold(node) && !agents.nodes.has(node) && !ours.has(node)),
    bridge: [...agents.nodes].filter((node) => isTold(node) && !names.includes(node)).sort(byBytes),
    leaving: [...agents.nodes].filter((node) => !isTold(node) || !names.includes(node) || ours.has(node)),
    free: names.filter((node) => !isTold(node) && !agents.nodes.has(node)),
    ours,
  };
}

/**
 * The next step of a move. A node goes in three: its agent is told to leave, the agent is seen to be gone, the catalog takes the
 * node. So no reader ever sees a node twice; and only so many agents are told to leave that at least half of the pool, and its
 * least number of backends, stays registered. Where that leaves nobody to go on with (one node), one transaction swaps agent and
 * catalog, of as many nodes as it holds. Tags do not change on the way: agents follow seconds later, and Traefik drops a route whose instances disagree.
 */
export function planMigration(input: MigrationInput, context: PlanContext): Registrars {
  const { view, backends, agents, registered } = input;
  const tags = commonTags(agents);
  const began = registered.instances.length > 0;
  const awaited = tags === undefined || (!began && !sameTags(tags, view.tags));
  if (awaited) return waitForTags(input, context);
  const places = placesOf(input);
  const unseen = lateAgents(input, places, context.nowMs);
  const entering = places.free.filter((node) => (unseen[node] ?? 0) + LATE_AGENT_MS <= context.nowMs);
  const ours = new Set([...backends.map(({ node }) => node).filter((node) => places.ours.has(node)), ...entering]);
  const minBackends = view.settings.minBackends ?? context.policy.pool.minBackends;
  const least = Math.max(Math.ceil(backends.length / 2), Math.min(minBackends, backends.length));
  const spare = Math.max(0, places.kept.length + ours.size - least);
  const isStuck = spare === 0 && places.kept.length > 0 && places.kept.length + ours.size === backends.length;
  const swapped = new Set(isStuck ? swappable(input, places, context) : []);
  const isBare = places.kept.length + ours.size === 0;
  const told = isBare ? places.bridge : places.kept.filter((node, i) => i >= spare && !swapped.has(node));
  for (const node of swapped) ours.add(node);
  const record = nextRecord(input, { told, unseen, context });
  return {
    told,
    catalog: addressed(backends).filter(({ node }) => ours.has(node)),
    tags,
    swap: [...agents.nodeOf].flatMap(([instance, node]) => (swapped.has(node) ? [instance] : [])),
    ...(record === undefined ? {} : { record }),
    waiting: [progress(input, { places, ours, unseen })],
    problems: whoStays(input, places, context.nowMs),
  };
}

/** The first nodes for whose swap one transaction has room: the instance, those of the agent in its place, and a check of its health. */
function swappable({ view, agents }: MigrationInput, { kept }: Places, context: PlanContext): readonly NodeName[] {
  const checks = (view.settings.health ?? context.policy.pool.health) === 'node' ? 0 : 1;
  const inPlace = Map.groupBy(agents.nodeOf.values(), (node) => node);
  let room = roomFor(context, 'with-record') - MOVED_CHECK;
  return kept.filter((node, i) => {
    room -= 1 + checks + (inPlace.get(node)?.length ?? 0);
    return i === 0 || room >= 0;
  });
}

/** The check of the pool comes to another instance, and goes where it was. */
const MOVED_CHECK = 2;

/** Agents go on until all of them register what the catalog would: the same tags, in the same order. */
function waitForTags({ view, backends, registered, agents, migration }: MigrationInput, { nowMs }: PlanContext): Registrars {
  const here = new Set(registered.instances.map(({ node }) => node));
  const what = `the agents of ${listed(agents.nodes)} register it with other tags than the spec says`;
  const isLate = migration !== undefined && nowMs - migration.value.sinceMs > PATIENCE_MS;
  return {
    told: tellable(backends, agents).filter((node) => !here.has(node)),
    catalog: backends.filter(({ node }) => here.has(node)),
    ...(registered.instances[0] === undefined ? {} : { tags: registered.instances[0].tags }),
    swap: [],
    waiting: [
      { leg: 'consul', what: `pool ${view.pool} moves from agents to the catalog: ${what}`, on: view.pool, untilMs: nowMs + PATIENCE_MS },
    ],
    problems: isLate ? [problem('CONSUL_AGENTS_STAY', `pool ${view.pool} cannot move to the catalog: ${what}`)] : [],
  };
}

const sameTags = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((tag, i) => tag === b[i]);

/** The tags that all agents register; undefined while they differ. */
function commonTags({ instances }: PoolAgents): readonly string[] | undefined {
  const [first] = instances;
  return first !== undefined && instances.every(({ tags }) => sameTags(tags, first.tags)) ? first.tags : undefined;
}

/** Since when which nodes are waited for because their agents may be late. */
function lateAgents({ migration }: MigrationInput, { absent, free, ours }: Places, nowMs: number): Readonly<Record<NodeName, number>> {
  const known = migration?.value.unseen ?? {};
  const entries = [
    ...free.flatMap((node) => (known[node] === undefined || ours.has(node) ? [] : [[node, known[node]] as const])),
    ...absent.map((node) => [node, nowMs] as const),
  ];
  return Object.fromEntries(entries);
}

interface RecordInput {
  readonly told: readonly NodeName[];
  readonly unseen: Readonly<Record<NodeName, number>>;
  readonly context: PlanContext;
}

/** Written with the entry whenever that tells other nodes; a move that nobody remembers any more gets its memory back. */
function nextRecord({ view, migration, told: before }: MigrationInput, { told, unseen, context }: RecordInput): KvWrite | undefined {
  const changed = before === undefined || before.join() !== told.join();
  if (!changed && migration !== undefined) return undefined;
  const { nowMs, policy } = context;
  const value: Migration = { sinceMs: migration?.value.sinceMs ?? nowMs, untoldAtMs: nowMs, unseen };
  return {
    key: migratingKey(policy.keyPath, policy.cluster, view.pool),
    value: JSON.stringify(value),
    modifyIndex: migration?.entry.modifyIndex ?? 0,
  };
}

interface Standing {
  readonly places: Places;
  readonly ours: ReadonlySet<NodeName>;
  readonly unseen: Readonly<Record<NodeName, number>>;
}

function progress({ view, backends, migration }: MigrationInput, { places, ours, unseen }: Standing): Waiting {
  const late = Object.values(unseen).map((sinceMs) => sinceMs + LATE_AGENT_MS);
  const { untoldAtMs } = migration?.value ?? {};
  const times = [...late, ...(places.leaving.length === 0 || untoldAtMs === undefined ? [] : [untoldAtMs + PATIENCE_MS])];
  const waits = places.leaving.length > 0 ? `; the agents of ${listed(places.leaving)} are leaving` : '';
  return {
    leg: 'consul',
    what: `pool ${view.pool} moves from agents to the catalog: ${ours.size} of ${backends.length} nodes are there${waits}`,
    on: view.pool,
    ...(times.length === 0 ? {} : { untilMs: Math.min(...times) }),
  };
}

/** Agents that were told to leave long ago and stay do not read what they are told. */
function whoStays({ view, migration }: MigrationInput, { leaving }: Places, nowMs: number): readonly Problem[] {
  const untoldAtMs = migration?.value.untoldAtMs;
  if (leaving.length === 0 || untoldAtMs === undefined || nowMs - untoldAtMs < PATIENCE_MS) return [];
  return [problem('CONSUL_AGENTS_STAY', `the agents of ${listed(leaving)} still register pool ${view.pool}, though they are told not to`)];
}
