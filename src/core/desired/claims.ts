import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { byBytes, objectTitle } from '../model/ids.ts';
import type { Spec } from '../model/objects.ts';

/** Who may have each object, and who was set aside. */
export interface Claims {
  /** The spec that each object of a decoded spec belongs to. */
  readonly holders: ReadonlyMap<ObjectKey, SpecId>;
  /** Specs that want something another spec holds: nothing of theirs is applied. */
  readonly setAside: ReadonlySet<SpecId>;
  /** Told to both sides. */
  readonly problems: ReadonlyMap<SpecId, readonly Problem[]>;
}

/**
 * Settles who owns each object that specs claim (design section 4): the spec that holds it now stays and the newcomer is set
 * aside; where nobody holds it yet, the path first in byte order wins. `heldBy` tells the spec recorded on the live object; a
 * broken file holds what it had.
 */
export function settleClaims(
  specs: ReadonlyMap<SpecId, Spec>,
  heldBy: (key: ObjectKey) => string | undefined,
  broken: ReadonlySet<string> = new Set(),
  memo: ClaimsMemo = new Map(),
): Claims {
  const { sole, contested } = claimantsOf(specs, memo);
  if (contested.size + broken.size === 0) return { holders: sole, setAside: new Set(), problems: new Map() };
  const claimants = new Map([...[...sole].map(([key, id]) => [key, [id]] as const), ...contested]);
  const holders = new Map<ObjectKey, SpecId>();
  const setAside = new Set<SpecId>();
  const problems = new Map<SpecId, Problem[]>();
  const tell = (id: SpecId, value: Problem): void => void problems.set(id, [...(problems.get(id) ?? []), value]);
  for (const [key, ids] of claimants) {
    const recorded = heldBy(key);
    const holder = recorded !== undefined && broken.has(recorded) ? (recorded as SpecId) : (ids.find((id) => id === recorded) ?? ids[0]);
    if (holder === undefined) continue;
    holders.set(key, holder);
    for (const id of ids) {
      if (id === holder) continue;
      setAside.add(id);
      tell(
        id,
        problem(
          'SPEC_OBJECT_CONFLICT',
          `${objectTitle(key)} already belongs to ${holder}${broken.has(holder) ? ', which is broken' : ''}; ${id} is set aside`,
        ),
      );
      tell(
        holder,
        problem('SPEC_OBJECT_CONFLICT', `${objectTitle(key)} is also claimed by ${id}, which is set aside`, { severity: 'warning' }),
      );
    }
  }
  return { holders, setAside, problems };
}

/** The claims of one set of specs, by what makes them: by far the most are nobody else's. */
interface Claimants {
  readonly sole: ReadonlyMap<ObjectKey, SpecId>;
  /** In the order of the paths. */
  readonly contested: ReadonlyMap<ObjectKey, readonly SpecId[]>;
}

/** What was found out of the last set of specs. Losing it costs time, nothing else. */
export type ClaimsMemo = Map<ReadonlyMap<SpecId, Spec>, Claimants>;

function claimantsOf(specs: ReadonlyMap<SpecId, Spec>, memo: ClaimsMemo): Claimants {
  const known = memo.get(specs);
  if (known !== undefined) return known;
  const sole = new Map<ObjectKey, SpecId>();
  const contested = new Map<ObjectKey, SpecId[]>();
  for (const id of [...specs.keys()].sort(byBytes)) {
    for (const { key } of specs.get(id)?.objects ?? []) {
      const first = sole.get(key);
      const others = contested.get(key) ?? (first === undefined ? undefined : [first]);
      if (others === undefined) {
        sole.set(key, id);
        continue;
      }
      contested.set(key, [...others, id]);
      sole.delete(key);
    }
  }
  const claimants = { sole, contested };
  memo.clear();
  memo.set(specs, claimants);
  return claimants;
}

/** One claim on a Consul service name. */
export interface NameClaim<Pool extends string> {
  readonly service: string;
  readonly pool: Pool;
  readonly spec: SpecId;
  /** True when the pool is registered under this name now. */
  readonly registered: boolean;
  /** True when the pool is registered under a name that it no longer wants: nobody else may have it until it has left. */
  readonly leaving?: boolean;
}

/** The pools that want a Consul service name which another pool holds (registered now, else first in byte order), with the problem. */
export function settleNames<Pool extends string>(claims: readonly NameClaim<Pool>[]): ReadonlyMap<Pool, Problem> {
  // By far the most names are wanted once.
  const first = new Map<string, Pool>();
  const shared = new Set<string>();
  for (const { service, pool } of claims) {
    const other = first.get(service);
    if (other === undefined) first.set(service, pool);
    else if (other !== pool) shared.add(service);
  }
  const ordered = claims
    .filter(({ service }) => shared.has(service))
    .sort((a, b) => Number(b.registered) - Number(a.registered) || byBytes(a.spec, b.spec) || byBytes(a.pool, b.pool));
  const holder = new Map<string, NameClaim<Pool>>();
  const losers = new Map<Pool, Problem>();
  for (const claim of ordered) {
    const held = holder.get(claim.service);
    if (held === undefined) holder.set(claim.service, claim);
    else if (held.pool !== claim.pool && claim.leaving !== true) {
      const message = `pool ${claim.pool} and pool ${held.pool} (${held.spec}) both want the Consul service ${claim.service}`;
      losers.set(claim.pool, problem('SPEC_NAME_CONFLICT', message));
    }
  }
  return losers;
}
