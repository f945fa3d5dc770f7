import type { JsonObject } from '../model/objects.ts';

/** What a new spec is made of. */
export interface NewSpec {
  /** Of the Deployment and the Service; a DNS label. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly image: string;
  /** The port that the container listens on. */
  readonly port: number;
  /** The host that Traefik routes here; undefined: no route. */
  readonly host: string | undefined;
  readonly replicas: number;
}

/** The port of the Service, whatever the container listens on. */
const SERVICE_PORT = 80;

/**
 * A Deployment and the NodePort Service in front of it, as they should be: pods that are told apart, one more while they roll out and none
 * less, and readiness that is asked for before traffic comes.
 */
export function newSpec({ name, namespace, image, port, host, replicas }: NewSpec): readonly JsonObject[] {
  const labels = { 'app.kubernetes.io/name': name };
  const place = { name, ...(namespace === undefined ? {} : { namespace }), labels };
  const container = {
    name,
    image,
    ports: [{ name: 'http', containerPort: port }],
    readinessProbe: { tcpSocket: { port: 'http' } },
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: place,
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...place, ...(host === undefined ? {} : { annotations: routeTo(name, host) }) },
    spec: { type: 'NodePort', selector: labels, ports: [{ name: 'http', port: SERVICE_PORT, targetPort: 'http' }] },
  };
  return [deployment, service];
}

/** The most that Kubernetes takes in the key of an annotation without a prefix. */
const LONGEST_KEY = 63;

/** The tags of one Traefik 3 router: an annotation each, or where a long name leaves no room for that, all of them as lines of one. */
function routeTo(name: string, host: string): Readonly<Record<string, string>> {
  const rule = `traefik.http.routers.${name}.rule`;
  const tags = { 'traefik.enable': 'true', [rule]: `Host(\`${host.toLowerCase()}\`)` };
  if (rule.length <= LONGEST_KEY) return tags;
  return {
    'poolkeeper.dev/tags': Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n'),
  };
}
