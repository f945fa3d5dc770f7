import { describe, expect, it } from 'vitest';
import { replicaName, revision, specId } from '../../../../src/core/model/ids.ts';
import { type FollowedCommits, followCommits, NO_COMMITS } from '../../../../src/core/notify/follow-commits.ts';
import type { RunReport, SpecReport } from '../../../../src/core/report/run-report.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { poolReport, removalHold, runReport, specReport } from '../../../support/run-report.ts';

const [A, B] = [revision('aaaaaaa1'), revision('bbbbbbb2')];
const ids = (...paths: string[]): ReadonlySet<ReturnType<typeof specId>> => new Set(paths.map((path) => specId(path)));

/** Follows one report after the other, and gives what is told as lines. */
class Follower {
  #state: FollowedCommits = NO_COMMITS;
  nowMs = 0;
  lookAgainAtMs: number | undefined;
  turned: readonly unknown[] = [];

  take(
    at: typeof A,
    touched: ReturnType<typeof ids> | undefined,
    specs: readonly SpecReport[],
    more: Partial<RunReport> = {},
  ): readonly string[] {
    const { followed, statuses, turned, lookAgainAtMs } = followCommits(this.#state, {
      report: runReport({ revision: at, specs, ...more }),
      touched,
      nowMs: this.nowMs,
      redact: (text) => text,
    });
    this.#state = followed;
    this.lookAgainAtMs = lookAgainAtMs;
    this.turned = turned;
    return statuses.map(({ revision: of, state, description }) => `${of.slice(0, 1)} ${state} ${description}`);
  }
}

const legs = (traefik: SpecReport['legs']['traefik']): Pick<SpecReport, 'legs'> => ({ legs: { ...specReport('x').legs, traefik } });
const watched = { gateways: [{ replica: replicaName('edge'), state: 'in-step', pools: 1 }] } as const;
const changing = (id: string): SpecReport => specReport(id, { state: 'changing' });

