import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf } from '../../../../src/core/model/ids.ts';
import type { LiveObject } from '../../../../src/core/model/objects.ts';
import { type RecordedWorld, readSnapshot, writeSnapshot } from '../../../../src/core/snapshot/recorded-world.ts';
import { readValue, writeValue } from '../../../../src/core/snapshot/write-value.ts';
import { complete, deployment, endpoints, liveOf, service, spec, specSet, stale, unavailable, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const APP_WORLD = world({
  specs: complete(specSet([spec('web.json', deployment('web'), service('web'))])),
  endpoints: [endpoints('default/web')],
});

const throughJson = (value: unknown): unknown => readValue(JSON.parse(JSON.stringify(writeValue(value))));

const key = fc.oneof(fc.constantFrom('$map', '$set', '$entries', '$number', '__proto__', 'a'), fc.string());
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0),
    fc.double(),
    fc.string(),
    fc.array(tie('value')),
    fc.array(fc.tuple(key, tie('value'))).map((entries) => Object.fromEntries(entries)),
    fc.array(fc.tuple(key, tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((items) => new Set(items)),
  ),
})).value;

describe('writeValue', () => {
  it('loses nothing', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(throughJson(given)).toEqual(given);
      }),
    );
  });
});

const recorded = ({ cluster, registry }: typeof APP_WORLD): RecordedWorld => ({
  ...{ recordedAtMs: 1, owner: 'poolkeeper', cluster: 'c1', keyPath: 'kubernetes' },
  world: { cluster, registry },
});

const reread = (text: string): RecordedWorld => {
  const read = readSnapshot(text, 's.json');
  if (read.kind === 'unreadable') throw new Error(read.problem.message);
  return read.recorded;
};

describe('a snapshot file', () => {
  it('gives back the very same world, and the very same plan', () => {
    const { world: settled } = settle(APP_WORLD);
    for (const one of [APP_WORLD, settled, { ...APP_WORLD, registry: unavailable<never>() }]) {
      const before = recorded(one);
      const after = reread(writeSnapshot(before));
      expect(after).toEqual(before);
      expect(planWorld({ ...after.world, specs: one.specs }).actions).toEqual(planWorld(one).actions);
    }
  });

  it('keeps the age of what is stale', () => {
    const one = recorded({ ...APP_WORLD, registry: stale(undefined as never) });
    expect(reread(writeSnapshot(one)).world.registry).toMatchObject({ kind: 'stale', reason: { message: 'the watch broke' } });
  });

  it("holds no copy of an object that kubectl has left, in which a Secret's values would stand", () => {
    const copy = 'kubectl.kubernetes.io/last-applied-configuration';
    const live: LiveObject = {
      ...liveOf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'a' } }),
      annotations: { [copy]: 'hunter22' },
    };
    const objects = new Map([[kindOf(live.key), complete(new Map([[live.key, live]]))]]);
    const text = writeSnapshot(recorded({ ...APP_WORLD, cluster: { ...APP_WORLD.cluster, objects } }));
    expect(text).toContain(JSON.stringify(live.key).slice(1, -1));
    expect(text).not.toContain('hunter22');
  });

  it.each([
    ['{', 'JSON'],
    ['[]', 'it was not written by'],
    ['{"format":"poolkeeper-snapshot","version":99}', 'it has version 99'],
    ['{"format":"poolkeeper-snapshot","version":1,"world":{"cluster":{},"registry":{}}}', 'parts of it are missing'],
    ['{"format":"poolkeeper-snapshot","version":1,"world":{"$map":1}}', 'a list is expected'],
  ])('is refused where it is none: %s', (text, why) => {
    expect(readSnapshot(text, 's.json')).toMatchObject({
      kind: 'unreadable',
      problem: { code: 'SNAPSHOT_UNREADABLE', message: expect.stringContaining(why) },
    });
  });
});
