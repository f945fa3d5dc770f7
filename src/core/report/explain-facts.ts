import type { Problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { PoolKey, SpecId } from '../model/ids.ts';
import { SERVICE_KIND, splitPoolKey } from '../model/ids.ts';
import type { SpecObject } from '../model/objects.ts';
import type { PlanContext } from '../plan/context.ts';
import type { CommitBook } from './commit-book.ts';
import type { CauseCode, Link, LinkName, LinkState } from './explanation.ts';
import type { PoolReport, RunReport, SourceReport, SpecReport } from './run-report.ts';

/** All that explanations are made from: what the last run looked at and said, and how old each source is now. */
export interface KnownWorld {
  readonly context: PlanContext;
  readonly report: RunReport;
  readonly sources: readonly SourceReport[];
  /** The last commits, newest first. Absent: nobody follows them. */
  readonly commits?: CommitBook;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** A pool that somebody asks about, as far as anything knows it. */
export interface Subject {
  readonly pool: PoolKey;
  readonly spec: SpecId | undefined;
  /** Undefined while there is no live Service of ours. */
  readonly view: PoolView | undefined;
  /** The Service as its spec states it. */
  readonly wanted: SpecObject | undefined;
  readonly specReport: SpecReport | undefined;
  readonly poolReport: PoolReport | undefined;
}

/** Puts together what is known of a pool. */
export function subjectOf(pool: PoolKey, { context, report }: KnownWorld): Subject {
  const { namespace, name } = splitPoolKey(pool);
  const key = `${SERVICE_KIND}/${namespace}/${name}`;
  const view = context.views.get(pool);
  const poolReport = report.pools.find((one) => one.pool === pool);
  const wanting = [...context.desired.specs.values()].flatMap(({ id, spec }) => {
    const object = spec?.objects.find((one) => one.key === key);
    return object === undefined ? [] : [{ id, object }];
  });
  const holder = wanting.find(({ id }) => id === view?.spec) ?? wanting[0];
  const orphaned = [...context.desired.specs.values()].find(({ orphanPools }) => orphanPools.includes(pool))?.id;
  const spec = view?.spec ?? holder?.id ?? orphaned;
  return { pool, spec, view, wanted: holder?.object, specReport: report.specs.find(({ id }) => id === spec), poolReport };
}

type Said = Pick<Link, 'says'> & Partial<Pick<Link, 'facts' | 'remedy'>>;

/** Makes the links of one answer, each with the age of its sources. */
export function linkMaker({ sources }: Pick<KnownWorld, 'sources'>) {
  const ageOf = (names: readonly string[]): number | undefined => {
    const own = sources.filter(({ source }) => names.some((name) => source === name || (name.endsWith(':') && source.startsWith(name))));
    const ages = own.map(({ ageMs }) => ageMs);
    return own.length === 0 || ages.includes(undefined) ? undefined : Math.max(...ages.map((age) => age ?? 0));
  };
  return (link: LinkName, from: readonly string[]) => {
    const ageMs = ageOf(from);
    return (state: LinkState, code: CauseCode, { says, facts = [], remedy }: Said): Link => ({
      link,
      state,
      code,
      says,
      facts,
      ...(remedy === undefined ? {} : { remedy }),
      ageMs,
    });
  };
}
export type MakeLink = ReturnType<ReturnType<typeof linkMaker>>;

/** A link that a problem breaks; where it stands in a file is told too. */
export function brokenBy(make: MakeLink, problem: Problem, facts: readonly string[] = [], state: LinkState = 'broken'): Link {
  const { where, code, message, remedy } = problem;
  const place = where === undefined ? '' : `${where.file}:${where.line}:${where.column}: `;
  return make(state, code, { says: `${place}${message}`, facts, remedy });
}

/** `1 node`, `3 nodes`. */
export const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

/** The first few of many, joined by commas. */
export function few(items: readonly string[], most = 5): string {
  return items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}
