import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Deployment, Node } from './api-object.ts';

/** A pod that a Deployment would have; it is no object of the API, where the pods are those that clients make. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly node: string;
  /** uid of the Deployment. */
  readonly owner: string | undefined;
  /** The template it was made from. */
  readonly template: Deployment['spec']['template'];
  /** Made from the Deployment's present template. */
  readonly isCurrent: boolean;
  readonly readyAtMs: number;
}

/** True when a node says that it is Ready. */
export const isNodeReady = (node: ApiObject): boolean =>
  (node as Node).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** The pods of all Deployments: spread over the usable nodes, kept where they are, and rolled over when a template changes. */
export class Pods {
  readonly #delayMs: number;
  #pods: readonly Pod[] = [];
  #count = 0;

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** Makes the pods what the Deployments ask for. `nextMs`: when another becomes ready by the passing of time alone. */
  settle(deployments: readonly Deployment[], nodes: readonly ApiObject[], nowMs: number) {
    const known = new Set(nodes.map((node) => node.metadata.name));
    const readyNodes = new Set(nodes.filter(isNodeReady).map((node) => node.metadata.name));
    const usable = nodes.filter((node) => isNodeReady(node) && (node as Node).spec?.unschedulable !== true);
    const isReady = (pod: Pod): boolean => readyNodes.has(pod.node) && nowMs >= pod.readyAtMs;
    const pods = deployments.flatMap((deployment) => {
      const { template, replicas = 1 } = deployment.spec;
      const here = this.#pods
        .filter((pod) => pod.owner === deployment.metadata.uid && known.has(pod.node))
        .map((pod) => (isDeepStrictEqual(pod.template, template) === pod.isCurrent ? pod : { ...pod, isCurrent: !pod.isCurrent }));
      const current = here.filter((pod) => pod.isCurrent).slice(0, replicas);
      while (current.length < replicas && usable.length > 0) current.push(this.#start(deployment, usable, current, nowMs));
      // The old pods of a rollout go when all new ones are ready.
      return current.every(isReady) ? current : [...current, ...here.filter((pod) => !pod.isCurrent)];
    });
    this.#pods = pods;
    const coming = pods.map((pod) => pod.readyAtMs).filter((atMs) => atMs > nowMs);
    return { pods, ready: new Set(pods.filter(isReady)), nextMs: coming.length === 0 ? undefined : Math.min(...coming) };
  }

  #start({ metadata, spec }: Deployment, usable: readonly ApiObject[], siblings: readonly Pod[], nowMs: number): Pod {
    const load = ({ metadata: { name } }: ApiObject): number => siblings.filter((pod) => pod.node === name).length;
    const node = usable.reduce((best, next) => (load(next) < load(best) ? next : best)).metadata.name;
    const number = this.#count++;
    const { namespace = '', name, uid: owner } = metadata;
    const address = `10.244.${(number >> 8) & 255}.${number & 255}`;
    const readyAtMs = nowMs + this.#delayMs;
    return { namespace, name: `${name}-${number}`, address, node, owner, template: spec.template, isCurrent: true, readyAtMs };
  }
}
