import { buildDesired } from '../core/desired/build-desired.ts';
import { kindsToWatch } from '../core/desired/kinds-to-watch.ts';
import type { Scopes } from '../core/desired/settle-scopes.ts';
import { settleScopes } from '../core/desired/settle-scopes.ts';
import { everySpec } from '../core/desired/specs-in-force.ts';
import { suspendedNow } from '../core/desired/suspensions.ts';
import type { Action, ApplyObject, NodeAction } from '../core/model/action.ts';
import { drainingPrefix } from '../core/model/consul-names.ts';
import type { KvKey, ObjectKey, PoolKey, SpecId } from '../core/model/ids.ts';
import { DEPLOYMENT_KIND, kindOf, NAMESPACE_KIND, SERVICE_KIND } from '../core/model/ids.ts';
import type { Policy } from '../core/model/policy.ts';
import type { Clock } from '../core/model/ports.ts';
import type { Snapshot } from '../core/model/snapshot.ts';
import { mapSnapshot, snapshotValue } from '../core/model/snapshot.ts';
import type { SpecSet } from '../core/model/spec-set.ts';
import type { World } from '../core/model/world.ts';
import type { PlanContext } from '../core/plan/context.ts';
import { drainsDueAt, planContext } from '../core/plan/context.ts';
import { namespacesToLookUp, planNamespaces } from '../core/plan/create-namespaces.ts';
import { forgetUnused } from '../core/plan/forget-unused.ts';
import type { Guarded } from '../core/plan/guard-run.ts';
import { guardRun } from '../core/plan/guard-run.ts';
import { planNodes } from '../core/plan/plan-nodes.ts';
import { nudgeNow } from '../core/plan/plan-nudge.ts';
import { forgetDrained } from '../core/plan/plan-removals.ts';
import { forgetSpecifications } from '../core/plan/plan-specifications.ts';
import { NOTHING_TO_DO, planSpecs } from '../core/plan/plan-specs.ts';
import { askForRegistration } from '../core/plan/registration-choice.ts';
import type { SpecPlan } from '../core/plan/spec-plan.ts';
import type { ApplyPorts, Outcome } from './apply-plan.ts';
import { applyPlan, currentFence } from './apply-plan.ts';
import { checkPass } from './check-pass.ts';
import { forgetFutileApplies, noteFutileApplies } from './futile-applies.ts';
import { forgetRefusals, learnRefusals } from './immutable-refusals.ts';
import { placeProblems } from './place-problems.ts';
import { readMemory, standingMemory } from './read-memory.ts';
import { forgetSettled, noteRefusedSpecs, restRefused } from './retry-spec.ts';
import type { RunMemos } from './run-memos.ts';
import type { Steps } from './run-trace.ts';
import { during, NO_STEPS } from './run-trace.ts';
import { grantsMore, saveMemory, withoutConsul } from './save-memory.ts';

export interface RunInput {
  readonly ports: ApplyPorts;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly memos: RunMemos;
  readonly specs: Snapshot<SpecSet>;
  /** What trying nodes by TCP connections has shown; see World. */
  readonly reachable?: World['reachable'];
  /** What the Traefik replicas say; see World. */
  readonly gateways?: World['gateways'];
  /** The pools that some Traefik replica had not followed, though it answers, when it was last looked at. */
  readonly behind?: ReadonlySet<PoolKey>;
  /** True to plan only: nothing is written. */
  readonly dryRun: boolean;
  /** With `dryRun`: the API server is asked whether it would take what is planned. */
  readonly check?: boolean;
  readonly onOutcome: (outcome: Outcome) => void;
  /** Takes down the steps of the run. */
  readonly steps?: Steps;
}

/** What one pass worked out. */
export interface Pass {
  readonly context: PlanContext;
  readonly nodes: readonly NodeAction[];
  readonly guarded: Guarded;
  readonly housekeeping: SpecPlan | undefined;
  /** Namespaces that are made before any spec is applied. */
  readonly namespaces: readonly ApplyObject[];
  /** When NodePorts that drain may close. */
  readonly drainsDueAtMs: readonly number[];
}

/** What a run did, and where it left things: `last` is a look after the last write. */
export interface RunResult {
  readonly passes: number;
  /** When the first plan was ready, in ms since the epoch. */
  readonly plannedAtMs: number;
  readonly last: Pass;
  /** True when the passes were used up while more could be done: the loop should come back soon. */
  readonly unfinished: boolean;
  readonly outcomes: readonly Outcome[];
}

/** A commit needs at most: objects, then what their answers allow (NodePorts), then what that leaves behind, and a last look. */
const MOST_PASSES = 4;

/**
 * One run: at most four passes of the same pure functions, plan → guard → apply what can run → look again, until nothing more
 * can run. The ports' state never goes behind this process's own writes, so the next look holds the answers of the last apply.
 * Later passes may not remove more than the first one was granted.
 */
