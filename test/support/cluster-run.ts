import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ClusterAdapter } from '../../src/adapters/kubernetes/create-cluster.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { kvFlags } from '../../src/core/model/consul-names.ts';
import type { KvKey } from '../../src/core/model/ids.ts';
import { kvKey, objectTitle, revision, specId } from '../../src/core/model/ids.ts';
import type { Fence, Lease, Registry, RegistryResult } from '../../src/core/model/ports.ts';
import type { KvEntry } from '../../src/core/model/registration.ts';
import { mapSnapshot, snapshotValue } from '../../src/core/model/snapshot.ts';
import type { World } from '../../src/core/model/world.ts';
import { buildSpecSet, newDecodeCache } from '../../src/core/spec/build-spec-set.ts';
import { reconcile } from '../../src/run/reconcile.ts';
import { createMemos, type RunMemos } from '../../src/run/run-memos.ts';
import type { SeenRequest } from '../contract/cluster-proxy.ts';
import { CLOCK, HELD, openRig, type Rig } from '../contract/cluster-rig.ts';
import { complete, POLICY, world } from './builders.ts';
import type { KubernetesConnection } from './kube-client.ts';
import { applyToWorld } from './model-world.ts';
import { waitUntil } from './wait-until.ts';

/** What one run told and sent. */
export interface ClusterRun {
  /** What was applied or deleted, as `why Kind namespace/name`, in the order of the ends; failures with their code. */
  readonly did: readonly string[];
  /** The changes that the applies told, by title. */
  readonly changes: Readonly<Record<string, readonly string[]>>;
  /** Codes and messages of the specs' problems and of the writes that failed. */
  readonly problems: readonly string[];
  /** The requests that write, as `METHOD path`; dry runs are marked. */
  readonly writes: readonly string[];
}

/** Runs of the daemon's own functions against a real API server; Consul is a model in memory, Git is `commit`. */
export interface ClusterSite {
  readonly namespace: string;
  /** As somebody else, past the daemon; the path may hold `NS`. Rejects for everything but 2xx. */
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<Readonly<Record<string, unknown>>>;
  get<T>(path: string): Promise<T>;
  /** The files of the head; `NS` in them stands for the namespace. */
  commit(files: Readonly<Record<string, string>>): void;
  /** One run, once the watches show what the server shows. */
  run(): Promise<ClusterRun>;
  /** Runs, as the loop does, until nothing came too late (409): what was done in all, each once, sorted. No problem but `told` may be left. */
  settle(told?: readonly string[]): Promise<readonly string[]>;
  /** Cuts the requests of the daemon for which this holds, before the server has seen them. */
  interrupt(cuts: ((request: SeenRequest) => boolean) | undefined): void;
  /** Forgets everything, as a new process. */
  restart(): Promise<void>;
  /** Nothing is left to do: no write and no dry run, neither now nor after a restart. */
  expectRest(): Promise<void>;
  close(): Promise<void>;
}

const FENCE: Fence = { key: kvKey('leader'), session: 's1' };
const LEASE: Lease = { ...HELD, state: () => ({ held: true, fence: FENCE, untilMs: Number.MAX_SAFE_INTEGER }) };
const PLURALS: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies', Ingress: 'ingresses' };

interface Shown {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly generation?: number };
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly availableReplicas?: number; readonly replicas?: number };
}

/** A Deployment that rolls out changes its version all the time, so that a request which carries one may come too late. */
export function isQuiet({ kind, metadata, spec = {}, status = {} }: Shown): boolean {
  if (kind !== 'Deployment') return true;
  const { observedGeneration, availableReplicas = 0, replicas = 0 } = status;
  return observedGeneration === metadata.generation && availableReplicas === spec.replicas && replicas === spec.replicas;
}

/** Opens a namespace and an owner of their own. */
export async function openClusterSite(connection: KubernetesConnection, more: Partial<typeof POLICY> = {}): Promise<ClusterSite> {
  const rig = await openRig({ url: connection.apiServerUrl, token: connection.token, stop: async () => undefined });
  return new Site(rig, await rig.open(), more);
}

class Site implements ClusterSite {
  readonly namespace: string;
  readonly #rig: Rig;
  readonly #policy: typeof POLICY;
  #leg: ClusterAdapter;
  #memos: RunMemos = createMemos();
  #world: World = world({ nodes: [] });
  #files: Readonly<Record<string, string>> = {};
  #commits = 0;

  constructor(rig: Rig, leg: ClusterAdapter, more: Partial<typeof POLICY>) {
    this.#rig = rig;
    this.#leg = leg;
    this.namespace = rig.namespace;
    const adoptFrom = OPTIONS.kubernetes.adoptFrom.default as readonly string[];
    this.#policy = { ...POLICY, owner: rig.owner, adoptFrom, ...more };
  }

  call: ClusterSite['call'] = (method, path, body, contentType) => this.#rig.call(method, this.#placed(path), body, contentType);

  async get<T>(path: string): Promise<T> {
    return (await this.call('GET', path)) as T;
  }

