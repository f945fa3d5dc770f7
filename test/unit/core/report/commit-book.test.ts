import { describe, expect, it } from 'vitest';
import { revision, specId } from '../../../../src/core/model/ids.ts';
import type { CommitChanges, FileChange } from '../../../../src/core/model/spec-set.ts';
import {
  addHead,
  type BookArrival,
  type CommitBook,
  judgeBook,
  specsOf,
  toldCommits,
  withoutOpenVerdicts,
} from '../../../../src/core/report/commit-book.ts';
import type { RunReport, SpecReport } from '../../../../src/core/report/run-report.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { poolReport, removalHold, runReport, specReport } from '../../../support/run-report.ts';

const id = (letter: string): ReturnType<typeof revision> => revision(letter.repeat(10));
/** `a=1 b=2 c`: files with what they hold, removed where nothing is said. */
const changes = (text: string): readonly FileChange[] =>
  text.split(' ').flatMap((one): readonly FileChange[] => {
    const [name = '', blobId] = one.split('=');
    if (name === '') return [];
    return [blobId === undefined ? { id: specId(name), change: 'removed' } : { id: specId(name), change: 'changed', blobId }];
  });
const commit = (letter: string, text: string): CommitChanges => ({
  revision: id(letter),
  author: `${letter} author`,
  committedAtMs: 0,
  subject: `${letter} subject`,
  changes: changes(text),
});
interface Head {
  readonly before?: string;
  readonly recent?: readonly CommitChanges[];
  /** What differs from the head before. */
  readonly differs?: string;
  readonly atMs?: number;
}
const head = (letter: string, { before, recent, differs, atMs = 0 }: Head): BookArrival => ({
  revision: id(letter),
  before: before === undefined ? undefined : id(before),
  changes: differs === undefined ? undefined : changes(differs),
  recent,
  commit: undefined,
  startAtMs: before === undefined ? undefined : atMs - 100,
  decodedAtMs: atMs,
});
const watched: Partial<RunReport> = { gateways: [] };
const at = (startedAtMs: number, specs: readonly SpecReport[], more: Partial<RunReport> = {}): RunReport =>
  runReport({ startedAtMs, durationMs: 0, specs, ...watched, ...more });
const served = (name: string): SpecReport => specReport(name, { legs: { ...specReport('x').legs, traefik: 'in-step' } });
const following = (name: string): SpecReport => specReport(name, { state: 'changing' });
const verdicts = (book: CommitBook): unknown =>
  Object.fromEntries(
    book.map(({ revision: of, verdict }) => [of[0], verdict === undefined ? undefined : `${verdict.state}: ${verdict.says}`]),
  );

const FIRST = addHead([], head('a', { recent: [commit('a', 'x=1 y=1')] }));

