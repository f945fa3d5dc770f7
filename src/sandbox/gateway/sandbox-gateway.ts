import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { predictRoutes } from '../../core/routes/predict-routes.ts';
import type { PredictedRoutes, TraefikSettings } from '../../core/routes/predicted-routes.ts';
import type { RoutedInstance } from '../../core/routes/route-model.ts';
import { type RawRequest, routeRequest } from '../../core/routes/route-request.ts';
import { applyMiddlewares } from './apply-middlewares.ts';
import { Balancer } from './balancer.ts';
import { forwardRequest, refuse, sendAnswer } from './forward-request.ts';
import { type GatewayRequest, gatewayRequest } from './gateway-request.ts';
import { notSupported } from './not-supported.ts';
import { type EntryPointFacts, findRouter, routingTable, type ServingRouter } from './routing-table.ts';
import { type CatalogRefresh, watchCatalog } from './watch-catalog.ts';

export interface SandboxGatewayOptions {
  readonly consulUrl: string;
  /** Default: watch. */
  readonly refresh?: CatalogRefresh;
  /** Only instances that fit, as Traefik's `constraints`: ``Tag(`a`)``. */
  readonly constraints?: string;
  /** Ports by entry point, 0 for any free one; default: `web` on a free port. */
  readonly entryPoints?: Readonly<Record<string, number>>;
  /** Entry points that count as encrypted, although the sandbox speaks plain HTTP on them: routers with TLS serve there, and no others. */
  readonly encrypted?: readonly string[];
  /** How long a backend may say nothing, ms; default 30,000. */
  readonly backendTimeoutMs?: number;
}

/**
 * A small stand-in for Traefik 3: plain HTTP by the routes that are predicted from the Consul catalog, with the middlewares that change
 * requests. Left out: health checks of its own, https and h2c to servers, TCP and UDP, upgrades, other providers.
 */
export interface SandboxGateway {
  /** By entry point. */
  readonly urls: Readonly<Record<string, string>>;
  /** The routes in force. */
  routes(): PredictedRoutes;
  stop(): Promise<void>;
}

/** No other provider stands beside the catalog. */
const NOTHING_ELSEWHERE = { middlewares: [], services: [], serversTransports: [], tlsOptions: [], certResolvers: [] };

/** Starts a gateway on loopback. Without Consul it answers 404 until Consul comes; then it keeps what it knew last. */
export async function startSandboxGateway(options: SandboxGatewayOptions): Promise<SandboxGateway> {
  const { consulUrl, refresh = { kind: 'watch' }, constraints, entryPoints = { web: 0 }, encrypted = [] } = options;
  const router = new RequestRouter(options.backendTimeoutMs ?? 30_000, {
    exposedByDefault: false,
    entryPoints: Object.keys(entryPoints).map((name) => ({ name })),
    known: NOTHING_ELSEWHERE,
    ...(constraints === undefined ? {} : { constraints }),
  });
  const servers: Server[] = [];
  const urls: Record<string, string> = {};
  for (const [name, port] of Object.entries(entryPoints)) {
    const entryPoint = { name, encrypted: encrypted.includes(name) };
    const server = createServer((request, response) => {
      // A header that tags make and that Node cannot send.
      router.serve(entryPoint, request, response).catch(() => (response.headersSent ? response.destroy() : refuse(response, 500)));
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    servers.push(server);
    urls[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const stopping = new AbortController();
  const watching = watchCatalog({ consulUrl, refresh, onInstances: (instances) => router.take(instances) }, stopping.signal);
  return {
    urls,
    routes: () => router.routes,
    stop: async () => {
      stopping.abort();
      await watching;
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve).closeAllConnections())));
    },
  };
}

/** Answers requests by the routes in force. */
class RequestRouter {
  readonly #timeoutMs: number;
  readonly #settings: TraefikSettings;
  readonly #balancer = new Balancer();
  #routes: PredictedRoutes;
  #table: readonly ServingRouter[] = [];

  constructor(timeoutMs: number, settings: TraefikSettings) {
    this.#timeoutMs = timeoutMs;
    this.#settings = settings;
    this.#routes = predictRoutes([], settings);
  }

  get routes(): PredictedRoutes {
    return this.#routes;
  }

  /** Puts the routes of other instances in force. */
  take(instances: readonly RoutedInstance[]): void {
    const routes = predictRoutes(instances, this.#settings);
    // Traefik's own code breaks over such tags before it has anything new.
    if (routes.dropped.some(({ reason }) => reason === 'freeze')) return;
    this.#routes = routes;
    this.#table = routingTable(routes);
  }

  async serve(entryPoint: EntryPointFacts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headersDistinct, socket } = incoming;
    const tls = entryPoint.encrypted;
    const raw: RawRequest = { method, target: url, headers: headersDistinct, clientIp: socket.remoteAddress ?? '', tls };
    const request = gatewayRequest(raw);
    if (request === undefined) return refuse(outgoing, 400);
    // Read once: a change of the routes does not touch requests under way.
    const router = findRouter(this.#table, entryPoint, routeRequest(raw));
    if (router === undefined) return refuse(outgoing, 404);
    await this.#serveBy(router, request, { incoming, outgoing });
  }

  async #serveBy(
    { service, middlewares }: ServingRouter,
    asked: GatewayRequest,
    { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  ): Promise<void> {
    const { result, back, attempts } = applyMiddlewares(middlewares, this.#routes.http.middlewares, asked);
    if (result.kind === 'answer') return sendAnswer(outgoing, result.answer, back);
    if (service === undefined) return sendAnswer(outgoing, notSupported('a service of another provider').answer, back);
    const { request } = result;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const picked = this.#balancer.pick(service, request.headers.get('cookie')?.join('; ') ?? '');
      if (picked === undefined) return refuse(outgoing, 503, back);
      const { server, setCookie } = picked;
      if (!server.url.startsWith('http://')) return sendAnswer(outgoing, notSupported(`the server ${server.url}`).answer, back);
      const withCookie: typeof back = (seen) =>
        back(setCookie === undefined ? seen : new Map([...seen, ['set-cookie', [setCookie, ...(seen.get('set-cookie') ?? [])]]]));
      const forwarding = { server, passHostHeader: service.passHostHeader, timeoutMs: this.#timeoutMs, back: withCookie };
      if (await forwardRequest({ incoming, outgoing, request }, forwarding)) return;
    }
    refuse(outgoing, 502, back);
  }
}
