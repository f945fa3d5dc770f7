import { describe, expect, it } from 'vitest';
import { createColors } from '../../../src/cli/colors.ts';
import { renderPlan } from '../../../src/cli/render-plan.ts';
import { renderStatus } from '../../../src/cli/render-status.ts';
import { renderTable } from '../../../src/cli/render-table.ts';
import { replicaName } from '../../../src/core/model/ids.ts';
import { statusAnswer } from '../../../src/http/api-answers.ts';
import { problem } from '../../../src/shared/problem.ts';
import { actionReport, poolReport, removalHold, runReport, sourceReport, specReport } from '../../support/run-report.ts';

const plain = createColors(false);
const colored = createColors(true);

describe('renderTable', () => {
  it('aligns columns by what is seen of them', () => {
    expect(
      renderTable(
        ['A', 'B'],
        [
          ['long cell', 'x'],
          [colored.red('red'), 'y'],
        ],
      ),
    ).toEqual(['A          B', 'long cell  x', `${colored.red('red')}        y`]);
  });

  it('is nothing without rows', () => {
    expect(renderTable(['A'], [])).toEqual([]);
  });
});

describe('renderPlan', () => {
  it('shows actions, holds, waits and problems by spec, and counts them', () => {
    const hold = removalHold('old.yaml', 'pool prod/old');
    const text = renderPlan(
      runReport({
        specs: [
          specReport('prod/web.yaml', {
            state: 'changing',
            actions: [
              actionReport({ result: 'planned' }),
              actionReport({
                leg: 'consul',
                op: 'deregister-pool',
                on: 'pool prod/web',
                changes: [],
                result: 'failed',
                problem: problem('CONSUL_FENCED', 'lost the lease'),
              }),
            ],
            waiting: [{ leg: 'kubernetes', what: 'the NodePort of prod/web', on: undefined }],
          }),
          specReport('quiet.yaml'),
          specReport('old.yaml', { state: 'held', holds: [hold] }),
          specReport('bad.yaml', {
            state: 'broken',
            problems: [problem('SPEC_SYNTAX', 'no closing brace', { where: { file: 'bad.yaml', line: 3, column: 7, path: '' } })],
          }),
        ],
        holds: [hold],
        actions: [actionReport({ leg: 'consul', op: 'ensure-node', on: 'k8s-main-w1', changes: [], result: 'done' })],
        sources: [sourceReport('git', { kind: 'stale', reason: problem('GIT_UNREACHABLE', 'no route') })],
      }),
      plain,
    );
    expect(text).toBe(`Revision 4f1c0de
Source git is stale: GIT_UNREACHABLE: no route. Check the repository URL, the network and the Git server; the last good commit stays in force.

prod/web.yaml (changing)
  + apply-object Service prod/web: spec.ports[0].port
  - deregister-pool pool prod/web failed: CONSUL_FENCED: lost the lease. Another replica leads now; nothing has to be done.
  waiting: the NodePort of prod/web

old.yaml (held)
  held pool prod/old: removing pool prod/old is above the limit of 2. ${hold.reason.remedy}

bad.yaml (broken)
  error bad.yaml:3:7: SPEC_SYNTAX: no closing brace. Correct the JSON or YAML at this place.

Nodes
  + ensure-node k8s-main-w1

Actions: 1 planned, 1 done, 1 failed, 1 held.
`);
  });

  it('tells what is held once for each spec and reason', () => {
    const what = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => removalHold('old.yaml', `Service prod/${name}`));
    const holds = what.map((hold) => ({ ...hold, reason: { ...hold.reason, message: 'too many' } }));
    const other = removalHold('other.yaml', 'pool prod/x');
    const specs = [specReport('old.yaml', { state: 'held', holds }), specReport('other.yaml', { state: 'held', holds: [other] })];
    const lines = renderPlan(runReport({ specs, holds: [...holds, other] }), plain)
      .split('\n')
      .filter((line) => line.includes('held '));
    expect(lines).toEqual([
      expect.stringContaining(
        'held 6 removals (Service prod/a, Service prod/b, Service prod/c, Service prod/d, Service prod/e and 1 more): too many.',
      ),
      expect.stringContaining('held pool prod/x: '),
    ]);
  });

  it('says that there is nothing to do, and whether it can know', () => {
    expect(renderPlan(runReport(), plain)).toBe('Revision 4f1c0de\n\nNothing to do.\n');
    const stuck = runReport({ specs: [specReport('a.yaml', { state: 'waiting' }), specReport('b.yaml')] });
    expect(renderPlan(stuck, plain)).toContain('Nothing can be done now: 1 spec is not in step.');
    const blind = runReport({ sources: [sourceReport('consul', { kind: 'unavailable' })] });
    expect(renderPlan(blind, plain)).toContain('Nothing to do. This is not the whole picture: not every source has answered.');
  });
});

