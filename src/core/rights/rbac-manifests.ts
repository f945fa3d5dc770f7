import type { KubernetesObject } from '../model/objects.ts';
import type { DaemonRights } from './daemon-rules.ts';

/** Names of the objects that give a daemon its rights, and of the account that gets them. */
export interface RbacNames {
  /** Of the ClusterRole and its binding; those for the Lease end in `-lease`. */
  readonly name: string;
  readonly serviceAccount: string;
  /** Of the service account. */
  readonly namespace: string;
  readonly leaseNamespace: string;
}

/** The Roles and their bindings, as they are to be applied. */
export function rbacManifests({ cluster, lease }: DaemonRights, names: RbacNames): readonly KubernetesObject[] {
  const { name, serviceAccount, namespace, leaseNamespace } = names;
  const leaseMetadata = { name: `${name}-lease`, namespace: leaseNamespace };
  const subjects = [{ kind: 'ServiceAccount', name: serviceAccount, namespace }];
  const roleRef = (kind: string, role: string): object => ({ apiGroup: GROUP, kind, name: role });
  return [
    { apiVersion: VERSION, kind: 'ClusterRole', metadata: { name }, rules: cluster },
    { apiVersion: VERSION, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: roleRef('ClusterRole', name), subjects },
    { apiVersion: VERSION, kind: 'Role', metadata: leaseMetadata, rules: lease },
    { apiVersion: VERSION, kind: 'RoleBinding', metadata: leaseMetadata, roleRef: roleRef('Role', leaseMetadata.name), subjects },
  ];
}

const GROUP = 'rbac.authorization.k8s.io';
const VERSION = `${GROUP}/v1`;
