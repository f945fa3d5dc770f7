import { describe, expect, it, vi } from 'vitest';
import type { Registry } from '../../../src/core/model/ports.ts';
import type { Snapshot } from '../../../src/core/model/snapshot.ts';
import { firstPoll } from '../../../src/run/first-poll.ts';
import { complete, EMPTY_REGISTRY, unavailable } from '../../support/builders.ts';

function start(comparesHeads: boolean, settleMs: number) {
  let state: ReturnType<Registry['state']> = unavailable();
  const listeners = new Set<() => void>();
  const registry = {
    state: () => state,
    changed: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Registry;
  const seen: string[] = [];
  const poll = async (): Promise<void> => void seen.push(`looked while Consul was ${state.kind}`);
  const stop = new AbortController();
  const done = firstPoll({ registry, comparesHeads, settleMs, poll, pollNow: () => seen.push('asked again') }, stop.signal);
  return {
    seen,
    done,
    stop,
    answer(snapshot: Snapshot<typeof EMPTY_REGISTRY> = complete(EMPTY_REGISTRY)) {
      state = snapshot;
      for (const listener of listeners) listener();
    },
  };
}

describe('the first look at Git', () => {
  it('waits for nothing where no heads are compared', async () => {
    const { seen, done } = start(false, 60_000);
    await done;
    expect(seen).toEqual(['looked while Consul was unavailable']);
  });

  it('waits for Consul where they are', async () => {
    const { seen, done, answer } = start(true, 60_000);
    expect(seen).toEqual([]);
    answer();
    await done;
    expect(seen).toContain('looked while Consul was complete');
  });

  it('waits no longer than it may, and asks for another look when Consul has answered', async () => {
    const { seen, done, answer } = start(true, 1);
    await done;
    expect(seen).toEqual(['looked while Consul was unavailable']);
    answer();
    await vi.waitFor(() => expect(seen).toEqual(['looked while Consul was unavailable', 'asked again']));
  });

  it('ends with the process', async () => {
    const { seen, done, stop } = start(true, 60_000);
    stop.abort();
    await expect(done).rejects.toThrow();
    expect(seen).toEqual([]);
  });
});