describe('renderStatus', () => {
  const atMs = 1_700_000_000_020;

  it('shows what Traefik serves, and how routes answered', () => {
    const answer = { router: 'r', host: 'h', path: '/', atMs: atMs - 5_000, durationMs: 12, failures: 0 };
    const gateways = [
      { replica: replicaName('edge-1'), state: 'in-step', pools: 0 },
      { replica: replicaName('edge-2'), state: 'frozen', pools: 2, sinceMs: atMs - 90_000 },
    ] as const;
    const pools = [
      poolReport('prod', 'api', { probes: [{ ...answer, ok: true, status: 200 }] }),
      poolReport('prod', 'web', {
        probes: [
          { ...answer, ok: true, status: 200 },
          { ...answer, ok: false, error: 'HTTP 502', status: 502 },
        ],
      }),
      poolReport('prod', 'tcp'),
    ];
    const text = renderStatus(statusAnswer(runReport({ pools, gateways })), plain, atMs);
    expect(text).toMatch(/^TRAEFIK +STATE +POOLS +SINCE$/m);
    expect(text).toMatch(/^edge-1 +in-step +- +-$/m);
    expect(text).toMatch(/^edge-2 +frozen +2 +1m 30s$/m);
    expect(text).toMatch(/^POOL .* HEALTH +PROBE$/m);
    expect(text).toMatch(/^prod\/api .* 200 in 12 ms, 5s ago$/m);
    expect(text).toMatch(/^prod\/web .* HTTP 502, 5s ago$/m);
    expect(text).toMatch(/^prod\/tcp .* -$/m);
  });

  it('shows specs, pools, sources, holds and problems', () => {
    const status = statusAnswer(
      runReport({
        leader: { consul: false, kubernetes: false, holder: 'replica-b' },
        specs: [
          specReport('prod/web.yaml', {
            state: 'waiting',
            legs: { git: 'in-step', kubernetes: 'waiting', consul: 'in-step', traefik: 'not-watched' },
            problems: [problem('TAG_UNKNOWN', 'x')],
            waiting: [{ leg: 'kubernetes', what: 'rollout', on: undefined }],
          }),
        ],
        pools: [poolReport('prod', 'web', { nodePort: undefined, health: { mode: 'endpoints', words: 'an endpoint is ready' } })],
        sources: [
          sourceReport('git', { ageMs: 7_530_000 }),
          sourceReport('consul', { kind: 'unavailable', ageMs: undefined, reason: problem('CONSUL_UNAVAILABLE', 'no answer') }),
        ],
        holds: [removalHold('old.yaml', 'pool prod/old')],
        problems: [problem('CONSUL_UNAVAILABLE', 'no answer')],
      }),
    );
    const lines = renderStatus(status, plain, atMs + 192_000).split('\n');
    expect(lines).toEqual([
      'Revision 4f1c0de; last run 3m 12s ago; this replica stands by, replica-b leads',
      '',
      'SPEC           STATE    GIT      KUBERNETES  CONSUL   TRAEFIK      REMARKS',
      'prod/web.yaml  waiting  in-step  waiting     in-step  not-watched  1 problem; rollout',
      '',
      'POOL      CONSUL SERVICE  NODEPORT  DESIRED  REGISTERED  PASSING  HEALTH',
      'prod/web  web             none yet  3        3           2        endpoints: an endpoint is ready',
      '',
      'SOURCE  STATE        AGE',
      'git     complete     2h 5m',
      'consul  unavailable  never',
      '',
      expect.stringContaining('held old.yaml: pool prod/old: removing'),
      '',
      expect.stringContaining('error CONSUL_UNAVAILABLE: no answer.'),
      expect.stringContaining('warning TAG_UNKNOWN: x.'),
      '',
    ]);
  });

  it('says when something is looked at again', () => {
    const waiting = [
      { leg: 'kubernetes' as const, what: 'rollout', on: undefined, rollout: true as const },
      { leg: 'kubernetes' as const, what: 'what was refused rests', on: undefined, untilMs: atMs + 42_000 },
    ];
    const text = renderStatus(statusAnswer(runReport({ specs: [specReport('a.yaml', { waiting })] })), plain, atMs);
    expect(text).toContain('rollout; again in 42s\n');
  });

  it('counts notes apart from problems', () => {
    const problems = [problem('PRUNE_DISABLED', 'x'), problem('PRUNE_DISABLED', 'y'), problem('TAG_UNKNOWN', 'z')];
    const text = renderStatus(statusAnswer(runReport({ specs: [specReport('a.yaml', { problems })] })), plain, atMs);
    expect(text).toContain('1 problem; 2 notes\n');
  });

  it('paints what is wrong red', () => {
    const status = statusAnswer(runReport({ specs: [specReport('a', { state: 'failed' })], pools: [poolReport('p', 'a')] }));
    const text = renderStatus(status, colored, atMs);
    expect(text).toContain(colored.red('failed'));
    expect(text).toContain(colored.red('2'));
  });
});
