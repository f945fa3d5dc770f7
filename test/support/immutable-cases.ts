/** A change of a live object that kube-apiserver refuses because a field of it is immutable. */
export interface ImmutableCase {
  readonly name: string;
  /** Path of the object; `NS` stands for the namespace. */
  readonly path: string;
  /** The object as it is, and as it should be. */
  readonly before: string;
  readonly after: string;
  /** The fields that the refusal names. */
  readonly fields: readonly string[];
}

const pods = (app: string, image = 'registry.example.com/web:1'): string =>
  `{metadata: {labels: {app: ${app}}}, spec: {containers: [{name: web, image: "${image}"}]}}`;
const claims = (size: string): string =>
  `[{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: ${size}}}}}]`;
const jobPods = (image: string): string => `{spec: {restartPolicy: Never, containers: [{name: job, image: "${image}"}]}}`;

/** One case for each way in which kube-apiserver 1.35 says it. */
export const IMMUTABLE_CASES: readonly ImmutableCase[] = [
  {
    name: 'the selector of a Deployment',
    path: '/apis/apps/v1/namespaces/NS/deployments/web',
    before: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 0, selector: {matchLabels: {app: a}}, template: ${pods('a')}}}`,
    after: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 0, selector: {matchLabels: {app: b}}, template: ${pods('b')}}}`,
    fields: ['spec.selector'],
  },
  {
    name: 'the volumes of a StatefulSet',
    path: '/apis/apps/v1/namespaces/NS/statefulsets/web',
    before: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 0, serviceName: web, selector: {matchLabels: {app: a}}, template: ${pods('a')}, volumeClaimTemplates: ${claims('1Gi')}}}`,
    after: `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 0, serviceName: web, selector: {matchLabels: {app: a}}, template: ${pods('a')}, volumeClaimTemplates: ${claims('2Gi')}}}`,
    fields: ['spec'],
  },
  {
    name: 'the selector of a DaemonSet',
    path: '/apis/apps/v1/namespaces/NS/daemonsets/web',
    before: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {nodeSelector: {no: node}, containers: [{name: web, image: a}]}}}}`,
    after: `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}, spec: {nodeSelector: {no: node}, containers: [{name: web, image: a}]}}}}`,
    fields: ['spec.selector'],
  },
  {
    name: 'the pod template of a Job',
    path: '/apis/batch/v1/namespaces/NS/jobs/once',
    before: `{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {suspend: true, template: ${jobPods('registry.example.com/job:1')}}}`,
    after: `{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {suspend: true, template: ${jobPods('registry.example.com/job:2')}}}`,
    fields: ['spec.template'],
  },
  {
    name: 'the containers of a Pod',
    path: '/api/v1/namespaces/NS/pods/bare',
    before: `{apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {nodeSelector: {no: node}, containers: [{name: web, image: a, env: [{name: A, value: "1"}]}]}}`,
    after: `{apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {nodeSelector: {no: node}, containers: [{name: web, image: a, env: [{name: A, value: "2"}]}]}}`,
    fields: ['spec'],
  },
  {
    name: 'the cluster IP of a Service',
    path: '/api/v1/namespaces/NS/services/address',
    before: `{apiVersion: v1, kind: Service, metadata: {name: address}, spec: {type: NodePort, selector: {app: a}, ports: [{name: http, port: 80}]}}`,
    after: `{apiVersion: v1, kind: Service, metadata: {name: address}, spec: {type: NodePort, clusterIP: 10.0.0.213, selector: {app: a}, ports: [{name: http, port: 80}]}}`,
    fields: ['spec.clusterIPs[0]'],
  },
  {
    name: 'the data of a ConfigMap that says immutable',
    path: '/api/v1/namespaces/NS/configmaps/fixed',
    before: `{apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}, immutable: true, data: {a: "1"}}`,
    after: `{apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}, immutable: true, data: {a: "2"}}`,
    fields: ['data'],
  },
  {
    name: 'the data of a Secret that says immutable',
    path: '/api/v1/namespaces/NS/secrets/fixed',
    before: `{apiVersion: v1, kind: Secret, metadata: {name: fixed}, immutable: true, data: {a: aGlkZGVu}}`,
    after: `{apiVersion: v1, kind: Secret, metadata: {name: fixed}, immutable: true, data: {a: c2VjcmV0}}`,
    fields: ['data'],
  },
  {
    name: 'the type of a Secret',
    path: '/api/v1/namespaces/NS/secrets/typed',
    before: `{apiVersion: v1, kind: Secret, metadata: {name: typed}, type: Opaque, data: {a: aGlkZGVu}}`,
    after: `{apiVersion: v1, kind: Secret, metadata: {name: typed}, type: example.com/other, data: {a: aGlkZGVu}}`,
    fields: ['type'],
  },
  {
    name: 'the storage class of a claim',
    path: '/api/v1/namespaces/NS/persistentvolumeclaims/data',
    before: `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {storageClassName: a, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`,
    after: `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {storageClassName: b, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`,
    fields: ['spec'],
  },
  {
    name: 'the parameters of a StorageClass',
    path: '/apis/storage.k8s.io/v1/storageclasses/NS',
    before: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS}, provisioner: example.com/disk, parameters: {type: a}}`,
    after: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS}, provisioner: example.com/disk, parameters: {type: b}}`,
    fields: ['parameters'],
  },
  {
    name: 'the provisioner of a StorageClass and when it deletes',
    path: '/apis/storage.k8s.io/v1/storageclasses/NS-2',
    before: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS-2}, provisioner: example.com/disk, reclaimPolicy: Delete}`,
    after: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS-2}, provisioner: example.com/other, reclaimPolicy: Retain}`,
    fields: ['provisioner', 'reclaimPolicy'],
  },
  {
    name: 'the role of a RoleBinding',
    path: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings/read',
    before: `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: read}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}`,
    after: `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: read}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}`,
    fields: ['roleRef'],
  },
  {
    name: 'the value of a PriorityClass',
    path: '/apis/scheduling.k8s.io/v1/priorityclasses/NS',
    before: `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: NS}, value: 1}`,
    after: `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: NS}, value: 2}`,
    fields: ['value'],
  },
  {
    name: 'the controller of an IngressClass',
    path: '/apis/networking.k8s.io/v1/ingressclasses/NS',
    before: `{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: NS}, spec: {controller: example.com/a}}`,
    after: `{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: NS}, spec: {controller: example.com/b}}`,
    fields: ['spec.controller'],
  },
  {
    name: 'the scope of a CustomResourceDefinition',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.NS.example.com',
    before: definition('Namespaced'),
    after: definition('Cluster'),
    fields: ['spec.scope'],
  },
];

function definition(scope: string): string {
  const schema = '{openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}';
  return `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.NS.example.com}, spec: {group: NS.example.com, scope: ${scope}, names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, storage: true, schema: ${schema}}]}}`;
}
