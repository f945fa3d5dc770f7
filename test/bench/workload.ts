/** An object of the benchmark, as it is sent. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** The host of the i-th service, another one in each version. */
export const hostOf = (i: number, version = 0): string => `s${i}-v${version}.example.com`;

/** The tag that `workload` gets for its host. */
export const tagOf = (host: string): string => `traefik.frontend.rule=Host:${host}`;

/** A Deployment and its NodePort Service. */
export function workload(name: string, namespace: string, host: string, replicas = 1): readonly Manifest[] {
  const labels = { app: name };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1', ports: [{ containerPort: 8080, protocol: 'TCP' }] }] },
        },
      },
    },
    {
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
  ] as readonly Manifest[];
}

/** A Deployment without pods, its NodePort Service and a ConfigMap: what the neighbours were measured with. */
export function application(name: string, namespace: string, text: string): readonly Manifest[] {
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { text } };
  return [configMap, ...workload(name, namespace, `${name}.example.com`, 0)];
}

/** The spec file of one service. */
export const specFile = (objects: readonly Manifest[]): string => JSON.stringify(objects, null, 1);