  commit(files: Readonly<Record<string, string>>): void {
    this.#files = Object.fromEntries(Object.entries(files).map(([id, text]) => [id, this.#placed(text)]));
    this.#commits++;
    const encode = (text: string) => ({ kind: 'bytes' as const, bytes: new TextEncoder().encode(text) });
    const list = Object.entries(this.#files).map(([id, text]) => ({ id: specId(id), blobId: text, content: encode(text) }));
    const options = { defaultNamespace: this.namespace, namespaceFromFolder: false, root: '' };
    const head = {
      revision: revision(`r${this.#commits}`),
      source: 'repo main /',
      files: list,
      commits: [],
      problems: [],
      movedAfterMs: 0,
      fetchedAtMs: 0,
    };
    const set = buildSpecSet(head, options, newDecodeCache());
    expect([...set.broken]).toEqual([]);
    this.#world = { ...this.#world, specs: complete(set) };
  }

  async run(): Promise<ClusterRun> {
    await this.#caughtUp();
    this.#rig.proxy.forget();
    const ports = {
      cluster: this.#leg,
      registry: this.#registry(),
      leases: { consul: LEASE, kubernetes: LEASE },
      mayBegin: () => true,
    };
    const input = { ports, policy: this.#policy, clock: CLOCK, memos: this.#memos, specs: this.#world.specs };
    const { outcomes, last } = await reconcile({ ...input, dryRun: false, onOutcome: () => undefined }, this.#rig.signal);
    const cluster = outcomes.flatMap((one) =>
      one.action.kind === 'apply-object' || one.action.kind === 'delete-object' ? [{ ...one, action: one.action }] : [],
    );
    const applies = cluster.flatMap(({ action }) =>
      action.kind === 'apply-object' ? [[objectTitle(action.key), action.changes] as const] : [],
    );
    return {
      did: cluster.map(({ action, result, problem }) => {
        const what = `${action.kind === 'apply-object' ? action.why : 'delete'} ${objectTitle(action.key)}`;
        return this.#plain(result === 'done' ? what : `${what}: ${problem?.code ?? result}`);
      }),
      changes: Object.fromEntries(applies.map(([title, changes]) => [this.#plain(title), changes])),
      problems: [...last.guarded.plans.flatMap(({ problems }) => problems), ...cluster.flatMap(({ problem }) => problem ?? [])].map(
        ({ code, message }) => this.#plain(`${code} ${message}`),
      ),
      writes: this.#rig.proxy
        .seen()
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path, query }) => this.#plain(`${method} ${path}${query.has('dryRun') ? ' (dry run)' : ''}`)),
    };
  }

  async settle(told: readonly string[] = []): Promise<readonly string[]> {
    const did = new Set<string>();
    for (let runs = 0; runs < 20; runs++) {
      const run = await this.run();
      for (const what of run.did) if (!what.includes(': ')) did.add(what);
      // It rests until the watch has shown what came before it.
      if (![...run.did, ...run.problems].some((what) => what.includes('KUBERNETES_CONFLICT'))) {
        expect(run.problems).toEqual(told);
        return [...did].sort();
      }
      await delay(100);
    }
    throw new Error('every write came too late');
  }

  interrupt(cuts: ((request: SeenRequest) => boolean) | undefined): void {
    this.#rig.proxy.answer(cuts === undefined ? undefined : (request) => (cuts(request) ? 'cut' : undefined));
  }

  async restart(): Promise<void> {
    await this.#leg.stop();
    this.#memos = createMemos();
    this.#leg = await this.#rig.open();
  }

  async expectRest(): Promise<void> {
    expect(await this.run()).toMatchObject({ did: [], writes: [] });
    await this.restart();
    expect(await this.run()).toMatchObject({ did: [], writes: [] });
  }

  close(): Promise<void> {
    return this.#rig.close();
  }

  #placed = (text: string): string => text.replaceAll(/\bNS\b/g, this.namespace);
  #plain = (text: string): string => text.replaceAll(this.namespace, 'NS');

  /** Waits until every object of the specs that the watches show is the one that the server shows. */
  async #caughtUp(): Promise<void> {
    const objects = [...(snapshotValue(this.#world.specs)?.specs.values() ?? [])].flatMap((spec) => spec.objects);
    for (const { key, object } of objects) {
      const { apiVersion, kind, metadata } = object;
      const folder = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
      const path = `${folder}${place}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
      const seen = async (): Promise<true | undefined> => {
        const state = this.#leg.state();
        const live = [...state.objects.values(), state.services]
          .map((all) => snapshotValue(all)?.get(key))
          .find((one) => one !== undefined);
        if (live === undefined || live.labels['poolkeeper.dev/owner'] !== this.#policy.owner) return true;
        const shown = (await this.call('GET', path).catch(() => undefined)) as Shown | undefined;
        return shown?.metadata.resourceVersion === live.resourceVersion && isQuiet(shown) ? true : undefined;
      };
      await waitUntil(`the watch shows ${key}`, seen);
    }
  }

  /** Consul, as a model that every commit is folded into. */
  #registry(): Registry {
    return {
      state: () => this.#world.registry,
      changed: () => () => undefined,
      refresh: async () => undefined,
      commit: async (actions): Promise<readonly RegistryResult[]> => {
        const { registry } = applyToWorld(this.#world, actions);
        const flags = kvFlags(this.#policy.owner, this.#policy.cluster);
        const ours = (kv: ReadonlyMap<KvKey, KvEntry>): ReadonlyMap<KvKey, KvEntry> =>
          new Map([...kv].map(([key, entry]) => [key, { ...entry, flags }]));
        this.#world = { ...this.#world, registry: mapSnapshot(registry, (state) => ({ ...state, kv: ours(state.kv) })) };
        return actions.map(() => ({ kind: 'done' }));
      },
    };
  }
}
