import { deploymentCase } from './in-step-deployment.ts';
import type { InStepCase } from './in-step-edit.ts';
import { merge, patch, strategic } from './in-step-edit.ts';

const serviceCase: InStepCase = {
  name: 'a Service with two ports',
  path: '/api/v1/namespaces/NS/services/web',
  yaml: `
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: { traefik.enable: "true", tags: "a,b" }
spec:
  type: NodePort
  selector: { app: web, tier: front }
  externalTrafficPolicy: Local
  ports:
    - { name: http, port: 80, targetPort: 8080 }
    - { name: dns, port: 53, protocol: UDP, targetPort: dns }
`,
  edits: [
    strategic('a port added', { spec: { ports: [{ name: 'metrics', port: 9090, protocol: 'TCP' }] } }, 'in-step'),
    patch('a port added in front', [{ op: 'add', path: '/spec/ports/0', value: { name: 'metrics', port: 9090 } }], 'in-step'),
    strategic('a NodePort chosen by somebody', { spec: { ports: [{ port: 80, nodePort: 32_123 }] } }, 'in-step'),
    strategic('a target changed', { spec: { ports: [{ port: 80, targetPort: 9999 }] } }, 'drift', 'spec.ports[0].targetPort'),
    patch('a port of ours removed', [{ op: 'remove', path: '/spec/ports/1' }], 'drift', 'spec.ports[1]'),
    {
      ...patch('a port renumbered', [{ op: 'replace', path: '/spec/ports/0/port', value: 81 }], 'drift', 'spec.ports[0]'),
      blocks: true,
    },
    merge('the selector extended', { spec: { selector: { version: '2' } } }, 'drift', 'spec.selector'),
    merge(
      'the type changed',
      { spec: { type: 'ClusterIP', externalTrafficPolicy: null } },
      'drift',
      'spec.externalTrafficPolicy',
      'spec.type',
    ),
    merge('the traffic policy changed', { spec: { externalTrafficPolicy: 'Cluster' } }, 'drift', 'spec.externalTrafficPolicy'),
    merge('session affinity set', { spec: { sessionAffinity: 'ClientIP' } }, 'in-step'),
    merge('a tag changed', { metadata: { annotations: { tags: 'c' } } }, 'drift', 'metadata.annotations.tags'),
  ],
};

