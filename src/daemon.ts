import type { Config } from './config/config.ts';
import { snapshotValue } from './core/model/snapshot.ts';
import type { RunReport } from './core/report/run-report.ts';
import type { HttpServer } from './http/create-http-server.ts';
import { createHttpServer } from './http/create-http-server.ts';
import type { RunFailure } from './http/overview.ts';
import { readPageFiles } from './http/page-files.ts';
import { answersOf, metricsNow, reportNow } from './live-report.ts';
import type { DaemonLog } from './log-and-traces.ts';
import { openLog, openTracer } from './log-and-traces.ts';
import { buildNotifier } from './notifications.ts';
import type { DaemonIo, Parts } from './parts.ts';
import { buildParts, engineOf, releaseLeases, SETTLE_MS } from './parts.ts';
import type { Outcome } from './run/apply-plan.ts';
import type { Engine } from './run/engine.ts';
import { firstPoll } from './run/first-poll.ts';
import { knowLeader, leaderUrl } from './run/know-leader.ts';
import type { Notifier } from './run/notifier.ts';
import { ReconcileLoop } from './run/reconcile-loop.ts';
import type { ResyncSchedule } from './run/schedule-resync.ts';
import { scheduleResync } from './run/schedule-resync.ts';
import { sleep } from './shared/abort.ts';
import { errorText, isAbort } from './shared/errors.ts';
import type { TraceIds } from './shared/tracer.ts';
import type { Metrics } from './telemetry/create-metrics.ts';
import { createMetrics } from './telemetry/create-metrics.ts';
import { ReportLogger } from './telemetry/report-logger.ts';
import { watchRequests } from './telemetry/watch-requests.ts';
import { wishesOf } from './wishes.ts';

/** A running daemon. */
export interface Daemon {
  /** Where it serves status and metrics. */
  readonly url: string;
  /** Polls, compares and runs now; resolves with the report of that run. */
  resync(): Promise<RunReport>;
  /** Ends it: the action under way finishes, the leases are given up, everything is closed. Within 5 s. */
  stop(): Promise<void>;
}

/** How long an action under way may take to finish after a stop is asked for. */
const FINISH_MS = 3_500;
/** How long the last traces may take to be sent. */
const LAST_TRACES_MS = 1_000;
/** What the page says of an error that nobody foresaw; the log has all of it. */
const MOST_SAID = 500;
const GATHER_MS = 30;
const RETRY = { baseMs: 500, maxMs: 30_000 };

/** What the loop and the HTTP server of one daemon share. */
interface Workings extends DaemonLog {
  readonly parts: Parts;
  readonly engine: Engine;
  readonly reports: ReportLogger;
  readonly metrics: Metrics;
  /** Undefined: nobody is to be told. */
  readonly notifier: Notifier | undefined;
  /** The report of the last run. */
  report: RunReport | undefined;
  /** Tells those who watch the page of a run; set when the server is made. */
  tell?: (report: RunReport) => void;
  /** What keeps runs from ending, while they end in errors that nobody foresaw: then nothing may look fresh. */
  failing: RunFailure | undefined;
}

