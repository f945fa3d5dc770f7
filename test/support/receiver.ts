import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

/** A request as it came in. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that is told something, and answers as a test says. */
export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Answers every request by hand from now on; undefined: with 201 again. */
  answerWith(answer: ((request: Received, response: ServerResponse) => void) | undefined): void;
  stop(): Promise<void>;
}

/** Starts a receiver on a port of its own; with a certificate it speaks TLS. */
export async function startReceiver(certificate?: Certificate): Promise<Receiver> {
  const received: Received[] = [];
  let answer: ((request: Received, response: ServerResponse) => void) | undefined;
  const serve: Parameters<typeof createServer>[1] = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(parts).toString('utf8') };
      received.push(one);
      if (answer === undefined) response.writeHead(201).end('{}');
      else answer(one, response);
    });
  };
  const server = certificate === undefined ? createServer(serve) : createTlsServer({ ...certificate }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    received,
    answerWith(how) {
      answer = how;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
