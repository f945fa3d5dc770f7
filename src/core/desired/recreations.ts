import { hashOf } from '../model/hash.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { KubernetesObject, LiveObject, SpecObject } from '../model/objects.ts';
import { ownershipOf } from './ownership.ts';
import { mayServe } from './selected-workloads.ts';
import { whyNeverDeleted } from './stays-in-cluster.ts';

/** An apply that would have changed what cannot be changed on a live object. It holds for exactly this wish and this object. */
export interface ImmutableRefusal {
  /** Hash of the object as the spec states it. */
  readonly wantedHash: string;
  /** The object as it was: with another uid it is another object, which may take the change. */
  readonly live: LiveObject;
  /** What cannot be changed, for people: `spec.selector is immutable`. */
  readonly what: string;
}

/** The hash that a refusal is remembered by: of the wish, not of what is sent, which follows NodePorts and replica counts. */
export const wantedHash = ({ object }: SpecObject): string => hashOf(object);

/**
 * Whether an object may be deleted and created again for the sake of a change that its live form cannot take: its spec says so,
 * it is ours beyond doubt, and nothing keeps it in the cluster.
 */
export function mayRecreate(wanted: KubernetesObject, live: LiveObject, owner: string): boolean {
  const allowed = wanted.metadata.annotations?.[SETTINGS.recreate]?.trim() === 'true';
  return allowed && ownershipOf(live, owner) === 'owned' && whyNeverDeleted(live) === undefined;
}

/** What is looked at to find them. */
export interface RecreationSource {
  readonly refusals: ReadonlyMap<ObjectKey, ImmutableRefusal>;
  readonly wanted: ReadonlyMap<ObjectKey, SpecObject>;
  readonly live: ReadonlyMap<ObjectKey, LiveObject>;
  /** Objects that are not to be changed now. */
  readonly refused: ReadonlySet<ObjectKey>;
  readonly owner: string;
}

/**
 * The objects that are to be deleted and created again, and those whose second half is still to come: they have no live form.
 * When the spec wants something else by now, or another object has taken the place, a refusal says nothing any more.
 */
export function findRecreations(source: RecreationSource): ReadonlyMap<ObjectKey, ImmutableRefusal> {
  return new Map([...source.refusals].filter(([key, refusal]) => holds(key, refusal, source)));
}

function holds(key: ObjectKey, refusal: ImmutableRefusal, { wanted, live, refused, owner }: RecreationSource): boolean {
  const object = wanted.get(key);
  if (object === undefined || wantedHash(object) !== refusal.wantedHash) return false;
  const standing = live.get(key);
  if (standing === undefined) return true;
  return !refused.has(key) && standing.uid === refusal.live.uid && mayRecreate(object.object, standing, owner);
}

/** What tells which pools a recreation takes along. */
export interface Recreations {
  readonly recreations: ReadonlyMap<ObjectKey, ImmutableRefusal>;
  readonly wanted: ReadonlyMap<ObjectKey, SpecObject>;
  readonly live: ReadonlyMap<ObjectKey, LiveObject>;
  readonly holders: ReadonlyMap<ObjectKey, SpecId>;
}

/**
 * Why the pool of a Service must leave Consul before something is deleted and created again: the Service itself is, or a workload
 * of its spec whose pods it selects. Undefined when it need not.
 */
export function whyRecreated(service: LiveObject, spec: SpecId, { recreations, wanted, live, holders }: Recreations): string | undefined {
  if (recreations.has(service.key)) return 'its Service is deleted and created again';
  for (const key of recreations.keys()) {
    const standing = live.get(key);
    if (standing === undefined || holders.get(key) !== spec) continue;
    const workload = { live: standing, wanted: wanted.get(key)?.object };
    if (mayServe(workload, { live: service, wanted: wanted.get(service.key)?.object }))
      return `${objectTitle(key)} is deleted and created again`;
  }
  return undefined;
}
