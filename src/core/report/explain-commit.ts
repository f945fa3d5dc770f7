import { type BookCommit, type CommitBook, specsOf } from './commit-book.ts';
import type { ChangedSpec, CommitState, CommitVerdict } from './commit-verdict.ts';
import { count, type KnownWorld, linkMaker, type MakeLink } from './explain-facts.ts';
import {
  ageWords,
  type CauseCode,
  type Explanation,
  firstCause,
  type Link,
  type LinkState,
  type Verdict,
  type WhyQuestion,
} from './explanation.ts';
import type { CommitReport } from './run-report.ts';
import { looksLikeCommit } from './why-no-question.ts';

/** A commit and the book that it stands in. */
export interface AskedCommit {
  readonly commit: BookCommit;
  readonly book: CommitBook;
}

/** The commits that a text may mean: a full id, or the beginning of one. Most recent first; none when it is no id. */
export function commitsNamed(name: string, book: CommitBook): readonly BookCommit[] {
  const id = name.toLowerCase();
  if (!looksLikeCommit(id)) return [];
  return book.filter(({ revision }) => revision.startsWith(id));
}

/** Whether a commit is in traffic, and what each of the specs that it changed waits for. Pure. */
export function explainCommit(asked: WhyQuestion, { commit, book }: AskedCommit, known: KnownWorld): Explanation {
  const { report, nowMs, sources } = known;
  const link = linkMaker(known);
  const specs = specsOf(book, commit, report);
  const head = commitLinkOf(commit, link('commit', ['git']), nowMs);
  const isOver = commit.verdict?.state === 'in-traffic';
  const files = specs.slice(0, MOST_LINKS).map((spec) => specLink(spec, link('file', ['git', 'consul', 'traefik:']), isOver));
  const links = [
    specs.length > MOST_LINKS ? { ...head, facts: [...head.facts, `${specs.length - MOST_LINKS} more specs`] } : head,
    ...files,
  ];
  const cause = firstCause(links);
  const about = `commit ${commit.revision.slice(0, 10)}`;
  return {
    asked,
    about,
    verdict: commit.verdict === undefined ? 'unknown' : VERDICTS[commit.verdict.state],
    says: `${about} ${sayVerdict(commit.verdict)}`,
    links,
    ...(cause === undefined ? {} : { cause }),
    ...(commit.verdict === undefined ? {} : { commit: commit.verdict }),
    runAgeMs: Math.max(0, nowMs - report.startedAtMs - report.durationMs),
    sources,
  };
}

/** Specs that get a link of their own. */
const MOST_LINKS = 50;

const VERDICTS: Readonly<Record<CommitState, Verdict>> = {
  'in-traffic': 'in-traffic',
  'nothing-to-do': 'in-traffic',
  'on-its-way': 'out',
  held: 'out',
  broken: 'out',
  superseded: 'out',
};

const WORDS: Readonly<Record<CommitState, string>> = {
  'in-traffic': 'is',
  'nothing-to-do': 'has nothing to do:',
  'on-its-way': 'is on its way:',
  held: 'is held back:',
  broken: 'is broken:',
  superseded: 'was superseded:',
};

const sayVerdict = (verdict: CommitVerdict | undefined): string =>
  verdict === undefined ? 'has no verdict yet: only the replica that leads tells' : `${WORDS[verdict.state]} ${verdict.says}`;

function commitLinkOf({ revision, commit, verdict }: BookCommit, make: MakeLink, nowMs: number): Link {
  const says = `${revision}${commit === undefined ? '' : ` by ${commitWords(commit, nowMs)}`}`;
  if (verdict === undefined) return make('unknown', 'never-read', { says, facts: [] });
  const times = verdict.seconds === undefined ? [] : [`in traffic after ${verdict.seconds.toFixed(1)} s`];
  return make('ok', verdict.state === 'superseded' ? 'superseded' : 'ok', { says, facts: times });
}

const commitWords = ({ author, committedAtMs, subject }: CommitReport, nowMs: number): string =>
  `${author}, ${ageWords(nowMs - committedAtMs)} ago: ${subject}`;

const STATES: Readonly<Record<ChangedSpec['state'], readonly [LinkState, CauseCode]>> = {
  done: ['ok', 'ok'],
  going: ['waiting', 'changing'],
  held: ['broken', 'held'],
  failed: ['broken', 'not-in-traffic'],
  superseded: ['ok', 'superseded'],
};

/** Of a commit that was in traffic, what became of its specs later is no fault of its own. */
function specLink({ id, change, state, says }: ChangedSpec, make: MakeLink, isOver: boolean): Link {
  const [link, code] = STATES[state];
  const facts = link === 'ok' ? [] : [`poolkeeper why ${id}`];
  if (isOver && link !== 'ok') return make('ok', 'ok', { says: `${id} (${change}): was in traffic; now ${says}`, facts });
  return make(link, code, { says: `${id} (${change}): ${says}`, facts });
}

/** What was asked about commits in words: `2 commits begin with 4f1c0de: …`. */
export const ambiguousCommits = (name: string, commits: readonly BookCommit[]): string =>
  `${count(commits.length, 'commit')} begin with ${name}: ${commits.map(({ revision }) => revision.slice(0, 12)).join(', ')}`;
