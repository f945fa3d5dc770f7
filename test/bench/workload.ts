/** The two objects of one service of the benchmark. */
export interface WorkloadObjects {
  readonly deployment: Readonly<Record<string, unknown>>;
  readonly service: Readonly<Record<string, unknown>>;
}

/** A Deployment with one replica and its NodePort Service. */
export function workload(name: string, namespace: string, host: string): WorkloadObjects {
  const labels = { app: name };
  return {
    deployment: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1', ports: [{ containerPort: 8080, protocol: 'TCP' }] }] },
        },
      },
    },
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name,
        namespace,
        labels,
        annotations: { 'traefik.enable': 'true', 'traefik.frontend.rule': `Host:${host}`, tags: 'kubernetes' },
      },
      spec: { type: 'NodePort', selector: labels, ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }] },
    },
  };
}

/** The spec file of one service. */
export const specFile = ({ deployment, service }: WorkloadObjects): string => JSON.stringify([deployment, service], null, 1);
