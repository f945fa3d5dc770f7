import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A proxy that lets each request wait, and knows how long each took. */
export interface SlowProxy {
  readonly url: string;
  /** Where requests go from now on. */
  leadTo(target: string): void;
  waitFor(ms: number): void;
  /** How long each request took so far, in ms. */
  readonly took: readonly number[];
  stop(): Promise<void>;
}

/** Starts a proxy on a port of its own; before it leads anywhere it answers 502. */
export async function startSlowProxy(): Promise<SlowProxy> {
  const took: number[] = [];
  let target: string | undefined;
  let waitMs = 0;
  const server = createServer((request, response) => {
    const startedAt = performance.now();
    response.on('finish', () => took.push(performance.now() - startedAt));
    const fail = (): void => void response.writeHead(502).end();
    void delay(waitMs).then(() => {
      if (target === undefined) return fail();
      const onward = sendRequest(new URL(request.url ?? '/', target), { method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', fail).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    took,
    leadTo(to) {
      target = to;
    },
    waitFor(ms) {
      waitMs = ms;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
