import type { Gateways } from '../../core/model/gateway.ts';
import type { Clock, Gateway, Unsubscribe } from '../../core/model/ports.ts';
import { type GatewayTimings, ReplicaFollower } from './follow-replica.ts';
import { type ApiReader, createApiReader, type ReplicaOptions } from './read-api.ts';

export interface GatewayOptions {
  readonly replicas: readonly ReplicaOptions[];
  readonly clock: Clock;
  readonly timings?: Partial<GatewayTimings>;
}

/** A gateway that is asked from `start` to `stop`. */
export interface TraefikGateway extends Gateway {
  start(signal: AbortSignal): void;
  stop(): Promise<void>;
}

/** At rest one request a minute: four replicas stay below five requests a minute. */
const TIMINGS: GatewayTimings = {
  briskMs: 300,
  restMs: 60_000,
  timeoutMs: 2_000,
  restartMs: 200_000,
  backoff: { baseMs: 500, maxMs: 20_000 },
};

/** Watches the Traefik replicas of the configuration by their APIs. */
export function createGateway({ replicas, clock, timings }: GatewayOptions): TraefikGateway {
  return new PollingGateway(replicas, clock, { ...TIMINGS, ...timings });
}

class PollingGateway implements TraefikGateway {
  readonly #listeners = new Set<() => void>();
  readonly #readers: readonly ApiReader[];
  readonly #followers: ReadonlyMap<ReplicaOptions['name'], ReplicaFollower>;
  readonly #stopping = new AbortController();
  #state: Gateways | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(replicas: readonly ReplicaOptions[], clock: Clock, timings: GatewayTimings) {
    const readers = replicas.map((replica) => createApiReader(replica, timings.timeoutMs));
    this.#readers = readers;
    const onChange = (): void => this.#tell();
    this.#followers = new Map(
      replicas.flatMap(({ name }, i) => {
        const reader = readers[i];
        return reader === undefined ? [] : [[name, new ReplicaFollower({ name, reader, timings, clock, onChange })] as const];
      }),
    );
  }

  state(): Gateways {
    const now = [...this.#followers].map(([name, follower]) => [name, follower.state()] as const);
    const known = this.#state;
    if (known === undefined || now.some(([name, snapshot]) => known.get(name) !== snapshot)) this.#state = new Map(now);
    return this.#state ?? new Map(now);
  }

  changed(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  expect(sinceMs: number | undefined): void {
    for (const follower of this.#followers.values()) follower.expect(sinceMs);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#followers.values()].map((follower) => follower.ask(signal)));
  }

  start(signal: AbortSignal): void {
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    this.#ended = Promise.all([...this.#followers.values()].map((follower) => follower.follow(either)));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
    await Promise.all(this.#readers.map((reader) => reader.close()));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
