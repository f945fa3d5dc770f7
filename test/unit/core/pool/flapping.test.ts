import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Memory } from '../../../../src/core/model/memory.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { PoolDecision } from '../../../../src/core/pool/decide-pool.ts';
import { rememberLeaving, stayingOut, stayOutKey } from '../../../../src/core/pool/stay-out.ts';
import { keys, MEMORY, NOW_MS, node } from '../../../support/builders.ts';
import { cordoned, decide, excluded, notReady, tainted } from './decide.ts';

const POOL = keys.pool('web');
const SECONDS = 300;

/** What a node looks like while it is unwell. Of `notReady` alone the node itself tells when it last changed. */
const UNWELL: Readonly<Record<string, Partial<NodeFacts>>> = {
  NotReady: notReady,
  cordoned: cordoned,
  drained: { annotations: { 'poolkeeper.dev/drain': 'true' } },
  tainted: tainted,
  excluded: excluded,
  'without an address': { addresses: [] },
};

interface Seen {
  /** The seconds at which n2 left the pool or came (back) in. */
  readonly changes: readonly number[];
  readonly memoryWrites: number;
}

/**
 * Looks every second at a pool of three, whose second node turns from well to unwell and back at `flips` (seconds). Its pods
 * flap instead of the node itself when `how` is `endpoint`.
 */
function watch(how: string, flips: ReadonlySet<number>, graceMs: number): Seen {
  let memory: Memory = MEMORY;
  let members: readonly string[] = ['n1', 'n2', 'n3'];
  let changedAtMs = NOW_MS - 3_600_000;
  let well = true;
  let memoryWrites = 0;
  const changes: number[] = [];
  for (let second = 0; second < SECONDS; second++) {
    const nowMs = NOW_MS + second * 1000;
    if (flips.has(second)) {
      well = !well;
      if (how === 'NotReady') changedAtMs = nowMs;
    }
    const facts = { readyChangedAtMs: changedAtMs, ...(well ? {} : UNWELL[how]) };
    const local = how === 'endpoint' ? { local: well ? ['n1', 'n2', 'n3'] : ['n1', 'n3'] } : {};
    const stayOut = stayingOut(memory, { pool: POOL, graceMs, nowMs });
    const decision = decide({
      nodes: [node('n1'), node('n2', facts), node('n3')],
      members,
      policy: { graceMs },
      demand: { stayOut },
      nowMs,
      ...local,
    });
    const after = remembered(memory, decision, { graceMs, nowMs });
    if (after !== memory.stayOut) memoryWrites++;
    memory = after === undefined ? memory : { ...memory, stayOut: after };
    const inside = decision.backends.map((backend) => backend.node);
    if (inside.includes(node('n2').name) !== members.includes('n2')) changes.push(second);
    members = inside;
  }
  return { changes, memoryWrites };
}

function remembered(
  memory: Memory,
  decision: PoolDecision,
  times: { readonly graceMs: number; readonly nowMs: number },
): Memory['stayOut'] {
  const leaving = new Set(decision.leaving.map(({ node: name, here }) => (here ? stayOutKey(name, POOL) : stayOutKey(name))));
  return rememberLeaving(memory.stayOut, leaving, times);
}

const every = (seconds: number): ReadonlySet<number> =>
  new Set(Array.from({ length: SECONDS }, (_, i) => i).filter((i) => i > 0 && i % seconds === 0));

describe('a node that flaps', () => {
  const kinds = [...Object.keys(UNWELL), 'endpoint'];

  it.each(kinds)('every 10 s is changed at most once per grace of 30 s: %s', (how) => {
    const { changes, memoryWrites } = watch(how, every(10), 30_000);
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.length).toBeLessThanOrEqual(SECONDS / 30);
    expect(memoryWrites).toBeLessThanOrEqual(changes.length);
  });

  it('leaves once and for all while it never is Ready for a grace', () => {
    expect(watch('NotReady', every(10), 30_000).changes).toEqual([10]);
  });

  it('leaves at once, and is back after the grace', () => {
    expect(watch('cordoned', new Set([20, 25]), 30_000).changes).toEqual([20, 50]);
  });

  it('stays out for one grace more when it leaves again within a grace of coming back', () => {
    expect(watch('cordoned', new Set([20, 25, 60, 65]), 30_000).changes).toEqual([20, 50, 60, 120]);
    expect(watch('cordoned', new Set([20, 25, 90, 95]), 30_000).changes).toEqual([20, 50, 90, 120]);
  });

  it('comes back at once when it was out for longer than the grace', () => {
    expect(watch('cordoned', new Set([20, 100]), 30_000).changes).toEqual([20, 100]);
  });

  it('does so at any rhythm', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 100 });
    fc.assert(
      fc.property(fc.constantFrom(...kinds), gaps, fc.constantFrom(10, 30), (how, waits, grace) => {
        let at = 0;
        const flips = new Set(waits.map((wait) => (at += wait)));
        const { changes } = watch(how, flips, grace * 1000);
        // The first time it leaves is free, then each grace allows one change.
        expect(changes.length).toBeLessThanOrEqual(SECONDS / grace + 1);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is remembered of nodes that left', () => {
  const times = { graceMs: 30_000, nowMs: NOW_MS };
  const n1 = stayOutKey(node('n1').name);
  const n2 = stayOutKey(node('n2').name);

  it('is written once for one leaving, however often its removal is tried', () => {
    const first = rememberLeaving(undefined, new Set([n1]), times);
    expect(first).toEqual({ n1: NOW_MS + 30_000 });
    expect(rememberLeaving(first, new Set([n1]), { ...times, nowMs: NOW_MS + 29_999 })).toBe(first);
  });

  it('is not touched at rest, and cleared of old entries when a new one comes', () => {
    const old = { n1: NOW_MS - 30_000, n3: NOW_MS - 29_999 };
    expect(rememberLeaving(old, new Set(), times)).toBe(old);
    expect(rememberLeaving(old, new Set([n2]), times)).toEqual({ n2: NOW_MS + 30_000, n3: NOW_MS - 29_999 });
  });

  it('is nothing without a grace', () => {
    expect(rememberLeaving(undefined, new Set([n1]), { ...times, graceMs: 0 })).toBeUndefined();
  });

  it('counts for its own pool only where the reason was the pool', () => {
    const memory = {
      ...MEMORY,
      stayOut: { 'default/web@n1': NOW_MS + 1, 'default/web@n2': NOW_MS + 1, n2: NOW_MS + 2, 'default/api@n3': NOW_MS + 1 },
    };
    const query = { graceMs: 30_000, nowMs: NOW_MS };
    expect([...stayingOut(memory, { ...query, pool: POOL })]).toEqual([
      ['n1', NOW_MS + 1],
      ['n2', NOW_MS + 2],
    ]);
    expect([...stayingOut(memory, { ...query, pool: undefined })]).toEqual([['n2', NOW_MS + 2]]);
  });

  it('does not count when it is over, or lies further ahead than any wait: the clock that wrote it was wrong', () => {
    const memory = { ...MEMORY, stayOut: { n1: NOW_MS, n2: NOW_MS + 60_001, n3: NOW_MS + 60_000 } };
    expect([...stayingOut(memory, { pool: POOL, graceMs: 30_000, nowMs: NOW_MS }).keys()]).toEqual(['n3']);
  });
});