describe('followCommits', () => {
  it('goes from pending to success, once each', () => {
    const follower = new Follower();
    const touched = ids('a', 'b');
    expect(follower.take(A, touched, [changing('a'), specReport('b'), changing('c')])).toEqual([
      'a pending applying: 1 of 2 specs in step; a: changing',
    ]);
    expect(follower.take(A, touched, [changing('a'), specReport('b')])).toEqual([]);
    expect(follower.take(A, touched, [specReport('a'), specReport('b')])).toEqual([
      'a success in Consul: 2 specs in step (Traefik is not watched)',
    ]);
    expect(follower.take(A, touched, [changing('a'), specReport('b')])).toEqual([]);
  });

  it('counts what has left as done, and a commit without specs as well', () => {
    const follower = new Follower();
    expect(follower.take(A, ids('gone'), [])).toEqual(['a success in Consul: 1 spec in step (Traefik is not watched)']);
    expect(follower.take(B, ids(), [])).toEqual(['b success touches no spec']);
  });

  it('takes a removal for done when Consul and Traefik have let go, however long the rest of it drains', () => {
    const follower = new Follower();
    const leaving = (traefik: SpecReport['legs']['traefik']): SpecReport => specReport('a', { state: 'leaving', ...legs(traefik) });
    const pool = (registered: number) => ({ ...watched, pools: [poolReport('default', 'a', { spec: specReport('a').id, registered })] });
    expect(follower.take(A, ids('a'), [leaving('in-step')], pool(3))).toEqual(['a pending applying: 0 of 1 spec in step; a: leaving']);
    expect(follower.take(A, ids('a'), [leaving('changing')], pool(0))).toEqual([]);
    expect(follower.take(A, ids('a'), [leaving('in-step')], pool(0))).toEqual(['a success in traffic: 1 spec in step, served by Traefik']);
  });

  it('waits for a suspended spec', () => {
    expect(new Follower().take(A, ids('a'), [specReport('a', { state: 'suspended' })])).toEqual([
      'a pending applying: 0 of 1 spec in step; a: it is suspended',
    ]);
  });

  it.each<[SpecReport['legs']['traefik'], Partial<SpecReport>, string]>([
    ['in-step', {}, 'success in traffic: 1 spec in step, served by Traefik'],
    ['not-watched', {}, 'success in traffic: 1 spec in step, served by Traefik'],
    ['changing', {}, 'pending applying: 0 of 1 spec in step; a: Traefik follows'],
    ['unknown', {}, 'pending applying: 0 of 1 spec in step; a: no Traefik answers'],
    ['failed', { problems: [problem('TRAEFIK_BEHIND', 'edge is behind')] }, 'pending applying: 0 of 1 spec in step; a: edge is behind'],
    ['failed', { problems: [problem('TRAEFIK_NOT_SERVED', 'edge has no router')] }, 'failure a: edge has no router'],
  ])('succeeds only when Traefik serves it: %s %j', (traefik, more, expected) => {
    expect(new Follower().take(A, ids('a'), [specReport('a', { ...legs(traefik), ...more })], watched)).toEqual([`a ${expected}`]);
  });

  it('says how long it took when a run tells', () => {
    const latencies = [{ revision: A, stage: 'total', seconds: 4.234, start: 'poll' }] as const;
    const told = new Follower().take(A, ids('a'), [specReport('a', legs('in-step'))], { ...watched, latencies });
    expect(told).toEqual(['a success in traffic after 4.2 s: 1 spec in step, served by Traefik']);
  });

  const where = { file: 'a', line: 4, column: 2, path: '' };
  it.each<[Partial<SpecReport>, string]>([
    [{ state: 'broken', problems: [problem('SPEC_UNKNOWN_FIELD', 'unknown field x', { where })] }, 'failure a: line 4: unknown field x'],
    [{ state: 'failed', problems: [problem('ROLLOUT_FAILED', 'pods\n\tcrash')] }, 'failure a: pods crash'],
    [
      { state: 'failed', problems: [problem('CONSUL_UNAVAILABLE', 'Consul is away')] },
      'pending applying: 0 of 1 spec in step; a: Consul is away',
    ],
    [{ state: 'conflict', problems: [problem('ROUTE_CONFLICT', 'router web is taken')] }, 'failure a: router web is taken'],
    [{ state: 'held', holds: [removalHold('a', 'pool a')] }, `failure a: held: ${removalHold('a', 'pool a').reason.message}`],
    [
      { state: 'held', holds: [{ ...removalHold('a', 'pool a'), reason: problem('SNAPSHOT_NOT_COMPLETE', 'removals wait') }] },
      'pending applying: 0 of 1 spec in step; a: removals wait',
    ],
    [
      {
        state: 'held',
        holds: [{ ...removalHold('a', 'pool a'), reason: problem('SNAPSHOT_NOT_COMPLETE', 'removals wait') }, removalHold('a', 'pool a')],
      },
      `failure a: held: ${removalHold('a', 'pool a').reason.message}`,
    ],
    [
      { state: 'waiting', waiting: [{ leg: 'kubernetes', what: '2 of 3 pods', on: undefined }] },
      'pending applying: 0 of 1 spec in step; a: 2 of 3 pods',
    ],
  ])('tells the first reason: %j', (more, expected) => {
    expect(new Follower().take(A, ids('a'), [specReport('a', more)])).toEqual([`a ${expected}`]);
  });

  it('tells a failure once, and success when it is mended without a commit', () => {
    const follower = new Follower();
    const failed = specReport('a', { state: 'failed', problems: [problem('KUBERNETES_REFUSED', 'denied by a webhook')] });
    expect(follower.take(A, ids('a'), [failed])).toHaveLength(1);
    expect(follower.take(A, ids('a'), [failed])).toEqual([]);
    expect(follower.take(A, ids('a'), [specReport('a')])).toEqual(['a success in Consul: 1 spec in step (Traefik is not watched)']);
  });

  it('counts the other failures, in 140 characters', () => {
    const failed = (id: string): SpecReport =>
      specReport(id, { state: 'failed', problems: [problem('KUBERNETES_REFUSED', 'x'.repeat(300))] });
    const [told = ''] = new Follower().take(A, ids('a', 'b', 'c'), [failed('a'), failed('b'), specReport('c')]);
    expect(told).toMatch(/^a failure a: x+… \(and 1 more of 3 specs\)$/);
    expect(told).toHaveLength('a failure '.length + 140);
  });

  it('gives a commit that is overtaken its last word, and waits for the rest of one that is not', () => {
    const follower = new Follower();
    follower.take(A, ids('a', 'b'), [changing('a'), changing('b')]);
    expect(follower.take(B, ids('b'), [changing('a'), changing('b')])).toEqual(['b pending applying: 0 of 1 spec in step; b: changing']);
    expect(follower.take(B, ids('b'), [specReport('a'), changing('b')])).toEqual([
      'a success in Consul: 1 spec in step (Traefik is not watched)',
    ]);
    expect(follower.take(revision('ccc'), ids('b'), [changing('b')])).toEqual([
      'b superseded superseded by ccc before it was in traffic',
      'c pending applying: 0 of 1 spec in step; b: changing',
    ]);
  });

  it('gives the oldest its last word when too many are open', () => {
    const follower = new Follower();
    const specs = Array.from({ length: 21 }, (_, i) => changing(`s${i}`));
    const told = specs.map(({ id }, i) => follower.take(revision(String.fromCharCode(97 + i)), ids(id), specs));
    expect(told.slice(0, 20).every((lines) => lines.length === 1)).toBe(true);
    expect(told[20]?.[0]).toBe('a superseded superseded by u before it was in traffic');
  });

  it('leaves a failure standing when a newer commit mends what failed', () => {
    const follower = new Follower();
    follower.take(A, ids('a'), [specReport('a', { state: 'broken' })]);
    expect(follower.take(B, ids('a'), [specReport('a')])).toEqual(['b success in Consul: 1 spec in step (Traefik is not watched)']);
  });

  it('tells of the commit that was in force at the start once it has ended, whatever it touched', () => {
    const follower = new Follower();
    expect(follower.take(A, undefined, [changing('a'), specReport('b')])).toEqual([]);
    expect(follower.take(A, undefined, [specReport('a'), specReport('b')])).toEqual([
      'a success in Consul: 2 specs in step (Traefik is not watched)',
    ]);
    const overtaken = new Follower();
    overtaken.take(A, undefined, [changing('a')]);
    expect(overtaken.take(B, ids('a'), [specReport('a')])).toEqual(['b success in Consul: 1 spec in step (Traefik is not watched)']);
  });

  it('tells progress at most twice a minute', () => {
    const follower = new Follower();
    const touched = ids('a', 'b', 'c');
    follower.take(A, touched, [changing('a'), changing('b'), changing('c')]);
    follower.nowMs = 1_000;
    expect(follower.take(A, touched, [specReport('a'), changing('b'), changing('c')])).toEqual([]);
    expect(follower.lookAgainAtMs).toBe(30_000);
    follower.nowMs = 30_000;
    expect(follower.take(A, touched, [specReport('a'), specReport('b'), changing('c')])).toEqual([
      'a pending applying: 2 of 3 specs in step; c: changing',
    ]);
    expect(follower.lookAgainAtMs).toBeUndefined();
  });

  it('leaves a failure standing for a while when it is tried again, and names another reason after that', () => {
    const follower = new Follower();
    const failed = (code: 'KUBERNETES_REFUSED' | 'ROLLOUT_FAILED'): readonly SpecReport[] => [
      specReport('a', { state: 'failed', problems: [problem(code, code)] }),
    ];
    expect(follower.take(A, ids('a'), failed('KUBERNETES_REFUSED'))).toEqual(['a failure a: KUBERNETES_REFUSED']);
    expect(follower.take(A, ids('a'), [changing('a')])).toEqual([]);
    expect(follower.take(A, ids('a'), failed('ROLLOUT_FAILED'))).toEqual([]);
    follower.nowMs = 30_000;
    expect(follower.take(A, ids('a'), failed('ROLLOUT_FAILED'))).toEqual(['a failure a: ROLLOUT_FAILED']);
    expect(follower.turned).toEqual([]);
    follower.nowMs = 60_000;
    expect(follower.take(A, ids('a'), [changing('a')])).toEqual(['a pending applying: 0 of 1 spec in step; a: changing']);
    expect(follower.turned).toHaveLength(1);
  });

  it('follows a revision anew that comes back', () => {
    const follower = new Follower();
    follower.take(A, ids('a'), [specReport('a')]);
    follower.take(B, ids('a'), [changing('a')]);
    expect(follower.take(A, ids('a'), [specReport('a')])).toEqual([
      'b superseded superseded by aaaaaaa before it was in traffic',
      'a success in Consul: 1 spec in step (Traefik is not watched)',
    ]);
  });

  it('says nothing while Git has not been read', () => {
    expect(
      followCommits(NO_COMMITS, { report: runReport({ revision: undefined }), touched: undefined, nowMs: 0, redact: (text) => text })
        .statuses,
    ).toEqual([]);
  });
});
