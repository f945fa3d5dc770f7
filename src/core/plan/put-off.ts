import type { DesiredSpec } from '../desired/build-desired.ts';
import { objectTitle } from '../model/ids.ts';
import type { Gate } from './gate-spec.ts';
import type { PlannedObject } from './plan-objects.ts';
import type { Pruning } from './plan-pruning.ts';
import type { PutOff } from './spec-plan.ts';

/** What is known of the objects of one spec when its actions are chosen. */
export interface ObjectPlans {
  readonly steps: readonly PlannedObject[];
  readonly gate: Gate;
  readonly pruning: Pick<Pruning, 'kept' | 'waiting'>;
}

/** The changes of objects that a spec wants and that are not among its actions, with the reason of each. Decides nothing. Pure. */
export function putOffChanges(spec: DesiredSpec, { steps, gate, pruning }: ObjectPlans): readonly PutOff[] {
  const obstacle = obstacleOf(steps, gate);
  const changes = steps.flatMap((one): PutOff[] => {
    const found = gate.shut.has(one.key) ? shutOff(one, gate) : whyNot(one, obstacle);
    return found === undefined ? [] : [{ op: 'apply-object', key: one.key, ...applyOf(one), ...found }];
  });
  const isSuspended = spec.standing === 'suspended';
  const reason = isSuspended ? 'the spec is suspended' : (pruning.waiting[0]?.what ?? 'the spec is set aside');
  const state = isSuspended ? 'held' : 'waiting';
  return [...changes, ...[...pruning.kept].map((key): PutOff => ({ op: 'delete-object', key, state, reason }))];
}

type Why = Pick<PutOff, 'state' | 'reason' | 'problem'>;

const applyOf = ({ step }: PlannedObject): Pick<PutOff, 'apply'> => (step.kind === 'apply' ? { apply: step.action } : {});

/** A change that waits for another spec, or for a lower wave. */
function shutOff({ wave, step }: PlannedObject, { waiting, problems }: Gate): Why | undefined {
  if (step.kind === 'in-step') return undefined;
  const [wrong] = problems;
  if (waiting.length === 0 && wrong !== undefined) return { state: 'refused', reason: wrong.message, problem: wrong };
  const own = waiting.find(({ what }) => what.startsWith(`wave ${wave} waits`)) ?? waiting[0];
  return { state: 'waiting', reason: own?.what ?? 'something else goes first' };
}

/** What of a spec keeps all its other objects from being applied. */
function obstacleOf(steps: readonly PlannedObject[], { shut }: Gate): string | undefined {
  const refused = steps.find(({ step }) => step.kind === 'refused');
  if (refused !== undefined) return `nothing of the spec is applied while ${objectTitle(refused.key)} is refused`;
  const again = steps.find(({ key, step }) => step.kind === 'recreate' && !shut.has(key));
  return again === undefined ? undefined : `${objectTitle(again.key)} is deleted and created again first`;
}

/** Why the change of an object is not done now; undefined: it is, or there is none. */
function whyNot({ step }: PlannedObject, obstacle: string | undefined): Why | undefined {
  switch (step.kind) {
    case 'apply':
      return obstacle === undefined ? undefined : { state: 'waiting', reason: obstacle };
    case 'wait':
      return { state: 'waiting', reason: step.waiting.what };
    case 'drain-first':
      return { state: 'waiting', reason: `NodePort ${step.ports.join(', ')} drains before the Service changes its type` };
    case 'refused':
      return { state: 'refused', reason: step.problem.message, problem: step.problem };
    default:
      return undefined;
  }
}
