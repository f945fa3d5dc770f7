import type { Problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import type { SpecId } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';
import type { World } from '../model/world.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import type { SpecPlan } from './spec-plan.ts';

/** The parts of a pass that are compared with those of the next. */
export interface Look {
  readonly world: World;
  readonly registry: RegistryState | undefined;
  readonly removalBar: Problem | undefined;
  readonly policy: Policy;
}

/** The plan of a spec that has all it wants, with what it was made from. */
export interface SettledPlan {
  readonly spec: DesiredSpec;
  /** Of its pools, in their order. */
  readonly decisions: readonly (PoolDecision | undefined)[];
  /** What is told of its routes. */
  readonly routes: readonly Problem[] | undefined;
  readonly plan: SpecPlan;
}

/** The settled plans of a pass, which hold for the next one where nothing of theirs changes. Losing them costs time, nothing else. */
export interface SettledPlans {
  readonly look: Look;
  readonly bySpec: ReadonlyMap<SpecId, SettledPlan>;
}
