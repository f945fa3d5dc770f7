import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import { portsOf } from '../desired/service-ports.ts';
import type { KvWrite } from '../model/action.ts';
import { deploymentsKey, drainingKey, kvFlags } from '../model/consul-names.ts';
import type { KvKey, PoolKey } from '../model/ids.ts';
import type { Draining } from '../model/registration.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, drainMs, forgottenDrains, remember } from './context.ts';
import { deploymentValue, nodePortsOf, sameDeployment } from './deployment-entry.ts';
import type { Registration } from './registration.ts';
import { whyTooLarge, whyTooLongForPlugins } from './value-size.ts';

/** What becomes of a pool's entry under `deployments/`. */
export interface DeploymentStep {
  readonly write?: KvWrite;
  /** Why it is not written as it should be, or who could not read it. */
  readonly problem?: Problem;
  /** The NodePorts that agents are not told any more after the write. */
  readonly left: readonly number[];
}

/** The entry under `deployments/`. The ancestor's keys are adopted like objects: only when allowed. */
export function deploymentStep(view: PoolView, { kvKey }: Registration, { registry, policy }: PlanContext): DeploymentStep {
  if (kvKey === undefined) return { left: [] };
  const entry = registry?.kv.get(kvKey);
  const ours = entry === undefined || entry.flags === kvFlags(policy.owner, policy.cluster);
  if (!ours && !(policy.allowAdopt || view.settings.adopt === true)) {
    return { left: [], problem: problem('CONSUL_KEY_TAKEN', `the key ${kvKey} of pool ${view.pool} was written by someone else`) };
  }
  if (entry !== undefined && ours && sameDeployment(entry.value, view)) return { left: [], ...warningOf(kvKey, entry.value) };
  const value = deploymentValue(view);
  const tooLarge = whyTooLarge(kvKey, value, registry);
  if (tooLarge !== undefined) return { left: [], problem: tooLarge };
  const told = new Set(nodePortsOf(value));
  const left = entry === undefined ? [] : nodePortsOf(entry.value).filter((port) => !told.has(port));
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
  const wait = drainMs(view, context.policy);
  for (const [port, sinceMs] of Object.entries(ports)) {
    const drained = sinceMs + wait <= context.nowMs;
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

/** The NodePorts that agents are told for a pool; none where the configuration has no agents register (mode `catalog`). */
export function toldNodePorts(pool: PoolKey, { registry, policy, memos }: PlanContext): readonly number[] {
  const entry = policy.registration === 'catalog' ? undefined : registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  return entry === undefined ? [] : remember(memos.told, pool, [entry], () => nodePortsOf(entry.value));
}
