import type { DesiredSpec } from '../desired/build-desired.ts';
import { whyItStays } from '../desired/stays-in-cluster.ts';
import type { Waiting } from '../model/action.ts';
import type { ObjectKey } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import type { PlanContext } from './context.ts';
import type { PlannedObject } from './plan-objects.ts';

/** What of a spec is deleted because no spec contains it any more. */
export interface Pruning {
  readonly pruned: readonly LiveObject[];
  /** What stays for now: its pools stay too, if they are in Consul. */
  readonly kept: ReadonlySet<ObjectKey>;
  readonly waiting: readonly Waiting[];
}

/**
 * What a file has dropped goes when all that the file contains is in step, and not before: what takes its place may be refused, or
 * wait for another spec, and then both would be missing. A file that is gone has nothing to wait for. Of a spec that is suspended nothing goes.
 */
export function planPruning(spec: DesiredSpec, steps: readonly PlannedObject[], context: PlanContext): Pruning {
  const all = spec.leftovers.filter((object) => !object.deleting && whyItStays(object) === undefined);
  if (spec.standing === 'suspended') return { pruned: [], kept: new Set(all.map(({ key }) => key)), waiting: [] };
  const mayGo = all.length === 0 || (spec.standing !== 'set-aside' && steps.every((one) => isSettled(one, context)));
  if (mayGo) return { pruned: all, kept: NONE, waiting: [] };
  const what = `what the file has dropped goes when all that it contains is applied (${all.length === 1 ? '1 object' : `${all.length} objects`})`;
  return { pruned: [], kept: new Set(all.map(({ key }) => key)), waiting: [{ leg: 'kubernetes', what, on: undefined }] };
}

const NONE: ReadonlySet<ObjectKey> = new Set();

/** What somebody else deletes may be waiting for what is to go. */
const isSettled = ({ key, step }: PlannedObject, { desired }: PlanContext): boolean =>
  step.kind === 'in-step' || (step.kind === 'wait' && desired.live.get(key)?.deleting === true);
