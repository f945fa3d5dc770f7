import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NameClaim } from '../../../../src/core/desired/claims.ts';
import { settleClaims, settleNames } from '../../../../src/core/desired/claims.ts';
import type { ObjectKey } from '../../../../src/core/model/ids.ts';
import type { Spec } from '../../../../src/core/model/objects.ts';
import { deployment, keys, service, spec } from '../../../support/builders.ts';

const set = (...specs: readonly Spec[]): ReadonlyMap<Spec['id'], Spec> => new Map(specs.map((one) => [one.id, one]));
const WEB = '/Service/default/web' as ObjectKey;

describe('settleClaims', () => {
  it('leaves with a broken file what it held', () => {
    const { holders, setAside, problems } = settleClaims(set(spec('b', service('web'))), () => 'a', new Set(['a']));
    expect([...holders.values()]).toEqual(['a']);
    expect([...setAside]).toEqual(['b']);
    expect(
      [...problems.values()]
        .flat()
        .map((one) => one.message)
        .join(),
    ).toContain('belongs to a, which is broken');
  });

  it('gives every object to the spec that claims it alone', () => {
    const { holders, setAside, problems } = settleClaims(set(spec('a', service('web')), spec('b', deployment('web'))), () => undefined);
    expect([...holders]).toEqual([
      [WEB, 'a'],
      ['apps/Deployment/default/web', 'b'],
    ]);
    expect([setAside.size, problems.size]).toEqual([0, 0]);
  });

  it.each<readonly [string, string | undefined, string]>([
    ['nobody: the path that is first in byte order', undefined, 'B'],
    ['the one that holds it now, though its path is later', 'a', 'a'],
    ['nobody who claims it: the path that is first', 'gone', 'B'],
  ])('gives an object that is held by %s', (_name, held, winner) => {
    const loser = winner === 'a' ? 'B' : 'a';
    const { holders, setAside, problems } = settleClaims(set(spec('a', service('web')), spec('B', service('web'))), () => held);
    expect(holders.get(WEB)).toBe(winner);
    expect([...setAside]).toEqual([loser]);
    expect(problems.get(keys.spec(loser))).toMatchObject([{ code: 'SPEC_OBJECT_CONFLICT', severity: 'error' }]);
    expect(problems.get(keys.spec(winner))).toMatchObject([{ code: 'SPEC_OBJECT_CONFLICT', severity: 'warning' }]);
    for (const list of problems.values()) expect(list[0]?.message).toMatch(new RegExp(`Service default/web.*${winner}|${loser}`));
  });

  it('tells the holder of each of two newcomers', () => {
    const { setAside, problems } = settleClaims(
      set(spec('a', service('web')), spec('b', service('web')), spec('c', service('web'))),
      () => 'b',
    );
    expect([...setAside].sort()).toEqual(['a', 'c']);
    expect(problems.get(keys.spec('b'))).toHaveLength(2);
  });

  it('settles the same whatever the order of the specs, and leaves every object with one holder that claims it', () => {
    const names = fc.uniqueArray(fc.constantFrom('w', 'x', 'y', 'z'), { minLength: 1 });
    const drawn = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), names), { selector: ([id]) => id, minLength: 1 });
    fc.assert(
      fc.property(
        drawn.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        fc.option(fc.constantFrom('a', 'b', 'c')),
        ([list, mixed], held) => {
          const specs = (from: typeof list): ReadonlyMap<Spec['id'], Spec> =>
            set(...from.map(([id, objects]) => spec(id, ...objects.map((name) => service(name)))));
          const settled = settleClaims(specs(list), () => held ?? undefined);
          const again = settleClaims(specs(mixed), () => held ?? undefined);
          expect(new Map([...again.holders].sort())).toEqual(new Map([...settled.holders].sort()));
          expect([...again.setAside].sort()).toEqual([...settled.setAside].sort());
          for (const [key, holder] of settled.holders) {
            expect(
              specs(list)
                .get(holder)
                ?.objects.some((object) => object.key === key),
            ).toBe(true);
          }
          expect(settled.setAside.size).toBeLessThan(list.length);
        },
      ),
    );
  });
});

describe('settleNames', () => {
  const claim = (pool: string, service: string, more: Partial<NameClaim<string>> = {}): NameClaim<string> => ({
    pool,
    service,
    spec: keys.spec(`${pool}.json`),
    registered: false,
    ...more,
  });
  const losers = (...claims: readonly NameClaim<string>[]): readonly string[] => [...settleNames(claims).keys()];

  it('keeps a name with the pool that is registered under it, else with the first spec, else with the first pool', () => {
    expect(losers(claim('a', 'web'), claim('b', 'web', { registered: true }))).toEqual(['a']);
    expect(losers(claim('b', 'web'), claim('a', 'web'))).toEqual(['b']);
    expect(losers(claim('b', 'web', { spec: keys.spec('s') }), claim('a', 'web', { spec: keys.spec('s') }))).toEqual(['b']);
    expect(losers(claim('a', 'web'), claim('b', 'api'))).toEqual([]);
  });

  it('names both pools and the spec that has the name', () => {
    const [told] = settleNames([claim('a', 'web'), claim('b', 'web')]).values();
    expect(told).toMatchObject({ code: 'SPEC_NAME_CONFLICT', message: 'pool b and pool a (a.json) both want the Consul service web' });
  });

  it('lets nobody have a name that another pool is still leaving, and does not hold that one back', () => {
    expect(losers(claim('a', 'web'), claim('b', 'web', { registered: true, leaving: true }))).toEqual(['a']);
    expect(losers(claim('a', 'web', { registered: true }), claim('b', 'web', { registered: true, leaving: true }))).toEqual([]);
  });
});
