import type { NodeName, PoolKey } from '../model/ids.ts';
import type { Memory, StayOutKey } from '../model/memory.ts';

/** What left lately, by the scope of its reason: a node for a reason of its own, or out of one pool only. */
export const stayOutKey = (node: NodeName, pool?: PoolKey): StayOutKey => (pool === undefined ? node : `${pool}@${node}`);

/** A node that leaves again within a grace of coming back stays out for one more. */
const LONGEST_WAIT = 2;

/**
 * Until when the nodes that lately left `pool` stay out of it, ms since the epoch; without a pool, out of all. An entry that
 * lies further ahead than any wait was written by a clock that was wrong, or under a longer grace: it does not count.
 */
export function stayingOut(memory: Memory, { pool, graceMs, nowMs }: StayOutQuery): ReadonlyMap<NodeName, number> {
  const result = new Map<NodeName, number>();
  for (const [key, untilMs] of Object.entries(memory.stayOut ?? {})) {
    if (!(untilMs > nowMs && untilMs <= nowMs + LONGEST_WAIT * graceMs)) continue;
    const at = key.indexOf('@');
    if (at >= 0 && key.slice(0, at) !== pool) continue;
    const node = key.slice(at + 1) as NodeName;
    result.set(node, Math.max(untilMs, result.get(node) ?? 0));
  }
  return result;
}

export interface StayOutQuery {
  readonly pool: PoolKey | undefined;
  readonly graceMs: number;
  readonly nowMs: number;
}

/**
 * What is to be remembered when `leaving` leave now: the very same value when nothing has to be written. What has not yet come
 * back leaves only once, however often its removal is tried. Old entries go when a new one is written, so that nothing is
 * written at rest.
 */
export function rememberLeaving(
  known: Memory['stayOut'],
  leaving: ReadonlySet<StayOutKey>,
  { graceMs, nowMs }: Omit<StayOutQuery, 'pool'>,
): Memory['stayOut'] {
  const counts = (untilMs: number): boolean => untilMs + graceMs > nowMs && untilMs <= nowMs + LONGEST_WAIT * graceMs;
  const kept = Object.entries(known ?? {}).filter(([, untilMs]) => counts(untilMs));
  const before = new Map(kept);
  const fresh = [...leaving].filter((key) => !((before.get(key) ?? 0) > nowMs));
  if (graceMs === 0 || fresh.length === 0) return known;
  const wait = (key: StayOutKey): number => graceMs * (before.has(key) ? LONGEST_WAIT : 1);
  return Object.fromEntries([...kept, ...fresh.map((key) => [key, nowMs + wait(key)] as const)]);
}
