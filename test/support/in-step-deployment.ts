import type { InStepCase } from './in-step-edit.ts';
import { merge, patch, strategic } from './in-step-edit.ts';
import { patchTypes } from './kube-client.ts';

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

/** A Deployment that sets a field of every form there is: keyed lists, atomic lists and maps, quantities, empty values. */
export const deploymentCase: InStepCase = {
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
