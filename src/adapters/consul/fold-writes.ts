import { isDeepStrictEqual } from 'node:util';
import { catalogName } from '../../core/model/consul-names.ts';
import { byBytes, type KvKey, type PoolKey } from '../../core/model/ids.ts';
import {
  type Check,
  holdsValue,
  type KvEntry,
  type RegisteredCheck,
  type RegisteredInstance,
  type RegisteredNode,
  type RegistryState,
} from '../../core/model/registration.ts';
import { assertNever } from '../../shared/errors.ts';
import type { TransactionResult } from './decode-answer.ts';
import type { RegistryWrite } from './registry-write.ts';

/** A write that Consul has applied, and the index that the object has now (its last one, when it was removed). */
export interface AppliedWrite {
  readonly write: RegistryWrite;
  readonly modifyIndex: number;
}

/** The key of a check in RegistryState. */
export const checkKey = (check: { readonly consulNode: string; readonly checkId: string }): string =>
  `${check.consulNode}/${check.checkId}`;

/**
 * Pairs the writes of an applied transaction with its results, which stand in the same order; removals have none. Undefined
 * when a result is missing, so that the indexes must be read.
 */
export function pairResults(writes: readonly RegistryWrite[], results: readonly TransactionResult[]): readonly AppliedWrite[] | undefined {
  const applied: AppliedWrite[] = [];
  let at = 0;
  for (const write of writes) {
    const subject = subjectOf(write);
    if (subject.kind === 'removed') {
      applied.push({ write, modifyIndex: subject.modifyIndex });
      continue;
    }
    while (at < results.length && !(results[at]?.kind === subject.kind && results[at]?.id === subject.id)) at += 1;
    const result = results[at++];
    if (result === undefined) return undefined;
    applied.push({ write, modifyIndex: result.modifyIndex });
  }
  return applied;
}

type Subject =
  | { readonly kind: TransactionResult['kind']; readonly id: string }
  | { readonly kind: 'removed'; readonly modifyIndex: number };

function subjectOf(write: RegistryWrite): Subject {
  switch (write.kind) {
    case 'set-node':
      return { kind: 'node', id: write.node.name };
    case 'set-instance':
      return { kind: 'service', id: write.instance.id };
    case 'set-check':
      return { kind: 'check', id: write.check.checkId };
    case 'set-key':
      return { kind: 'kv', id: write.key };
    case 'remove-instance':
      return { kind: 'removed', modifyIndex: write.instance.modifyIndex };
    case 'remove-check':
      return { kind: 'removed', modifyIndex: write.check.modifyIndex };
    case 'remove-node':
    case 'remove-key':
      return { kind: 'removed', modifyIndex: write.modifyIndex };
    default:
      return assertNever(write);
  }
}

interface Draft {
  readonly nodes: Map<string, RegisteredNode>;
  readonly instances: Map<PoolKey, readonly RegisteredInstance[]>;
  readonly checks: Map<string, RegisteredCheck>;
  readonly kv: Map<KvKey, KvEntry>;
}

/**
 * The state after the writes. What the state knows in a later version is left alone, so that folding twice, or into a state
 * that was read after the writes, changes nothing. `flags` are those of our KV entries.
 */
export function foldWrites(state: RegistryState, writes: readonly AppliedWrite[], flags: number): RegistryState {
  const draft: Draft = {
    nodes: new Map(state.nodes),
    instances: new Map(state.instances),
    checks: new Map(state.checks),
    kv: new Map(state.kv),
  };
  for (const applied of writes) foldWrite(draft, applied, flags);
  for (const [pool, instances] of draft.instances) {
    if (instances !== state.instances.get(pool)) draft.instances.set(pool, sortInstances(instances));
  }
  return { ...state, ...draft, ...strangersLeft(state, writes) };
}

/**
 * What was edited and is ours again, or gone, is no stranger any more. It made its Consul service look like somebody else's;
 * whether somebody else is there as well, the next reading tells.
 */
function strangersLeft(state: RegistryState, writes: readonly AppliedWrite[]): Pick<RegistryState, 'strangers' | 'foreignServices'> {
  const { strangers, foreignServices } = state;
  if (strangers.length === 0) return { strangers, foreignServices };
  const written = new Set(
    writes.flatMap(({ write }) =>
      write.kind === 'set-instance' || write.kind === 'remove-instance' ? [`${write.instance.consulNode}/${write.instance.id}`] : [],
    ),
  );
  const [ours = [], left = []] = [true, false].map((is) =>
    strangers.filter(({ consulNode, id }) => written.has(`${consulNode}/${id}`) === is),
  );
  const names = new Set(ours.map(({ service }) => catalogName(service)));
  return { strangers: left, foreignServices: new Set([...foreignServices].filter((name) => !names.has(name))) };
}

