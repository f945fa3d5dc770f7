/** What the loop does about a problem: try again, or wait until a person mends something. */
export type ProblemNext = 'retry' | 'fix-spec' | 'fix-config' | 'report-bug';

/** `error` stops the thing it speaks of, `warning` and `note` do not. */
export type Severity = 'error' | 'warning' | 'note';

/** What is always true of a problem of one code. */
export interface CatalogueEntry {
  readonly next: ProblemNext;
  readonly severity: Severity;
  /** What to do, when the place that reports it knows nothing better. */
  readonly remedy: string;
}

/** One line of the catalogue. */
export const entry = (next: ProblemNext, severity: Severity, remedy: string): CatalogueEntry => ({ next, severity, remedy });
