import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { type Attempt, requireSuccess } from './api-status.ts';
import { asRecord, asText, type JsonRecord } from './json-access.ts';
import type { KubeAnswer, KubeClient, KubeRequest } from './kube-client.ts';

/** A Lease object as read or written. */
export interface LeaseRecord {
  readonly resourceVersion: string;
  /** Empty when nobody holds it. */
  readonly holder: string;
  readonly durationMs: number;
  /** The spec as the server keeps it: a renewal changes it, and only a part of it. */
  readonly spec: JsonRecord;
}

/** Reads and writes one Lease object. Fails with AppError. */
export class LeaseStore {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #name: string;
  readonly #timeoutMs: number;

  constructor(client: KubeClient, lease: { readonly namespace: string; readonly name: string; readonly timeoutMs: number }) {
    this.#client = client;
    this.#namespace = lease.namespace;
    this.#name = lease.name;
    this.#timeoutMs = lease.timeoutMs;
  }

  /** The object, or undefined when there is none. */
  async read(signal: AbortSignal): Promise<LeaseRecord | undefined> {
    const answer = await this.#send({ method: 'GET', path: this.#path(this.#name) }, signal);
    return answer.status === 404 ? undefined : decodeLease(requireSuccess(answer, this.#attempt('get')));
  }

  /**
   * Writes the spec over the object that was read (or where there was none) and returns what is kept; undefined when
   * somebody else was faster.
   */
  async write(spec: JsonRecord, over: LeaseRecord | undefined, signal: AbortSignal): Promise<LeaseRecord | undefined> {
    const metadata = { name: this.#name, namespace: this.#namespace };
    const common = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec };
    const request: KubeRequest =
      over === undefined
        ? { method: 'POST', path: this.#path(''), body: { ...common, metadata } }
        : {
            method: 'PUT',
            path: this.#path(this.#name),
            body: { ...common, metadata: { ...metadata, resourceVersion: over.resourceVersion } },
          };
    const answer = await this.#send(request, signal);
    // 409: another version, or created meanwhile; 404: deleted meanwhile (of a missing namespace it is told when it is created).
    if (answer.status === 409 || (answer.status === 404 && over !== undefined)) return undefined;
    return decodeLease(requireSuccess(answer, this.#attempt(over === undefined ? 'create' : 'update')));
  }

  #send(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer> {
    return this.#client.send({ ...request, timeoutMs: this.#timeoutMs }, signal);
  }

  #path(name: string): string {
    const base = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(this.#namespace)}/leases`;
    return name === '' ? base : `${base}/${encodeURIComponent(name)}`;
  }

  #attempt(verb: Attempt['verb']): Attempt {
    return { verb, resource: 'leases.coordination.k8s.io', namespace: this.#namespace, name: this.#name };
  }
}

function decodeLease(body: unknown): LeaseRecord {
  const object = asRecord(body);
  const spec = asRecord(object['spec']);
  const resourceVersion = asText(asRecord(object['metadata'])['resourceVersion']);
  if (resourceVersion === '') throw new AppError(problem('KUBERNETES_UNAVAILABLE', 'the answer about the lease is no Lease object'));
  const seconds = spec['leaseDurationSeconds'];
  return { resourceVersion, holder: asText(spec['holderIdentity']), durationMs: typeof seconds === 'number' ? seconds * 1000 : 0, spec };
}
