import { isDeepStrictEqual } from 'node:util';
import { ownershipOf } from '../../src/core/desired/ownership.ts';
import type { Action, NodeAction } from '../../src/core/model/action.ts';
import type { ObjectKey, PoolKey, SpecId } from '../../src/core/model/ids.ts';
import { kindOf, nodeName, poolKey, revision, SERVICE_KIND, specId } from '../../src/core/model/ids.ts';
import type { Memory } from '../../src/core/model/memory.ts';
import { EMPTY_MEMORY } from '../../src/core/model/memory.ts';
import type { EndpointFacts, NodeFacts } from '../../src/core/model/nodes.ts';
import type { LiveObject } from '../../src/core/model/objects.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import type { SpecSet } from '../../src/core/model/spec-set.ts';
import type { World } from '../../src/core/model/world.ts';
import { forgetDrained } from '../../src/core/plan/plan-removals.ts';
import { createMemos } from '../../src/run/reconcile.ts';
import { complete, EMPTY_REGISTRY, NOW_MS, node, POLICY, spec, specSet, stale, unavailable, world } from './builders.ts';
import type { ModelPlan } from './model-world.ts';
import { applyToWorld, planWorld } from './model-world.ts';
import type { AppSpec } from './simulated-app.ts';
import { objectsOf } from './simulated-app.ts';

export const SOURCES = ['specs', 'services', 'nodes', 'endpoints', 'registry'] as const;
export type Source = (typeof SOURCES)[number];

/** Broken rules of a simulation, in words; a test expects none. */
export type Violation = string;

/**
 * A site in memory: files, a cluster, a catalog, and a daemon that plans with the pure core and writes what it planned. Every
 * single write is checked against the promises. Sources may fail; then the daemon sees what it saw last, or nothing.
 */
export class Simulation {
  readonly files = new Map<SpecId, AppSpec | 'broken'>();
  readonly violations: Violation[] = [];
  nodes: readonly NodeFacts[] = [1, 2, 3, 4].map((i) => node(`n${i}`));
  /** Names of Services whose pods are not ready. */
  readonly unready = new Set<string>();
  nowMs = NOW_MS;
  /** What the servers hold. */
  truth: World = world({ specs: complete(specSet([])), nodes: [] });
  memory: Memory = EMPTY_MEMORY;
  readonly #memos = createMemos();
  readonly #outages = new Map<Source, { readonly kind: 'stale' | 'unavailable'; readonly seen: World }>();
  /** When the last instance with this NodePort left Consul, by `pool:port`. */
  readonly #leftAtMs = new Map<string, number>();
  readonly #removed: { readonly pool: PoolKey; readonly atMs: number; readonly owned: number }[] = [];
  #served: ReadonlyMap<PoolKey, EndpointFacts> = new Map();
  #revision = 0;

