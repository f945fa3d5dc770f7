import type { Revision, SpecId } from '../model/ids.ts';
import type { CommitChanges, FileChange } from '../model/spec-set.ts';
import type { ChangedSpec, CommitState, CommitVerdict, FollowedCommit } from './commit-verdict.ts';
import { changedSpecs, heirOf, type Judged, judgeCommit, type Overtaken } from './judge-commit.ts';
import type { CommitReport, RunReport } from './run-report.ts';

/** One commit in the book. */
export interface BookCommit extends FollowedCommit {
  /** What it made of which files, where newer ones do not make it anew; undefined: nobody knows, so all specs count. */
  readonly changes: readonly FileChange[] | undefined;
  /** The head that it came with: itself, or a newer one. */
  readonly head: Revision;
  /** False: it was there before this process. */
  readonly isNew: boolean;
  /** When the clock began; undefined: nobody saw it come, or all of its way. */
  readonly startAtMs: number | undefined;
  /** Runs that began before do not know it. */
  readonly decodedAtMs: number;
}

/** The last commits, newest first; a value that is folded from heads and reports. */
export type CommitBook = readonly BookCommit[];

/** A head that came in. */
export interface BookArrival {
  readonly revision: Revision;
  /** The head before; undefined for the first one after a start. */
  readonly before: Revision | undefined;
  /** What differs from the head before; undefined: nobody knows. */
  readonly changes: readonly FileChange[] | undefined;
  /** The head and those before it; undefined: Git does not tell. */
  readonly recent: readonly CommitChanges[] | undefined;
  /** Of the head. */
  readonly commit: CommitReport | undefined;
  readonly startAtMs: number | undefined;
  readonly decodedAtMs: number;
}

const MOST_COMMITS = 50;
/** Changes of all commits together: what a commit changed is kept, and one may change everything. */
const MOST_CHANGES = 20_000;

/**
 * Adds a head and the commits that came with it. What differs from the head before and stands in none of them, as after a history that
 * was written anew or a step back, is the head's.
 */
export function addHead(book: CommitBook, arrival: BookArrival): CommitBook {
  const { revision, before, recent = [], changes } = arrival;
  const known = new Set(book.map((one) => one.revision));
  // What is older than all that is known was there before.
  const end = recent.findLastIndex((one) => known.has(one.revision)) + 1 || recent.length;
  const listed = recent.slice(0, end).filter((one) => one.revision === revision || !known.has(one.revision));
  const isFirst = before === undefined;
  const inThem = new Set(listed.flatMap((one) => one.changes.map(({ id }) => id)));
  const own = listed.find((one) => one.revision === revision);
  const rest = (changes ?? []).filter(({ id }) => !inThem.has(id));
  const ofHead = own === undefined && changes === undefined ? undefined : [...(own?.changes ?? []), ...rest];
  const came = { head: revision, seenAtMs: arrival.decodedAtMs, decodedAtMs: arrival.decodedAtMs };
  const head: BookCommit = {
    ...came,
    revision,
    ...factsOf(own ?? arrival.commit),
    changes: ofHead,
    isNew: true,
    startAtMs: arrival.startAtMs,
  };
  const others = listed
    .filter((one) => one.revision !== revision)
    .map((one): BookCommit => {
      const { revision: of, changes: made } = one;
      return { ...came, revision: of, ...factsOf(one), changes: made, isNew: !isFirst, startAtMs: arrival.startAtMs };
    });
  return bounded([head, ...others, ...book.filter((one) => one.revision !== revision)]);
}

const factsOf = (one: CommitReport | undefined): Pick<BookCommit, 'commit'> =>
  one === undefined ? {} : { commit: { author: one.author, committedAtMs: one.committedAtMs, subject: one.subject } };

function bounded(book: CommitBook): CommitBook {
  let left = MOST_CHANGES;
  const end = book.findIndex(({ changes = [] }, i) => {
    left -= changes.length;
    return i > 0 && (i >= MOST_COMMITS || left < 0);
  });
  return end < 0 ? book : book.slice(0, end);
}

