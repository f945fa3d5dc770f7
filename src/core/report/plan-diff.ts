import type { ProblemCode } from '../../shared/problem.ts';
import type { Action, DeregisterPool, NodeAction } from '../model/action.ts';
import { NODE_CHECK_ID } from '../model/consul-names.ts';
import type { SpecId } from '../model/ids.ts';
import { kindOf } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { actionChanges, actionTitle, legOf } from '../plan/action-title.ts';
import type { PlanContext } from '../plan/context.ts';
import type { SpecPlan } from '../plan/spec-plan.ts';
import { diffKeys } from './diff-keys.ts';
import type { DiffLine } from './diff-line.ts';
import { diffObject, namedFields } from './diff-object.ts';
import { diffChecks, diffPool, diffRouters, leavingPool } from './diff-pool.ts';

/** What one action of a plan would change, or what follows from it in Traefik. */
export interface PlannedChange {
  /** Absent: it belongs to no spec. */
  readonly spec?: SpecId;
  readonly leg: 'kubernetes' | 'consul' | 'traefik';
  /** The action's kind; `route` for what follows in Traefik. */
  readonly op: string;
  /** What it is done to: `Service prod/echoserver`. */
  readonly on: string;
  /** Why, and what changes, in words. */
  readonly why: readonly string[];
  readonly lines: readonly DiffLine[];
  /** `planned`: it is done next; `waiting`: it comes by itself; `held`: a guard or a person keeps it back; `failed`: it was refused, or went wrong. */
  readonly state: 'planned' | 'waiting' | 'held' | 'failed';
  /** What it waits for, why it is held, or what failed, without a full stop. Absent: it is planned. */
  readonly reason?: string;
  /** What releases or mends it. */
  readonly remedy?: string;
  readonly code?: ProblemCode;
  /** When what it waits for is looked at again, in ms since the epoch. */
  readonly untilMs?: number;
}

/** How far a change is. */
export type ChangeStanding = Pick<PlannedChange, 'state' | 'reason' | 'remedy' | 'code' | 'untilMs'>;

/** What is planned for one spec, or for none. */
export interface PlannedActions {
  readonly spec?: SpecId;
  readonly actions: readonly (Action | NodeAction)[];
  /** What else is known of the plan: what waits and what is held. Absent: nothing. */
  readonly plan?: SpecPlan;
}

const PLANNED: ChangeStanding = { state: 'planned' };

/** What one action would change, leg by leg, with the values before and after as far as they are known. Pure. */
export function changesOf(
  action: Action | NodeAction,
  { spec, standing = PLANNED }: { readonly spec: SpecId | undefined; readonly standing?: ChangeStanding },
  context: PlanContext,
): readonly PlannedChange[] {
  const of = spec === undefined ? {} : { spec };
  const change: PlannedChange = {
    ...of,
    leg: legOf(action),
    op: action.kind,
    on: actionTitle(action),
    why: actionChanges(action),
    lines: linesOf(action, context),
    ...standing,
  };
  if (action.kind !== 'register-pool' && action.kind !== 'deregister-pool') return [change];
  return [change, ...routeChanges(action, { spec, standing }, context)];
}

/** A pool that would leave, though no action says so. */
export function leavingChanges(
  pool: DeregisterPool['pool'],
  { spec, standing }: { readonly spec: SpecId; readonly standing: ChangeStanding },
  context: PlanContext,
): readonly PlannedChange[] {
  const gone = { kind: 'deregister-pool', pool } as const;
  const change: PlannedChange = {
    spec,
    leg: 'consul',
    op: gone.kind,
    on: `pool ${pool}`,
    why: [],
    lines: leavingPool(gone, context),
    ...standing,
  };
  return [change, ...routeChanges(gone, { spec, standing }, context)];
}

function routeChanges(
  action: Parameters<typeof diffRouters>[0],
  { spec, standing }: { readonly spec: SpecId | undefined; readonly standing: ChangeStanding },
  context: PlanContext,
): readonly PlannedChange[] {
  const lines = diffRouters(action, context);
  if (lines.length === 0) return [];
  const of = spec === undefined ? {} : { spec };
  return [{ ...of, leg: 'traefik', op: 'route', on: `routes of pool ${action.pool}`, why: [], lines, ...standing }];
}

function linesOf(action: Action | NodeAction, context: PlanContext): readonly DiffLine[] {
  switch (action.kind) {
    case 'apply-object':
      return objectLines(action, context);
    case 'register-pool':
      return [...diffPool(action, context), ...diffChecks(action, context), ...diffKeys(action.kv, context)];
    case 'deregister-pool':
      return [...leavingPool(action, context), ...diffKeys(action.kv, context)];
    case 'write-kv':
      return diffKeys(action.writes, context);
    case 'ensure-node':
      return statusLines(action, context);
    default:
      return [];
  }
}

function statusLines({ node, status }: Extract<NodeAction, { kind: 'ensure-node' }>, { registry }: PlanContext): readonly DiffLine[] {
  const before = registry?.checks.get(`${node.name}/${NODE_CHECK_ID}`)?.status;
  if (before === status) return [];
  return [before === undefined ? { what: 'status', op: 'add', after: status } : { what: 'status', op: 'change', before, after: status }];
}

/** What nobody keeps whole, as in a daemon, is told by the fields that the plan names, with what they become. */
function objectLines({ key, object, changes }: Extract<Action, { kind: 'apply-object' }>, context: PlanContext): readonly DiffLine[] {
  const live = liveObject(key, context);
  if (live === undefined || live.content !== undefined) return diffObject(object, live);
  return namedFields(object, changes);
}

/** The live object; undefined: there is none, or nobody knows. */
export function liveObject(key: LiveObject['key'], { world }: Pick<PlanContext, 'world'>): LiveObject | undefined {
  const { services, objects } = world.cluster;
  const snapshot = objects.get(kindOf(key));
  return (snapshot === undefined ? undefined : snapshotValue(snapshot)?.get(key)) ?? snapshotValue(services)?.get(key);
}
