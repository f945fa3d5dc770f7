import type { Action, NodeAction } from '../core/model/action.ts';
import { actionTitle, legOf } from '../core/plan/action-title.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { actionsOf } from '../core/report/run-report.ts';
import { errorText } from '../shared/errors.ts';
import type { OpenTrace, Step, StepFacts, TraceIds, Tracer } from '../shared/tracer.ts';
import type { Outcome } from './apply-plan.ts';
import type { Arrival } from './spec-poller.ts';

/** Ends a step that has begun. */
export type EndStep = (facts?: StepFacts) => void;

/** Takes down what a run does, step by step. Steps nest as they begin and end. */
export interface Steps {
  begin(name: string, facts?: StepFacts): EndStep;
}

const nothing: EndStep = () => undefined;
/** For runs that nobody traces. */
export const NO_STEPS: Steps = { begin: () => nothing };

/** Does the work as a step of its own. What it throws ends the run, and with it the step. */
export async function during<T>(steps: Steps, name: string, work: () => Promise<T>): Promise<T> {
  const end = steps.begin(name);
  const result = await work();
  end();
  return result;
}

/** A new head that the run is the first to see. */
export interface ReadHead {
  /** When the look at the repository began, in ms since the epoch. */
  readonly beganAtMs: number;
  readonly arrival: Arrival;
}

interface OpenStep {
  readonly name: string;
  readonly startMs: number;
  facts: StepFacts;
  readonly steps: Step[];
}

export interface RunTraceOptions {
  readonly tracer: Tracer;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  /** True: runs in which nothing happened are sent too. */
  readonly idleRuns: boolean;
  readonly head: ReadHead | undefined;
}

/** The trace of one run: a span for the run, one for each of its steps, and one for each action that was tried. */
export class RunTrace implements Steps {
  readonly #trace: OpenTrace;
  readonly #idleRuns: boolean;
  readonly #head: ReadHead | undefined;
  readonly #root: OpenStep;
  readonly #open: OpenStep[];
  readonly #begun = new Map<Action | NodeAction, number>();
  #hasOutcomes = false;

  constructor({ tracer, startMs, idleRuns, head }: RunTraceOptions) {
    const beginMs = Math.min(startMs, head?.beganAtMs ?? startMs);
    this.#trace = tracer.begin('run', beginMs);
    this.#idleRuns = idleRuns;
    this.#head = head;
    this.#root = { name: 'run', startMs: beginMs, facts: {}, steps: head === undefined ? [] : readSteps(head) };
    this.#open = [this.#root];
  }

  get ids(): TraceIds {
    return this.#trace.ids;
  }

  begin(name: string, facts: StepFacts = {}): EndStep {
    const step: OpenStep = { name, startMs: this.#trace.now(), facts, steps: [] };
    this.#open.push(step);
    return (more = {}) => {
      step.facts = { ...step.facts, ...more };
      this.#closeDownTo(step);
    };
  }

  /** An action is about to be sent. */
  noteBegin(action: Action | NodeAction): void {
    this.#begun.set(action, this.#trace.now());
  }

  /** An action has ended; one that was skipped was none. */
  noteOutcome({ spec, action, result, problem }: Outcome): void {
    if (result === 'skipped') return;
    this.#hasOutcomes = true;
    const endMs = this.#trace.now();
    const startMs = this.#begun.get(action) ?? endMs;
    const what = { 'poolkeeper.leg': legOf(action), 'poolkeeper.op': action.kind, 'poolkeeper.on': actionTitle(action) };
    const of = spec === undefined ? {} : { 'poolkeeper.spec': spec };
    const failure = problem === undefined ? {} : { 'error.type': problem.code };
    const facts = { ...what, ...of, 'poolkeeper.result': result, ...failure };
    const error = result === 'failed' ? { error: problem?.message ?? 'no reason given' } : {};
    this.#top().steps.push({ name: action.kind, startMs, endMs, facts, ...error, steps: [] });
  }

  /** Ends the trace of a run that has a report; gives its ids when it is sent. */
  finish(report: RunReport): TraceIds | undefined {
    if (!this.#idleRuns && !this.#hasOutcomes && this.#head === undefined && report.latencies.length === 0) return undefined;
    return this.#end(reportFacts(report));
  }

  /** Ends the trace of a run that threw. */
  fail(error: unknown, trigger: readonly string[]): void {
    this.#end({ 'poolkeeper.trigger': trigger }, errorText(error));
  }

  #end(facts: StepFacts, error?: string): TraceIds {
    this.#root.facts = facts;
    this.#closeDownTo(this.#open[1]);
    const failure = error === undefined ? {} : { error };
    this.#trace.end({ ...this.#root, endMs: this.#trace.now(), ...failure });
    return this.#trace.ids;
  }

  /** Closes this step and what is still open within it. */
  #closeDownTo(step: OpenStep | undefined): void {
    if (step === undefined || !this.#open.includes(step)) return;
    for (;;) {
      const last = this.#open.pop();
      if (last === undefined) return;
      this.#top().steps.push({ ...last, endMs: this.#trace.now() });
      if (last === step) return;
    }
  }

  #top(): OpenStep {
    return this.#open.at(-1) ?? this.#root;
  }
}

/** What was done beside the runs before this one could begin. */
function readSteps({ beganAtMs, arrival }: ReadHead): Step[] {
  const { revision, changed, fetchedAtMs, decodedAtMs, webhookAtMs } = arrival;
  const woken = { 'poolkeeper.webhook': webhookAtMs !== undefined };
  return [
    { name: 'read', startMs: beganAtMs, endMs: fetchedAtMs, facts: { 'poolkeeper.revision': revision, ...woken }, steps: [] },
    { name: 'decode', startMs: fetchedAtMs, endMs: decodedAtMs, facts: { 'poolkeeper.specs.changed': changed.size }, steps: [] },
  ];
}

function reportFacts(report: RunReport): StepFacts {
  const { trigger, revision, passes, specs, pools, holds, leader, latencies } = report;
  const tried = actionsOf(report).filter(({ action }) => action.result === 'done' || action.result === 'failed');
  const problems = report.problems.length + specs.reduce((sum, spec) => sum + spec.problems.length, 0);
  return {
    'poolkeeper.trigger': trigger,
    ...(revision === undefined ? {} : { 'poolkeeper.revision': revision }),
    'poolkeeper.passes': passes,
    'poolkeeper.leader': leader.consul,
    'poolkeeper.specs': specs.length,
    'poolkeeper.pools': pools.length,
    'poolkeeper.actions': tried.length,
    'poolkeeper.actions.failed': tried.filter(({ action }) => action.result === 'failed').length,
    'poolkeeper.holds': holds.length,
    'poolkeeper.problems': problems,
    ...Object.fromEntries(latencies.map(({ stage, seconds }) => [`poolkeeper.latency.${stage}_seconds`, seconds])),
  };
}
