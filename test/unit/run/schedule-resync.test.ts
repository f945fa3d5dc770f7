import { describe, expect, it } from 'vitest';
import { scheduleResync } from '../../../src/run/schedule-resync.ts';

describe('scheduleResync', () => {
  it('calls at the times of the expression, and no more once it is stopped', async () => {
    let calls = 0;
    const schedule = scheduleResync({ expression: '* * * * * *' }, () => calls++);
    await expect.poll(() => calls, { timeout: 5_000 }).toBeGreaterThanOrEqual(1);
    await schedule.stop();
    const after = calls;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(calls).toBe(after);
  });

  it.each(['', 'x', '61 * * * *', '* * * * * * * *'])('does not take %o', (expression) => {
    expect(() => scheduleResync({ expression }, () => undefined)).toThrow();
  });

  it('does not take a time zone that there is not', () => {
    expect(() => scheduleResync({ expression: '0 3 * * *', timezone: 'Mars/Olympus' }, () => undefined)).toThrow();
  });
});
