import type { PoolView } from '../desired/pool-view.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';

/** What every Consul takes in one transaction. */
const LEAST_OPERATIONS = 64;
/** Operations of a transaction that are not instances: the fence, the pool's check set and the old one removed, two KV entries. */
const FIXED_OPERATIONS = 5;
/** The fence, the check, the draining key, and the envelope of the entry under `deployments/`. */
const FIXED_BYTES = 8 * 1024;
/** Of an instance's operation: field names, brackets, hashes, the longest address; and of the one that removes its predecessor. */
const INSTANCE_BYTES = 800;
/** Of the operation of a check on an instance, without its names. */
const CHECK_BYTES = 500;

/** How many backends a pool may have: what is configured, but no more than one transaction has operations for. */
export function backendsThatFit(registry: RegistryState | undefined, policy: Policy): number {
  const operations = (registry?.limits.operations ?? LEAST_OPERATIONS) - FIXED_OPERATIONS;
  return Math.min(policy.pool.maxBackends ?? Number.MAX_SAFE_INTEGER, operations);
}

/** Operations of one transaction that are left to instances and checks: without the fence, two KV entries, and the record of a move. */
export const roomFor = ({ registry }: { readonly registry: RegistryState | undefined }, record?: 'with-record'): number =>
  (registry?.limits.operations ?? LEAST_OPERATIONS) - (record === undefined ? 3 : 4);

/** What the size of a pool's transaction depends on. */
export interface PoolSize {
  readonly view: PoolView;
  /** From `backendsThatFit`. */
  readonly most: number;
  /** Length of the longest name of a node. */
  readonly nodeLength: number;
}

/**
 * The same for one pool, whose instances also must fit by their size: long tags are written once for each backend. An upper
 * bound of what is sent, so that what is decided here is never refused there. At least one backend, which may then be refused.
 */
export function backendsOfPool({ view, most, nodeLength }: PoolSize, registry: RegistryState | undefined, policy: Policy): number {
  if (registry === undefined) return most;
  const text = (value: unknown): number => utf8Length(JSON.stringify(value));
  const { owner, cluster, nodePrefix } = policy;
  const names = text([view.service, view.service, view.namespace, view.name, view.spec, owner, cluster, cluster, nodePrefix]);
  const isChecked = (view.settings.health ?? policy.pool.health) !== 'node';
  const check = isChecked ? CHECK_BYTES + names : 0;
  const perBackend = INSTANCE_BYTES + names + 3 * nodeLength + text(view.tags) + check;
  const entry = policy.registration === 'catalog' ? 0 : text([view.live.spec, view.live.labels, view.annotations]);
  // Values of keys go as base64.
  const fixed = FIXED_BYTES + Math.ceil(entry / 3) * 4;
  return Math.max(1, Math.min(most, Math.floor((registry.limits.bytes - fixed) / perBackend)));
}

/** Length in UTF-8, which has at most three bytes for each of JavaScript's characters. */
function utf8Length(value: string): number {
  let length = value.length;
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) length += 2;
  return length;
}
