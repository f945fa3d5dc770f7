import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLabelValue, isQualifiedName, parseLabelSelector } from '../../../../src/core/model/parse-selector.ts';
import { matchesSelector } from '../../../../src/core/model/settings.ts';

const matches = (text: string, labels: Record<string, string>): boolean => {
  const parsed = parseLabelSelector(text);
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  return matchesSelector(parsed.selector, labels);
};

describe('parseLabelSelector', () => {
  it.each([
    ['', []],
    ['a=b', [{ key: 'a', operator: 'in', values: ['b'] }]],
    ['a == b', [{ key: 'a', operator: 'in', values: ['b'] }]],
    ['a!=b', [{ key: 'a', operator: 'not-in', values: ['b'] }]],
    ['a=', [{ key: 'a', operator: 'in', values: [''] }]],
    ['example.com/pool in (x, y)', [{ key: 'example.com/pool', operator: 'in', values: ['x', 'y'] }]],
    ['a notin (x)', [{ key: 'a', operator: 'not-in', values: ['x'] }]],
    ['a', [{ key: 'a', operator: 'exists', values: [] }]],
    ['! a', [{ key: 'a', operator: 'not-exists', values: [] }]],
    [
      'a in (x,y),!b , c=d',
      [
        { key: 'a', operator: 'in', values: ['x', 'y'] },
        { key: 'b', operator: 'not-exists', values: [] },
        { key: 'c', operator: 'in', values: ['d'] },
      ],
    ],
  ])('reads %j', (text, selector) => {
    expect(parseLabelSelector(text)).toEqual({ kind: 'selector', selector });
  });

  it.each(['a=b=c', 'a,', ',', 'a in x', 'a in (x', '=b', 'a b', 'a in (x y)', '-a', 'a=-', 'a>1', 'a in ((x))'])('refuses %j', (text) => {
    expect(parseLabelSelector(text)).toEqual({ kind: 'invalid', reason: expect.stringMatching(/./) });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['selector', 'invalid']).toContain(parseLabelSelector(text).kind);
      }),
    );
  });
});

describe('matchesSelector', () => {
  it.each([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a=b', { a: 'c' }, false],
    ['a=b', {}, false],
    ['a!=b', {}, true],
    ['a notin (b,c)', { a: 'c' }, false],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['a,b=c', { a: 'x', b: 'c' }, true],
    ['a,b=c', { a: 'x' }, false],
    ['constructor', {}, false],
    ['constructor=x', { constructor: 'x' }, true],
  ])('%j on %j is %s', (text, labels, result) => {
    expect(matches(text, labels as Record<string, string>)).toBe(result);
  });
});

describe('names of labels', () => {
  it.each([
    ['app', true],
    ['app.kubernetes.io/name', true],
    ['a'.repeat(63), true],
    ['a'.repeat(64), false],
    ['a/b/c', false],
    ['/b', false],
    ['A.io/b', false],
    ['a_b.C', true],
    ['', false],
  ])('%j: %s', (key, valid) => {
    expect(isQualifiedName(key)).toBe(valid);
  });

  it.each([
    ['', true],
    ['1.10', true],
    ['a'.repeat(64), false],
    ['a b', false],
    ['-a', false],
  ])('value %j: %s', (value, valid) => {
    expect(isLabelValue(value)).toBe(valid);
  });
});
