import type { GatewayEntryPoint, GatewayService, GatewayState, NamesElsewhere } from '../../core/model/gateway.ts';
import type { ReplicaName } from '../../core/model/ids.ts';
import type { Clock } from '../../core/model/ports.ts';
import type { Snapshot } from '../../core/model/snapshot.ts';
import { withDeadline } from '../../shared/abort.ts';
import { type BackoffPolicy, backoffMs } from '../../shared/backoff.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { decodeEntryPoints } from './decode-entry-points.ts';
import { type DecodedRawData, decodeRawData } from './decode-rawdata.ts';
import { gatewayProblem } from './gateway-failure.ts';
import type { ApiReader } from './read-api.ts';
import { type SettledNames, settleNames } from './settle-names.ts';

/** The times of asking, in milliseconds. */
export interface GatewayTimings {
  /** Between two requests right after a change. */
  readonly briskMs: number;
  /** Between two requests while nothing is awaited. */
  readonly restMs: number;
  /** The longest one request may take. */
  readonly timeoutMs: number;
  /** A start so soon after another is one of a Traefik that keeps starting. */
  readonly restartMs: number;
  readonly backoff: BackoffPolicy;
}

export interface FollowOptions {
  readonly name: ReplicaName;
  readonly reader: ApiReader;
  readonly timings: GatewayTimings;
  readonly clock: Clock;
  /** Told after an answer or a failure that is news; see `Gateway.changed`. */
  readonly onChange: () => void;
}

/** A Traefik of many servers takes time to answer: it is left alone for this many times as long. */
const REST_SHARE = 4;
/** While something is awaited, the time between two requests is this part of what has passed since. */
const PATIENCE = 20;
/** Requests in a row that fail until what was known counts as stale: one may be lost with its connection. */
const MISSES = 2;
const REMEMBER_MS = 24 * 3_600_000;
/** Entry points change when a Traefik is started anew, which nothing else may tell: each question at rest reads them too, and no more. */
const ENTRY_POINTS_MS = 55_000;

interface ReadEntryPoints {
  /** Undefined: it does not tell. */
  readonly list: readonly GatewayEntryPoint[] | undefined;
  readonly triedAtMs: number;
}

