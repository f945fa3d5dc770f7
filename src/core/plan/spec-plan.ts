import type { Problem } from '../../shared/problem.ts';
import type { SpecStanding } from '../desired/standing-of.ts';
import type { Action, ApplyObject, Hold, Waiting } from '../model/action.ts';
import type { ObjectKey, PoolKey, SpecId } from '../model/ids.ts';
import type { RemovalKey } from '../model/memory.ts';

/** Something that would be taken away, now or as soon as it has drained: what the guard counts. */
export interface Removal {
  readonly key: RemovalKey;
  readonly kind: 'pool' | 'object';
  readonly title: string;
  /** For an object: true when it goes together with a pool of its spec. */
  readonly withPool: boolean;
  /** True when it comes back: something is deleted and created again. */
  readonly returns?: true;
  /** Why it must not be removed yet, whatever the limits say. */
  readonly bar: Problem | undefined;
}

/** A change of an object that is not among the actions of its plan, and why not. */
export interface PutOff {
  readonly op: 'apply-object' | 'delete-object';
  readonly key: ObjectKey;
  /** `waiting`: it comes by itself; `held`: a person keeps it back; `refused`: it is wrong. */
  readonly state: 'waiting' | 'held' | 'refused';
  /** What would be sent. Absent: it is a delete, or not known yet. */
  readonly apply?: ApplyObject;
  /** In words, without a full stop. */
  readonly reason: string;
  readonly problem?: Problem;
}

/** What is to be done for one spec, in order; plain data. A leg's first failure ends that leg's part, no other spec's. */
export interface SpecPlan {
  readonly spec: SpecId;
  readonly standing: SpecStanding;
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
  readonly problems: readonly Problem[];
  readonly removals: readonly Removal[];
  /** What was refused before and is not tried again yet; told as planned, and not done. */
  readonly resting?: readonly Action[];
  /** What takes them away; the guard moves it into `actions`, or drops it. */
  readonly removing: readonly Action[];
  /** What keeps the leaving pools up to date with their nodes, should their removal be held. */
  readonly whileHeld: readonly Action[];
  readonly holds: readonly Hold[];
  /** Changes of objects that it has no action for yet, for people. Absent: none. */
  readonly putOff?: readonly PutOff[];
  /** Services that the spec wants changed and that are not, because something of the spec is refused or goes first, or they must wait; and objects that are not recreated. */
  readonly unapplied: readonly ObjectKey[];
  /** Its pools with a live Service. */
  readonly pools: readonly PoolKey[];
}
