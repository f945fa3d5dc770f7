import type { RegistryState } from '../../core/model/registration.ts';
import type { CatalogInstance } from './decode-answer.ts';

/**
 * The instances that were read with those of the state in their place where they are the same: so a large catalog is in memory
 * once, and what has not changed is the very same object.
 */
export function shareInstances(
  byNode: ReadonlyMap<string, readonly CatalogInstance[]>,
  state: RegistryState['instances'],
): ReadonlyMap<string, readonly CatalogInstance[]> {
  const known = new Map<string, CatalogInstance>();
  for (const pool of state.values()) for (const one of pool) known.set(`${one.consulNode}/${one.id}`, one);
  const share = (read: CatalogInstance): CatalogInstance => {
    const one = known.get(`${read.consulNode}/${read.id}`);
    return one?.modifyIndex === read.modifyIndex && holdsSame(one, read) ? one : read;
  };
  return new Map([...byNode].map(([node, instances]) => [node, instances.map(share)]));
}

function holdsSame(a: CatalogInstance, b: CatalogInstance): boolean {
  if (a === b) return true;
  return a.service === b.service && a.address === b.address && a.port === b.port && sameTexts(a.tags, b.tags) && sameTexts(a.meta, b.meta);
}

type Texts = readonly string[] | Readonly<Record<string, string>>;

/** Of lists, or of records, that hold nothing but texts. */
function sameTexts(a: Texts, b: Texts): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Reflect.get(a, key) === Reflect.get(b, key));
}
