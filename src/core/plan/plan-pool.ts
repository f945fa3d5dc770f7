import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { DeregisterPool, KvWrite, RegisterPool, Waiting } from '../model/action.ts';
import { consulNodeName, deploymentsKey, drainingKey, kvFlags } from '../model/consul-names.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import type { Draining, RegisteredInstance, RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, drainMs, forgottenDrains, remember } from './context.ts';
import type { Registered, RegistrationDiff } from './diff-registration.ts';
import { diffRegistration, firstStep, instanceKey, operationsOf, refOf } from './diff-registration.ts';
import type { Registration } from './registration.ts';
import { buildRegistration, deploymentValue, sameDeployment } from './registration.ts';
import type { PoolStep } from './steps.ts';

const NOTHING: PoolStep = { action: undefined, waiting: [], problems: [] };

/** Plans the registrations of a pool that is to stay; remembered while nothing it was planned from changes. */
export function planPool(view: PoolView, context: PlanContext): PoolStep {
  const { registry, policy } = context;
  if (registry === undefined || (view.leaving !== undefined && !registry.instances.has(view.pool))) return NOTHING;
  const refusal = context.desired.nameConflicts.get(view.pool) ?? whyRefused(view, registry);
  if (refusal !== undefined) return { ...NOTHING, problems: [refusal] };
  if (view.problems.some((p) => p.severity === 'error')) return NOTHING;
  const registered = registeredOf(view.pool, context);
  const draining = drainingOf(view.pool, registry, policy);
  const decision = context.decisions.get(view.pool);
  // A step that is still open may hold the time at which a NodePort leaves: that is when it is taken, not when it was first planned.
  const isTimed = draining !== undefined || context.memos.pools.get(view.pool)?.result.action !== undefined;
  const parts = [
    view,
    decision,
    registry.instances.get(view.pool),
    ...registered.checks,
    snapshotValue(context.world.cluster.endpoints)?.get(view.pool),
    registry.kv.get(deploymentsKey(policy.keyPath, view.pool)),
    draining?.entry,
    isTimed ? context.nowMs : 0,
    registry.limits.operations,
    strangeNodes(decision, context).join(),
  ];
  const step = remember(context.memos.pools, view.pool, parts, () => poolStep(view, decision, registered, context));
  // What is still to be done is worked out anew: a drain begins when its NodePort leaves, not when that was first planned.
  if (step.action !== undefined) context.memos.pools.delete(view.pool);
  return step;
}

/** The backends whose Consul node belongs to someone else. */
function strangeNodes(decision: PoolDecision | undefined, { registry, policy }: PlanContext): readonly NodeName[] {
  return (decision?.backends ?? []).flatMap(({ node }) =>
    registry?.nodes.get(consulNodeName(policy.nodePrefix, policy.cluster, node))?.ours === false ? [node] : [],
  );
}

function poolStep(view: PoolView, decision: PoolDecision | undefined, registered: Registered, context: PlanContext): PoolStep {
  const waiting = whyNotYet(view, registered, context);
  if (view.nodePort === undefined || decision === undefined || waiting !== undefined) {
    return { ...NOTHING, waiting: waiting === undefined ? [] : [waiting] };
  }
  const strange = strangeNodes(decision, context);
  const backends = decision.backends.filter((backend) => !strange.includes(backend.node));
  const registration = buildRegistration(view, view.nodePort, backends, context.policy);
  const step = registerStep(view, registration, registered, context);
  const lookAgain = decision.lookAgainAtMs;
  return {
    action: step.action,
    waiting:
      lookAgain === undefined ? [] : [{ leg: 'consul', what: 'a node comes in when its grace is over', on: view.pool, untilMs: lookAgain }],
    problems: [...step.problems, ...strange.map((node) => nodeTaken(node, context))],
  };
}

const nodeTaken = (node: NodeName, { policy }: PlanContext): Problem =>
  problem('CONSUL_NODE_TAKEN', `the Consul node ${consulNodeName(policy.nodePrefix, policy.cluster, node)} belongs to someone else`);

/** The registered instances of a pool and the checks that stand on them. */
export function registeredOf(pool: PoolKey, { registry, checksByInstance }: PlanContext): Registered {
  const instances = registry?.instances.get(pool) ?? [];
  return { instances, checks: instances.flatMap(({ consulNode, id }) => checksByInstance.get(instanceKey(consulNode, id)) ?? []) };
}

function whyRefused(view: PoolView, registry: RegistryState): Problem | undefined {
  const held = registry.instances.get(view.pool)?.some((instance) => instance.service === view.service) ?? false;
  if (held || !registry.foreignServices.has(view.service)) return undefined;
  return problem('CONSUL_NAME_TAKEN', `the Consul service ${view.service} of pool ${view.pool} is registered by someone else`);
}

/** Entering is: ready first, then into Consul (promise 8). A registered pool stays while its Service does. */
function whyNotYet(view: PoolView, registered: Registered, context: PlanContext): Waiting | undefined {
  if (view.nodePort === undefined) return { leg: 'kubernetes', what: 'Kubernetes has not allocated a NodePort yet', on: view.pool };
  const served = registered.instances.some((instance) => instance.port === view.nodePort);
  const endpoints = snapshotValue(context.world.cluster.endpoints)?.get(view.pool);
  const ready = endpoints !== undefined && endpoints.ready > 0 && endpoints.portNames.includes(view.portName);
  const inKv = context.policy.registration === 'kv' && registered.instances.length === 0 && hasDeployment(view, context);
  if (served || ready || inKv) return undefined;
  return { leg: 'kubernetes', what: 'the first endpoint is not ready yet', on: view.pool };
}

