import type { InstanceRef, RegisterPool } from '../model/action.ts';
import type { PoolCheckKind } from '../model/consul-names.ts';
import { poolCheckKind } from '../model/consul-names.ts';
import type { PoolKey } from '../model/ids.ts';
import { META } from '../model/marks.ts';
import type { Check, Instance, RegisteredCheck, RegisteredInstance, TcpProbe } from '../model/registration.ts';
import { shownTag } from '../model/shown-tag.ts';
import { nudgedAtMs } from './nudge-mark.ts';

/** The part of a RegisterPool that speaks of instances and checks. */
export type RegistrationDiff = Pick<RegisterPool, 'set' | 'remove' | 'checks' | 'removeChecks' | 'changes'>;

/** What Consul holds of one pool. */
export interface Registered {
  readonly instances: readonly RegisteredInstance[];
  readonly checks: readonly RegisteredCheck[];
}

export const instanceKey = (consulNode: string, id: string): string => `${consulNode}/${id}`;

/**
 * What brings the instances and the checks of a pool from registered to wanted. Only fields that we own are compared: name,
 * address, port, tags, Meta; of a check also status and Notes, but of a probe its definition only, for its status is the word of
 * consul-esm. New instances come before old ones go, in one transaction.
 */
export function diffRegistration(wanted: readonly Instance[], wantedChecks: readonly Check[], registered: Registered): RegistrationDiff {
  const before = new Map(registered.instances.map((instance) => [instanceKey(instance.consulNode, instance.id), instance]));
  const after = new Set(wanted.map((instance) => instanceKey(instance.consulNode, instance.id)));
  const set = wanted.flatMap((instance) => {
    const old = before.get(instanceKey(instance.consulNode, instance.id));
    return old !== undefined && sameInstance(instance, old) ? [] : [{ ...instance, modifyIndex: old?.modifyIndex ?? 0 }];
  });
  const remove = registered.instances.filter((old) => !after.has(instanceKey(old.consulNode, old.id)));
  const checks = diffChecks(wantedChecks, registered, after);
  return { set, remove: remove.map(refOf), ...checks, changes: describe(set, remove, registered, checks) };
}

type ChecksDiff = Pick<RegisterPool, 'checks' | 'removeChecks'>;

const checkKey = ({ consulNode, checkId }: Pick<Check, 'consulNode' | 'checkId'>): string => `${consulNode}/${checkId}`;

/**
 * Deleting an instance deletes its checks with it: only checks of instances that stay are removed by name, or of none, and none that
 * is not ours, such as a maintenance check.
 */
function diffChecks(wanted: readonly Check[], registered: Registered, staying: ReadonlySet<string>): ChecksDiff {
  const before = new Map(registered.checks.map((check) => [checkKey(check), check]));
  const after = new Set(wanted.map(checkKey));
  const isLeft = ({ consulNode, instanceId }: Check): boolean => instanceId === '' || staying.has(instanceKey(consulNode, instanceId));
  const stray = registered.checks.filter((old) => !after.has(checkKey(old)) && isLeft(old) && kindOf(old, registered) !== undefined);
  return {
    checks: wanted.flatMap((check) => {
      const old = before.get(checkKey(check));
      if (old === undefined) return [{ ...check, modifyIndex: 0 }];
      return sameCheck(check, old) ? [] : [{ ...withVerdict(check, old), modifyIndex: old.modifyIndex }];
    }),
    removeChecks: stray.map(({ consulNode, checkId, modifyIndex }) => ({ consulNode, checkId, modifyIndex })),
  };
}

function kindOf({ checkId }: Pick<Check, 'checkId'>, { instances: [first] }: Registered): PoolCheckKind | undefined {
  return first === undefined ? undefined : poolCheckKind(first.pool, checkId);
}

/** What consul-esm has found stands when its probe changes; so does when a check was last touched for Traefik. */
function withVerdict(check: Check, { status, output }: Check): Check {
  if (check.probe !== undefined) return { ...check, status, output };
  return nudgedAtMs(output) === undefined ? check : { ...check, output };
}

export const refOf = ({ consulNode, id, service, modifyIndex }: InstanceRef): InstanceRef => ({
  consulNode,
  id,
  service,
  modifyIndex,
});

function sameInstance(a: Instance, b: Instance): boolean {
  return a.service === b.service && a.address === b.address && a.port === b.port && sameList(a.tags, b.tags) && sameRecord(a.meta, b.meta);
}

/** Whether two lists hold the same texts in the same order. */
export const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((value, i) => value === b[i]));

function sameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const sameCheck = (a: Check, b: Check): boolean =>
  a.name === b.name &&
  a.notes === b.notes &&
  a.instanceId === b.instanceId &&
  a.service === b.service &&
  (a.probe === undefined ? b.probe === undefined && a.status === b.status : b.probe !== undefined && sameProbe(a.probe, b.probe));

const sameProbe = (a: TcpProbe, b: TcpProbe): boolean => a.tcp === b.tcp && a.interval === b.interval && a.timeout === b.timeout;

