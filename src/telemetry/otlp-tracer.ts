import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { performance } from 'node:perf_hooks';
import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanStatusCode, trace as traceApi } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { orAborted } from '../shared/abort.ts';
import { errorText } from '../shared/errors.ts';
import type { Redactor } from '../shared/redact.ts';
import type { OpenTrace, Step, StepFacts, Tracer } from '../shared/tracer.ts';
import type { TracingTarget } from './tracing-target.ts';

/** What became of spans. */
export interface SentSpans {
  readonly result: 'sent' | 'failed' | 'dropped';
  readonly count: number;
  /** Why they failed, in words. */
  readonly error?: string;
}

export interface OtlpTracerOptions {
  readonly target: TracingTarget;
  /** What the spans are of: `service.name` and the like. OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME go before. */
  readonly resource: Readonly<Record<string, string>>;
  readonly redact: Redactor;
  readonly onSent: (spans: SentSpans) => void;
  /** How long one batch may take, tries again included; default 5,000. */
  readonly timeoutMs?: number;
  /** Spans that wait to be sent, or are under way; what comes on top is dropped. Default 8,192. */
  readonly maxQueue?: number;
  /** How long spans are gathered before they are sent; default 1,000. */
  readonly gatherMs?: number;
}

/** A tracer that is to be stopped, so that what is left goes out. */
export interface StoppableTracer extends Tracer {
  /** Sends what waits; ends when that is done or the signal aborts. Never throws. */
  stop(signal: AbortSignal): Promise<void>;
}

const BATCH = 512;

/** Sends traces by OTLP over HTTP as JSON, in batches beside the runs. The one file that loads the OpenTelemetry SDK. */
export function createOtlpTracer(options: OtlpTracerOptions): StoppableTracer {
  const { target, resource, redact, timeoutMs = 5_000, maxQueue = 8_192, gatherMs = 1_000 } = options;
  const stopping = new AbortController();
  const agent = agentFor(target, stopping.signal);
  const queue = new Queue(options.onSent, maxQueue);
  const exporter = new OTLPTraceExporter({
    url: target.url,
    headers: { ...target.headers },
    timeoutMillis: timeoutMs,
    httpAgentOptions: () => agent,
  });
  const batches = { maxQueueSize: maxQueue, maxExportBatchSize: Math.min(BATCH, maxQueue), scheduledDelayMillis: gatherMs };
  const processor = new BatchSpanProcessor(queue.watch(exporter, redact), { ...batches, exportTimeoutMillis: timeoutMs + 1_000 });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ ...resource }).merge(detectResources({ detectors: [envDetector] })),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('poolkeeper', resource['service.version']);

  const addStep = (parent: Context, step: Step): void => {
    if (!queue.take()) return;
    const span = tracer.startSpan(step.name, { startTime: step.startMs, attributes: attributesOf(step.facts, redact) }, parent);
    endSpan(span, step, redact);
    for (const inner of step.steps) addStep(traceApi.setSpan(parent, span), inner);
  };

  return {
    begin(name, startMs): OpenTrace {
      // Not on the clock of the process: that one drifts from the wall clock, and this one jumps with it.
      const originMs = Date.now() - performance.now();
      const root = tracer.startSpan(name, { startTime: startMs, root: true }, ROOT_CONTEXT);
      const { traceId, spanId } = root.spanContext();
      return {
        ids: { traceId, spanId },
        now: () => originMs + performance.now(),
        end(step) {
          if (!queue.take()) return;
          root.setAttributes(attributesOf(step.facts, redact));
          endSpan(root, step, redact);
          for (const inner of step.steps) addStep(traceApi.setSpan(ROOT_CONTEXT, root), inner);
        },
      };
    },
    async stop(signal) {
      stopping.abort();
      await orAborted(processor.shutdown(), signal).catch(() => undefined);
      for (const sockets of [agent.sockets, agent.freeSockets])
        for (const socket of Object.values(sockets).flatMap((of) => of ?? [])) socket.destroy(new Error('the daemon has stopped'));
    },
  };
}

/** An agent whose errors, once the signal has aborted, are none after which the exporter would wait and try again. */
function agentFor({ url, ca }: TracingTarget, stopping: AbortSignal): HttpAgent {
  const options = { keepAlive: true, ...(ca === undefined ? {} : { ca }) };
  const agent = url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (given: Parameters<typeof connect>[0], done) => {
    const socket = connect(given, done);
    // The exporter tells them by their code.
    socket?.prependListener('error', (error: NodeJS.ErrnoException) => {
      if (stopping.aborted) delete error.code;
    });
    return socket;
  };
  return agent;
}

function endSpan(span: Span, { endMs, error }: Step, redact: Redactor): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: redact(error) });
  span.end(endMs);
}

const attributesOf = (facts: StepFacts, redact: Redactor): Attributes =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, redactFact(value, redact)]));

function redactFact(value: StepFacts[string], redact: Redactor): string | number | boolean | string[] {
  if (typeof value === 'string') return redact(value);
  return typeof value === 'object' ? value.map(redact) : value;
}

/** With the status of the answer, where there was one. */
const failureText = (error: Error): string =>
  'code' in error && typeof error.code === 'number' ? `HTTP ${error.code} ${error.message}` : errorText(error);

/** Counts the spans that wait or are under way, and what becomes of them. */
class Queue {
  readonly #onSent: OtlpTracerOptions['onSent'];
  readonly #most: number;
  #waiting = 0;

  constructor(onSent: OtlpTracerOptions['onSent'], most: number) {
    this.#onSent = onSent;
    this.#most = most;
  }

  /** Takes a place for one more span; false when there is none. */
  take(): boolean {
    const fits = this.#waiting < this.#most;
    if (fits) this.#waiting++;
    else this.#onSent({ result: 'dropped', count: 1 });
    return fits;
  }

  /** The exporter, with its results told. */
  watch(exporter: SpanExporter, redact: Redactor): SpanExporter {
    return {
      export: (spans: ReadableSpan[], done) =>
        exporter.export(spans, (result) => {
          this.#waiting -= spans.length;
          const { error } = result;
          this.#onSent(
            error === undefined
              ? { result: 'sent', count: spans.length }
              : { result: 'failed', count: spans.length, error: redact(failureText(error)) },
          );
          done(result);
        }),
      shutdown: () => exporter.shutdown(),
    };
  }
}
