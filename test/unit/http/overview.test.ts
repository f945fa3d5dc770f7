import { describe, expect, it } from 'vitest';
import { nodeName, revision } from '../../../src/core/model/ids.ts';
import type { LatencyReport, PoolReport, RunReport, SpecReport } from '../../../src/core/report/run-report.ts';
import { RunFollower } from '../../../src/http/follow-runs.ts';
import type { OverviewChange } from '../../../src/http/overview.ts';
import { overviewRows } from '../../../src/http/overview-rows.ts';
import { problem } from '../../../src/shared/problem.ts';
import { manyServices, withSpec } from '../../support/page-world.ts';
import { actionReport, nodeDecision, nodeReport, poolReport, removalHold, runReport, specReport } from '../../support/run-report.ts';

const NODES = ['a', 'b', 'c', 'd', 'e'].map((name) => nodeReport(name));
const webPool: PoolReport = poolReport('prod', 'web', {
  decisions: [nodeDecision('a'), nodeDecision('b'), nodeDecision('c'), nodeDecision('d', { in: false })],
  registeredOn: ['a', 'b', 'd'].map(nodeName),
  passingOn: ['a', 'd'].map(nodeName),
});
const at = (ms: number, more: Partial<RunReport> = {}): RunReport =>
  runReport({ startedAtMs: ms, nodes: NODES, pools: [webPool], specs: [specReport('prod/web.yaml')], ...more });

