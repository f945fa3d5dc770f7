import type { Problem, ProblemCode } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { rememberGood } from '../desired/specs-in-force.ts';
import { withoutElapsed } from '../desired/suspensions.ts';
import { toldPools } from '../desired/told-pools.ts';
import type { Action, Hold } from '../model/action.ts';
import type { GroupKind } from '../model/ids.ts';
import { byBytes, kindOf, SERVICE_KIND } from '../model/ids.ts';
import type { Approval, GrantedRemoval, Memory, RemovalKey } from '../model/memory.ts';
import type { RemovalLimit } from '../model/policy.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { Held } from './approvals.ts';
import { allowedByName, approvalsNow, heldOf, spendApprovals, unitsOf, withoutAllowed } from './approvals.ts';
import type { PlanContext } from './context.ts';
import type { Removal, SpecPlan } from './spec-plan.ts';
import { stayOutAfter } from './stay-out-after.ts';

/** The plans with what may not be removed taken out and held, and the memory to be written before anything is removed. */
export interface Guarded {
  readonly plans: readonly SpecPlan[];
  readonly holds: readonly Hold[];
  readonly memory: Memory;
  /** What is held for being too much at once: an approval may release it. Undefined: nothing is. */
  readonly held: Held | undefined;
}

/**
 * Guards a whole run (design section 9, promises 1 and 2). Removals are all or nothing: those planned now and not yet granted,
 * plus those done within the window, against the highest number owned in it. Above the limit nothing new is removed,
 * unless commits after the last applied one allow it by trailer, or a person by the API. What was granted stays granted until it is done, so a
 * removal that drains is not stopped half-way by its own weight. Pure.
 */
export function guardRun(plans: readonly SpecPlan[], context: PlanContext): Guarded {
  const planned = plans.flatMap((plan) => plan.removals);
  const kept = keepGrants(planned, context);
  const fresh = planned.filter((removal) => kept[removal.key] === undefined);
  const free = fresh.filter((removal) => removal.bar === undefined);
  const grant: GrantedRemoval = { atMs: context.nowMs };
  const first = judge(free, kept, context);
  const named = first === undefined ? { removals: [], by: '' } : allowedByName(free, context);
  const released = { ...kept, ...grants(named.removals, { ...grant, approvedBy: named.by }) };
  // What has come since somebody looked is judged as if that had gone already.
  const rest = free.filter((removal) => released[removal.key] === undefined);
  const verdict = named.removals.length === 0 ? first : judge(rest, released, context);
  const spending = verdict === undefined ? undefined : spendApprovals(unitsOf(rest), context);
  const isLetPass = verdict === undefined || spending !== undefined;
  const allowed = {
    ...released,
    ...grants(isLetPass ? rest : [], { ...grant, ...(spending === undefined ? {} : { approvedBy: spending.by }) }),
  };
  const guarded = plans.map((plan) => holdPlan(plan, allowed, verdict));
  const removals = datedWhenDone(allowed, guarded, context.nowMs);
  const holds = guarded.flatMap((plan) => plan.holds);
  const spent = spending?.spent ?? context.memory.spent;
  const approvals = withoutAllowed(spending?.approvals ?? approvalsNow(context.memory, context.nowMs), named.removals);
  const stayOut = stayOutAfter(guarded, context);
  const memory = nextMemory({ removals, holds, spent, approvals, stayOut }, context);
  return { plans: guarded, holds, memory, held: isLetPass ? undefined : heldOf(rest, context) };
}

const grants = (removals: readonly Removal[], grant: GrantedRemoval): Readonly<Record<RemovalKey, GrantedRemoval>> =>
  Object.fromEntries(removals.map((removal) => [removal.key, grant]));

/** Grants that still count: within the window, or for a removal that is not finished. What is wanted again loses its grant. */
function keepGrants(planned: readonly Removal[], context: PlanContext): Readonly<Record<RemovalKey, GrantedRemoval>> {
  const open = new Set(planned.map((removal) => removal.key));
  const since = context.nowMs - context.policy.guard.windowMs;
  const entries = Object.entries(context.memory.removals);
  if (entries.length === 0) return {};
  const standing = standingKeys(context);
  return Object.fromEntries(entries.filter(([key, grant]) => open.has(key) || (grant.atMs > since && !standing.has(key))));
}

