import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../src/http/rate-limiter.ts';

describe('RateLimiter', () => {
  it('lets a burst pass, then one request per interval', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ perMinute: 3, now: () => nowMs });
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 20]);
    nowMs += 19_000;
    expect(limiter.take('a')).toBe(1);
    nowMs += 1_000;
    expect([limiter.take('a'), limiter.take('a')]).toEqual([0, 20]);
  });

  it('does not save up more than one burst', () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ perMinute: 2, now: () => nowMs });
    limiter.take('a');
    nowMs += 3_600_000;
    expect([1, 2, 3].map(() => limiter.take('a') > 0)).toEqual([false, false, true]);
  });

  it('gives each client its own, and forgets the oldest of very many', () => {
    const limiter = new RateLimiter({ perMinute: 1, now: () => 0 });
    expect([limiter.take('a'), limiter.take('b'), limiter.take('a')]).toEqual([0, 0, 60]);
    for (let client = 0; client < 1000; client++) limiter.take(`client-${client}`);
    expect(limiter.take('a')).toBe(0);
  });
});
