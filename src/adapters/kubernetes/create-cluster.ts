import type { ApplyObject, ClusterAction, DeleteObject } from '../../core/model/action.ts';
import type { GroupKind, ObjectKey } from '../../core/model/ids.ts';
import { groupKind, kindOf, SERVICE_KIND } from '../../core/model/ids.ts';
import { MARKS } from '../../core/model/marks.ts';
import type { NodeFacts } from '../../core/model/nodes.ts';
import type { LiveObject } from '../../core/model/objects.ts';
import type { Clock, Cluster, ClusterResult, DirtyListener, Lease, Unsubscribe } from '../../core/model/ports.ts';
import { mapSnapshot, type Snapshot } from '../../core/model/snapshot.ts';
import type { ClusterState } from '../../core/model/world.ts';
import { sleep } from '../../shared/abort.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { CLAIM_LIMITS, ClaimBook, type ClaimLimits } from './claim-book.ts';
import { DirtyNotifier } from './dirty-notifier.ts';
import { Discovery } from './discovery.ts';
import type { KubeClient } from './kube-client.ts';
import { ObjectWriter } from './object-writer.ts';
import { REFLECTOR_TIMINGS, type ReflectorTimings } from './reflector.ts';
import { WatchedKinds } from './watched-kinds.ts';

export interface ClusterOptions {
  readonly client: KubeClient;
  /** Who we are: the label value and the field manager `poolkeeper-<owner>`. */
  readonly owner: string;
  /** Nothing is written unless it is held. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly timings?: Partial<ReflectorTimings>;
  readonly claims?: Partial<ClaimLimits>;
  /** Objects a page of a list. Default 500. */
  readonly listLimit?: number;
  /** How long `start` and `prepare` wait for kinds that do not answer, in milliseconds. Default 15 s. */
  readonly settleMs?: number;
  /** Keeps `content` of live objects, for a plan that people read. Default false. */
  readonly keepContent?: boolean;
}

/** The Kubernetes leg, with its life. */
export interface ClusterAdapter extends Cluster {
  /** Starts watching; resolves when nodes, Services, EndpointSlices and pods are known or have failed. Never fails but by an abort. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends every watch. The client stays open. */
  stop(): Promise<void>;
}

const LIST_LIMIT = 500;
const SETTLE_MS = 15_000;
const DEFINITION_KIND: GroupKind = groupKind('apiextensions.k8s.io', 'CustomResourceDefinition');

/** Makes the Kubernetes leg; nothing is read before `start`. */
export function createCluster(options: ClusterOptions): ClusterAdapter {
  return new KubernetesCluster(options);
}

