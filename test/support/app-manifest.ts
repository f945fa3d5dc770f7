/** What differs from the plain app. */
export interface AppOptions {
  /** 2 unless told. */
  readonly replicas?: number;
  /** Chosen by Kubernetes unless told. */
  readonly nodePort?: number;
  /** NodePort unless told. */
  readonly type?: string;
  /** The annotation `tags`, `kubernetes` unless told. */
  readonly tags?: string;
  /** More annotations of the Service. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Image of the container. */
  readonly image?: string;
}

/** A spec with a Deployment and its Service of the same name, annotated as the ancestor's; its route is `<name>.example.com`. */
export function appManifest(name: string, options: AppOptions = {}): string {
  const {
    replicas = 2,
    nodePort,
    type = 'NodePort',
    tags = 'kubernetes',
    annotations = {},
    image = 'registry.example.com/web:1',
  } = options;
  const all = { 'traefik.enable': 'true', 'traefik.frontend.rule': `Host:${name}.example.com`, tags, ...annotations };
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  annotations: ${JSON.stringify(all)}
spec:
  type: ${type}
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: 8080${nodePort === undefined ? '' : `, nodePort: ${nodePort}`} }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: web, image: ${image} }] }
`;
}
