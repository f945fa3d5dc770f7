import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closestWord } from '../../../src/config/closest-word.ts';
import { cronExpression, folder, keyPath } from '../../../src/config/kinds.ts';
import { optionEntries } from '../../../src/config/option-entries.ts';
import { isTimeZone } from '../../../src/config/time-zone.ts';
import { parseDuration } from '../../../src/shared/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['30', undefined],
    ['s', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['', undefined],
  ])('%j is %s ms', (written, ms) => {
    expect(parseDuration(written)).toBe(ms);
  });

  it('adds the parts up, whatever they are', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(59), fc.nat(59), fc.nat(999), (h, m, s, ms) => {
        expect(parseDuration(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });
});

describe('paths with slashes', () => {
  it('drops slashes at the ends', () => {
    expect(folder.schema.parse('/a/b/')).toBe('a/b');
    expect(folder.schema.parse('/')).toBe('');
    expect(keyPath.schema.safeParse('/').success).toBe(false);
  });
});

describe('cronExpression', () => {
  it.each(['* * * * *', '*/5 0 1,15 jan-mar MON', '0 0 4 * * *', '@daily', '30 2 * * 7'])('accepts %s', (expression) => {
    expect(cronExpression.schema.safeParse(expression).success).toBe(true);
  });
  it.each(['', '* * * *', '60 * * * *', '* 24 * * *', '* * * foo *', '@never', '* * * * * * *'])('refuses %j', (expression) => {
    expect(cronExpression.schema.safeParse(expression).success).toBe(false);
  });
});

describe('isTimeZone', () => {
  it('knows UTC and cities, and nothing invented', () => {
    expect([isTimeZone('UTC'), isTimeZone('Europe/Istanbul'), isTimeZone('Mars/Phobos')]).toEqual([true, true, false]);
  });
});

describe('closestWord', () => {
  it.each([
    ['intervall', 'interval'],
    ['Interval', 'interval'],
    ['password', 'passwordFile'],
    ['something-else', undefined],
  ])('%s → %s', (word, meant) => {
    expect(closestWord(word, ['interval', 'passwordFile', 'url'])).toBe(meant);
  });
});

describe('the options table', () => {
  const entries = optionEntries();

  it('gives every option names of its own', () => {
    for (const names of [entries.map(({ key }) => key), entries.map(({ env }) => env), entries.map(({ flag }) => flag)])
      expect(new Set(names).size).toBe(entries.length);
    expect(entries.find(({ key }) => key === 'guard.maxRemovedPools')).toMatchObject({
      env: 'POOLKEEPER_GUARD_MAX_REMOVED_POOLS',
      flag: '--guard-max-removed-pools',
    });
  });

  it('calls durations by their unit in the configuration, and only them', () => {
    for (const { path, option } of entries) expect(path.at(-1)?.endsWith('Ms')).toBe(option.kind.expects.startsWith('a duration'));
  });

  it('has defaults that are valid, and help in whole sentences', () => {
    for (const { key, option } of entries) {
      if (option.default !== undefined) expect(option.kind.schema.safeParse(option.default).success, key).toBe(true);
      expect(option.help, key).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('takes secrets from files only', () => {
    for (const { key, option } of entries) if (/password|token|secret/i.test(key)) expect(option.kind.secretFile, key).toBe(true);
  });
});
