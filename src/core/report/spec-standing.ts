import type { Problem } from '../../shared/problem.ts';
import type { Hold } from '../model/action.ts';
import type { PoolReport, RunReport, SpecReport } from './run-report.ts';

/**
 * How far a spec is, for the commits that changed it. `done`: all is in step and Traefik serves it, or has let go of what was removed.
 * `going`: it gets there by itself; `unseen`: or is there already, which no Traefik tells. `held`: a guard or a person keeps it back.
 * `failed`: somebody has to mend it; `late`: all is done but what Traefik makes of it, which may still come.
 */
export type SpecStanding =
  | { readonly kind: 'done' }
  | { readonly kind: 'going'; readonly why: string; readonly unseen?: true }
  | { readonly kind: 'held'; readonly why: string; readonly code: string }
  | { readonly kind: 'failed'; readonly why: string; readonly code: string; readonly late?: true };

/** Tells it from a report; `spec` is undefined for one that is not there any more, which has left for good. */
export function standingOf(spec: SpecReport | undefined, { pools }: Pick<RunReport, 'pools'>): SpecStanding {
  if (spec === undefined) return DONE;
  const { id, state, legs, problems, waiting, holds } = spec;
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (state === 'broken' || state === 'conflict' || state === 'failed') return failedBy(errors, state);
  if (state === 'held') return heldBy(holds);
  if (state === 'suspended') return { kind: 'held', why: waiting[0]?.what ?? 'it is suspended', code: 'suspended' };
  const hasLeft = state === 'leaving' && pools.every((pool) => pool.spec !== id || isOutOfConsul(pool));
  if (state !== 'in-step' && !hasLeft) return { kind: 'going', why: waiting[0]?.what ?? state };
  if (legs.traefik === 'in-step' || legs.traefik === 'not-watched') return DONE;
  if (legs.traefik === 'unknown') return { kind: 'going', why: 'no Traefik answers', unseen: true };
  const told = problems.filter(({ code }) => code.startsWith('TRAEFIK_'));
  if (legs.traefik !== 'failed') return { kind: 'going', why: 'Traefik follows' };
  const failed = failedBy(told, 'Traefik does not serve it');
  return failed.kind === 'failed' ? { ...failed, late: true } : failed;
}

const isOutOfConsul = ({ registered, agents }: PoolReport): boolean => registered === 0 && (agents?.nodes.length ?? 0) === 0;

const DONE: SpecStanding = { kind: 'done' };

/** What passes by itself is waited for; the first problem that somebody has to mend is the reason. */
function failedBy(problems: readonly Problem[], otherwise: string): SpecStanding {
  const mend = problems.find(({ next }) => next !== 'retry');
  if (mend !== undefined) return { kind: 'failed', why: reasonOf(mend), code: mend.code };
  const [first] = problems;
  return first === undefined ? { kind: 'failed', why: otherwise, code: otherwise } : { kind: 'going', why: reasonOf(first) };
}

/** The same of holds: while a source has not answered in full, removals wait for it. */
function heldBy(holds: readonly Hold[]): SpecStanding {
  const mend = holds.find(({ reason }) => reason.next !== 'retry');
  const [first] = holds;
  if (mend === undefined && first !== undefined) return { kind: 'going', why: first.reason.message };
  return { kind: 'held', why: `held: ${mend?.reason.message ?? 'by the guard'}`, code: mend?.reason.code ?? '' };
}

const reasonOf = ({ message, where }: Problem): string => (where === undefined ? message : `line ${where.line}: ${message}`);