/** Counted is what left within the window: a grant that waited, for a drain or a server that was away, is as old as its removal. */
function datedWhenDone(
  granted: Readonly<Record<RemovalKey, GrantedRemoval>>,
  plans: readonly SpecPlan[],
  nowMs: number,
): Readonly<Record<RemovalKey, GrantedRemoval>> {
  const dated: Record<RemovalKey, GrantedRemoval> = { ...granted };
  for (const key of plans.flatMap(({ actions }) => actions.flatMap(removalKeyOf))) {
    const grant = dated[key];
    if (grant !== undefined) dated[key] = { ...grant, atMs: nowMs };
  }
  return dated;
}

function removalKeyOf(action: Action): readonly RemovalKey[] {
  if (action.kind === 'deregister-pool') return [`pool:${action.pool}`];
  return action.kind === 'delete-object' ? [`object:${action.key}`] : [];
}

/** Everything of ours that stands now, by removal key. */
function standingKeys(context: PlanContext): ReadonlySet<RemovalKey> {
  const keys = new Set<RemovalKey>();
  const { registry, policy } = context;
  for (const pool of registry?.instances.keys() ?? []) keys.add(`pool:${pool}`);
  for (const pool of toldPools(registry, policy)) keys.add(`pool:${pool}`);
  for (const key of context.desired.live.keys()) keys.add(`object:${key}`);
  return keys;
}

/** Why the fresh removals are too much; undefined when they are not. */
function judge(fresh: readonly Removal[], kept: Readonly<Record<RemovalKey, GrantedRemoval>>, context: PlanContext): Verdict | undefined {
  if (fresh.length === 0) return undefined;
  const specs = snapshotValue(context.world.specs);
  const needed = unitsOf(fresh);
  const trailer = `Commit with the trailer "Poolkeeper-Allow-Removal: ${needed}" (or more)`;
  const remedy = `${trailer}, or look at it with \`poolkeeper approve\` and let it go, or put the files back.`;
  const say = (code: ProblemCode, message: string): Verdict => ({ problem: problem(code, message, { remedy }) });
  const { memory } = context;
  if (memory.source !== '' && specs !== undefined && specs.source !== memory.source) {
    return say('SOURCE_CHANGED', `the daemon now reads ${specs.source}, before it read ${memory.source}; all removals are held`);
  }
  if (memory.specCount > 0 && specs !== undefined && specs.specs.size + specs.broken.size === 0) {
    return say('SPECS_VANISHED', `spec files: ${memory.specCount} before, none now; all removals are held`);
  }
  const since = context.nowMs - context.policy.guard.windowMs;
  const standing = standingKeys(context);
  for (const kind of ['pool', 'object'] as const) {
    const now = fresh.filter((removal) => removal.kind === kind).length;
    if (now === 0) continue;
    // What was granted long ago and still stands goes together with what is granted now.
    const done = Object.entries(kept).filter(([key, { atMs }]) => key.startsWith(`${kind}:`) && (atMs > since || standing.has(key)));
    const gone = done.filter(([key]) => !standing.has(key)).length;
    const highest = (kind === 'pool' ? context.desired.owned.pools : context.desired.owned.objects) + gone;
    const configured = kind === 'pool' ? context.policy.guard.maxRemovedPools : context.policy.guard.maxRemovedObjects;
    const total = now + done.length;
    if (total >= highest) return say('REMOVAL_ALL', `all ${highest} ${kind}s that we own would be removed`);
    const limit = limitOf(configured, highest);
    if (total > limit) {
      const earlier = done.length === 0 ? '' : ` (${done.length} of them lately)`;
      return say('REMOVAL_LIMIT', `${total} of ${highest} ${kind}s would be removed${earlier}; the limit is ${limit}`);
    }
  }
  return undefined;
}

interface Verdict {
  readonly problem: Problem;
}

function limitOf(limit: RemovalLimit | undefined, highest: number): number {
  if (limit === undefined) return Math.max(2, Math.floor(highest * 0.1));
  return limit.kind === 'number' ? limit.value : Math.floor(highest * limit.value);
}

