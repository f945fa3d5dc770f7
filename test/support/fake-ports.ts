import type { ClusterAction, NodeAction, RegistryAction } from '../../src/core/model/action.ts';
import type { ObjectKey } from '../../src/core/model/ids.ts';
import { kvKey } from '../../src/core/model/ids.ts';
import type { LiveObject } from '../../src/core/model/objects.ts';
import type { Cluster, ClusterResult, Fence, Lease, LeaseState, Registry, RegistryResult } from '../../src/core/model/ports.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import { mapSnapshot, snapshotValue } from '../../src/core/model/snapshot.ts';
import type { SpecSet } from '../../src/core/model/spec-set.ts';
import type { World } from '../../src/core/model/world.ts';
import type { ApplyPorts, Outcome } from '../../src/run/apply-plan.ts';
import type { RunInput, RunResult } from '../../src/run/reconcile.ts';
import { reconcile } from '../../src/run/reconcile.ts';
import type { RunMemos } from '../../src/run/run-memos.ts';
import { createMemos } from '../../src/run/run-memos.ts';
import type { Problem } from '../../src/shared/problem.ts';
import { complete, NOW_MS, POLICY } from './builders.ts';
import { applyToWorld } from './model-world.ts';

const FENCE: Fence = { key: kvKey('leader'), session: 's1' };

/** A lease that a test gives and takes. */
export class FakeLease implements Lease {
  held = true;
  state(): LeaseState {
    return this.held ? { held: true, fence: FENCE, untilMs: Number.MAX_SAFE_INTEGER } : { held: false, holder: 'another' };
  }
  changed(): () => void {
    return () => undefined;
  }
  async release(): Promise<void> {
    this.held = false;
  }
}

/** What a write is called in the journal: `apply-object apps/Deployment/default/web`. */
function nameOf(action: ClusterAction | RegistryAction): string {
  if (action.kind === 'apply-object' || action.kind === 'delete-object') return `${action.kind} ${action.key}`;
  if (action.kind === 'register-pool' || action.kind === 'deregister-pool') return `${action.kind} ${action.pool}`;
  if (action.kind === 'write-kv') return `write-kv ${action.writes.map(({ key }) => key).join()}`;
  return `${action.kind} ${action.kind === 'ensure-node' ? action.node.name : action.name}`;
}

/**
 * Both servers as one world in memory, behind the ports: every write is folded into it before it returns, and written down in
 * the order of its beginning. `refuse` may fail a write, `before` may do something else first.
 */
export class FakeSite {
  world: World;
  readonly journal: string[] = [];
  /** Sizes of the commits to the registry, and the fences they carried. */
  readonly commits: { readonly size: number; readonly fence: Fence }[] = [];
  /** The objects that were tried by a dry run. */
  readonly checks: ObjectKey[] = [];
  readonly prepared: { readonly kinds: readonly string[]; readonly claims: readonly string[] }[] = [];
  readonly leases = { consul: new FakeLease(), kubernetes: new FakeLease() };
  refuse: (action: ClusterAction | RegistryAction, name: string) => Problem | undefined = () => undefined;
  /** What admission makes of an object before it is stored. */
  admit: (live: LiveObject) => LiveObject = (live) => live;
  before: (action: ClusterAction | RegistryAction, name: string) => Promise<void> | void = () => undefined;
  mayBegin = true;
  nowMs = NOW_MS;
  readonly memos: RunMemos = createMemos();

  constructor(world: World) {
    this.world = world;
  }

  ports(): ApplyPorts {
    const cluster: Cluster = {
      state: () => this.world.cluster,
      changed: () => () => undefined,
      prepare: async (kinds, claims) => void this.prepared.push({ kinds: [...kinds].sort(), claims: [...claims.keys()].sort() }),
      check: async (action): Promise<ClusterResult> => {
        this.checks.push(action.key);
        const problem = this.refuse(action, `check ${action.key}`);
        return problem === undefined ? { kind: 'done', changed: false } : { kind: 'failed', problem };
      },
      apply: async (action): Promise<ClusterResult> => {
        const problem = await this.#write(action);
        return problem === undefined ? { kind: 'done', changed: true, ...this.#stored(action) } : { kind: 'failed', problem };
      },
    };
    const registry: Registry = {
      state: () => this.world.registry,
      changed: () => () => undefined,
      refresh: async () => undefined,
      commit: async (actions, fence): Promise<readonly RegistryResult[]> => {
        this.commits.push({ size: actions.length, fence });
        const results: RegistryResult[] = [];
        for (const action of actions) {
          const problem = await this.#write(action);
          results.push(problem === undefined ? { kind: 'done' } : { kind: 'failed', problem });
        }
        return results;
      },
    };
    return { cluster, registry, leases: this.leases, mayBegin: () => this.mayBegin };
  }

  /** One run on the specs of the world. */
  async run(
    more: Partial<RunInput> = {},
    signal = new AbortController().signal,
  ): Promise<RunResult & { readonly told: readonly Outcome[] }> {
    const told: Outcome[] = [];
    const clock = { now: () => this.nowMs, random: () => 0.5 };
    const input = { ports: this.ports(), policy: POLICY, clock, memos: this.memos, specs: this.world.specs, dryRun: false };
    const result = await reconcile({ ...input, onOutcome: (outcome) => told.push(outcome), ...more }, signal);
    return { ...result, told };
  }

  commit(specs: Snapshot<SpecSet>): void {
    this.world = { ...this.world, specs };
  }

  /** What was written since the last call, without the keys of the memory and the records under `specifications/`. */
  takeJournal(): readonly string[] {
    return this.journal.splice(0).filter((line) => !/\/memory|\/specifications\//.test(line));
  }

  async #write(action: ClusterAction | RegistryAction): Promise<Problem | undefined> {
    const name = nameOf(action);
    this.journal.push(name);
    await this.before(action, name);
    const problem = this.refuse(action, name);
    if (problem !== undefined) return problem;
    const { specs, registry, cluster } = this.world;
    const folded = applyToWorld(this.world, [action as ClusterAction | NodeAction]);
    // What a source says of itself stays: only its content is folded.
    const keep = <T>(before: Snapshot<T>, after: Snapshot<T>): Snapshot<T> => {
      const value = snapshotValue(after);
      return before.kind === 'unavailable' || value === undefined ? before : { ...before, value };
    };
    const empty = [...cluster.objects].map(([kind, before]) => [kind, keep(before, complete(new Map()))] as const);
    const admitted = new Map([...folded.cluster.objects].map(([kind, after]) => [kind, mapSnapshot(after, (all) => this.#admitted(all))]));
    const full = [...admitted].map(([kind, after]) => [kind, keep(cluster.objects.get(kind) ?? after, after)] as const);
    const objects = new Map([...empty, ...full]);
    this.world = {
      specs,
      cluster: { ...cluster, services: keep(cluster.services, folded.cluster.services), objects },
      registry: keep(registry, folded.registry),
    };
    return undefined;
  }

  #admitted(all: ReadonlyMap<ObjectKey, LiveObject>): ReadonlyMap<ObjectKey, LiveObject> {
    return new Map([...all].map(([key, live]) => [key, this.admit(live)]));
  }

  #stored(action: ClusterAction): { readonly stored?: LiveObject } {
    const all = [...this.world.cluster.objects.values(), this.world.cluster.services].map((kind) => snapshotValue(kind)?.get(action.key));
    const stored = all.find((live) => live !== undefined);
    return action.kind === 'delete-object' || stored === undefined ? {} : { stored };
  }
}
