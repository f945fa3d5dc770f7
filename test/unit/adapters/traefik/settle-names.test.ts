import { describe, expect, it } from 'vitest';
import { type SettledNames, settleNames } from '../../../../src/adapters/traefik/settle-names.ts';

const names = (...middlewares: readonly string[]) => ({ middlewares, services: ['api@internal'] });

describe('settleNames', () => {
  it('keeps the very same names while they do not change', () => {
    const first = settleNames(undefined, names('auth@file'), 0);
    expect(settleNames(first, names('auth@file'), 1_000).names).toBe(first.names);
  });

  it('takes names away only when they have been missing for 30 s: a Traefik that has just started has not read its files', () => {
    const told: (readonly string[])[] = [];
    let settled: SettledNames | undefined;
    const answer = (atMs: number, ...middlewares: readonly string[]): void => {
      settled = settleNames(settled, names(...middlewares), atMs);
      told.push(settled.names.middlewares);
    };
    answer(0, 'auth@file', 'old@file');
    answer(1_000);
    answer(2_000, 'new@file');
    answer(3_000, 'auth@file', 'old@file');
    answer(60_000, 'auth@file');
    answer(89_000, 'auth@file');
    answer(90_000, 'auth@file');
    expect(told).toEqual([
      ['auth@file', 'old@file'],
      ['auth@file', 'old@file'],
      ['auth@file', 'new@file', 'old@file'],
      ['auth@file', 'new@file', 'old@file'],
      ['auth@file', 'old@file'],
      ['auth@file', 'old@file'],
      ['auth@file'],
    ]);
  });

  it('does not hold on to entry points', () => {
    const first = settleNames(undefined, { ...names(), entryPoints: [{ name: 'web' }] }, 0);
    expect(settleNames(first, { ...names(), entryPoints: [{ name: 'other' }] }, 1).names.entryPoints).toEqual([{ name: 'other' }]);
  });
});
