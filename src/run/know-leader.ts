import type { Lease } from '../core/model/ports.ts';
import type { ApplyPorts } from './apply-plan.ts';

/** Resolves when it is known who leads, and Consul has been read as that one would read it. */
export async function knowLeader({ leases, registry }: Pick<ApplyPorts, 'leases' | 'registry'>, signal: AbortSignal): Promise<void> {
  await until(leases.consul, () => leases.consul.state().held || holderOf(leases.consul) !== undefined, signal);
  if (!leases.consul.state().held) return;
  await until(leases.kubernetes, () => leases.kubernetes.state().held, signal);
  await knowRegistry({ registry }, signal);
}

/** Resolves when Consul has told what was in force. */
export const knowRegistry = ({ registry }: Pick<ApplyPorts, 'registry'>, signal: AbortSignal): Promise<void> =>
  until(registry, () => registry.state().kind !== 'unavailable', signal);

/** The URL at which another replica leads, from what its lease says of it; undefined when that is us, or nobody knows. */
export function leaderUrl(lease: Pick<Lease, 'state'>): string | undefined {
  const url = holderOf(lease)?.split(' ').at(-1);
  return url !== undefined && URL.canParse(url) ? url : undefined;
}

const holderOf = (lease: Pick<Lease, 'state'>): string | undefined => {
  const state = lease.state();
  return state.held ? undefined : state.holder;
};

/** Resolves when `settled` holds, asked again at every change; rejects on abort. */
function until(source: Changing, settled: () => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      off();
      signal.removeEventListener('abort', stop);
    };
    const stop = (): void => {
      done();
      reject(signal.reason as Error);
    };
    const look = (): void => {
      if (!settled()) return;
      done();
      resolve();
    };
    const off = source.changed(look);
    signal.addEventListener('abort', stop, { once: true });
    look();
  });
}

interface Changing {
  changed(listener: () => void): () => void;
}
