import { setTimeout as delay } from 'node:timers/promises';
import type { RecordedRequest } from '../support/recording-proxy.ts';
import { consulRequest } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { poll } from './rig.ts';

/** Entries that Consul's Raft log has applied so far. */
export async function raftIndex(stack: StackConnection): Promise<number> {
  const self = (await consulRequest(stack, 'GET', '/v1/agent/self')) as { Stats: { raft: { applied_index: string } } };
  return Number(self.Stats.raft.applied_index);
}

/** What a reader saw who asks for one Consul service every 5 ms. */
export interface Reading {
  readonly reads: number;
  /** Answers with instances that differed in their tags. */
  readonly mixed: number;
  /** Answers with some instances, but not one for each node. */
  readonly partial: number;
}

export interface Reader {
  /** When every node's instance had the tag for the first time, ms since the epoch. */
  readonly arrived: Promise<number>;
  /** Reads on for a while, then ends. */
  stop(): Promise<Reading>;
}

const READ_EVERY_MS = 5;

/** Reads a Consul service every 5 ms until it is stopped. */
export function startReader(stack: StackConnection, service: string, { tag, nodes }: { tag: string; nodes: number }): Reader {
  const { promise: arrived, resolve } = Promise.withResolvers<number>();
  const seen = { reads: 0, mixed: 0, partial: 0 };
  let stopped = false;
  const read = async (): Promise<void> => {
    while (!stopped) {
      const next = delay(READ_EVERY_MS);
      const answer = await consulRequest(stack, 'GET', `/v1/catalog/service/${service}`);
      const tags = (answer as readonly { readonly ServiceTags: readonly string[] }[]).map(({ ServiceTags }) => ServiceTags);
      seen.reads++;
      if (new Set(tags.map((list) => [...list].sort().join('\n'))).size > 1) seen.mixed++;
      if (tags.length > 0 && tags.length !== nodes) seen.partial++;
      if (tags.length === nodes && tags.every((list) => list.includes(tag))) resolve(Date.now());
      await next;
    }
  };
  const reading = read();
  return {
    arrived,
    stop: async () => {
      await delay(100);
      stopped = true;
      await reading;
      return seen;
    },
  };
}

/** Follows the index of the catalog, which is that of its last change. */
export interface IndexWatch {
  /** When the catalog was first seen at this index or a later one, ms since the epoch. */
  reached(index: number): number;
  stop(): Promise<void>;
}

/** Looks every 10 ms, by a read that costs Consul next to nothing: of all nodes none is wanted. */
export function watchIndex({ consulUrl }: StackConnection): IndexWatch {
  const samples: { readonly atMs: number; readonly index: number }[] = [];
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      const response = await fetch(`${consulUrl}/v1/catalog/nodes?filter=Node==none`);
      await response.arrayBuffer();
      samples.push({ atMs: Date.now(), index: Number(response.headers.get('x-consul-index')) });
      await delay(10);
    }
  };
  const looking = look();
  return {
    reached: (index) => samples.find((sample) => sample.index >= index)?.atMs ?? Number.NaN,
    stop: async () => {
      stopped = true;
      await looking;
    },
  };
}

/** Waits until every service of a cluster stands in the catalog; a pool comes as a whole. */
export async function whenRegistered(stack: StackConnection, cluster: string, services: number): Promise<void> {
  const names = async (): Promise<number> => {
    const found = await consulRequest(stack, 'GET', `/v1/catalog/services?node-meta=cluster:${cluster}`);
    return Object.keys(found as object).filter((name) => name.startsWith('svc-')).length;
  };
  await poll(async () => (await names()) === services, 250);
}

/** What was written to Consul, told from the requests that came to a proxy. */
export interface CatalogWrites {
  /** Transactions that held operations on nodes, instances or checks. */
  readonly catalogTransactions: number;
  readonly catalogOperations: number;
  readonly deregistrations: number;
  /** KV operations on other keys than our bookkeeping under `.poolkeeper/`. */
  readonly kvOperations: number;
  readonly bookkeepingTransactions: number;
  /** PUT requests other than transactions and renewals of the session. */
  readonly otherWrites: number;
}

interface Operation {
  readonly KV?: { readonly Verb: string; readonly Key: string };
  readonly Service?: { readonly Verb: string };
  readonly Node?: { readonly Verb: string };
  readonly Check?: { readonly Verb: string };
}

/** Counts the writes among requests to Consul. */
export function countWrites(requests: readonly RecordedRequest[]): CatalogWrites {
  const puts = requests.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/v1/session/renew'));
  const transactions = puts.filter(isTransaction).map(({ body }) => JSON.parse(body) as readonly Operation[]);
  const catalog = transactions.map((operations) => operations.filter(({ KV }) => KV === undefined));
  const written = transactions.flat().filter(({ KV }) => KV !== undefined && KV.Verb !== 'check-session');
  const deletes = catalog.flat().filter(({ Service }) => Service?.Verb.startsWith('delete') === true);
  const touching = catalog.filter((operations) => operations.length > 0).length;
  return {
    catalogTransactions: touching,
    catalogOperations: catalog.flat().length,
    deregistrations: deletes.length,
    kvOperations: written.filter(({ KV }) => KV?.Key.includes('/.poolkeeper/') !== true).length,
    bookkeepingTransactions: transactions.length - touching,
    otherWrites: puts.filter((one) => !isTransaction(one)).length,
  };
}

const isTransaction = ({ method, path }: RecordedRequest): boolean => method === 'PUT' && path === '/v1/txn';