function describe(
  set: RegistrationDiff['set'],
  remove: readonly RegisteredInstance[],
  registered: Registered,
  checks: ChecksDiff,
): readonly string[] {
  const before = registered.instances;
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
  changes.push(...healthChanges(checks, registered));
  if (changes.length === 0 && set.length > 0) changes.push(`${set.length} instances repaired`);
  if (changes.length === 0 && checks.checks.length > 0) changes.push('check');
  return changes;
}

const HEALTH_WORDS = {
  endpoints: ['critical: no endpoint is ready', 'no longer critical for want of endpoints'],
  esm: ['probed by consul-esm', 'no longer probed by consul-esm'],
} as const;

/** What a living pool gains and loses in checks of its health. */
function healthChanges({ checks, removeChecks }: ChecksDiff, registered: Registered): readonly string[] {
  const stood = new Set(registered.instances.map(({ consulNode, id }) => instanceKey(consulNode, id)));
  const gained = checks.filter(
    ({ modifyIndex, consulNode, instanceId }) => modifyIndex === 0 && stood.has(instanceKey(consulNode, instanceId)),
  );
  return (['endpoints', 'esm'] as const).flatMap((kind) => {
    const [come, gone] = HEALTH_WORDS[kind];
    const isOne = (check: Pick<Check, 'checkId'>): boolean => kindOf(check, registered) === kind;
    return [...(gained.some(isOne) ? [come] : []), ...(removeChecks.some(isOne) ? [gone] : [])];
  });
}

function tagChanges(before: readonly string[], after: readonly string[]): readonly string[] {
  const gone = before.filter((tag) => !after.includes(tag)).map((tag) => `-tag ${shownTag(tag)}`);
  const added = after.filter((tag) => !before.includes(tag)).map((tag) => `+tag ${shownTag(tag)}`);
  return [...gone, ...added];
}

/** The number of operations an action needs in a transaction, without the fence. */
export function operationsOf(action: Pick<RegisterPool, 'set' | 'remove' | 'checks' | 'removeChecks' | 'kv'>): number {
  return action.set.length + action.remove.length + action.checks.length + action.removeChecks.length + action.kv.length;
}

const NO_CHANGE: RegistrationDiff = { set: [], remove: [], checks: [], removeChecks: [], changes: [] };

/**
 * A change that needs more operations than one transaction holds goes in steps that no reader can tell from rest: first the
 * new instances join with the tags that the pool has now and the checks of their health, then (the next pass) the old ones
 * leave, then the tags change on all, then the other checks. So every transaction leaves a pool with one set of tags.
 */
export function firstStep(diff: RegistrationDiff, registered: Registered, pool: PoolKey, room: number): RegistrationDiff {
  const operations = operationsOf({ ...diff, kv: [] });
  if (operations <= room) return diff;
  const joining = diff.set.filter((instance) => instance.modifyIndex === 0);
  if (joining.length > 0 && joining.length < operations) return joinStep({ joining, diff, registered, pool }, room);
  if (diff.remove.length > 0 && diff.set.length > 0) {
    return { ...NO_CHANGE, remove: diff.remove.slice(0, room), changes: [`step 2 of a large change of ${pool}: old instances leave`] };
  }
  const [ofPool, ofHealth] = splitChecks(diff.checks, pool);
  if (diff.set.length > 0) return { ...NO_CHANGE, set: diff.set, checks: ofPool, changes: diff.changes };
  if (ofHealth.length > 0) return { ...NO_CHANGE, checks: [...ofPool, ...ofHealth].slice(0, room), changes: diff.changes };
  const removeChecks = diff.removeChecks.slice(0, room - ofPool.length);
  return { ...diff, removeChecks, remove: diff.remove.slice(0, room - ofPool.length - removeChecks.length) };
}

type Checks = RegistrationDiff['checks'];

/** The check that changes with the pool, and those of its instances' health. */
const splitChecks = (checks: Checks, pool: PoolKey): readonly [Checks, Checks] => {
  const isOfHealth = ({ checkId }: Check): boolean => poolCheckKind(pool, checkId) !== 'pool';
  return [checks.filter((check) => !isOfHealth(check)), checks.filter(isOfHealth)];
};

interface Joining {
  readonly joining: RegistrationDiff['set'];
  readonly diff: RegistrationDiff;
  readonly registered: Registered;
  readonly pool: PoolKey;
}

/** As many new instances as there is room for, each with the checks of its health, as a part of the pool that is there. */
function joinStep({ joining, diff, registered, pool }: Joining, room: number): RegistrationDiff {
  const [old] = registered.instances;
  const checksOf = Map.groupBy(splitChecks(diff.checks, pool)[1], (check) => instanceKey(check.consulNode, check.instanceId));
  const set: RegistrationDiff['set'][number][] = [];
  const checks: Checks[number][] = [];
  for (const instance of joining) {
    const its = checksOf.get(instanceKey(instance.consulNode, instance.id)) ?? [];
    if (set.length + checks.length + 1 + its.length > room) break;
    const service = old?.service ?? instance.service;
    const asThere = old === undefined ? {} : { service, tags: old.tags, meta: { ...old.meta, [META.node]: instance.node } };
    set.push({ ...instance, ...asThere });
    checks.push(...its.map((check) => ({ ...check, service })));
  }
  return { ...NO_CHANGE, set, checks, changes: [`step 1 of a large change of ${pool}: new instances join`] };
}
