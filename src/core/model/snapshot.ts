import type { Problem } from '../../shared/problem.ts';

/**
 * What a source last told us. `complete`: a whole answer, taken since the last (re)connect. `stale`: the last whole answer,
 * while the source does not answer any more. `unavailable`: there has been no whole answer. Only complete ones may remove.
 */
export type Snapshot<T> =
  | { readonly kind: 'complete'; readonly value: T; readonly readAtMs: number; readonly connectedAtMs: number; readonly index: string }
  | {
      readonly kind: 'stale';
      readonly value: T;
      readonly readAtMs: number;
      readonly index: string;
      readonly reason: Problem;
      readonly sinceMs: number;
    }
  | { readonly kind: 'unavailable'; readonly reason: Problem; readonly sinceMs: number };

/** The value of a complete or stale snapshot. */
export function snapshotValue<T>(snapshot: Snapshot<T>): T | undefined {
  return snapshot.kind === 'unavailable' ? undefined : snapshot.value;
}

/** The same snapshot with its value replaced by `convert(value)`; age and reason stay. */
export function mapSnapshot<T, U>(snapshot: Snapshot<T>, convert: (value: T) => U): Snapshot<U> {
  return snapshot.kind === 'unavailable' ? snapshot : { ...snapshot, value: convert(snapshot.value) };
}
