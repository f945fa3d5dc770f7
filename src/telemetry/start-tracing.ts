import type { Redactor } from '../shared/redact.ts';
import type { OtlpTracerOptions, SentSpans, StoppableTracer } from './otlp-tracer.ts';
import type { ReportLog } from './report-logger.ts';
import type { TracingTarget } from './tracing-target.ts';

export interface TracingOptions {
  readonly target: TracingTarget;
  readonly resource: OtlpTracerOptions['resource'];
  readonly redact: Redactor;
  readonly log: Pick<ReportLog, 'info' | 'warn'>;
  readonly count: (spans: Pick<SentSpans, 'result' | 'count'>) => void;
  /** Milliseconds; only differences count. Default the process's clock. */
  readonly now?: () => number;
}

/** What cannot be sent is told again after this time. */
const TOLD_EVERY_MS = 10 * 60_000;

/** Loads the OpenTelemetry SDK, which a daemon without tracing never does, and makes a tracer whose failures are counted, and told now and then. */
export async function startTracing(options: TracingOptions): Promise<StoppableTracer> {
  const { target, resource, redact, log, count, now = () => performance.now() } = options;
  const { createOtlpTracer } = await import('./otlp-tracer.ts');
  const teller = new FailureTeller(log, now, new URL(target.url).origin);
  const onSent = (spans: SentSpans): void => {
    count(spans);
    teller.note(spans);
  };
  return createOtlpTracer({ target, resource, redact, onSent });
}

/** Tells when traces begin to be lost, every ten minutes while they are, and when they arrive again. */
export class FailureTeller {
  readonly #log: TracingOptions['log'];
  readonly #now: () => number;
  readonly #origin: string;
  #toldAtMs: number | undefined;
  #lost = 0;

  constructor(log: TracingOptions['log'], now: () => number, origin: string) {
    this.#log = log;
    this.#now = now;
    this.#origin = origin;
  }

  note({ result, count, error }: SentSpans): void {
    if (result === 'sent') {
      this.#noteSent();
      return;
    }
    this.#lost += count;
    const nowMs = this.#now();
    if (this.#toldAtMs !== undefined && nowMs - this.#toldAtMs < TOLD_EVERY_MS) return;
    this.#toldAtMs = nowMs;
    const why = error ?? 'more spans wait than are kept';
    this.#log.warn(
      { event: 'tracing', lost: this.#lost, error: why },
      `traces cannot be sent to ${this.#origin}: ${why}; nothing else is affected`,
    );
  }

  #noteSent(): void {
    if (this.#toldAtMs === undefined) return;
    this.#log.info({ event: 'tracing', lost: this.#lost }, `traces are sent to ${this.#origin} again; ${this.#lost} spans were lost`);
    this.#toldAtMs = undefined;
    this.#lost = 0;
  }
}
