import { getCACertificates } from 'node:tls';
import { Agent, request as undiciRequest } from 'undici';
import type { SendResult } from '../../core/model/notification.ts';
import type { Clock } from '../../core/model/ports.ts';
import { withDeadline } from '../../shared/abort.ts';
import { AppError, isAbort } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { retryAfterMs } from './retry-after.ts';

/** How servers that are told something are reached. */
export interface PostOptions {
  readonly clock: Clock;
  /** The longest one request may take. */
  readonly timeoutMs: number;
  /** PEM of authorities that count beside those of Node. */
  readonly ca?: string;
}

/** One request. Neither `url` nor a header's value shows up in what comes of it. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What problems call it: `GitHub, status of commit 4f1c0de`. Without a secret. */
  readonly title: string;
  /** Remedies by HTTP status, where more is known than the catalogue says. */
  readonly remedies?: Readonly<Record<number, string>>;
  /** True for a refusal that is none, such as that of a state which is there already. */
  readonly isFine?: (status: number, answer: string) => boolean;
}

/** Sends JSON to servers, one connection to each. */
export interface Poster {
  /** Never throws but for an abort of `signal`. */
  post(make: () => Post, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}

/** What is read of an answer: it only has to be looked through for one sentence. */
const MOST_READ = 16 * 1024;
/** Refusals that pass: a token that is renewed is read from its file again. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

/** Makes a poster. `make` is called for each request, so that files are read again; an AppError that it throws is the result. */
export function createPoster({ clock, timeoutMs, ca }: PostOptions): Poster {
  // The deadline of the call rules: timers of this client tell seconds only.
  const trust = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] };
  const agent = new Agent({ connections: 1, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: timeoutMs, ...trust } });
  return {
    async post(make, signal) {
      try {
        const post = make();
        const deadline = withDeadline(signal, timeoutMs);
        const { url, headers, body } = post;
        const common = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'poolkeeper' };
        const options = { method: 'POST', dispatcher: agent, signal: deadline, headers: { ...common, ...headers }, body } as const;
        const answer = await send(url, options).catch((error: unknown) => unreached(post, error, signal));
        if ('kind' in answer) return answer;
        const status = answer.statusCode;
        const text = await readSome(answer.body).catch(() => '');
        if (status >= 200 && status < 300) return { kind: 'sent' };
        return post.isFine?.(status, text) === true
          ? { kind: 'sent' }
          : refused(post, status, retryAfterMs(status, answer.headers, clock.now()));
      } catch (error) {
        if (error instanceof AppError) return { kind: 'failed', problem: error.problem, retry: true };
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

/** Also what cannot be sent at all, such as a header with a line break, is a rejection. */
const send = async (...request: Parameters<typeof undiciRequest>): ReturnType<typeof undiciRequest> => await undiciRequest(...request);

/** Why there was no answer. The message of the error is not shown: it may hold what was sent. */
function unreached({ title }: Post, error: unknown, signal: AbortSignal): SendResult {
  if (signal.aborted && isAbort(error)) throw error;
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  return {
    kind: 'failed',
    problem: problem('NOTIFIER_FAILED', `${title}: ${isLate ? 'no answer in time' : reasonOf(error)}`),
    retry: true,
  };
}

function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? `the server cannot be reached (${code})` : 'the server cannot be reached';
}

/** What the server says in its answer is not shown: it may repeat what was sent. */
function refused({ title, remedies }: Post, status: number, afterMs: number | undefined): SendResult {
  const passes = status >= 500 || PASSING.has(status);
  const isOverrun = afterMs !== undefined || status === 429 || status >= 500 || status === 408 || status === 425;
  const remedy = isOverrun ? undefined : remedies?.[status];
  const message = `${title}: answered with HTTP ${status}`;
  const told = problem(isOverrun ? 'NOTIFIER_FAILED' : 'NOTIFIER_REFUSED', message, remedy === undefined ? {} : { remedy });
  return { kind: 'failed', problem: told, retry: passes, ...(afterMs === undefined ? {} : { afterMs }) };
}

async function readSome(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    // Leaving the loop ends the answer, however long it would go on.
    if (bytes >= MOST_READ) break;
  }
  return Buffer.concat(parts).toString('utf8').slice(0, MOST_READ);
}
