import type { GroupKind, NodeName, ObjectKey, PoolKey, SpecId } from '../../core/model/ids.ts';
import { kindOf, poolKey, SERVICE_KIND, specId } from '../../core/model/ids.ts';
import { MARKS } from '../../core/model/marks.ts';
import type { NodeFacts } from '../../core/model/nodes.ts';
import { contentOf } from '../../core/model/object-content.ts';
import type { LiveObject } from '../../core/model/objects.ts';
import type { Clock } from '../../core/model/ports.ts';
import type { KindScope } from '../../core/model/world.ts';
import type { DirtyNotifier } from './dirty-notifier.ts';
import { type ApiResource, type Discovery, ENDPOINT_SLICES, NODES, PODS, SERVICES } from './discovery.ts';
import { decodeSlice, type SliceFacts } from './endpoint-facts.ts';
import { EndpointIndex } from './endpoint-index.ts';
import { asRecord, asText } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';
import { decodeLiveObject } from './live-object.ts';
import { decodeNode } from './node-facts.ts';
import { unknownKind } from './object-writer.ts';
import { PodIndex, type SeenPod } from './pod-index.ts';
import { Reflector, type ReflectorTimings } from './reflector.ts';
import type { CacheChange } from './watch-cache.ts';
import { WatchedResource } from './watched-resource.ts';

export interface WatchedKindsOptions {
  readonly client: KubeClient;
  readonly discovery: Discovery;
  readonly owner: string;
  readonly listLimit: number;
  readonly timings: ReflectorTimings;
  readonly clock: Clock;
  readonly dirty: DirtyNotifier;
  /** Whether `content` of live objects is kept: it takes memory that only a plan for people needs. */
  readonly keepContent?: boolean;
}

/** Everything that is watched: nodes, all Services, EndpointSlices and pods, and the objects with our label, kind by kind. */
export class WatchedKinds {
  readonly nodes: WatchedResource<NodeName, NodeFacts>;
  readonly services: WatchedResource<ObjectKey, LiveObject>;
  readonly slices: WatchedResource<string, SliceFacts>;
  readonly endpoints = new EndpointIndex();
  readonly pods: Reflector<SeenPod>;
  readonly troubles: PodIndex;
  readonly #owned = new Map<GroupKind, WatchedResource<ObjectKey, LiveObject>>();
  /** Kinds whose first list someone waits for; he need not be woken by it. */
  readonly #quiet = new Set<GroupKind>();
  readonly #options: WatchedKindsOptions;
  #scopes: ReadonlyMap<GroupKind, KindScope> = new Map();

