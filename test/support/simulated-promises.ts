import { ownershipOf } from '../../src/core/desired/ownership.ts';
import type { Action, NodeAction, RegisterPool } from '../../src/core/model/action.ts';
import { poolCheckKind } from '../../src/core/model/consul-names.ts';
import type { ObjectKey, PoolKey, SpecId } from '../../src/core/model/ids.ts';
import { kindOf, poolKey, SERVICE_KIND, specId } from '../../src/core/model/ids.ts';
import type { LiveObject } from '../../src/core/model/objects.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import type { World } from '../../src/core/model/world.ts';
import { POLICY } from './builders.ts';
import { applyToWorld } from './model-world.ts';

/** A broken rule, in words. */
export type Violation = string;

/** What is looked at. */
interface Site {
  readonly nowMs: number;
  readonly truth: World;
  readonly files: ReadonlyMap<SpecId, unknown>;
  /** The sources that do not answer. */
  readonly dark: readonly string[];
  now(): World;
  registry(): RegistryState;
  live(): ReadonlyMap<ObjectKey, LiveObject>;
}

/** The promises that no write may break. */
export class Promises {
  readonly #site: Site;
  readonly #violations: Violation[] = [];
  /** When the last instance with this NodePort left Consul, by `pool:port`. */
  readonly #leftAtMs = new Map<string, number>();
  readonly #removed: { readonly pool: PoolKey; readonly atMs: number; readonly owned: number }[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  /** What has been broken so far; a test expects nothing. */
  get violations(): readonly Violation[] {
    return this.#violations;
  }

  note(violation: Violation): void {
    this.#violations.push(violation);
  }

