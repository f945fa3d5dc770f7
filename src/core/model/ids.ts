declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A spec: the path of its file in the repository, with forward slashes, such as `prod/echoserver.json`. */
export type SpecId = Branded<'SpecId'>;
/** A pool: `namespace/name` of its Kubernetes Service. */
export type PoolKey = Branded<'PoolKey'>;
/** The name of a Kubernetes node. */
export type NodeName = Branded<'NodeName'>;
/** A full Git commit id. */
export type Revision = Branded<'Revision'>;
/** `group/Kind`, the group empty for core objects: `/Service`, `apps/Deployment`. */
export type GroupKind = Branded<'GroupKind'>;
/** `group/Kind/namespace/name`, namespace empty for objects of the cluster: `/Service/prod/echoserver`. */
export type ObjectKey = Branded<'ObjectKey'>;
/** The name that the configuration gives to one Traefik. */
export type ReplicaName = Branded<'ReplicaName'>;
/** A key of Consul's KV store, without a leading slash. */
export type KvKey = Branded<'KvKey'>;

export const specId = (path: string): SpecId => path as SpecId;
export const nodeName = (name: string): NodeName => name as NodeName;
export const revision = (id: string): Revision => id as Revision;
export const replicaName = (name: string): ReplicaName => name as ReplicaName;
export const kvKey = (key: string): KvKey => key as KvKey;
export const poolKey = (namespace: string, name: string): PoolKey => `${namespace}/${name}` as PoolKey;
export const groupKind = (group: string, kind: string): GroupKind => `${group}/${kind}` as GroupKind;
export const objectKey = (kind: GroupKind, namespace: string, name: string): ObjectKey => `${kind}/${namespace}/${name}` as ObjectKey;

/** Namespace and name of a pool key. */
export function splitPoolKey(key: PoolKey): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The parts of an object key. Neither group, kind, namespace nor name can hold a slash. */
export function splitObjectKey(key: ObjectKey): {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
} {
  const [group = '', kind = '', namespace = '', name = ''] = key.split('/');
  return { group, kind, namespace, name };
}

/** The group and kind of an object key. */
export function kindOf(key: ObjectKey): GroupKind {
  return key.slice(0, key.indexOf('/', key.indexOf('/') + 1)) as GroupKind;
}

/** The group and kind of an apiVersion (`apps/v1`, `v1`) and a kind. */
export function groupKindOf(apiVersion: string, kind: string): GroupKind {
  const slash = apiVersion.indexOf('/');
  return groupKind(slash < 0 ? '' : apiVersion.slice(0, slash), kind);
}

/** What a person calls an object: `Service prod/echoserver`. */
export function objectTitle(key: ObjectKey): string {
  const { kind, namespace, name } = splitObjectKey(key);
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

export const SERVICE_KIND: GroupKind = groupKind('', 'Service');
export const DEPLOYMENT_KIND: GroupKind = groupKind('apps', 'Deployment');
export const NAMESPACE_KIND: GroupKind = groupKind('', 'Namespace');

/** Compares two strings by their UTF-16 code units, the same in every locale: the order of everything that is written or shown. */
export const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
