import type { Explanation, WhyQuestion } from '../core/report/explanation.ts';
import type { ApprovalReport, SuspensionReport } from '../core/report/run-report.ts';
import type { DrainAnswer, LogLevelAnswer, MigrationAnswer, ResumeAnswer, ResyncAnswer, StatusAnswer } from '../http/api-answers.ts';
import type { NodeAnswer } from '../http/node-views.ts';
import { withDeadline } from '../shared/abort.ts';
import { AppError, errorText, isAbort } from '../shared/errors.ts';
import { PROBLEMS, type ProblemCode, problem } from '../shared/problem.ts';

export interface DaemonClientOptions {
  /** Where the daemon listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token: string | undefined;
  /** The longest a request may take; default 10 seconds. */
  readonly timeoutMs?: number;
}

type Method = 'DELETE' | 'GET' | 'POST' | 'PUT';

interface Answer {
  readonly status: number;
  readonly answer: unknown;
}

/** Talks to the HTTP API of a running daemon. What goes wrong is thrown as an AppError. */
export class DaemonClient {
  readonly #options: DaemonClientOptions;

  constructor(options: DaemonClientOptions) {
    this.#options = options;
  }

  async status(signal: AbortSignal): Promise<StatusAnswer> {
    const body = await this.#send('GET', '/api/v1/status', undefined, signal);
    if (isRecord(body) && ['specs', 'pools', 'sources', 'holds', 'problems'].every((key) => Array.isArray(body[key]))) {
      return body as unknown as StatusAnswer;
    }
    throw this.#stranger();
  }

  /** Asks for a comparison of one spec, or of everything. */
  async resync(spec: string | undefined, signal: AbortSignal): Promise<ResyncAnswer> {
    const body = await this.#send('POST', '/api/v1/resync', spec === undefined ? undefined : { spec }, signal);
    if (isRecord(body) && typeof body['queued'] === 'boolean') return { queued: body['queued'], coalesced: body['coalesced'] === true };
    throw this.#stranger();
  }

  /** Marks a node as to leave all pools, or takes the mark away. */
  async drain(
    wish: 'drain' | 'undrain',
    { node, reason }: { readonly node: string; readonly reason: string | undefined },
    signal: AbortSignal,
  ): Promise<DrainAnswer> {
    const body = reason === undefined ? undefined : { reason };
    const answer = await this.#send('POST', `/api/v1/nodes/${encodeURIComponent(node)}/${wish}`, body, signal);
    if (isRecord(answer) && typeof answer['draining'] === 'boolean') return { node, draining: answer['draining'] };
    throw this.#stranger();
  }

  /** Asks for the move of pools from agents to the catalog; gives those that move. */
  async migrate(wish: { readonly all: true } | { readonly pools: readonly string[] }, signal: AbortSignal): Promise<MigrationAnswer> {
    const answer = await this.#send('POST', '/api/v1/migrations', wish, signal);
    if (isRecord(answer) && Array.isArray(answer['moving'])) return { moving: answer['moving'] as MigrationAnswer['moving'] };
    throw this.#stranger();
  }

  /** Lets go what is held by this name, or so many removals. */
  async approve(wish: { readonly hold: string } | { readonly removals: number }, signal: AbortSignal): Promise<ApprovalReport> {
    const answer = await this.#send('POST', '/api/v1/approvals', wish, signal);
    if (isRecord(answer) && typeof answer['id'] === 'string' && typeof answer['untilMs'] === 'number')
      return answer as unknown as ApprovalReport;
    throw this.#stranger();
  }

  /** Leaves a spec, or every spec, as it is. */
  async suspend(
    wish: ({ readonly spec: string } | { readonly all: true }) & { readonly for?: string; readonly reason?: string },
    signal: AbortSignal,
  ): Promise<SuspensionReport> {
    const answer = await this.#send('POST', '/api/v1/suspensions', wish, signal);
    if (isRecord(answer) && typeof answer['atMs'] === 'number') return answer as unknown as SuspensionReport;
    throw this.#stranger();
  }

