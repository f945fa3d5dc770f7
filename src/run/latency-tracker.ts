import type { SpecId } from '../core/model/ids.ts';
import type { LatencyReport, LatencyStage, RunReport } from '../core/report/run-report.ts';
import type { Arrival } from './spec-poller.ts';

/** When things happened in one run, in ms since the epoch. */
export interface RunTimes {
  readonly startedAtMs: number;
  readonly plannedAtMs: number;
  /** The last write that succeeded, by leg and spec. */
  readonly lastKubernetesAtMs: ReadonlyMap<SpecId, number>;
  readonly lastConsulAtMs: ReadonlyMap<SpecId, number>;
}

interface Open {
  readonly arrival: Arrival & { readonly movedAfterMs: number };
  readonly pending: Set<SpecId>;
  arrivedSpecs: number;
  plannedAtMs: number | undefined;
  kubernetesAtMs: number;
  consulAtMs: number;
  /** Start of the run that wrote the last registration. */
  consulFromMs: number;
  /** Specs whose roll-out was under way when they were last looked at. */
  readonly rolling: Set<SpecId>;
  /** Start of the first run that saw the last roll-out at its end. */
  healthyAtMs: number;
}

/**
 * Follows each commit from the last look that still saw the old head until all that it changed is in step, and gives the
 * stages of its way (design section 10). A commit whose specs end broken, failed, held or in conflict is not counted for
 * them; one that removes a spec ends when its pool is out of Consul. The roll-out lasts from the last apply until everything is
 * healthy and registrations may be written; those are often written before the last pod is ready, so these stages overlap.
 */
export class LatencyTracker {
  readonly #open: Open[] = [];

  /** A new head was seen. The first one after a start has no beginning and is not followed. */
  arrived(arrival: Arrival): void {
    const { movedAfterMs } = arrival;
    if (movedAfterMs === undefined || arrival.changed.size === 0) return;
    this.#supersede(arrival.changed);
    const start = arrival.decodedAtMs;
    this.#open.push({
      arrival: { ...arrival, movedAfterMs },
      pending: new Set(arrival.changed),
      arrivedSpecs: 0,
      plannedAtMs: undefined,
      kubernetesAtMs: start,
      consulAtMs: start,
      consulFromMs: start,
      rolling: new Set(),
      healthyAtMs: start,
    });
  }

  /** Forgets every commit: another replica leads and times them. */
  forget(): void {
    this.#open.length = 0;
  }

  /** What a newer commit changes again is waited for there. */
  #supersede(changed: ReadonlySet<SpecId>): void {
    for (const open of [...this.#open]) {
      for (const id of changed) open.pending.delete(id);
      if (open.pending.size === 0 && open.arrivedSpecs === 0) this.#open.splice(this.#open.indexOf(open), 1);
    }
  }

  /** Takes note of a run and gives the stages of every commit that it finished. */
  observe(report: Pick<RunReport, 'specs'>, times: RunTimes): readonly LatencyReport[] {
    const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
    const finished: LatencyReport[] = [];
    for (const open of [...this.#open]) {
      // A run that began before the commit was known speaks of the one before.
      if (open.arrival.decodedAtMs > times.startedAtMs) continue;
      open.plannedAtMs ??= times.plannedAtMs;
      for (const id of [...open.pending]) {
        const spec = specs.get(id);
        note(open, id, times);
        noteRollout(open, id, { rolls: spec?.waiting.some(({ rollout }) => rollout === true) ?? false, atMs: times.startedAtMs });
        const state = spec?.state;
        const stuck = state === 'broken' || state === 'conflict' || state === 'held' || state === 'failed';
        const arrived = state === undefined || state === 'in-step' || state === 'leaving';
        if (stuck || arrived) open.pending.delete(id);
        if (arrived) open.arrivedSpecs++;
      }
      if (open.pending.size > 0) continue;
      this.#open.splice(this.#open.indexOf(open), 1);
      if (open.arrivedSpecs > 0) finished.push(...stagesOf(open));
    }
    return finished;
  }
}

function note(open: Open, id: SpecId, times: RunTimes): void {
  open.kubernetesAtMs = Math.max(open.kubernetesAtMs, times.lastKubernetesAtMs.get(id) ?? 0);
  const consulAtMs = times.lastConsulAtMs.get(id);
  if (consulAtMs === undefined) return;
  open.consulAtMs = Math.max(open.consulAtMs, consulAtMs);
  open.consulFromMs = Math.max(open.kubernetesAtMs, times.startedAtMs);
}

function noteRollout(open: Open, id: SpecId, { rolls, atMs }: { readonly rolls: boolean; readonly atMs: number }): void {
  if (rolls) open.rolling.add(id);
  else if (open.rolling.delete(id)) open.healthyAtMs = Math.max(open.healthyAtMs, atMs);
}

function stagesOf(open: Open): readonly LatencyReport[] {
  const { movedAfterMs, fetchedAtMs, decodedAtMs } = open.arrival;
  const plannedAtMs = open.plannedAtMs ?? decodedAtMs;
  const consulFromMs = Math.max(open.consulFromMs, open.kubernetesAtMs);
  const healthyAtMs = Math.max(open.healthyAtMs, consulFromMs);
  const endMs = Math.max(open.consulAtMs, healthyAtMs, plannedAtMs);
  const spans: readonly (readonly [LatencyStage, number])[] = [
    ['fetch', fetchedAtMs - movedAfterMs],
    ['decode', decodedAtMs - fetchedAtMs],
    ['plan', plannedAtMs - decodedAtMs],
    ['kubernetes', open.kubernetesAtMs - plannedAtMs],
    ['rollout', healthyAtMs - open.kubernetesAtMs],
    ['consul', open.consulAtMs - consulFromMs],
    ['total', endMs - movedAfterMs],
  ];
  return spans.map(([stage, ms]) => ({ stage, seconds: Math.max(0, ms) / 1000, start: 'poll' }));
}