class KubernetesCluster implements ClusterAdapter {
  readonly #options: ClusterOptions;
  readonly #dirty = new DirtyNotifier();
  readonly #discovery: Discovery;
  readonly #watched: WatchedKinds;
  readonly #claims: ClaimBook;
  readonly #writer: ObjectWriter;
  /** Keys of the last `prepare`. */
  #claimed: ReadonlyMap<ObjectKey, string> = new Map();
  readonly #nodeList = new Derived<readonly NodeFacts[]>();
  readonly #ownServices = new Derived<ReadonlyMap<ObjectKey, LiveObject>>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { client, owner, lease, clock, listLimit = LIST_LIMIT } = options;
    const timings = { ...REFLECTOR_TIMINGS, ...options.timings };
    const limits = { ...CLAIM_LIMITS, ...options.claims };
    const now = (): number => clock.now();
    this.#discovery = new Discovery(client, now);
    const discovery = this.#discovery;
    this.#watched = new WatchedKinds({
      ...{ client, discovery, owner, listLimit, timings, clock, dirty: this.#dirty },
      keepContent: options.keepContent === true,
    });
    this.#claims = new ClaimBook({ client, discovery, owner, limits, listLimit, listMs: timings.listMs, now });
    this.#writer = new ObjectWriter({
      client,
      discovery,
      owner,
      lease,
      written: (object) => this.#fold(object),
      gone: (action) => this.#foldGone(action),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#watched.start();
    await this.#settled([this.#watched.settled(), this.#watched.pods.firstOutcome], signal);
  }

  stop(): Promise<void> {
    return this.#watched.stop();
  }

  state(): ClusterState {
    const { nodes, services, slices, endpoints, pods, troubles, owned } = this.#watched;
    const objects = new Map<GroupKind, Snapshot<ReadonlyMap<ObjectKey, LiveObject>>>();
    for (const [kind, watched] of owned) objects.set(kind, this.#withClaims(kind, watched.snapshot()));
    objects.set(
      SERVICE_KIND,
      mapSnapshot(services.snapshot(), (all) => this.#ownedServices(all)),
    );
    return {
      nodes: mapSnapshot(nodes.snapshot(), (all) => this.#nodeList.from([all], () => [...all.values()])),
      services: services.snapshot(),
      pods: mapSnapshot(pods.state(), () => troubles.values()),
      endpoints: mapSnapshot(slices.freshness(), () => endpoints.values()),
      objects,
      scopes: this.#watched.scopes,
    };
  }

  changed(listener: DirtyListener): Unsubscribe {
    return this.#dirty.subscribe(listener);
  }

  async prepare(kinds: ReadonlySet<GroupKind>, claims: ReadonlyMap<ObjectKey, string>, signal: AbortSignal): Promise<void> {
    const versions = new Map<GroupKind, string>();
    for (const [key, version] of claims) versions.set(kindOf(key), version);
    const asked = new Set([...kinds, ...versions.keys()]);
    for (const kind of asked) this.#watched.add(kind, versions.get(kind));
    await this.#watched.keepOnly(asked);
    this.#claimed = claims;
    await this.#settled([this.#watched.settled()], signal);
    await this.#learnClaims(signal);
  }

  async check(action: ApplyObject, signal: AbortSignal): Promise<ClusterResult> {
    try {
      await this.#writer.check(action, signal);
      return { kind: 'done', changed: false };
    } catch (error) {
      const result = failed(error, action, signal);
      // Somebody has made it since it was looked for.
      if (result.kind === 'failed' && result.problem.code === 'OBJECT_NOT_OURS') this.#claims.expire(action.key);
      return result;
    }
  }

  async apply(action: ClusterAction, signal: AbortSignal): Promise<ClusterResult> {
    try {
      return { kind: 'done', ...(await this.#write(action, signal)) };
    } catch (error) {
      // The answer may have been lost on its way.
      this.#claims.expire(action.key);
      const result = failed(error, action, signal);
      // It is looked at again now, so that the next try need not wait for the watch.
      if (result.kind === 'failed' && result.problem.code === 'KUBERNETES_CONFLICT') await this.#lookAgain(action, signal);
      return result;
    }
  }

  async #lookAgain(action: ClusterAction, signal: AbortSignal): Promise<void> {
    const held = this.#watched.of(kindOf(action.key))?.cache.get(action.key);
    if (held === undefined) return this.#learnClaims(signal);
    const apiVersion = action.kind === 'delete-object' ? action.apiVersion : action.object.apiVersion;
    try {
      const found = await this.#writer.look(action, apiVersion, signal);
      if (found === undefined) this.#foldGone({ key: action.key, uid: held.uid });
    } catch (error) {
      // Then the watch tells.
      if (!(error instanceof AppError)) throw error;
    }
  }

  #learnClaims(signal: AbortSignal): Promise<void> {
    return this.#claims.learn(this.#unwatched(this.#claimed), signal);
  }

  async #write(action: ClusterAction, signal: AbortSignal): Promise<{ readonly changed: boolean; readonly stored?: LiveObject }> {
    if (action.kind === 'delete-object') return { changed: await this.#writer.delete(action, signal) };
    const known = this.#watched.of(kindOf(action.key))?.cache.get(action.key);
    const before = known !== undefined && known.uid === action.existing?.uid ? known.resourceVersion : action.existing?.resourceVersion;
    const stored = await this.#writer.apply(action, signal);
    const changed = before !== stored.resourceVersion;
    if (kindOf(action.key) === DEFINITION_KIND && changed) this.#definitionChanged(action.object);
    return { changed, stored };
  }

  /** A new kind is there a moment after its definition: the watches that missed it look again, with backoff from the start. */
  #definitionChanged(definition: object): void {
    const spec = 'spec' in definition ? definition.spec : undefined;
    if (typeof spec === 'object' && spec !== null && 'group' in spec) this.#discovery.forget(String(spec.group));
    this.#watched.retryFailed();
  }

  /** Waits until all have answered, but not for ever: what has not answered is unavailable. */
  async #settled(answers: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const waiting = sleep(this.#options.settleMs ?? SETTLE_MS, AbortSignal.any([signal, done.signal])).catch(() => undefined);
    await Promise.race([Promise.all(answers), waiting]);
    done.abort();
    this.#watched.wakeFromNowOn();
    signal.throwIfAborted();
  }

  /** The claims that no watch answers: nothing of that name carries our label. Of Services the watch shows all. */
  #unwatched(claims: ReadonlyMap<ObjectKey, string>): ReadonlyMap<ObjectKey, string> {
    const open = new Map<ObjectKey, string>();
    for (const [key, version] of claims) {
      const kind = kindOf(key);
      const watched = this.#watched.owned.get(kind);
      if (kind === SERVICE_KIND || watched?.freshness().kind !== 'complete') continue;
      if (watched.cache.get(key) === undefined) open.set(key, version);
    }
    return open;
  }

  #withClaims(kind: GroupKind, snapshot: Snapshot<ReadonlyMap<ObjectKey, LiveObject>>): Snapshot<ReadonlyMap<ObjectKey, LiveObject>> {
    const failure = this.#claims.failure(kind);
    if (failure !== undefined && snapshot.kind === 'complete') return { kind: 'unavailable', ...failure };
    const strangers = this.#claims.objects(kind);
    return strangers.size === 0 ? snapshot : mapSnapshot(snapshot, (watched) => new Map([...strangers, ...watched]));
  }

  /** Services with our label, or whose name is claimed. */
  #ownedServices(all: ReadonlyMap<ObjectKey, LiveObject>): ReadonlyMap<ObjectKey, LiveObject> {
    const claimed = this.#claimed;
    return this.#ownServices.from(
      [all, claimed],
      () => new Map([...all].filter(([key, service]) => this.#isLabelled(service) || claimed.has(key))),
    );
  }

  #isLabelled(object: LiveObject): boolean {
    return object.labels[MARKS.ownerLabel] === this.#options.owner;
  }

  #fold(object: LiveObject): void {
    const { key, uid, resourceVersion: version } = object;
    const kind = kindOf(key);
    if (kind === SERVICE_KIND || this.#isLabelled(object)) {
      this.#watched.of(kind)?.cache.fold({ key, uid, version, value: object });
      this.#claims.forget(key);
    } else {
      this.#claims.fold(object);
    }
  }

  #foldGone({ key, uid }: Pick<DeleteObject, 'key' | 'uid'>): void {
    this.#watched.of(kindOf(key))?.cache.foldGone(key, uid);
    if (kindOf(key) !== SERVICE_KIND) this.#claims.foldGone(key);
  }
}

function failed(error: unknown, action: ClusterAction, signal: AbortSignal): ClusterResult {
  signal.throwIfAborted();
  if (error instanceof AppError) return { kind: 'failed', problem: error.problem };
  return { kind: 'failed', problem: problem('INTERNAL', `writing ${action.key} failed: ${errorText(error)}`) };
}

/** A value that is built anew only when one of the things that it is built from is another one. */
class Derived<T> {
  #last: { readonly sources: readonly unknown[]; readonly value: T } | undefined;

  from(sources: readonly unknown[], build: () => T): T {
    if (this.#last === undefined || sources.some((source, index) => source !== this.#last?.sources[index])) {
      this.#last = { sources, value: build() };
    }
    return this.#last.value;
  }
}