describe('the rows of the overview', () => {
  it('are one for each pool, and one for each spec without any', () => {
    const rows = overviewRows(at(1, { specs: [specReport('prod/web.yaml'), specReport('config.yaml')] }), new Map());
    expect(rows.map(({ key, spec, pool }) => [key, spec, pool])).toEqual([
      ['config.yaml', 'config.yaml', undefined],
      ['prod/web', 'prod/web.yaml', 'prod/web'],
    ]);
  });

  it('tell with one letter where each node stands', () => {
    expect(overviewRows(at(1), new Map())[0]?.nodes).toBe('pcwl-');
    const out = { ...webPool, decisions: [nodeDecision('a', { in: false })], registeredOn: [], passingOn: [] };
    expect(overviewRows(at(1, { pools: [out] }), new Map())[0]?.nodes).toBe('o----');
  });

  it.each([
    ['agents register it', { nodes: ['a', 'c', 'd'].map(nodeName), moving: false }, 'atalo', '3 of 3 by agents'],
    ['no agent has yet, although they are told to', { nodes: [], moving: false }, 'tttoo', '0 of 3 by agents'],
    ['it moves to the catalog', { nodes: ['a'].map(nodeName), moving: true }, 'awwoo', '1 of 3 by agents'],
  ])('tell who registers a pool: %s', (_, agents, letters, text) => {
    const decisions = ['a', 'b', 'c', 'd', 'e'].map((node) => nodeDecision(node, { in: node < 'd' }));
    const pool = { ...webPool, decisions, registeredOn: [], passingOn: [], passing: 0, agents };
    const [row] = overviewRows(at(1, { pools: [pool] }), new Map());
    expect([row?.nodes, row?.legs.consul.text]).toEqual([letters, text]);
  });

  it('tell what each leg has, or waits for', () => {
    const waiting = [{ leg: 'kubernetes', what: '1 of 3 replicas', on: undefined } as const];
    const legs = { git: 'in-step', kubernetes: 'waiting', consul: 'in-step', traefik: 'not-watched' } as const;
    const [row] = overviewRows(at(1, { specs: [specReport('prod/web.yaml', { state: 'waiting', waiting, legs })] }), new Map());
    expect(Object.values(row?.legs ?? {}).map(({ text }) => text)).toEqual([undefined, '1 of 3 replicas', '2 of 3 passing', 'not watched']);
  });

  it('never call in step what a broken file has not brought about, and what it has that of its last good version', () => {
    const broken = { state: 'broken' } as const;
    const of = (pool: Partial<PoolReport> | undefined, legs: SpecReport['legs']) => {
      const specs = [specReport('prod/web.yaml', { ...broken, legs })];
      const [row] = overviewRows(at(1, { specs, pools: pool === undefined ? [] : [{ ...webPool, ...pool }] }), new Map());
      return Object.values(row?.legs ?? {}).map(({ state, text }) => [state, text]);
    };
    const failed = ['failed', 'cannot be read'];
    expect(of(undefined, { git: 'failed', kubernetes: 'waiting', consul: 'waiting', traefik: 'waiting' })).toEqual([
      failed,
      ['waiting', 'nothing applied yet'],
      ['waiting', 'nothing registered yet'],
      ['waiting', 'nothing routed yet'],
    ]);
    const inStep = { git: 'failed', kubernetes: 'in-step', consul: 'in-step', traefik: 'in-step' } as const;
    expect(of({ nodePort: 30_001, serving: 2 }, inStep)).toEqual([
      failed,
      ['in-step', 'last good version: NodePort 30001'],
      ['in-step', 'last good version: 2 of 3 passing'],
      ['in-step', 'last good version: 2 of 3 serving'],
    ]);
    expect(of({ passing: 0, serving: 0 }, inStep).map(([state]) => state)).toEqual(['failed', 'in-step', 'waiting', 'waiting']);
  });

  it.each<[string, Partial<SpecReport>, string | undefined]>([
    ['the hold', { holds: [removalHold('prod/web.yaml', 'pool prod/web')] }, 'removing pool prod/web is above the limit of 2'],
    ['the error', { problems: [problem('SPEC_OLD_API_VERSION', 'old'), problem('SPEC_SYNTAX', 'no JSON')] }, 'no JSON'],
    ['what is waited for', { waiting: [{ leg: 'consul', what: 'draining', on: undefined } as const] }, 'draining'],
    [
      'why somebody has suspended it',
      { state: 'suspended', waiting: [{ leg: 'kubernetes', what: 'suspended: by hand', on: undefined }] },
      'by hand',
    ],
    [
      'nothing where nobody says why',
      { state: 'suspended', waiting: [{ leg: 'kubernetes', what: 'suspended', on: undefined }] },
      undefined,
    ],
  ])('say first %s', (_, more, note) => {
    const [row] = overviewRows(at(1, { specs: [specReport('prod/web.yaml', { state: 'held', ...more })] }), new Map());
    expect(row?.note).toBe(note);
  });

  it('keep since when a leg is as it is until that changes', () => {
    const byKey = (rows: ReturnType<typeof overviewRows>) => new Map(rows.map((row) => [row.key, row]));
    const first = overviewRows(at(1), new Map());
    const second = overviewRows(at(2), byKey(first));
    expect(second[0]?.legs.consul.sinceMs).toBe(1);
    const legs = { git: 'in-step', kubernetes: 'in-step', consul: 'failed', traefik: 'not-watched' } as const;
    const third = overviewRows(at(3, { specs: [specReport('prod/web.yaml', { legs })] }), byKey(second));
    expect([third[0]?.legs.consul.sinceMs, third[0]?.legs.git.sinceMs]).toEqual([3, 1]);
  });

  it('tell since when a leg is as it is, although one run has brought it there', () => {
    const byKey = (rows: ReturnType<typeof overviewRows>) => new Map(rows.map((row) => [row.key, row]));
    const first = overviewRows(at(1), new Map());
    const applied = specReport('prod/web.yaml', { actions: [actionReport({ leg: 'kubernetes', result: 'done' })] });
    const second = overviewRows(at(2, { specs: [applied] }), byKey(first));
    expect([second[0]?.legs.kubernetes.sinceMs, second[0]?.legs.consul.sinceMs]).toEqual([2, 1]);
    const third = overviewRows(at(3), byKey(second));
    expect(third[0]?.legs.kubernetes.sinceMs).toBe(2);
  });

  it('tell the commit that last changed a file, and since when it is', () => {
    const lastChange = { revision: revision('4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d'), committedAtMs: 500 };
    const [row] = overviewRows(at(2_000, { specs: [specReport('prod/web.yaml', { lastChange })] }), new Map());
    expect(row?.legs.git).toEqual({ state: 'in-step', text: '4f1c0de', sinceMs: 500 });
    const [future] = overviewRows(at(100, { specs: [specReport('prod/web.yaml', { lastChange })] }), new Map());
    expect(future?.legs.git.sinceMs).toBe(100);
  });
});

const total = (of: string, seconds: number): LatencyReport => ({ revision: revision(of), stage: 'total', seconds, start: 'poll' });

/** What a follower tells of one more run. */
const told = (follower: RunFollower, report: RunReport): OverviewChange | undefined => {
  follower.take(report);
  return follower.tell();
};

