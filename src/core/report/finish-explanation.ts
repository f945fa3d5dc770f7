import type { PoolKey } from '../model/ids.ts';
import { count, type KnownWorld } from './explain-facts.ts';
import { type CauseCode, type Explanation, firstCause, type Link, type LinkName, type Verdict, type WhyQuestion } from './explanation.ts';

/** What was found out; `finishExplanation` makes the answer of it. */
export interface Findings {
  /** What it is about, as a person calls it. */
  readonly about: string;
  readonly pool: PoolKey | undefined;
  readonly links: readonly Link[];
  /** How many servers, or registrations where no Traefik is watched, take requests now; undefined: nobody can tell. */
  readonly serving: number | undefined;
  /** False when requests that reach a server find nothing behind it; undefined: not known. */
  readonly reaches: boolean | undefined;
  /** The link that decides, whatever else is broken; absent: the first broken one does. */
  readonly decisive?: LinkName;
}

/** Puts the links together to an answer: the verdict, the first cause, and how old all of it is. */
export function finishExplanation(asked: WhyQuestion, findings: Findings, known: KnownWorld): Explanation {
  const { about, pool, decisive } = findings;
  const links = doubted(findings.links);
  const cause = firstCause(decisive === undefined ? links : links.filter(({ link }) => link === decisive));
  const verdict = verdictOf({ ...findings, links });
  const { startedAtMs, durationMs } = known.report;
  return {
    asked,
    about,
    ...(pool === undefined ? {} : { pool }),
    verdict,
    says: `${about} ${verdictWords(verdict, findings)}${cause === undefined ? '' : `: ${cause.says}`}`,
    links,
    ...(cause === undefined ? {} : { cause }),
    runAgeMs: Math.max(0, known.nowMs - startedAtMs - durationMs),
    sources: known.sources,
  };
}

/** What only follows from a link that nobody can tell of is not known either. Git is no such link: what it said last is in force. */
function doubted(links: readonly Link[]): readonly Link[] {
  const first = links.findIndex(({ link, state }) => state === 'unknown' && link !== 'commit');
  if (first < 0) return links;
  return links.map((link, i) => (i > first && link.state === 'waiting' && FOLLOWS.has(link.code) ? { ...link, state: 'unknown' } : link));
}

const FOLLOWS: ReadonlySet<CauseCode> = new Set<CauseCode>(['not-created', 'not-registered', 'traefik-follows', 'no-backends']);

const VERDICTS: Readonly<Record<Verdict, string>> = {
  'in-traffic': 'is in traffic',
  degraded: 'is in traffic, but not as it should be',
  out: 'is not in traffic',
  unknown: 'may be in traffic or not',
};

/** Registered and passing is all that is known where nobody looks at what Traefik does, and it is not called traffic. */
function verdictWords(verdict: Verdict, { links, serving = 0 }: Findings): string {
  const last = links.filter(({ link }) => TRAEFIK_LINKS.has(link));
  const isSeen = last.length === 0 || last.some(({ state }) => state !== 'not-watched');
  if (isSeen || verdict === 'out' || verdict === 'unknown') return VERDICTS[verdict];
  const where = links.some(({ link }) => link === 'node') ? `in ${count(serving, 'pool')}` : `on ${count(serving, 'node')}`;
  const but = verdict === 'degraded' ? ', but not as it should be' : '';
  return `is registered and passing ${where}${but}; no Traefik is watched, so whether it serves is not known`;
}

const TRAEFIK_LINKS: ReadonlySet<LinkName> = new Set<LinkName>(['router', 'servers', 'probe']);

/** What the links and the servers come to; as far as is watched. */
export function verdictOf({ links, serving, reaches }: Pick<Findings, 'links' | 'serving' | 'reaches'>): Verdict {
  if (serving === undefined) return 'unknown';
  if (serving === 0 || reaches === false) return 'out';
  return links.some(({ state }) => state === 'broken') ? 'degraded' : 'in-traffic';
}
