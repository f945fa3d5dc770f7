import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/** What to send, and how often. */
export interface LoadOptions {
  /** Plain HTTP. */
  readonly url: string;
  /** For example `{ host: 'web.example.com' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Requests sent each second, whether or not earlier ones were answered. */
  readonly perSecond: number;
  /** A request without a complete answer by then has failed. 2000 unless told. */
  readonly timeoutMs?: number;
  /** While so many requests are unanswered, none is sent and the rate is missed; unlimited unless told. A machine that is too busy then shows as fewer requests. */
  readonly mostUnderWay?: number;
}

/** What became of one request. */
export interface LoadSample {
  /** When it was sent, `Date.now()`. */
  readonly sentAtMs: number;
  readonly durationMs: number;
  /** Undefined when there was no complete answer; then `error` says why. */
  readonly status: number | undefined;
  readonly body: string;
  /** Error code or message, for example `ECONNREFUSED` or `timeout`. */
  readonly error: string | undefined;
}

/** Everything that was sent, in the order of sending. */
export interface LoadResult {
  readonly samples: readonly LoadSample[];
  /** Samples with an error or another status than 200. */
  readonly failures: readonly LoadSample[];
  /** How often each status or error came, for example `{ '200': 412, '404': 3, timeout: 1 }`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How often each body came among the samples with status 200. */
  readonly bodies: Readonly<Record<string, number>>;
}

/** A client at work. */
export interface Load {
  /** What has been answered so far. */
  soFar(): LoadResult;
  /** Sends no more, waits for the answers under way, and tells all. */
  stop(): Promise<LoadResult>;
}

/**
 * Starts a client at a fixed rate. Open loop: a slow or dead server does not slow it down, so failures are counted at
 * the rate at which users would have seen them.
 */
export function startLoad(options: LoadOptions): Load {
  const { perSecond, timeoutMs = 2000, mostUnderWay = Number.POSITIVE_INFINITY } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const samples: LoadSample[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sent = 0;

  const send = (): void => {
    sent++;
    const one = sendOne(options, agent, timeoutMs).then((sample) => {
      samples.push(sample);
      underWay.delete(one);
    });
    underWay.add(one);
  };
  // By the clock and not by counting ticks: a late tick sends what is due, so the rate holds.
  const tick = (): void => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond) + 1;
    while (sent < due && underWay.size < mostUnderWay) send();
    sent = due;
  };
  tick();
  const timer = setInterval(tick, Math.min(50, 1000 / perSecond));
  return {
    soFar: () => summarise(samples),
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
      return summarise(samples);
    },
  };
}

function sendOne(options: LoadOptions, agent: Agent, timeoutMs: number): Promise<LoadSample> {
  const sentAtMs = Date.now();
  const from = performance.now();
  return new Promise((resolve) => {
    const finish = (status: number | undefined, body: string, error: string | undefined): void => {
      clearTimeout(timer);
      resolve({ sentAtMs, durationMs: performance.now() - from, status, body, error });
    };
    const sending = request(options.url, { agent, headers: options.headers ?? {} }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => finish(response.statusCode, Buffer.concat(chunks).toString(), undefined));
      response.on('error', (error) => finish(undefined, '', reason(error)));
    });
    const timer = setTimeout(() => sending.destroy(new Error('timeout')), timeoutMs);
    sending.on('error', (error) => finish(undefined, '', reason(error)));
    sending.end();
  });
}

function reason(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function summarise(answered: readonly LoadSample[]): LoadResult {
  const samples = answered.toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  return {
    samples,
    failures: samples.filter(({ status }) => status !== 200),
    outcomes: count(samples.map(({ status, error }) => error ?? String(status))),
    bodies: count(samples.filter(({ status }) => status === 200).map(({ body }) => body.trim())),
  };
}

function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