/** Starts the daemon; resolves when it serves. Everything it could not reach shows in status, not here. */
export async function startDaemon(config: Config, io: DaemonIo): Promise<Daemon> {
  const opened = await openLog(config, io);
  const { log } = opened;
  const tracer = await openTracer(config, opened, { env: io.env, count: (spans) => works.metrics.countSpans(spans) });
  const notifier = buildNotifier(config, opened, (...counted) => works.metrics.countNotification(...counted));
  const parts = await buildParts(config, io);
  const stopping = new AbortController();
  const aborting = new AbortController();
  const reports = new ReportLogger(log);
  const onOutcome = (outcome: Outcome, trace?: TraceIds): void => {
    reports.logDone(outcome, snapshotValue(parts.poller.snapshot())?.revision, trace);
    io.onOutcome?.(outcome);
  };
  const tracing = tracer === undefined ? {} : { tracing: { tracer, idleRuns: config.tracing.idleRuns } };
  const works: Workings = {
    ...opened,
    parts,
    engine: engineOf(parts, { dryRun: false, mayBegin: () => !stopping.signal.aborted, onOutcome, ...tracing }),
    reports,
    metrics: createMetrics({ exemplars: config.metrics.exemplars, live: () => metricsNow(works, loop.queueLength()) }),
    notifier,
    report: undefined,
    failing: undefined,
  };
  const loop = createLoop(works, config, io.onReport);
  const unwatch = watchRequests(parts.origins, (fact) => works.metrics.countRequest(fact));
  const resync = (): Promise<RunReport> => loop.resync(aborting.signal);
  const server = createServer(works, config, { loop, resync, signal: aborting.signal });
  const { url } = await server.start().catch(async (error: unknown) => {
    unwatch();
    await parts.close();
    throw error;
  });
  parts.servesAt(url);
  const unsubscribe = wakeOnChange(parts, loop);
  const timer = scheduleOf(config, resync);
  log.info({ event: 'start', url, cluster: config.cluster, owner: config.owner }, `poolkeeper serves ${url}`);
  const notifying = notifier?.run(aborting.signal);
  const work = runParts(works, loop, stopping.signal, aborting.signal).catch((error: unknown) => {
    if (!isAbort(error)) log.error({ event: 'error', error: errorText(error) }, 'the daemon cannot go on');
  });
  return {
    url,
    resync,
    async stop() {
      for (const off of unsubscribe) off();
      await timer?.stop();
      stopping.abort();
      const cut = setTimeout(() => aborting.abort(), FINISH_MS);
      await work;
      clearTimeout(cut);
      await releaseLeases(parts);
      aborting.abort();
      unwatch();
      works.level.stop();
      await Promise.allSettled([server.stop(), parts.close(), notifying, tracer?.stop(AbortSignal.timeout(LAST_TRACES_MS))]);
      log.info({ event: 'stop' }, 'poolkeeper has stopped');
    },
  };
}

/** Page and notifications are for people: what goes wrong with them is no failure of the run. */
function tellPeople({ tell, notifier, engine, log }: Workings, report: RunReport): void {
  for (const telling of [() => tell?.(report), () => notifier?.take(report, engine.touchedBy(report.revision))]) {
    try {
      telling();
    } catch (error) {
      log.error({ event: 'error', error: errorText(error) }, 'people could not be told of a run');
    }
  }
}

function createLoop(works: Workings, config: Config, onReport: DaemonIo['onReport']): ReconcileLoop {
  const { parts, engine, log, redact, reports, metrics } = works;
  return new ReconcileLoop({
    clock: parts.clock,
    pollMs: config.git.intervalMs,
    fullCompareMs: config.interval.fullCompareMs,
    jitter: Math.max(config.git.jitter, config.interval.jitter),
    gatherMs: GATHER_MS,
    retry: RETRY,
    poll: (signal) => engine.poll(signal),
    refresh: async (signal) => {
      await Promise.all([parts.registry.refresh(signal), parts.gateway?.refresh(signal)]);
    },
    run: async (trigger, signal) => {
      const turn = await engine.run(trigger, signal);
      works.report = turn.report;
      reports.logReport(turn.report, turn.trace);
      metrics.observe(turn.report, turn.trace);
      tellPeople(works, turn.report);
      onReport?.(turn.report);
      works.failing = undefined;
      return turn;
    },
    onError: (error, work) => {
      if (work === 'run')
        works.failing = { sinceMs: works.failing?.sinceMs ?? parts.clock.now(), says: redact(errorText(error)).slice(0, MOST_SAID) };
      metrics.countRunError();
      log.error({ event: 'error', error: errorText(error) }, 'the loop caught an error');
    },
  });
}

interface ServerHooks {
  readonly loop: ReconcileLoop;
  readonly resync: () => Promise<RunReport>;
  readonly signal: AbortSignal;
}

