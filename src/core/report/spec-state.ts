import type { Problem, ProblemCode } from '../../shared/problem.ts';
import type { Action } from '../model/action.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { World } from '../model/world.ts';
import { legOf } from '../plan/action-title.ts';
import type { SpecPlan } from '../plan/spec-plan.ts';
import type { LegName, LegState, SpecState } from './run-report.ts';

/** What is left of one spec after a run. */
export interface SpecFinding {
  readonly plan: SpecPlan;
  /** Actions that are still to be done. */
  readonly open: readonly Action[];
  /** Problems of the plan and of what failed. */
  readonly problems: readonly Problem[];
  readonly world: World;
  /** What the Traefik replicas make of its pools. Absent: they are not watched. */
  readonly traefik?: LegState;
}

const CONFLICTS: ReadonlySet<ProblemCode> = new Set([
  'SPEC_OBJECT_CONFLICT',
  'SPEC_NAME_CONFLICT',
  'OBJECT_NOT_OURS',
  'CONSUL_NAME_TAKEN',
  'CONSUL_INSTANCE_TAKEN',
  'CONSUL_KEY_TAKEN',
  'CONSUL_AGENTS_REGISTER',
  'CONSUL_POOL_DOUBLED',
  'ROUTE_CONFLICT',
]);

const errors = (problems: readonly Problem[]): readonly Problem[] => problems.filter((p) => p.severity === 'error');

/** The state of a spec: the first of design section 1 that fits. */
export function specState({ plan, open, problems, world, traefik }: SpecFinding): SpecState {
  const failed = errors(problems);
  if (plan.standing === 'broken') return 'broken';
  if (plan.standing === 'suspended') return 'suspended';
  if (plan.standing === 'set-aside' || failed.some((p) => CONFLICTS.has(p.code))) return 'conflict';
  if (plan.holds.length > 0) return 'held';
  if (failed.length > 0) return 'failed';
  if (plan.removals.some(({ returns }) => returns !== true) || (plan.standing === 'gone' && !stays(problems))) return 'leaving';
  if (plan.waiting.length > 0) return 'waiting';
  if (open.length > 0 || traefik === 'changing') return 'changing';
  const { services, nodes, endpoints } = world.cluster;
  const complete = [world.specs, services, nodes, endpoints, world.registry].every((s) => s.kind === 'complete');
  return complete ? 'in-step' : 'unknown';
}

/** What is left of a spec that is gone is to stay: it does not leave for ever. */
const stays = (problems: readonly Problem[]): boolean => problems.some(({ code }) => code === 'PRUNE_DISABLED');

/** The leg that a problem speaks of. */
export function legOfProblem(code: ProblemCode): LegName {
  if (code.startsWith('KUBERNETES_') || code === 'OBJECT_NOT_OURS' || code.startsWith('LEASE_') || code.startsWith('ROLLOUT_'))
    return 'kubernetes';
  if (code.startsWith('CONSUL_') || code.startsWith('REGISTRATION_') || code.startsWith('ROUTE_')) return 'consul';
  if (code.startsWith('TRAEFIK_')) return 'traefik';
  return 'git';
}

/** The state of each leg of a spec. */
export function legStates(finding: SpecFinding): Readonly<Record<LegName, LegState>> {
  const { world, plan, traefik = 'not-watched' } = finding;
  const clusterKnown = world.cluster.services.kind === 'complete' && world.cluster.nodes.kind === 'complete';
  const nothing = hasBroughtNothing(finding);
  return {
    git: gitState(world, plan, finding.problems),
    kubernetes: nothing && clusterKnown ? 'waiting' : legState('kubernetes', clusterKnown, finding),
    consul: nothing ? 'waiting' : legState('consul', world.registry.kind === 'complete', finding),
    traefik: nothing && world.gateways !== undefined ? 'waiting' : traefik,
  };
}

/** Whether a file is broken and nothing is there that it could be in step with: no good version of it is known, and nothing that it made. */
function hasBroughtNothing({ plan, open, world }: SpecFinding): boolean {
  const { standing, pools, removals, holds, waiting } = plan;
  const made = [pools, removals, holds, waiting, open].some((some) => some.length > 0);
  return standing === 'broken' && !made && snapshotValue(world.specs)?.lastGood?.has(plan.spec) !== true;
}

function gitState(world: World, plan: SpecPlan, problems: readonly Problem[]): LegState {
  if (plan.standing === 'broken' || errors(problems).some((p) => legOfProblem(p.code) === 'git')) return 'failed';
  return world.specs.kind === 'complete' ? 'in-step' : 'unknown';
}

function legState(leg: 'kubernetes' | 'consul', known: boolean, { plan, open, problems }: SpecFinding): LegState {
  if (errors(problems).some((p) => legOfProblem(p.code) === leg)) return 'failed';
  if (plan.waiting.some((waiting) => waiting.leg === leg)) return 'waiting';
  // What is held back of it is not done.
  if (plan.holds.length > 0 && plan.removals.some(({ kind }) => (kind === 'pool' ? 'consul' : 'kubernetes') === leg)) return 'waiting';
  if (open.some((action) => legOf(action) === leg)) return 'changing';
  return known ? 'in-step' : 'unknown';
}
