import type { GroupKind } from '../model/ids.ts';
import { groupKind } from '../model/ids.ts';

/** The kinds of Kubernetes itself whose objects belong to no namespace, by API group. Custom kinds are taken to be namespaced. */
const CLUSTER_KINDS: Readonly<Record<string, readonly string[]>> = {
  '': ['Namespace', 'Node', 'PersistentVolume'],
  'admissionregistration.k8s.io': [
    'MutatingAdmissionPolicy',
    'MutatingAdmissionPolicyBinding',
    'MutatingWebhookConfiguration',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
    'ValidatingWebhookConfiguration',
  ],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
  'apiregistration.k8s.io': ['APIService'],
  'certificates.k8s.io': ['CertificateSigningRequest', 'ClusterTrustBundle'],
  'flowcontrol.apiserver.k8s.io': ['FlowSchema', 'PriorityLevelConfiguration'],
  'networking.k8s.io': ['IPAddress', 'IngressClass', 'ServiceCIDR'],
  'node.k8s.io': ['RuntimeClass'],
  'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding'],
  'resource.k8s.io': ['DeviceClass', 'ResourceSlice'],
  'scheduling.k8s.io': ['PriorityClass'],
  'storage.k8s.io': ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass'],
};

const CLUSTER_SCOPED: ReadonlySet<GroupKind> = new Set(
  Object.entries(CLUSTER_KINDS).flatMap(([group, kinds]) => kinds.map((kind) => groupKind(group, kind))),
);

/** True for a well-known kind whose objects belong to no namespace. */
export const isClusterScoped = (kind: GroupKind): boolean => CLUSTER_SCOPED.has(kind);

/** What decides the namespace of an object that names none and stands in no envelope that does. */
export interface NamespaceOptions {
  readonly defaultNamespace: string;
  /** Take the first folder under the root, where a file stands in one. */
  readonly namespaceFromFolder: boolean;
  /** The folder of the repository that holds the specs; empty for the whole repository. */
  readonly root: string;
}

/** The namespace that a file's place in the repository gives to its objects. */
export function namespaceOfFile(file: string, { defaultNamespace, namespaceFromFolder, root }: NamespaceOptions): string {
  if (!namespaceFromFolder) return defaultNamespace;
  const base = root.replace(/^(?:\.?\/)+|^\.$/g, '').replace(/\/+$/, '');
  const inside = base === '' ? file : file.startsWith(`${base}/`) ? file.slice(base.length + 1) : file;
  const slash = inside.indexOf('/');
  return slash <= 0 ? defaultNamespace : inside.slice(0, slash);
}
