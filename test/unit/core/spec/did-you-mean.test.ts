import { describe, expect, it } from 'vitest';
import { nearest, remedyFor } from '../../../../src/core/spec/did-you-mean.ts';

describe('nearest', () => {
  it.each([
    ['replcas', 'replicas'],
    ['Replicas', 'replicas'],
    ['selctr', 'selector'],
    ['tpye', 'type'],
    ['typ', 'type'],
    ['port', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%j → %j', (word, candidate) => {
    expect(nearest(word, ['replicas', 'selector', 'type'])).toBe(candidate);
  });

  it('prefers the nearer one, then the first', () => {
    expect(nearest('specs', ['spuds', 'spec', 'spect'])).toBe('spec');
  });
});

describe('remedyFor', () => {
  it('lists what is known when nothing is near', () => {
    expect(remedyFor('foo', ['a', 'b'])).toBe('Remove it; known are: a, b.');
  });
});
