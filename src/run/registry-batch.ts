import { setImmediate } from 'node:timers/promises';
import type { RegistryAction } from '../core/model/action.ts';
import type { Fence, Registry, RegistryResult } from '../core/model/ports.ts';
import { problem } from '../shared/problem.ts';

interface Entry {
  readonly action: RegistryAction;
  readonly settle: (result: RegistryResult) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Gathers the registry actions of many specs, so that they share transactions, without making one spec wait for another: what
 * has come together while a commit is under way goes out with the next one.
 */
export class RegistryBatch {
  readonly #registry: Registry;
  readonly #fence: () => Fence | undefined;
  readonly #signal: AbortSignal;
  #queue: Entry[] = [];
  #sending = false;

  constructor(registry: Registry, fence: () => Fence | undefined, signal: AbortSignal) {
    this.#registry = registry;
    this.#fence = fence;
    this.#signal = signal;
  }

  /** Commits one action with whatever else is at hand; rejects only on abort. */
  commit(action: RegistryAction): Promise<RegistryResult> {
    return new Promise((settle, fail) => {
      this.#queue.push({ action, settle, fail });
      if (!this.#sending) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    await setImmediate();
    while (this.#queue.length > 0) {
      const entries = this.#queue;
      this.#queue = [];
      await this.#send(entries);
    }
    this.#sending = false;
  }

  async #send(entries: readonly Entry[]): Promise<void> {
    const fence = this.#fence();
    if (fence === undefined) {
      const lost = problem('CONSUL_FENCED', 'this replica does not lead (any more); nothing was written to Consul');
      for (const entry of entries) entry.settle({ kind: 'failed', problem: lost });
      return;
    }
    try {
      const results = await this.#registry.commit(
        entries.map((entry) => entry.action),
        fence,
        this.#signal,
      );
      entries.forEach((entry, i) => {
        const missing = problem('INTERNAL', 'the registry gave no result for an action');
        entry.settle(results[i] ?? { kind: 'failed', problem: missing });
      });
    } catch (error) {
      for (const entry of entries) entry.fail(error);
    }
  }
}
