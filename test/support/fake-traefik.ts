import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

/** A Traefik API that says what a test tells it to say. */
export interface FakeTraefik {
  readonly url: string;
  /** The Traefik services of the catalog provider, with the URLs of their servers, and the routers by name. */
  show(services: Readonly<Record<string, readonly string[]>>, routers?: Readonly<Record<string, unknown>>): void;
  /** Answers every request by hand from now on; undefined: as `show` says again. */
  answerWith(answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
  /** What `/api/entrypoints` is answered with; at first 404. */
  showEntryPoints(text: string): void;
  /** Number of requests so far, for the objects or for another path. */
  requests(path?: string): number;
  stop(): Promise<void>;
}

/** Starts a fake Traefik API on a port of its own; with a certificate it speaks TLS. */
export async function startFakeTraefik(certificate?: Certificate): Promise<FakeTraefik> {
  let body = rawData({});
  let entryPoints: string | undefined;
  const asked: string[] = [];
  let answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(request.url?.replace(/\?.*$/, '') ?? '');
    if (answer !== undefined) answer(request, response);
    else if (request.url === '/api/rawdata') response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    else if (entryPoints !== undefined && request.url?.startsWith('/api/entrypoints') === true) response.end(entryPoints);
    else response.writeHead(404).end();
  };
  const server = certificate === undefined ? createServer(serve) : createTlsServer({ ...certificate }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    show(services, routers) {
      body = rawData(services, routers);
    },
    answerWith(by) {
      answer = by;
    },
    showEntryPoints(text) {
      entryPoints = text;
    },
    requests: (path = '/api/rawdata') => asked.filter((one) => one === path).length,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The text of `/api/rawdata` of Traefik 3 for these Traefik services and routers of the catalog provider. */
export function rawData(services: Readonly<Record<string, readonly string[]>>, routers: Readonly<Record<string, unknown>> = {}): string {
  const named = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
    Object.fromEntries(entries.map(([name, value]) => [`${name}@consulcatalog`, value]));
  const shown = Object.entries(services).map(([name, urls]) => {
    const loadBalancer = { servers: urls.map((url) => ({ url })), strategy: 'wrr', passHostHeader: true };
    return [name, { loadBalancer, status: 'enabled', serverStatus: Object.fromEntries(urls.map((url) => [url, 'UP'])) }] as const;
  });
  const internal = { 'api@internal': { status: 'enabled', usedBy: ['api@internal'] } };
  return JSON.stringify({ routers: named(Object.entries(routers)), middlewares: {}, services: { ...named(shown), ...internal } });
}
