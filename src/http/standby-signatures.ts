import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { isSameSecret } from './same-secret.ts';

/** Marks a request that comes from another replica, and proves it: `<ms since the epoch>,<number used once>,<HMAC>`. */
export const PASSED_ON = 'poolkeeper-passed-on';

/** How far the clocks of two replicas may be apart, with the time that a request is on its way. */
const FRESH_MS = 60_000;

/** What is signed of a request. `body` as it is sent; empty when there is none. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/**
 * How replicas that share a secret prove to each other that a request was theirs to pass on, without ever sending the secret: the
 * address of the leader stands in Consul, so whoever can write there chooses who gets to see it. A signature is good for one
 * request, for a minute, once.
 */
export class StandbySignatures {
  readonly #key: Buffer;
  readonly #now: () => number;
  /** The signatures that were taken, with the time from which on they are stale, oldest first. */
  readonly #taken = new Map<string, number>();

  constructor(secret: string, now: () => number = Date.now) {
    // Not the secret itself: that also signs webhooks.
    this.#key = createHmac('sha256', secret).update('poolkeeper: requests between replicas').digest();
    this.#now = now;
  }

  /** The value of the header that is to go along. */
  sign(request: SignedRequest): string {
    const stamp = `${this.#now()},${randomUUID()}`;
    return `${stamp},${this.#hmac(stamp, request)}`;
  }

  /** Whether the header proves that this very request was signed lately by who knows the secret, and has not been taken before. */
  take(header: unknown, request: SignedRequest): boolean {
    if (typeof header !== 'string') return false;
    const [at = '', once = '', given = ''] = header.split(',');
    const now = this.#now();
    if (!(Math.abs(now - Number(at)) <= FRESH_MS) || !isSameSecret(given, this.#hmac(`${at},${once}`, request))) return false;
    for (const [old, staleAtMs] of this.#taken) {
      if (staleAtMs >= now) break;
      this.#taken.delete(old);
    }
    if (this.#taken.has(given)) return false;
    this.#taken.set(given, now + 2 * FRESH_MS);
    return true;
  }

  #hmac(stamp: string, { method, path, body }: SignedRequest): string {
    const digest = createHash('sha256').update(body).digest('hex');
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([stamp, method, path, digest]))
      .digest('hex');
  }
}

/** A request with its body as a standby sends it on: bytes as they came, JSON written anew, which reads and writes the same. */
export function signedRequest({ method, url, body }: Pick<FastifyRequest, 'method' | 'url' | 'body'>): SignedRequest {
  const sent = body === undefined || body === null ? '' : body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
  return { method, path: url, body: sent };
}
