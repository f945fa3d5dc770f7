import { deploymentsPrefix, kvFlags, poolOfKey } from '../model/consul-names.ts';
import type { PoolKey } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';

/** The pools that have an entry of ours under `deployments/`: agents are told them, or were when the configuration said so. */
export function toldPools(registry: RegistryState | undefined, { keyPath, owner, cluster }: Policy): ReadonlySet<PoolKey> {
  const prefix = deploymentsPrefix(keyPath);
  const flags = kvFlags(owner, cluster);
  const pools = new Set<PoolKey>();
  for (const { key, flags: found } of registry?.kv.values() ?? []) {
    const pool = found === flags && key.startsWith(prefix) ? poolOfKey(keyPath, cluster, key) : undefined;
    if (pool !== undefined) pools.add(pool);
  }
  return pools;
}
