import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import { portsOf } from '../desired/service-ports.ts';
import type { KvWrite } from '../model/action.ts';
import { deploymentsKey, drainingKey, kvFlags } from '../model/consul-names.ts';
import type { KvKey, PoolKey } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { Draining, KvEntry } from '../model/registration.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, forgottenDrains, toldEntry } from './context.ts';
import type { EntryAgents } from './deployment-entry.ts';
import { deploymentValue, nodePortsOf, sameDeployment, untoldValue } from './deployment-entry.ts';
import { drainEnd } from './let-go.ts';
import { agentsOf } from './pool-agents.ts';
import { whyTooLarge, whyTooLongForPlugins } from './value-size.ts';

/** What becomes of a pool's entry under `deployments/`. */
export interface DeploymentStep {
  readonly write?: KvWrite;
  /** Why it is not written as it should be, or who could not read it. */
  readonly problem?: Problem;
  /** The NodePorts that agents are not told any more after the write. */
  readonly left: readonly number[];
}

/** Whether the pool's entry may be written: the ancestor's keys are adopted like objects, only when allowed. */
export function mayWriteEntry(view: PoolView, { registry, policy }: Pick<PlanContext, 'registry' | 'policy'>): boolean {
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, view.pool));
  return entry === undefined || isOurs(entry, policy) || policy.allowAdopt || view.settings.adopt === true;
}

const isOurs = (entry: KvEntry, { owner, cluster }: Policy): boolean => entry.flags === kvFlags(owner, cluster);

/** The entry under `deployments/` as it is to tell agents; undefined: it is left as it is. */
export function deploymentStep(view: PoolView, told: EntryAgents | undefined, context: PlanContext): DeploymentStep {
  if (told === undefined) return { left: [] };
  const { registry, policy } = context;
  const kvKey = deploymentsKey(policy.keyPath, view.pool);
  const entry = registry?.kv.get(kvKey);
  if (!mayWriteEntry(view, context)) {
    return { left: [], problem: problem('CONSUL_KEY_TAKEN', `the key ${kvKey} of pool ${view.pool} was written by someone else`) };
  }
  if (entry !== undefined && isOurs(entry, policy) && sameDeployment(entry.value, view, told)) {
    return { left: [], ...warningOf(kvKey, entry.value) };
  }
  const value = deploymentValue(view, told);
  const tooLarge = whyTooLarge(kvKey, value, registry);
  if (tooLarge !== undefined) return { left: [], problem: tooLarge };
  const ports = new Set(nodePortsOf(value));
  const left = entry === undefined ? [] : nodePortsOf(entry.value).filter((port) => !ports.has(port));
  return { write: { key: kvKey, value, modifyIndex: entry?.modifyIndex ?? 0 }, left, ...warningOf(kvKey, value) };
}

function warningOf(key: KvKey, value: string): Pick<DeploymentStep, 'problem'> {
  const tooLong = whyTooLongForPlugins(key, value);
  return tooLong === undefined ? {} : { problem: tooLong };
}

/**
 * The pool's `draining` key after `left` NodePorts leave Consul: new ones are remembered with the time, those that have
 * drained and are closed (or wanted again) are forgotten. One that is held open and that nobody remembers drains in full.
 * Undefined when nothing changes.
 */
export function drainingStep(view: PoolView, left: readonly number[], context: PlanContext): KvWrite | undefined {
  const known = drainingOf(view.pool, context.registry, context.policy);
  const ports = { ...known?.value.ports };
  const open = new Set(openPorts(view));
  for (const [port, sinceMs] of Object.entries(ports)) {
    const drained = drainEnd({ pool: view.pool, port: Number(port), sinceMs }, context).atMs <= context.nowMs;
    if (Number(port) === view.nodePort || (drained && !open.has(Number(port)))) delete ports[port];
  }
  const named = new Set([...registeredPorts(view.pool, context), ...toldNodePorts(view.pool, context)]);
  const forgotten = forgottenDrains(view.live.spec, known?.value).filter((port) => !named.has(port));
  for (const port of [...left, ...forgotten]) if (port !== view.nodePort && port !== 0) ports[String(port)] ??= context.nowMs;
  return drainingWrite(view.pool, view.spec, ports, context);
}

const openPorts = (view: PoolView): readonly number[] =>
  portsOf(view.live.spec).flatMap(({ nodePort }) => (nodePort === undefined || nodePort === view.nodePort ? [] : [nodePort]));

/** A write that makes the pool's draining key hold exactly `ports`; undefined when it does. */
export function drainingWrite(
  pool: PoolKey,
  spec: string,
  ports: Readonly<Record<string, number>>,
  context: PlanContext,
): KvWrite | undefined {
  const known = drainingOf(pool, context.registry, context.policy);
  const before = known?.value.ports ?? {};
  const same = Object.keys(before).length === Object.keys(ports).length && Object.keys(ports).every((port) => before[port] === ports[port]);
  if (same) return undefined;
  const value: Draining = { spec, ports };
  return {
    key: drainingKey(context.policy.keyPath, context.policy.cluster, pool),
    value: Object.keys(ports).length === 0 ? undefined : JSON.stringify(value),
    modifyIndex: known?.entry.modifyIndex ?? 0,
  };
}

/** The NodePorts that the pool's instances in the catalog name. */
export const registeredPorts = (pool: PoolKey, { registry }: PlanContext): readonly number[] =>
  (registry?.instances.get(pool) ?? []).map((instance) => instance.port);

/** Deletes the pool's entry; undefined when there is none of ours. */
export function forgetDeployment(pool: PoolKey, { registry, policy }: PlanContext): KvWrite | undefined {
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  if (entry === undefined || entry.flags !== kvFlags(policy.owner, policy.cluster)) return undefined;
  return { key: entry.key, value: undefined, modifyIndex: entry.modifyIndex };
}

/** Makes an entry of ours that agents follow tell nobody to register the pool; undefined where it tells nobody, or nothing to agents. */
export function tellNobody(pool: PoolKey, context: PlanContext): KvWrite | undefined {
  const { registry, policy } = context;
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  const followed = (toldEntry(pool, context)?.nodes?.length ?? 0) > 0;
  if (entry === undefined || !followed || !isOurs(entry, policy)) return undefined;
  return { key: entry.key, value: untoldValue(entry.value), modifyIndex: entry.modifyIndex };
}

/** The NodePorts that agents are told for a pool, or still register. In mode `catalog` an entry that says nothing to agents is nobody's. */
export function toldNodePorts(pool: PoolKey, context: PlanContext): readonly number[] {
  const { registry, policy, views } = context;
  const view = views.get(pool);
  const registered = view === undefined ? [] : agentsOf(view, context).instances.map(({ port }) => port);
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  const nodes = toldEntry(pool, context)?.nodes;
  const isRead = nodes === undefined ? policy.registration !== 'catalog' : policy.registration === 'kv' || nodes.length > 0;
  return entry === undefined || !isRead ? registered : [...registered, ...nodePortsOf(entry.value)];
}
