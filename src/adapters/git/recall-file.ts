import { createHash } from 'node:crypto';
import type { Revision, SpecId } from '../../core/model/ids.ts';
import type { SpecFile } from '../../core/model/spec-set.ts';
import { isCommitId } from './follow.ts';
import type { GitSettings } from './git-settings.ts';
import { contentOf } from './judge-files.ts';
import type { GitRunner } from './run-git.ts';

/** Where an earlier version of a file is looked for. */
export interface Recall {
  readonly gitDir: string;
  /** The version must be in the history of this commit: what nobody let in is not brought back by its id. */
  readonly head: Revision;
  readonly id: SpecId;
  readonly blobId: string;
}

/**
 * An earlier version of a file; undefined where neither the head nor a commit before it had it at that path, or where it is larger
 * than a file may be. Throws AppError GIT_READ_FAILED.
 */
export async function recallFile(
  git: GitRunner,
  { limits }: GitSettings,
  { gitDir, head, id, blobId }: Recall,
  signal: AbortSignal,
): Promise<SpecFile | undefined> {
  if (!isCommitId(blobId)) return undefined;
  const what = `looking for an earlier version of ${id}`;
  const args = ['log', '--max-count=1', '--format=%H', `--find-object=${blobId}`, head, '--', id];
  if ((await git.text({ args, gitDir, what }, signal)).trim() === '') return undefined;
  const bytes = new Uint8Array(await git.blobs(gitDir, [blobId], signal));
  if (bytes.length > limits.maxFileBytes || idOf(bytes, blobId.length === 64 ? 'sha256' : 'sha1') !== blobId) return undefined;
  return { id, blobId, content: contentOf(bytes, id) };
}

const idOf = (bytes: Uint8Array, algorithm: 'sha1' | 'sha256'): string =>
  createHash(algorithm).update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
