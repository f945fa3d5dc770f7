import type { GroupKind } from '../../core/model/ids.ts';
import { requireSuccess } from './api-status.ts';
import { asList, asRecord, asText } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';

/** How the API server serves one kind in one version. */
export interface ApiResource {
  readonly apiVersion: string;
  /** Empty for core kinds. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** It has the subresource `scale`: an autoscaler may write its replicas. */
  readonly scalable?: true;
}

/** `deployments.apps`, `services`: what RBAC rules and kubectl call the resource. */
export const resourceTitle = ({ plural, group }: ApiResource): string => (group === '' ? plural : `${plural}.${group}`);

const basePath = (apiVersion: string): string => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

/** The path of all objects of a resource, of those of a namespace, or of one object. An empty namespace means all. */
export function resourcePath(resource: ApiResource, namespace = '', name = ''): string {
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const object = name === '' ? '' : `/${encodeURIComponent(name)}`;
  return `${basePath(resource.apiVersion)}${scope}/${resource.plural}${object}`;
}

/** Kinds that every API server serves: known without asking. */
export const NODES: ApiResource = { apiVersion: 'v1', group: '', kind: 'Node', plural: 'nodes', namespaced: false };
export const SERVICES: ApiResource = { apiVersion: 'v1', group: '', kind: 'Service', plural: 'services', namespaced: true };
export const PODS: ApiResource = { apiVersion: 'v1', group: '', kind: 'Pod', plural: 'pods', namespaced: true };
export const ENDPOINT_SLICES: ApiResource = {
  apiVersion: 'discovery.k8s.io/v1',
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

/** An answer that says "there is none" is asked again after this time, so that a CustomResourceDefinition is noticed. */
const ABSENT_TTL_MS = 1_000;

interface Known<T> {
  readonly value: T | undefined;
  readonly atMs: number;
}

/**
 * Which kinds the API server serves, from /api/v1, /apis/<group> and /apis/<group>/<version>. What was found is kept until
 * `forget`; what was not found only for a moment. Fails with AppError when the server does not answer.
 */
export class Discovery {
  readonly #client: KubeClient;
  readonly #now: () => number;
  /** By path. */
  readonly #documents = new Map<string, Known<unknown>>();

  constructor(client: KubeClient, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** The resource of a kind in exactly this version; undefined when the server does not serve it. */
  async inVersion(apiVersion: string, kind: string, signal: AbortSignal): Promise<ApiResource | undefined> {
    const path = basePath(apiVersion);
    const found = findKind(await this.#read(path, signal), apiVersion, kind);
    if (found !== undefined || !this.#isOld(path)) return found;
    this.#documents.delete(path);
    return findKind(await this.#read(path, signal), apiVersion, kind);
  }

  /** The resource of a kind in the hinted version, else in the group's preferred one, else in any. */
  async ofKind(key: GroupKind, hint: string | undefined, signal: AbortSignal): Promise<ApiResource | undefined> {
    const slash = key.indexOf('/');
    const [group, kind] = [key.slice(0, slash), key.slice(slash + 1)];
    const hinted = hint === undefined ? undefined : await this.inVersion(hint, kind, signal);
    if (hinted !== undefined) return hinted;
    for (const apiVersion of await this.#versions(group, signal)) {
      const found = await this.inVersion(apiVersion, kind, signal);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Drops what is known of a group: a request for one of its kinds was answered with 404, or its definition changed. */
  forget(group: string): void {
    const base = group === '' ? '/api' : `/apis/${group}`;
    for (const path of this.#documents.keys()) if (path === base || path.startsWith(`${base}/`)) this.#documents.delete(path);
  }

  /** The preferred version comes first. */
  async #versions(group: string, signal: AbortSignal): Promise<readonly string[]> {
    if (group === '') return ['v1'];
    const path = `/apis/${group}`;
    if (this.#documents.get(path)?.value === undefined && this.#isOld(path)) this.#documents.delete(path);
    const document = asRecord(await this.#read(path, signal));
    const preferred = asText(asRecord(document['preferredVersion'])['groupVersion']);
    const all = asList(document['versions']).map((version) => asText(asRecord(version)['groupVersion']));
    return [...new Set([preferred, ...all])].filter((version) => version !== '');
  }

  #isOld(path: string): boolean {
    const known = this.#documents.get(path);
    return known !== undefined && this.#now() - known.atMs >= ABSENT_TTL_MS;
  }

  async #read(path: string, signal: AbortSignal): Promise<unknown> {
    const known = this.#documents.get(path);
    if (known !== undefined) return known.value;
    const answer = await this.#client.send({ method: 'GET', path }, signal);
    const value = answer.status === 404 ? undefined : requireSuccess(answer, { verb: 'get', resource: path, namespace: '' });
    this.#documents.set(path, { value, atMs: this.#now() });
    return value;
  }
}

function findKind(document: unknown, apiVersion: string, kind: string): ApiResource | undefined {
  const resources = asList(asRecord(document)['resources']).map(asRecord);
  for (const resource of resources) {
    const plural = asText(resource['name']);
    // `deployments/scale` and the like are subresources.
    if (resource['kind'] !== kind || plural.includes('/')) continue;
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const scalable = resources.some(({ name }) => name === `${plural}/scale`);
    return { apiVersion, group, kind, plural, namespaced: resource['namespaced'] === true, ...(scalable ? { scalable } : {}) };
  }
  return undefined;
}
