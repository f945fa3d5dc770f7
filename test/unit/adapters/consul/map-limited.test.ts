import { describe, expect, it } from 'vitest';
import { mapLimited } from '../../../../src/adapters/consul/map-limited.ts';

describe('mapLimited', () => {
  it('keeps the order of the items, and the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimited([5, 1, 3, 2, 4], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      running -= 1;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 30, 20, 40]);
    expect(most).toBe(2);
  });

  it('asks for an item when its turn comes', async () => {
    let made = 0;
    let done = 0;
    let ahead = 0;
    function* items(): Generator<number, undefined> {
      while (made < 10) {
        ahead = Math.max(ahead, made - done);
        yield ++made;
      }
    }
    await mapLimited(items(), 3, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done += 1;
    });
    expect([made, done, ahead]).toEqual([10, 10, 2]);
  });

  it('begins nothing more after a failure, and waits for what was begun', async () => {
    const begun: number[] = [];
    let ended = false;
    const work = async (item: number) => {
      begun.push(item);
      if (item === 1) throw new Error('one');
      await new Promise((resolve) => setImmediate(resolve));
      ended = true;
    };
    await expect(mapLimited([1, 2, 3, 4], 2, work)).rejects.toThrow('one');
    expect(begun).toEqual([1, 2]);
    expect(ended).toBe(true);
  });
});
