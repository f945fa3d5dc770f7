import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fnv64,
  formatGoDuration,
  joinHostPort,
  normalizeName,
  parseGoDuration,
  parseGoInt,
} from '../../../../src/core/routes/go-values.ts';

describe("Go's values", () => {
  it.each([
    ['10s', '10s'],
    ['5', '5s'],
    ['-1', '-1s'],
    ['0', '0s'],
    ['1m30s', '1m30s'],
    ['90m', '1h30m0s'],
    ['1.5h', '1h30m0s'],
    ['100ms', '100ms'],
    ['1500us', '1.5ms'],
    ['7ns', '7ns'],
    ['.5s', '500ms'],
    ['1h1ns', '1h0m0.000000001s'],
  ])('reads the duration %s as %s', (text, shown) => {
    expect(formatGoDuration(parseGoDuration(text) ?? -1n)).toBe(shown);
  });

  it.each(['', 'soon', '6 s', '1d', 's', '1.2.3s', '9223372036854775808ns'])('refuses the duration %j', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });

  it('reads every duration that it writes', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 62n), 2n ** 62n), (value) => {
        expect(parseGoDuration(formatGoDuration(value))).toBe(value);
      }),
    );
  });

  it('knows the bounds of an int64', () => {
    expect(parseGoInt('9223372036854775807')).toBe(2n ** 63n - 1n);
    expect(parseGoInt('+3')).toBe(3n);
    for (const text of ['9223372036854775808', '1.5', '', '0x1', '1_0', ' 1']) expect(parseGoInt(text)).toBeUndefined();
  });

  it('hashes as FNV-1', () => {
    expect(fnv64('')).toBe('14695981039346656037');
    expect(fnv64('a')).toBe('12638153115695167422');
  });

  it('makes names and addresses', () => {
    expect(normalizeName('a_b.c--d')).toBe('a-b-c-d');
    expect(joinHostPort('fd00::1', '80')).toBe('[fd00::1]:80');
  });
});
