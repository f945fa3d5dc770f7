import type { GroupKind, ObjectKey } from '../../core/model/ids.ts';
import { kindOf, splitObjectKey } from '../../core/model/ids.ts';
import type { LiveObject } from '../../core/model/objects.ts';
import { AppError } from '../../shared/errors.ts';
import type { Problem } from '../../shared/problem.ts';
import { type Attempt, isMissingResource, requireSuccess, statusOfAnswer } from './api-status.ts';
import { type ApiResource, type Discovery, resourcePath, resourceTitle } from './discovery.ts';
import type { KubeClient } from './kube-client.ts';
import { listObjects, METADATA_ONLY } from './list-objects.ts';
import { decodeLiveObject, hasReadSpec } from './live-object.ts';
import { unknownKind } from './object-writer.ts';
import { isNewer } from './watch-cache.ts';

/** How long what was learnt stays true enough, and when one list is cheaper than many lookups. */
export interface ClaimLimits {
  /** An object that does not exist is looked for again after this time. */
  readonly absentTtlMs: number;
  /** An object without our label, which no watch shows, is looked at again after this time. */
  readonly strangerTtlMs: number;
  /** With more unknown claims of a kind, all its objects are listed. */
  readonly maxLookups: number;
}

/** At rest every claimed object exists and carries our label, so none of this costs a request. */
export const CLAIM_LIMITS: ClaimLimits = { absentTtlMs: 30_000, strangerTtlMs: 60_000, maxLookups: 20 };

export interface ClaimBookOptions {
  readonly client: KubeClient;
  readonly discovery: Discovery;
  readonly owner: string;
  readonly limits: ClaimLimits;
  readonly listLimit: number;
  readonly listMs: number;
  readonly now: () => number;
}

interface Learnt {
  /** Undefined: it does not exist. */
  readonly object: LiveObject | undefined;
  readonly atMs: number;
}

/**
 * What is known of claimed objects that the watches do not show, since they carry no label of ours: whether they exist, and
 * whose they are. An apply without force over a stranger's object succeeds silently where no field clashes, so this is
 * known before a plan is made.
 */
export class ClaimBook {
  readonly #options: ClaimBookOptions;
  readonly #learnt = new Map<ObjectKey, Learnt>();
  readonly #failed = new Map<GroupKind, { readonly reason: Problem; readonly sinceMs: number }>();
  readonly #objects = new Map<GroupKind, ReadonlyMap<ObjectKey, LiveObject>>();

  constructor(options: ClaimBookOptions) {
    this.#options = options;
  }

  /** The claimed objects of a kind that exist and are not watched. The same map until something changes. */
  objects(kind: GroupKind): ReadonlyMap<ObjectKey, LiveObject> {
    let found = this.#objects.get(kind);
    if (found === undefined) {
      const known = [...this.#learnt].flatMap(([key, { object }]) =>
        object !== undefined && kindOf(key) === kind ? [[key, object] as const] : [],
      );
      found = new Map(known);
      this.#objects.set(kind, found);
    }
    return found;
  }

  /** Why it is not known of some object of this kind whether it exists. */
  failure(kind: GroupKind): { readonly reason: Problem; readonly sinceMs: number } | undefined {
    return this.#failed.get(kind);
  }