export async function reconcile(given: RunInput, signal: AbortSignal): Promise<RunResult> {
  const { steps = NO_STEPS } = given;
  const input = await during(steps, 'observe', () => prepare(given, signal));
  const outcomes: Outcome[] = [...(await letNodesGo(input, signal))];
  const refused = new Set<ObjectKey>();
  let ended = steps.begin('pass', { 'poolkeeper.pass': 1 });
  let pass = planPass(input, refused);
  const plannedAtMs = input.clock.now();
  if (input.dryRun && input.check === true) pass = await checkPass(pass, input.ports.cluster, signal);
  let passes = 1;
  let moving = false;
  while (!input.dryRun && passes < MOST_PASSES) {
    const forgetful = grantsMore(pass) && currentFence(input.ports.leases.consul) === undefined;
    const unsaved = await saveMemory(pass, input, signal);
    if (unsaved !== undefined) outcomes.push(unsaved);
    if (!hasWork(pass) || (unsaved !== undefined && grantsMore(pass))) break;
    const ports = forgetful ? withoutConsul(input.ports) : input.ports;
    const applied = await during(steps, 'apply', () => applyPass({ pass, refused }, { ...input, ports }, signal));
    const done = placeProblems(applied, pass.context.desired);
    const refusals = noteRefused(done, refused);
    const lesson = learnRefusals(done, pass.context, { immutable: input.memos.immutable, refused });
    outcomes.push(...lesson.outcomes);
    noteRefusedSpecs(lesson.outcomes, input.memos.refused, input.clock);
    noteFutileApplies(done, input.memos.futile);
    ended();
    passes++;
    ended = steps.begin('pass', { 'poolkeeper.pass': passes });
    pass = planPass(input, refused);
    moving = done.some((outcome) => outcome.result === 'done');
    if (!moving && !refusals && !lesson.learnt && !done.some(cameTooLate)) break;
  }
  ended();
  return { passes, plannedAtMs, last: pass, outcomes, unfinished: moving && hasWork(pass) };
}

/** The object had changed since it was read: by now it may be known as it is. */
const cameTooLate = ({ problem }: Outcome): boolean => problem?.code === 'KUBERNETES_CONFLICT';

/** Applies what a pass worked out: the namespaces first, without which nothing can be made in them, each for itself. */
async function applyPass(
  { pass, refused }: { readonly pass: Pass; readonly refused: ReadonlySet<ObjectKey> },
  { ports, policy, clock, onOutcome }: RunInput,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const drains = { prefix: drainsPrefix(policy), now: clock.now };
  const { nodes, namespaces, guarded, housekeeping } = pass;
  const specs = housekeeping === undefined ? guarded.plans : [...guarded.plans, housekeeping];
  const made = namespaces.map((namespace) => ofNoSpec([namespace]));
  const common = { refused, drains, tryFirst: policy.dryRun };
  const first = await applyPlan({ ...common, nodes: [], specs: made }, ports, onOutcome, signal);
  return [...first, ...(await applyPlan({ ...common, nodes, specs }, ports, onOutcome, signal))];
}

/** Learns what the plan needs to know; gives the input with every object in the scope of its kind, some of which are learnt only now. */
async function prepare(given: RunInput, signal: AbortSignal): Promise<RunInput> {
  const known = inScope(given);
  await learn(known, signal);
  const settled = inScope(given);
  if (snapshotValue(settled.specs) !== snapshotValue(known.specs)) await learn(settled, signal);
  return settled;
}

const NO_SCOPES: Scopes = new Map();

function inScope(input: RunInput): RunInput {
  const { scopes = NO_SCOPES } = input.ports.cluster.state();
  return { ...input, specs: mapSnapshot(input.specs, (set) => settleScopes(set, scopes, input.memos.scopes)) };
}

/** Sees to it that every kind is watched and of every object to be applied is known whether it exists. */
async function learn({ ports, policy, specs: snapshot }: RunInput, signal: AbortSignal): Promise<void> {
  const set = snapshotValue(snapshot);
  const { memory } = readMemory(snapshotValue(ports.registry.state()), policy);
  const always = policy.createNamespaces ? [DEPLOYMENT_KIND, NAMESPACE_KIND] : [DEPLOYMENT_KIND];
  const specs = set === undefined ? [] : [...everySpec(set)];
  const kinds = kindsToWatch(specs, memory.kinds, always);
  const claims = new Map(namespacesToLookUp(specs, ports.cluster.state(), policy));
  for (const spec of specs) {
    for (const { key, object } of spec.objects) if (kindOf(key) !== SERVICE_KIND) claims.set(key, object.apiVersion);
  }
  await ports.cluster.prepare(kinds, claims, signal);
}