  /** Nobody can tell any more what drains, but for NodePorts that an entry of their own holds open. */
  forgetDrains(): void {
    const held = [...this.#site.live().values()].flatMap(({ namespace, name, spec: { ports } }) =>
      ((ports ?? []) as readonly { readonly name: string; readonly nodePort: number }[]).flatMap((port) =>
        port.name.endsWith('-draining') ? [`${namespace}/${name}:${port.nodePort}`] : [],
      ),
    );
    for (const port of this.#leftAtMs.keys()) if (!held.includes(port)) this.#leftAtMs.delete(port);
    this.noteLeft();
  }

  /** Notes which NodePorts are registered now: what is so no longer has left then. */
  noteLeft(): void {
    for (const live of this.#site.live().values()) {
      if (live.kind !== 'Service') continue;
      const pool = poolKey(live.namespace, live.name);
      for (const instance of this.#site.registry().instances.get(pool) ?? [])
        this.#leftAtMs.set(`${pool}:${instance.port}`, this.#site.nowMs);
    }
  }

  /** Checks what is about to be written. */
  checkBefore(action: Action | NodeAction): void {
    if (action.kind === 'delete-object' || action.kind === 'deregister-pool') {
      const dark = this.#site.dark.filter((source) => source !== 'endpoints');
      if (dark.length > 0) this.note(`${action.kind} while ${dark.join(', ')} did not answer`);
    }
    if (action.kind === 'delete-object') {
      const live = this.#site.live().get(action.key);
      if (live === undefined || ownershipOf(live, POLICY.owner) !== 'owned') this.note(`${action.key} is deleted and is not ours`);
      const file = specId(live?.annotations['poolkeeper.dev/spec'] ?? '');
      const decoded = this.#site.files.get(file) !== 'broken' && this.#site.files.has(file);
      if (!decoded && [...this.#site.files.values()].includes('broken'))
        this.note(`${action.key} is deleted and may live in a broken file`);
      if (this.#isWanted(action.key)) this.note(`${action.key} is deleted although a spec holds it`);
      this.#checkClosing(live, []);
    }
    if (action.kind === 'apply-object') {
      const live = this.#site.live().get(action.key);
      if (live !== undefined && ownershipOf(live, POLICY.owner) === 'stranger') this.note(`${action.key} is changed and is not ours`);
      const after = applyToWorld(this.#site.truth, [action]);
      this.#checkClosing(live, portsIn(snapshotValue(after.cluster.services)?.get(action.key)));
    }
    if (action.kind === 'deregister-pool') this.#checkRemoval(action.pool);
    if (action.kind === 'delete-node') {
      const used = [...this.#site.registry().instances.values()].flat().some((instance) => instance.consulNode === action.name);
      if (used) this.note(`Consul node ${action.name} is deleted with instances on it`);
    }
  }

  #isWanted(key: ObjectKey): boolean {
    const specs = snapshotValue(this.#site.now().specs)?.specs;
    return [...(specs?.values() ?? [])].some(({ objects }) => objects.some((object) => object.key === key));
  }

  /** No NodePort closes while it is registered, or before what left Consul has drained. */
  #checkClosing(live: LiveObject | undefined, after: readonly number[]): void {
    if (live === undefined || kindOf(live.key) !== SERVICE_KIND || live.deleting) return;
    const pool = poolKey(live.namespace, live.name);
    for (const port of portsIn(live)) {
      if (after.includes(port)) continue;
      if (
        this.#site
          .registry()
          .instances.get(pool)
          ?.some((instance) => instance.port === port)
      ) {
        this.note(`NodePort ${port} of ${pool} closes while it is registered`);
      }
      const leftAtMs = this.#leftAtMs.get(`${pool}:${port}`);
      const drainedAtMs = (leftAtMs ?? 0) + POLICY.letGoMs + POLICY.drainSeconds * 1000;
      if (leftAtMs !== undefined && drainedAtMs > this.#site.nowMs) this.note(`NodePort ${port} of ${pool} closes before it has drained`);
    }
  }

  #checkRemoval(pool: PoolKey): void {
    const owned = this.#site.registry().instances.size;
    const standing = this.#site.registry().instances;
    this.#removed.push({ pool, atMs: this.#site.nowMs, owned });
    const lately = this.#removed.filter((one) => one.atMs > this.#site.nowMs - POLICY.guard.windowMs);
    const gone = new Set(lately.filter((one) => one.pool === pool || !standing.has(one.pool)).map((one) => one.pool));
    const highest = Math.max(...lately.map((one) => one.owned));
    if (gone.size > Math.max(2, Math.floor(highest * 0.1))) this.note(`${gone.size} pools of ${highest} left within the window`);
  }

  /** Checks what has been written. */
  checkAfter(action: Action | NodeAction, before: RegistryState): void {
    if (action.kind !== 'register-pool') return;
    const instances = this.#site.registry().instances.get(action.pool) ?? [];
    const emptied = instances.length === 0 && before.instances.has(action.pool) && !isSwap(action, before);
    if (emptied) this.note(`pool ${action.pool} is emptied by ${action.changes.join()}`);
    const dialects = new Set(instances.map(({ tags, service: name }) => JSON.stringify([name, tags])));
    if (dialects.size > 1) this.note(`pool ${action.pool} is mixed after ${action.changes.join()}`);
    const name = instances[0]?.service;
    const others = [...this.#site.registry().instances].filter(
      ([pool, list]) => pool !== action.pool && list.some((one) => one.service === name),
    );
    const had = before.instances.get(action.pool)?.some((one) => one.service === name) ?? false;
    if (others.length > 0 && !had) this.note(`pool ${action.pool} joins the Consul service ${name} of ${others[0]?.[0]}`);
    this.#checkHealth(action, before);
    this.#checkAgents(action, before);
  }

  /** All instances of a pool say that nothing serves it, or none; and none says so first while something does. */
  #checkHealth({ pool }: RegisterPool, before: RegistryState): void {
    const [was, is] = [criticalOf(pool, before), criticalOf(pool, this.#site.registry())];
    const all = this.#site.registry().instances.get(pool)?.length ?? 0;
    if (is !== 0 && is !== all) this.note(`pool ${pool} is critical on ${is} of ${all} instances`);
    const ready = snapshotValue(this.#site.now().cluster.endpoints)?.get(pool)?.ready ?? 0;
    if (is > 0 && was === 0 && ready > 0 && !this.#site.dark.includes('endpoints')) this.note(`pool ${pool} turns critical and is served`);
  }

  /** The catalog does not enter where agents register already. */
  #checkAgents({ pool, set }: RegisterPool, before: RegistryState): void {
    if (before.instances.has(pool)) return;
    const doubled = set.filter(({ service, address }) =>
      this.#site
        .registry()
        .agents?.get(service)
        ?.some((one) => one.address === address),
    );
    if (doubled.length > 0) this.note(`pool ${pool} is registered twice on ${doubled.map(({ node }) => node).join()}`);
  }
}

const portsIn = (live: LiveObject | undefined): readonly number[] =>
  ((live?.spec['type'] === 'NodePort' ? live.spec['ports'] : []) as readonly { readonly nodePort: number }[]).map(
    ({ nodePort }) => nodePort,
  );

/** How many instances of a pool stand in Consul as served by nobody. */
function criticalOf(pool: PoolKey, { instances, checks }: RegistryState): number {
  const standing = new Set(instances.get(pool)?.map(({ consulNode, id }) => `${consulNode}/${id}`));
  const isCritical = (checkId: string, status: string): boolean => poolCheckKind(pool, checkId) === 'endpoints' && status === 'critical';
  return [...checks.values()].filter(
    ({ consulNode, instanceId, checkId, status }) => isCritical(checkId, status) && standing.has(`${consulNode}/${instanceId}`),
  ).length;
}

/** Agents register what the catalog gives up. */
const isSwap = ({ service }: RegisterPool, { agents }: RegistryState): boolean => (agents?.get(service)?.length ?? 0) > 0;
