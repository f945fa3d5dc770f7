import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildRoutes } from '../../core/routes/build-routes.ts';
import { matchRule } from '../../core/routes/match-rule.ts';
import type { RouteService, Routes } from '../../core/routes/route-model.ts';
import { routeRequest } from '../../core/routes/route-request.ts';
import { forwardRequest, refuse } from './forward-request.ts';
import { type CatalogRefresh, watchCatalog } from './watch-catalog.ts';

export interface SandboxGatewayOptions {
  readonly consulUrl: string;
  /** Default: watch. */
  readonly refresh?: CatalogRefresh;
  /** Only instances with this plain tag. */
  readonly constraintTag?: string;
  /** Ports by entry point, 0 for any free one; default: `web` on a free port. */
  readonly entryPoints?: Readonly<Record<string, number>>;
  /** Entry points that count as encrypted, although the sandbox speaks plain HTTP on them: routers with TLS serve there, and no others. */
  readonly encrypted?: readonly string[];
  /** How long a backend may say nothing, ms; default 30,000. */
  readonly backendTimeoutMs?: number;
}

/** A small stand-in for Traefik: plain HTTP, routers and servers from the Consul catalog, no middlewares. */
export interface SandboxGateway {
  /** By entry point. */
  readonly urls: Readonly<Record<string, string>>;
  /** The routes in force. */
  routes(): Routes;
  stop(): Promise<void>;
}

/** Starts a gateway on loopback. Without Consul it answers 404 until Consul comes; then it keeps what it knew last. */
export async function startSandboxGateway(options: SandboxGatewayOptions): Promise<SandboxGateway> {
  const {
    consulUrl,
    refresh = { kind: 'watch' },
    constraintTag,
    entryPoints = { web: 0 },
    encrypted = [],
    backendTimeoutMs: timeoutMs = 30_000,
  } = options;
  const routeOptions = { exposedByDefault: false, ...(constraintTag === undefined ? {} : { constraintTag }) };
  const rotation = new Rotation();
  let routes = buildRoutes([], routeOptions);

  const serve = async (entryPoint: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Read once: a change of the routes does not touch requests under way.
    const service = findService(routes, { name: entryPoint, encrypted: encrypted.includes(entryPoint) }, request);
    if (service === undefined) return refuse(response, 404);
    const server = rotation.next(service);
    if (server === undefined) return refuse(response, 503);
    await forwardRequest(request, response, { server, timeoutMs });
  };

  const servers: Server[] = [];
  const urls: Record<string, string> = {};
  for (const [name, port] of Object.entries(entryPoints)) {
    const server = createServer((request, response) => void serve(name, request, response));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    servers.push(server);
    urls[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const stopping = new AbortController();
  const onInstances = (instances: Parameters<typeof buildRoutes>[0]): void => {
    routes = buildRoutes(instances, routeOptions);
  };
  const watching = watchCatalog({ consulUrl, refresh, onInstances }, stopping.signal);
  return {
    urls,
    routes: () => routes,
    stop: async () => {
      stopping.abort();
      await watching;
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve).closeAllConnections())));
    },
  };
}

interface EntryPointFacts {
  readonly name: string;
  readonly encrypted: boolean;
}

/** The service of the router that takes a request: of those that match, the one of the highest priority. */
function findService(routes: Routes, entryPoint: EntryPointFacts, incoming: IncomingMessage): RouteService | undefined {
  const { method = 'GET', url = '/', headersDistinct: headers, socket } = incoming;
  const request = routeRequest({ method, target: url, headers, clientIp: socket.remoteAddress ?? '', tls: entryPoint.encrypted });
  const matching = [...routes.routers.values()].filter(
    ({ rule, entryPoints, service, tls }) =>
      // Traefik builds no route for a router whose service is missing, and serves one with TLS on encrypted connections only.
      tls === entryPoint.encrypted &&
      routes.services.has(service) &&
      (entryPoints.length === 0 || entryPoints.includes(entryPoint.name)) &&
      rule !== undefined &&
      matchRule(rule, request),
  );
  const [first] = matching.sort((a, b) => b.priority - a.priority);
  return first === undefined ? undefined : routes.services.get(first.service);
}

/** Takes the servers of each service in turn, as often as their weights say. */
class Rotation {
  readonly #turns = new Map<string, number>();

  next({ name, servers }: RouteService): string | undefined {
    const total = servers.reduce((sum, { weight }) => sum + Math.max(weight, 0), 0);
    const turn = this.#turns.get(name) ?? 0;
    this.#turns.set(name, turn + 1);
    let left = total === 0 ? 0 : turn % total;
    return servers.find(({ weight }) => {
      left -= Math.max(weight, 0);
      return left < 0;
    })?.url;
  }
}
