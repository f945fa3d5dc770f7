import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { kvKey } from '../../../src/core/model/ids.ts';
import type { LeaseState } from '../../../src/core/model/ports.ts';
import { headStartMs, isFit, LeaseTerm, offerDueMs, type TermFacts } from '../../../src/run/lease-term.ts';

const TIMINGS = { patienceMs: 30, longestMs: 200, headStartMs: 5 };
const LEADS: TermFacts = { heldSinceMs: 1_000, silentSinceMs: undefined, offeredAtMs: undefined, offers: 0 };

describe('a term', () => {
  it('lasts while both stores answer, and is nothing to who does not lead', () => {
    expect(offerDueMs(LEADS, TIMINGS)).toBeUndefined();
    expect(offerDueMs({ ...LEADS, heldSinceMs: undefined, silentSinceMs: 1 }, TIMINGS)).toBeUndefined();
  });

  it('ends after the patience, counted from when both were true: we lead, and the other store is silent', () => {
    expect(offerDueMs({ ...LEADS, silentSinceMs: 1_100 }, TIMINGS)).toBe(1_130);
    expect(offerDueMs({ ...LEADS, silentSinceMs: 900 }, TIMINGS)).toBe(1_030);
  });

  it('lasts twice as long after each offer that nobody took, up to the longest', () => {
    const lasts = [0, 1, 2, 3, 40].map((offers) => (offerDueMs({ ...LEADS, silentSinceMs: 0, offers }, TIMINGS) ?? 0) - 1_000);
    expect(lasts).toEqual([30, 60, 120, 200, 200]);
  });

  it('leaves a free lease to others while the other store is silent, less long when it was ours', () => {
    const nowMs = 2_000;
    expect(headStartMs(LEADS, nowMs, TIMINGS)).toBe(0);
    expect(headStartMs({ ...LEADS, silentSinceMs: 1_990 }, nowMs, TIMINGS)).toBe(10);
    expect(headStartMs({ ...LEADS, silentSinceMs: 1_990, offeredAtMs: 1_995 }, nowMs, TIMINGS)).toBe(5);
    // It may let us read, and refuse what a leader writes.
    expect(headStartMs({ ...LEADS, offeredAtMs: 1_995 }, nowMs, TIMINGS)).toBe(5);
    expect(headStartMs({ ...LEADS, offeredAtMs: 1_970 }, nowMs, TIMINGS)).toBe(0);
  });

  it('never makes who reaches both stores wait, unless he has just offered', () => {
    const facts = fc.record({
      heldSinceMs: fc.option(fc.nat(), { nil: undefined }),
      silentSinceMs: fc.constant(undefined),
      offeredAtMs: fc.constant(undefined),
      offers: fc.nat(),
    });
    fc.assert(fc.property(facts, fc.nat(), (some, nowMs) => headStartMs(some, nowMs, TIMINGS) === 0));
  });

  it('is forgotten as a failure once its holder has led for the patience with both', () => {
    expect(isFit(LEADS, 1_029, TIMINGS)).toBe(false);
    expect(isFit(LEADS, 1_030, TIMINGS)).toBe(true);
    expect(isFit({ ...LEADS, silentSinceMs: 1_010 }, 1_030, TIMINGS)).toBe(false);
  });
});

/** A lease that is held again as soon as it was offered, and a store that is silent when told to be. */
class Site {
  nowMs = 1_000;
  silentSince: number | undefined;
  held = false;
  holder: string | undefined;
  readonly offeredAt: number[] = [];
  readonly #listeners: (() => void)[] = [];

  readonly lease = {
    state: (): LeaseState =>
      this.held ? { held: true, fence: { key: kvKey('k'), session: 's' }, untilMs: 0 } : { held: false, holder: this.holder },
    changed: (listener: () => void) => this.#subscribe(listener),
    offer: () => {
      this.offeredAt.push(this.nowMs);
      this.hold(false);
    },
  };
  readonly other = { silentSinceMs: () => this.silentSince, changed: (listener: () => void) => this.#subscribe(listener) };

  hold(held: boolean): void {
    this.held = held;
    this.tell();
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i++) {
      this.nowMs += 1;
      vi.advanceTimersByTime(1);
    }
  }

  #subscribe(listener: () => void): () => void {
    this.#listeners.push(listener);
    return () => void this.#listeners.splice(this.#listeners.indexOf(listener), 1);
  }
}

describe('who leads with one store only', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function started(): { readonly site: Site; readonly term: LeaseTerm } {
    const site = new Site();
    const term = new LeaseTerm({ lease: site.lease, other: site.other, now: () => site.nowMs, timings: TIMINGS });
    term.start();
    site.hold(true);
    return { site, term };
  }

  it('offers the lease after the patience, and less often when nobody takes it', () => {
    const { site } = started();
    site.silentSince = 1_000;
    site.tell();
    const held: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = site.nowMs;
      while (site.held) site.pass(1);
      held.push(site.nowMs - before);
      site.pass(TIMINGS.headStartMs);
      site.hold(true);
    }
    expect(held).toEqual([30, 60, 120, 200]);
  });

  it('keeps it when the store answers again in time', () => {
    const { site } = started();
    site.silentSince = 1_000;
    site.tell();
    site.pass(20);
    site.silentSince = undefined;
    site.pass(1_000);
    expect(site.offeredAt).toEqual([]);
  });

  it('is as patient as at first once it has led with both again', () => {
    const { site } = started();
    site.silentSince = 1_000;
    site.tell();
    site.pass(30);
    expect(site.offeredAt).toEqual([1_030]);
    site.silentSince = undefined;
    site.hold(true);
    site.pass(TIMINGS.patienceMs + 1);
    site.silentSince = site.nowMs;
    site.tell();
    site.pass(30);
    expect(site.offeredAt).toHaveLength(2);
  });

  it('is as patient as at first when its offer was taken', () => {
    const { site } = started();
    site.silentSince = 1_000;
    site.tell();
    site.pass(30);
    site.holder = 'another';
    site.tell();
    site.pass(1);
    site.holder = undefined;
    site.hold(true);
    site.pass(30);
    expect(site.offeredAt).toEqual([1_030, 1_061]);
  });

  it('does nothing any more after a stop', () => {
    const { site, term } = started();
    site.silentSince = 1_000;
    site.tell();
    term.stop();
    site.pass(1_000);
    site.hold(false);
    site.hold(true);
    site.pass(1_000);
    expect(site.offeredAt).toEqual([]);
  });
});
