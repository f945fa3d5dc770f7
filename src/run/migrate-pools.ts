import { migratingKey } from '../core/model/consul-names.ts';
import type { PoolKey } from '../core/model/ids.ts';
import type { Policy } from '../core/model/policy.ts';
import type { Clock, Lease, Registry } from '../core/model/ports.ts';
import { snapshotValue } from '../core/model/snapshot.ts';
import type { PoolReport } from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';
import { currentFence } from './apply-plan.ts';

/** Which pools a person wants in the catalog: some by name, or all that agents register. */
export type MigrationWish = { readonly pools: readonly string[] } | { readonly all: true };

export interface MigratePoolsOptions {
  readonly registry: Registry;
  readonly lease: Lease;
  readonly policy: Policy;
  readonly clock: Pick<Clock, 'now'>;
  /** The pools of the last run. */
  readonly pools: readonly PoolReport[];
}

/** What became of a wish: the pools that move from now on, or moved already. */
export type MigrationResult =
  | { readonly kind: 'done'; readonly moving: readonly PoolKey[] }
  | { readonly kind: 'refused'; readonly problem: Problem };

/**
 * Asks for the move of pools from agents to the catalog: writes a key for each, by which the next run begins. Pools that no agent
 * registers need no move and are passed over; twice the same is once. Never throws but for an abort.
 */
export async function migratePools(wish: MigrationWish, options: MigratePoolsOptions, signal: AbortSignal): Promise<MigrationResult> {
  const { registry, lease, policy, clock } = options;
  const refusal = whyRefused(wish, options);
  if (refusal !== undefined) return { kind: 'refused', problem: refusal };
  const fence = currentFence(lease);
  if (fence === undefined) return { kind: 'refused', problem: problem('LEASE_HELD_ELSEWHERE', 'this replica does not lead') };
  const isWanted = ({ pool }: PoolReport): boolean => 'all' in wish || wish.pools.includes(pool);
  const pools = options.pools.filter((report) => report.agents !== undefined && isWanted(report));
  const known = snapshotValue(registry.state())?.kv;
  const actions = pools.flatMap(({ pool }) => {
    const key = migratingKey(policy.keyPath, policy.cluster, pool);
    const value = JSON.stringify({ sinceMs: clock.now() });
    return known?.has(key) === true
      ? []
      : [{ kind: 'write-kv' as const, writes: [{ key, value, modifyIndex: 0 }], why: `pool ${pool} is to move` }];
  });
  const results = await registry.commit(actions, fence, signal);
  const failed = results.find((result) => result.kind === 'failed');
  return failed?.kind === 'failed' ? { kind: 'refused', problem: failed.problem } : { kind: 'done', moving: pools.map(({ pool }) => pool) };
}

function whyRefused(wish: MigrationWish, { policy, pools }: MigratePoolsOptions): Problem | undefined {
  if (policy.registration === 'kv') return problem('MIGRATION_REFUSED', 'with registration: kv agents register every pool');
  if ('all' in wish) return undefined;
  const known = new Set<string>(pools.map(({ pool }) => pool));
  const missing = wish.pools.find((name) => !known.has(name));
  return missing === undefined ? undefined : problem('POOL_UNKNOWN', `there is no pool ${missing}`);
}
