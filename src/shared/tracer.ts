/** What a step is about. Texts are free of secrets, or are redacted by who sends them. */
export type StepFacts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** One step of a run, as it goes into a trace. Times in ms since the epoch, with fractions. */
export interface Step {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly facts: StepFacts;
  /** What went wrong in it, in words. Absent: nothing did. */
  readonly error?: string;
  /** What it consisted of, in the order in which it began. */
  readonly steps: readonly Step[];
}

/** The ids of W3C Trace Context, in lower-case hex: they connect log lines with their trace. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** A trace that has begun. One that is never ended is never sent. */
export interface OpenTrace {
  readonly ids: TraceIds;
  /** Milliseconds since the epoch, finer than a millisecond, and never backwards within the trace. */
  readonly now: () => number;
  /** Hands it over to be sent; returns at once and never throws. */
  end(root: Step): void;
}

/** Sends traces of runs somewhere. It never delays a run, and no failure of it reaches one. */
export interface Tracer {
  begin(name: string, startMs: number): OpenTrace;
}
