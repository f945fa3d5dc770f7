import type { Problem } from '../../shared/problem.ts';
import type { ApplyObject, DeregisterPool, RegisterPool, Waiting, WriteKv } from '../model/action.ts';
import type { LiveObject } from '../model/objects.ts';

/** What is to be done about one desired object. */
export type ObjectStep =
  /** `problem`: nothing more can be done about what still differs. */
  | { readonly kind: 'in-step'; readonly problem?: Problem }
  | { readonly kind: 'apply'; readonly action: ApplyObject }
  | { readonly kind: 'wait'; readonly waiting: Waiting }
  | { readonly kind: 'drain-first'; readonly ports: readonly number[] }
  | { readonly kind: 'recreate'; readonly live: LiveObject; readonly why: string }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** How the roll-out of one object that is in step goes. */
export type RolloutStep =
  | { readonly kind: 'done' }
  | { readonly kind: 'wait'; readonly waiting: Waiting }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** What is to be recorded of a spec's pools under `specifications/`. */
export interface SpecificationStep {
  readonly actions: readonly WriteKv[];
  readonly problems: readonly Problem[];
}

/** What is to be done about one pool in Consul, and what can be told of it. */
export interface PoolStep {
  readonly action: RegisterPool | WriteKv | undefined;
  /** Takes the pool out of the catalog because agents register it (mode `kv`): a removal, which the guard decides. */
  readonly handOver?: DeregisterPool;
  /** Takes the entry away that tells agents of the pool (mode `catalog`): a removal too, though the pool stays in the catalog. */
  readonly forget?: WriteKv;
  readonly waiting: readonly Waiting[];
  readonly problems: readonly Problem[];
}
