import { describe, expect, it } from 'vitest';
import { revision, specId } from '../../../src/core/model/ids.ts';
import type { SpecSource } from '../../../src/core/model/ports.ts';
import type { CommitChanges } from '../../../src/core/model/spec-set.ts';
import { addHead, type CommitBook } from '../../../src/core/report/commit-book.ts';
import { SpecHistory } from '../../../src/run/spec-history.ts';
import { runReport, specReport } from '../../support/run-report.ts';

const commit = (name: string, ...ids: readonly string[]): CommitChanges => ({
  revision: revision(name),
  author: 'Author',
  committedAtMs: 1,
  subject: `Subject ${name}`,
  changes: ids.map((id) => ({ id: specId(id), change: 'changed', blobId: name })),
});
const bookOf = (...recent: readonly CommitChanges[]): CommitBook =>
  addHead([], {
    revision: recent[0]?.revision ?? revision('none'),
    before: undefined,
    changes: undefined,
    recent,
    commit: undefined,
    startAtMs: undefined,
    decodedAtMs: 0,
  });
const named = (count: number): readonly CommitChanges[] => Array.from({ length: count }, (_, i) => commit(`c${i}`, 'a.yaml'));
const REPORT = runReport({ specs: [specReport('a.yaml'), specReport('b.yaml')] });
const steady = (): AbortSignal => new AbortController().signal;

/** A history, and what Git was asked for. */
function historyOf(book: CommitBook, answer?: () => Promise<readonly CommitChanges[]>) {
  const asked: string[] = [];
  const ask: NonNullable<SpecSource['history']> = ({ spec, at, most }) => {
    asked.push(`${spec} ${at} ${most}`);
    return answer?.() ?? Promise.resolve([]);
  };
  const history = new SpecHistory({ source: answer === undefined ? {} : { history: ask }, commits: () => book });
  return { history, asked };
}

describe('the history of a spec', () => {
  it('is told from memory where that is enough', async () => {
    const { history, asked } = historyOf(bookOf(...named(11)), async () => []);
    const told = await history.of('a.yaml', REPORT, steady());
    expect(told?.revisions.map((one) => one.revision)).toEqual(named(10).map((one) => one.revision));
    expect([told?.more, asked]).toEqual([true, []]);
  });

  it('goes on with what Git knows, each commit once, and asks once for each head', async () => {
    const { history, asked } = historyOf(bookOf(commit('new', 'a.yaml'), commit('other', 'b.yaml')), async () => [
      commit('new', 'a.yaml'),
      commit('old', 'a.yaml'),
      commit('no-change'),
    ]);
    expect(await history.of('a.yaml', REPORT, steady())).toEqual({
      spec: 'a.yaml',
      revisions: ['new', 'old'].map((of) => ({
        revision: of,
        author: 'Author',
        committedAtMs: 1,
        subject: `Subject ${of}`,
        change: 'changed',
      })),
      more: false,
    });
    await history.of('a.yaml', REPORT, steady());
    expect(asked).toEqual([`a.yaml ${REPORT.revision} 11`]);
    await history.of('a.yaml', { ...REPORT, revision: revision('next') }, steady());
    expect(asked).toHaveLength(2);
  });

  it('costs no process for a name that nobody knows', async () => {
    const { history, asked } = historyOf(bookOf(commit('new', 'a.yaml')), async () => []);
    expect(await history.of('nobody.yaml', REPORT, steady())).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('says that there may be more where Git fails, and asks again', async () => {
    let fails = true;
    const { history } = historyOf(bookOf(commit('new', 'a.yaml')), async () => {
      if (fails) throw new Error('the mirror is away');
      return [commit('old', 'a.yaml')];
    });
    expect(await history.of('a.yaml', REPORT, steady())).toMatchObject({ revisions: [{ revision: 'new' }], more: true });
    fails = false;
    expect(await history.of('a.yaml', REPORT, steady())).toMatchObject({
      revisions: [{ revision: 'new' }, { revision: 'old' }],
      more: false,
    });
    expect(await historyOf([]).history.of('a.yaml', REPORT, steady())).toEqual({ spec: 'a.yaml', revisions: [], more: true });
  });
});
