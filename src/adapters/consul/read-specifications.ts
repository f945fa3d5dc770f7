import { poolOfSpecification, specificationsPrefix } from '../../core/model/consul-names.ts';
import { textDigest } from '../../core/model/hash.ts';
import { type KvKey, kvKey } from '../../core/model/ids.ts';
import type { KvEntry } from '../../core/model/registration.ts';
import type { Answer, ConsulClient } from './consul-client.ts';
import type { KeyValue } from './decode-answer.ts';
import { mapLimited } from './map-limited.ts';

/** What stands under `specifications/`, without the values, and the index of the tree that it was read at. */
export interface SpecificationReading {
  readonly index: number;
  readonly entries: ReadonlyMap<KvKey, KvEntry>;
}

export interface SpecificationRequest {
  readonly client: ConsulClient;
  readonly keyPath: string;
  /** The last reading with our own writes since folded in. */
  readonly previous: SpecificationReading | undefined;
  readonly refuseFiltered: (answers: readonly Answer<unknown>[]) => void;
}

/** Pools read at the same time. */
const PARALLEL_POOLS = 8;

/**
 * Reads the tree pool by pool, since it may be large, and keeps no value of it. While its index is that of `previous`, or of the
 * last write known of it, one short request is all. Somebody else's change just before a write of ours goes unseen then; that
 * write was by compare-and-set, and so is the next one.
 */
export async function readSpecifications(request: SpecificationRequest, signal: AbortSignal): Promise<SpecificationReading> {
  const { client, keyPath, previous, refuseFiltered } = request;
  const prefix = specificationsPrefix(keyPath);
  const top = await client.listKeys({ prefix, separator: '/' }, signal);
  refuseFiltered([top]);
  const { index } = top;
  if (previous !== undefined && (previous.index === index || lastWrite(previous) === index)) return { index, entries: previous.entries };
  if (top.value.length === 0) return { index, entries: new Map() };
  const keys = await client.listKeys({ prefix }, signal);
  const pools = new Set(keys.value.flatMap((key) => poolOfSpecification(keyPath, key) ?? []));
  const trees = await mapLimited([...pools], PARALLEL_POOLS, (pool) => client.readTree(kvKey(`${prefix}${pool}/`), signal));
  refuseFiltered([keys, ...trees]);
  const entries = trees.flatMap(({ value }) => value.map((found) => entryOf(found, previous?.entries.get(found.key))));
  return { index, entries: new Map(entries.map((entry) => [entry.key, entry])) };
}

const lastWrite = ({ entries }: SpecificationReading): number =>
  [...entries.values()].reduce((most, { modifyIndex }) => Math.max(most, modifyIndex), 0);

function entryOf({ key, value, flags, modifyIndex }: KeyValue, known: KvEntry | undefined): KvEntry {
  if (known?.modifyIndex === modifyIndex) return known;
  return { key, value: '', digest: textDigest(value), flags, modifyIndex };
}
