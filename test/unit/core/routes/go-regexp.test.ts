import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goRegExp } from '../../../../src/core/routes/go-regexp.ts';

const matches = (source: string, text: string): boolean | string => {
  const read = goRegExp(source);
  return read.kind === 'pattern' ? read.pattern.test(text) : read.reason;
};

describe('goRegExp', () => {
  it.each([
    ['^/[0-9]{1,3}$', '/42', true],
    ['^/[0-9]{1,3}$', '/4242', false],
    ['(?i)^abc$', 'ABC', true],
    ['^a(?i)b|c$', 'xC', true],
    ['^a(?i:b)c$', 'aBC', false],
    ['^a(?i)b(?-i)c$', 'aBC', false],
    ['^(?P<name>x)(?<other>y)$', 'xy', true],
    ['\\Aab\\z', 'ab', true],
    ['\\Aab\\z', 'abc', false],
    ['^\\Qa.b\\E$', 'a.b', true],
    ['^\\Qa.b\\E$', 'axb', false],
    ['^a.b$', 'a\nb', false],
    ['^a.b$', 'a\rb', true],
    ['(?s)^a.b$', 'a\nb', true],
    ['(?m)^b$', 'a\nb', true],
    ['^b$', 'a\nb', false],
    ['^\\s$', '\u00a0', false],
    ['^[\\s]$', ' ', true],
    ['^[\\S]$', ' ', false],
    ['^\\S$', 'é', true],
    ['^[[:alpha:]_]+$', 'ab_', true],
    ['^[]a]+$', ']a', true],
    ['^[^]a]+$', 'b', true],
    ['^\\pL\\p{Greek}\\PN$', 'aλb', true],
    ['^\\x41\\x{42}\\103$', 'ABC', true],
    ['^a{,2}$', 'a{,2}', true],
    ['^a{$', 'a{', true],
    ['^\\-\\/\\_?$'.replace('\\_?', ''), '-/', true],
    ['^[a\\-z]$', '-', true],
    ['^[a\\-z]$', 'b', false],
    ['^.$', '😀', true],
    ['^(?:a|b)+?c$', 'abc', true],
    ['(?U)^x+$', 'xx', true],
  ])('%s on %j: %s', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected);
  });

  it.each([
    ['(', 'closing parenthesis'],
    [')', 'too many'],
    ['[a', 'closing bracket'],
    ['a(?=b)', 'looks around'],
    ['(?<!b)', 'looks around'],
    ['(a)\\1', 'around or back'],
    ['a**', 'not a regular expression'],
    ['a{2000}', '1000'],
    ['\\', 'backslash'],
    ['\\y', 'escape \\y'],
    ['[[:foo:]]', '[:foo:]'],
    ['(?x)a', 'flag'],
    ['(?#c)', 'group'],
  ])('%s is refused', (source, reason) => {
    expect(matches(source, '')).toContain(reason);
  });

  it('reads plain text literally once its signs are escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        const literal = text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
        expect(matches(`^${literal}$`, text)).toBe(true);
      }),
    );
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      'a',
      '(',
      ')',
      '[',
      ']',
      '|',
      '*',
      '+',
      '?',
      '\\',
      '{',
      '}',
      '^',
      '$',
      '.',
      '(?i)',
      '\\Q',
      '\\pL',
      '[:alpha:]',
      '-',
      '1',
      ',',
    );
    fc.assert(
      fc.property(fc.array(piece), (parts) => ['pattern', 'invalid'].includes(goRegExp(parts.join('')).kind)),
      { numRuns: 500 },
    );
  });
});
