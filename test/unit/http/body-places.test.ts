import { describe, expect, it } from 'vitest';
import { BodyPlaces } from '../../../src/http/body-places.ts';

describe('the places of bodies that are being read', () => {
  it('are not all taken by one address, nor more than there are', () => {
    const places = new BodyPlaces({ most: 3, mostOfOne: 2 });
    expect([places.take('a'), places.take('a'), places.take('a')]).toEqual([undefined, undefined, 'a']);
    expect([places.take('b'), places.take('b'), places.take('c')]).toEqual([undefined, 'everybody', 'everybody']);
  });

  it('are free again when they are given back', () => {
    const places = new BodyPlaces({ most: 1, mostOfOne: 1 });
    for (const address of ['a', 'a', 'b']) {
      expect(places.take(address)).toBeUndefined();
      places.giveBack(address);
    }
  });
});