/** Looks at the world as it is now. Pure but for the memos and the ports' `state()`. */
function lookAtWorld({ ports, policy, specs, reachable, gateways }: RunInput): World {
  const registry = askForRegistration(ports.registry.state(), policy);
  const seen = { ...(reachable === undefined ? {} : { reachable }), ...(gateways === undefined ? {} : { gateways }) };
  return { specs, cluster: ports.cluster.state(), registry, ...seen };
}

/** What is planned from, `refused` Services as they run. */
function contextOf(world: World, { policy, memos, clock, steps = NO_STEPS }: RunInput, refused: ReadonlySet<ObjectKey>): PlanContext {
  const built = steps.begin('build');
  const memory = standingMemory(snapshotValue(world.registry), policy, memos);
  const nowMs = clock.now();
  const options = { memo: memos.desired, refused, immutable: memos.immutable, suspended: suspendedNow(memory, nowMs) };
  const desired = buildDesired(world, policy, options);
  const context = planContext({ world, desired, memory, policy, nowMs, memos: memos.plans, futile: memos.futile });
  built();
  return context;
}

/**
 * Takes nodes that every pool lets go out of traffic before anything else is worked out: with many pools on a node that takes its
 * time, and a node that fails has none. Looks only when something about the nodes has changed.
 */
async function letNodesGo(input: RunInput, signal: AbortSignal): Promise<readonly Outcome[]> {
  const { ports, policy, memos, clock, onOutcome, dryRun, steps = NO_STEPS } = input;
  const world = lookAtWorld(input);
  const seen = [snapshotValue(world.cluster.nodes), input.reachable];
  if (dryRun || seen.every((part, i) => part === memos.nodesSeen[i])) return [];
  memos.nodesSeen.splice(0, seen.length, ...seen);
  const nodes = planNodes(contextOf(world, input, new Set())).filter(
    (action) => action.kind === 'ensure-node' && action.status === 'critical',
  );
  if (nodes.length === 0) return [];
  const drains = { prefix: drainsPrefix(policy), now: clock.now };
  const plan = { nodes, specs: [], refused: new Set<ObjectKey>(), tryFirst: false, drains };
  return during(steps, 'let-nodes-go', () => applyPlan(plan, ports, onOutcome, signal));
}

/** Works out what is to be done. Pure but for the memos and the ports' `state()`. */
function planPass(input: RunInput, refused: Set<ObjectKey>): Pass {
  const { steps = NO_STEPS } = input;
  const world = lookAtWorld(input);
  for (;;) {
    const context = contextOf(world, input, refused);
    const planned = steps.begin('plan');
    const wanted = planSpecs(context);
    forgetSettled(input.memos.refused, wanted);
    const moment = { cluster: world.cluster, nowMs: context.nowMs };
    const plans = wanted.map((plan) => restRefused(plan, input.memos.refused.get(plan.spec), moment));
    const unapplied = plans.flatMap((plan) => plan.unapplied).filter((key) => !refused.has(key));
    planned();
    if (unapplied.length > 0) {
      for (const key of unapplied) refused.add(key);
      continue;
    }
    forgetUnused(context);
    forgetRefusals(input.memos.immutable, context);
    forgetFutileApplies(input.memos.futile, context);
    const guarding = steps.begin('guard');
    const guarded = guardRun(plans, context);
    guarding({ 'poolkeeper.holds': guarded.plans.reduce((sum, { holds }) => sum + holds.length, 0) });
    const namespaces = planNamespaces(guarded.plans, context);
    return {
      context,
      nodes: planNodes(context),
      guarded,
      namespaces,
      housekeeping: housekeeping(context, nudgeNow(input.behind, guarded.plans, context)),
      drainsDueAtMs: drainsDueAt(context),
    };
  }
}

const ofNoSpec = (actions: readonly Action[]): SpecPlan => ({ ...NOTHING_TO_DO, spec: '' as SpecId, standing: 'gone', actions });

const drainsPrefix = ({ keyPath, cluster }: Policy): KvKey => drainingPrefix(keyPath, cluster);

/** Clearing up that belongs to no spec. */
function housekeeping(context: PlanContext, nudge: readonly Action[]): SpecPlan | undefined {
  const actions = [...forgetDrained(context, drainsPrefix(context.policy)), ...forgetSpecifications(context), ...nudge];
  return actions.length === 0 ? undefined : ofNoSpec(actions);
}

const hasWork = (pass: Pass): boolean =>
  pass.nodes.length > 0 || pass.housekeeping !== undefined || pass.guarded.plans.some((plan) => plan.actions.length > 0);

/** Services that were not applied: until they are, their pools follow what really runs. True when there are new ones. */
function noteRefused(outcomes: readonly Outcome[], refused: Set<ObjectKey>): boolean {
  const before = refused.size;
  for (const { action, result } of outcomes) {
    if (action.kind !== 'apply-object' || kindOf(action.key) !== SERVICE_KIND) continue;
    if (result === 'done') refused.delete(action.key);
    else refused.add(action.key);
  }
  return refused.size > before;
}
