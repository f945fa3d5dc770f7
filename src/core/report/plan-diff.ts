import type { Action, KvWrite, NodeAction } from '../model/action.ts';
import type { KvKey, SpecId } from '../model/ids.ts';
import { kindOf } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { actionChanges, actionTitle, legOf } from '../plan/action-title.ts';
import type { PlanContext } from '../plan/context.ts';
import type { DiffLine } from './diff-line.ts';
import { diffObject } from './diff-object.ts';
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
}

/** What is planned for one spec, or for none. */
export interface PlannedActions {
  readonly spec?: SpecId;
  readonly actions: readonly (Action | NodeAction)[];
}

/** What a plan would change, leg by leg, with the values before and after as far as they are known. Pure. */
export function planDiff(plans: readonly PlannedActions[], context: PlanContext): readonly PlannedChange[] {
  return plans.flatMap(({ spec, actions }) => actions.flatMap((action) => changesOf(action, spec, context)));
}

function changesOf(action: Action | NodeAction, spec: SpecId | undefined, context: PlanContext): readonly PlannedChange[] {
  const of = spec === undefined ? {} : { spec };
  const change: PlannedChange = {
    ...of,
    leg: legOf(action),
    op: action.kind,
    on: actionTitle(action),
    why: actionChanges(action),
    lines: linesOf(action, context),
  };
  const routes = action.kind === 'register-pool' || action.kind === 'deregister-pool' ? diffRouters(action, context) : [];
  if (routes.length === 0) return [change];
  const on = action.kind === 'register-pool' || action.kind === 'deregister-pool' ? `routes of pool ${action.pool}` : change.on;
  return [change, { ...of, leg: 'traefik', op: 'route', on, why: [], lines: routes }];
}

function linesOf(action: Action | NodeAction, context: PlanContext): readonly DiffLine[] {
  switch (action.kind) {
    case 'apply-object':
      return diffObject(action.object, liveObject(action.key, context));
    case 'register-pool':
      return [...diffPool(action, context), ...diffChecks(action, context), ...keyLines(action.kv, context)];
    case 'deregister-pool':
      return [...leavingPool(action, context), ...keyLines(action.kv, context)];
    case 'write-kv':
      return keyLines(action.writes, context);
    case 'ensure-node':
      return [{ what: 'status', op: action.nodeIndex === 0 ? 'add' : 'change', after: action.status }];
    default:
      return [];
  }
}

/** The live object; undefined: there is none, or nobody knows. */
export function liveObject(key: LiveObject['key'], { world }: Pick<PlanContext, 'world'>): LiveObject | undefined {
  const { services, objects } = world.cluster;
  const snapshot = objects.get(kindOf(key));
  return (snapshot === undefined ? undefined : snapshotValue(snapshot)?.get(key)) ?? snapshotValue(services)?.get(key);
}

/** Keys without their values: those are long, and made from what is shown elsewhere. */
function keyLines(writes: readonly KvWrite[], { registry }: PlanContext): readonly DiffLine[] {
  const exists = (key: KvKey): boolean => registry?.kv.has(key) === true;
  return writes.map(({ key, value }) => ({ what: `key ${key}`, op: value === undefined ? 'remove' : exists(key) ? 'change' : 'add' }));
}
