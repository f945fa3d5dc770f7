import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client';
import type { LatencyReport, ResyncOutcome, RunReport, SourceReport } from '../core/report/run-report.ts';
import { type ProbedRoutes, withProbes } from '../core/report/with-probes.ts';
import type { Problem } from '../shared/problem.ts';
import type { TraceIds } from '../shared/tracer.ts';
import { gaugeSeries, plain } from './gauge-series.ts';
import { LATENCY_BUCKETS, METRIC_PREFIX, METRICS, type MetricName, RUN_BUCKETS } from './metric-table.ts';
import { UnsettledClock } from './unsettled-clock.ts';
import type { RequestFact } from './watch-requests.ts';

/** The metrics of one daemon. */
export interface Metrics {
  /** What the scrape is, for its Content-Type. */
  readonly contentType: string;
  /** Makes every series say what this report says; `trace` is that of the run. */
  observe(report: RunReport, trace?: TraceIds): void;
  countResync(result: ResyncOutcome): void;
  countRequest(fact: RequestFact): void;
  /** Counts spans of traces by what became of them. */
  countSpans(spans: { readonly result: string; readonly count: number }): void;
  /** Counts requests that tell somebody of something, by what became of them. */
  countNotification(channel: string, result: string, by?: number): void;
  /** To be called for every error that the loop caught and nobody foresaw. */
  countRunError(): void;
  /** The scrape: in the text format of Prometheus, or with exemplars in that of OpenMetrics. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  /** False leaves out what prom-client tells of the process and of Node.js. */
  readonly processMetrics?: boolean;
  /** True adds to the latencies the commit and the trace of a run that each bucket has counted; only OpenMetrics can say so. */
  readonly exemplars?: boolean;
  /** What the sources say at this moment: at rest the last report grows old while the sources are well. */
  readonly live?: () => {
    readonly nowMs: number;
    readonly sources: readonly SourceReport[];
    readonly probed?: ProbedRoutes | undefined;
    /** Number of wake-ups that wait for a run. */
    readonly queued?: number;
    /** What is wrong beside the runs. */
    readonly problems?: readonly Problem[];
  };
}

/** prom-client's gauges whose names end like a counter's: promtool objects, and nodejs_active_resources tells as much. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
const RESYNC_OUTCOMES: readonly ResyncOutcome[] = ['queued', 'coalesced', 'unknown-spec', 'unauthorized', 'limited', 'invalid'];

function openRegistry(processMetrics: boolean, exemplars: boolean): Registry<PrometheusContentType | OpenMetricsContentType> {
  const registry = new Registry<PrometheusContentType | OpenMetricsContentType>();
  if (exemplars) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  if (processMetrics) collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

/** Metrics in a registry of their own. */
export function createMetrics({ processMetrics = true, exemplars = false, live }: MetricsOptions = {}): Metrics {
  const registry = openRegistry(processMetrics, exemplars);
  const settings = (name: MetricName) => {
    const { help, labels } = METRICS[name];
    return { name: METRIC_PREFIX + name, help, labelNames: [...labels], registers: [registry] };
  };
  const gauges = new Map<MetricName, Gauge>();
  for (const [name, { type }] of Object.entries(METRICS) as [MetricName, { type: string }][])
    if (type === 'gauge') gauges.set(name, new Gauge(settings(name)));
  // What has no labels begins as 0, and would claim to be known. That nobody leads here yet is known; alerts go by it.
  for (const [name, gauge] of gauges) if (METRICS[name].labels.length === 0 && name !== 'leader') gauge.remove();
  const latency = new Histogram({ ...settings('sync_latency_seconds'), buckets: [...LATENCY_BUCKETS], enableExemplars: exemplars });
  const exemplarOf = exemplars ? commitAndTrace : (): undefined => undefined;
  const writes = new Counter(settings('writes_total'));
  const resyncs = new Counter(settings('resync_requests_total'));
  const requests = new Counter(settings('client_requests_total'));
  const spans = new Counter(settings('trace_spans_total'));
  const notifications = new Counter(settings('notifications_total'));
  const runErrors = new Counter(settings('run_errors_total'));
  const runs = new Histogram({ ...settings('run_duration_seconds'), buckets: [...RUN_BUCKETS] });
  const clock = new UnsettledClock();
  // A series that begins with its first event hides that event from `increase`.
  for (const leg of ['kubernetes', 'consul']) for (const result of ['done', 'failed']) writes.inc({ leg, result }, 0);
  for (const result of RESYNC_OUTCOMES) resyncs.inc({ result }, 0);

  let last: RunReport | undefined;
  let hasLed = false;

  const setGauges = (report: RunReport, queued?: number): void => {
    const ahead = report.leader.consul ? [clock.longestSeconds(report.startedAtMs + report.durationMs)] : [];
    const extra = [...gaugeSeries(report), ['git_ahead_seconds', ahead.map(plain)], ['queue_length', [queued ?? 0].map(plain)]] as const;
    for (const [name, series] of extra) {
      const gauge = gauges.get(name);
      if (!ACCUMULATING.has(name)) gauge?.reset();
      // What has no labels is reset to 0, and would claim to be known.
      if (METRICS[name].labels.length === 0 && series.length === 0) gauge?.remove();
      for (const { labels, value } of series) gauge?.set(labels, value);
    }
  };

  return {
    contentType: registry.contentType,
    observe(report, trace) {
      if (report.leader.consul && !hasLed) for (const start of ['webhook', 'poll']) latency.zero({ stage: 'total', start });
      hasLed ||= report.leader.consul;
      last = report;
      clock.observe(report);
      setGauges(report);
      runs.observe(report.durationMs / 1000);
      if (report.leader.consul) for (const one of report.latencies) observeLatency(latency, one, exemplarOf(one, trace));
      for (const { leg, result, count } of report.writes) writes.inc({ leg, result }, count);
    },
    countResync: (result) => resyncs.inc({ result }),
    countRequest: ({ leg, method, code }) => requests.inc({ leg, method, code }),
    countSpans: ({ result, count }) => spans.inc({ result }, count),
    countNotification: (channel, result, by = 1) => notifications.inc({ channel, result }, by),
    countRunError: () => runErrors.inc(),
    text() {
      if (last !== undefined && live !== undefined) {
        const now = live();
        setGauges(asOf(last, now), now.queued);
      }
      return registry.metrics();
    },
  };
}

/** At most 128 characters, names and values together, as OpenMetrics allows: a commit has 40 or 64, a trace 32. */
const commitAndTrace = ({ revision }: LatencyReport, trace: TraceIds | undefined): Record<string, string> => ({
  revision,
  ...(trace === undefined ? {} : { trace_id: trace.traceId }),
});

/** With exemplars a histogram takes another form of values, and no other. */
function observeLatency(
  histogram: Histogram,
  { stage, start, seconds }: LatencyReport,
  exemplar: Record<string, string> | undefined,
): void {
  const labels = { stage, start };
  if (exemplar === undefined) histogram.observe(labels, seconds);
  else histogram.observe({ labels, value: seconds, exemplarLabels: exemplar });
}

type Now = ReturnType<NonNullable<MetricsOptions['live']>>;

/** The last report with what is so at this moment. */
const asOf = (last: RunReport, { nowMs, sources, probed, problems = [] }: Now): RunReport =>
  withProbes({ ...last, startedAtMs: nowMs, durationMs: 0, sources, problems: [...last.problems, ...problems] }, probed);

/** Gauges whose series outlive the report that set them. All others say what the last report says, and nothing else. */
const ACCUMULATING: ReadonlySet<MetricName> = new Set(['last_success_timestamp_seconds']);
