export interface RateLimit {
  /** How many requests may come at once, and how many more each minute. */
  readonly perMinute: number;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

// Enough for every honest client; beyond it the oldest is forgotten, so that made-up addresses cannot fill the memory.
const MAX_CLIENTS = 1000;

/** A token bucket per client, kept as the moment at which it will be full again (the generic cell rate algorithm). */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #fullAtMs = new Map<string, number>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes a token of this client: 0 when there was one, otherwise the seconds until there is one. */
  take(client: string): number {
    const { perMinute, now } = this.#limit;
    const nowMs = now();
    const perTokenMs = 60_000 / perMinute;
    const fullAtMs = Math.max(this.#fullAtMs.get(client) ?? nowMs, nowMs);
    const waitMs = fullAtMs - nowMs - (perMinute - 1) * perTokenMs;
    this.#remember(client, waitMs > 0 ? fullAtMs : fullAtMs + perTokenMs);
    return Math.max(0, Math.ceil(waitMs / 1000));
  }

  #remember(client: string, fullAtMs: number): void {
    this.#fullAtMs.delete(client);
    this.#fullAtMs.set(client, fullAtMs);
    const [oldest] = this.#fullAtMs.keys();
    if (this.#fullAtMs.size > MAX_CLIENTS && oldest !== undefined) this.#fullAtMs.delete(oldest);
  }
}
