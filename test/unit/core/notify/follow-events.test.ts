import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { Notification } from '../../../../src/core/model/notification.ts';
import { type FollowedEvents, followEvents, NO_EVENTS } from '../../../../src/core/notify/follow-events.ts';
import type { RunReport, SpecReport } from '../../../../src/core/report/run-report.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { poolReport, removalHold, runReport, sourceReport, specReport } from '../../../support/run-report.ts';

const MINUTE = 60_000;

class Follower {
  #state: FollowedEvents = NO_EVENTS;
  nowMs = 0;
  lookAgainAtMs: number | undefined;

  take(report: RunReport): readonly Notification[] {
    const { followed, notifications, lookAgainAtMs } = followEvents(this.#state, { report, nowMs: this.nowMs, redact: (text) => text });
    this.#state = followed;
    this.lookAgainAtMs = lookAgainAtMs;
    return notifications;
  }

  /** What is told of a report at `minutes`, as lines. */
  at(minutes: number, more: Partial<RunReport>): readonly string[] {
    this.nowMs = minutes * MINUTE;
    return this.take(runReport(more)).map(({ event, phase, message }) => `${event} ${phase}: ${message}`);
  }
}

const failing = (...codes: readonly Parameters<typeof problem>[0][]): Partial<RunReport> => ({
  specs: [specReport('a.yaml', { state: 'failed', problems: codes.map((code) => problem(code, `says ${code}`)) })],
});
const without = (kind: 'stale' | 'unavailable', source: string): Partial<RunReport> => ({
  sources: runReport().sources.map((one) =>
    one.source === source ? sourceReport(source, { kind, reason: problem('CONSUL_UNAVAILABLE', `no answer from ${source}`) }) : one,
  ),
});
const pool = (passing: number, floor = 2): Partial<RunReport> => ({ pools: [poolReport('prod', 'web', { passing, floor })] });
const gateway = (state: 'in-step' | 'frozen' | 'unreachable'): Partial<RunReport> => ({
  gateways: [{ replica: replicaName('edge'), state, pools: 2 }],
});

describe('followEvents', () => {
  const where = { file: 'a.yaml', line: 3, column: 1, path: '' };
  const broken = specReport('a.yaml', { state: 'broken', problems: [problem('SPEC_UNKNOWN_FIELD', 'unknown field x', { where })] });
  it.each<[string, Partial<RunReport>, string, string]>([
    ['a broken spec', { specs: [broken] }, 'spec-broken begun: a.yaml is broken: unknown field x (line 3)', 'a.yaml is mended'],
    [
      'a refused spec',
      failing('KUBERNETES_REFUSED'),
      'spec-failed begun: a.yaml cannot be applied: says KUBERNETES_REFUSED',
      'a.yaml no longer fails',
    ],
    [
      'a failed roll-out',
      failing('ROLLOUT_FAILED'),
      'rollout-failed begun: a.yaml does not roll out: says ROLLOUT_FAILED',
      'a.yaml no longer fails to roll out',
    ],
    [
      'a conflict of objects',
      { specs: [specReport('a.yaml', { state: 'conflict', problems: [problem('SPEC_OBJECT_CONFLICT', 'both have it')] })] },
      'conflict begun: a.yaml is in conflict: both have it',
      'a.yaml is no longer in conflict',
    ],
    [
      'a conflict of routes',
      { specs: [specReport('a.yaml', { state: 'conflict', problems: [problem('ROUTE_CONFLICT', 'router web')] })] },
      'route-conflict begun: a.yaml has a route that collides: router web',
      'a.yaml no longer has a route that collides',
    ],
    [
      'holds of one reason',
      { holds: [removalHold('a.yaml', 'pool a'), removalHold('b.yaml', 'pool b')] },
      `held begun: held back: ${removalHold('a', 'pool a').reason.message} (and 1 more)`,
      `nothing is held back any more by ${removalHold('a', 'x').reason.code}`,
    ],
  ])('tells %s at once, and once, and its end once', (_title, report, begun, ended) => {
    const follower = new Follower();
    expect(follower.at(0, report)).toEqual([begun]);
    expect(follower.at(5, report)).toEqual([]);
    const over = { specs: [specReport('a.yaml')] };
    expect(follower.at(6, over)).toEqual([]);
    expect(follower.lookAgainAtMs).toBe(6.5 * MINUTE);
    expect(follower.at(6.5, over)).toEqual([`${begun.replace(/ .*/, '')} ended: ${ended}`]);
    expect(follower.at(7, over)).toEqual([]);
  });

  it.each<[string, Partial<RunReport>, number, string, string]>([
    [
      'a source that does not answer',
      without('unavailable', 'consul'),
      1,
      'sync-failed begun: Consul cannot be read: no answer from consul',
      'Consul is read again',
    ],
    [
      'a write that collides',
      failing('KUBERNETES_CONFLICT'),
      2,
      'spec-failed begun: a.yaml cannot be applied: says KUBERNETES_CONFLICT',
      'a.yaml no longer fails',
    ],
    [
      'a hold of a source that does not answer',
      { holds: [{ ...removalHold('a.yaml', 'pool a'), reason: problem('SNAPSHOT_NOT_COMPLETE', 'removals wait') }] },
      2,
      'held begun: held back: removals wait',
      'nothing is held back any more by SNAPSHOT_NOT_COMPLETE',
    ],
    [
      'a pool below its floor',
      pool(1),
      2,
      'pool-below-floor begun: pool prod/web has 1 of at least 2 backends',
      'pool prod/web has enough backends again',
    ],
    [
      'a replica that is frozen',
      gateway('frozen'),
      1,
      'traefik-disagrees begun: Traefik edge is frozen (2 pools)',
      'Traefik edge follows Consul',
    ],
  ])('waits whether %s passes by itself', (_title, report, minutes, begun, ended) => {
    const calm = { ...pool(2), ...gateway('in-step'), specs: [specReport('a.yaml')] };
    const passing = new Follower();
    passing.at(0, calm);
    expect(passing.at(0, report)).toEqual([]);
    expect(passing.lookAgainAtMs).toBe(minutes * MINUTE);
    expect(passing.at(minutes - 0.1, calm)).toEqual([]);
    expect(passing.at(minutes + 1, calm)).toEqual([]);
    const lasting = new Follower();
    lasting.at(0, report);
    expect(lasting.at(minutes, report)).toEqual([begun]);
    lasting.at(minutes + 1, calm);
    expect(lasting.at(minutes + 1.5, calm)).toEqual([`${begun.replace(/ .*/, '')} ended: ${ended}`]);
  });

  it('gives a new pool ten minutes for its first backend, and one that had some a minute', () => {
    const fresh = new Follower();
    expect([fresh.at(0, pool(0)), fresh.at(9, pool(0))].flat()).toEqual([]);
    expect(fresh.at(10, pool(0))).toEqual(['pool-empty begun: pool prod/web has no backend that passes in Consul']);
    const known = new Follower();
    known.at(0, pool(2));
    known.at(1, pool(0));
    expect(known.at(2, pool(0))).toEqual(['pool-empty begun: pool prod/web has no backend that passes in Consul']);
  });

  it.each(['git', 'nodes', 'consul'])('does not take a hold for ended that an outage of %s hides', (source) => {
    const follower = new Follower();
    const { code } = removalHold('a.yaml', 'pool a').reason;
    expect(follower.at(0, { holds: [removalHold('a.yaml', 'pool a')] })).toHaveLength(1);
    expect([follower.at(1, without('stale', source)), follower.at(1.9, without('stale', source))].flat()).toEqual([]);
    follower.at(2, {});
    expect(follower.at(2.5, {})).toEqual([`held ended: nothing is held back any more by ${code}`]);
  });

  it('says that a pool or a file is gone, and not that it is well again', () => {
    const pools = new Follower();
    pools.at(0, pool(1));
    pools.at(2, pool(1));
    pools.at(3, { pools: [] });
    expect(pools.at(3.5, { pools: [] })).toEqual(['pool-below-floor ended: pool prod/web is gone']);
    const specs = new Follower();
    specs.at(0, failing('ROLLOUT_FAILED'));
    specs.at(1, {});
    expect(specs.at(1.5, {})).toEqual(['rollout-failed ended: a.yaml is gone']);
  });

  it('does not take what nobody knows for an end', () => {
    const follower = new Follower();
    follower.at(0, pool(2));
    follower.at(1, pool(0));
    follower.at(2, pool(0));
    expect(follower.at(3, { ...without('stale', 'consul'), pools: [] })).toEqual([]);
    expect(follower.at(3.9, { ...without('stale', 'consul'), pools: [] })).toEqual([]);
    follower.at(4, pool(2));
    expect(follower.at(4.5, pool(2))).toEqual(['pool-empty ended: pool prod/web has backends again']);
    const specs = new Follower();
    specs.at(0, failing('KUBERNETES_REFUSED'));
    specs.at(1, { specs: [specReport('a.yaml', { state: 'unknown' })] });
    expect(specs.at(9, { specs: [specReport('a.yaml', { state: 'unknown' })] })).toEqual([]);
  });

  it('tells no end of what comes back at once, and no end that had no beginning', () => {
    const follower = new Follower();
    follower.at(0, failing('KUBERNETES_REFUSED'));
    follower.at(1, {});
    expect(follower.at(1.4, failing('KUBERNETES_REFUSED'))).toEqual([]);
    expect(follower.at(9, failing('KUBERNETES_REFUSED'))).toEqual([]);
    expect(new Follower().at(0, {})).toEqual([]);
  });

  it('tells no event twice without an end in between, whatever happens', () => {
    const state = fc.constantFrom<SpecReport['state']>('in-step', 'broken', 'failed', 'conflict', 'unknown', 'changing');
    const code = fc.constantFrom<Parameters<typeof problem>[0]>(
      'KUBERNETES_REFUSED',
      'ROLLOUT_FAILED',
      'ROUTE_CONFLICT',
      'KUBERNETES_CONFLICT',
    );
    const spec = fc.record({ id: fc.constantFrom('a', 'b'), state, codes: fc.array(code, { maxLength: 3 }) });
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 5 * MINUTE }),
      specs: fc.uniqueArray(spec, { selector: ({ id }) => id, maxLength: 2 }),
      passing: fc.integer({ min: 0, max: 3 }),
      lost: fc.constantFrom('', 'consul', 'git', 'nodes'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const follower = new Follower();
        const begun = new Set<string>();
        for (const { afterMs, specs, passing, lost } of steps) {
          follower.nowMs += afterMs;
          const reports = specs.map(({ id, state: is, codes }) =>
            specReport(id, { state: is, problems: codes.map((one) => problem(one, 'x')) }),
          );
          const report = runReport({ specs: reports, ...pool(passing), ...(lost === '' ? {} : without('stale', lost)) });
          for (const { event, subject, phase } of follower.take(report)) {
            const key = `${event} ${subject}`;
            expect(begun.has(key)).toBe(phase === 'ended');
            if (phase === 'begun') begun.add(key);
            else begun.delete(key);
          }
          // Nothing that is to come is forgotten: it comes due later than now.
          if (follower.lookAgainAtMs !== undefined) expect(follower.lookAgainAtMs).toBeGreaterThan(follower.nowMs);
        }
      }),
    );
  });
});
