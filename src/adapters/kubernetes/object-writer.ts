import type { ApplyObject, DeleteObject } from '../../core/model/action.ts';
import { type GroupKind, groupKind, kindOf, objectKey, objectTitle, splitObjectKey } from '../../core/model/ids.ts';
import { fieldManager } from '../../core/model/marks.ts';
import type { LiveObject } from '../../core/model/objects.ts';
import type { Lease } from '../../core/model/ports.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { type Attempt, isMissingNamespace, isMissingResource, requireSuccess, statusOfAnswer } from './api-status.ts';
import { type ApiResource, type Discovery, resourcePath, resourceTitle } from './discovery.ts';
import { asList, asRecord, asText } from './json-access.ts';
import type { KubeAnswer, KubeClient, KubeRequest } from './kube-client.ts';
import { METADATA_ONLY } from './list-objects.ts';
import { decodeLiveObject } from './live-object.ts';
import { takeOverFields } from './take-over-fields.ts';

export interface ObjectWriterOptions {
  readonly client: KubeClient;
  readonly discovery: Discovery;
  readonly owner: string;
  /** Nothing is written unless it is held. */
  readonly lease: Lease;
  /** Told each object that an answer shows, before the write returns. */
  readonly written: (object: LiveObject) => void;
  /** Told when an object is gone. */
  readonly gone: (action: DeleteObject) => void;
}

const APPLY = 'application/apply-patch+yaml';

/** What a request is about. */
interface Target {
  readonly resource: ApiResource;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** Finds out anew how it is served. */
  readonly find: () => Promise<ApiResource | undefined>;
}

/** What is sent of an apply. */
interface SentApply {
  readonly body: unknown;
  /** True to take fields from others. */
  readonly force: boolean;
  /** True to write nothing; that needs no lease. */
  readonly dryRun: boolean;
}

