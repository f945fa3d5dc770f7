import { describe, expect, it } from 'vitest';
import { SnapshotHistory } from '../../../../src/adapters/git/snapshot-history.ts';
import { problem } from '../../../../src/shared/problem.ts';

const reason = problem('GIT_UNREACHABLE', 'away');

describe('SnapshotHistory', () => {
  it('is unavailable since the first failure until there was a success', () => {
    const history = new SnapshotHistory<string>();
    expect(history.failed(reason, 1)).toEqual({ kind: 'unavailable', reason, sinceMs: 1 });
    expect(history.failed(reason, 2)).toEqual({ kind: 'unavailable', reason, sinceMs: 1 });
    expect(history.succeeded('a', 'i', 3)).toEqual({ kind: 'complete', value: 'a', index: 'i', readAtMs: 3, connectedAtMs: 3 });
  });

  it('keeps the time of the connection while it lasts, and starts a new one after a failure', () => {
    const history = new SnapshotHistory<string>();
    history.succeeded('a', 'i', 1);
    expect(history.succeeded('b', 'j', 2)).toMatchObject({ readAtMs: 2, connectedAtMs: 1 });
    expect(history.failed(reason, 3)).toEqual({ kind: 'stale', value: 'b', index: 'j', readAtMs: 2, reason, sinceMs: 3 });
    expect(history.succeeded('b', 'j', 4)).toMatchObject({ readAtMs: 4, connectedAtMs: 4 });
    expect(history.failed(reason, 5)).toMatchObject({ sinceMs: 5 });
  });

  it('is stale, never complete, with what was recalled', () => {
    const history = new SnapshotHistory<string>();
    history.recalled('old', 'i', 1);
    expect(history.failed(reason, 9)).toEqual({ kind: 'stale', value: 'old', index: 'i', readAtMs: 1, reason, sinceMs: 9 });
  });
});
