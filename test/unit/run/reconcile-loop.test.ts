import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoopOptions } from '../../../src/run/reconcile-loop.ts';
import { Bench, gate } from './loop-bench.ts';

/** Lets everything that is ready to go on do so. */
async function idle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}
const soon = { timeout: 5_000, interval: 2 };
const noSignal = new AbortController().signal;

describe('ReconcileLoop', () => {
  const benches: Bench[] = [];
  afterEach(async () => {
    for (const bench of benches.splice(0)) {
      bench.cut();
      await bench.stop();
    }
  });
  const make = (options: Partial<LoopOptions> = {}): Bench => {
    const bench = new Bench(options);
    benches.push(bench);
    return bench;
  };
  const started = async (options: Partial<LoopOptions> = {}): Promise<Bench> => {
    const bench = make(options);
    bench.start();
    await expect.poll(() => bench.triggers.length + bench.polls, soon).toBe(2);
    await idle();
    return bench;
  };

  it('runs at its start, and then only when something wakes it', async () => {
    const { triggers, loop } = await started();
    expect(triggers).toEqual([['start']]);
    for (const trigger of ['kubernetes', 'consul', 'kubernetes']) loop.wake(trigger);
    await idle();
    expect(triggers.slice(1)).toEqual([['consul', 'kubernetes']]);
  });

  it('coalesces what comes while a run is under way, and never runs twice at once', async () => {
    const { closed, open } = gate();
    const bench = make();
    bench.gate = closed;
    bench.start();
    await idle();
    for (const trigger of ['a', 'b', 'a', 'c']) bench.loop.wake(trigger);
    await idle();
    expect(bench.triggers).toEqual([['start']]);
    open();
    await idle();
    expect(bench.triggers).toEqual([['start'], ['a', 'b', 'c']]);
    expect(bench.mostRunning).toBe(1);
  });

  it('polls beside a run, and runs when Git has changed', async () => {
    const { closed, open } = gate();
    const bench = make({ pollMs: 3 });
    bench.gate = closed;
    bench.start();
    await expect.poll(() => bench.polls, soon).toBeGreaterThan(3);
    expect(bench.triggers).toEqual([['start']]);
    bench.changed = true;
    const seen = bench.polls;
    await expect.poll(() => bench.polls, soon).toBeGreaterThan(seen + 1);
    bench.changed = false;
    open();
    await expect.poll(() => bench.triggers, soon).toEqual([['start'], ['git']]);
  });

  it('goes on running while Git hangs', async () => {
    const { closed, open } = gate();
    const bench = make();
    bench.pollGate = closed;
    bench.start();
    await idle();
    bench.loop.wake('kubernetes');
    await idle();
    expect(bench.triggers).toEqual([['start'], ['kubernetes']]);
    open();
  });

  it('compares everything now and then, after reading it again', async () => {
    const bench = await started({ fullCompareMs: 5 });
    await expect.poll(() => bench.triggers.length, soon).toBeGreaterThan(2);
    expect(bench.triggers.slice(0, 3)).toEqual([['start'], ['full-compare'], ['full-compare']]);
    expect(bench.refreshes).toBeGreaterThanOrEqual(bench.triggers.length - 1);
  });

  it('looks again when something comes due, at once when that has passed', async () => {
    const bench = make();
    const dueAtMs = Date.now() + 40;
    bench.turns = [{ lookAgainAtMs: dueAtMs }, { lookAgainAtMs: dueAtMs - 5 }, {}];
    bench.start();
    await expect.poll(() => bench.triggers, soon).toEqual([['start'], ['due'], ['due']]);
    expect(bench.ranAtMs[1]).toBeGreaterThanOrEqual(dueAtMs - 2);
  });

  it('tries again after a failure, ever later, and forgets that with the first success', async () => {
    const bench = make();
    bench.turns = [{ retry: true }, new Error('broken'), { retry: true }, {}, { retry: true }, {}];
    bench.start();
    await expect.poll(() => bench.triggers.length, soon).toBe(4);
    bench.loop.wake('more');
    await expect.poll(() => bench.triggers, soon).toEqual([['start'], ['due'], ['due'], ['due'], ['more'], ['due']]);
    const waits = bench.ranAtMs.slice(1).map((at, i) => at - (bench.ranAtMs[i] ?? 0));
    // Equal jitter at its middle: three quarters of 20, 40 and 80 ms; after the success of 20 again.
    expect(waits[0]).toBeGreaterThanOrEqual(14);
    expect(waits[1]).toBeGreaterThanOrEqual(29);
    expect(waits[2]).toBeGreaterThanOrEqual(59);
    expect(waits[4]).toBeGreaterThanOrEqual(14);
    expect(waits[4]).toBeLessThan(waits[2] ?? 0);
    expect(bench.errors).toHaveLength(1);
  });

  it('waits for the retry when something comes due later, and for what comes due when the retry is later', async () => {
    const bench = make();
    bench.turns = [{ retry: true, lookAgainAtMs: Date.now() + 3_600_000 }, {}];
    bench.start();
    await expect.poll(() => bench.triggers.length, soon).toBe(2);
    const patient = make({ retry: { baseMs: 3_600_000, maxMs: 3_600_000 } });
    patient.turns = [{ retry: true, lookAgainAtMs: Date.now() + 10 }, {}];
    patient.start();
    await expect.poll(() => patient.triggers.length, soon).toBe(2);
  });

  it('tells of a poll that failed, and polls on', async () => {
    const bench = make({ pollMs: 3 });
    bench.pollError = new Error('git is away');
    bench.start();
    await expect.poll(() => bench.errors.length, soon).toBeGreaterThan(2);
    expect(bench.triggers).toEqual([['start']]);
  });

  it('resync polls, reads everything, and gives the report of a run that began afterwards', async () => {
    const { closed, open } = gate();
    const bench = make();
    bench.gate = closed;
    bench.start();
    await idle();
    const report = bench.loop.resync(noSignal);
    await idle();
    expect([bench.polls, bench.refreshes]).toEqual([2, 1]);
    open();
    expect((await report).passes).toBe(2);
    expect(bench.triggers).toEqual([['start'], ['resync']]);
  });

  it('resync is not content with a poll that had begun before', async () => {
    const { closed, open } = gate();
    const bench = make();
    bench.pollGate = closed;
    bench.start();
    await idle();
    const report = bench.loop.resync(noSignal);
    await idle();
    expect(bench.polls).toBe(1);
    open();
    await report;
    expect(bench.polls).toBe(2);
  });

  it('polls at once when asked to, and once more when a poll had begun before', async () => {
    const bench = await started();
    bench.loop.pollNow();
    await expect.poll(() => bench.polls, soon).toBe(2);
    const { closed, open } = gate();
    bench.pollGate = closed;
    bench.loop.pollNow();
    await idle();
    bench.loop.pollNow();
    bench.loop.pollNow();
    await idle();
    expect(bench.polls).toBe(3);
    open();
    await expect.poll(() => bench.polls, soon).toBe(4);
    await idle();
    expect(bench.polls).toBe(4);
  });

  it('resync waits for the next run when the one that covered it failed', async () => {
    const bench = await started();
    bench.turns = [new Error('broken'), {}];
    expect((await bench.loop.resync(noSignal)).passes).toBe(3);
  });

  it('many resyncs at once make few runs', async () => {
    const bench = await started();
    await Promise.all(Array.from({ length: 20 }, () => bench.loop.resync(noSignal)));
    expect(bench.triggers.length).toBeLessThanOrEqual(3);
  });

  it('lets the run under way finish when it is stopped, and begins no other', async () => {
    const { closed, open } = gate();
    const bench = make();
    bench.gate = closed;
    bench.start();
    await idle();
    bench.loop.wake('more');
    let ended = false;
    const stopped = bench.stop().then(() => {
      ended = true;
    });
    await idle();
    expect(ended).toBe(false);
    open();
    await stopped;
    expect(bench.triggers).toEqual([['start']]);
  });

  it('cuts the run under way off when it is told to', async () => {
    const bench = make();
    bench.gate = new Promise(() => undefined);
    bench.start();
    await idle();
    const stopped = bench.stop();
    bench.cut();
    await stopped;
    expect(bench.running).toBe(0);
  });

  it('takes what watches tell in quick succession for one wake-up, and lets nothing else wait', async () => {
    const bench = await started({ gatherMs: 60 });
    for (const trigger of ['kubernetes', 'consul', 'kubernetes', 'lease']) {
      bench.loop.wake(trigger);
      await idle();
    }
    await expect.poll(() => bench.triggers.length, soon).toBe(2);
    expect(bench.triggers[1]).toEqual(['consul', 'kubernetes', 'lease']);
    const patient = await started({ gatherMs: 3_600_000 });
    patient.loop.wake('git');
    await expect.poll(() => patient.triggers.length, soon).toBe(2);
  });

  it('is not alive when turn after turn throws', async () => {
    const bench = make({ retry: { baseMs: 1, maxMs: 1 } });
    bench.turns = [new Error('broken')];
    bench.start();
    await expect.poll(() => bench.loop.isAlive(), soon).toBe(false);
    bench.turns = [{}];
    await expect.poll(() => bench.loop.isAlive(), soon).toBe(true);
  });

  it('resync ends when its own signal does', async () => {
    const bench = make();
    bench.gate = new Promise(() => undefined);
    bench.start();
    await idle();
    const asking = new AbortController();
    const report = bench.loop.resync(asking.signal);
    asking.abort();
    await expect(report).rejects.toThrow();
  });

  it('is alive while it turns', async () => {
    let nowMs = 1_000_000;
    const bench = await started({ fullCompareMs: 3_600_000, clock: { now: () => nowMs, random: () => 0.5 } });
    nowMs += 7_200_000;
    expect(bench.loop.isAlive()).toBe(true);
    nowMs += 60_000;
    expect(bench.loop.isAlive()).toBe(false);
    bench.loop.wake('x');
    await idle();
    expect(bench.loop.isAlive()).toBe(true);
  });
});
