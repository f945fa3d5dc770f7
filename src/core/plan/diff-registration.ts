import type { InstanceRef, RegisterPool } from '../model/action.ts';
import type { PoolKey } from '../model/ids.ts';
import type { Check, Instance, RegisteredCheck, RegisteredInstance } from '../model/registration.ts';

/** The part of a RegisterPool that speaks of instances and checks. */
export type RegistrationDiff = Pick<RegisterPool, 'set' | 'remove' | 'checks' | 'removeChecks' | 'changes'>;

/** What Consul holds of one pool. */
export interface Registered {
  readonly instances: readonly RegisteredInstance[];
  readonly checks: readonly RegisteredCheck[];
}

export const instanceKey = (consulNode: string, id: string): string => `${consulNode}/${id}`;

/**
 * What brings the instances and the check of a pool from registered to wanted. Only fields that we own are compared: name,
 * address, port, tags, Meta; of the check also status and Notes. New instances come before old ones go, in one transaction.
 */
export function diffRegistration(wanted: readonly Instance[], check: Check | undefined, registered: Registered): RegistrationDiff {
  const before = new Map(registered.instances.map((instance) => [instanceKey(instance.consulNode, instance.id), instance]));
  const after = new Set(wanted.map((instance) => instanceKey(instance.consulNode, instance.id)));
  const set = wanted.flatMap((instance) => {
    const old = before.get(instanceKey(instance.consulNode, instance.id));
    return old !== undefined && sameInstance(instance, old) ? [] : [{ ...instance, modifyIndex: old?.modifyIndex ?? 0 }];
  });
  const remove = registered.instances.filter((old) => !after.has(instanceKey(old.consulNode, old.id)));
  const checks = diffChecks(check, registered.checks, after);
  return { set, remove: remove.map(refOf), ...checks, changes: describe(set, remove, registered.instances, checks.checks.length > 0) };
}

/** Deleting an instance deletes its checks with it: only checks of instances that stay are removed by name. */
function diffChecks(
  check: Check | undefined,
  registered: readonly RegisteredCheck[],
  staying: ReadonlySet<string>,
): Pick<RegisterPool, 'checks' | 'removeChecks'> {
  const isWanted = (old: RegisteredCheck): boolean => old.consulNode === check?.consulNode && old.checkId === check.checkId;
  const current = registered.find(isWanted);
  const stray = registered.filter((old) => !isWanted(old) && staying.has(instanceKey(old.consulNode, old.instanceId)));
  return {
    checks:
      check === undefined || (current !== undefined && sameCheck(check, current))
        ? []
        : [{ ...check, modifyIndex: current?.modifyIndex ?? 0 }],
    removeChecks: stray.map(({ consulNode, checkId, modifyIndex }) => ({ consulNode, checkId, modifyIndex })),
  };
}

export const refOf = ({ consulNode, id, service, modifyIndex }: RegisteredInstance): InstanceRef => ({
  consulNode,
  id,
  service,
  modifyIndex,
});

function sameInstance(a: Instance, b: Instance): boolean {
  return a.service === b.service && a.address === b.address && a.port === b.port && sameList(a.tags, b.tags) && sameRecord(a.meta, b.meta);
}

const sameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);

function sameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const sameCheck = (a: Check, b: Check): boolean =>
  a.name === b.name && a.status === b.status && a.notes === b.notes && a.instanceId === b.instanceId && a.service === b.service;

function describe(
  set: RegistrationDiff['set'],
  remove: readonly RegisteredInstance[],
  before: readonly RegisteredInstance[],
  checkChanged: boolean,
): readonly string[] {
  const [old] = before;
  const [next] = set;
  const changes: string[] = [];
  if (old !== undefined && next !== undefined) {
    if (next.service !== old.service) changes.push(`name ${old.service} → ${next.service}`);
    if (next.port !== old.port) changes.push(`port ${old.port} → ${next.port}`);
    if (!sameList(next.tags, old.tags)) changes.push(...tagChanges(old.tags, next.tags));
  }
  const nodes = new Set(before.map((instance) => instance.node));
  const staying = new Set(set.map((instance) => instance.node));
  changes.push(...set.filter((instance) => !nodes.has(instance.node)).map((instance) => `+${instance.node}`));
  changes.push(...remove.filter((instance) => !staying.has(instance.node)).map((instance) => `-${instance.node}`));
  if (changes.length === 0 && set.length > 0) changes.push(`${set.length} instances repaired`);
  if (changes.length === 0 && checkChanged) changes.push('check');
  return changes;
}

function tagChanges(before: readonly string[], after: readonly string[]): readonly string[] {
  const gone = before.filter((tag) => !after.includes(tag)).map((tag) => `-tag ${tag}`);
  const added = after.filter((tag) => !before.includes(tag)).map((tag) => `+tag ${tag}`);
  return [...gone, ...added];
}

/** The number of operations an action needs in a transaction, without the fence. */
export function operationsOf(action: Pick<RegisterPool, 'set' | 'remove' | 'checks' | 'removeChecks' | 'kv'>): number {
  return action.set.length + action.remove.length + action.checks.length + action.removeChecks.length + action.kv.length;
}

/**
 * A change that needs more operations than one transaction holds goes in steps that no reader can tell from rest: first the
 * new instances join with the tags that the pool has now, then (the next pass) the old ones leave, then the tags change on
 * all. So every transaction leaves a pool with one set of tags.
 */
export function firstStep(diff: RegistrationDiff, registered: Registered, pool: PoolKey, room: number): RegistrationDiff {
  if (operationsOf({ ...diff, kv: [] }) <= room) return diff;
  const [old] = registered.instances;
  const joining = diff.set.filter((instance) => instance.modifyIndex === 0);
  if (old !== undefined && joining.length > 0 && joining.length < operationsOf({ ...diff, kv: [] })) {
    const meta = (instance: Instance): Readonly<Record<string, string>> => ({ ...old.meta, 'k8s-node': instance.node });
    const set = joining.map((instance) => ({ ...instance, service: old.service, tags: old.tags, meta: meta(instance) }));
    return {
      set: set.slice(0, room),
      remove: [],
      checks: [],
      removeChecks: [],
      changes: [`step 1 of a large change of ${pool}: new instances join`],
    };
  }
  if (diff.remove.length > 0 && diff.set.length > 0) {
    const changes = [`step 2 of a large change of ${pool}: old instances leave`];
    return { set: [], remove: diff.remove.slice(0, room), checks: [], removeChecks: [], changes };
  }
  const left = room - operationsOf({ ...diff, remove: [], kv: [] });
  return { ...diff, remove: diff.remove.slice(0, Math.max(0, left)) };
}
