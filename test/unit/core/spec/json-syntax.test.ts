import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonError } from '../../../../src/core/spec/json-syntax.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('findJsonError', () => {
  it.each([
    ['', 0],
    ['{"a":1,}', 7],
    ['[1,]', 3],
    ['{"a" 1}', 5],
    ['{a:1}', 1],
    ["{'a':1}", 1],
    ['{"a":01}', 6],
    ['{"a":.5}', 5],
    ['{"a":"b\nc"}', 7],
    ['{"a":"\\x"}', 6],
    ['{"a":"b', 7],
    ['{"a":1', 6],
    ['[1 2]', 3],
    ['{} {}', 3],
    ['nul', 0],
    ['// x\n{}', 0],
  ])('%j ends being JSON at %i', (text, offset) => {
    expect(findJsonError(text)?.offset).toBe(offset);
  });

  it('agrees with JSON.parse on every text made of the characters of JSON', () => {
    const text = fc.string({ unit: fc.constantFrom(...'{}[]:,"\\u0a1-+.eE \n\tntrufals'), maxLength: 12 });
    fc.assert(
      fc.property(text, (json) => {
        expect(findJsonError(json) === undefined).toBe(isJson(json));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        expect(findJsonError(JSON.stringify(value, null, indent))).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it('quotes at most one character of the text', () => {
    expect(findJsonError('{"password": s3cret}')?.reason).not.toContain('s3');
  });

  it('stops at deep nesting', () => {
    expect(findJsonError('['.repeat(100_000))?.reason).toContain('deeper');
  });
});