/** Server-side applies and deletes. Every failure is an AppError. */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  /** Applies one object; gives what the API server made of it. */
  async apply(action: ApplyObject, signal: AbortSignal): Promise<LiveObject> {
    const target = await this.#target(action, action.object.apiVersion, signal);
    const { existing } = action;
    let pinned = existing?.pinVersion === true ? existing.resourceVersion : undefined;
    if (action.why === 'adopt') pinned = (await this.#takeOver(action, target, signal)) ?? pinned;
    const answer = await this.#send(target, { ...sentAs(action, pinned), dryRun: false }, signal);
    const object = this.#decode(requireSuccess(answer, attemptOf('patch', target)), target);
    if (existing === undefined && answer.status !== 201) await this.#refuseStranger(object, target, signal);
    this.#options.written(object);
    return object;
  }

  /** Tries an apply without writing anything; a refusal is thrown as by `apply`. Needs no lease. */
  async check(action: ApplyObject, signal: AbortSignal): Promise<void> {
    const target = await this.#target(action, action.object.apiVersion, signal);
    const answer = await this.#send(target, { ...sentAs(action, undefined), dryRun: true }, signal);
    const body = requireSuccess(answer, attemptOf('patch', target));
    // What is created in a dry run has no resourceVersion.
    if (action.existing !== undefined || answer.status === 201) return;
    const shown = this.#decode(body, target);
    const others = this.#othersOf(shown);
    if (others.length > 0) throw strangersObject(shown, others);
  }

  /** Reads an object that is not what was planned on, and tells of it; undefined when it is gone. */
  async look(action: ApplyObject | DeleteObject, apiVersion: string, signal: AbortSignal): Promise<LiveObject | undefined> {
    const target = await this.#target(action, apiVersion, signal);
    const answer = await this.#options.client.send({ method: 'GET', path: target.path }, signal);
    if (answer.status === 404) return undefined;
    const object = this.#decode(requireSuccess(answer, attemptOf('get', target)), target);
    this.#options.written(object);
    return object;
  }

  /** Deletes one object, if it is still the one that was read; true unless it was gone already. */
  async delete(action: DeleteObject, signal: AbortSignal): Promise<boolean> {
    const target = await this.#target(action, action.apiVersion, signal);
    const { uid, resourceVersion } = action;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid, resourceVersion }, propagationPolicy: 'Background' };
    const answer = await this.#sendTo(target, (path) => this.#write({ method: 'DELETE', path, body }, signal));
    if (answer.status === 404) {
      this.#options.gone(action);
      return false;
    }
    const shown = asRecord(requireSuccess(answer, attemptOf('delete', target)));
    // One that is gone is answered with a Status, or (a Service) as it was; one that waits for its finalizers as it is being deleted.
    const left = shown['kind'] === 'Status' ? undefined : this.#decode(shown, target);
    if (left?.deleting === true) this.#options.written(left);
    else this.#options.gone(action);
    return true;
  }

  /** Where the object of an action is served: an apply in the version that it is written in, a delete in any version there is. */
  async #target(action: ApplyObject | DeleteObject, apiVersion: string, signal: AbortSignal): Promise<Target> {
    const { kind, namespace, name } = splitObjectKey(action.key);
    const { discovery } = this.#options;
    const find = (): Promise<ApiResource | undefined> =>
      action.kind === 'delete-object'
        ? discovery.ofKind(kindOf(action.key), apiVersion, signal)
        : discovery.inVersion(apiVersion, kind, signal);
    const resource = await find();
    if (resource === undefined) throw unknownKind(apiVersion, kindOf(action.key));
    if (resource.namespaced !== (namespace !== '')) throw wrongScope(action, resource);
    return { resource, namespace, name, path: resourcePath(resource, namespace, name), find };
  }

  async #send(target: Target, { body, force, dryRun }: SentApply, signal: AbortSignal): Promise<KubeAnswer> {
    const query = {
      fieldManager: fieldManager(this.#options.owner),
      fieldValidation: 'Strict',
      force: String(force),
      ...(dryRun ? { dryRun: 'All' } : {}),
    };
    return this.#sendTo(target, (path) => {
      const request: KubeRequest = { method: 'PATCH', path, query, contentType: APPLY, body };
      return dryRun ? this.#options.client.send(request, signal) : this.#write(request, signal);
    });
  }

  /** Sends a request; once more when the API server does not serve the path any more as it was discovered. */
  async #sendTo(target: Target, send: (path: string) => Promise<KubeAnswer>): Promise<KubeAnswer> {
    const answer = await send(target.path);
    if (answer.status !== 404 || !isUnserved(answer)) return answer;
    this.#options.discovery.forget(target.resource.group);
    const found = await target.find();
    return found === undefined ? answer : send(resourcePath(found, target.namespace, target.name));
  }

  /**
   * Moves the entries of the managers that are replaced into ours, and returns the resourceVersion that this made. Fails
   * with KUBERNETES_CONFLICT when the object is not the one that the plan saw.
   */
  async #takeOver(action: ApplyObject, target: Target, signal: AbortSignal): Promise<string | undefined> {
    const { client, owner } = this.#options;
    const { existing, takeFrom = [] } = action;
    if (existing === undefined || takeFrom.length === 0) return undefined;
    const shown = await client.send({ method: 'GET', path: target.path, accept: METADATA_ONLY }, signal);
    const meta = asRecord(asRecord(requireSuccess(shown, attemptOf('get', target)))['metadata']);
    const resourceVersion = asText(meta['resourceVersion']);
    const other = existing.pinVersion && resourceVersion !== existing.resourceVersion;
    if (meta['uid'] !== existing.uid || other)
      throw new AppError(problem('KUBERNETES_CONFLICT', `${objectTitle(action.key)} has changed since it was read`));
    const entries = takeOverFields(asList(meta['managedFields']), { owner, takeFrom, apiVersion: action.object.apiVersion });
    if (entries === undefined) return existing.pinVersion ? resourceVersion : undefined;
    // Replacing the version by itself makes the server compare it, and answer 409 when it is another one by now.
    const body = [
      { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'replace', path: '/metadata/managedFields', value: entries },
    ];
    const query = { fieldManager: fieldManager(owner) };
    const request: KubeRequest = { method: 'PATCH', path: target.path, query, contentType: 'application/json-patch+json', body };
    const answer = await this.#write(request, signal);
    const object = this.#decode(requireSuccess(answer, attemptOf('patch', target)), target);
    this.#options.written(object);
    return existing.pinVersion ? object.resourceVersion : undefined;
  }

  /**
   * An object that should not have existed did. Server-side apply without force tells only where fields clash; where none
   * does, our fields now stand in a stranger's object: they are taken out again by applying nothing.
   */
  async #refuseStranger(object: LiveObject, target: Target, signal: AbortSignal): Promise<void> {
    const others = this.#othersOf(object);
    // Our own create, whose answer was lost.
    if (others.length === 0) return;
    const { apiVersion, kind } = target.resource;
    const metadata = { name: target.name, uid: object.uid, ...(target.namespace === '' ? {} : { namespace: target.namespace }) };
    await this.#send(target, { body: { apiVersion, kind, metadata }, force: false, dryRun: false }, signal);
    throw strangersObject(object, others);
  }

  /** Everyone else who has written an object itself. */
  #othersOf(object: LiveObject): readonly string[] {
    const ours = fieldManager(this.#options.owner);
    const others = object.managers.filter(({ name, subresource }) => subresource === '' && name !== ours);
    return [...new Set(others.map(({ name }) => name))];
  }

  /** The one way out for writes: the lease is looked at just before each, and again as its bytes go. */
  async #write(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer> {
    this.#requireLease();
    return this.#options.client.send({ ...request, permit: () => this.#requireLease() }, signal);
  }

  #requireLease(): void {
    const state = this.#options.lease.state();
    if (!state.held) {
      const holder = state.holder === undefined ? 'nobody' : state.holder;
      throw new AppError(
        state.problem ?? problem('LEASE_HELD_ELSEWHERE', `the Kubernetes lease is held by ${holder}; nothing was written`),
      );
    }
  }

  #decode(body: unknown, target: Target): LiveObject {
    return decodeLiveObject(body, target.resource, this.#options.owner);
  }
}

