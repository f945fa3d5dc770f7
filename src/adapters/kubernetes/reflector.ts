import type { Clock } from '../../core/model/ports.ts';
import type { Snapshot } from '../../core/model/snapshot.ts';
import { sleep } from '../../shared/abort.ts';
import { type BackoffPolicy, backoffMs } from '../../shared/backoff.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { ApiRefusal, type Attempt, requireSuccess, statusOfObject } from './api-status.ts';
import { type ApiResource, resourcePath, resourceTitle } from './discovery.ts';
import { asRecord, asText } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';
import { listObjects } from './list-objects.ts';

/** The timers of a reflector, in milliseconds. */
export interface ReflectorTimings {
  /** Between tries after a failure. */
  readonly backoff: BackoffPolicy;
  /** The server is asked to end each watch after this time; it is then resumed where it ended. */
  readonly watchMs: number;
  /** A watch that has not ended this much later is half-open: the connection is lost, though nothing said so. */
  readonly watchGraceMs: number;
  /** A watch that ends sooner than this is resumed with backoff, so that a proxy cannot make us spin. */
  readonly shortWatchMs: number;
  /** Deadline of each page of a list. */
  readonly listMs: number;
  /** The longest that a Retry-After is obeyed: a proxy that asks for an hour must not blind us for an hour. */
  readonly retryAfterMs: number;
}

/** A half-open watch is found after at most 40 s. */
export const REFLECTOR_TIMINGS: ReflectorTimings = {
  backoff: { baseMs: 500, maxMs: 30_000 },
  watchMs: 30_000,
  watchGraceMs: 10_000,
  shortWatchMs: 1_000,
  listMs: 30_000,
  retryAfterMs: 60_000,
};

/** Where the objects of a reflector go. */
export interface ReflectorSink<T> {
  /** Called before a list is asked for; the result is given back with its answer. */
  mark(): number;
  /** May throw AppError. */
  decode(object: unknown, resource: ApiResource): T;
  replace(items: readonly T[], mark: number): void;
  put(item: T): void;
  drop(item: T): void;
  /** A list was taken, or a broken watch resumed. */
  connected(): void;
  /** What was complete is stale from now on. */
  lost?(): void;
}

export interface ReflectorOptions<T> {
  readonly client: KubeClient;
  /** For messages before the resource is known: `Deployment`. */
  readonly title: string;
  /** Finds out what to watch; fails with AppError. `again`: what it said before was answered with 404. */
  readonly resolve: (again: boolean, signal: AbortSignal) => Promise<ApiResource>;
  readonly labelSelector?: string;
  /** Objects a page of a list. */
  readonly listLimit: number;
  readonly timings: ReflectorTimings;
  readonly clock: Clock;
  readonly sink: ReflectorSink<T>;
}

/** Where the next watch begins. */
interface Position {
  readonly resource: ApiResource;
  readonly version: string;
}

