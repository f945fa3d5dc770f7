import { describe, expect, it } from 'vitest';
import { revision, specId } from '../../../../src/core/model/ids.ts';
import type { CommitChanges } from '../../../../src/core/model/spec-set.ts';
import { lastChanges } from '../../../../src/core/report/last-changes.ts';

const commit = (digit: string, committedAtMs: number, ...files: readonly string[]): CommitChanges => ({
  revision: revision(digit.repeat(40)),
  author: 'platform-team',
  subject: 'x',
  committedAtMs,
  changes: files.map((file) => ({ id: specId(file), change: 'changed' })),
});

describe('the commit that last changed a spec', () => {
  it('is the newest of those that did', () => {
    const last = lastChanges({ recent: [commit('c', 3, 'a.yaml'), commit('b', 2, 'a.yaml', 'b.yaml'), commit('a', 1, 'b.yaml')] });
    expect([...last].map(([id, { revision: of, committedAtMs }]) => [id, of[0], committedAtMs])).toEqual([
      ['a.yaml', 'c', 3],
      ['b.yaml', 'b', 2],
    ]);
  });

  it('is not known where Git does not tell', () => expect(lastChanges(undefined).size + lastChanges({}).size).toBe(0));
});