function createServer(works: Workings, config: Config, { loop, resync, signal }: ServerHooks): HttpServer {
  const { secrets, level } = works;
  let asked = 0;
  const wake = (): void => {
    works.parts.poller.hooked();
    loop.pollNow();
  };
  const server = createHttpServer({
    listen: config.http.listen,
    allowedHosts: config.http.allowedHosts,
    token: secrets.httpToken,
    hook: secrets.hookSecret === undefined ? undefined : { secret: secrets.hookSecret, wake },
    report: () => reportNow(works),
    livez: () => loop.isAlive(),
    logLevel: { state: () => level.state(), set: (to, forMs) => level.set(to, forMs) },
    failing: () => works.failing,
    ...answersOf(works, signal),
    page: readPageFiles(),
    ready: () => readiness(works.report),
    leader: () => leaderUrl(works.parts.leases.consul),
    metrics: works.metrics,
    resync: async (spec) => {
      if (spec !== undefined && !(works.report?.specs.some(({ id }) => id === spec) ?? false)) return { queued: false, coalesced: false };
      const coalesced = asked > 0;
      asked++;
      // An abort at shutdown is the only way it fails; whoever asked has been answered by then.
      void resync()
        .catch(() => undefined)
        .finally(() => asked--);
      return { queued: true, coalesced };
    },
    ...wishesOf({ ...works, wake: (trigger) => loop.wake(trigger), resync }, signal),
    onResync: (result) => works.metrics.countResync(result),
    onError: (error) => works.log.error({ event: 'error', error: errorText(error) }, 'a request failed'),
  });
  works.tell = (report) => server.publish(report);
  return server;
}

function wakeOnChange({ cluster, registry, leases, probe, gateway, routeProbe }: Parts, loop: ReconcileLoop): readonly (() => void)[] {
  return [
    cluster.changed(() => loop.wake('kubernetes')),
    registry.changed(() => loop.wake('consul')),
    leases.consul.changed(() => loop.wake('lease')),
    leases.kubernetes.changed(() => loop.wake('lease')),
    probe.changed(() => loop.wake('nodes')),
    ...(gateway === undefined ? [] : [gateway.changed(() => loop.wake('traefik'))]),
    ...(routeProbe === undefined ? [] : [routeProbe.changed(() => loop.wake('routes'))]),
  ];
}

function scheduleOf({ resync: { schedule, timezone } }: Config, resync: () => Promise<RunReport>): ResyncSchedule | undefined {
  if (schedule === undefined) return undefined;
  return scheduleResync({ expression: schedule, timezone }, () => void resync().catch(() => undefined));
}

/** Starts the legs and turns the loop until it is asked to stop. */
async function runParts(works: Workings, loop: ReconcileLoop, signal: AbortSignal, runSignal: AbortSignal): Promise<void> {
  const { parts, engine } = works;
  const identified = parts.identify(signal).catch(() => undefined);
  parts.leases.consul.start(runSignal);
  parts.leases.kubernetes.start();
  for (const term of parts.terms) term.start();
  const known = parts.registry.start(runSignal).then(() => knowLeader(parts, signal));
  parts.gateway?.start(runSignal);
  const seen = parts.gateway?.refresh(signal);
  const looking = { ...parts, settleMs: SETTLE_MS, poll: (s: AbortSignal) => engine.poll(s), pollNow: () => loop.pollNow() };
  const started = Promise.all([identified, parts.cluster.start(runSignal), known, seen, firstPoll(looking, signal)]);
  await Promise.race([started, sleep(SETTLE_MS, signal)]).catch(() => undefined);
  // The first run may apply for minutes; status and readiness need not wait for it.
  works.report = await engine.run(['start'], runSignal, 'look').then(
    (turn) => turn.report,
    () => undefined,
  );
  await loop.start(signal, runSignal);
  await started.catch(() => undefined);
}

function readiness(report: RunReport | undefined): ReturnType<Parameters<typeof createHttpServer>[0]['ready']> {
  const checks = (report?.sources ?? []).map(({ source, kind, reason }) => ({
    name: source,
    ok: kind === 'complete',
    ...(reason === undefined ? {} : { detail: `${kind}: ${reason.message}` }),
  }));
  return { ready: report !== undefined, checks: [{ name: 'first run', ok: report !== undefined }, ...checks] };
}
