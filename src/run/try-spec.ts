import type { ApplyObject } from '../core/model/action.ts';
import type { GroupKind, ObjectKey } from '../core/model/ids.ts';
import { groupKind, kindOf } from '../core/model/ids.ts';
import type { ClusterResult } from '../core/model/ports.ts';
import { definedKind } from '../core/plan/foundations.ts';
import type { Problem } from '../shared/problem.ts';

const RBAC = 'rbac.authorization.k8s.io';
const [ROLE, CLUSTER_ROLE] = [groupKind(RBAC, 'Role'), groupKind(RBAC, 'ClusterRole')];

/** Kinds whose admission looks for another object, which a dry run does not make. */
const REFERS_TO: ReadonlyMap<GroupKind, readonly GroupKind[]> = new Map([
  [
    groupKind('', 'Pod'),
    [groupKind('', 'ServiceAccount'), groupKind('scheduling.k8s.io', 'PriorityClass'), groupKind('node.k8s.io', 'RuntimeClass')],
  ],
  [groupKind(RBAC, 'RoleBinding'), [ROLE, CLUSTER_ROLE]],
  [groupKind(RBAC, 'ClusterRoleBinding'), [CLUSTER_ROLE]],
]);

/** What the API server would not take, by object. */
export type Refusals = ReadonlyMap<ObjectKey, Problem>;

/** Asks by a dry run whether an object would be taken. */
export type Check = (action: ApplyObject) => Promise<ClusterResult>;

/**
 * Tries the objects of one spec, in the order of applying, before any of them is applied: nothing of it may be applied unless the
 * answer is empty. The first one is tried only when another is refused, so that all refusals are told at once: as long as it is not
 * applied, nothing is, so that applying it says as much as a dry run. So a single changed object costs one request.
 */
export async function trySpec(actions: readonly ApplyObject[], check: Check): Promise<Refusals> {
  const [first] = actions;
  const isTriable = triableAmong(actions);
  const refusals = await refusalsOf(
    actions.filter((action) => action !== first && isTriable(action)),
    check,
  );
  if (first === undefined || refusals.size === 0 || !isTriable(first)) return refusals;
  return new Map([...(await refusalsOf([first], check)), ...refusals]);
}

/** Tries every object of one spec: what the API server would refuse of it, as far as it can be told before anything is applied. */
export const tryAll = (actions: readonly ApplyObject[], check: Check): Promise<Refusals> =>
  refusalsOf(actions.filter(triableAmong(actions)), check);

/** What a definition in the same plan makes of a kind is known only when it is applied; so is what an object refers to. */
function triableAmong(all: readonly ApplyObject[]): (action: ApplyObject) => boolean {
  const unsettled = new Set(all.map(({ object }) => definedKind(object)));
  const created = new Set(all.filter(({ why }) => why === 'create').map(({ key }) => kindOf(key)));
  return ({ key }) => !unsettled.has(kindOf(key)) && !(REFERS_TO.get(kindOf(key)) ?? []).some((kind) => created.has(kind));
}

async function refusalsOf(actions: readonly ApplyObject[], check: Check): Promise<Refusals> {
  const answers = await Promise.all(actions.map(async (action) => ({ key: action.key, result: await check(action) })));
  return new Map(answers.flatMap(({ key, result }) => (result.kind === 'failed' ? [[key, result.problem] as const] : [])));
}