describe('the book of commits', () => {
  it('judges the commits before the start by what is in force, without times', () => {
    const book = addHead([], head('c', { recent: [commit('c', 'x=2'), commit('b', ''), commit('a', 'x=1 y=1')] }));
    const judged = judgeBook(book, at(10, [served('x'), served('y')]));
    expect(verdicts(judged)).toEqual({
      c: 'in-traffic: in traffic',
      b: 'nothing-to-do: it changed no spec',
      a: `in-traffic: in traffic, but for x: changed again by ${id('c')}`,
    });
    expect(toldCommits(judged).map(({ revision: of }) => of)).toEqual([id('c')]);
  });

  it.each<[string, SpecReport[], Partial<RunReport>, string]>([
    ['served', [served('x')], {}, 'in-traffic: in traffic after 1.1 s'],
    ['not watched', [specReport('x')], { gateways: undefined } as never, 'in-traffic: in Consul after 1.1 s'],
    ['under way', [following('x')], {}, 'on-its-way: x: changing'],
    [
      'waiting',
      [specReport('x', { state: 'waiting', waiting: [{ leg: 'kubernetes', what: '1 of 2 pods', on: undefined }] })],
      {},
      'on-its-way: x: 1 of 2 pods',
    ],
    ['suspended', [specReport('x', { state: 'suspended' })], {}, 'held: x: it is suspended'],
    [
      'held',
      [specReport('x', { state: 'held', holds: [removalHold('x', 'pool x')] })],
      {},
      `held: x: held: ${removalHold('x', 'pool x').reason.message}`,
    ],
    [
      'broken',
      [specReport('x', { state: 'broken', problems: [problem('SPEC_UNKNOWN_FIELD', 'unknown field f')] })],
      {},
      'broken: x: unknown field f',
    ],
    ['refused', [specReport('x', { state: 'failed', problems: [problem('KUBERNETES_REFUSED', 'denied')] })], {}, 'broken: x: denied'],
    ['what passes', [specReport('x', { state: 'failed', problems: [problem('CONSUL_UNAVAILABLE', 'away')] })], {}, 'on-its-way: x: away'],
    [
      'leaving',
      [specReport('x', { state: 'leaving' })],
      { pools: [poolReport('d', 'x', { spec: specId('x') })] },
      'on-its-way: x: leaving',
    ],
  ])('gives a commit its verdict: %s', (_what, specs, more, expected) => {
    const book = addHead(FIRST, head('b', { before: 'a', recent: [commit('b', 'x=2'), commit('a', 'x=1 y=1')], atMs: 100 }));
    expect(verdicts(judgeBook(book, at(1_100, specs, more)))).toMatchObject({ b: expected });
  });

  it('says that what a commit removed is out of traffic, by the clock of the metric where it tells', () => {
    const book = addHead(FIRST, head('b', { before: 'a', recent: [commit('b', 'x'), commit('a', 'x=1 y=1')], atMs: 100 }));
    const latencies = [{ revision: id('b'), stage: 'total', seconds: 0.7, start: 'poll' }] as const;
    const judged = judgeBook(book, at(1_100, [served('y')], { latencies }));
    expect(verdicts(judged)).toMatchObject({ b: 'in-traffic: out of traffic after 0.7 s' });
    expect(judged[0]?.verdict?.seconds).toBe(0.7);
    // A day later.
    expect(judgeBook(judged, at(86_400_000, [following('x'), following('y')]))[0]).toBe(judged[0]);
  });

  it('judges each of several commits that came with one head, and by the worst of its specs', () => {
    const recent = [commit('d', 'y=3'), commit('c', 'x=2 z=1'), commit('b', 'y=2'), commit('a', 'x=1 y=1')];
    const book = addHead(FIRST, head('d', { before: 'a', recent, differs: 'x=2 y=3 z=1', atMs: 100 }));
    const specs = [following('x'), served('y'), specReport('z', { state: 'broken' })];
    expect(verdicts(judgeBook(book, at(200, specs)))).toMatchObject({
      d: 'in-traffic: in traffic after 0.2 s',
      c: 'broken: z: broken',
      b: `superseded: y: changed again by ${id('d')}`,
    });
    const [, second] = book;
    expect(second && specsOf(book, second, at(200, specs)).map(({ id: of, state }) => `${of} ${state}`)).toEqual(['x going', 'z failed']);
  });

  it('takes a merge for no change of what it brings, also once that is changed again', () => {
    const merged = [commit('d', 'x=2'), commit('c', 'x=2'), commit('a', 'x=1 y=1')];
    const book = addHead(FIRST, head('d', { before: 'a', recent: merged, atMs: 100 }));
    expect(verdicts(judgeBook(book, at(200, [following('x')])))).toMatchObject({
      d: 'on-its-way: x: changing',
      c: 'on-its-way: x: changing',
    });
    const next = addHead(book, head('e', { before: 'd', recent: [commit('e', 'x=3'), ...merged], atMs: 300 }));
    const by = id('e');
    expect(verdicts(judgeBook(next, at(400, [following('x')])))).toMatchObject({
      d: `superseded: x: changed again by ${by}`,
      c: `superseded: x: changed again by ${by}`,
    });
  });

  it('gives a head what differs and no listed commit tells: a step back, another history, one without its commits', () => {
    const two = addHead(FIRST, head('b', { before: 'a', recent: [commit('b', 'x=2'), commit('a', 'x=1 y=1')], atMs: 100 }));
    const back = addHead(two, head('a', { before: 'b', recent: [commit('a', 'x=1 y=1')], differs: 'x=1', atMs: 300 }));
    expect(verdicts(judgeBook(back, at(400, [served('x'), served('y')])))).toEqual({
      a: 'in-traffic: in traffic after 0.2 s',
      b: `superseded: x: changed again by ${id('a')}`,
    });
    const shallow = addHead(FIRST, head('f', { before: 'a', differs: 'y=9', atMs: 300 }));
    expect(shallow[0]?.changes).toEqual(changes('y=9'));
  });

  it('lets all specs count of a head of which nobody knows what it changed', () => {
    const book = addHead([], head('a', {}));
    expect(verdicts(judgeBook(book, at(10, [served('x'), following('y')])))).toEqual({ a: 'on-its-way: y: changing' });
  });

  it('does not judge by a run that began before a commit was known', () => {
    const book = addHead(FIRST, head('b', { before: 'a', recent: [commit('b', 'x=2'), commit('a', 'x=1 y=1')], atMs: 100 }));
    expect(verdicts(judgeBook(book, at(50, [served('x'), served('y')])))).toEqual({ b: undefined, a: 'in-traffic: in traffic' });
  });

  it('tells no time of what nobody could see for a while', () => {
    const book = addHead(FIRST, head('b', { before: 'a', recent: [commit('b', 'x=2'), commit('a', 'x=1 y=1')], atMs: 100 }));
    const silent = specReport('x', { legs: { ...specReport('x').legs, traefik: 'unknown' } });
    const blind = judgeBook(book, at(200, [silent]));
    expect(verdicts(blind)).toMatchObject({ b: 'on-its-way: x: no Traefik answers' });
    expect(verdicts(judgeBook(blind, at(300, [served('x')])))).toMatchObject({ b: 'in-traffic: in traffic' });
  });

  it('keeps last words and nothing else while another replica leads, and times nothing that it has not seen all of', () => {
    const two = addHead(FIRST, head('b', { before: 'a', recent: [commit('b', 'x=2'), commit('a', 'x=1 y=1')], atMs: 100 }));
    const told = withoutOpenVerdicts(judgeBook(two, at(200, [following('x'), served('y')])));
    expect(verdicts(told)).toEqual({ b: undefined, a: `in-traffic: in traffic, but for x: changed again by ${id('b')}` });
    expect(verdicts(judgeBook(told, at(300, [served('x'), served('y')])))).toMatchObject({ b: 'in-traffic: in traffic' });
  });

  it('keeps the last 50, and what is older than all that is known does not come back as new', () => {
    let book = FIRST;
    const letters = Array.from({ length: 60 }, (_, i) => revision(`${i}`.padStart(10, '0')));
    for (const [i, of] of letters.entries()) {
      const own = { ...commit('a', `x=${i + 2}`), revision: of };
      book = addHead(book, {
        ...head('a', { before: 'a', atMs: i }),
        revision: of,
        recent: [own, ...(i === 0 ? [] : [{ ...own, revision: letters[i - 1] ?? of }]), commit('a', 'x=1')],
      });
    }
    expect(book).toHaveLength(50);
    expect(book[0]?.revision).toBe(letters[59]);
    expect(book.some(({ revision: of }) => of === id('a'))).toBe(false);
    expect(toldCommits(book)).toHaveLength(20);
  });

  it('keeps fewer commits where each changes a great deal', () => {
    const much = Array.from({ length: 9_000 }, (_, i) => `f${i}=1`).join(' ');
    const book = addHead([], head('c', { recent: ['c', 'b', 'a'].map((letter) => commit(letter, much)) }));
    expect(book.map(({ revision: of }) => of[0])).toEqual(['c', 'b']);
  });
});
