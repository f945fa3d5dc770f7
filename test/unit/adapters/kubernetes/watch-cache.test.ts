import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CacheItem, isNewer, WatchCache } from '../../../../src/adapters/kubernetes/watch-cache.ts';

type Value = { readonly text: string; readonly resourceVersion: string };
const item = (
  key: string,
  version: number,
  more: Partial<CacheItem<string, Value>> & { readonly text?: string } = {},
): CacheItem<string, Value> => ({
  key,
  uid: more.uid ?? `uid-${key}`,
  version: String(version),
  value: { text: more.text ?? `v${version}`, resourceVersion: String(version) },
});
const shown = (cache: WatchCache<string, Value>): Record<string, string> =>
  Object.fromEntries([...cache.values()].map(([key, { resourceVersion }]) => [key, resourceVersion]));

describe('isNewer', () => {
  it.each([
    ['9', '10', false],
    ['10', '9', true],
    ['7', '7', false],
    ['18446744073709551616', '18446744073709551615', true],
    ['opaque-b', 'opaque-a', true],
    ['same', 'same', false],
  ])('%s after %s: %s', (a, b, expected) => expect(isNewer(a, b)).toBe(expected));
});

describe('WatchCache', () => {
  it('takes events in the order of their versions', () => {
    const cache = new WatchCache<string, Value>();
    expect(cache.put(item('a', 5))).toMatchObject({ key: 'a', before: undefined });
    expect(cache.put(item('a', 4))).toBeUndefined();
    expect(cache.put(item('a', 6))).toMatchObject({ after: { text: 'v6' } });
    expect(cache.drop(item('a', 5))).toBeUndefined();
    expect(shown(cache)).toEqual({ a: '6' });
    expect(cache.drop(item('a', 7))).toMatchObject({ before: { text: 'v6' }, after: undefined });
    expect(shown(cache)).toEqual({});
  });

  it('tells nobody when only the version moved, and still knows the version', () => {
    const cache = new WatchCache<string, Value>();
    cache.put(item('a', 5, { text: 'same' }));
    expect(cache.put(item('a', 6, { text: 'same' }))).toBeUndefined();
    expect(shown(cache)).toEqual({ a: '6' });
  });

  it('keeps the very value while it is the same, so that what is derived from it stays valid', () => {
    const cache = new WatchCache<string, Value>();
    cache.put(item('a', 5));
    const [values, value] = [cache.values(), cache.get('a')];
    cache.replace([item('a', 5)], cache.mark());
    expect(cache.get('a')).toBe(value);
    expect(cache.values()).toBe(values);
  });

  it('never changes values that it has given out', () => {
    const cache = new WatchCache<string, Value>();
    cache.put(item('a', 5));
    const before = cache.values();
    cache.put(item('b', 6));
    cache.drop(item('a', 7));
    expect([...before.keys()]).toEqual(['a']);
  });

  it('does not let a list that began earlier take back a write', () => {
    const cache = new WatchCache<string, Value>();
    cache.replace([item('old', 1), item('kept', 1)], cache.mark());
    const mark = cache.mark();
    cache.fold(item('new', 9));
    cache.fold(item('kept', 10));
    cache.foldGone('old', 'uid-old');
    cache.replace([item('old', 1), item('kept', 2)], mark);
    expect(shown(cache)).toEqual({ new: '9', kept: '10' });
    // The next list began after the writes: it decides.
    cache.replace([item('kept', 10)], cache.mark());
    expect(shown(cache)).toEqual({ kept: '10' });
  });

  it('follows a server that was set back to an earlier state', () => {
    const cache = new WatchCache<string, Value>();
    cache.fold(item('a', 100));
    cache.replace([item('a', 7)], cache.mark());
    expect(shown(cache)).toEqual({ a: '7' });
  });

  it('does not bring back what we deleted, until something new has its name', () => {
    const cache = new WatchCache<string, Value>();
    cache.put(item('a', 5));
    cache.foldGone('a', 'uid-a');
    expect(cache.put(item('a', 6))).toBeUndefined();
    expect(shown(cache)).toEqual({});
    expect(cache.put(item('a', 8, { uid: 'other' }))).toMatchObject({ before: undefined });
    expect(cache.drop(item('a', 7))).toBeUndefined();
    expect(shown(cache)).toEqual({ a: '8' });
  });

  it('does not take the deletion of one object for that of its successor', () => {
    const cache = new WatchCache<string, Value>();
    cache.put(item('a', 8, { uid: 'second' }));
    cache.foldGone('a', 'first');
    expect(shown(cache)).toEqual({ a: '8' });
  });

  it('ends where the server is, whatever the order in which answers and events come in', () => {
    // A history of one object; every write is also folded, at any moment after it happened.
    const history = fc.array(fc.record({ gone: fc.boolean(), foldAfter: fc.nat({ max: 5 }), ours: fc.boolean() }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(history, (steps) => {
        const cache = new WatchCache<string, Value>();
        let uid = 0;
        let exists = false;
        const events = steps.map((step, index) => {
          const gone = step.gone && exists;
          if (!gone && !exists) uid++;
          exists = !gone;
          return { ...step, gone, item: item('a', index + 1, { uid: `uid-${uid}` }) };
        });
        const folds = events.map((event, index) => ({ event, at: index - event.foldAfter })).filter(({ event }) => event.ours);
        for (const [index, event] of events.entries()) {
          // A fold never comes before the write, but may come before its event.
          for (const fold of folds) {
            if (Math.max(fold.at, 0) !== index) continue;
            if (fold.event.gone) cache.foldGone('a', fold.event.item.uid);
            else cache.fold(fold.event.item);
          }
          if (event.gone) cache.drop(event.item);
          else cache.put(event.item);
        }
        const last = events.at(-1);
        expect(shown(cache)).toEqual(last === undefined || last.gone ? {} : { a: last.item.version });
      }),
    );
  });
});
