import type { PoolKey } from '../../core/model/ids.ts';
import type { Clock, RouteAnswer, RouteProbe, RouteTarget, Unsubscribe } from '../../core/model/ports.ts';
import { sleep, withDeadline } from '../../shared/abort.ts';
import { jitterMs } from '../../shared/backoff.ts';
import type { EntryPointOptions, RouteAsker } from './ask-route.ts';
import { createRouteAsker } from './ask-route.ts';

export interface RouteProbeOptions extends EntryPointOptions {
  /** Time between two tries of one route, in milliseconds. */
  readonly intervalMs: number;
  /** The longest one try may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A probe that sleeps until routes are wanted. `stop` ends it. */
export interface StoppableRouteProbe extends RouteProbe {
  stop(): Promise<void>;
}

/** Requests under way at the same time. */
const AT_ONCE = 8;
const JITTER = 0.1;
/** A first failure is looked into again after this part of the interval: a single one says little. */
const AGAIN_SHARE = 0.25;

/** Makes a probe of routes through one entry point of Traefik. */
export function createRouteProbe(options: RouteProbeOptions): StoppableRouteProbe {
  return new EntryPointProbe(options);
}

interface Tried {
  readonly target: RouteTarget;
  readonly text: string;
  dueMs: number;
  answer: RouteAnswer | undefined;
}

class EntryPointProbe implements StoppableRouteProbe {
  readonly tls: boolean;
  readonly #options: RouteProbeOptions;
  readonly #asker: RouteAsker;
  readonly #listeners = new Set<() => void>();
  readonly #stopping = new AbortController();
  #wanted: ReadonlyMap<string, Tried> = new Map();
  #running: Promise<void> | undefined;
  #wake = new AbortController();

  constructor(options: RouteProbeOptions) {
    this.tls = options.url.startsWith('https:');
    this.#options = options;
    this.#asker = createRouteAsker(options, AT_ONCE);
  }

  want(targets: readonly RouteTarget[]): void {
    const { intervalMs, clock } = this.#options;
    const wanted = new Map<string, Tried>();
    let isNew = false;
    for (const target of targets) {
      const key = `${target.pool} ${target.router}`;
      const text = JSON.stringify(target);
      const known = this.#wanted.get(key);
      isNew ||= known?.text !== text;
      // Spread over the interval, so that many new ones are no burst.
      wanted.set(
        key,
        known?.text === text ? known : { target, text, dueMs: performance.now() + clock.random() * intervalMs, answer: undefined },
      );
    }
    this.#wanted = wanted;
    if (isNew) this.#wake.abort();
    if (wanted.size > 0) this.#running ??= this.#run(this.#stopping.signal).catch(() => undefined);
  }

  state(): ReadonlyMap<PoolKey, readonly RouteAnswer[]> {
    const found = new Map<PoolKey, RouteAnswer[]>();
    for (const { target, answer } of this.#wanted.values()) {
      if (answer !== undefined) found.set(target.pool, [...(found.get(target.pool) ?? []), answer]);
    }
    return found;
  }

  changed(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async probe(pool: PoolKey, signal: AbortSignal): Promise<readonly RouteAnswer[]> {
    const own = [...this.#wanted.values()].filter(({ target }) => target.pool === pool);
    await this.#tryAll(own, signal);
    signal.throwIfAborted();
    return this.state().get(pool) ?? [];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#asker.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = performance.now();
      const all = [...this.#wanted.values()];
      await this.#tryAll(
        all.filter(({ dueMs }) => dueMs <= nowMs),
        signal,
      );
      const nextMs = Math.min(...[...this.#wanted.values()].map(({ dueMs }) => dueMs), nowMs + this.#options.intervalMs);
      const woken = AbortSignal.any([signal, this.#wake.signal]);
      await sleep(Math.max(0, nextMs - performance.now()), woken).catch(() => undefined);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
  }

  async #tryAll(all: readonly Tried[], signal: AbortSignal): Promise<void> {
    const queue = [...all];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && !signal.aborted; next = queue.shift()) await this.#try(next, signal);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, worker));
  }

  async #try(tried: Tried, signal: AbortSignal): Promise<void> {
    const { intervalMs, timeoutMs, clock } = this.#options;
    const atMs = clock.now();
    const started = performance.now();
    const reply = await this.#asker.ask(tried.target, withDeadline(signal, timeoutMs));
    if (signal.aborted) return;
    const before = tried.answer;
    const failures = reply.ok ? 0 : (before?.failures ?? 0) + 1;
    const { router, host, path } = tried.target;
    tried.answer = { router, host, path, atMs, durationMs: Math.round(performance.now() - started), ...reply, failures };
    tried.dueMs = performance.now() + jitterMs(failures === 1 ? intervalMs * AGAIN_SHARE : intervalMs, JITTER, clock.random);
    if (failures === 2 || (reply.ok && (before?.failures ?? 0) > 1)) for (const listener of this.#listeners) listener();
  }
}