/** Asks one replica again and again, and keeps what it said. */
export class ReplicaFollower {
  readonly #options: FollowOptions;
  #state: Snapshot<GatewayState>;
  #known: { readonly text: string; readonly decoded: DecodedRawData } | undefined;
  #entryPoints: ReadEntryPoints | undefined;
  #names: SettledNames | undefined;
  #asking: Promise<void> = Promise.resolve();
  #expectedMs: number | undefined;
  #failures = 0;
  #failingSinceMs = 0;
  #tookMs = 0;
  /** One throw for each request: the pause after it is worked out more than once. */
  #dice = 0;
  #connectedAtMs = 0;
  /** When it was last seen to have started, if it was. */
  #startedAtMs: number | undefined;
  #answers = 0;
  #wake: (() => void) | undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
    const reason = problem('TRAEFIK_UNREACHABLE', `Traefik replica ${options.name} has not answered yet`);
    this.#state = { kind: 'unavailable', reason, sinceMs: options.clock.now() };
  }

  state(): Snapshot<GatewayState> {
    return this.#state;
  }

  expect(sinceMs: number | undefined): void {
    if (sinceMs === this.#expectedMs) return;
    this.#expectedMs = sinceMs;
    this.#wake?.();
  }

  /** Asks once, after a request that is under way. */
  ask(signal: AbortSignal): Promise<void> {
    this.#asking = this.#asking.then(() => this.#ask(signal));
    return this.#asking;
  }

  /** Asks until `signal` aborts; then it resolves. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.ask(signal);
      const askedAtMs = performance.now();
      // What is awaited may change meanwhile, and the time to wait with it.
      for (;;) {
        const leftMs = askedAtMs + this.#pauseMs() - performance.now();
        if (leftMs <= 0 || signal.aborted) break;
        await this.#sleep(leftMs, signal);
      }
    }
  }

  #pauseMs(): number {
    const { timings, clock } = this.#options;
    if (this.#failures > 0) return backoffMs(this.#failures - 1, timings.backoff, () => this.#dice);
    const sinceMs = this.#expectedMs;
    if (sinceMs === undefined) return timings.restMs;
    const patientMs = (clock.now() - sinceMs) / PATIENCE;
    return Math.min(timings.restMs, Math.max(timings.briskMs, patientMs, this.#tookMs * REST_SHARE));
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { reader, timings, clock, name } = this.#options;
    const askedAtMs = clock.now();
    const started = performance.now();
    this.#dice = clock.random();
    try {
      signal.throwIfAborted();
      const text = await reader.read('/api/rawdata', withDeadline(signal, timings.timeoutMs));
      const decoded = this.#known?.text === text ? this.#known.decoded : decodeRawData(text, this.#known?.decoded);
      await this.#readEntryPoints(askedAtMs, signal);
      signal.throwIfAborted();
      this.#known = { text, decoded };
      this.#answered(decoded, askedAtMs);
    } catch (error) {
      if (signal.aborted) return;
      this.#failed(gatewayProblem(name, error));
    }
    this.#tookMs = performance.now() - started;
  }

  /** Reads the entry points when they may be others. While they cannot be read, what was read before stands. */
  async #readEntryPoints(askedAtMs: number, signal: AbortSignal): Promise<void> {
    const { reader, timings } = this.#options;
    const ageMs = askedAtMs - (this.#entryPoints?.triedAtMs ?? Number.NEGATIVE_INFINITY);
    // A clock that was set back says nothing of their age.
    if (this.#state.kind === 'complete' && ageMs >= 0 && ageMs < ENTRY_POINTS_MS) return;
    const text = await reader.read('/api/entrypoints?per_page=1000', withDeadline(signal, timings.timeoutMs)).catch(() => '');
    this.#entryPoints = { list: decodeEntryPoints(text) ?? this.#entryPoints?.list, triedAtMs: askedAtMs };
  }

  #elsewhere(decoded: NamesElsewhere, askedAtMs: number): NamesElsewhere {
    const entryPoints = this.#entryPoints?.list;
    this.#names = settleNames(this.#names, entryPoints === undefined ? decoded : { ...decoded, entryPoints }, askedAtMs);
    return this.#names.names;
  }

  #answered(decoded: DecodedRawData, askedAtMs: number): void {
    const before = this.#state;
    if (before.kind !== 'complete') this.#connectedAtMs = askedAtMs;
    this.#failures = 0;
    this.#answers++;
    const known = before.kind === 'unavailable' ? undefined : before.value;
    const elsewhere = this.#elsewhere(decoded.elsewhere, askedAtMs);
    const isStart = hasStarted(known, decoded, before.kind === 'stale');
    const value = nextState({ before: known, isNewStart: isStart && this.#isFirstStart(askedAtMs) }, { ...decoded, elsewhere }, askedAtMs);
    if (isStart) this.#startedAtMs = askedAtMs;
    this.#state = { kind: 'complete', value, readAtMs: askedAtMs, connectedAtMs: this.#connectedAtMs, index: String(this.#answers) };
    const awaited = this.#expectedMs;
    const isFirstSince = awaited !== undefined && askedAtMs >= awaited && (before.kind === 'unavailable' || before.readAtMs < awaited);
    if (value !== known || before.kind !== 'complete' || isFirstSince) this.#options.onChange();
  }

  /** False for a Traefik that keeps starting: it would never be told to lack anything. */
  #isFirstStart(askedAtMs: number): boolean {
    const sinceMs = askedAtMs - (this.#startedAtMs ?? Number.NEGATIVE_INFINITY);
    return sinceMs < 0 || sinceMs >= this.#options.timings.restartMs;
  }

  #failed(reason: Problem): void {
    if (this.#failures++ === 0) this.#failingSinceMs = this.#options.clock.now();
    const before = this.#state;
    const isNews = before.kind === 'complete' ? this.#failures === MISSES : before.reason.message !== reason.message;
    const sinceMs = before.kind === 'complete' ? this.#failingSinceMs : before.sinceMs;
    if (before.kind === 'unavailable') this.#state = { kind: 'unavailable', reason, sinceMs };
    else if (this.#failures >= MISSES || before.kind === 'stale') {
      const { value, readAtMs, index } = before;
      this.#state = { kind: 'stale', value, readAtMs, index, reason, sinceMs };
    }
    if (isNews) this.#options.onChange();
  }
}

interface Earlier {
  readonly before: GatewayState | undefined;
  readonly isNewStart: boolean;
}

/** `isBack`: it did not answer in between. See `GatewayState.startedAtMs`. */
function hasStarted(before: GatewayState | undefined, { services }: DecodedRawData, isBack: boolean): boolean {
  const hadServices = before?.services.size ?? 0;
  return hadServices > 0 && (services.size === 0 || (isBack && services.size * 2 < hadServices));
}

/** The state after an answer: the very same when nothing differs. */
function nextState({ before, isNewStart }: Earlier, { services, routers, elsewhere }: DecodedRawData, askedAtMs: number): GatewayState {
  const isSame = before !== undefined && sameEntries(before.services, services) && sameEntries(before.routers, routers);
  if (isSame) return before.elsewhere === elsewhere ? before : { ...before, elsewhere };
  const now = endpointsOf(services);
  const leftAtMs = new Map<string, number>();
  for (const [endpoint, atMs] of before?.leftAtMs ?? [])
    if (!now.has(endpoint) && atMs > askedAtMs - REMEMBER_MS) leftAtMs.set(endpoint, atMs);
  for (const endpoint of [...(before?.listed.values() ?? [])].flat()) if (!now.has(endpoint)) leftAtMs.set(endpoint, askedAtMs);
  const listed = Map.groupBy(now, (endpoint) => endpoint.slice(endpoint.lastIndexOf(':') + 1));
  const isSameSetUp = before !== undefined && sameEntries(before.routers, routers) && sameServices(before.services, services);
  const changedAtMs = isSameSetUp ? before.changedAtMs : askedAtMs;
  const startedAtMs = isNewStart ? askedAtMs : before?.startedAtMs;
  return {
    ...{ services, routers, elsewhere, listed, leftAtMs, changedAtMs },
    knownSinceMs: before?.knownSinceMs ?? askedAtMs,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
  };
}

const endpointsOf = (services: GatewayState['services']): ReadonlySet<string> =>
  new Set([...services.values()].flatMap(({ servers }) => servers.map(({ endpoint }) => endpoint)));

const sameEntries = <K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean =>
  a.size === b.size && [...b].every(([key, value]) => a.get(key) === value);

/** Whether the services are set up alike, whatever the health of their servers. */
function sameServices(a: GatewayState['services'], b: GatewayState['services']): boolean {
  const isSame = (one: GatewayService | undefined, other: GatewayService): boolean =>
    one === other ||
    (one !== undefined &&
      one.status === other.status &&
      one.servers.length === other.servers.length &&
      one.servers.every(({ url }, i) => url === other.servers[i]?.url));
  return a.size === b.size && [...b].every(([key, service]) => isSame(a.get(key), service));
}