/** A spec's removals stand or fall together: a pool out of traffic whose objects stay would help nobody. */
function holdPlan(plan: SpecPlan, granted: Readonly<Record<RemovalKey, GrantedRemoval>>, verdict: Verdict | undefined): SpecPlan {
  if (plan.removals.length + plan.removing.length + plan.whileHeld.length + plan.holds.length === 0) return plan;
  const held = plan.removals.flatMap((removal): Hold[] => {
    const reason = removal.bar ?? (granted[removal.key] === undefined ? verdict?.problem : undefined);
    return reason === undefined ? [] : [{ spec: plan.spec, what: removal.title, reason }];
  });
  const allowed = held.length === 0 ? plan.removing : plan.whileHeld;
  return { ...plan, holds: held, actions: [...plan.actions, ...allowed], removing: [], whileHeld: [] };
}

interface Outcome {
  readonly removals: Readonly<Record<RemovalKey, GrantedRemoval>>;
  readonly holds: readonly Hold[];
  readonly spent: Readonly<Record<string, number>>;
  readonly approvals: readonly Approval[];
  readonly stayOut: Memory['stayOut'];
}

/**
 * The memory after this run; the same value as before when nothing changed. The applied revision, and the source, move only when nothing
 * is held, and when nothing is hidden that would be held.
 */
function nextMemory({ removals, holds, spent, approvals, stayOut }: Outcome, context: PlanContext): Memory {
  const { memory, world, nowMs } = context;
  const specs = world.specs.kind === 'complete' ? world.specs.value : undefined;
  const isOtherSource = specs !== undefined && specs.source !== memory.source;
  // Removals by another source are held by kind: while one is not known, nobody can say that nothing is held.
  const isSeen = !hidesRemovals(context) && (!isOtherSource || knowsKinds(context));
  const settled = specs !== undefined && holds.length === 0 && context.removalBar === undefined && isSeen;
  const { approvals: _before, lastGood: before, ...kept } = withoutElapsed(memory, nowMs);
  const set = snapshotValue(world.specs);
  const lastGood = set === undefined ? before : rememberGood(set, before);
  const next: Memory = {
    ...kept,
    removals,
    spent,
    kinds: rememberKinds(context),
    ...(lastGood === undefined ? {} : { lastGood }),
    ...(stayOut === undefined ? {} : { stayOut }),
    // With all that they were for gone, they allow nothing else, as those of commits do not.
    ...(settled || approvals.length === 0 ? {} : { approvals }),
    ...(settled ? { source: specs.source, appliedRevision: specs.revision, specCount: specs.specs.size + specs.broken.size } : {}),
  };
  return JSON.stringify(next) === JSON.stringify(memory) ? memory : next;
}

/** What a suspended spec has dropped is held by nothing else, and would go when it is resumed. */
const hidesRemovals = ({ desired }: PlanContext): boolean =>
  [...desired.specs.values()].some(({ standing, leftovers }) => standing === 'suspended' && leftovers.some((one) => !one.deleting));

/** Whether every kind that we may have objects of has been seen whole; of a kind that is not served nobody has any. */
function knowsKinds({ memory, world: { cluster } }: PlanContext): boolean {
  return memory.kinds.every((kind) => {
    const seen = kind === SERVICE_KIND ? cluster.services : cluster.objects.get(kind as GroupKind);
    return seen !== undefined && (seen.kind === 'complete' || seen.reason.code === 'KUBERNETES_UNKNOWN_KIND');
  });
}

/** The kinds we have objects of, or may have: a kind is forgotten when a complete look shows none and no spec names it. */
function rememberKinds({ desired, memory, world }: PlanContext): readonly string[] {
  const kinds = new Set<string>([...desired.holders.keys()].map(kindOf));
  for (const spec of desired.specs.values()) for (const object of spec.leftovers) kinds.add(kindOf(object.key));
  for (const kind of memory.kinds) if (world.cluster.objects.get(kind as GroupKind)?.kind !== 'complete') kinds.add(kind);
  return [...kinds].sort(byBytes);
}
