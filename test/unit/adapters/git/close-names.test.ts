import { describe, expect, it } from 'vitest';
import { closeNames } from '../../../../src/adapters/git/close-names.ts';

describe('closeNames', () => {
  it.each([
    ['feature/new-shp', ['main', 'feature/old', 'feature/new-shop', 'release'], 'feature/new-shop'],
    ['Main', ['production', 'main'], 'main'],
    ['mian-line', ['x', 'main-line'], 'main-line'],
  ])('puts the name first that %s was meant to be', (asked, names, first) => {
    expect(closeNames(asked, names)[0]).toBe(first);
  });

  it('gives at most three, and none where there are none', () => {
    expect(closeNames('a', ['b', 'c', 'd', 'e'])).toHaveLength(3);
    expect(closeNames('a', [])).toEqual([]);
  });
});