/** An object as it is sent: with its uid when it exists, and with the version that it must still have, if any. */
function sentAs({ object, existing, why }: ApplyObject, pinned: string | undefined): Omit<SentApply, 'dryRun'> {
  const metadata = {
    ...object.metadata,
    ...(existing === undefined ? {} : { uid: existing.uid }),
    ...(pinned === undefined ? {} : { resourceVersion: pinned }),
  };
  return { body: { ...object, metadata }, force: existing !== undefined && why !== 'create' };
}

const strangersObject = ({ key }: LiveObject, others: readonly string[]): AppError =>
  new AppError(problem('OBJECT_NOT_OURS', `${objectTitle(key)} exists already and belongs to ${others.join(', ')}`));

const attemptOf = (verb: Attempt['verb'], { resource, namespace, name }: Target): Attempt => ({
  verb,
  resource: resourceTitle(resource),
  namespace,
  name,
  title: objectTitle(objectKey(groupKind(resource.group, resource.kind), namespace, name)),
});

function isUnserved(answer: KubeAnswer): boolean {
  const status = statusOfAnswer(answer);
  return isMissingResource(status) && !isMissingNamespace(status);
}

/** The path would name another object than the key does. */
function wrongScope(action: ApplyObject | DeleteObject, resource: ApiResource): AppError {
  const remedy = resource.namespaced ? 'Add metadata.namespace to the object.' : 'Remove metadata.namespace from the object.';
  const what = resource.namespaced ? 'live in namespaces' : 'belong to the cluster';
  return new AppError(problem('KUBERNETES_REFUSED', `${objectTitle(action.key)}: ${resourceTitle(resource)} ${what}`, { remedy }));
}

/** The problem of a kind that the API server does not serve. */
export function unknownKind(apiVersion: string | undefined, kind: GroupKind): AppError {
  const version = apiVersion === undefined ? '' : ` in version ${apiVersion}`;
  return new AppError(problem('KUBERNETES_UNKNOWN_KIND', `the API server does not serve ${kind.replace(/^\//, '')}${version}`));
}
