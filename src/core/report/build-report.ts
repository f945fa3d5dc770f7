import type { Problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { Action, NodeAction } from '../model/action.ts';
import { consulNodeName, NODE_CHECK_ID } from '../model/consul-names.ts';
import type { NodeName, SpecId } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import { drainOf } from '../model/nodes.ts';
import type { RegistryState } from '../model/registration.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { World } from '../model/world.ts';
import { actionChanges, actionTitle, legOf } from '../plan/action-title.ts';
import type { Held } from '../plan/approvals.ts';
import type { PlanContext } from '../plan/context.ts';
import { remember } from '../plan/memos.ts';
import { migrationOf } from '../plan/plan-migration.ts';
import { registeredOf } from '../plan/plan-pool.ts';
import { agentsOf } from '../plan/pool-agents.ts';
import type { SpecPlan } from '../plan/spec-plan.ts';
import { classifyNode } from '../pool/classify-node.ts';
import { stayingOut } from '../pool/stay-out.ts';
import type { PoolTraefik, TraefikView } from './follow-traefik.ts';
import { poolHealthReport } from './health-words.ts';
import { lastChanges } from './last-changes.ts';
import { namedHosts } from './named-hosts.ts';
import type {
  ActionReport,
  LatencyReport,
  LeaderReport,
  LegState,
  NodeReport,
  PoolReport,
  RunReport,
  SourceReport,
  SpecReport,
  WriteReport,
} from './run-report.ts';
import { legStates, specState } from './spec-state.ts';
import { verbsReport } from './verbs-report.ts';
import type { ProbedRoutes } from './with-probes.ts';
import { probeProblems } from './with-probes.ts';

/** How one action ended, as the run tells it. */
export interface ReportedOutcome {
  readonly spec: SpecId | undefined;
  readonly action: Action | NodeAction;
  readonly result: 'done' | 'failed' | 'skipped';
  readonly problem?: Problem;
}

export interface ReportInput {
  readonly context: PlanContext;
  readonly plans: readonly SpecPlan[];
  /** What of the holds an approval can release. Absent: nothing. */
  readonly held?: Held | undefined;
  /** Open actions that belong to no spec. */
  readonly others: readonly (Action | NodeAction)[];
  readonly outcomes: readonly ReportedOutcome[];
  readonly passes: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly trigger: readonly string[];
  readonly leader: LeaderReport;
  readonly latencies: readonly LatencyReport[];
  readonly problems: readonly Problem[];
  /** Absent: Traefik was not looked at in this run. */
  readonly traefik?: TraefikView | undefined;
  /** What the routes answered when they were last tried. Absent: none is tried. */
  readonly probed?: ProbedRoutes | undefined;
}

/** Puts together what a run saw and did. Pure. */
export function buildReport(input: ReportInput): RunReport {
  const { context, plans, outcomes } = input;
  const bySpec = new Map<SpecId | undefined, ReportedOutcome[]>();
  for (const outcome of outcomes) bySpec.set(outcome.spec, [...(bySpec.get(outcome.spec) ?? []), outcome]);
  const set = snapshotValue(context.world.specs);
  const changed = remember(context.memos.lastChanges, 'specs', [set?.recent], () => lastChanges(set));
  const specs = plans.map((plan): SpecReport => {
    const lastChange = changed.get(plan.spec);
    return { ...specReport(plan, bySpec.get(plan.spec) ?? [], input), ...(lastChange === undefined ? {} : { lastChange }) };
  });
  const planned = new Set<SpecId | undefined>(plans.map((plan) => plan.spec));
  // What belongs to no spec, or to one that is gone now that its last object is.
  const own = outcomes.filter((outcome) => !planned.has(outcome.spec));
  const others = own.flatMap((outcome) => (outcome.problem === undefined ? [] : [outcome.problem]));
  return {
    startedAtMs: input.startedAtMs,
    durationMs: input.endedAtMs - input.startedAtMs,
    passes: input.passes,
    trigger: input.trigger,
    revision: set?.revision,
    ...commitReport(context.world),
    leader: input.leader,
    specs,
    actions: [...own.map(outcomeReport), ...input.others.filter((open) => !wasTried(open, own)).map((open) => openReport(open))],
    pools: poolReports(input),
    nodes: nodeReports(context),
    ...(input.traefik === undefined ? {} : { gateways: input.traefik.gateways }),
    sources: sourceReports(context.world, input.endedAtMs),
    holds: plans.flatMap((plan) => plan.holds),
    ...verbsReport(input),
    problems: [...input.problems, ...(input.traefik?.problems ?? []), ...(set?.notes ?? []), ...others],
    latencies: input.latencies,
    writes: countWrites(outcomes),
  };
}

function commitReport({ specs }: World): Pick<RunReport, 'commit'> {
  const head = snapshotValue(specs)?.head;
  if (head === undefined) return {};
  const { author, committedAtMs, subject } = head;
  return { commit: { author, committedAtMs, subject } };
}

function specReport(plan: SpecPlan, outcomes: readonly ReportedOutcome[], { context, traefik: seen, probed }: ReportInput): SpecReport {
  const failures = outcomes.flatMap((outcome) => (outcome.problem === undefined ? [] : [outcome.problem]));
  const pools = plan.pools.flatMap((pool) => seen?.pools.get(pool) ?? []);
  const probes = plan.pools.flatMap((pool) => probeProblems(pool, probed));
  const problems = distinct([...plan.problems, ...failures, ...pools.flatMap((pool) => pool.problems), ...probes]);
  const traefik = context.world.gateways !== undefined && seen === undefined ? 'unknown' : traefikState(pools.map(({ state }) => state));
  const open = [...(plan.resting ?? []), ...plan.actions];
  const finding = { plan, open, problems, world: context.world, traefik };
  return {
    id: plan.spec,
    state: specState(finding),
    legs: legStates(finding),
    problems,
    waiting: plan.waiting,
    holds: plan.holds,
    actions: [...outcomes.map(outcomeReport), ...open.filter((action) => !wasTried(action, outcomes)).map((action) => openReport(action))],
  };
}

/** Of several pools the one that is worst off tells. */
const traefikState = (pools: readonly LegState[]): LegState =>
  (['failed', 'changing', 'unknown', 'in-step'] as const).find((state) => pools.includes(state)) ?? 'not-watched';

/** How an action ended, in the words of the report. */
export const outcomeReport = ({ action, result, problem }: ReportedOutcome): ActionReport => ({
  ...openReport(action),
  result: result === 'skipped' ? 'planned' : result,
  ...(problem === undefined ? {} : { problem }),
});

const openReport = (action: Action | NodeAction): ActionReport => ({
  leg: legOf(action),
  op: action.kind,
  on: actionTitle(action),
  changes: actionChanges(action),
  result: 'planned',
});

/** An open action that has just failed or been skipped is told once. */
const wasTried = (open: Action | NodeAction, outcomes: readonly ReportedOutcome[]): boolean =>
  outcomes.some(({ action, result }) => result !== 'done' && action.kind === open.kind && actionTitle(action) === actionTitle(open));

function distinct(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(problems.map((p) => [`${p.code} ${p.message} ${p.where?.line ?? ''}:${p.where?.column ?? ''}`, p]));
  return [...seen.values()];
}

function poolReports({ context, plans, traefik, probed }: ReportInput): readonly PoolReport[] {
  const reports = plans.flatMap((plan) =>
    plan.pools.flatMap((pool): PoolReport[] => {
      const view = context.views.get(pool);
      if (view === undefined) return [];
      const decision = context.decisions.get(pool);
      const registered = registeredOf(pool, context);
      const probes = probed?.get(pool);
      const leaves = view.leaving !== undefined && plan.holds.length === 0;
      const agents = agentsReport(view, context);
      const passing = registered.instances.filter((i) => isPassing(i.consulNode, i.id, context.registry, registered.checks));
      return [
        {
          pool,
          spec: plan.spec,
          service: view.service,
          ...hostsReport(view, context),
          desired: leaves ? 0 : (decision?.backends.length ?? 0),
          registered: registered.instances.length,
          passing: passing.length,
          ...(leaves || agents.agents !== undefined ? {} : floorReport(view, context)),
          nodePort: view.nodePort,
          health: poolHealthReport(view, registered, context),
          decisions: decision?.decisions ?? [],
          registeredOn: registered.instances.map(({ node }) => node),
          passingOn: passing.map(({ node }) => node),
          ...agents,
          ...(probes === undefined ? {} : { probes }),
          ...replicasReport(traefik?.pools.get(pool)),
        },
      ];
    }),
  );
  return reports.sort((a, b) => byBytes(a.pool, b.pool));
}

function hostsReport({ pool, tags }: PoolView, { memos }: PlanContext): Pick<PoolReport, 'hosts'> {
  const hosts = remember(memos.hosts, pool, [tags], () => namedHosts(tags));
  return hosts.length === 0 ? {} : { hosts };
}

function agentsReport(view: PoolView, context: PlanContext): Pick<PoolReport, 'agents'> {
  const nodes = [...agentsOf(view, context).nodes].sort(byBytes);
  const moving = migrationOf(view.pool, context) !== undefined;
  return nodes.length === 0 && !moving && context.policy.registration !== 'kv' ? {} : { agents: { nodes, moving } };
}

const floorReport = ({ settings }: PoolView, { policy }: PlanContext): Pick<PoolReport, 'floor'> =>
  policy.registration === 'kv' ? {} : { floor: settings.minBackends ?? policy.pool.minBackends };

function replicasReport(seen: PoolTraefik | undefined): Pick<PoolReport, 'serving' | 'replicas'> {
  if (seen === undefined) return {};
  return { ...(seen.serving === undefined ? {} : { serving: seen.serving }), replicas: seen.replicas };
}

function isPassing(
  consulNode: string,
  id: string,
  registry: RegistryState | undefined,
  checks: readonly { readonly consulNode: string; readonly instanceId: string; readonly status: string }[],
): boolean {
  if (registry?.checks.get(`${consulNode}/${NODE_CHECK_ID}`)?.status === 'critical') return false;
  return checks.every((check) => check.consulNode !== consulNode || check.instanceId !== id || check.status === 'passing');
}

/** Each node as a pool without settings of its own would see it. */
function nodeReports(context: PlanContext): readonly NodeReport[] {
  const demand = { pool: 'any/any' as never, local: false, nodes: [], minBackends: 0, maxBackends: 0, endpoints: undefined };
  const { registry, policy } = context;
  const members = new Map<NodeName, string>();
  const registered = new Map<NodeName, number>();
  for (const { node, address } of [...(registry?.instances.values() ?? [])].flat()) {
    members.set(node, address);
    registered.set(node, (registered.get(node) ?? 0) + 1);
  }
  const stayOut = stayingOut(context.memory, { pool: undefined, graceMs: context.policy.pool.graceMs, nowMs: context.nowMs });
  return (snapshotValue(context.world.cluster.nodes) ?? [])
    .map((facts): NodeReport => {
      const { node, verdict, code, reason } = classifyNode(facts, { ...demand, members, stayOut }, policy.pool, context.nowMs);
      const check = registry?.checks.get(`${consulNodeName(policy.nodePrefix, policy.cluster, node)}/${NODE_CHECK_ID}`)?.status;
      const inConsul = { registered: registered.get(node) ?? 0, check };
      return { node, eligible: verdict === 'in', code, reason, draining: drainOf(facts) !== undefined, ...inConsul };
    })
    .sort((a, b) => byBytes(a.node, b.node));
}

/** What every source says, with its age at `nowMs`. */
export function sourceReports(world: World, nowMs: number): readonly SourceReport[] {
  const sources: readonly (readonly [string, Snapshot<unknown>])[] = [
    ['git', world.specs],
    ['nodes', world.cluster.nodes],
    ['services', world.cluster.services],
    ['endpoints', world.cluster.endpoints],
    ['pods', world.cluster.pods],
    ...[...world.cluster.objects].map(([kind, snapshot]) => [`objects:${kind}`, snapshot] as const),
    ['consul', world.registry],
    ...[...(world.gateways ?? [])].map(([replica, snapshot]) => [`traefik:${replica}`, snapshot] as const),
  ];
  return sources.map(([source, snapshot]) => ({
    source,
    kind: snapshot.kind,
    ageMs: snapshot.kind === 'unavailable' ? undefined : Math.max(0, nowMs - snapshot.readAtMs),
    ...(snapshot.kind === 'complete' ? {} : { reason: snapshot.reason }),
  }));
}

function countWrites(outcomes: readonly ReportedOutcome[]): readonly WriteReport[] {
  const counts = new Map<string, WriteReport>();
  for (const { action, result } of outcomes) {
    if (result === 'skipped') continue;
    const leg = legOf(action);
    const key = `${leg} ${result}`;
    counts.set(key, { leg, result, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
