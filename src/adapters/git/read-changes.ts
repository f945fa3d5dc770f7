import { type Revision, revision, type SpecId, specId } from '../../core/model/ids.ts';
import type { CommitChanges, CommitFacts, FileChange } from '../../core/model/spec-set.ts';
import { COMMIT_FIELDS, COMMIT_FORMAT, commitOf, type LoggedCommit, readCommit } from './read-commits.ts';
import { isSpecEntry, kindOfMode, type SpecFilter } from './read-tree.ts';
import type { GitRunner } from './run-git.ts';

/** Commits that are listed with what they changed. */
const MOST_COMMITS = 50;
/**
 * How long that may take: of a commit whose folders hold one another many times over, git lists the files in its memory first, some
 * 30 MB a second. Of an honest repository it is milliseconds.
 */
const MOST_MS = 2_000;
/** Changes of all of them together; older commits are left out. */
const MOST_CHANGES = 10_000;

/** A commit, and what it and those before it changed where Git tells. */
export interface RecentCommits {
  readonly head: CommitFacts | undefined;
  readonly recent?: readonly CommitChanges[];
}

/** Where to look: up to which commit of a mirror, for which files. */
export interface ChangesAt extends Pick<SpecFilter, 'root' | 'extensions' | 'isWanted' | 'mayHoldWanted'> {
  readonly gitDir: string;
  readonly revision: Revision;
}

/**
 * The commit and those before it, by one process. A history that cannot be told, such as one of commits that change too much, is left
 * out: nothing depends on it.
 */
export async function readRecent(git: GitRunner, at: ChangesAt, signal: AbortSignal): Promise<RecentCommits> {
  const { gitDir, revision: head } = at;
  try {
    const commits = await listChanges(git, at, [head], signal);
    return { head: commits[0]?.facts, recent: bounded(commits.map(changesOf)) };
  } catch {
    signal.throwIfAborted();
    return { head: await readCommit(git, { gitDir, revision: head }, signal) };
  }
}

/** A commit, and what `readRecent` told of it. */
export interface LastCommits {
  readonly revision: Revision;
  readonly recent: readonly CommitChanges[];
}

/** The commits that a revision has and an earlier one had not, newest first; with their changes, as the newest of all of them. */
export interface NewerCommits {
  readonly facts: readonly CommitFacts[];
  readonly recent: readonly CommitChanges[];
}

/**
 * What came after `last`, by one process whose work follows what is new, and the same list of recent commits as `readRecent` gives.
 * Undefined where that cannot be told from what is new: when the branch does not go on from there, when there is too much, and when
 * git would list old and new commits in turn.
 */
