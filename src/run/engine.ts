import type { PoolKey, SpecId } from '../core/model/ids.ts';
import type { Policy } from '../core/model/policy.ts';
import type { Clock, Gateway, NodeProbe, RouteProbe } from '../core/model/ports.ts';
import { snapshotValue } from '../core/model/snapshot.ts';
import { legOf } from '../core/plan/action-title.ts';
import type { Held } from '../core/plan/approvals.ts';
import type { PlanContext } from '../core/plan/context.ts';
import { planNudge } from '../core/plan/plan-nudge.ts';
import { probeTargets } from '../core/plan/probe-targets.ts';
import type { RouteTargetMemo } from '../core/plan/route-targets.ts';
import { routeTargets } from '../core/plan/route-targets.ts';
import { buildReport } from '../core/report/build-report.ts';
import type { CommitBook } from '../core/report/commit-book.ts';
import type { FollowedTraefik, TraefikView } from '../core/report/follow-traefik.ts';
import { followTraefik } from '../core/report/follow-traefik.ts';
import type { PlannedActions } from '../core/report/plan-diff.ts';
import type { LeaderReport, RunReport } from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';
import type { TraceIds } from '../shared/tracer.ts';
import type { ApplyPorts, Outcome } from './apply-plan.ts';
import { CommitFollower } from './commit-follower.ts';
import { leaderUrl } from './know-leader.ts';
import type { RunTimes } from './latency-tracker.ts';
import { readMemory } from './read-memory.ts';
import type { Pass } from './reconcile.ts';
import { reconcile } from './reconcile.ts';
import type { Turn } from './reconcile-loop.ts';
import { isRefusal, retryAll } from './retry-spec.ts';
import type { RunMemos } from './run-memos.ts';
import { createMemos } from './run-memos.ts';
import type { ReadHead, RunTraceOptions } from './run-trace.ts';
import { NO_STEPS, RunTrace } from './run-trace.ts';
import type { SpecPoller } from './spec-poller.ts';

export interface EngineOptions {
  readonly ports: ApplyPorts;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly poller: SpecPoller;
  /** Tries nodes while the API server's word on them is in doubt. Absent: such nodes count as serving. */
  readonly probe?: NodeProbe;
  /** Tells what Traefik serves. Absent: Traefik is not watched. */
  readonly gateway?: Gateway;
  /** Tries routes through Traefik. Absent: none is tried. */
  readonly routeProbe?: RouteProbe;
  /** True to plan only. */
  readonly dryRun: boolean;
  /** With `dryRun`: the API server is asked whether it would take what is planned. */
  readonly check?: boolean;
  /** Told of each action as it ends, and of the trace of its run; crash tests stop the process here. */
  readonly onOutcome?: (outcome: Outcome, trace?: TraceIds) => void;
  /** Where traces of runs go. Absent: none are made. */
  readonly tracing?: Pick<RunTraceOptions, 'tracer' | 'idleRuns'> | undefined;
}

/** What one run is for, and who takes down what it does. */
interface RunWish {
  readonly trigger: readonly string[];
  readonly look: 'act' | 'look';
  readonly trace: RunTrace | undefined;
}

/** What the last run looked at, and what it told. */
export interface LastRun {
  readonly context: PlanContext;
  readonly report: RunReport;
  /** What it left open, spec by spec; what belongs to none last. */
  readonly planned: readonly PlannedActions[];
  /** What of the holds an approval can release. */
  readonly held: Held | undefined;
}

