import { isDeepStrictEqual } from 'node:util';
import type { Action, NodeAction } from '../../src/core/model/action.ts';
import type { ObjectKey, PoolKey, SpecId } from '../../src/core/model/ids.ts';
import { nodeName, poolKey } from '../../src/core/model/ids.ts';
import type { Memory } from '../../src/core/model/memory.ts';
import { EMPTY_MEMORY } from '../../src/core/model/memory.ts';
import type { EndpointFacts, NodeFacts } from '../../src/core/model/nodes.ts';
import type { LiveObject } from '../../src/core/model/objects.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import type { World } from '../../src/core/model/world.ts';
import { forgetDrained } from '../../src/core/plan/plan-removals.ts';
import { createMemos } from '../../src/run/run-memos.ts';
import { complete, EMPTY_REGISTRY, NOW_MS, node, POLICY, specSet, stale, unavailable, world } from './builders.ts';
import type { ModelPlan } from './model-world.ts';
import { applyToWorld, planWorld } from './model-world.ts';
import { withoutSwapped } from './simulated-agents.ts';
import type { AppSpec, Files } from './simulated-app.ts';
import { SimulatedRepository } from './simulated-app.ts';
import { Promises, type Violation } from './simulated-promises.ts';

export const SOURCES = ['specs', 'services', 'nodes', 'endpoints', 'registry'] as const;
export type Source = (typeof SOURCES)[number];

/** One plan in so many is made anew as well and compared: that costs as much as everything else. */
const COMPARED = 3;

/**
 * A site in memory: files, a cluster, a catalog, and a daemon that plans with the pure core and writes what it planned. Every
 * single write is checked against the promises. Sources may fail; then the daemon sees what it saw last, or nothing.
 */
export class Simulation {
  nodes: readonly NodeFacts[] = [1, 2, 3, 4].map((i) => node(`n${i}`));
  /** Names of Services whose pods are not ready. */
  readonly unready = new Set<string>();
  nowMs = NOW_MS;
  /** What the servers hold. */
  truth: World = world({ specs: complete(specSet([])), nodes: [] });
  memory: Memory = EMPTY_MEMORY;
  readonly #repository = new SimulatedRepository();
  readonly #memos = createMemos();
  readonly #outages = new Map<Source, { readonly kind: 'stale' | 'unavailable'; readonly seen: World }>();
  readonly #promises = new Promises(this);
  #served: ReadonlyMap<PoolKey, EndpointFacts> = new Map();
  #plans = 0;

  get files(): ReadonlyMap<SpecId, AppSpec | 'broken'> {
    return this.#repository.files;
  }

  get violations(): readonly Violation[] {
    return this.#promises.violations;
  }

  /** The sources that do not answer. */
  get dark(): readonly Source[] {
    return [...this.#outages.keys()];
  }

  /** Everything as it is, without any outage. */
  now(): World {
    const base = this.truth;
    return {
      ...base,
      specs: complete(this.#repository.head()),
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
  change(edit: (files: Files) => void): void {
    this.#repository.commit(edit);
  }

  /** One run of at most three passes; a crash ends it after so many writes. */
  run(crashAfter = Number.POSITIVE_INFINITY): void {
    let left = crashAfter;
    for (let pass = 0; pass < 3; pass++) {
      const plan = this.plan();
      if (!this.#outages.has('registry')) this.memory = plan.guarded.memory;
      if (left <= 0) return;
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
    if (this.#plans++ % COMPARED !== 0) return plan;
    const anew = planWorld(seen, moment);
    if (!isDeepStrictEqual(plan.guarded.plans, anew.guarded.plans)) {
      this.#promises.note(`a remembered plan is not what is planned anew: ${differing(plan.guarded.plans, anew.guarded.plans)}`);
    }
    return plan;
  }

  /** Everything that a plan would do, in the order of doing. */
  open(plan: ModelPlan): readonly (Action | NodeAction)[] {
    const drained = forgetDrained(plan.context, `kubernetes/.poolkeeper/${POLICY.cluster}/draining/`);
    return [...plan.nodes, ...plan.actions, ...plan.records, ...drained];
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
    this.#promises.noteLeft();
  }

  /** Somebody deletes the draining keys. Only of NodePorts that an entry of their own holds open can the daemon still tell. */
  forgetDrains(): void {
    const registry = this.registry();
    this.meddle({ registry: { ...registry, kv: new Map([...registry.kv].filter(([key]) => !key.includes('/draining/'))) } });
    this.#promises.forgetDrains();
  }

  #endpoints(): Snapshot<ReadonlyMap<PoolKey, EndpointFacts>> {
    const services = [...this.live().values()].filter(({ kind }) => kind === 'Service');
    const facts = services.map(({ namespace, name, spec: { ports } }): readonly [PoolKey, EndpointFacts] => {
      const pool = poolKey(namespace, name);
      if (this.unready.has(name)) return [pool, { pool, ready: 0, readyNodes: [], portNames: [] }];
      const portNames = ((ports ?? []) as readonly { readonly name: string }[]).map((port) => port.name);
      return [pool, { pool, ready: 2, readyNodes: [nodeName('n1'), nodeName('n2')], portNames }];
    });
    // As the watches do: what is the same stays the very same.
    const kept = facts.map(
      ([pool, fact]) => [pool, isDeepStrictEqual(this.#served.get(pool), fact) ? (this.#served.get(pool) ?? fact) : fact] as const,
    );
    this.#served = new Map(kept);
    return complete(this.#served);
  }

  /** Writes one action unless its server is away; false when it was not written. */
  #apply(action: Action | NodeAction): boolean {
    const isCluster = action.kind === 'apply-object' || action.kind === 'delete-object';
    if (this.#outages.has(isCluster ? 'services' : 'registry')) return false;
    this.#promises.checkBefore(action);
    const before = this.registry();
    this.truth = withoutSwapped(applyToWorld(this.truth, [action]), action);
    this.#promises.noteLeft();
    this.#promises.checkAfter(action, before);
    return true;
  }
}

const differing = (remembered: readonly object[], anew: readonly object[]): string =>
  JSON.stringify(remembered.flatMap((plan, i) => (isDeepStrictEqual(plan, anew[i]) ? [] : [{ remembered: plan, anew: anew[i] }])));
