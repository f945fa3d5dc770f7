import { connect } from 'node:net';
import type { NodeName } from '../../core/model/ids.ts';
import type { NodeProbe, ProbeTarget, Unsubscribe } from '../../core/model/ports.ts';
import { sleep } from '../../shared/abort.ts';

export interface NodeProbeOptions {
  /** Time between two rounds, in milliseconds. */
  readonly intervalMs?: number;
  /** How long one connection may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** Nodes tried at the same time. */
  readonly parallel?: number;
}

/** Rounds without an answer until a node counts as unreachable: a single lost packet says nothing. */
const MISSES = 2;

/** A probe that sleeps until nodes are wanted. `stop` ends it. */
export interface StoppableProbe extends NodeProbe {
  stop(): Promise<void>;
}

/** Makes a probe of nodes by plain TCP connections, which are closed at once. */
export function createNodeProbe(options: NodeProbeOptions = {}): StoppableProbe {
  return new TcpNodeProbe({ intervalMs: 5_000, timeoutMs: 2_000, parallel: 16, ...options });
}

class TcpNodeProbe implements StoppableProbe {
  readonly #options: Required<NodeProbeOptions>;
  readonly #listeners = new Set<() => void>();
  readonly #misses = new Map<NodeName, number>();
  #targets: ReadonlyMap<NodeName, ProbeTarget> = new Map();
  #state: ReadonlyMap<NodeName, boolean> = new Map();
  #running: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: Required<NodeProbeOptions>) {
    this.#options = options;
  }

  want(targets: readonly ProbeTarget[]): void {
    this.#targets = new Map(targets.map((target) => [target.node, target]));
    for (const node of this.#misses.keys()) if (!this.#targets.has(node)) this.#misses.delete(node);
    this.#tell();
    if (targets.length === 0) {
      this.#running?.abort.abort();
      this.#running = undefined;
    } else if (this.#running === undefined) {
      const abort = new AbortController();
      this.#running = { abort, ended: this.#turn(abort.signal).catch(() => undefined) };
    }
  }

  state(): ReadonlyMap<NodeName, boolean> {
    return this.#state;
  }

  changed(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.want([]);
    await running?.ended;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const queue = [...this.#targets.values()];
      const worker = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.#try(next, signal);
      };
      await Promise.all(Array.from({ length: this.#options.parallel }, worker));
      this.#tell();
      await sleep(this.#options.intervalMs, signal);
    }
  }

  async #try({ node, endpoints }: ProbeTarget, signal: AbortSignal): Promise<void> {
    const answers = await Promise.all(endpoints.map((endpoint) => accepts(endpoint, this.#options.timeoutMs, signal)));
    if (signal.aborted || !this.#targets.has(node)) return;
    this.#misses.set(node, answers.includes(true) ? 0 : (this.#misses.get(node) ?? 0) + 1);
  }

  /** Publishes what is known, when it differs from what was. */
  #tell(): void {
    const known = [...this.#misses].filter(([, misses]) => misses === 0 || misses >= MISSES);
    const next = new Map(known.map(([node, misses]) => [node, misses === 0]));
    const same = next.size === this.#state.size && [...next].every(([node, answers]) => this.#state.get(node) === answers);
    if (same) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }
}

/** True when a TCP connection is accepted in time. Never rejects. */
function accepts(endpoint: ProbeTarget['endpoints'][number], timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: endpoint.address, port: endpoint.port });
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      socket.destroy();
      resolve(answer);
    };
    const cancel = (): void => end(false);
    const timer = setTimeout(cancel, timeoutMs);
    signal.addEventListener('abort', cancel, { once: true });
    socket.once('connect', () => end(true));
    // Errors after the answer (a reset while closing) are of no concern.
    socket.on('error', () => end(false));
  });
}
