import type { RoutedInstance } from '../../src/core/routes/route-model.ts';

/** A passing instance of `web` on the node `k8s-a`, enabled for Traefik. */
export function routedInstance(more: Partial<RoutedInstance> = {}): RoutedInstance {
  const { consulNode = 'k8s-a', service = 'web' } = more;
  const base = { consulNode, nodeId: `id-of-${consulNode}`, id: `${service}-${consulNode}`, service, address: '10.0.0.1', port: 30_080 };
  return { ...base, tags: ['traefik.enable=true'], status: 'passing', ...more };
}

/** The tags of an enabled instance with these fields of an HTTP router. */
export const routerTags = (name: string, ...fields: readonly string[]): readonly string[] => [
  'traefik.enable=true',
  ...fields.map((field) => `traefik.http.routers.${name}.${field}`),
];

/** The tags of an enabled instance with these fields of an HTTP load balancer. */
export const serviceTags = (name: string, ...fields: readonly string[]): readonly string[] => [
  'traefik.enable=true',
  ...fields.map((field) => `traefik.http.services.${name}.loadbalancer.${field}`),
];
