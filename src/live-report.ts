import { sourceReports } from './core/report/build-report.ts';
import { explain } from './core/report/explain.ts';
import { pendingChanges } from './core/report/pending-changes.ts';
import { poolPicture } from './core/report/pool-picture.ts';
import type { RunReport, SourceReport } from './core/report/run-report.ts';
import { withProbes } from './core/report/with-probes.ts';
import type { HttpServerOptions } from './http/http-server-options.ts';
import type { Parts } from './parts.ts';
import type { Engine } from './run/engine.ts';
import type { Notifier } from './run/notifier.ts';
import { SpecHistory } from './run/spec-history.ts';
import type { MetricsOptions } from './telemetry/create-metrics.ts';

/** What tells how a daemon is between its runs. */
export interface LiveDaemon {
  readonly parts: Parts;
  readonly notifier: Notifier | undefined;
  readonly report: RunReport | undefined;
  /** Present while runs end in errors that nobody foresaw: then nothing may look fresh. */
  readonly failing: object | undefined;
}

/** What the sources say at this moment. */
export function sourcesNow({ poller, cluster, registry, gateway, clock }: Parts): readonly SourceReport[] {
  const watched = gateway === undefined ? {} : { gateways: gateway.state() };
  return sourceReports({ specs: poller.snapshot(), cluster: cluster.state(), registry: registry.state(), ...watched }, clock.now());
}

/** The last report as it is now: how old its sources are, how the routes answer, and what is wrong with those who are told. */
export function reportNow({ report, parts, notifier }: LiveDaemon): RunReport | undefined {
  if (report === undefined) return undefined;
  const ages = new Map(sourcesNow(parts).map((source) => [`${source.source} ${source.kind}`, source.ageMs]));
  const sources = report.sources.map((told) => ({ ...told, ageMs: ages.get(`${told.source} ${told.kind}`) ?? told.ageMs }));
  const problems = [...report.problems, ...(notifier?.problems() ?? [])];
  return withProbes({ ...report, sources, problems }, parts.routeProbe?.state());
}

/** What metrics tell of this moment. `queued`: number of wake-ups that wait for a run. */
export function metricsNow(
  { parts, notifier, report, failing }: LiveDaemon,
  queued: number,
): ReturnType<NonNullable<MetricsOptions['live']>> {
  return {
    nowMs: failing === undefined ? parts.clock.now() : (report?.startedAtMs ?? 0),
    sources: sourcesNow(parts),
    probed: parts.routeProbe?.state(),
    queued,
    problems: notifier?.problems() ?? [],
  };
}

/** What answers questions about the last run needs; `report` is that of the moment. */
export interface AskedDaemon extends Pick<LiveDaemon, 'parts' | 'report'> {
  readonly engine: Pick<Engine, 'lastRun' | 'commits'>;
}

/** The questions that the HTTP server may ask about the last run. */
export function answersOf(
  works: AskedDaemon,
  signal: AbortSignal,
): Required<Pick<HttpServerOptions, 'why' | 'history' | 'picture' | 'changes'>> {
  const { engine, parts } = works;
  const histories = new SpecHistory({ source: parts.git, commits: () => engine.commits() });
  return {
    why: (asked) => {
      const last = engine.lastRun();
      return last && explain(asked, { ...last, commits: engine.commits(), sources: sourcesNow(parts), nowMs: parts.clock.now() });
    },
    history: async (spec) => works.report && histories.of(spec, works.report, signal),
    picture: (pool) => {
      const last = engine.lastRun();
      return last && poolPicture(pool, last.context);
    },
    changes: (spec) => {
      const last = engine.lastRun();
      return last && pendingChanges(spec === undefined ? last.planned : last.planned.filter((one) => one.spec === spec), last);
    },
  };
}
