import type { Revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { followText, isCommitId } from './follow.ts';
import type { GitSettings } from './git-settings.ts';
import { plainText } from './plain-text.ts';
import { type GitCommand, type GitRunner, isUnknownCommit } from './run-git.ts';
import { digestOfKeys, withSigners } from './signers.ts';

/** What git says of the signature of a commit. */
export interface CommitSignature {
  readonly commit: string;
  readonly author: string;
  /** The letter of `%G?` in git-log(1). */
  readonly status: string;
  /** The key that signed, as far as it is told: a fingerprint or a key id. */
  readonly key: string;
}

/** What is to be verified: `head`, and with the mode `range` every commit after `since`. */
export interface VerifiedRange {
  readonly head: Revision;
  readonly since: string | undefined;
}

// Each commit takes a process that checks its signature.
const MAX_COMMITS = 1000;
const FIELDS = 4;
/** Of so many ranges the verdict is remembered. */
const MAX_VERDICTS = 16;
/** A refusal is looked at again after this: git says the same of a signature that is bad and of a checker that failed. */
const REFUSED_FOR_MS = 300_000;
const FORMAT = '%H%x00%an%x00%G?%x00%GK';

interface Judgement {
  /** Undefined when all is well. */
  readonly found: Problem | undefined;
  readonly untilMs: number;
}

/** Verifies the commits of one mirror. A verdict holds while the commits and the keys are the same, a refusal for some minutes. */
export class CommitVerifier {
  readonly #git: GitRunner;
  readonly #settings: GitSettings;
  readonly #gitDir: string;
  /** By commits and keys; the latest last. */
  readonly #verdicts = new Map<string, Judgement>();

  constructor(git: GitRunner, settings: GitSettings, gitDir: string) {
    this.#git = git;
    this.#settings = settings;
    this.#gitDir = gitDir;
  }

  /**
   * Verifies signatures by the keys that are configured; does nothing when none are asked for. Throws AppError GIT_COMMIT_UNVERIFIED
   * for the oldest commit that is not signed as it should be; others when a key file or program is missing.
   */
  async verify({ head, since }: VerifiedRange, signal: AbortSignal): Promise<void> {
    const { verify, clock } = this.#settings;
    if (verify === undefined) return;
    const isRange = verify.mode === 'range' && since !== undefined && isCommitId(since) && since !== head;
    const range = { head, since: isRange ? since : undefined };
    const key = [range.head, range.since, await digestOfKeys(verify)].join(' ');
    const nowMs = clock.now();
    let known = this.#verdicts.get(key);
    if (known === undefined || nowMs >= known.untilMs) {
      const found = await this.#verdict(range, signal);
      known = { found, untilMs: found === undefined ? Number.POSITIVE_INFINITY : nowMs + REFUSED_FOR_MS };
      this.#verdicts.delete(key);
      this.#verdicts.set(key, known);
      for (const oldest of [...this.#verdicts.keys()].slice(0, -MAX_VERDICTS)) this.#verdicts.delete(oldest);
    }
    if (known.found !== undefined) throw new AppError(known.found);
  }

  /** What is wrong with the first bad commit of a range; undefined when all are good. */
  async #verdict(range: VerifiedRange, signal: AbortSignal): Promise<Problem | undefined> {
    const [git, settings, gitDir] = [this.#git, this.#settings, this.#gitDir];
    return withSigners(
      settings,
      async (signers) => {
        const list = (args: readonly string[]) => {
          const what = `verifying the signatures up to ${range.head}`;
          const command: GitCommand = { args, gitDir, what, signers, timeoutMs: settings.fetchTimeoutMs };
          return git.text(command, signal);
        };
        const commits = parseSignatures(await listRange(list, range));
        if (commits.length > MAX_COMMITS) return tooMany(settings, range.head);
        const bad = commits.findLast(({ status }) => status !== 'G');
        if (bad !== undefined) return unverified(settings, bad, await signatureKind(git, gitDir, bad, signal));
        if (commits.length === 0) throw new AppError(problem('GIT_READ_FAILED', `git tells nothing of the signature of ${range.head}`));
        return undefined;
      },
      signal,
    );
  }
}

type List = (args: readonly string[]) => Promise<string>;

async function listRange(list: List, { head, since }: VerifiedRange): Promise<string> {
  const log = ['log', '-z', `--format=${FORMAT}`];
  const alone = [...log, '--max-count=1', head];
  if (since === undefined) return list(alone);
  const many = [...log, `--max-count=${MAX_COMMITS + 1}`, head];
  try {
    const output = await list([...many, `^${since}`]);
    // Nothing: the head is older than what is in force.
    return output === '' ? await list(alone) : output;
  } catch (error) {
    // A rewritten history, and a mirror that does not know the old one: nothing of it has been verified.
    if (isUnknownCommit(error, since)) return list(many);
    throw error;
  }
}

/** Reads the output of `git log -z` in the format above. */
export function parseSignatures(output: string): readonly CommitSignature[] {
  const fields = output.split('\0');
  const commits: CommitSignature[] = [];
  for (let start = 0; start + FIELDS <= fields.length; start += FIELDS) {
    const [commit = '', author = '', status = '', key = ''] = fields.slice(start, start + FIELDS);
    commits.push({ commit, author, status, key });
  }
  return commits;
}

type SignatureKind = 'none' | 'SSH' | 'OpenPGP' | 'X.509';

/** Of a commit without a verdict: git says the same of one without a signature and of one that it could not check. */
async function signatureKind(git: GitRunner, gitDir: string, { commit }: CommitSignature, signal: AbortSignal): Promise<SignatureKind> {
  const text = await git.text({ args: ['cat-file', 'commit', commit], gitDir, what: `reading the commit ${commit}` }, signal);
  const [headers = ''] = text.split('\n\n', 1);
  const begin = /^gpgsig(?:-sha256)? -----BEGIN (?<kind>.+)-----$/m.exec(headers)?.groups?.['kind'];
  if (begin === undefined) return 'none';
  if (begin === 'SSH SIGNATURE') return 'SSH';
  return begin.startsWith('PGP') ? 'OpenPGP' : 'X.509';
}

function unverified(settings: GitSettings, { commit, author, status, key }: CommitSignature, kind: SignatureKind): Problem {
  const reason = reasonOf(settings, { status, key, kind });
  const who = plainText(author).slice(0, 100);
  return problem('GIT_COMMIT_UNVERIFIED', `${followText(settings.follow)} is not taken: commit ${commit} by ${who} ${reason}`);
}

interface Verdict {
  readonly status: string;
  readonly key: string;
  readonly kind: SignatureKind;
}

function reasonOf({ verify }: GitSettings, { status, key, kind }: Verdict): string {
  const by = key === '' ? '' : ` (${plainText(key)})`;
  if (kind === 'none') return 'is not signed';
  if (kind === 'X.509') return 'has an X.509 signature, and such are not accepted';
  const file = kind === 'SSH' ? 'git.allowedSignersFile' : 'git.openpgpKeysFile';
  const isConfigured = (kind === 'SSH' ? verify?.allowedSignersFile : verify?.openpgpKeysFile) !== undefined;
  if (!isConfigured) return `has an ${kind} signature, and ${file} is not set`;
  switch (status) {
    case 'B':
      return `has an ${kind} signature that does not fit it${by}`;
    case 'X':
    case 'Y':
      return `has an ${kind} signature, or a key, that has expired${by}`;
    case 'R':
      return `has an ${kind} signature by a key that was revoked${by}`;
    default:
      return `is signed by a key that ${file} does not hold${by}`;
  }
}

function tooMany({ follow }: GitSettings, head: Revision): Problem {
  const remedy = 'Verify the head alone for once (`git.verify: head`), or push fewer commits at a time.';
  return problem('GIT_COMMIT_UNVERIFIED', `${followText(follow)} is not taken: more than ${MAX_COMMITS} commits up to ${head} to verify`, {
    remedy,
  });
}