  constructor(options: WatchedKindsOptions) {
    this.#options = options;
    const { dirty } = options;
    const connected = (): void => dirty.all();
    this.nodes = new WatchedResource({
      ...this.#common(),
      ...served(NODES),
      read: (object) => {
        const value = decodeNode(object);
        return { key: value.name, value };
      },
      changed: (changes) => dirty.add(changes.map(({ key }) => key)),
      connected,
    });
    this.services = new WatchedResource({
      ...this.#common(),
      ...served(SERVICES),
      read: (object, resource) => this.#liveItem(object, resource),
      changed: (changes) => dirty.add([...poolsOf(changes), ...specsOf(changes)]),
      connected,
    });
    this.slices = new WatchedResource({
      ...this.#common(),
      ...served(ENDPOINT_SLICES),
      read: (object) => ({ key: sliceKey(object), value: decodeSlice(object) }),
      changed: (changes) => dirty.add(this.endpoints.apply(changes)),
      connected,
    });
    // Pods of strangers wake nobody.
    this.troubles = new PodIndex({ changed: (workloads) => dirty.add(this.#specsOfOwned(workloads)), connected });
    this.pods = new Reflector({ ...this.#common(), ...served(PODS), sink: this.troubles });
  }

  /** Starts watching nodes, Services, EndpointSlices and pods. */
  start(): void {
    for (const watched of [...this.#all(), this.pods]) watched.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#all(), this.pods].map((watched) => watched.stop()));
  }

  /** Resolves when every kind has been listed once, or has failed once; without pods, on which nothing that is done depends. */
  async settled(): Promise<void> {
    await Promise.all(this.#all().map((watched) => watched.firstOutcome));
  }

  /** The owned objects by kind; without Services, all of which are watched. */
  get owned(): ReadonlyMap<GroupKind, WatchedResource<ObjectKey, LiveObject>> {
    return this.#owned;
  }

  /** The scopes of the owned kinds that are served. The same map until it changes. */
  get scopes(): ReadonlyMap<GroupKind, KindScope> {
    return this.#scopes;
  }

  #noteScope(kind: GroupKind, scope: KindScope): void {
    if (this.#scopes.get(kind) !== scope) this.#scopes = new Map([...this.#scopes, [kind, scope]]);
  }

  /** Where an object of this kind is kept. */
  of(kind: GroupKind): WatchedResource<ObjectKey, LiveObject> | undefined {
    return kind === SERVICE_KIND ? this.services : this.#owned.get(kind);
  }

  /** Watches the objects of a kind that carry our label. `version` is the apiVersion that specs use, if one does. */
  add(kind: GroupKind, version: string | undefined): void {
    if (this.of(kind) !== undefined) return;
    const { discovery, dirty, owner } = this.#options;
    this.#quiet.add(kind);
    const watched = new WatchedResource<ObjectKey, LiveObject>({
      ...this.#common(),
      title: kind.replace(/^\//, ''),
      resolve: async (again, signal) => {
        if (again) discovery.forget(kind.slice(0, kind.indexOf('/')));
        const found = await discovery.ofKind(kind, version, signal);
        if (found === undefined) throw unknownKind(undefined, kind);
        this.#noteScope(kind, found.namespaced ? 'Namespaced' : 'Cluster');
        return found;
      },
      labelSelector: `${MARKS.ownerLabel}=${owner}`,
      read: (object, resource) => this.#liveItem(object, resource),
      changed: (changes) => {
        if (!this.#quiet.has(kind)) dirty.add(specsOf(changes));
      },
      connected: () => {
        if (!this.#quiet.delete(kind)) dirty.all();
      },
    });
    this.#owned.set(kind, watched);
    watched.start();
  }

  /**
   * Ends the watches of kinds that nobody asks for any more and of which nothing is left: the right to read them, or the kind itself, may
   * go next. Resolves when they have ended.
   */
  async keepOnly(asked: ReadonlySet<GroupKind>): Promise<void> {
    const unused = [...this.#owned].filter(([kind, { cache }]) => !asked.has(kind) && cache.values().size === 0);
    for (const [kind] of unused) {
      this.#owned.delete(kind);
      this.#quiet.delete(kind);
    }
    await Promise.all(unused.map(([, watched]) => watched.stop()));
  }

  /** Nobody waits for first lists any more: those that come later wake listeners. */
  wakeFromNowOn(): void {
    this.#quiet.clear();
  }

  /** Looks at once for kinds that could not be listed: a definition was applied. */
  retryFailed(): void {
    for (const watched of this.#owned.values()) if (watched.freshness().kind !== 'complete') watched.retryNow();
  }

  #liveItem(object: unknown, resource: ApiResource): ReturnType<typeof liveItem> {
    const { owner, keepContent } = this.#options;
    const live = decodeLiveObject(object, resource, owner);
    // Of strangers' objects nothing is to be shown.
    if (keepContent !== true || live.ourFields === undefined) return liveItem(live);
    return liveItem({ ...live, content: contentOf({ ...asRecord(object), kind: resource.kind }) });
  }

  #specsOfOwned(workloads: readonly ObjectKey[]): readonly SpecId[] {
    return workloads.flatMap((workload) => {
      const path = this.#owned.get(kindOf(workload))?.cache.get(workload)?.annotations[MARKS.spec];
      return path === undefined ? [] : [specId(path)];
    });
  }

  #all(): readonly { start(): void; stop(): Promise<void>; readonly firstOutcome: Promise<void> }[] {
    return [this.nodes, this.services, this.slices, ...this.#owned.values()];
  }

  #common(): Pick<WatchedKindsOptions, 'client' | 'listLimit' | 'timings' | 'clock'> {
    const { client, listLimit, timings, clock } = this.#options;
    return { client, listLimit, timings, clock };
  }
}

/** A resource that every API server serves. */
const served = (resource: ApiResource): { title: string; resolve: () => Promise<ApiResource> } => ({
  title: resource.kind,
  resolve: async () => resource,
});

const liveItem = (value: LiveObject): { key: ObjectKey; value: LiveObject } => ({ key: value.key, value });

function sliceKey(object: unknown): string {
  const meta = asRecord(asRecord(object)['metadata']);
  return `${asText(meta['namespace'])}/${asText(meta['name'])}`;
}

type LiveChange = CacheChange<ObjectKey, LiveObject>;

function poolsOf(changes: readonly LiveChange[]): readonly PoolKey[] {
  return changes.flatMap(({ before, after }) => {
    const shown = after ?? before;
    return shown === undefined ? [] : [poolKey(shown.namespace, shown.name)];
  });
}

/** The specs that objects belong to, now or before: an object may lose its annotation. */
function specsOf(changes: readonly LiveChange[]): readonly SpecId[] {
  return changes.flatMap(({ before, after }) =>
    [before, after].flatMap((object) => {
      const path = object?.annotations[MARKS.spec];
      return path === undefined ? [] : [specId(path)];
    }),
  );
}
