import { describe, expect, it } from 'vitest';
import { everySpec, rememberGood, specsInForce } from '../../../../src/core/desired/specs-in-force.ts';
import { specId } from '../../../../src/core/model/ids.ts';
import type { Spec } from '../../../../src/core/model/objects.ts';
import type { SpecSet } from '../../../../src/core/model/spec-set.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { deployment, service, spec, specSet } from '../../../support/builders.ts';

const A = specId('a.yaml');
const B = specId('b.yaml');
const broken = { [A]: [problem('SPEC_SYNTAX', 'x')] };
const good: Spec = { ...spec('a.yaml', deployment('web'), service('web')), blobId: 'good' };
const other = spec('b.yaml', service('web'));

const set = (lastGood: readonly Spec[], ...specs: readonly Spec[]): SpecSet => ({
  ...specSet(specs, { broken }),
  lastGood: new Map(lastGood.map((one) => [one.id, one])),
});
const titles = (specs: ReadonlyMap<unknown, Spec>): unknown =>
  [...specs].map(([id, { objects }]) => [id, objects.map(({ object }) => object.kind)]);

describe('the specs in force', () => {
  it('are those that were read, the very same map, while no broken file has a last good version', () => {
    const plain = specSet([other], { broken });
    expect(specsInForce(plain, () => undefined)).toBe(plain.specs);
    const none = set([], other);
    expect(specsInForce(none, () => undefined)).toBe(none.specs);
  });

  it('are the last good versions of broken files too', () => {
    expect(titles(specsInForce(set([good]), () => undefined))).toEqual([[A, ['Deployment', 'Service']]]);
    expect(specsInForce(set([good]), () => undefined).get(A)).toBe(good);
  });

  it.each<readonly [string, string | undefined, readonly string[]]>([
    ['which nobody holds', undefined, ['Deployment']],
    ['which that one holds by now', B, ['Deployment']],
    ['which the broken one holds', A, ['Deployment', 'Service']],
  ])('leave out what another file wants, %s', (_, holder, kinds) => {
    const specs = specsInForce(set([good], other), () => holder);
    expect(specs.get(A)?.objects.map(({ object }) => object.kind)).toEqual(kinds);
    expect(specs.get(B)).toBe(other);
  });

  it('are all that may be asked for', () => {
    expect([...everySpec(set([good], other))]).toEqual([other, good]);
    expect([...everySpec(specSet([other]))]).toEqual([other]);
  });
});

describe('what is remembered of broken files', () => {
  it.each<readonly [string, SpecSet, Record<string, string> | undefined, Record<string, string> | undefined]>([
    ['nothing where none is broken', specSet([other]), { 'a.yaml': 'old' }, undefined],
    ['nothing where none was ever good', set([]), undefined, undefined],
    ['the version in force', set([good]), { 'a.yaml': 'old' }, { 'a.yaml': 'good' }],
    ['what was remembered, while it cannot be had', set([]), { 'a.yaml': 'old', 'gone.yaml': 'x' }, { 'a.yaml': 'old' }],
  ])('is %s', (_, seen, before, after) => expect(rememberGood(seen, before)).toEqual(after));
});
