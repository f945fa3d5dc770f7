import { type ApiObject, type Container, type Deployment, type Fields, isFields, type Service } from './api-object.ts';

/**
 * Fills in what the API server fills in when it decodes an object, as far as it shows in what poolkeeper reads. Changes the object,
 * which must be nobody else's.
 */
export function applyDefaults(object: ApiObject): void {
  if (object.kind === 'Deployment') defaultDeployment(object as Deployment);
  if (object.kind === 'Service') defaultService(object as Service);
  if (object.kind === 'Secret') defaultSecret(object);
  if (object.kind === 'Deployment' || object.kind === 'Node') object['status'] ??= {};
  if (object.kind === 'Namespace') {
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
    object['status'] ??= { phase: 'Active' };
  }
}

function defaultDeployment(deployment: Deployment): void {
  deployment.spec ??= { template: {} };
  const { spec } = deployment;
  setDefaults(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: {}, template: {} });
  setDefaults(spec.strategy, { type: 'RollingUpdate' });
  if (spec.strategy?.['type'] === 'RollingUpdate') {
    setDefaults(spec.strategy, { rollingUpdate: {} });
    setDefaults(spec.strategy['rollingUpdate'], { maxSurge: '25%', maxUnavailable: '25%' });
  }
  spec.template.spec ??= {};
  const pod = spec.template.spec;
  const common = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', securityContext: {} };
  setDefaults(pod, { ...common, schedulerName: 'default-scheduler' });
  for (const container of [...(pod.initContainers ?? []), ...(pod.containers ?? [])]) defaultContainer(container);
}

function defaultContainer(container: Container): void {
  const tag = /:([^/]*)$/.exec(container.image ?? '')?.[1] ?? 'latest';
  setDefaults(container, {
    imagePullPolicy: tag === 'latest' ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  for (const port of container.ports ?? []) setDefaults(port, { protocol: 'TCP' });
}

function defaultService(service: Service): void {
  service.spec ??= {};
  const { spec } = service;
  setDefaults(spec, { sessionAffinity: 'None', type: 'ClusterIP', internalTrafficPolicy: 'Cluster' });
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') setDefaults(spec, { externalTrafficPolicy: 'Cluster' });
  for (const port of spec.ports ?? []) setDefaults(port, { protocol: 'TCP', targetPort: port.port });
  service['status'] ??= { loadBalancer: {} };
}

function defaultSecret(secret: ApiObject): void {
  const { stringData = {}, data = {} } = secret as { stringData?: Record<string, string>; data?: Fields };
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  setDefaults(secret, { type: 'Opaque' });
  secret['data'] = { ...data, ...Object.fromEntries(encoded) };
  delete secret['stringData'];
}

function setDefaults(target: unknown, defaults: Fields): void {
  if (isFields(target)) Object.assign(target, structuredClone({ ...defaults, ...target }));
}
