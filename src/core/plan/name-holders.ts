import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';

/** Why a pool may not enter the Consul service that it wants. Where agents register, the instances of the name are theirs. */
export function whyNameTaken(view: PoolView, registry: RegistryState, policy: Policy): Problem | undefined {
  if (policy.registration === 'kv' || holdsName(view, registry) || !registry.foreignServices.has(view.service)) return undefined;
  return problem('CONSUL_NAME_TAKEN', `the Consul service ${view.service} of pool ${view.pool} is registered by someone else`);
}

/** Told while somebody else registers instances under a name that a pool of ours holds. What agents register is told by itself. */
export function whyNameShared(view: PoolView, registry: RegistryState, policy: Policy): Problem | undefined {
  const byAgents = policy.registration === 'kv' || (registry.agents?.get(view.service)?.length ?? 0) > 0;
  if (byAgents || !holdsName(view, registry) || !registry.foreignServices.has(view.service)) return undefined;
  const message = `someone else registers instances of the Consul service ${view.service}, which pool ${view.pool} holds`;
  return problem('CONSUL_NAME_SHARED', message);
}

const holdsName = ({ pool, service }: PoolView, { instances }: RegistryState): boolean =>
  instances.get(pool)?.some((instance) => instance.service === service) ?? false;