/** What a run that acts has made of the commits; the very same value where all have had their last word. */
export function judgeBook(book: CommitBook, report: RunReport): CommitBook {
  // A run that began before a commit was known speaks of those before.
  const known = book.filter(({ decodedAtMs }) => decodedAtMs <= report.startedAtMs);
  if (known.every(isSettled)) return book;
  const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
  const judged = new Map<BookCommit, BookCommit>();
  for (const { commit, overtaken } of withOvertaken(known)) {
    if (!isSettled(commit)) judged.set(commit, settle(commit, judgeCommit({ commit, overtaken, specs, report }), report));
  }
  return book.map((commit) => judged.get(commit) ?? commit);
}

/** What has been in traffic stays so, and what newer commits made anew, or what changed nothing, never will be. */
const isSettled = ({ verdict, changes }: BookCommit): boolean =>
  verdict !== undefined && (verdict.state === 'in-traffic' || (changes !== undefined && NEVER_IN_TRAFFIC.has(verdict.state)));

const NEVER_IN_TRAFFIC: ReadonlySet<CommitState> = new Set(['superseded', 'nothing-to-do']);

type MapValue<M> = M extends ReadonlyMap<unknown, infer V> ? V : never;

/** Each commit with what newer ones made of the same files; the map is good until the next one is asked for. */
function* withOvertaken(book: CommitBook): Generator<{ readonly commit: BookCommit; readonly overtaken: Overtaken }> {
  const overtaken = new Map<SpecId, MapValue<Overtaken>>();
  for (const commit of book) {
    yield { commit, overtaken };
    for (const change of commit.changes ?? []) {
      const heir = heirOf(change, overtaken);
      overtaken.set(change.id, { by: commit.revision, blobId: change.blobId, ...(heir === undefined ? {} : { heir }) });
    }
  }
}

/** The specs that a commit of the book changed, each with how far it is. */
export function specsOf(book: CommitBook, asked: BookCommit, report: RunReport): readonly ChangedSpec[] {
  const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
  for (const { commit, overtaken } of withOvertaken(book))
    if (commit === asked) return changedSpecs({ commit, overtaken, specs, report }).map(({ unseen: _unseen, ...spec }) => spec);
  return [];
}

function settle(commit: BookCommit, { verdict, but, unseen }: Judged, report: RunReport): BookCommit {
  if (verdict.state !== 'in-traffic') return withVerdict(unseen ? { ...commit, startAtMs: undefined } : commit, verdict);
  const { startAtMs, head } = commit;
  if (startAtMs === undefined) return withVerdict(commit, { ...verdict, says: `${verdict.says}${but}` });
  const timed = report.latencies.find(({ stage, revision }) => stage === 'total' && revision === head)?.seconds;
  const seconds = timed ?? Math.max(0, report.startedAtMs + report.durationMs - startAtMs) / 1000;
  return withVerdict(commit, { ...verdict, says: `${verdict.says} after ${seconds.toFixed(1)} s${but}`, seconds });
}

/** The same commit where nothing has changed. */
const withVerdict = (commit: BookCommit, verdict: CommitVerdict): BookCommit =>
  commit.verdict?.state === verdict.state && commit.verdict.says === verdict.says ? commit : { ...commit, verdict };

/** The book of a replica that does not lead: who does knows what Traefik serves, and times the commits. */
export const withoutOpenVerdicts = (book: CommitBook): CommitBook =>
  book.map((commit) => {
    if (isSettled(commit) || (commit.verdict === undefined && commit.startAtMs === undefined)) return commit;
    const { verdict: _verdict, ...rest } = commit;
    return { ...rest, startAtMs: undefined };
  });

/** Commits that a report tells of: those that this process has seen come, and the one in force at the start. */
const MOST_TOLD = 20;

/** The newest commits as reports tell of them. */
export const toldCommits = (book: CommitBook): readonly FollowedCommit[] =>
  book
    .filter(({ isNew }) => isNew)
    .slice(0, MOST_TOLD)
    .map(({ revision, commit, seenAtMs, verdict }) => ({
      revision,
      ...(commit === undefined ? {} : { commit }),
      seenAtMs,
      ...(verdict === undefined ? {} : { verdict }),
    }));
