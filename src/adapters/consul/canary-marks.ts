import { isOwnMeta, ownMeta } from '../../core/model/consul-names.ts';
import { META } from '../../core/model/marks.ts';
import type { KvEntry } from '../../core/model/registration.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { CatalogNode } from './decode-answer.ts';
import { parseHolder } from './lease-holder.ts';
import type { RegistryIdentity } from './registry-identity.ts';

type Meta = Readonly<Record<string, string>>;

/** The UID of the Kubernetes cluster that a leader key names; undefined when nobody has ever led by it. */
export const clusterOf = (leader: Pick<KvEntry, 'value'> | undefined): string | undefined => parseHolder(leader?.value)?.clusterUid;

/** The Meta of our canary node. The leader key tells clusters of one name apart, but under one key path only: these marks do under others. */
export const canaryMeta = ({ owner, cluster, keyPath }: RegistryIdentity, clusterUid: string | undefined): Meta => ({
  ...ownMeta(owner, cluster),
  [META.keyPath]: keyPath,
  ...(clusterUid === undefined ? {} : { [META.clusterUid]: clusterUid }),
});

/** Whether Meta holds every mark of our canary node. */
export const isCanaryMeta = (meta: Meta, identity: RegistryIdentity, clusterUid: string | undefined): boolean =>
  Object.entries(canaryMeta(identity, clusterUid)).every(([key, value]) => meta[key] === value);

/** Why nothing may be written: another Kubernetes cluster has our owner and cluster name, so that its nodes look like ours. */
export function whyClash(nodes: readonly CatalogNode[], identity: RegistryIdentity, clusterUid: string | undefined): Problem | undefined {
  const { owner, cluster, keyPath } = identity;
  const other = nodes.find(({ meta }) => {
    const [path, uid] = [meta[META.keyPath], meta[META.clusterUid]];
    return isOwnMeta(meta, owner, cluster) && path !== undefined && path !== keyPath && uid !== undefined && uid !== clusterUid;
  });
  if (other === undefined) return undefined;
  const { [META.keyPath]: path, [META.clusterUid]: uid } = other.meta;
  const wrote = `The Consul node ${other.name} was written under the key path ${path}`;
  if (clusterUid === undefined) {
    const message = `${wrote}; whether by this Kubernetes cluster shows once a leader is found under ${keyPath}`;
    return problem('CONSUL_UNAVAILABLE', message, { remedy: 'Nothing has to be done: it is looked at again.' });
  }
  const message = `${wrote} by another Kubernetes cluster (kube-system has the UID ${uid} there)`;
  return problem('CONSUL_CLUSTER_CLASH', message, {
    remedy: `Choose another \`cluster\` than ${cluster}; or, if that cluster is gone for good, deregister the node.`,
  });
}
