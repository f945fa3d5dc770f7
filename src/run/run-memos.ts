import type { DesiredMemo } from '../core/desired/build-desired.ts';
import { newDesiredMemo } from '../core/desired/build-desired.ts';
import type { ScopeMemo } from '../core/desired/settle-scopes.ts';
import { newScopeMemo } from '../core/desired/settle-scopes.ts';
import type { PlanMemos } from '../core/plan/memos.ts';
import { createPlanMemos } from '../core/plan/memos.ts';
import type { FutileApplies } from './futile-applies.ts';
import type { ImmutableRefusals } from './immutable-refusals.ts';
import type { KnownSuspensions } from './read-memory.ts';
import type { RefusedSpecs } from './retry-spec.ts';

/** What runs share. Losing it costs time; while Consul is away, also what people have suspended. */
export interface RunMemos extends KnownSuspensions {
  readonly desired: DesiredMemo;
  readonly plans: PlanMemos;
  readonly immutable: ImmutableRefusals;
  readonly refused: RefusedSpecs;
  readonly scopes: ScopeMemo;
  readonly futile: FutileApplies;
  /** What was known of the nodes when it was last looked which of them leave. */
  readonly nodesSeen: unknown[];
}

/** Nothing shared yet. */
export const createMemos = (): RunMemos => ({
  desired: newDesiredMemo(),
  plans: createPlanMemos(),
  immutable: new Map(),
  refused: new Map(),
  scopes: newScopeMemo(),
  suspensions: {},
  futile: new Map(),
  nodesSeen: [],
});
