import { createHash } from 'node:crypto';
import { byBytes, specId } from '../../core/model/ids.ts';
import type { SpecFile } from '../../core/model/spec-set.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type { GitLimits } from './git-limits.ts';
import type { GitSettings } from './git-settings.ts';
import { checkLimits, contentOf, refusalOf, repeatedPaths } from './judge-files.ts';
import type { TreeEntry } from './read-tree.ts';
import type { GitRunner } from './run-git.ts';

// One process takes as many blobs as fit an argument list (41 bytes each, of 128 KiB at the least) and a reasonable buffer.
const MAX_BLOBS_PER_PROCESS = 2000;
const MAX_BYTES_PER_PROCESS = 32 * 1024 * 1024;

/** Reads files from the mirror, and keeps the bytes of the last ones: a commit costs as much as it changes. */
export class FileReader {
  readonly #git: GitRunner;
  readonly #limits: GitLimits;
  #cache: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(settings: GitSettings, git: GitRunner) {
    this.#git = git;
    this.#limits = settings.limits;
  }

  /**
   * The files of a tree, in the order of their paths. What cannot be a spec is refused with the reason, unread. Throws AppError
   * GIT_READ_FAILED when there is more than the limits allow, or when the mirror gives other bytes than the tree names.
   */
  async read(entries: readonly TreeEntry[], gitDir: string, signal: AbortSignal): Promise<readonly SpecFile[]> {
    const repeated = repeatedPaths(entries);
    const judged = entries.map((entry) => ({ entry, refusal: refusalOf(entry, this.#limits, repeated) }));
    const wanted = judged.filter(({ refusal }) => refusal === undefined).map(({ entry }) => entry);
    checkLimits(entries, wanted, this.#limits);
    const bytes = await this.#bytesOf(wanted, gitDir, signal);
    const files = judged.map(({ entry, refusal }) => specFile(entry, refusal ?? bytesContent(entry, bytes)));
    return files.sort((a, b) => byBytes(a.id, b.id));
  }

  async #bytesOf(entries: readonly TreeEntry[], gitDir: string, signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    const known = new Map<string, Uint8Array>();
    const missing = new Map<string, number>();
    for (const { blobId, size } of entries) {
      const bytes = this.#cache.get(blobId);
      if (bytes === undefined) missing.set(blobId, size);
      else known.set(blobId, bytes);
    }
    for (const batch of batches([...missing])) {
      const blobIds = batch.map(([blobId]) => blobId);
      const output = await this.#git.blobs(gitDir, blobIds, signal);
      for (const [blobId, bytes] of cut(output, batch)) known.set(blobId, bytes);
    }
    this.#cache = known;
    return known;
  }
}

function specFile({ path, blobId }: TreeEntry, content: SpecFile['content']): SpecFile {
  return { id: specId(path), blobId, content };
}

function bytesContent({ blobId, path }: TreeEntry, known: ReadonlyMap<string, Uint8Array>): SpecFile['content'] {
  const bytes = known.get(blobId);
  if (bytes === undefined) throw wrongBytes(blobId);
  return contentOf(bytes, path);
}

type SizedBlob = readonly [blobId: string, size: number];

function batches(blobs: readonly SizedBlob[]): readonly (readonly SizedBlob[])[] {
  const result: SizedBlob[][] = [];
  let current: SizedBlob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    const isFull = current.length === MAX_BLOBS_PER_PROCESS || bytes + blob[1] > MAX_BYTES_PER_PROCESS;
    if (current.length === 0 || isFull) {
      current = [];
      bytes = 0;
      result.push(current);
    }
    current.push(blob);
    bytes += blob[1];
  }
  return result;
}

/** Cuts the joined contents of blobs by their sizes, and proves each by its id. */
function* cut(output: Buffer, blobs: readonly SizedBlob[]): Generator<readonly [string, Uint8Array]> {
  let start = 0;
  for (const [blobId, size] of blobs) {
    // A copy: a view would keep the whole output alive for one file.
    const bytes = new Uint8Array(output.subarray(start, start + size));
    const algorithm = blobId.length === 64 ? 'sha256' : 'sha1';
    const actual = createHash(algorithm).update(`blob ${size}\0`).update(bytes).digest('hex');
    if (actual !== blobId) throw wrongBytes(blobId);
    yield [blobId, bytes];
    start += size;
  }
}

function wrongBytes(blobId: string): AppError {
  return new AppError(problem('GIT_READ_FAILED', `the Git mirror does not give the bytes of blob ${blobId}`));
}
