import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { deploymentsPrefix, kvFlags, memoryKey } from '../model/consul-names.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';
import type { Snapshot } from '../model/snapshot.ts';

/**
 * On the first start on a KV tree where someone else has written deployments, the operator must say who registers (design
 * section 7): until then Consul counts as unavailable. It is the first start while no memory of ours is there.
 */
export function askForRegistration(registry: Snapshot<RegistryState>, policy: Policy): Snapshot<RegistryState> {
  if (policy.registrationExplicit || registry.kind === 'unavailable') return registry;
  const { kv } = registry.value;
  if (kv.has(memoryKey(policy.keyPath, policy.cluster))) return registry;
  const flags = kvFlags(policy.owner, policy.cluster);
  const prefix = deploymentsPrefix(policy.keyPath);
  const foreign = [...kv.values()].find((entry) => entry.key.startsWith(prefix) && entry.flags !== flags);
  if (foreign === undefined) return registry;
  return { kind: 'unavailable', reason: question(foreign.key), sinceMs: registry.readAtMs };
}

const question = (key: string): Problem =>
  problem(
    'REGISTRATION_CHOICE_NEEDED',
    `the key ${key} was written by someone else: do agents register these pools (kv), or shall poolkeeper (catalog, both)?`,
  );
