import type { ServerResponse } from 'node:http';

/**
 * What happens to a request: Consul answers with another status; something in between answers 200 with a web page; the
 * connection breaks in the middle of the proper answer; no answer ever comes.
 */
type FaultKind =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  | { readonly kind: 'html' | 'half-body' | 'hang' };

/** A fault, and the requests that it meets. */
export type Fault = FaultKind & {
  /** Is tried on `PUT /v1/txn`: the method and the path with its query. Default: every request. */
  readonly match?: RegExp;
  /** How many requests it meets; default: all until it is taken back. */
  readonly times?: number;
  /** True: the request is carried out all the same, only its answer is lost. `half-body` always does. */
  readonly applied?: boolean;
};

/** The faults in force. */
export class Faults {
  readonly #left = new Map<Fault, number>();

  /** Puts a fault into force; the result takes it back. */
  add(fault: Fault): () => void {
    this.#left.set(fault, fault.times ?? Number.POSITIVE_INFINITY);
    return () => void this.#left.delete(fault);
  }

  clear(): void {
    this.#left.clear();
  }

  /** The fault that a request meets, if any; it counts as met. */
  take(request: string): Fault | undefined {
    const [fault, left] = [...this.#left].find(([{ match }]) => match === undefined || match.test(request)) ?? [];
    if (fault === undefined || left === undefined) return undefined;
    if (left > 1) this.#left.set(fault, left - 1);
    else this.#left.delete(fault);
    return fault;
  }
}

/** Lets the answer fail as the fault says; `body` is the proper one. */
export function answerWithFault(fault: Fault, response: ServerResponse, body: string): void {
  if (fault.kind === 'status') response.writeHead(fault.status, { 'content-type': 'text/plain' }).end(fault.body ?? 'No cluster leader');
  if (fault.kind === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please log in</body></html>');
  if (fault.kind !== 'half-body') return;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 });
  response.write(body.slice(0, body.length / 2) || ' ', () => response.destroy());
}
