import type { ObjectKey, SpecId } from '../model/ids.ts';
import type { Spec } from '../model/objects.ts';
import type { SpecSet } from '../model/spec-set.ts';

/**
 * The specs in force: those that were read, and of each broken file its last good version, but for what another file wants by now
 * and `heldBy` does not tell to be the broken one's. The very same map as in the set while no broken file has a last good version.
 */
export function specsInForce(set: SpecSet, heldBy: (key: ObjectKey) => string | undefined): ReadonlyMap<SpecId, Spec> {
  const { specs, lastGood } = set;
  if (lastGood === undefined || lastGood.size === 0) return specs;
  const wanted = new Set([...specs.values()].flatMap(({ objects }) => objects.map(({ key }) => key)));
  const kept = [...lastGood].map(([id, spec]): readonly [SpecId, Spec] => {
    const objects = spec.objects.filter(({ key }) => !wanted.has(key) || heldBy(key) === id);
    return [id, objects.length === spec.objects.length ? spec : { ...spec, objects }];
  });
  return new Map([...specs, ...kept]);
}

/** Everything that a set may ask for: its specs, and the last good versions of its broken files. */
export function* everySpec({ specs, lastGood }: SpecSet): Generator<Spec> {
  yield* specs.values();
  yield* lastGood?.values() ?? [];
}

/** An entry has some 100 bytes, and all that is remembered must fit one entry of Consul (512 KiB). */
const MOST_REMEMBERED = 1_000;

/**
 * The blob id of the last good version of each broken file, to be remembered: the one in force, else the one that was remembered, for
 * a version that cannot be had now may be had later. Undefined when no file is broken.
 */
export function rememberGood(
  { broken, lastGood }: SpecSet,
  remembered: Readonly<Record<SpecId, string>> = {},
): Readonly<Record<SpecId, string>> | undefined {
  const good = [...broken.keys()].slice(0, MOST_REMEMBERED).flatMap((id) => {
    const blobId = lastGood?.get(id)?.blobId ?? remembered[id];
    return blobId === undefined ? [] : [[id, blobId] as const];
  });
  return good.length === 0 ? undefined : Object.fromEntries(good);
}
