import { describe, expect, it } from 'vitest';
import { cronFault } from '../../../../src/core/validate/cron-fault.ts';

describe('the fault of a schedule', () => {
  it.each([
    ['* * * *', 'it has 4 fields, not five'],
    ['', 'it has 0 fields, not five'],
    ['60 * * * *', 'the minute cannot be 60'],
    ['0 24 * * *', 'the hour cannot be 24'],
    ['0 0 0 * *', 'the day of the month cannot be 0'],
    ['0 0 * 13 *', 'the month cannot be 13'],
    ['0 0 * * 7', 'the day of the week cannot be 7'],
    ['0 0 * * fri-mon', 'the day of the week cannot be fri-mon'],
    ['1,,2 * * * *', 'the minute cannot be 1,,2'],
    ['@often', 'there is no such word'],
    ['TZ=UTC 0 0 * * *', 'a time zone belongs into spec.timeZone'],
  ])('%j', (schedule, fault) => expect(cronFault(schedule)).toBe(fault));

  it.each(['*/5 * * * *', '0 3 1,15 JAN-mar mon-5', '? 0-23/2 * * 0', '@every 1h30m', '@daily'])('is none in %j', (schedule) => {
    expect(cronFault(schedule)).toBeUndefined();
  });
});
