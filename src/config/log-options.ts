import { LOG_LEVELS } from '../shared/log-levels.ts';
import * as kind from './kinds.ts';
import { option, optional } from './option.ts';

/** What is written about runs. */
export const LOG = {
  level: option(
    kind.choice(...LOG_LEVELS),
    'info',
    'The least important lines that are written. `poolkeeper log-level` changes it for a while in a running daemon.',
  ),
  format: option(
    kind.choice('json', 'pretty'),
    'json',
    'One JSON object per line (json), or lines for people (pretty), in colour where the log goes to a terminal.',
  ),
};

/** What the scrape tells beyond the metrics. */
export const METRICS = {
  exemplars: option(
    kind.bool,
    false,
    'Whether the latencies carry exemplars: the commit and, where runs are traced, the trace id of one that each bucket has counted. The scrape is then in the format of OpenMetrics; Prometheus keeps exemplars with --enable-feature=exemplar-storage.',
  ),
};

/** Traces of runs for OpenTelemetry. */
export const TRACING = {
  endpoint: optional(
    kind.httpUrl,
    'Where traces of runs are sent by OTLP over HTTP, such as http://otel-collector:4318; /v1/traces is added. Default what OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (the whole URL) or OTEL_EXPORTER_OTLP_ENDPOINT says. Without any of these nothing is traced.',
  ),
  headersFile: optional(kind.secretFile, 'File with the headers that go along, one a line, such as "Authorization: Bearer …".'),
  caFile: optional(kind.file, 'PEM file with the certificate authorities of an https endpoint.'),
  idleRuns: option(kind.bool, false, 'Whether runs in which nothing happened are traced too.'),
};
