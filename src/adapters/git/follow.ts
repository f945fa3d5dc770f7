import { maxSatisfying, validRange } from 'semver';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { isBranchName } from './is-branch-name.ts';

/** Which commit of the repository counts. */
export type Follow =
  | { readonly kind: 'branch'; readonly branch: string }
  | { readonly kind: 'tag'; readonly tag: string }
  /** The tag with the highest version that fits `range`. */
  | { readonly kind: 'semver'; readonly range: string }
  /** One commit for good, as long as `branch` reaches it. */
  | { readonly kind: 'commit'; readonly commit: string; readonly branch: string };

/** What people may say of it: a branch, and at most one of the others. */
export interface FollowOptions {
  /** The branch; `main` unless told. */
  readonly ref?: string;
  /** A tag instead of the branch. */
  readonly tag?: string;
  /** A range of versions, as npm writes them: the highest tag that fits it instead of the branch. */
  readonly semver?: string;
  /** The full id of a commit that the branch reaches, instead of its head. */
  readonly commit?: string;
}

const COMMIT_ID = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether the text is the full id of a commit. */
export const isCommitId = (text: string): boolean => COMMIT_ID.test(text);

/** Checks what is to be followed. Throws AppError CONFIG_INVALID. */
export function checkFollow({ ref = 'main', tag, semver, commit }: FollowOptions): Follow {
  if ([tag, semver, commit].filter((value) => value !== undefined).length > 1) {
    throw invalid('git.tag, git.semver and git.commit exclude each other');
  }
  if (!isBranchName(ref)) throw invalid(`git.ref ${JSON.stringify(ref)} is not a branch name`);
  if (tag !== undefined) {
    if (!isBranchName(tag)) throw invalid(`git.tag ${JSON.stringify(tag)} is not a tag name`);
    return { kind: 'tag', tag };
  }
  if (semver !== undefined) {
    const range = validRange(semver);
    if (range === null || semver.trim() === '')
      throw invalid(`git.semver ${JSON.stringify(semver)} is not a range of versions`, RANGE_REMEDY);
    return { kind: 'semver', range };
  }
  if (commit === undefined) return { kind: 'branch', branch: ref };
  if (!isCommitId(commit)) throw invalid(`git.commit ${JSON.stringify(commit)} is not the full id of a commit`);
  return { kind: 'commit', commit, branch: ref };
}

/** In words for messages: `branch main`. */
export function followText(follow: Follow): string {
  switch (follow.kind) {
    case 'tag':
      return `tag ${follow.tag}`;
    case 'semver':
      return `tag that fits ${follow.range}`;
    default:
      return `branch ${follow.branch}`;
  }
}

/** What to do where it is not there. */
export function followRemedy(follow: Follow): string {
  const stays = 'the last good commit stays in force.';
  switch (follow.kind) {
    case 'tag':
      return `Push the tag or correct \`git.tag\`; ${stays}`;
    case 'semver':
      return `Push a tag with a version that fits or correct \`git.semver\`; ${stays}`;
    case 'commit':
      return `Create the branch again or correct \`git.ref\` or \`git.commit\`; ${stays}`;
    default:
      return `Create the branch again or correct \`git.ref\`; ${stays}`;
  }
}

/** Identifies what is followed. A branch and a commit of it are the same: a pinned commit is a step of the branch, forward or back. */
export function followIdentity(follow: Follow): string {
  switch (follow.kind) {
    case 'tag':
      return `refs/tags/${follow.tag}`;
    case 'semver':
      return `semver:${follow.range.replaceAll(' ', '_')}`;
    default:
      return follow.branch;
  }
}

/** Where the mirror keeps it: a path below `refs/`. */
export function followPath(follow: Follow): string {
  switch (follow.kind) {
    case 'tag':
      return `poolkeeper-tag/${follow.tag}`;
    case 'semver':
      return 'poolkeeper-semver/head';
    case 'commit':
      return `poolkeeper-commit/${follow.commit}`;
    default:
      return `poolkeeper/${follow.branch}`;
  }
}

/** The patterns to ask the remote for: `refs/heads/main`. A tag that is an object of its own tells its commit as `…^{}`. */
export function followPatterns(follow: Follow): readonly string[] {
  switch (follow.kind) {
    case 'tag':
      return [`refs/tags/${follow.tag}`, `refs/tags/${follow.tag}^{}`];
    case 'semver':
      return ['refs/tags/*'];
    default:
      return [`refs/heads/${follow.branch}`];
  }
}

/** A ref of the remote, and the commit that it stands for. */
export interface RemoteRef {
  readonly id: string;
  /** `refs/heads/main` */
  readonly name: string;
}

/** Picks what is followed from the output of `git ls-remote`; undefined: it is not there. */
export function pickRef(output: string, follow: Follow): RemoteRef | undefined {
  const refs = parseRefs(output);
  const name = follow.kind === 'semver' ? highestTag([...refs.keys()], follow.range) : followPatterns(follow)[0];
  // The patterns fit any ref that ends with them, so also refs/x/refs/heads/main.
  const id = name === undefined ? undefined : (refs.get(`${name}^{}`) ?? refs.get(name));
  return name === undefined || id === undefined ? undefined : { id, name };
}

/** The names below a prefix such as `refs/heads/`, from the output of `git ls-remote`. */
export const refNames = (output: string, prefix: string): readonly string[] =>
  [...parseRefs(output).keys()].flatMap((name) =>
    name.startsWith(prefix) && isBranchName(name.slice(prefix.length)) ? [name.slice(prefix.length)] : [],
  );

function parseRefs(output: string): ReadonlyMap<string, string> {
  const refs = new Map<string, string>();
  for (const line of output.split('\n')) {
    const tab = line.indexOf('\t');
    const id = line.slice(0, Math.max(0, tab));
    if (isCommitId(id)) refs.set(line.slice(tab + 1), id);
  }
  return refs;
}

const TAGS = 'refs/tags/';

/** The ref of the tag with the highest version in the range; `v1.2.3` is the version 1.2.3. */
function highestTag(names: readonly string[], range: string): string | undefined {
  const tags = names
    .filter((name) => name.startsWith(TAGS) && isBranchName(name.slice(TAGS.length)))
    .map((name) => name.slice(TAGS.length));
  const highest = maxSatisfying(tags, range);
  return highest === null ? undefined : `${TAGS}${highest}`;
}

const RANGE_REMEDY = 'Write it as npm does: "^1.2" or ">=1.2 <2".';

function invalid(message: string, remedy?: string): AppError {
  return new AppError(problem('CONFIG_INVALID', message, remedy === undefined ? {} : { remedy }));
}