  /** Goes on with what was suspended. */
  async resume(scope: { readonly spec: string } | { readonly all: true }, signal: AbortSignal): Promise<ResumeAnswer> {
    const query = new URLSearchParams('spec' in scope ? { spec: scope.spec } : { all: 'true' });
    const answer = await this.#send('DELETE', `/api/v1/suspensions?${query.toString()}`, undefined, signal);
    if (isRecord(answer) && typeof answer['suspended'] === 'boolean') return answer as unknown as ResumeAnswer;
    throw this.#stranger();
  }

  /** Which log lines the daemon writes; with a wish, from now on. */
  async logLevel(wish: { readonly level: string; readonly for?: string } | undefined, signal: AbortSignal): Promise<LogLevelAnswer> {
    const answer = await this.#send(wish === undefined ? 'GET' : 'PUT', '/api/v1/log-level', wish, signal);
    if (isRecord(answer) && typeof answer['level'] === 'string' && typeof answer['configured'] === 'string')
      return answer as unknown as LogLevelAnswer;
    throw this.#stranger();
  }

  /** One node with its place in every pool; undefined when neither the cluster nor Consul has it. */
  async node(name: string, signal: AbortSignal): Promise<NodeAnswer | undefined> {
    const { status, answer } = await this.#ask('GET', `/api/v1/nodes/${encodeURIComponent(name)}`, undefined, signal);
    if (status === 404 && isProblemDocument(answer)) return undefined;
    if (status !== 200) throw this.#refusal(status, answer);
    if (isRecord(answer) && isRecord(answer['node']) && Array.isArray(answer['sources'])) return answer as unknown as NodeAnswer;
    throw this.#stranger();
  }

  /** Why something is, or is not, in traffic. */
  async why({ kind, value }: WhyQuestion, signal: AbortSignal): Promise<Explanation> {
    const answer = await this.#send('GET', `/api/v1/why?${new URLSearchParams({ [kind]: value }).toString()}`, undefined, signal);
    if (isRecord(answer) && Array.isArray(answer['links']) && typeof answer['verdict'] === 'string')
      return answer as unknown as Explanation;
    throw this.#stranger();
  }

  async #send(method: Method, path: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
    const { status, answer } = await this.#ask(method, path, body, signal);
    if (status >= 200 && status <= 299) return answer;
    throw this.#refusal(status, answer);
  }

  async #ask(method: Method, path: string, body: object | undefined, signal: AbortSignal): Promise<Answer> {
    const { url, token, timeoutMs = 10_000 } = this.#options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the token to someone else.
        redirect: 'error',
        signal: withDeadline(signal, timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new AppError(problem('DAEMON_UNREACHABLE', `the daemon at ${url} does not answer: ${errorText(error)}`), { cause: error });
    }
    return { status: response.status, answer: parseJson(text) };
  }

  /** The problem document of an error answer as our own problem. */
  #refusal(status: number, document: unknown): AppError {
    if (!isProblemDocument(document)) return this.#stranger();
    const { code, detail, remedy } = document;
    const message = `the daemon at ${this.#options.url} answered ${status}: ${detail.replace(/\.$/, '')}`;
    return new AppError(problem(isProblemCode(code) ? code : 'DAEMON_REFUSED', message, typeof remedy === 'string' ? { remedy } : {}));
  }

  #stranger(): AppError {
    return new AppError(problem('DAEMON_UNREACHABLE', `what answers at ${this.#options.url} is not poolkeeper`));
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isProblemDocument = (value: unknown): value is Readonly<Record<string, unknown>> & { readonly detail: string } =>
  isRecord(value) && typeof value['detail'] === 'string';

const isProblemCode = (value: unknown): value is ProblemCode => typeof value === 'string' && Object.hasOwn(PROBLEMS, value);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
