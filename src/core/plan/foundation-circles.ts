import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { SpecId } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { PlanContext } from './context.ts';
import { foundationOf } from './foundations.ts';

/** A spec that is waited for, and how one comes to it: because another names it, or for a namespace or definition that it holds. */
interface Stop {
  readonly id: SpecId;
  readonly by: 'name' | 'foundation';
  readonly from: Stop | undefined;
  /** What is missing, in words; empty when it is named. */
  readonly why: string;
}

/**
 * The circle that a waiting spec is in, where it closes through a namespace or the definition of a kind: `a` names `b` in its
 * depends-on, and an object of `b` waits for a namespace that `a` would make. Neither can go first. Only a circle by names is known
 * from the files alone (see dependencies.ts); this one is none as soon as the namespace is there. A foundation is held up only by
 * what its spec names, so after a foundation the way goes on by a name.
 */
export function foundationCircle(start: SpecId, context: PlanContext): Problem | undefined {
  const seen = new Set<string>();
  const queue: Stop[] = [{ id: start, by: 'foundation', from: undefined, why: '' }];
  for (const stop of queue) {
    for (const next of [...namedBy(stop, context), ...(stop.by === 'name' ? foundationsOf(stop, context) : [])]) {
      if (next.id === start) return next.by === 'foundation' ? circularity(start, next, context) : undefined;
      const key = `${next.by} ${next.id}`;
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push(next);
    }
  }
  return undefined;
}

const namedBy = (from: Stop, { dependencies }: PlanContext): readonly Stop[] =>
  (dependencies.of.get(from.id) ?? []).map((id) => ({ id, by: 'name', from, why: '' }));

function foundationsOf(from: Stop, context: PlanContext): readonly Stop[] {
  const { specs, holders } = context.desired;
  return (specs.get(from.id)?.spec?.objects ?? []).flatMap(({ key }): readonly Stop[] => {
    const missing = foundationOf(key, context);
    const id = missing === undefined ? undefined : holders.get(missing);
    if (missing === undefined || id === undefined || id === from.id) return [];
    return [{ id, by: 'foundation', from, why: `${objectTitle(key)} waits for ${objectTitle(missing)} of ${id}` }];
  });
}

function circularity(start: SpecId, last: Stop, { desired }: PlanContext): Problem {
  const way: SpecId[] = [];
  const whys: string[] = [];
  for (let stop: Stop | undefined = last; stop !== undefined; stop = stop.from) {
    way.unshift(stop.id);
    if (stop.why !== '') whys.unshift(stop.why);
  }
  const by = desired.specs.get(start)?.spec?.objects.find(({ object }) => object.metadata.annotations?.[SETTINGS.dependsOn] !== undefined);
  return problem('SPEC_DEPENDENCY_CYCLE', `${start} depends on itself: ${way.join(' → ')}; ${whys.join('; ')}`, {
    remedy: 'Take one of these files out of poolkeeper.dev/depends-on, or move what is waited for to a file of its own.',
    ...(by === undefined ? {} : { where: { file: start, ...(by.dependsOnWhere ?? by.where) } }),
  });
}
