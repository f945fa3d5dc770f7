import { revision, type SpecId } from '../core/model/ids.ts';
import type { LatencyReport, LatencyStage, LegState, RunReport } from '../core/report/run-report.ts';
import { type SpecStanding, standingOf } from '../core/report/spec-standing.ts';
import type { Arrival } from './spec-poller.ts';

/** When things happened in one run, in ms since the epoch. */
export interface RunTimes {
  readonly startedAtMs: number;
  readonly plannedAtMs: number;
  /** The last write that succeeded, by leg and spec. */
  readonly lastKubernetesAtMs: ReadonlyMap<SpecId, number>;
  readonly lastConsulAtMs: ReadonlyMap<SpecId, number>;
}

interface Start {
  readonly atMs: number;
  readonly by: LatencyReport['start'];
}

/** When a commit was on its way: a webhook tells when it was pushed; without one, it was after the last look that still saw the old head. */
export function startOf({ webhookAtMs, movedAfterMs }: Pick<Arrival, 'webhookAtMs' | 'movedAfterMs'>): Start | undefined {
  if (webhookAtMs !== undefined) return { atMs: webhookAtMs, by: 'webhook' };
  return movedAfterMs === undefined ? undefined : { atMs: movedAfterMs, by: 'poll' };
}

interface Open {
  readonly arrival: Arrival;
  /** When the clock began, and by whose word. */
  readonly start: Start;
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
  /** Specs of which some Traefik replica did not serve what is registered when they were last looked at. */
  readonly following: Set<SpecId>;
  /** Start of the first run that saw every replica that answers serve the last of them; undefined while Traefik is not watched. */
  servedAtMs: number | undefined;
}

/**
 * Follows each commit from the webhook that told of it, else from the last look that still saw the old head, until all that it touched
 * is in step, and gives the stages of its way (design section 10). A commit that is held, or of which a spec is broken, refused or in
 * conflict, is never counted, also after its release: how long people take is no latency. One that removes a spec ends when its pool
 * is out of Consul and of Traefik. The roll-out lasts from the last apply until everything is
 * healthy and registrations may be written; those are often written before the last pod is ready, so these stages overlap. Where
 * Traefik is watched, all is in step only when every replica that answers serves it, however late; else the way ends in Consul.
 */
export class LatencyTracker {
  readonly #open: Open[] = [];

  /** A new head was seen. The first one after a start has no beginning and is not followed. */
  arrived(arrival: Arrival): void {
    const begin = startOf(arrival);
    const touched = arrival.touched ?? arrival.changed;
    if (begin === undefined || touched.size === 0) return;
    this.#supersede(touched);
    const start = arrival.decodedAtMs;
    this.#open.push({
      arrival,
      start: begin,
      pending: new Set(touched),
      arrivedSpecs: 0,
      plannedAtMs: undefined,
      kubernetesAtMs: start,
      consulAtMs: start,
      consulFromMs: start,
      rolling: new Set(),
      healthyAtMs: start,
      following: new Set(),
      servedAtMs: undefined,
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
  observe(report: Pick<RunReport, 'specs' | 'pools'>, times: RunTimes): readonly LatencyReport[] {
    const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
    const finished: LatencyReport[] = [];
    for (const open of [...this.#open]) {
      // A run that began before the commit was known speaks of the one before.
      if (open.arrival.decodedAtMs > times.startedAtMs) continue;
      open.plannedAtMs ??= times.plannedAtMs;
      const standings = [...open.pending].map((id): SpecStanding => {
        const spec = specs.get(id);
        note(open, id, times);
        noteRollout(open, id, { rolls: spec?.waiting.some(({ rollout }) => rollout === true) ?? false, atMs: times.startedAtMs });
        noteServing(open, id, { traefik: spec?.legs.traefik ?? 'not-watched', atMs: times.startedAtMs });
        const standing = standingOf(spec, report);
        if (standing.kind === 'done' && open.pending.delete(id)) open.arrivedSpecs++;
        return standing;
      });
      const isUncounted = standings.some(isStuck);
      if (open.pending.size > 0 && !isUncounted) continue;
      this.#open.splice(this.#open.indexOf(open), 1);
      if (!isUncounted && open.arrivedSpecs > 0) finished.push(...stagesOf(open));
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

/**
 * What waits for people is not counted; nor is what no replica could show, because none answers. What a replica is late with is: the
 * slowest commits are those that the histogram is for.
 */
const isStuck = (standing: SpecStanding): boolean =>
  standing.kind === 'held' ||
  (standing.kind === 'failed' && standing.late !== true) ||
  (standing.kind === 'going' && standing.unseen === true);

const isFollowed = (traefik: LegState): boolean => traefik !== 'changing' && traefik !== 'failed';

function noteServing(open: Open, id: SpecId, { traefik, atMs }: { readonly traefik: LegState; readonly atMs: number }): void {
  if (traefik === 'not-watched') return;
  open.servedAtMs ??= 0;
  if (!isFollowed(traefik)) open.following.add(id);
  else if (open.following.delete(id)) open.servedAtMs = Math.max(open.servedAtMs, atMs);
}

function stagesOf(open: Open): readonly LatencyReport[] {
  const { start, arrival } = open;
  const { fetchedAtMs, decodedAtMs } = arrival;
  const plannedAtMs = open.plannedAtMs ?? decodedAtMs;
  const consulFromMs = Math.max(open.consulFromMs, open.kubernetesAtMs);
  const healthyAtMs = Math.max(open.healthyAtMs, consulFromMs);
  const servedAtMs = Math.max(open.servedAtMs ?? 0, open.consulAtMs);
  const endMs = Math.max(servedAtMs, healthyAtMs, plannedAtMs);
  const traefik = open.servedAtMs === undefined ? [] : [['traefik', servedAtMs - open.consulAtMs] as const];
  const spans: readonly (readonly [LatencyStage, number])[] = [
    ['fetch', fetchedAtMs - start.atMs],
    ['decode', decodedAtMs - fetchedAtMs],
    ['plan', plannedAtMs - decodedAtMs],
    ['kubernetes', open.kubernetesAtMs - plannedAtMs],
    ['rollout', healthyAtMs - open.kubernetesAtMs],
    ['consul', open.consulAtMs - consulFromMs],
    ...traefik,
    ['total', endMs - start.atMs],
  ];
  const of = revision(arrival.revision);
  return spans.map(([stage, ms]) => ({ revision: of, stage, seconds: Math.max(0, ms) / 1000, start: start.by }));
}
