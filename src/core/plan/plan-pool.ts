import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { DeregisterPool, RegisterPool, Waiting } from '../model/action.ts';
import { consulNodeName, deploymentsKey } from '../model/consul-names.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { RegisteredInstance, RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, remember } from './context.ts';
import type { Registered, RegistrationDiff } from './diff-registration.ts';
import { diffRegistration, firstStep, instanceKey, operationsOf, refOf } from './diff-registration.ts';
import { whyNotServed } from './plan-recreate.ts';
import type { DeploymentStep } from './pool-entries.ts';
import { deploymentStep, drainingStep, drainingWrite, forgetDeployment, registeredPorts, toldNodePorts } from './pool-entries.ts';
import type { Registration } from './registration.ts';
import { buildRegistration } from './registration.ts';
import type { PoolStep } from './steps.ts';

const NOTHING: PoolStep = { action: undefined, waiting: [], problems: [] };

/** Plans the registrations of a pool that is to stay; remembered while nothing it was planned from changes. */
export function planPool(view: PoolView, context: PlanContext): PoolStep {
  const { registry, policy } = context;
  if (registry === undefined || (view.leaving !== undefined && !registry.instances.has(view.pool))) return NOTHING;
  const refusal = context.desired.nameConflicts.get(view.pool) ?? whyRefused(view, registry, policy);
  if (refusal !== undefined) return { ...NOTHING, problems: [refusal] };
  if (view.problems.some((p) => p.severity === 'error')) return NOTHING;
  const registered = registeredOf(view.pool, context);
  if (!view.mayEnter && isNowhere(view, registered, context)) return NOTHING;
  const draining = drainingOf(view.pool, registry, policy);
  const decision = context.decisions.get(view.pool);
  // A step that is still open may hold the time at which a NodePort leaves: that is when it is taken, not when it was first planned.
  const isTimed = draining !== undefined || isOpen(context.memos.pools.get(view.pool)?.result);
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
    registry.limits.bytes,
    strangeNodes(decision, context).join(),
    isNowhere(view, registered, context) ? whyNotServed(view, context)?.what : undefined,
  ];
  const step = remember(context.memos.pools, view.pool, parts, () => poolStep(view, decision, registered, context));
  // What is still to be done is worked out anew: a drain begins when its NodePort leaves, not when that was first planned.
  if (isOpen(step)) context.memos.pools.delete(view.pool);
  return step;
}

const isOpen = (step: PoolStep | undefined): boolean => step?.action !== undefined || step?.handOver !== undefined;

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
  const inCatalog = context.policy.registration !== 'kv' || registered.instances.length > 0;
  const registration = buildRegistration({ view, nodePort: view.nodePort, backends, inCatalog }, context.policy);
  const step = registerStep(view, registration, registered, context);
  const lookAgain = decision.lookAgainAtMs;
  return {
    ...step,
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

/** Where agents register, the instances of the name are theirs. */
function whyRefused(view: PoolView, registry: RegistryState, policy: Policy): Problem | undefined {
  if (policy.registration === 'kv') return undefined;
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
  if (isNowhere(view, registered, context)) {
    if (ready) return whyNotServed(view, context);
  } else if (served || ready || registered.instances.length === 0) return undefined;
  return { leg: 'kubernetes', what: 'the first endpoint is not ready yet', on: view.pool };
}

/** Neither in the catalog nor, where agents register, told to them. */
const isNowhere = (view: PoolView, { instances }: Registered, context: PlanContext): boolean =>
  instances.length === 0 && !(context.policy.registration === 'kv' && hasDeployment(view, context));

function hasDeployment(view: PoolView, context: PlanContext): boolean {
  return context.registry?.kv.has(deploymentsKey(context.policy.keyPath, view.pool)) === true;
}

function registerStep(view: PoolView, wanted: Registration, registered: Registered, context: PlanContext): Omit<PoolStep, 'waiting'> {
  const room = (context.registry?.limits.operations ?? 64) - 3;
  const whole = diffRegistration(wanted.instances, wanted.check, registered);
  const diff = firstStep(whole, registered, view.pool, room);
  const kv = deploymentStep(view, wanted, context);
  const draining = drainingStep(view, [...portsLeft(diff, registered), ...kv.left], context);
  const writes = [kv.write, draining].filter((write) => write !== undefined);
  const problems = kv.problem === undefined ? [] : [kv.problem];
  const handOver = context.policy.registration === 'kv' ? handOverStep(view, kv, registered, context) : {};
  const action: RegisterPool = { kind: 'register-pool', pool: view.pool, service: view.service, ...diff, kv: writes };
  if (operationsOf(action) === 0) return { action: undefined, problems, ...handOver };
  // What agents read is a registration too: it waits for the Service that it tells of.
  const isBookkeeping = operationsOf(action) === writes.length && kv.write === undefined;
  if (isBookkeeping) return { action: { kind: 'write-kv', writes, why: `bookkeeping of pool ${view.pool}` }, problems, ...handOver };
  const told = operationsOf(action) === writes.length ? { ...action, changes: ['what agents are told'] } : action;
  return { action: told, problems, ...handOver };
}

/**
 * Takes all instances of a pool out of the catalog that agents register (mode `kv`), with the entry they read in step. Not
 * while someone else's entry tells the agents: nobody would register what this spec wants.
 */
function handOverStep(view: PoolView, kv: DeploymentStep, registered: Registered, context: PlanContext): Pick<PoolStep, 'handOver'> {
  const { instances } = registered;
  if (instances.length === 0 || kv.problem?.severity === 'error') return {};
  const draining = drainingStep(view, [...instances.map((instance) => instance.port), ...kv.left], context);
  const writes = [kv.write, draining].filter((write) => write !== undefined);
  const why = 'agents register it (registration: kv)';
  const service = serviceOf(instances);
  return { handOver: { kind: 'deregister-pool', pool: view.pool, service, remove: instances.map(refOf), kv: writes, why } };
}

/** The NodePorts of the instances that change or go. */
function portsLeft(diff: RegistrationDiff, registered: Registered): readonly number[] {
  const touched = new Set([...diff.set, ...diff.remove].map((instance) => instanceKey(instance.consulNode, instance.id)));
  return registered.instances.flatMap((old) => (touched.has(instanceKey(old.consulNode, old.id)) ? [old.port] : []));
}

/** Takes a pool out of Consul: all instances, its KV entry, and the memory that its NodePorts drain, in one transaction. */
export function deregisterPool(pool: PoolKey, spec: string, why: string, context: PlanContext): DeregisterPool | undefined {
  const instances = context.registry?.instances.get(pool) ?? [];
  const deployment = forgetDeployment(pool, context);
  if (instances.length === 0 && deployment === undefined) return undefined;
  const left = [...registeredPorts(pool, context), ...toldNodePorts(pool, context)];
  const since = Object.fromEntries(left.map((port) => [String(port), context.nowMs]));
  const drained = drainingWrite(pool, spec, { ...drainingOf(pool, context.registry, context.policy)?.value.ports, ...since }, context);
  const kv = [deployment, drained].filter((write) => write !== undefined);
  return { kind: 'deregister-pool', pool, service: serviceOf(instances), remove: instances.map(refOf), kv, why };
}

const serviceOf = (instances: readonly RegisteredInstance[]): string => instances[0]?.service ?? '';