  /** Looks for the claims that are not known, or not lately; forgets what is not claimed any more. `claims` maps to apiVersions. */
  async learn(claims: ReadonlyMap<ObjectKey, string>, signal: AbortSignal): Promise<void> {
    for (const key of this.#learnt.keys()) if (!claims.has(key)) this.forget(key);
    const unknown = new Map<GroupKind, { readonly keys: ObjectKey[]; readonly version: string }>();
    for (const [key, version] of claims) {
      if (this.#isFresh(key)) continue;
      const kind = kindOf(key);
      const known = unknown.get(kind);
      if (known === undefined) unknown.set(kind, { keys: [key], version });
      else known.keys.push(key);
    }
    for (const kind of this.#failed.keys()) if (!unknown.has(kind)) this.#failed.delete(kind);
    await Promise.all([...unknown].map(([kind, claimed]) => this.#learnKind(kind, claimed, signal)));
  }

  /** The answer of a write to an object that carries no label of ours, or a lookup. Older answers are ignored. */
  fold(object: LiveObject): void {
    const known = this.#learnt.get(object.key)?.object;
    if (known !== undefined && known.uid === object.uid && isNewer(known.resourceVersion, object.resourceVersion)) return;
    this.#set(object.key, object);
  }

  /** It was deleted by us. */
  foldGone(key: ObjectKey): void {
    this.#set(key, undefined);
  }

  /** A write to it has failed: the next `learn` looks again. */
  expire(key: ObjectKey): void {
    const known = this.#learnt.get(key);
    if (known !== undefined) this.#learnt.set(key, { ...known, atMs: Number.NEGATIVE_INFINITY });
  }

  /** The object is watched now. */
  forget(key: ObjectKey): void {
    if (this.#learnt.delete(key)) this.#objects.delete(kindOf(key));
  }

  #isFresh(key: ObjectKey): boolean {
    const known = this.#learnt.get(key);
    if (known === undefined) return false;
    const { absentTtlMs, strangerTtlMs } = this.#options.limits;
    return this.#options.now() - known.atMs < (known.object === undefined ? absentTtlMs : strangerTtlMs);
  }

  async #learnKind(
    kind: GroupKind,
    claimed: { readonly keys: readonly ObjectKey[]; readonly version: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { keys, version } = claimed;
    try {
      const resource = await this.#options.discovery.ofKind(kind, version, signal);
      if (resource === undefined) throw unknownKind(version, kind);
      if (keys.length > this.#options.limits.maxLookups) await this.#list(resource, keys, signal);
      else await Promise.all(keys.map((key) => this.#lookUp(resource, key, signal)));
      this.#failed.delete(kind);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#failed.set(kind, { reason: error.problem, sinceMs: this.#failed.get(kind)?.sinceMs ?? this.#options.now() });
    }
  }

  /** One list for many claims: of metadata only, but for the kinds whose `spec` is read. */
  async #list(resource: ApiResource, keys: readonly ObjectKey[], signal: AbortSignal): Promise<void> {
    const { client, owner, listLimit, listMs } = this.#options;
    const namespaces = new Set(keys.map((key) => splitObjectKey(key).namespace));
    const [only = ''] = namespaces.size === 1 ? namespaces : [];
    const request = { resource, namespace: only, metadataOnly: !hasReadSpec(resource), limit: listLimit, timeoutMs: listMs };
    const wanted = new Set(keys);
    const found = new Map<ObjectKey, LiveObject>();
    const decode = (object: unknown): void => {
      const live = decodeLiveObject(object, resource, owner);
      if (wanted.has(live.key)) found.set(live.key, live);
    };
    await listObjects(client, { ...request, decode }, signal);
    for (const key of keys) {
      const object = found.get(key);
      if (object === undefined) this.#set(key, undefined);
      else this.fold(object);
    }
  }

  async #lookUp(resource: ApiResource, key: ObjectKey, signal: AbortSignal): Promise<void> {
    const { client, owner } = this.#options;
    const { namespace, name } = splitObjectKey(key);
    if (resource.namespaced !== (namespace !== '')) {
      // No such object can exist; the apply says what is wrong with it.
      this.#set(key, undefined);
      return;
    }
    const accept = hasReadSpec(resource) ? {} : { accept: METADATA_ONLY };
    const answer = await client.send({ method: 'GET', path: resourcePath(resource, namespace, name), ...accept }, signal);
    if (answer.status === 404 && !isMissingResource(statusOfAnswer(answer))) {
      this.#set(key, undefined);
      return;
    }
    const attempt: Attempt = { verb: 'get', resource: resourceTitle(resource), namespace, name };
    this.fold(decodeLiveObject(requireSuccess(answer, attempt), resource, owner));
  }

  #set(key: ObjectKey, object: LiveObject | undefined): void {
    this.#learnt.set(key, { object, atMs: this.#options.now() });
    this.#objects.delete(kindOf(key));
  }
}
