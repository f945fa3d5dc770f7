import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { healthOf } from '../health/health-of.ts';
import type { Waiting } from '../model/action.ts';
import type { ObjectKey } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import type { PodTrouble } from '../model/pods.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';
import { remember } from './memos.ts';
import type { ObjectStep, RolloutStep } from './steps.ts';

const NO_TROUBLE: readonly PodTrouble[] = [];
const DONE: RolloutStep = { kind: 'done' };

/** What is told of the roll-outs of one spec. */
export interface Rollouts {
  readonly waiting: readonly Waiting[];
  readonly problems: readonly Problem[];
}

/**
 * How the objects of a spec fare that are in step: what is under way is waited for, what has failed is a problem. It only tells:
 * nothing is held back for it, registrations least of all (a pool has its own rule for entering). An object that is to be applied
 * is not asked, so a new revision takes the place of an old roll-out at once.
 */
export function planRollouts(
  spec: DesiredSpec,
  steps: readonly { readonly key: ObjectKey; readonly step: ObjectStep }[],
  context: PlanContext,
): Rollouts {
  const waiting: Waiting[] = [];
  const problems: Problem[] = [];
  const pods = snapshotValue(context.world.cluster.pods);
  for (const { key, step } of steps) {
    const live = step.kind === 'in-step' ? context.desired.live.get(key) : undefined;
    if (live === undefined) continue;
    const trouble = pods?.get(key) ?? NO_TROUBLE;
    const parts = [live, trouble, spec.spec];
    const rollout = remember(context.memos.rollouts, key, parts, () => rolloutStep(spec, live, trouble));
    if (rollout.kind === 'wait') waiting.push(rollout.waiting);
    else if (rollout.kind === 'failed') problems.push(rollout.problem);
  }
  return { waiting, problems };
}

function rolloutStep(spec: DesiredSpec, live: LiveObject, trouble: readonly PodTrouble[]): RolloutStep {
  const { state, reason } = healthOf(live, trouble);
  if (state === 'ready' || state === 'unknown') return DONE;
  const what = `${objectTitle(live.key)}: ${reason}`;
  if (state === 'progressing') return { kind: 'wait', waiting: { leg: 'kubernetes', what, on: live.key, rollout: true } };
  const written = spec.spec?.objects.find(({ key }) => key === live.key);
  const where = written === undefined ? {} : { where: { file: spec.id, ...written.where } };
  return { kind: 'failed', problem: problem('ROLLOUT_FAILED', what, where) };
}