export async function readNewer(git: GitRunner, at: ChangesAt, last: LastCommits, signal: AbortSignal): Promise<NewerCommits | undefined> {
  try {
    const newer = await listChanges(git, at, [at.revision, `^${last.revision}`], signal);
    if (newer.length === MOST_COMMITS || !goesOnFrom(newer, last)) return undefined;
    const recent = [...newer.map(changesOf), ...last.recent].slice(0, MOST_COMMITS);
    return { facts: newer.map(({ facts }) => facts), recent: bounded(recent) };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/**
 * True where git would list all that is newer first, and the rest as before. Of the commits whose children it has listed it takes the
 * latest: so a chain comes first, and so does what is later than `last`, as long as nothing that a merge leads to comes earlier now.
 */
function goesOnFrom(newer: readonly ReadCommit[], last: LastCommits): boolean {
  const [former] = last.recent;
  if (former?.revision !== last.revision || !newer.some(({ parents }) => parents.includes(last.revision))) return false;
  const isChain = newer.every(({ parents }, i) => parents.length === 1 && parents[0] === (newer[i + 1]?.facts.revision ?? last.revision));
  if (isChain) return true;
  const known = new Set<string>(newer.map(({ facts }) => facts.revision));
  const older = newer.flatMap(({ parents }) => parents.filter((parent) => !known.has(parent)));
  return newer.every(({ facts }) => facts.committedAtMs > former.committedAtMs) && older.every((parent) => isInTurn(parent, last.recent));
}

/** True for a commit that is listed behind later ones only. */
function isInTurn(revision: string, recent: readonly CommitChanges[]): boolean {
  const at = recent.findIndex((commit) => commit.revision === revision);
  const [commit] = recent.slice(at);
  return at >= 0 && commit !== undefined && recent.slice(0, at).every(({ committedAtMs }) => committedAtMs > commit.committedAtMs);
}

async function listChanges(git: GitRunner, at: ChangesAt, range: readonly string[], signal: AbortSignal): Promise<readonly ReadCommit[]> {
  const { gitDir, revision: head } = at;
  const args = [...LOG, `--max-count=${MOST_COMMITS}`, ...range, '--'];
  const what = `listing what the commits up to ${head} changed`;
  return parseChanges(await git.text({ args, gitDir, what, timeoutMs: MOST_MS }, signal), at);
}

/** The last commits that changed one file, newest first; of what a merge brought, those that made it. */
export async function readFileHistory(
  git: GitRunner,
  at: ChangesAt & { readonly spec: SpecId; readonly most: number },
  signal: AbortSignal,
): Promise<readonly CommitChanges[]> {
  const { gitDir, revision: head, spec, most } = at;
  const args = [...LOG, '--no-merges', `--max-count=${most}`, head, '--', spec];
  const commits = parseChanges(await git.text({ args, gitDir, what: `listing the commits that changed ${spec}` }, signal), at);
  return commits.map(changesOf).map((commit) => ({ ...commit, changes: commit.changes.filter(({ id }) => id === spec) }));
}

const LOG = ['log', '-z', '--raw', '--no-abbrev', '--no-renames', '--diff-merges=first-parent', `--format=${COMMIT_FORMAT}`] as const;

interface ReadCommit extends LoggedCommit {
  readonly changes: readonly FileChange[];
}

/** Reads the output of `git log -z --raw`: the fields of a commit, then for each file `:<modes> <ids> <letter>` and its path. */
export function parseChanges(output: string, filter: SpecFilter): readonly ReadCommit[] {
  const fields = output.split('\0');
  const commits: ReadCommit[] = [];
  for (let at = 0; at + COMMIT_FIELDS <= fields.length; ) {
    const commit = commitOf(fields.slice(at, at + COMMIT_FIELDS));
    at += COMMIT_FIELDS;
    const changes: FileChange[] = [];
    for (; /^\n?:\d{6} /.test(fields[at] ?? ''); at += 2) changes.push(...changeOf(fields[at] ?? '', fields[at + 1] ?? '', filter));
    commits.push({ ...commit, changes });
  }
  return commits;
}

const ABSENT_MODE = '000000';

function changeOf(line: string, path: string, filter: SpecFilter): readonly FileChange[] {
  const [before = '', after = '', , blobId = ''] = line.trimStart().slice(1).split(' ');
  const mode = after === ABSENT_MODE ? before : after;
  if (!isUnder(path, filter) || !isSpecEntry({ kind: kindOfMode(mode), blobId, size: 0, path }, filter)) return [];
  if (after === ABSENT_MODE) return [{ id: specId(path), change: 'removed' }];
  return [{ id: specId(path), change: before === ABSENT_MODE ? 'added' : 'changed', blobId }];
}

const isUnder = (path: string, { root }: SpecFilter): boolean => root === '' || path.startsWith(`${root}/`);

function changesOf({ facts, changes }: ReadCommit): CommitChanges {
  const { revision: of, author, committedAtMs, subject } = facts;
  return { revision: revision(of), author, committedAtMs, subject, changes };
}

function bounded(commits: readonly CommitChanges[]): readonly CommitChanges[] {
  let left = MOST_CHANGES;
  const end = commits.findIndex(({ changes }) => {
    left -= changes.length;
    return left < 0;
  });
  return end < 0 ? commits : commits.slice(0, end);
}
