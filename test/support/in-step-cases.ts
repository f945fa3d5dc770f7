import type { KubernetesConnection } from './kube-client.ts';
import { kubeRequest, patchTypes } from './kube-client.ts';

/** What somebody else does to an object of ours: one request, relative to the object's path. */
export interface Edit {
  readonly name: string;
  readonly method?: 'PATCH' | 'PUT';
  /** `/scale`, or nothing. */
  readonly subresource?: string;
  readonly contentType?: (typeof patchTypes)[keyof typeof patchTypes];
  readonly body: unknown;
  /** The manager that writes; an Apply of it is forced. */
  readonly by?: string;
  /** What judgeStep must say afterwards. */
  readonly verdict: 'in-step' | 'drift' | 'change';
  /** The paths that must be told; none for `in-step`. */
  readonly lost?: readonly string[];
  /** True when what the other writer put there stands in the way of ours, so that the server refuses our next apply. */
  readonly blocks?: boolean;
}

/** One object as a spec file writes it, and what others do to it; every edit meets the object as we have applied it. */
export interface InStepCase {
  readonly name: string;
  /** Below `/api` or `/apis`, with the namespace as `NS`. */
  readonly path: string;
  readonly yaml: string;
  readonly edits: readonly Edit[];
}

const merge = (name: string, body: unknown, verdict: Edit['verdict'], ...lost: readonly string[]): Edit => ({
  name,
  contentType: patchTypes.merge,
  body,
  verdict,
  lost,
});
const strategic = (name: string, body: unknown, verdict: Edit['verdict'], ...lost: readonly string[]): Edit => ({
  ...merge(name, body, verdict, ...lost),
  contentType: patchTypes.strategic,
});
const patch = (name: string, body: readonly unknown[], verdict: Edit['verdict'], ...lost: readonly string[]): Edit => ({
  ...merge(name, body, verdict, ...lost),
  contentType: patchTypes.json,
});
const container = (body: Readonly<Record<string, unknown>>): unknown => ({
  spec: { template: { spec: { containers: [{ name: 'main', ...body }] } } },
});
const main = 'spec.template.spec.containers[0]';

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: { app: web, tier: front }
  annotations: { note: mine }
