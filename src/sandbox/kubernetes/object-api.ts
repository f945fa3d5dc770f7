import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { allocateService, carryAllocations, type NodePortRange } from './allocate-service.ts';
import { ApiError, badRequest, internalError, invalid, invalidField, notFound, refusal } from './api-error.ts';
import { type ApiObject, type Fields, isFields, type Metadata, type Service, timestamp } from './api-object.ts';
import { dropUndeclared, schemaErrors } from './decode-object.ts';
import { applyDefaults } from './defaults.ts';
import { applyFields, sameButTimes, updateFields, type Writer } from './managed-fields.ts';
import type { ObjectStore } from './object-store.ts';
import { apiVersionOf, type ResourceType, resourceType } from './resource-types.ts';
import { typeOfKind } from './schema.ts';
import { validateObject } from './validate-object.ts';

/** One object of one kind; namespace is empty for kinds of the cluster. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: '' | 'status';
}

/** How a write is meant. */
export interface WriteOptions {
  readonly manager: string;
  readonly dryRun: boolean;
}

export interface DeleteOptions {
  readonly dryRun?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

const modified = 'the object has been modified; please apply your changes to the latest version and try again';

/** What the API server does with objects, behind the HTTP. Every refusal is an ApiError. */
export class ObjectApi {
  readonly #store: ObjectStore;
  readonly #nodePorts: NodePortRange;

  constructor(store: ObjectStore, nodePorts: NodePortRange) {
    this.#store = store;
    this.#nodePorts = nodePorts;
  }

  get({ type, namespace, name }: Target): ApiObject {
    const found = this.#store.get(type.resource, namespace, name);
    if (found === undefined) throw notFound(type, name);
    return found;
  }

