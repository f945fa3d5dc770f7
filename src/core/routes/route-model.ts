/** An instance of the catalog, as Traefik's provider sees it. */
export interface RoutedInstance {
  /** Name of its Consul node, and the node's ID (may be empty). */
  readonly consulNode: string;
  readonly nodeId: string;
  readonly id: string;
  /** Name of the Consul service. */
  readonly service: string;
  /** The instance's address or, when it has none, its node's. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  /** The worst of its own checks and its node's; passing when there are none. */
  readonly status: 'passing' | 'warning' | 'critical' | 'maintenance';
}
