import { isDeepStrictEqual } from 'node:util';
import { type ApiObject, type Deployment, type Fields, matchesLabels, type Service, type ServicePort } from './api-object.ts';
import type { ObjectApi, Target } from './object-api.ts';
import type { ObjectStore } from './object-store.ts';
import { type Pod, Pods } from './pods.ts';
import { resourceType, resourceTypes } from './resource-types.ts';
import { rolloutStatus } from './rollout-status.ts';

export interface ControllerOptions {
  /** How long a pod takes from its creation until it is ready. */
  readonly podDelayMs: number;
  /** How long the controllers take to notice a change. */
  readonly controllerDelayMs: number;
}

const options = { manager: 'kube-controller-manager', dryRun: false };

/** What the controller-manager does: rollouts, EndpointSlices, and the content of deleted namespaces. Level-triggered. */
export class Controllers {
  readonly #pods: Pods;
  readonly #store: ObjectStore;
  readonly #objects: ObjectApi;
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(store: ObjectStore, objects: ObjectApi, { podDelayMs, controllerDelayMs }: ControllerOptions) {
    this.#pods = new Pods(podDelayMs);
    this.#store = store;
    this.#objects = objects;
    store.onEvent(() => this.#wake(controllerDelayMs));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#dueAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Looks at everything again after `delayMs`, unless that is going to happen sooner. */
  #wake(delayMs: number): void {
    const dueAtMs = Date.now() + delayMs;
    if (dueAtMs >= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = dueAtMs;
    this.#timer = setTimeout(() => this.#settle(), delayMs);
  }

  #settle(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    const nowMs = Date.now();
    const deployments = this.#store.list('deployments') as Deployment[];
    const { pods, ready, nextMs } = this.#pods.settle(deployments, this.#store.list('nodes'), nowMs);
    for (const deployment of deployments) this.#reportRollout(deployment, pods, ready);
    for (const service of this.#store.list('services') as Service[]) this.#publishEndpoints(service, pods, ready);
    this.#collectGarbage();
    if (nextMs !== undefined) this.#wake(nextMs - nowMs);
  }

  #reportRollout(deployment: Deployment, pods: readonly Pod[], readyPods: ReadonlySet<Pod>): void {
    const { metadata } = deployment;
    const mine = pods.filter((pod) => pod.owner === metadata.uid);
    const [ready, updated] = [mine.filter((pod) => readyPods.has(pod)).length, mine.filter((pod) => pod.isCurrent).length];
    const status = rolloutStatus(deployment, { replicas: mine.length, updated, ready });
    if (isDeepStrictEqual(status, deployment['status'])) return;
    const annotations = { 'deployment.kubernetes.io/revision': '1', ...metadata.annotations };
    const target: Target = { ...targetOf('deployments', deployment), subresource: 'status' };
    this.#objects.update(target, { ...deployment, metadata: { ...metadata, annotations }, status }, options);
  }

  #publishEndpoints(service: Service, pods: readonly Pod[], ready: ReadonlySet<Pod>): void {
    const { namespace = '' } = service.metadata;
    const { selector } = service.spec;
    if (selector === undefined || service.metadata.deletionTimestamp !== undefined) return;
    const mine = pods.filter((pod) => pod.namespace === namespace && matchesLabels(selector, pod.template.metadata?.labels));
    const slice = sliceOf(service, mine, ready);
    const live = this.#store.get('endpointslices', namespace, slice.metadata.name);
    const content = (one: ApiObject): unknown => [one.metadata.labels, one['endpoints'] ?? [], one['ports'] ?? []];
    const isClosing = this.#store.get('namespaces', '', namespace)?.metadata.deletionTimestamp !== undefined;
    if (isClosing || (live !== undefined && isDeepStrictEqual(content(live), content(slice)))) return;
    if (live !== undefined) this.#objects.update(targetOf('endpointslices', slice), slice, options);
    else this.#objects.create(targetOf('endpointslices', slice), slice, options);
  }

  /** Removes EndpointSlices without their Service, and what is left in deleted namespaces, then those. */
  #collectGarbage(): void {
    const services = new Set(this.#store.list('services').map((service) => service.metadata.uid));
    for (const slice of this.#store.list('endpointslices')) {
      const owner = slice.metadata.ownerReferences?.find((reference) => reference.controller === true);
      if (owner !== undefined && !services.has(owner.uid)) this.#store.remove('endpointslices', slice);
    }
    for (const namespace of this.#store.list('namespaces').filter((one) => one.metadata.deletionTimestamp !== undefined)) {
      for (const { resource } of resourceTypes.filter((type) => type.namespaced)) {
        for (const object of this.#store.list(resource, namespace.metadata.name)) this.#objects.delete(targetOf(resource, object));
      }
      const isEmpty = resourceTypes.every(
        (type) => !type.namespaced || this.#store.list(type.resource, namespace.metadata.name).length === 0,
      );
      if (isEmpty) this.#store.remove('namespaces', namespace);
    }
  }
}

function sliceOf(service: Service, pods: readonly Pod[], ready: ReadonlySet<Pod>): ApiObject {
  const { namespace = '', name, labels, uid = '' } = service.metadata;
  const endpoints = pods.map((pod) => ({
    addresses: [pod.address],
    conditions: { ready: ready.has(pod), serving: ready.has(pod), terminating: false },
    nodeName: pod.node,
    targetRef: { kind: 'Pod', namespace, name: pod.name },
  }));
  const metadata = {
    name: `${name}-${uid.slice(0, 5)}`,
    namespace,
    // The real controller copies the labels of the Service, ours among them: an owner label alone proves nothing.
    labels: { ...labels, 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true }],
  };
  const ports = pods.length === 0 ? [] : (service.spec.ports ?? []).flatMap((port) => endpointPort(port, pods[0]));
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', endpoints, ports };
}

/** A named target port is looked up in the containers; a pod without it is no endpoint of that port. */
function endpointPort({ name = '', port, protocol, targetPort = port }: ServicePort, pod: Pod | undefined): readonly Fields[] {
  const named = (pod?.template.spec?.containers ?? []).flatMap((container) => container.ports ?? []).find((one) => one.name === targetPort);
  const number = typeof targetPort === 'string' ? named?.containerPort : targetPort;
  return number === undefined ? [] : [{ name, port: number, protocol }];
}

const targetOf = (resource: string, { metadata }: ApiObject): Target => ({
  type: resourceType(resource),
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  subresource: '',
});