  create(target: Target, body: unknown, options: WriteOptions): ApiObject {
    const object = decodeBody(target, body);
    const at = { ...target, name: object.metadata.name ?? '' };
    if (object.metadata.resourceVersion !== undefined) throw internalError('resourceVersion should not be set on objects to be created');
    if (this.#store.get(at.type.resource, at.namespace, at.name) !== undefined) throw refusal(409, 'AlreadyExists', at, 'already exists');
    return this.#write(at, undefined, updateFields(undefined, throughDoor(at, undefined, object), writerOf(at, options)), options);
  }

  /** A whole new object in place of the old one; what the JSON patches make is written by it, too. */
  update(target: Target, body: unknown, options: WriteOptions): ApiObject {
    const live = this.get(target);
    const next = decodeBody(target, body);
    const { uid = live.metadata.uid, resourceVersion } = next.metadata;
    if (resourceVersion === undefined && target.type.kind === 'Lease') {
      throw invalid(target.type, target.name, [invalidField('metadata.resourceVersion', 0, 'must be specified for an update')]);
    }
    if (uid !== live.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`;
      throw refusal(409, 'Conflict', target, why);
    }
    return this.#write(target, live, updateFields(live, throughDoor(target, live, next), writerOf(target, options)), options);
  }

  /** Server-side apply; creates what does not exist. */
  apply(target: Target, body: unknown, options: WriteOptions & { readonly force: boolean }): ApiObject {
    const applied = readApplied(target, body);
    const live = this.#store.get(target.type.resource, target.namespace, target.name);
    const { uid, resourceVersion = live?.metadata.resourceVersion } = applied.metadata;
    if (live === undefined && uid !== undefined) {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      throw refusal(409, 'Conflict', target, why);
    }
    if (live !== undefined && resourceVersion !== live.metadata.resourceVersion) throw refusal(409, 'Conflict', target, modified);
    const merged = applyFields(live, applied, writerOf(target, options), options.force);
    return this.#write(target, live, throughDoor(target, live, merged), options);
  }

  /** Deletes at once, or marks as deleting while there are finalizers. Returns the object as it was last. */
  delete(target: Target, { dryRun = false, preconditions = {} }: DeleteOptions = {}): ApiObject {
    const { type, name } = target;
    const live = this.get(target);
    for (const field of ['uid', 'resourceVersion'] as const) {
      const wanted = preconditions[field] ?? live.metadata[field];
      if (wanted === live.metadata[field]) continue;
      const what = field === 'uid' ? 'UID' : 'ResourceVersion';
      const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${live.metadata[field]})`;
      throw new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${type.kind} "${name}": ${why}`, { kind: type.kind, name });
    }
    if (dryRun || live.metadata.deletionTimestamp !== undefined) return live;
    const isNamespace = type.kind === 'Namespace';
    if (!isNamespace && live.metadata.finalizers === undefined) return this.#store.remove(type.resource, live);
    const marked = { ...live, metadata: { ...live.metadata, deletionTimestamp: timestamp() } };
    return this.#store.put(type.resource, isNamespace ? { ...marked, status: { phase: 'Terminating' } } : marked);
  }

  /** The last steps that all writes share: defaults, allocation, validation, version check, store. */
  #write(target: Target, live: ApiObject | undefined, written: ApiObject, { dryRun }: WriteOptions): ApiObject {
    const { type, name } = target;
    if (live === undefined) this.#refuseLostNamespace(target);
    const next = dropUndeclared(typeOfKind(type.kind), written) as ApiObject;
    const { uid, resourceVersion = live?.metadata.resourceVersion } = next.metadata;
    next.metadata = { ...next.metadata, ...identityOf(target, live) };
    if (type.kind === 'Service' && live !== undefined) carryAllocations(next as Service, live as Service);
    applyDefaults(next);
    const isOther = live !== undefined && (uid ?? live.metadata.uid) !== live.metadata.uid;
    const causes = isOther ? [invalidField('metadata.uid', uid, 'field is immutable')] : validateObject(next, live);
    if (causes.length > 0) throw invalid(type, name, causes);
    if (type.kind === 'Service') allocateService(next as Service, this.#store.list('services'), this.#nodePorts);
    if (resourceVersion !== live?.metadata.resourceVersion && live !== undefined) throw refusal(409, 'Conflict', target, modified);
    if (live?.metadata.resourceVersion !== undefined) next.metadata.resourceVersion = live.metadata.resourceVersion;
    const generation = target.subresource === 'status' ? live?.metadata.generation : nextGeneration(live, next);
    if (generation !== undefined) next.metadata.generation = generation;
    if (live !== undefined && sameButTimes(live, next)) return live;
    if (dryRun) return next;
    const isLast = next.metadata.deletionTimestamp !== undefined && type.kind !== 'Namespace' && next.metadata.finalizers === undefined;
    return isLast ? this.#store.remove(type.resource, next) : this.#store.put(type.resource, next);
  }

  #refuseLostNamespace(target: Target): void {
    const { type, namespace } = target;
    if (!type.namespaced) return;
    const home = this.#store.get('namespaces', '', namespace);
    if (home === undefined) throw notFound(resourceType('namespaces'), namespace);
    if (home.metadata.deletionTimestamp === undefined) return;
    const why = `is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`;
    const error = refusal(403, 'Forbidden', target, why);
    error.details['causes'] = [
      { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
    ];
    throw error;
  }
}

const writerOf = ({ subresource }: Target, { manager }: WriteOptions): Writer => ({ manager, subresource, time: timestamp() });

/** The part of the metadata that nobody but the server sets. */
function identityOf({ namespace, name }: Target, live: ApiObject | undefined): Partial<Metadata> {
  const { uid = randomUUID(), creationTimestamp = timestamp(), deletionTimestamp } = live?.metadata ?? {};
  return { name, ...(namespace && { namespace }), uid, creationTimestamp, ...(deletionTimestamp && { deletionTimestamp }) };
}

function metadataOf(body: unknown): Metadata {
  if (!isFields(body) || !isFields(body['metadata'])) throw badRequest('the body is not an object with metadata');
  return (body as ApiObject).metadata;
}

function decodeBody({ type }: Target, body: unknown): ApiObject {
  const { managedFields } = metadataOf(body);
  const object = { ...(dropUndeclared(typeOfKind(type.kind), body) as ApiObject), apiVersion: apiVersionOf(type), kind: type.kind };
  applyDefaults(object);
  // An empty list would say "forget the owners" as an empty entry does; it is taken for none.
  return { ...object, metadata: { ...object.metadata, ...(managedFields?.length && { managedFields }) } };
}

function readApplied({ type, namespace, name }: Target, body: unknown): ApiObject {
  const given = metadataOf(body);
  const object = body as ApiObject;
  const kind = `${object.apiVersion}, Kind=${object.kind}`;
  if (object.apiVersion !== apiVersionOf(type) || object.kind !== type.kind) throw badRequest(`invalid object type: ${kind}`);
  if ((given.name ?? name) !== name)
    throw badRequest(`the name of the object (${given.name}) does not match the name on the URL (${name})`);
  if ((given.namespace ?? namespace) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (given.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const errors = schemaErrors(typeOfKind(type.kind), body);
  if (errors.length === 0) return object;
  const list = errors.length === 1 ? errors[0] : `errors:\n${errors.map((error) => `  ${error}`).join('\n')}`;
  throw internalError(`failed to create typed patch object (${namespace}/${name}; ${kind}): ${list}`);
}

/** What a write may change: through `status` the status and annotations, otherwise everything but the status. */
function throughDoor({ type, subresource }: Target, live: ApiObject | undefined, next: ApiObject): ApiObject {
  if (live === undefined && type.kind === 'Node') return next;
  const isStatus = subresource === 'status' && live !== undefined;
  const { annotations, resourceVersion } = next.metadata;
  const metadata = { ...live?.metadata, ...(annotations && { annotations }), ...(resourceVersion && { resourceVersion }) };
  const { status: _, ...rest } = (isStatus ? { ...live, metadata } : next) as Fields;
  const status = (isStatus ? next : live)?.['status'];
  return { ...rest, ...(status === undefined ? {} : { status }) } as ApiObject;
}

/** Counts what the real strategies count: spec and annotations of a Deployment, all of an EndpointSlice. */
function nextGeneration(live: ApiObject | undefined, next: ApiObject): number | undefined {
  const relevant = ({ kind, metadata, ...rest }: ApiObject): unknown =>
    kind === 'Deployment' ? [rest['spec'], metadata.annotations] : rest;
  if (next.kind !== 'Deployment' && next.kind !== 'EndpointSlice') return undefined;
  const before = live?.metadata.generation ?? 0;
  return live !== undefined && isDeepStrictEqual(relevant(live), relevant(next)) ? before : before + 1;
}
