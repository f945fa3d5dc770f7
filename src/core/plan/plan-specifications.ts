import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { serviceKey } from '../desired/build-desired.ts';
import type { KvWrite, WriteKv } from '../model/action.ts';
import { kvFlags, poolOfSpecification, specificationsPrefix } from '../model/consul-names.ts';
import { uuidOf } from '../model/hash.ts';
import type { GroupKind, KvKey, PoolKey } from '../model/ids.ts';
import { byBytes, DEPLOYMENT_KIND, kindOf, kvKey, poolKey, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, KubernetesObject, SpecObject } from '../model/objects.ts';
import { holdsValue, type KvEntry, type RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';
import { remember } from './memos.ts';
import type { SpecificationStep } from './steps.ts';
import { whyTooLarge } from './value-size.ts';

/** How many earlier contents are kept of each pool, the newest included. */
const HISTORY = 5;
/** Room for keys, flags and brackets of the few writes of one action. */
const ENVELOPE_BYTES = 8 * 1024;

const NOTHING: SpecificationStep = { actions: [], problems: [] };

/**
 * What is to be written under `specifications/` of a spec's pools, in the ancestor's layout: `latest` and an entry of the history
 * for content that is new, `deployed` when all of the spec is in step (`applied`). Nothing where agents are not told of pools.
 */
export function planSpecifications(spec: DesiredSpec, applied: boolean, context: PlanContext): SpecificationStep {
  const { registry, policy, memos } = context;
  if (policy.registration === 'catalog' || registry === undefined || spec.spec === undefined) return NOTHING;
  const stored = storedSpecifications(context);
  const steps = spec.spec.objects
    .filter((object) => isRecorded(object, spec, context))
    .map((service) => {
      const pool = poolKey(service.object.metadata.namespace ?? '', service.object.metadata.name);
      const entries = stored.get(pool) ?? NO_ENTRIES;
      const adopt = policy.allowAdopt || context.views.get(pool)?.settings.adopt === true;
      const parts = [spec.spec, entries, applied, adopt, registry.limits.bytes];
      const step = remember(memos.specifications, pool, parts, () => recordStep({ pool, spec, entries, applied, adopt }, context));
      // What is still to be written carries the time at which it is, not at which it was first planned.
      if (step.actions.length > 0) memos.specifications.delete(pool);
      return step;
    });
  return { actions: steps.flatMap(({ actions }) => actions), problems: steps.flatMap(({ problems }) => problems) };
}

const NO_ENTRIES: readonly KvEntry[] = [];

const isRecorded = ({ key, object }: SpecObject, { id }: DesiredSpec, { desired }: PlanContext): boolean =>
  kindOf(key) === SERVICE_KIND && (object['spec'] as JsonObject | undefined)?.['type'] === 'NodePort' && desired.holders.get(key) === id;

/**
 * Every entry under `specifications/` by pool, in the order of the keys. The list of a pool whose entries are the same stays the
 * very same: some pool changes with nearly every write to Consul, and then only that one is worked out anew.
 */
function storedSpecifications({ registry, policy, memos }: PlanContext): ReadonlyMap<PoolKey, readonly KvEntry[]> {
  const known = memos.stored.get('specifications');
  const now = registry?.kv ?? NO_KEYS;
  return remember(memos.stored, 'specifications', [now], () => {
    const before = known === undefined ? NO_KEYS : (known.parts[0] as typeof now);
    const stored = new Map(known?.result);
    for (const [pool, keys] of changedKeys(before, now, policy.keyPath)) {
      const same = (stored.get(pool) ?? []).filter(({ key }) => !keys.has(key));
      const list = [...same, ...[...keys].flatMap((key) => now.get(key) ?? [])];
      if (list.length === 0) stored.delete(pool);
      else
        stored.set(
          pool,
          list.sort((a, b) => byBytes(a.key, b.key)),
        );
    }
    return stored;
  });
}

const NO_KEYS: RegistryState['kv'] = new Map();

/** The keys under `specifications/` that have come, changed or gone, by pool. */
function changedKeys(before: RegistryState['kv'], now: RegistryState['kv'], keyPath: string): ReadonlyMap<PoolKey, ReadonlySet<KvKey>> {
  const pools = new Map<PoolKey, Set<KvKey>>();
  const note = (key: KvKey): void => {
    const pool = poolOfSpecification(keyPath, key);
    if (pool === undefined) return;
    const keys = pools.get(pool);
    if (keys === undefined) pools.set(pool, new Set([key]));
    else keys.add(key);
  };
  for (const [key, entry] of now) if (before.get(key) !== entry) note(key);
  for (const key of before.keys()) if (!now.has(key)) note(key);
  return pools;
}

interface Recording {
  readonly pool: PoolKey;
  readonly spec: DesiredSpec;
  readonly entries: readonly KvEntry[];
  readonly applied: boolean;
  /** True when entries of someone else may be taken over. */
  readonly adopt: boolean;
}

/** Microseconds and a name, as the ancestor's. A key of another form would stand for the newest entry for ever. */
const ENTRY_NAME = /^\d{16,17}_/;

function recordStep({ pool, spec, entries, applied, adopt }: Recording, context: PlanContext): SpecificationStep {
  const { registry, policy, nowMs } = context;
  const prefix = `${specificationsPrefix(policy.keyPath)}${pool}/`;
  const [latest, deployed] = ['latest', 'deployed'].map((name) => entries.find(({ key }) => key === prefix + name));
  const flags = kvFlags(policy.owner, policy.cluster);
  const isOurs = (entry: KvEntry): boolean => adopt || entry.flags === flags;
  const foreign = [latest, applied ? deployed : undefined].find((entry) => entry !== undefined && !isOurs(entry));
  if (foreign !== undefined) return { ...NOTHING, problems: [taken(foreign, pool)] };
  const history = entries.filter((entry) => ENTRY_NAME.test(entry.key.slice(prefix.length)) && isOurs(entry));
  const names = history.map(({ key }) => key.slice(prefix.length));
  const objects = objectsOf(spec, pool);
  const uuid = uuidOf(['specification', pool, objects]);
  const newest = names.at(-1);
  const isKnown = newest?.endsWith(`_${uuid}`) === true;
  const id = isKnown ? newest : `${nextMicros(newest, nowMs)}_${uuid}`;
  const value = JSON.stringify({ id, namespace: pool.slice(0, pool.indexOf('/')), objects });
  const tooLarge = whyTooLarge(kvKey(`${prefix}latest`), value, registry);
  if (tooLarge !== undefined) return { ...NOTHING, problems: [tooLarge] };
  const set = (name: string, entry: KvEntry | undefined): readonly KvWrite[] =>
    holdsValue(entry, value) && entry?.flags === flags ? [] : [{ key: kvKey(prefix + name), value, modifyIndex: entry?.modifyIndex ?? 0 }];
  const excess = history.slice(0, Math.max(0, history.length + (isKnown ? 0 : 1) - HISTORY));
  const writes = [
    ...(isKnown ? [] : set(id, undefined)),
    ...set('latest', latest),
    ...(applied ? set('deployed', deployed) : []),
    ...excess.map(removal),
  ];
  return { actions: inActions(writes, `specification of pool ${pool}`, context), problems: [] };
}

const taken = ({ key }: KvEntry, pool: PoolKey): Problem =>
  problem('CONSUL_KEY_TAKEN', `the key ${key} of pool ${pool} was written by someone else`);

const removal = ({ key, modifyIndex }: KvEntry): KvWrite => ({ key, value: undefined, modifyIndex });

/** Microseconds since the epoch, in any case behind the newest entry: the order of the names is the order of the history. */
function nextMicros(newest: string | undefined, nowMs: number): string {
  const before = Number.parseInt(newest ?? '', 10);
  return String(Math.max(Math.round(nowMs) * 1000, Number.isNaN(before) ? 0 : before + 1)).padStart(16, '0');
}

/** The Deployments and Services of the spec in the pool's namespace, as the ancestor's envelope holds them; nothing else of it leaves Kubernetes. */
function objectsOf({ spec }: DesiredSpec, pool: PoolKey): JsonObject {
  const part = (kind: GroupKind): JsonObject | undefined => {
    const found = (spec?.objects ?? []).flatMap(({ key, object }) =>
      kindOf(key) === kind && pool.startsWith(`${object.metadata.namespace ?? ''}/`) ? [object] : [],
    );
    return found.length === 0 ? undefined : { specification: (found.length === 1 ? found[0] : listOf(found)) as unknown as JsonObject };
  };
  const [deployments, services] = [part(DEPLOYMENT_KIND), part(SERVICE_KIND)];
  return { ...(deployments === undefined ? {} : { deployments }), ...(services === undefined ? {} : { services }) };
}

const listOf = (items: readonly KubernetesObject[]) => ({ apiVersion: 'v1', kind: 'List', items });

/** One action, so that all changes together; long values go one by one, since a transaction holds one copy of such a value at most. */
function inActions(writes: readonly KvWrite[], why: string, { registry }: PlanContext): readonly WriteKv[] {
  if (writes.length === 0) return [];
  const bytes = writes.reduce((sum, { value = '' }) => sum + Math.ceil(Buffer.byteLength(value) / 3) * 4, ENVELOPE_BYTES);
  if (bytes <= (registry?.limits.bytes ?? 0)) return [{ kind: 'write-kv', writes, why }];
  return writes.map((write) => ({ kind: 'write-kv', writes: [write], why }));
}

/**
 * What stays under `specifications/` of pools whose Service is neither in the cluster nor in a spec goes: its history is in Git,
 * and a tree of names that come and go would grow for ever. Entries of others stay.
 */
export function forgetSpecifications(context: PlanContext): readonly WriteKv[] {
  const { policy, desired } = context;
  if (context.removalBar !== undefined || (snapshotValue(context.world.specs)?.broken.size ?? 1) > 0) return [];
  const flags = kvFlags(policy.owner, policy.cluster);
  return [...storedSpecifications(context)].flatMap(([pool, entries]): readonly WriteKv[] => {
    const key = serviceKey(pool);
    if (desired.live.has(key) || desired.holders.has(key)) return [];
    const writes = entries.filter((entry) => entry.flags === flags).map(removal);
    return writes.length === 0 ? [] : [{ kind: 'write-kv', writes, why: `pool ${pool} is gone` }];
  });
}