spec:
  replicas: 2
  revisionHistoryLimit: 3
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { checksum: "1" }
    spec:
      serviceAccountName: default
      nodeSelector: { disk: ssd }
      securityContext: {}
      imagePullSecrets: [{ name: regcred }]
      hostAliases: [{ ip: 10.1.2.3, hostnames: [db.internal, cache.internal] }]
      tolerations: [{ key: spot, operator: Exists }]
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 1
              podAffinityTerm: { topologyKey: host, labelSelector: { matchLabels: { app: web } } }
      initContainers:
        - { name: init, image: registry.invalid/init:1, command: [sh, -c, "true"] }
      containers:
        - name: main
          image: registry.invalid/web:1
          args: [--port=8080, --verbose]
          env:
            - { name: A, value: "1" }
            - { name: EMPTY, value: "" }
            - { name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
          envFrom: [{ configMapRef: { name: settings } }]
          ports:
            - { name: http, containerPort: 8080 }
            - { name: dns, containerPort: 5353, protocol: UDP }
          resources:
            requests: { cpu: 1000m, memory: 0.5Gi }
            limits: { cpu: "2", memory: 1024Mi }
          readinessProbe: { httpGet: { path: /healthz, port: http }, periodSeconds: 5 }
          livenessProbe: { tcpSocket: { port: 8080 } }
          securityContext: { capabilities: { drop: [ALL] } }
          volumeMounts:
            - { name: config, mountPath: /etc/web, readOnly: true }
            - { name: tmp, mountPath: /tmp }
        - { name: sidecar, image: registry.invalid/sidecar:1 }
      volumes:
        - { name: config, configMap: { name: settings, items: [{ key: a, path: a.conf }] } }
        - { name: tmp, emptyDir: {} }
        - { name: all, projected: { sources: [{ secret: { name: token } }] } }
`;

const deploymentCase: InStepCase = {
  name: 'a Deployment with probes, environment and volumes',
  path: '/apis/apps/v1/namespaces/NS/deployments/web',
  yaml: DEPLOYMENT,
  edits: [
    { ...merge('kubectl scale', { spec: { replicas: 5 } }, 'drift', 'spec.replicas'), subresource: '/scale' },
    { ...merge('kubectl scale to the number that is wanted', { spec: { replicas: 2 } }, 'in-step'), subresource: '/scale' },
    strategic('kubectl set image', container({ image: 'registry.invalid/web:2' }), 'drift', `${main}.image`),
    patch('a JSON patch that removes args', [{ op: 'remove', path: '/spec/template/spec/containers/0/args' }], 'drift', `${main}.args`),
    strategic('args replaced', container({ args: ['--other'] }), 'drift', `${main}.args`),
    strategic('kubectl set env', container({ env: [{ name: 'A', value: '2' }] }), 'drift', `${main}.env[0].value`),
    strategic('an empty variable filled', container({ env: [{ name: 'EMPTY', value: 'x' }] }), 'drift', `${main}.env[1].value`),
    strategic('a variable removed', container({ env: [{ name: 'A', $patch: 'delete' }] }), 'drift', `${main}.env[0]`),
    strategic('a variable added', container({ env: [{ name: 'MORE', value: '1' }] }), 'in-step'),
    strategic('a probe changed', container({ readinessProbe: { periodSeconds: 9 } }), 'drift', `${main}.readinessProbe.periodSeconds`),
    patch('a probe removed', [{ op: 'remove', path: '/spec/template/spec/containers/0/livenessProbe' }], 'drift', `${main}.livenessProbe`),
    strategic('a default of a probe changed', container({ readinessProbe: { failureThreshold: 9 } }), 'in-step'),
    strategic('a limit changed', container({ resources: { limits: { cpu: '3' } } }), 'drift', `${main}.resources.limits.cpu`),
    strategic('a quantity written in another way', container({ resources: { requests: { cpu: '1' } } }), 'in-step'),
    strategic(
      'a container port renamed',
      container({ ports: [{ containerPort: 8080, protocol: 'TCP', name: 'web' }] }),
      'drift',
      `${main}.ports[0].name`,
    ),
    strategic(
      'a capability added to the list',
      container({ securityContext: { capabilities: { drop: ['KILL'] } } }),
      'drift',
      `${main}.securityContext`,
    ),
    strategic(
      'a mount changed',
      container({ volumeMounts: [{ mountPath: '/tmp', name: 'config' }] }),
      'drift',
      `${main}.volumeMounts[1].name`,
    ),
    {
      ...strategic(
        'a volume turned into another kind',
        { spec: { template: { spec: { volumes: [{ name: 'tmp', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } } } },
        'drift',
        'spec.template.spec.volumes[1].emptyDir',
      ),
      blocks: true,
    },
    strategic(
      'the node selector extended',
      { spec: { template: { spec: { nodeSelector: { zone: 'a' } } } } },
      'drift',
      'spec.template.spec.nodeSelector',
    ),
    strategic(
      'a toleration replaced',
      { spec: { template: { spec: { tolerations: [{ key: 'other', operator: 'Exists' }] } } } },
      'drift',
      'spec.template.spec.tolerations',
    ),
    strategic(
      'a sidecar added',
      { spec: { template: { spec: { containers: [{ name: 'extra', image: 'registry.invalid/x:1' }] } } } },
      'in-step',
    ),
    patch(
      'a sidecar of ours removed',
      [{ op: 'remove', path: '/spec/template/spec/containers/1' }],
      'drift',
      'spec.template.spec.containers[1]',
    ),
    patch(
      'containers turned round',
      [{ op: 'move', from: '/spec/template/spec/containers/1', path: '/spec/template/spec/containers/0' }],
      'in-step',
    ),
    strategic(
      'kubectl rollout restart',
      { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } } },
      'in-step',
    ),
    strategic(
      'an annotation of the template changed',
      { spec: { template: { metadata: { annotations: { checksum: '2' } } } } },
      'drift',
      'spec.template.metadata.annotations',
    ),
    merge('a foreign annotation', { metadata: { annotations: { theirs: 'yes' } } }, 'in-step'),
    merge('a foreign label', { metadata: { labels: { theirs: 'yes' } } }, 'in-step'),
    merge('a label of ours changed', { metadata: { labels: { tier: 'back' } } }, 'drift', 'metadata.labels.tier'),
    merge('a label of ours removed', { metadata: { labels: { tier: null } } }, 'drift', 'metadata.labels.tier'),
    merge(
      'our hash removed',
      { metadata: { annotations: { 'poolkeeper.dev/hash': null } } },
      'change',
      'metadata.annotations.poolkeeper.dev/hash',
    ),
    merge(
      'our hash forged',
      { metadata: { annotations: { 'poolkeeper.dev/hash': '0' } } },
      'change',
      'metadata.annotations.poolkeeper.dev/hash',
    ),
    merge(
      'our owner label removed',
      { metadata: { labels: { 'poolkeeper.dev/owner': null } } },
      'drift',
      'metadata.labels.poolkeeper.dev/owner',
    ),
    merge('all annotations removed', { metadata: { annotations: null } }, 'change', 'metadata.annotations'),
    merge('paused', { spec: { paused: true } }, 'in-step'),
    {
      name: 'a forced apply of another manager with another value',
      contentType: patchTypes.apply,
      by: 'argocd-controller',
      body: { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 4 } },
      verdict: 'drift',
      lost: ['spec.replicas'],
    },
    {
      name: 'an apply of another manager with the same value',
      contentType: patchTypes.apply,
      by: 'argocd-controller',
      body: { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 2 } },
      verdict: 'in-step',
    },
  ],
};

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

/** Sends one edit, as `kubectl` or another writer would; the object is the one at `path`. */
export async function sendEdit(connection: KubernetesConnection, path: string, edit: Edit): Promise<void> {
  const { subresource = '', by = 'kubectl', contentType = patchTypes.merge } = edit;
  const force = contentType === patchTypes.apply ? '&force=true' : '';
  const body = contentType === patchTypes.apply ? { ...(edit.body as object), metadata: { name: path.split('/').at(-1) } } : edit.body;
  await kubeRequest(connection, edit.method ?? 'PATCH', `${path}${subresource}?fieldManager=${by}${force}`, body, contentType);
}