/**
 * Keeps a sink in step with one kind: a list in chunks, then watches from its resourceVersion on, each resumed from the
 * last event or bookmark. The package's own Watch hides malformed events, the server's reasons and its own time limit, so
 * the stream is read here.
 *
 * | happens | then |
 * |---|---|
 * | the server ends the watch | resumed at once |
 * | 410, in the answer or in the stream | listed again at once |
 * | 404 | resolved and listed again, with backoff |
 * | 429 | resumed after Retry-After |
 * | lists are allowed, watches are not | stale; listed again and again, with backoff |
 * | anything else, and a watch that outlives its time | stale; resumed with backoff |
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #stopped = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #state: Snapshot<undefined>;
  #running: Promise<void> | undefined;
  #failures = 0;
  #unserved = false;
  /** Lists are allowed and watches are not: what is known is renewed by lists, late. */
  #watchForbidden = false;
  #pause = new AbortController();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    const reason = problem('KUBERNETES_UNAVAILABLE', `${options.title} objects have not been listed yet`, { severity: 'note' });
    this.#state = { kind: 'unavailable', reason, sinceMs: options.clock.now() };
  }

  /** How fresh the sink is. */
  state(): Snapshot<undefined> {
    return this.#state;
  }

  /** Resolves when the first list has succeeded or failed. */
  get firstOutcome(): Promise<void> {
    return this.#first.promise;
  }

  start(): void {
    this.#running ??= this.#run(this.#stopped.signal);
  }

  /** Ends the watch; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#pause.abort();
    await this.#running;
    this.#first.resolve();
  }

  /** Tries again now, when it waits after a failure. */
  retryNow(): void {
    this.#failures = 0;
    this.#pause.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let position: Position | undefined;
    while (!signal.aborted) {
      try {
        position ??= await this.#list(signal);
        const startedAtMs = this.#options.clock.now();
        position = await this.#watch(position, (reached) => (position = reached), signal);
        await this.#afterWatch(startedAtMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error);
        const code = error instanceof ApiRefusal ? error.status.code : undefined;
        this.#unserved = code === 404;
        this.#watchForbidden ||= code === 403 && position !== undefined;
        if (needsList(error)) position = undefined;
        await this.#wait(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<Position> {
    const { client, labelSelector, listLimit, sink, timings, clock } = this.#options;
    const resource = await this.#options.resolve(this.#unserved, signal);
    const mark = sink.mark();
    const { items, version } = await listObjects(
      client,
      {
        resource,
        limit: listLimit,
        timeoutMs: timings.listMs,
        decode: (object) => sink.decode(object, resource),
        ...(labelSelector === undefined ? {} : { labelSelector }),
      },
      signal,
    );
    sink.replace(items, mark);
    if (this.#watchForbidden && this.#state.kind === 'stale') this.#state = { ...this.#state, readAtMs: clock.now(), index: version };
    else this.#connected(version);
    return { resource, version };
  }

  /** Reads one watch to its end and returns where the next one begins; `reached` is told after each event. */
  async #watch(from: Position, reached: (position: Position) => void, signal: AbortSignal): Promise<Position> {
    const { client, labelSelector, timings } = this.#options;
    const { resource } = from;
    const attempt: Attempt = { verb: 'watch', resource: resourceTitle(resource), namespace: '' };
    const query = {
      watch: 'true',
      resourceVersion: from.version,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(Math.max(1, Math.round(timings.watchMs / 1000))),
      labelSelector,
    };
    const timeoutMs = timings.watchMs + timings.watchGraceMs;
    const stream = await client.open({ method: 'GET', path: resourcePath(resource), query, timeoutMs }, signal);
    if (!('documents' in stream)) {
      requireSuccess(stream, attempt);
      throw new AppError(problem('KUBERNETES_UNAVAILABLE', `the API server answered ${stream.status} to "watch" on ${attempt.resource}`));
    }
    this.#watchForbidden = false;
    // Known to be in step from here on: what happened meanwhile follows at once, or a 410 does.
    if (this.#state.kind === 'complete') this.#heard(from.version);
    else this.#connected(from.version);
    let position = from;
    for await (const document of stream.documents) {
      const version = this.#take(asRecord(document), resource, attempt);
      position = { resource, version };
      reached(position);
      this.#heard(version);
    }
    return position;
  }

  /** Hands one event to the sink and returns its resourceVersion. */
  #take(event: Readonly<Record<string, unknown>>, resource: ApiResource, attempt: Attempt): string {
    const { sink } = this.#options;
    const object = event['object'];
    const type = event['type'];
    if (type === 'ERROR') throw new ApiRefusal(statusOfObject(object), attempt);
    const version = asText(asRecord(asRecord(object)['metadata'])['resourceVersion']);
    if (version === '')
      throw new AppError(problem('KUBERNETES_UNAVAILABLE', `a watch event on ${attempt.resource} has no resourceVersion`));
    if (type === 'BOOKMARK') return version;
    const item = sink.decode(object, resource);
    if (type === 'DELETED') sink.drop(item);
    else sink.put(item);
    return version;
  }

  async #afterWatch(startedAtMs: number, signal: AbortSignal): Promise<void> {
    const { clock, timings } = this.#options;
    if (clock.now() - startedAtMs >= timings.shortWatchMs) {
      this.#failures = 0;
      return;
    }
    // Between such watches we are blind, the longer the more there have been.
    if (this.#failures >= SHORT_WATCHES_ALLOWED) this.#fail(endsAtOnce(this.#options.title));
    await this.#wait(undefined, signal);
  }

  #connected(version: string): void {
    const now = this.#options.clock.now();
    this.#state = { kind: 'complete', value: undefined, readAtMs: now, connectedAtMs: now, index: version };
    this.#first.resolve();
    this.#options.sink.connected();
  }

  #heard(version: string): void {
    if (this.#state.kind === 'complete') this.#state = { ...this.#state, readAtMs: this.#options.clock.now(), index: version };
  }

  #fail(error: unknown): void {
    const reason = problemOfError(error, this.#options.title);
    const isLost = this.#state.kind === 'complete';
    const sinceMs = this.#state.kind === 'complete' ? this.#options.clock.now() : this.#state.sinceMs;
    if (this.#state.kind === 'unavailable') this.#state = { kind: 'unavailable', reason, sinceMs };
    else this.#state = { kind: 'stale', value: undefined, readAtMs: this.#state.readAtMs, index: this.#state.index, reason, sinceMs };
    this.#first.resolve();
    if (isLost) this.#options.sink.lost?.();
  }

  /** Waits before the next try: not at all for the first 410, which a list mends. */
  async #wait(failure: unknown, signal: AbortSignal): Promise<void> {
    const { backoff, retryAfterMs } = this.#options.timings;
    const failures = this.#failures++;
    if (failures === 0 && isGone(failure)) return;
    const asked = failure instanceof ApiRefusal ? Math.min(failure.status.retryAfterMs ?? 0, retryAfterMs) : 0;
    const ms = Math.max(
      asked,
      backoffMs(failures, backoff, () => this.#options.clock.random()),
    );
    if (this.#pause.signal.aborted) this.#pause = new AbortController();
    // An abort ends the wait: the loop looks why.
    await sleep(ms, AbortSignal.any([signal, this.#pause.signal])).catch(() => undefined);
  }
}

/** A server that is told to stop, or a proxy that is loaded anew, ends a few watches early. */
const SHORT_WATCHES_ALLOWED = 3;

function endsAtOnce(title: string): AppError {
  return new AppError(
    problem('KUBERNETES_UNAVAILABLE', `every watch of ${title} objects ends at once`, {
      remedy: 'Look for a proxy between the daemon and the API server that allows no long answers.',
    }),
  );
}

const isGone = (error: unknown): boolean => error instanceof ApiRefusal && error.status.code === 410;

/** Whether the changes since the last event are lost, so that only a list tells the state. */
function needsList(error: unknown): boolean {
  if (!(error instanceof ApiRefusal)) return false;
  const { code, causes } = error.status;
  // A server that was set back (restored from a backup) is asked for a version that it has not reached.
  return code === 410 || code === 404 || code === 403 || code === 400 || causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}

function problemOfError(error: unknown, title: string): Problem {
  return error instanceof AppError ? error.problem : problem('INTERNAL', `watching ${title} objects failed: ${errorText(error)}`);
}