const SMALL: readonly InStepCase[] = [
  {
    name: 'a ConfigMap',
    path: '/api/v1/namespaces/NS/configmaps/settings',
    yaml: '{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "1", b: ""}, binaryData: {c: AQI=}}',
    edits: [
      merge('a value changed', { data: { a: '2' } }, 'drift', 'data.a'),
      merge('an empty value filled', { data: { b: 'x' } }, 'drift', 'data.b'),
      merge('an entry removed', { data: { a: null } }, 'drift', 'data.a'),
      merge('an entry added', { data: { z: '1' } }, 'in-step'),
      merge('everything removed', { data: null, binaryData: null }, 'drift', 'data', 'binaryData'),
    ],
  },
  {
    name: 'a ConfigMap with one entry',
    path: '/api/v1/namespaces/NS/configmaps/one',
    yaml: '{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: "1"}}',
    edits: [merge('its only value changed', { data: { a: '2' } }, 'drift', 'data')],
  },
  {
    name: 'a ConfigMap without entries',
    path: '/api/v1/namespaces/NS/configmaps/none',
    yaml: '{apiVersion: v1, kind: ConfigMap, metadata: {name: none}, data: {}}',
    // The empty map was ours as one; after our next apply the entry is theirs and the map is ours.
    edits: [merge('an entry added', { data: { a: '2' } }, 'drift', 'data')],
  },
  {
    name: 'a Secret with stringData',
    path: '/api/v1/namespaces/NS/secrets/token',
    yaml: '{apiVersion: v1, kind: Secret, metadata: {name: token}, type: Opaque, data: {a: AQI=}, stringData: {b: "püß"}}',
    edits: [
      merge('a value changed', { data: { b: 'AQID' } }, 'drift', 'data.b'),
      merge('a value added', { stringData: { c: 'x' } }, 'in-step'),
    ],
  },
  {
    name: 'a StatefulSet',
    path: '/apis/apps/v1/namespaces/NS/statefulsets/db',
    yaml: `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  replicas: 1
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec:
      containers: [{ name: db, image: registry.invalid/db:1, volumeMounts: [{ name: data, mountPath: /data }] }]
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1024Mi } } }
`,
    edits: [
      { ...merge('scaled', { spec: { replicas: 3 } }, 'drift', 'spec.replicas'), subresource: '/scale' },
      merge('another update strategy', { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } }, 'in-step'),
    ],
  },
  {
    name: 'a CronJob',
    path: '/apis/batch/v1/namespaces/NS/cronjobs/report',
    yaml: `
apiVersion: batch/v1
kind: CronJob
metadata: { name: report }
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      backoffLimit: 2
      template:
        spec:
          restartPolicy: Never
          containers: [{ name: report, image: registry.invalid/report:1, command: [run] }]
`,
    edits: [
      merge('another schedule', { spec: { schedule: '0 4 * * *' } }, 'drift', 'spec.schedule'),
      merge('suspended', { spec: { suspend: true } }, 'in-step'),
    ],
  },
  {
    name: 'an Ingress',
    path: '/apis/networking.k8s.io/v1/namespaces/NS/ingresses/web',
    yaml: `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  tls: [{ hosts: [web.example.com], secretName: web-tls }]
  rules:
    - host: web.example.com
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`,
    edits: [
      patch('another host', [{ op: 'replace', path: '/spec/rules/0/host', value: 'x.example.com' }], 'drift', 'spec.rules'),
      merge('a class set', { spec: { ingressClassName: 'nginx' } }, 'in-step'),
    ],
  },
  {
    name: 'a HorizontalPodAutoscaler',
    path: '/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers/web',
    yaml: `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  minReplicas: 2
  maxReplicas: 6
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
`,
    edits: [
      merge('another maximum', { spec: { maxReplicas: 9 } }, 'drift', 'spec.maxReplicas'),
      patch(
        'another target',
        [{ op: 'replace', path: '/spec/metrics/0/resource/target/averageUtilization', value: 50 }],
        'drift',
        'spec.metrics',
      ),
    ],
  },
  {
    name: 'a NetworkPolicy',
    path: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies/web',
    yaml: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web }
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{ from: [{ podSelector: { matchLabels: { role: front } } }], ports: [{ port: 80 }] }]
`,
    edits: [
      patch('a rule removed', [{ op: 'remove', path: '/spec/ingress' }], 'drift', 'spec.ingress'),
      merge('an empty selector filled', { spec: { podSelector: { matchLabels: { a: 'b' } } } }, 'drift', 'spec.podSelector'),
      merge('egress restricted', { spec: { policyTypes: ['Ingress', 'Egress'] } }, 'drift', 'spec.policyTypes'),
    ],
  },
  {
    name: 'a Role',
    path: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles/reader',
    yaml: `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get, list] }]
`,
    edits: [
      merge('a verb added', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }] }, 'drift', 'rules'),
    ],
  },
  {
    name: 'a RoleBinding',
    path: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings/reader',
    yaml: `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: default }]
`,
    edits: [merge('a subject replaced', { subjects: [{ kind: 'ServiceAccount', name: 'other' }] }, 'drift', 'subjects')],
  },
  {
    name: 'a ServiceAccount with pull secrets',
    path: '/api/v1/namespaces/NS/serviceaccounts/app',
    yaml: '{apiVersion: v1, kind: ServiceAccount, metadata: {name: app}, imagePullSecrets: [{name: regcred}], automountServiceAccountToken: false}',
    edits: [merge('the token mounted', { automountServiceAccountToken: true }, 'drift', 'automountServiceAccountToken')],
  },
  {
    name: 'a PersistentVolumeClaim',
    path: '/api/v1/namespaces/NS/persistentvolumeclaims/data',
    yaml: `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, finalizers: [example.com/keep] }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1024Mi } } }
`,
    edits: [
      patch('our finalizer removed', [{ op: 'remove', path: '/metadata/finalizers' }], 'drift', 'metadata.finalizers'),
      patch('a finalizer added', [{ op: 'add', path: '/metadata/finalizers/-', value: 'example.com/theirs' }], 'in-step'),
    ],
  },
  {
    name: 'a PodDisruptionBudget',
    path: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets/web',
    yaml: '{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}}',
    edits: [merge('a share instead of a number', { spec: { minAvailable: '50%' } }, 'drift', 'spec.minAvailable')],
  },
];

/** Objects of the kinds that specs hold, each with what others may do to them. */
export const IN_STEP_CASES: readonly InStepCase[] = [deploymentCase, serviceCase, ...SMALL];
