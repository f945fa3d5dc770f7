import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goRegExp } from '../../../../src/core/routes/go-regexp.ts';

const matches = (source: string, text: string): boolean | string => {
  const read = goRegExp(source);
  if (read.kind === 'too-large') return 'too large';
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
    ['(?i)^\u017f$', 'S', true],
    ['(?i)^k$', '\u212a', true],
    ['^\\w$', 'é', false],
    ['(?i)^\\w$', '\u017f', true],
    ['^\\d$', '٣', false],
    ['\\bé', 'é', false],
    ['^[[:^alpha:]]$', '1', true],
    ['^a{0,1000}$', 'aaa', true],
    ['^[a&&b]$', '&', true],
    ['^[[a]$', '[', true],
    ['^(?:a|ab)(?:c|bcd)$', 'abcd', true],
    ['^(?P<n>a)(?P<n>b)$', 'ab', true],
    ['^(?P<P>[(?P<n>])(?P<P>\\Q(?P<P>\\E)$', '(', false],
    ['^(?P<P>[(?P<n>])(?P<P>\\Q(?P<P>\\E)$', '((?P<P>', true],
  ])('in which JavaScript differs: %s on %j: %s', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected);
  });

  it.each([
    ['(', 'missing closing ): `(`'],
    [')', 'unexpected ): `)`'],
    ['[a', 'missing closing ]: `[a`'],
    ['a(?=b)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['a(?!b)', 'invalid or unsupported Perl syntax: `(?!`'],
    ['(?>a)', 'invalid or unsupported Perl syntax: `(?>`'],
    ['(a)\\1', 'invalid escape sequence: `\\1`'],
    ['a\\Z', 'invalid escape sequence: `\\Z`'],
    ['\\y', 'invalid escape sequence: `\\y`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['a++', 'invalid nested repetition operator: `++`'],
    ['a{2000}', 'invalid repeat count: `{2000}`'],
    ['(a{100}){100}', 'invalid repeat count: `{100}`'],
    ['\\', 'trailing backslash at end of expression: ``'],
    ['[[:foo:]]', 'invalid character class range: `[:foo:]`'],
    ['[z-a]', 'invalid character class range: `z-a`'],
    ['\\p{Foo}', 'invalid character class range: `\\p{Foo}`'],
    ['(?x)a', 'invalid or unsupported Perl syntax: `(?x`'],
    ['(?#c)', 'invalid or unsupported Perl syntax: `(?#`'],
    ['|*', 'missing argument to repetition operator: `*`'],
  ])('%s is refused in the words of Go', (source, reason) => {
    expect(matches(source, '')).toBe(`error parsing regexp: ${reason}`);
  });

  it('takes time in proportion to the text', () => {
    // Backtracking would take longer than the world has stood.
    expect(matches('^(?:a+)+$', `${'a'.repeat(5000)}b`)).toBe(false);
    expect(matches('^(?:a|a|b?)*?(?:x+x+)+y$', 'xa'.repeat(3000))).toBe(false);
  });

  it.each([
    '\\pL{1000}'.repeat(20),
    `(?:${'\\pL{1000}'.repeat(20)})*`,
    '(?:[a-z]{5}x){900}(?:[^]{]{5}x){900}',
    '(?i:\\p{Greek}{1,1000})'.repeat(20),
    'a'.repeat(20_000),
    '['.repeat(500_000),
  ])('tries none that would take long: %#', (source) => {
    expect(matches(source, 'any.invalid')).toBe('too large');
  });

  it.each([
    ['^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]{1,63}){1,10}$', 'a.example', true],
    ['^.{1,250}$', 'a', true],
    [`^(?:${'host-number.example.com|'.repeat(300)}a)$`, 'a', true],
    ['\\Q{1000}{1000}\\E', '{1000}{1000}', true],
  ])('tries one of a usual size: %s', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected);
  });

  it('tells what fits and its groups, also when they share a name', () => {
    const read = goRegExp('(?P<n>a)|(?P<n>b)|(?P<other>c*)');
    if (read.kind !== 'pattern') throw new Error(read.kind);
    expect([...read.pattern.matches('xacab')]).toEqual([
      { index: 0, groups: ['', undefined, undefined, ''] },
      { index: 1, groups: ['a', 'a', undefined, undefined] },
      { index: 2, groups: ['c', undefined, undefined, 'c'] },
      { index: 3, groups: ['a', 'a', undefined, undefined] },
      { index: 4, groups: ['b', undefined, 'b', undefined] },
    ]);
    expect(read.pattern.groupsNamed('n')).toEqual([1, 2]);
    expect(read.pattern.groupsNamed('g0')).toEqual([]);
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
      fc.property(fc.array(piece), (parts) => ['pattern', 'invalid', 'too-large'].includes(goRegExp(parts.join('')).kind)),
      { numRuns: 500 },
    );
  });
});
