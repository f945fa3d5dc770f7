import { describe, expect, it } from 'vitest';
import { readHeaders } from '../../../src/config/read-headers.ts';

describe('readHeaders', () => {
  it.each<readonly [string, Readonly<Record<string, string>> | undefined]>([
    ['', {}],
    ['Authorization: Bearer a:b\n\n  X-Tenant :  ops \r\n', { authorization: 'Bearer a:b', 'x-tenant': 'ops' }],
    ['Authorization', undefined],
    ['Authorization:', undefined],
    [': x', undefined],
    ['A b: x', undefined],
    ['A: x\ty', undefined],
  ])('reads %j', (text, headers) => {
    expect(readHeaders(text)).toEqual(headers);
  });
});
