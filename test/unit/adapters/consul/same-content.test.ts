import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameContent } from '../../../../src/adapters/consul/same-content.ts';

const plain = fc.anything({ maxDepth: 3, maxKeys: 3, withMap: true, withSet: true, withNullPrototype: true, withBigInt: true });

describe('sameContent', () => {
  it('is what isDeepStrictEqual says, of any two values', () => {
    fc.assert(fc.property(plain, plain, (a, b) => sameContent(a, b) === isDeepStrictEqual(a, b)));
  });

  it('is true of a copy, and no more once a single value in it differs', () => {
    const value = { tags: ['a', 'b'], meta: { node: 'n1' }, port: 80, probe: undefined };
    expect(sameContent(value, structuredClone(value))).toBe(true);
    expect(sameContent(value, { ...value, tags: ['a', 'c'] })).toBe(false);
    expect(sameContent(value, { ...value, meta: { node: 'n1', more: '' } })).toBe(false);
    const { probe: _probe, ...without } = value;
    expect(sameContent(value, { ...without, other: undefined })).toBe(false);
  });
});
