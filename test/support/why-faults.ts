import type { CauseCode, WhyKind } from '../../src/core/report/explanation.ts';

/** How an application of a fault differs from one that works. */
interface AppParts {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Annotations that it lacks. */
  readonly without?: readonly string[];
  readonly service?: Readonly<Record<string, unknown>>;
  readonly port?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly podAnnotations?: Readonly<Record<string, string>>;
  readonly pod?: Readonly<Record<string, unknown>>;
  readonly image?: string;
  readonly replicas?: number;
}

/** A Deployment and its Service of type NodePort; its route is `<name>.example.com`. As JSON. */
export function faultyApp(name: string, parts: AppParts = {}): string {
  const { without = [], replicas = 2, image = 'registry.example.com/web:1' } = parts;
  const all: Readonly<Record<string, string>> = {
    'traefik.enable': 'true',
    'traefik.frontend.rule': `Host:${name}.example.com`,
    tags: 'kubernetes',
    ...parts.annotations,
  };
  const annotations = Object.fromEntries(Object.entries(all).filter(([key]) => !without.includes(key)));
  const metadata = { name, ...(parts.namespace === undefined ? {} : { namespace: parts.namespace }) };
  const labels = { app: name };
  const ports = [{ name: 'http', port: 80, targetPort: 8080, ...parts.port }];
  const template = {
    metadata: { labels, annotations: parts.podAnnotations ?? {} },
    spec: { containers: [{ name: 'web', image, ports: [{ name: 'web', containerPort: 8080 }] }], ...parts.pod },
  };
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, annotations },
      spec: { type: 'NodePort', selector: labels, ports, ...parts.service },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...metadata, labels: parts.labels ?? {} },
      spec: { replicas, selector: { matchLabels: labels }, template },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2);
}

/** Something that is wrong with one application, and what `why` is to call it. */
export interface AppFault {
  readonly what: string;
  readonly name: string;
  readonly file: string;
  readonly ask: { readonly kind: WhyKind; readonly value: string };
  /** Any of these is right. */
  readonly causes: readonly CauseCode[];
}

/** The namespaces of the faults that need one of their own, by what is wrong with it. */
export const faultNamespaces = (site: string) => ({ quota: `${site}-quota`, pods: `${site}-pods`, nowhere: `${site}-nowhere` });

/** Tags of Traefik 3, verbatim, as lines of `poolkeeper.dev/tags`. */
const tagged = (name: string, ...tags: readonly string[]): AppParts => ({
  without: ['traefik.frontend.rule'],
  annotations: {
    'poolkeeper.dev/tags': [
      `traefik.http.routers.${name}.rule=Host(\`${name}.example.com\`)`,
      ...tags.map((tag) => `traefik.http.routers.${name}.${tag}`),
    ].join('\n'),
  },
});

/** One fault for each step of the way that a spec itself, or what it stands on, can break. */
export function appFaults(site: string): readonly AppFault[] {
  const namespaces = faultNamespaces(site);
  const fault = (what: string, name: string, parts: AppParts, ...causes: readonly CauseCode[]): AppFault => {
    const ask = { kind: 'pool', value: `${parts.namespace ?? site}/${name}-${site}` } as const;
    return { what, name: `${name}-${site}`, file: faultyApp(`${name}-${site}`, parts), ask, causes };
  };
  const byUrl = (one: AppFault): AppFault => ({ ...one, ask: { kind: 'url', value: `http://${one.name}.example.com/` } });
  const syntax = fault('a file that cannot be parsed', 'syntax', {}, 'SPEC_SYNTAX');
  return [
    { ...byUrl(syntax), file: syntax.file.slice(0, -20) },
    fault('a field that does not exist', 'field', { service: { selektor: {} } }, 'SPEC_UNKNOWN_FIELD', 'KUBERNETES_REFUSED'),
    fault('an image that cannot be pulled', 'image', { image: 'registry.example.com/web:missing' }, 'image-pull'),
    fault('pods that never get ready', 'unready', { podAnnotations: { 'poolkeeper.test/never-ready': 'yes' } }, 'rolling-out'),
    fault('pods that fit on no node', 'misfit', { pod: { nodeSelector: { disk: 'gold' } } }, 'unschedulable'),
    fault('no replicas', 'empty', { replicas: 0 }, 'scaled-to-zero'),
    fault('a quota without a NodePort left', 'quota', { namespace: namespaces.quota }, 'KUBERNETES_REFUSED'),
    fault('a quota without a pod left', 'pods', { namespace: namespaces.pods }, 'ROLLOUT_FAILED'),
    fault('an admission policy that refuses', 'refused', { labels: { forbidden: 'yes' } }, 'KUBERNETES_REFUSED'),
    fault('a namespace that does not exist', 'nowhere', { namespace: namespaces.nowhere }, 'KUBERNETES_REFUSED'),
    fault('a selector that matches nothing', 'selector', { service: { selector: { app: 'wbe' } } }, 'selector-matches-nothing'),
    fault('a target port that no container has', 'target', { port: { targetPort: 'wbe' } }, 'port-without-endpoints'),
    fault('a Service that has no NodePort', 'internal', { service: { type: 'ClusterIP' } }, 'not-a-node-port'),
    fault('a Service that is not to be registered', 'private', { annotations: { 'poolkeeper.dev/register': 'false' } }, 'register-false'),
    fault('a selector of nodes that matches none', 'zone', { annotations: { 'poolkeeper.dev/nodes': 'zone=nowhere' } }, 'not-selected'),
    fault('a Consul service of somebody else', 'taken', {}, 'CONSUL_NAME_TAKEN'),
    fault('no traefik.enable', 'hidden', { without: ['traefik.enable'] }, 'not-exposed'),
    fault(
      'a tag that has no translation',
      'untranslated',
      { annotations: { 'traefik.frontend.whiteList.sourceRange': 'nowhere' } },
      'TAG_NOT_TRANSLATED',
      'TAG_INVALID',
    ),
    fault("tags that Traefik's constraint keeps out", 'kept-out', { annotations: { tags: 'other' } }, 'TRAEFIK_NOT_SERVED'),
    byUrl(
      fault(
        'a typo in the host of a rule',
        'typo',
        { annotations: { 'traefik.frontend.rule': `Host:tpyo-${site}.example.com` } },
        'host-unknown',
      ),
    ),
    byUrl(
      fault(
        'a path that the rule does not take',
        'path',
        { annotations: { 'traefik.frontend.rule': `Host:path-${site}.example.com;PathPrefix:/api` } },
        'rule-differs',
      ),
    ),
    byUrl(
      fault(
        'a middleware that does not exist',
        'middleware',
        tagged(`middleware-${site}`, 'middlewares=nobody@file'),
        'TRAEFIK_ROUTER_BROKEN',
        'ROUTE_CONFLICT',
      ),
    ),
    byUrl(
      fault(
        'an entry point that does not exist',
        'entry',
        tagged(`entry-${site}`, 'entrypoints=side-door'),
        'TRAEFIK_ROUTER_BROKEN',
        'ROUTE_CONFLICT',
      ),
    ),
    byUrl(fault("a stranger's router that comes first", 'robbed', {}, 'shadowed')),
    fault(
      'another pool with the same rule',
      'twin',
      { annotations: { 'traefik.frontend.rule': `Host:web-${site}.example.com` } },
      'ROUTE_CONFLICT',
    ),
  ];
}