/** Makes runs out of the ports: polls, reconciles, times and reports. Decides nothing about when. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #memos: RunMemos = createMemos();
  readonly #commits = new CommitFollower();
  #traefik: FollowedTraefik | undefined;
  /** Whether the last run found a nudge due, which the next one writes. */
  #nudgeIsDue = false;
  #last: LastRun | undefined;
  #behind: ReadonlySet<PoolKey> | undefined;
  readonly #routes: RouteTargetMemo = new Map();
  /** The last head that came in, until a run is traced. */
  #head: ReadHead | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Undefined until the first run has ended. */
  lastRun(): LastRun | undefined {
    return this.#last;
  }

  /** The specs that a commit touched when it became the head, broken ones included; undefined: it was the head at the start. */
  touchedBy(revision: string | undefined): ReadonlySet<SpecId> | undefined {
    return this.#commits.touchedBy(revision);
  }

  /** The last commits, newest first, as the last run judged them. */
  commits(): CommitBook {
    return this.#commits.book();
  }

  /** Looks at Git; true when there is something new to plan. */
  async poll(signal: AbortSignal): Promise<boolean> {
    const { poller, ports, policy, clock, tracing } = this.#options;
    const beganAtMs = clock.now();
    const { memory } = readMemory(snapshotValue(ports.registry.state()), policy);
    poller.remembered(memory.lastGood ?? {});
    const { changed, arrival } = await poller.poll(memory.appliedRevision, signal);
    if (arrival !== undefined) this.#commits.arrived(arrival);
    if (arrival !== undefined && tracing !== undefined) this.#head = { beganAtMs, arrival };
    return changed;
  }

  /** One run, and what follows from it for the loop. With `look` it only plans: the first report, before anything is written. */
  async run(trigger: readonly string[], signal: AbortSignal, look: 'act' | 'look' = 'act'): Promise<Turn> {
    const { clock, tracing } = this.#options;
    const startMs = clock.now();
    if (tracing === undefined || look === 'look') return this.#run({ trigger, look, trace: undefined }, signal);
    const trace = new RunTrace({ ...tracing, startMs, head: this.#head });
    this.#head = undefined;
    try {
      const turn = await this.#run({ trigger, look, trace }, signal);
      return { ...turn, trace: trace.finish(turn.report) };
    } catch (error) {
      trace.fail(error, trigger);
      throw error;
    }
  }

  async #run({ trigger, look, trace }: RunWish, signal: AbortSignal): Promise<Turn> {
    const { policy, clock, poller, probe, gateway, routeProbe, dryRun, check } = this.#options;
    const ports = trace === undefined ? this.#options.ports : { ...this.#options.ports, onBegin: trace.noteBegin.bind(trace) };
    const steps = trace ?? NO_STEPS;
    const startedAtMs = clock.now();
    const leader = leaderOf(ports);
    const times = new WriteTimes(clock);
    const onOutcome = (outcome: Outcome): void => {
      times.note(outcome);
      trace?.noteOutcome(outcome);
      this.#options.onOutcome?.(outcome, trace?.ids);
    };
    if (trigger.some((why) => RETRIES_ALL.has(why))) retryAll(this.#memos.refused);
    if (trigger.includes('resync')) this.#memos.futile.clear();
    const planOnly = dryRun || look === 'look' || !(leader.consul || leader.kubernetes);
    const seen = {
      ...(probe === undefined ? {} : { reachable: probe.state() }),
      ...(gateway === undefined ? {} : { gateways: gateway.state() }),
      ...(this.#behind === undefined ? {} : { behind: this.#behind }),
    };
    const known = { ...seen, ...(check === true ? { check } : {}) };
    const input = { ports, policy, clock, memos: this.#memos, specs: poller.snapshot(), ...known, dryRun: planOnly, onOutcome, steps };
    const result = await reconcile(input, signal);
    const verified = steps.begin('verify');
    probe?.want(planOnly ? [] : probeTargets(result.last.context));
    routeProbe?.want(planOnly ? [] : routeTargets(result.last.context, { tls: routeProbe.tls, memo: this.#routes }));
    const traefik = this.#followTraefik(planOnly ? undefined : result.last);
    verified({ 'poolkeeper.pools.behind': traefik?.behind.size ?? 0 });
    const reported = steps.begin('report');
    const built = buildReport({
      context: result.last.context,
      plans: result.last.guarded.plans,
      held: result.last.guarded.held,
      others: [...result.last.nodes, ...result.last.namespaces],
      outcomes: result.outcomes,
      passes: result.passes,
      startedAtMs,
      endedAtMs: clock.now(),
      trigger,
      leader,
      latencies: [],
      problems: [...poller.problems(), ...leaseProblems(ports)],
      traefik,
      probed: planOnly ? undefined : routeProbe?.state(),
    });
    const report = planOnly
      ? this.#commits.planned(built, leader.consul)
      : this.#commits.acted(built, times.of(startedAtMs, result.plannedAtMs));
    const { context, guarded } = result.last;
    this.#last = { context, report, planned: plannedOf(result.last), held: guarded.held };
    reported();
    return {
      report,
      lookAgainAtMs: result.unfinished ? clock.now() + UNFINISHED_MS : this.#lookAgainAt(result.last, traefik),
      retry: failed(result.outcomes),
    };
  }

  #lookAgainAt(pass: Pass, traefik: TraefikView | undefined): number | undefined {
    const times = [...dueAtMs(pass, traefik)];
    const nudge = traefik === undefined ? undefined : planNudge(traefik.behind, new Set(), pass.context);
    const { nowMs } = pass.context;
    if (nudge !== undefined) times.push(Math.max(nudge.atMs, nowMs + (this.#nudgeIsDue ? NUDGE_AGAIN_MS : UNFINISHED_MS)));
    this.#nudgeIsDue = nudge !== undefined && nudge.atMs <= nowMs;
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Compares what Traefik serves with the last pass, and has it asked until both agree. One that only plans expects nothing. */
  #followTraefik(last: Pass | undefined): TraefikView | undefined {
    const look = last === undefined ? undefined : followTraefik(last.context, this.#traefik);
    this.#traefik = look?.followed;
    this.#behind = look?.view.behind;
    this.#options.gateway?.expect(look?.view.awaitedSinceMs);
    return look?.view;
  }
}

function plannedOf({ guarded, nodes, namespaces }: Pass): readonly PlannedActions[] {
  const ofSpecs = guarded.plans.map((plan) => ({ spec: plan.spec, actions: [...(plan.resting ?? []), ...plan.actions], plan }));
  return [...ofSpecs, { actions: [...namespaces, ...nodes] }];
}

/** Before the next run when the passes were used up: at once would turn a fight with another writer into a busy loop. */
const UNFINISHED_MS = 1_000;

/** Before a nudge that could not be written, or whose pool is changing anyway, is thought of again. */
const NUDGE_AGAIN_MS = 30_000;

/** Wake-ups that ask for everything anew, also for what was refused. */
const RETRIES_ALL: ReadonlySet<string> = new Set(['resync', 'full-compare']);

/** What Kubernetes refused of a spec has its own time, which the plan tells. */
const failed = (outcomes: readonly Outcome[]): boolean =>
  outcomes.some((outcome) => outcome.result === 'failed' && outcome.problem?.next === 'retry' && !isRefusal(outcome));

/** When the first thing that is waited for comes due, but for nudges. */
function dueAtMs(pass: Pass, traefik: TraefikView | undefined): readonly number[] {
  const waiting = pass.guarded.plans.flatMap((plan) => plan.waiting.flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs])));
  return [...waiting, ...pass.drainsDueAtMs, ...(traefik?.lookAgainAtMs === undefined ? [] : [traefik.lookAgainAtMs])];
}

function leaderOf({ leases }: ApplyPorts): LeaderReport {
  const consul = leases.consul.state();
  const kubernetes = leases.kubernetes.state();
  const holder = consul.held ? undefined : consul.holder;
  const url = leaderUrl(leases.consul);
  return {
    consul: consul.held,
    kubernetes: kubernetes.held,
    ...(holder === undefined ? {} : { holder }),
    ...(url === undefined ? {} : { url }),
  };
}

function leaseProblems({ leases }: ApplyPorts): readonly Problem[] {
  return [leases.consul.state(), leases.kubernetes.state()].flatMap((state) =>
    state.held || state.problem === undefined ? [] : [state.problem],
  );
}

/** When the last write of each spec succeeded, by leg. */
class WriteTimes {
  readonly #clock: Clock;
  readonly #kubernetes = new Map<SpecId, number>();
  readonly #consul = new Map<SpecId, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note({ spec, action, result }: Outcome): void {
    if (spec === undefined || result !== 'done') return;
    (legOf(action) === 'kubernetes' ? this.#kubernetes : this.#consul).set(spec, this.#clock.now());
  }

  of(startedAtMs: number, plannedAtMs: number): RunTimes {
    return { startedAtMs, plannedAtMs, lastKubernetesAtMs: this.#kubernetes, lastConsulAtMs: this.#consul };
  }
}
