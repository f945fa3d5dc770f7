import { predictRoutes } from '../../src/core/routes/predict-routes.ts';
import type { RoutedInstance } from '../../src/core/routes/route-model.ts';
import { buildTags } from '../../src/core/tags/build-tags.ts';
import { type Spread, spread } from './statistics.ts';

const SERVICES = 1_000;
const RUNS = 20;
const SETTINGS = {
  exposedByDefault: false,
  entryPoints: [{ name: 'web' }, { name: 'websecure' }],
  known: { middlewares: [], services: [], serversTransports: [], tlsOptions: [] },
} as const;

/** How long the prediction of 1,000 services takes, on 3 and on 20 nodes each; every run reads a catalog that it has not seen. */
export function measurePrediction(): object {
  return { services: SERVICES, on3NodesMs: measure(3), on20NodesMs: measure(20) };
}

function measure(nodes: number): { readonly instances: number; readonly first: number } & Spread {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const catalog = catalogOf(nodes);
    const startedAt = performance.now();
    const { http, dropped } = predictRoutes(catalog, SETTINGS);
    times.push(performance.now() - startedAt);
    if (http.routers.size < SERVICES || dropped.length > 0)
      throw new Error(`predicted ${http.routers.size} routers, ${dropped.length} dropped`);
  }
  return { instances: SERVICES * nodes, first: Math.round(times[0] ?? Number.NaN), ...spread(times) };
}

const catalogOf = (nodes: number): readonly RoutedInstance[] =>
  Array.from({ length: SERVICES }, (_, i) => instancesOf(`svc-${i}`, i, nodes)).flat();

function instancesOf(service: string, i: number, nodes: number): readonly RoutedInstance[] {
  const { tags } = buildTags({
    annotations: {
      'traefik.enable': 'true',
      'traefik.frontend.rule': `Host:${service}.example.com;PathPrefixStrip:/api`,
      'traefik.frontend.headers.customRequestHeaders': 'X-Forwarded-Proto:https',
      'traefik.backend.loadbalancer.stickiness': 'true',
      tags: 'kubernetes',
    },
    extraTags: [],
    namespace: 'shop',
    name: service,
    dialect: 'both',
    entryPoints: { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } },
  });
  return Array.from({ length: nodes }, (_, node) => ({
    consulNode: `k8s-prod-n${node}`,
    nodeId: `00000000-0000-5000-8000-${String(node).padStart(12, '0')}`,
    id: `${service}-${node}`,
    service,
    address: `10.0.0.${node + 1}`,
    port: 30_000 + i,
    tags: [...tags],
    status: 'passing' as const,
  }));
}
