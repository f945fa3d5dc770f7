import type { Problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { DeregisterPool, RegisterPool, Waiting } from '../model/action.ts';
import { deploymentsKey, poolCheckIds } from '../model/consul-names.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import type { Check, RegisteredInstance } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { ReadEntry } from '../model/told-agents.ts';
import type { Backend, PoolDecision } from '../pool/decide-pool.ts';
import { chooseRegistrars } from './choose-registrars.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, toldEntry } from './context.ts';
import type { EntryAgents } from './deployment-entry.ts';
import type { Registered, RegistrationDiff } from './diff-registration.ts';
import { diffRegistration, firstStep, instanceKey, operationsOf, refOf } from './diff-registration.ts';
import { followNodes } from './follow-nodes.ts';
import { remember } from './memos.ts';
import { whyNameShared, whyNameTaken } from './name-holders.ts';
import { planHealth, poolServing } from './plan-health.ts';
import { migrationOf } from './plan-migration.ts';
import { whyNotServed } from './plan-recreate.ts';
import { agentsOf, tellable } from './pool-agents.ts';
import {
  deploymentStep,
  drainingStep,
  drainingWrite,
  forgetDeployment,
  registeredPorts,
  tellNobody,
  toldNodePorts,
} from './pool-entries.ts';
import type { RegistrarInput, Registrars } from './registrars.ts';
import { addressed } from './registrars.ts';
import type { Registration } from './registration.ts';
import { buildRegistration } from './registration.ts';
import { NO_VERDICTS } from './route-verdicts.ts';
import type { PoolStep } from './steps.ts';
import { strangeBackends } from './strange-backends.ts';
import { roomFor } from './transaction-room.ts';

const NOTHING: PoolStep = { action: undefined, waiting: [], problems: [] };

/**
 * Plans the registrations of a pool that is to stay; remembered while nothing it was planned from changes. `moves`: its Service is about
 * to get another NodePort. Until it has, the pool only follows its nodes, so that tags and NodePort change in one transaction.
 */
export function planPool(view: PoolView, context: PlanContext, moves = false): PoolStep {
  const { registry, policy } = context;
  if (registry === undefined || (view.leaving !== undefined && !registry.instances.has(view.pool))) return NOTHING;
  const agents = agentsOf(view, context);
  const taken = agents.nodes.size > 0 ? undefined : whyNameTaken(view, registry, policy);
  const refusal = context.desired.nameConflicts.get(view.pool) ?? taken;
  const registered = registeredOf(view.pool, context);
  const isUnclear = view.problems.some((p) => p.severity === 'error');
  const opening = nodesOpening(view, registered, context);
  const waits = (moves || opening.length > 0) && agents.nodes.size === 0 && registered.instances.length > 0;
  const isSetAside = context.routes?.setAside.has(view.pool) === true;
  const told = isSetAside && !isUnclear && registered.instances.length === 0 ? asTold(view, context) : undefined;
  if (told !== undefined) return planPool(told, { ...context, routes: NO_VERDICTS }, moves);
  if (refusal !== undefined || isUnclear || isSetAside || waits) {
    return { ...followingStep(view, { refusal, joins: !isUnclear, registered }, context), waiting: opening };
  }
  if (!view.mayEnter && isNowhere(view, registered, context)) return NOTHING;
  const draining = drainingOf(view.pool, registry, policy);
  const migration = migrationOf(view.pool, context)?.entry;
  const decision = context.decisions.get(view.pool);
  // A step that is still open may hold the time at which a NodePort leaves: that is when it is taken, not when it was first planned.
  const isTimed = draining !== undefined || migration !== undefined || isOpen(context.memos.pools.get(view.pool)?.result);
  const parts = [
    view,
    decision,
    registry.instances.get(view.pool),
    ...registered.checks,
    snapshotValue(context.world.cluster.endpoints)?.get(view.pool),
    poolServing(view, context).kind,
    registry.kv.get(deploymentsKey(policy.keyPath, view.pool)),
    draining?.entry,
    migration,
    registry.agents?.get(view.service),
    isTimed ? context.nowMs : 0,
    registry.limits.operations,
    registry.limits.bytes,
    [...strangeBackends(view, decision, context)].map(([node, { code }]) => `${node} ${code}`).join(),
    whyNameShared(view, registry, policy)?.code,
    isNowhere(view, registered, context) ? whyNotServed(view, context)?.what : undefined,
  ];
  const step = remember(context.memos.pools, view.pool, parts, () => poolStep(view, decision, registered, context));
  // What is still to be done is worked out anew: a drain begins when its NodePort leaves, not when that was first planned.
  if (isOpen(step)) context.memos.pools.delete(view.pool);
  return step;
}

/** A pool that agents register, with what they are told of it now: so it goes on, and follows its nodes. */
function asTold(view: PoolView, context: PlanContext): PoolView | undefined {
  const entry = toldEntry(view.pool, context);
  if (entry?.tags === undefined || (entry.nodes ?? []).length === 0) return undefined;
  return { ...view, service: entry.service, tags: entry.tags };
}

/**
 * That a pool in traffic waits until the nodes listen on its new NodePort: kube-proxy follows a Service only after a while. Counted from
 * when this process first saw it: the clock of the API server, which stamps our apply, may be another.
 */
function nodesOpening({ pool, live, nodePort }: PoolView, { instances }: Registered, context: PlanContext): readonly Waiting[] {
  const { policy, nowMs } = context;
  const { opening } = context.memos;
  const stays = instances.length === 0 || instances.some(({ port }) => port === nodePort);
  if (policy.pool.openMs === 0 || nodePort === undefined || live.appliedAtMs === undefined || stays) {
    opening.delete(pool);
    return [];
  }
  const known = opening.get(pool);
  // A clock that was set back would have it wait for as long as it was set back.
  const seenAtMs = known?.nodePort === nodePort ? Math.min(known.seenAtMs, nowMs) : nowMs;
  opening.set(pool, { nodePort, seenAtMs });
  const untilMs = seenAtMs + policy.pool.openMs;
  return untilMs <= nowMs ? [] : [{ leg: 'kubernetes', what: `the nodes open NodePort ${nodePort}`, on: pool, untilMs }];
}

const isOpen = (step: PoolStep | undefined): boolean =>
  step?.action !== undefined || step?.handOver !== undefined || step?.forget !== undefined;

/** What is done about a pool whose name or annotations are refused: nothing, but that it goes on following its nodes. */
function followingStep(
  view: PoolView,
  { refusal, joins, registered }: { readonly refusal: Problem | undefined; readonly joins: boolean; readonly registered: Registered },
  context: PlanContext,
): PoolStep {
  const problems = refusal === undefined ? [] : [refusal];
  const decision = context.decisions.get(view.pool);
  if (decision === undefined) return { ...NOTHING, problems };
  const strange = strangeBackends(view, decision, context);
  const backends = addressed(decision.backends).filter(({ node }) => !strange.has(node));
  if (isEmptiedBy(strange, backends)) return { ...NOTHING, problems: [...problems, ...strange.values()] };
  const health = planHealth(view, registered, context);
  const wanted = followNodes({ view, backends, registered, health, joins }, context.policy);
  if (wanted === undefined) return { ...NOTHING, problems };
  const diff = firstStep(diffRegistration(wanted.instances, checksOf(wanted), registered), registered, view.pool, roomFor(context));
  const action: RegisterPool = { kind: 'register-pool', pool: view.pool, service: serviceOf(registered.instances), ...diff, kv: [] };
  return { action: operationsOf(action) === 0 ? undefined : action, waiting: [], problems: [...problems, ...strange.values()] };
}

/** What is registered stays when all backends stand on what somebody else has taken: to leave would empty the pool. */
const isEmptiedBy = (strange: ReadonlyMap<NodeName, Problem>, backends: readonly Backend[]): boolean =>
  strange.size > 0 && backends.length === 0;

const checksOf = ({ check, healthChecks }: Registration): readonly Check[] => [...(check === undefined ? [] : [check]), ...healthChecks];

function poolStep(view: PoolView, decision: PoolDecision | undefined, registered: Registered, context: PlanContext): PoolStep {
  const waiting = whyNotYet(view, registered, context);
  if (view.nodePort === undefined || decision === undefined || waiting !== undefined) {
    return { ...NOTHING, waiting: waiting === undefined ? [] : [waiting] };
  }
  const strange = strangeBackends(view, decision, context);
  const backends = decision.backends.filter((backend) => !strange.has(backend.node));
  if (isEmptiedBy(strange, backends)) return { ...NOTHING, problems: [...strange.values()] };
  const shared = context.registry === undefined ? undefined : whyNameShared(view, context.registry, context.policy);
  const registrars = chooseRegistrars({ view, backends, registered }, context);
  const told = registrars.tags === undefined ? view : { ...view, tags: registrars.tags };
  const health = planHealth(view, registered, context);
  const source = { view: told, nodePort: view.nodePort, backends: registrars.catalog, inCatalog: registrars.catalog.length > 0, health };
  const registration = buildRegistration(source, context.policy);
  const step = registerStep({ view: told, backends, registered, registrars }, registration, context);
  const lookAgain = decision.lookAgainAtMs;
  const grace = { leg: 'consul', what: 'a node comes in when its grace is over', on: view.pool } as const;
  return {
    ...step,
    waiting: [...registrars.waiting, ...(lookAgain === undefined ? [] : [{ ...grace, untilMs: lookAgain }])],
    problems: [...step.problems, ...registrars.problems, ...strange.values(), ...(shared === undefined ? [] : [shared])],
  };
}

/** The registered instances of a pool, the checks that stand on them, and checks of the pool that somebody has set on no instance. */
export function registeredOf(pool: PoolKey, { registry, checksByInstance }: PlanContext): Registered {
  const instances = registry?.instances.get(pool) ?? [];
  const keys = instances.map(({ consulNode, id }) => instanceKey(consulNode, id));
  const loose = poolCheckIds(pool).map((checkId) => instanceKey('', checkId));
  return { instances, checks: [...keys, ...loose].flatMap((key) => checksByInstance.get(key) ?? []) };
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

/** Neither in the catalog, nor registered by agents, nor told to them where they register. */
const isNowhere = (view: PoolView, { instances }: Registered, context: PlanContext): boolean =>
  instances.length === 0 &&
  agentsOf(view, context).nodes.size === 0 &&
  !(context.policy.registration === 'kv' && tellsAgents(toldEntry(view.pool, context)));

const tellsAgents = (entry: ReadEntry | undefined): boolean => entry !== undefined && entry.nodes?.length !== 0;

interface PoolInput extends RegistrarInput {
  readonly registrars: Registrars;
}

function registerStep(input: PoolInput, wanted: Registration, context: PlanContext): Omit<PoolStep, 'waiting'> {
  const { view, registered, registrars } = input;
  const whole = diffRegistration(wanted.instances, checksOf(wanted), registered);
  const room = roomFor(context, registrars.record === undefined ? undefined : 'with-record');
  const diff = firstStep(whole, registered, view.pool, room - registrars.swap.length);
  const kv = deploymentStep(view, entryAgents(registrars.told, registrars), context);
  const draining = drainingStep(view, [...portsLeft(diff, registered), ...kv.left], context);
  const writes = [kv.write, registrars.record, draining].filter((write) => write !== undefined);
  const problems = kv.problem === undefined ? [] : [kv.problem];
  const more = context.policy.registration === 'kv' ? handOverStep(input, context) : forgetStep(input, context);
  // What agents hold goes only together with all that takes its place.
  const remove = diff === whole ? [...diff.remove, ...registrars.swap.map(refOf)] : diff.remove;
  const action: RegisterPool = { kind: 'register-pool', pool: view.pool, service: view.service, ...diff, remove, kv: writes };
  if (operationsOf(action) === 0) return { action: undefined, problems, ...more };
  // What agents read is a registration too: it waits for the Service that it tells of.
  const isBookkeeping = operationsOf(action) === writes.length && kv.write === undefined;
  if (isBookkeeping) return { action: { kind: 'write-kv', writes, why: `bookkeeping of pool ${view.pool}` }, problems, ...more };
  const told = operationsOf(action) === writes.length ? { ...action, changes: ['what agents are told'] } : action;
  return { action: told, problems, ...more };
}

const entryAgents = (nodes: readonly NodeName[] | undefined, { tags }: Pick<Registrars, 'tags'>): EntryAgents | undefined =>
  nodes === undefined ? undefined : { nodes, ...(tags === undefined ? {} : { tags }) };

/**
 * Takes all instances of a pool out of the catalog that agents register (mode `kv`), and tells the agents so in the same
 * transaction. Not while someone else's entry tells them: nobody would register what this spec wants.
 */
function handOverStep({ view, backends, registered }: PoolInput, context: PlanContext): Pick<PoolStep, 'handOver'> {
  const { instances } = registered;
  const kv = deploymentStep(view, { nodes: tellable(backends, agentsOf(view, context)) }, context);
  if (instances.length === 0 || kv.problem?.severity === 'error') return {};
  const draining = drainingStep(view, [...instances.map((instance) => instance.port), ...kv.left], context);
  const writes = [kv.write, draining].filter((write) => write !== undefined);
  const why = 'agents register it (registration: kv)';
  const service = serviceOf(instances);
  return { handOver: { kind: 'deregister-pool', pool: view.pool, service, remove: instances.map(refOf), kv: writes, why } };
}

/** In mode `catalog` nobody is told anything: an entry of ours that is left goes, but no pool with it that agents still register. */
function forgetStep({ view, registered }: PoolInput, context: PlanContext): Pick<PoolStep, 'forget'> {
  const isRegistered = registered.instances.length > 0 && agentsOf(view, context).nodes.size === 0;
  const tellsNobody = toldEntry(view.pool, context)?.nodes?.length === 0;
  const write = context.policy.registration === 'catalog' && isRegistered && tellsNobody ? forgetDeployment(view.pool, context) : undefined;
  return write === undefined
    ? {}
    : { forget: { kind: 'write-kv', writes: [write], why: `mode catalog: pool ${view.pool} is told to nobody` } };
}

/** The NodePorts of the instances that change or go. */
function portsLeft(diff: RegistrationDiff, registered: Registered): readonly number[] {
  const touched = new Set([...diff.set, ...diff.remove].map((instance) => instanceKey(instance.consulNode, instance.id)));
  return registered.instances.flatMap((old) => (touched.has(instanceKey(old.consulNode, old.id)) ? [old.port] : []));
}

/**
 * Takes a pool out of Consul: all instances, its KV entry, and the memory that its NodePorts drain, in one transaction. An entry
 * that agents follow says first that nobody is to register the pool: they refuse a tree that is suddenly empty.
 */
export function deregisterPool(pool: PoolKey, spec: string, why: string, context: PlanContext): DeregisterPool | undefined {
  const instances = context.registry?.instances.get(pool) ?? [];
  const deployment = tellNobody(pool, context) ?? forgetDeployment(pool, context);
  if (instances.length === 0 && deployment === undefined) return undefined;
  const left = [...registeredPorts(pool, context), ...toldNodePorts(pool, context)];
  const since = Object.fromEntries(left.map((port) => [String(port), context.nowMs]));
  const drained = drainingWrite(pool, spec, { ...drainingOf(pool, context.registry, context.policy)?.value.ports, ...since }, context);
  const kv = [deployment, drained].filter((write) => write !== undefined);
  return { kind: 'deregister-pool', pool, service: serviceOf(instances), remove: instances.map(refOf), kv, why };
}

const serviceOf = (instances: readonly RegisteredInstance[]): string => instances[0]?.service ?? '';
