import { describe, expect, it } from 'vitest';
import { DirtyNotifier } from '../../../../src/adapters/kubernetes/dirty-notifier.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { DirtyListener } from '../../../../src/core/model/ports.ts';

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('DirtyNotifier', () => {
  const record = (notifier: DirtyNotifier) => {
    const calls: (string[] | 'all')[] = [];
    const listener: DirtyListener = (keys) => calls.push(keys === 'all' ? 'all' : [...keys]);
    return { calls, unsubscribe: notifier.subscribe(listener) };
  };

  it('calls once for all that became dirty in a macrotask', async () => {
    const notifier = new DirtyNotifier();
    const { calls } = record(notifier);
    notifier.add([nodeName('a')]);
    await Promise.resolve();
    notifier.add([nodeName('b'), nodeName('a')]);
    expect(calls).toEqual([]);
    await macrotask();
    notifier.add([nodeName('c')]);
    await macrotask();
    expect(calls).toEqual([['a', 'b'], ['c']]);
  });

  it('says "all" when anything of it was all', async () => {
    const notifier = new DirtyNotifier();
    const { calls } = record(notifier);
    notifier.add([nodeName('a')]);
    notifier.all();
    notifier.add([nodeName('b')]);
    await macrotask();
    expect(calls).toEqual(['all']);
  });

  it('calls nobody for nothing, and nobody who has left', async () => {
    const notifier = new DirtyNotifier();
    const { calls, unsubscribe } = record(notifier);
    notifier.add([]);
    await macrotask();
    notifier.all();
    unsubscribe();
    await macrotask();
    expect(calls).toEqual([]);
  });
});