function foldWrite(draft: Draft, { write, modifyIndex }: AppliedWrite, flags: number): void {
  switch (write.kind) {
    case 'set-node':
      put(draft.nodes, write.node.name, { ...write.node, modifyIndex, ours: true });
      break;
    case 'set-instance':
      putInstance(draft, { ...write.instance, pool: write.pool, modifyIndex });
      break;
    case 'set-check':
      put(draft.checks, checkKey(write.check), { ...write.check, modifyIndex });
      break;
    case 'set-key':
      put(draft.kv, write.key, { key: write.key, value: write.value, flags, modifyIndex });
      break;
    case 'remove-node':
      dropNode(draft, write.name, modifyIndex);
      break;
    case 'remove-instance':
      dropInstance(draft, write.instance.consulNode, write.instance.id, modifyIndex);
      break;
    case 'remove-check':
      drop(draft.checks, checkKey(write.check), modifyIndex);
      break;
    case 'remove-key':
      drop(draft.kv, write.key, modifyIndex);
      break;
    default:
      assertNever(write);
  }
}

function put<K, V extends { readonly modifyIndex: number }>(map: Map<K, V>, key: K, value: V): void {
  const known = map.get(key);
  if (known === undefined || known.modifyIndex < value.modifyIndex) map.set(key, value);
}

/** Removes an entry unless it was written again since. */
function drop<K, V extends { readonly modifyIndex: number }>(map: Map<K, V>, key: K, modifyIndex: number): void {
  const known = map.get(key);
  if (known !== undefined && known.modifyIndex <= modifyIndex) map.delete(key);
}

/** Consul deletes what stands on a node with it. */
function dropNode(draft: Draft, name: string, modifyIndex: number): void {
  drop(draft.nodes, name, modifyIndex);
  if (draft.nodes.has(name)) return;
  for (const [key, check] of draft.checks) if (check.consulNode === name) draft.checks.delete(key);
}

function putInstance(draft: Draft, instance: RegisteredInstance): void {
  const { pool, consulNode, id } = instance;
  const known = draft.instances.get(pool) ?? [];
  const same = known.find((other) => other.consulNode === consulNode && other.id === id);
  if (same !== undefined && same.modifyIndex >= instance.modifyIndex) return;
  draft.instances.set(pool, [...known.filter((other) => other !== same), instance]);
}

/** The order of a pool's instances in RegistryState. */
export function sortInstances(instances: readonly RegisteredInstance[]): readonly RegisteredInstance[] {
  return [...instances].sort((a, b) => byBytes(a.id, b.id) || byBytes(a.consulNode, b.consulNode));
}

function dropInstance(draft: Draft, consulNode: string, id: string, modifyIndex: number): void {
  for (const [pool, instances] of draft.instances) {
    const gone = instances.find((instance) => instance.consulNode === consulNode && instance.id === id);
    if (gone === undefined || gone.modifyIndex > modifyIndex) continue;
    const left = instances.filter((instance) => instance !== gone);
    if (left.length === 0) draft.instances.delete(pool);
    else draft.instances.set(pool, left);
    // Consul deletes the checks of an instance with it.
    for (const [key, check] of draft.checks) {
      if (check.consulNode === consulNode && check.instanceId === id) draft.checks.delete(key);
    }
  }
}

/** Whether the state shows that the write was applied: how an unclear outcome is decided after reading back. */
export function showsWrite(state: RegistryState, write: RegistryWrite): boolean {
  switch (write.kind) {
    case 'set-node':
      return holds(state.nodes.get(write.node.name), write.node);
    case 'set-instance':
      return holds(findInstance(state, write.instance.consulNode, write.instance.id), write.instance);
    case 'set-check':
      return holds(state.checks.get(checkKey(write.check)), withoutVerdict(write.check));
    case 'set-key':
      return holdsValue(state.kv.get(write.key), write.value);
    case 'remove-node':
      return !state.nodes.has(write.name);
    case 'remove-instance':
      return findInstance(state, write.instance.consulNode, write.instance.id) === undefined;
    case 'remove-check':
      return !state.checks.has(checkKey(write.check));
    case 'remove-key':
      return !state.kv.has(write.key);
    default:
      return assertNever(write);
  }
}

function findInstance(state: RegistryState, consulNode: string, id: string): RegisteredInstance | undefined {
  for (const instances of state.instances.values()) {
    const found = instances.find((instance) => instance.consulNode === consulNode && instance.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What of a check is ours: consul-esm may have tried a probe since it was written. */
function withoutVerdict(check: Check): Partial<Check> {
  if (check.probe === undefined) return check;
  const { status: _status, output: _output, ...ours } = check;
  return ours;
}

/** Whether every field of `wanted` stands in `known` with the same value. */
function holds(known: object | undefined, wanted: object): boolean {
  if (known === undefined) return false;
  const fields = known as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(fields[name], value));
}