  /** Everything as it is, without any outage. */
  now(): World {
    const base = this.truth;
    return {
      ...base,
      specs: complete(this.#specSet()),
      cluster: { ...base.cluster, nodes: complete(this.nodes), endpoints: this.#endpoints() },
    };
  }

  /** What the daemon sees. */
  seen(): World {
    const now = this.now();
    const pick = <T>(source: Source, of: (world: World) => Snapshot<T>): Snapshot<T> => {
      const outage = this.#outages.get(source);
      if (outage === undefined) return of(now);
      const value = snapshotValue(of(outage.seen));
      return outage.kind === 'stale' && value !== undefined ? stale(value) : unavailable();
    };
    return {
      specs: pick('specs', (w) => w.specs),
      cluster: {
        ...now.cluster,
        services: pick('services', (w) => w.cluster.services),
        nodes: pick('nodes', (w) => w.cluster.nodes),
        endpoints: pick('endpoints', (w) => w.cluster.endpoints),
      },
      registry: pick('registry', (w) => w.registry),
    };
  }

  fail(source: Source, kind: 'stale' | 'unavailable'): void {
    if (!this.#outages.has(source)) this.#outages.set(source, { kind, seen: this.now() });
  }

  mend(source: Source): void {
    this.#outages.delete(source);
  }

  /** A commit. */
  change(edit: (files: Map<SpecId, AppSpec | 'broken'>) => void): void {
    edit(this.files);
    this.#revision++;
  }

  /** One run of at most four passes; a crash ends it after so many writes. */
  run(crashAfter = Number.POSITIVE_INFINITY): void {
    let left = crashAfter;
    for (let pass = 0; pass < 3; pass++) {
      const plan = this.plan();
      if (!this.#saveMemory(plan) || left <= 0) return;
      const actions = this.open(plan);
      const done = actions.slice(0, left).filter((action) => this.#apply(action));
      left -= actions.length;
      if (done.length === 0) return;
    }
  }

  /** What is remembered of earlier passes may save work, and must not change the plan. */
  plan(): ModelPlan {
    const seen = this.seen();
    const moment = { memory: this.memory, nowMs: this.nowMs };
    const plan = planWorld(seen, { ...moment, memos: this.#memos });
    const anew = planWorld(seen, moment);
    if (!isDeepStrictEqual(plan.guarded.plans, anew.guarded.plans)) {
      this.violations.push(`a remembered plan is not what is planned anew: ${differing(plan.guarded.plans, anew.guarded.plans)}`);
    }
    return plan;
  }

  /** Everything that a plan would do, in the order of doing. */
  open(plan: ModelPlan): readonly (Action | NodeAction)[] {
    return [...plan.nodes, ...plan.actions, ...forgetDrained(plan.context, `kubernetes/.poolkeeper/${POLICY.cluster}/draining/`)];
  }

  registry(): RegistryState {
    return snapshotValue(this.truth.registry) ?? EMPTY_REGISTRY;
  }

  live(): ReadonlyMap<ObjectKey, LiveObject> {
    const { services, objects } = this.truth.cluster;
    return new Map([
      ...(snapshotValue(services) ?? []),
      ...[...objects.values()].flatMap((snapshot) => [...(snapshotValue(snapshot) ?? [])]),
    ]);
  }

  /** Somebody changes the servers behind the daemon's back. */
  meddle(change: { readonly objects?: readonly LiveObject[]; readonly registry?: RegistryState }): void {
    this.truth = world({
      specs: this.truth.specs,
      nodes: [],
      objects: change.objects ?? [...this.live().values()],
      registry: complete(change.registry ?? this.registry()),
    });
    this.#noteLeft();
  }

  /** Somebody deletes the draining keys. Only of NodePorts that an entry of their own holds open can the daemon still tell. */
  forgetDrains(): void {
    const registry = this.registry();
    this.meddle({ registry: { ...registry, kv: new Map([...registry.kv].filter(([key]) => !key.includes('/draining/'))) } });
    const held = [...this.live().values()].flatMap(({ namespace, name, spec: { ports } }) =>
      ((ports ?? []) as readonly { readonly name: string; readonly nodePort: number }[]).flatMap((port) =>
        port.name.endsWith('-draining') ? [`${namespace}/${name}:${port.nodePort}`] : [],
      ),
    );
    for (const port of this.#leftAtMs.keys()) if (!held.includes(port)) this.#leftAtMs.delete(port);
    this.#noteLeft();
  }

  #specSet(): SpecSet {
    const broken = [...this.files].filter(([, app]) => app === 'broken').map(([id]) => [id, []] as const);
    const specs = [...this.files].flatMap(([id, app]) => (app === 'broken' ? [] : [spec(id, ...objectsOf(app))]));
    return { ...specSet(specs, { broken: Object.fromEntries(broken) }), revision: revision(`r${this.#revision}`) };
  }

  #endpoints(): Snapshot<ReadonlyMap<PoolKey, EndpointFacts>> {
    const facts = [...this.live().values()].flatMap((live) => {
      if (live.kind !== 'Service' || this.unready.has(live.name)) return [];
      const names = ((live.spec['ports'] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name);
      const pool = poolKey(live.namespace, live.name);
      return [[pool, { pool, ready: 2, readyNodes: [nodeName('n1'), nodeName('n2')], portNames: names }] as const];
    });
    // As the watches do: what is the same stays the very same.
    const kept = facts.map(
      ([pool, fact]) => [pool, isDeepStrictEqual(this.#served.get(pool), fact) ? (this.#served.get(pool) ?? fact) : fact] as const,
    );
    this.#served = new Map(kept);
    return complete(this.#served);
  }

  #saveMemory(plan: ModelPlan): boolean {
    const { memory } = plan.guarded;
    if (this.#outages.has('registry')) return true;
    this.memory = memory;
    return true;
  }

  /** Writes one action unless its server is away; false when it was not written. */
  #apply(action: Action | NodeAction): boolean {
    const isCluster = action.kind === 'apply-object' || action.kind === 'delete-object';
    if (this.#outages.has(isCluster ? 'services' : 'registry')) return false;
    this.#checkBefore(action);
    const before = this.registry();
    this.truth = applyToWorld(this.truth, [action]);
    this.#noteLeft();
    this.#checkAfter(action, before);
    return true;
  }

  #noteLeft(): void {
    for (const live of this.live().values()) {
      if (live.kind !== 'Service') continue;
      const pool = poolKey(live.namespace, live.name);
      for (const instance of this.registry().instances.get(pool) ?? []) this.#leftAtMs.set(`${pool}:${instance.port}`, this.nowMs);
    }
  }

  #checkBefore(action: Action | NodeAction): void {
    if (action.kind === 'delete-object' || action.kind === 'deregister-pool') {
      const dark = [...this.#outages.keys()].filter((source) => source !== 'endpoints');
      if (dark.length > 0) this.violations.push(`${action.kind} while ${dark.join(', ')} did not answer`);
    }
    if (action.kind === 'delete-object') {
      const live = this.live().get(action.key);
      if (live === undefined || ownershipOf(live, POLICY.owner) !== 'owned')
        this.violations.push(`${action.key} is deleted and is not ours`);
      const file = specId(live?.annotations['poolkeeper.dev/spec'] ?? '');
      const decoded = this.files.get(file) !== 'broken' && this.files.has(file);
      if (!decoded && [...this.files.values()].includes('broken'))
        this.violations.push(`${action.key} is deleted and may live in a broken file`);
      if (this.#isWanted(action.key)) this.violations.push(`${action.key} is deleted although a spec holds it`);
      this.#checkClosing(live, []);
    }
    if (action.kind === 'apply-object') {
      const live = this.live().get(action.key);
      if (live !== undefined && ownershipOf(live, POLICY.owner) === 'stranger')
        this.violations.push(`${action.key} is changed and is not ours`);
      const after = applyToWorld(this.truth, [action]);
      this.#checkClosing(live, portsIn(snapshotValue(after.cluster.services)?.get(action.key)));
    }
    if (action.kind === 'deregister-pool') this.#checkRemoval(action.pool);
    if (action.kind === 'delete-node') {
      const used = [...this.registry().instances.values()].flat().some((instance) => instance.consulNode === action.name);
      if (used) this.violations.push(`Consul node ${action.name} is deleted with instances on it`);
    }
  }

  #isWanted(key: ObjectKey): boolean {
    const specs = [...this.#specSet().specs.values()];
    return specs.some(({ objects }) => objects.some((object) => object.key === key));
  }

  /** No NodePort closes while it is registered, or before what left Consul has drained. */
  #checkClosing(live: LiveObject | undefined, after: readonly number[]): void {
    if (live === undefined || kindOf(live.key) !== SERVICE_KIND || live.deleting) return;
    const pool = poolKey(live.namespace, live.name);
    for (const port of portsIn(live)) {
      if (after.includes(port)) continue;
      if (
        this.registry()
          .instances.get(pool)
          ?.some((instance) => instance.port === port)
      ) {
        this.violations.push(`NodePort ${port} of ${pool} closes while it is registered`);
      }
      const leftAtMs = this.#leftAtMs.get(`${pool}:${port}`);
      const drainedAtMs = (leftAtMs ?? 0) + POLICY.letGoMs + POLICY.drainSeconds * 1000;
      if (leftAtMs !== undefined && drainedAtMs > this.nowMs)
        this.violations.push(`NodePort ${port} of ${pool} closes before it has drained`);
    }
  }

  #checkRemoval(pool: PoolKey): void {
    const owned = this.registry().instances.size;
    const standing = this.registry().instances;
    this.#removed.push({ pool, atMs: this.nowMs, owned });
    const lately = this.#removed.filter((one) => one.atMs > this.nowMs - POLICY.guard.windowMs);
    const gone = new Set(lately.filter((one) => one.pool === pool || !standing.has(one.pool)).map((one) => one.pool));
    const highest = Math.max(...lately.map((one) => one.owned));
    if (gone.size > Math.max(2, Math.floor(highest * 0.1))) this.violations.push(`${gone.size} pools of ${highest} left within the window`);
  }

  #checkAfter(action: Action | NodeAction, before: RegistryState): void {
    if (action.kind !== 'register-pool') return;
    const instances = this.registry().instances.get(action.pool) ?? [];
    if (instances.length === 0) this.violations.push(`pool ${action.pool} is emptied by ${action.changes.join()}`);
    const dialects = new Set(instances.map(({ tags, service: name }) => JSON.stringify([name, tags])));
    if (dialects.size > 1) this.violations.push(`pool ${action.pool} is mixed after ${action.changes.join()}`);
    const name = instances[0]?.service;
    const others = [...this.registry().instances].filter(
      ([pool, list]) => pool !== action.pool && list.some((one) => one.service === name),
    );
    const had = before.instances.get(action.pool)?.some((one) => one.service === name) ?? false;
    if (others.length > 0 && !had) this.violations.push(`pool ${action.pool} joins the Consul service ${name} of ${others[0]?.[0]}`);
  }
}

const portsIn = (live: LiveObject | undefined): readonly number[] =>
  ((live?.spec['type'] === 'NodePort' ? live.spec['ports'] : []) as readonly { readonly nodePort: number }[]).map(
    ({ nodePort }) => nodePort,
  );

const differing = (remembered: readonly object[], anew: readonly object[]): string =>
  JSON.stringify(remembered.flatMap((plan, i) => (isDeepStrictEqual(plan, anew[i]) ? [] : [{ remembered: plan, anew: anew[i] }])));
