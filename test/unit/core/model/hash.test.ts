import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, hashOf } from '../../../../src/core/model/hash.ts';

describe('canonicalJson', () => {
  it('is that of RFC 8785, for lists of texts too', () => {
    const text = fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed());
    fc.assert(fc.property(fc.oneof(fc.array(text), fc.jsonValue()), (value) => canonicalJson(value) === canonicalize(value)));
  });

  it('does not take a text that has no UTF-8', () => {
    for (const value of ['\ud800', ['a', '\udc00']]) expect(() => canonicalJson(value)).toThrow('surrogate');
  });
});

describe('hashOf', () => {
  it('begins the SHA-256 of that', () => {
    const digest = createHash('sha256').update('["c1","default","wéb"]').digest('hex');
    expect(hashOf(['c1', 'default', 'wéb'])).toBe(digest.slice(0, 16));
    expect(hashOf({ b: 1, a: [null] }, 64)).toBe(createHash('sha256').update('{"a":[null],"b":1}').digest('hex'));
  });
});
