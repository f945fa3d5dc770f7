import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PredictedObjects, PredictedRoutes } from '../../core/routes/predicted-routes.ts';

/** The API of a gateway in memory. */
export interface GatewayApi {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves `GET /api/rawdata` as Traefik 3 does, on a free port of loopback: routers, services and middlewares of HTTP, all servers up. */
export async function startGatewayApi(routes: () => PredictedRoutes): Promise<GatewayApi> {
  const server = createServer((request, response) => {
    if (request.url !== '/api/rawdata') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(rawData(routes()));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve()).closeAllConnections();
      }),
  };
}

function rawData({ http }: PredictedRoutes): string {
  const shown = (objects: PredictedObjects): Record<string, unknown> =>
    Object.fromEntries(
      [...objects.values()].map(({ name, config, status, errors, using }) => [name, { ...config, status, error: errors, using }]),
    );
  return JSON.stringify({ routers: shown(http.routers), services: shown(http.services), middlewares: shown(http.middlewares) });
}