function hasDeployment(view: PoolView, context: PlanContext): boolean {
  return context.registry?.kv.has(deploymentsKey(context.policy.keyPath, view.pool)) === true;
}

function registerStep(view: PoolView, wanted: Registration, registered: Registered, context: PlanContext): Omit<PoolStep, 'waiting'> {
  const room = (context.registry?.limits.operations ?? 64) - 3;
  const whole = diffRegistration(wanted.instances, wanted.check, registered);
  const diff = firstStep(whole, registered, view.pool, room);
  const kv = kvStep(view, wanted, context);
  const draining = drainingStep(view, portsLeft(diff, registered), context);
  const writes = [...(kv.write === undefined ? [] : [kv.write]), ...(draining === undefined ? [] : [draining])];
  const problems = kv.problem === undefined ? [] : [kv.problem];
  const action: RegisterPool = { kind: 'register-pool', pool: view.pool, service: view.service, ...diff, kv: writes };
  if (operationsOf(action) === 0) return { action: undefined, problems };
  const catalogWrites = operationsOf(action) - writes.length;
  if (catalogWrites === 0) return { action: { kind: 'write-kv', writes, why: `bookkeeping of pool ${view.pool}` }, problems };
  return { action, problems };
}

/** The NodePorts of the instances that change or go. */
function portsLeft(diff: RegistrationDiff, registered: Registered): readonly number[] {
  const touched = new Set([...diff.set, ...diff.remove].map((instance) => instanceKey(instance.consulNode, instance.id)));
  return registered.instances.flatMap((old) => (touched.has(instanceKey(old.consulNode, old.id)) ? [old.port] : []));
}

/** The entry under `deployments/`. The ancestor's keys are adopted like objects: only when allowed. */
function kvStep(
  view: PoolView,
  { kvKey }: Registration,
  { registry, policy }: PlanContext,
): { readonly write?: KvWrite; readonly problem?: Problem } {
  if (kvKey === undefined) return {};
  const entry = registry?.kv.get(kvKey);
  const ours = entry === undefined || entry.flags === kvFlags(policy.owner, policy.cluster);
  if (!ours && !(policy.allowAdopt || view.settings.adopt === true)) {
    return { problem: problem('CONSUL_KEY_TAKEN', `the key ${kvKey} of pool ${view.pool} was written by someone else`) };
  }
  if (entry !== undefined && ours && sameDeployment(entry.value, view)) return {};
  return { write: { key: kvKey, value: deploymentValue(view), modifyIndex: entry?.modifyIndex ?? 0 } };
}

/**
 * The pool's `draining` key after `left` NodePorts leave Consul: new ones are remembered with the time, those that have
 * drained and are closed (or wanted again) are forgotten. One that is held open and that nobody remembers drains in full.
 * Undefined when nothing changes.
 */
function drainingStep(view: PoolView, left: readonly number[], context: PlanContext): KvWrite | undefined {
  const known = drainingOf(view.pool, context.registry, context.policy);
  const ports = { ...known?.value.ports };
  const open = new Set(openPorts(view));
  const wait = drainMs(view, context.policy);
  for (const [port, sinceMs] of Object.entries(ports)) {
    const drained = sinceMs + wait <= context.nowMs;
    if (Number(port) === view.nodePort || (drained && !open.has(Number(port)))) delete ports[port];
  }
  const registered = new Set(context.registry?.instances.get(view.pool)?.map((instance) => instance.port));
  const forgotten = forgottenDrains(view.live.spec, known?.value).filter((port) => !registered.has(port));
  for (const port of [...left, ...forgotten]) if (port !== view.nodePort && port !== 0) ports[String(port)] ??= context.nowMs;
  return drainingWrite(view.pool, view.spec, ports, context);
}

function openPorts(view: PoolView): readonly number[] {
  const list = Array.isArray(view.live.spec['ports']) ? (view.live.spec['ports'] as readonly { readonly nodePort?: number }[]) : [];
  return list.flatMap((port) => (port.nodePort === undefined || port.nodePort === view.nodePort ? [] : [port.nodePort]));
}

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

/** Takes a pool out of Consul: all instances, its KV entry, and the memory that its NodePorts drain, in one transaction. */
export function deregisterPool(pool: PoolKey, spec: string, why: string, context: PlanContext): DeregisterPool | undefined {
  const instances = context.registry?.instances.get(pool) ?? [];
  const deployment = ownDeployment(pool, context);
  if (instances.length === 0 && deployment === undefined) return undefined;
  const since = Object.fromEntries(instances.map((instance) => [String(instance.port), context.nowMs]));
  const drained = drainingWrite(pool, spec, { ...drainingOf(pool, context.registry, context.policy)?.value.ports, ...since }, context);
  const kv = [...(deployment === undefined ? [] : [deployment]), ...(drained === undefined ? [] : [drained])];
  return { kind: 'deregister-pool', pool, service: serviceOf(instances), remove: instances.map(refOf), kv, why };
}

const serviceOf = (instances: readonly RegisteredInstance[]): string => instances[0]?.service ?? '';

function ownDeployment(pool: PoolKey, { registry, policy }: PlanContext): KvWrite | undefined {
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  if (entry === undefined || entry.flags !== kvFlags(policy.owner, policy.cluster)) return undefined;
  return { key: entry.key, value: undefined, modifyIndex: entry.modifyIndex };
}
