import type { SpecId } from '../core/model/ids.ts';
import type { RunReport, SpecState } from '../core/report/run-report.ts';

const UNSETTLED: ReadonlySet<SpecState> = new Set(['failed', 'leaving', 'waiting', 'changing']);

/** Tells from reports, one after the other, for how long specs have differed from Git. */
export class UnsettledClock {
  #sinceMs: ReadonlyMap<SpecId, number> = new Map();

  /** To be told of every report. A spec that is unknown for a while, since a source is silent, is taken for what it was before. */
  observe({ specs, startedAtMs }: Pick<RunReport, 'specs' | 'startedAtMs'>): void {
    const now = new Map<SpecId, number>();
    for (const { id, state } of specs) {
      const before = this.#sinceMs.get(id);
      if (UNSETTLED.has(state)) now.set(id, before ?? startedAtMs);
      else if (state === 'unknown' && before !== undefined) now.set(id, before);
    }
    this.#sinceMs = now;
  }

  /** How long the one that has waited longest has waited, in seconds; 0 when none waits. */
  longestSeconds(nowMs: number): number {
    const firstMs = [...this.#sinceMs.values()].reduce((first, sinceMs) => Math.min(first, sinceMs), nowMs);
    return (nowMs - firstMs) / 1000;
  }
}