describe('following runs', () => {
  it('tells only what has changed, and from what', () => {
    const follower = new RunFollower('p');
    expect(follower.answer()).toBeUndefined();
    expect(told(follower, at(1))).toMatchObject({ from: '', rows: [{ key: 'prod/web' }] });
    const id = follower.id();
    expect(told(follower, at(2))).toMatchObject({ from: id, rows: [], gone: [], happenings: [] });
    expect(told(follower, at(3, { pools: [], specs: [] }))).toMatchObject({ rows: [], gone: ['prod/web'] });
    expect(follower.answer()?.rows).toEqual([]);
  });

  it('takes a report once', () => {
    const follower = new RunFollower('p');
    expect([follower.take(at(1)), follower.take(at(1))]).toEqual([true, false]);
    expect(follower.tell()).toBeDefined();
    expect(follower.tell()).toBeUndefined();
  });

  it('keeps the commits with how long they took', () => {
    const follower = new RunFollower('p');
    const commit = { author: 'platform-team', committedAtMs: 1, subject: 'More' };
    follower.take(at(1));
    follower.take(at(2, { revision: revision('next'), commit }));
    follower.take(at(3, { revision: revision('next'), commit, latencies: [total('next', 0.5)] }));
    follower.take(at(4, { revision: revision('next'), commit }));
    expect(follower.answer()?.head.revisions).toEqual([
      { revision: 'next', commit, seenAtMs: 2, seconds: 0.5 },
      { revision: '4f1c0de', seenAtMs: 1 },
    ]);
  });

  it('tells what has happened: actions, states, nodes and commits, newest first with rising numbers', () => {
    const follower = new RunFollower('p');
    told(follower, at(1));
    const failed = actionReport({ result: 'failed', problem: problem('KUBERNETES_REFUSED', 'no such field') });
    const change = told(
      follower,
      at(2, {
        revision: revision('0123456789'),
        specs: [
          specReport('prod/web.yaml', { state: 'failed', problems: [problem('SPEC_SYNTAX', 'bad')], actions: [actionReport(), failed] }),
        ],
        nodes: NODES.map((node) => (node.node === 'b' ? { ...node, eligible: false, reason: 'cordoned' } : node)),
      }),
    );
    expect(change?.happenings.map(({ tone, about, text, row }) => [tone, about, text, row])).toEqual([
      ['bad', 'spec', 'prod/web is failed: bad', 'prod/web'],
      ['busy', 'node', 'node b leaves the pools: cordoned', undefined],
      ['good', 'kubernetes', 'Apply Service prod/web: spec.ports[0].port', 'prod/web'],
      ['bad', 'kubernetes', 'Apply Service prod/web failed: no such field', 'prod/web'],
      ['quiet', 'git', 'commit 0123456', undefined],
    ]);
    const ids = change?.happenings.map(({ id }) => id) ?? [];
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    expect(follower.answer()?.happenings).toEqual(change?.happenings);
  });

  it('tells of several runs at once what has become of everything', () => {
    const follower = new RunFollower('p');
    told(follower, at(1));
    const from = follower.id();
    follower.take(at(2, { specs: [specReport('prod/web.yaml', { state: 'failed' })] }));
    follower.take(at(3, { pools: [], specs: [] }));
    follower.take(at(4, { pools: [], specs: [specReport('new.yaml', { actions: [actionReport()] })] }));
    const change = follower.tell();
    expect(change).toMatchObject({ from, head: { id: follower.id() }, rows: [{ key: 'new.yaml' }], gone: ['prod/web'] });
    expect(change?.happenings.map(({ text }) => text)).toEqual([
      'new.yaml is in step',
      'Apply Service prod/web: spec.ports[0].port',
      'prod/web is failed',
    ]);
    expect(follower.answer()?.rows).toEqual(change?.rows);
  });

  it('gives how long a commit took to that commit, also when another is in force by then', () => {
    const follower = new RunFollower('p');
    follower.take(at(1, { revision: revision('one') }));
    follower.take(at(2, { revision: revision('two') }));
    follower.take(at(3, { revision: revision('two'), latencies: [total('one', 7)] }));
    const timed = () => follower.answer()?.head.revisions.map((one) => [one.revision, one.seconds]);
    expect(timed()).toEqual([
      ['two', undefined],
      ['one', 7],
    ]);
    follower.take(at(4, { revision: revision('two'), latencies: [total('nobody', 9), total('two', 1)] }));
    expect(timed()).toEqual([
      ['two', 1],
      ['one', 7],
    ]);
  });

  it('sends one row of a thousand for a commit that changes one spec', () => {
    const follower = new RunFollower('p');
    const before = manyServices(1_000, 20);
    const all = JSON.stringify(told(follower, before)).length;
    const changed = withSpec(before, 'prod/cart.yaml', { state: 'changing', actions: [actionReport({ on: 'Service prod/cart' })] });
    const change = told(follower, { ...changed, startedAtMs: before.startedAtMs + 1, revision: revision('0123456789') });
    expect(change?.rows.map(({ key }) => key)).toEqual(['prod/cart']);
    expect(change?.head.revision).toBe('0123456789');
    expect(all).toBeGreaterThan(400_000);
    expect(JSON.stringify(change).length).toBeLessThan(10_000);
  });
});
