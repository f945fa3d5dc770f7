import { describe, expect, it } from 'vitest';
import { isInIpRange, parseIpRange } from '../../../src/shared/ip-range.ts';

const isIn = (address: string, range: string): boolean | undefined => {
  const parsed = parseIpRange(range);
  return parsed === undefined ? undefined : isInIpRange(address, parsed);
};

describe('address ranges', () => {
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['::1', '0.0.0.0/0', false],
    ['10.1.2.3', '::/0', false],
    ['::1', '::1', true],
    ['::1', '::/127', true],
    ['fd00::7', 'fd00::/8', true],
    ['fe00::7', 'fd00::/8', false],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '::ffff:10.0.0.0/104', true],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:0:0/96', true],
    ['no address', '0.0.0.0/0', false],
  ])('%s in %s: %s', (address, range, expected) => {
    expect(isIn(address, range)).toBe(expected);
  });

  it.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '::1::',
    '1:2:3',
    'fd00::/129',
    'fe80::1%eth0',
    'a',
    '10.0.0.0/',
    '1:2:3:4:5:6:7:8::',
  ])('%s is none', (text) => {
    expect(parseIpRange(text)).toBeUndefined();
  });
});
