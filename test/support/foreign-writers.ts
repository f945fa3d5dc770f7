import type { ClusterSite } from './cluster-run.ts';
import { patchTypes } from './kube-client.ts';

/** A plain object of the API. */
export interface PlainObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

/** How another tool writes objects. */
export interface ForeignWriter {
  readonly name: string;
  /** Its name in managedFields. */
  readonly manager: string;
  /** What it adds to each object. */
  dress(object: PlainObject): PlainObject;
  write(site: ClusterSite, object: PlainObject): Promise<unknown>;
}

/** The path of an object, and of its kind, in the namespace of a site. */
export function pathsOf({ apiVersion, kind, metadata }: PlainObject): { readonly all: string; readonly one: string } {
  const all = `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}/namespaces/NS/${kind.toLowerCase()}s`;
  return { all, one: `${all}/${metadata.name}` };
}

const same = (object: PlainObject): PlainObject => object;
const posts =
  (manager: string): ForeignWriter['write'] =>
  (site, object) =>
    site.call('POST', `${pathsOf(object).all}?fieldManager=${manager}`, object);
const applies =
  (manager: string): ForeignWriter['write'] =>
  (site, object) =>
    site.call('PATCH', `${pathsOf(object).one}?fieldManager=${manager}&force=true`, object, patchTypes.apply);

function released(object: PlainObject): PlainObject {
  const { labels, annotations } = object.metadata;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { ...annotations, 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'prod' },
    },
  };
}

/** The tools whose objects are taken over, each by the requests that it sends. */
export const FOREIGN_WRITERS: readonly ForeignWriter[] = [
  {
    name: 'kubectl apply (client-side)',
    manager: 'kubectl-client-side-apply',
    dress: (object) => ({
      ...object,
      metadata: {
        ...object.metadata,
        annotations: { ...object.metadata.annotations, 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(object)}\n` },
      },
    }),
    write: posts('kubectl-client-side-apply'),
  },
  { name: 'kubectl apply --server-side', manager: 'kubectl', dress: same, write: applies('kubectl') },
  { name: 'Helm 3', manager: 'helm', dress: released, write: posts('helm') },
  { name: 'Helm 4', manager: 'helm', dress: released, write: applies('helm') },
  // The API server takes the manager of these from the User-Agent, OpenAPI-Generator/<version>/python.
  { name: "the ancestor's Python client", manager: 'OpenAPI-Generator', dress: same, write: posts('OpenAPI-Generator') },
  {
    name: 'a client of the time before managedFields',
    manager: 'before-first-apply',
    dress: same,
    write: async (site, object) => {
      await posts('old')(site, object);
      await site.call('PATCH', pathsOf(object).one, { metadata: { managedFields: [{}] } }, patchTypes.merge);
    },
  },
];
