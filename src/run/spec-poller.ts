import type { Revision, SpecId } from '../core/model/ids.ts';
import type { Spec } from '../core/model/objects.ts';
import type { Clock, SpecSource } from '../core/model/ports.ts';
import type { Snapshot } from '../core/model/snapshot.ts';
import { mapSnapshot, snapshotValue } from '../core/model/snapshot.ts';
import type { CommitChanges, CommitFacts, FileChange, SpecFile, SpecFiles, SpecSet } from '../core/model/spec-set.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';

/** A new head: what it changed, and when it was noticed. Times in ms since the epoch. */
export interface Arrival {
  readonly revision: string;
  /** Specs whose content differs from the head before, or that are gone. */
  readonly changed: ReadonlySet<SpecId>;
  /** The same with files that are broken; undefined for the first head after a start. */
  readonly touched?: ReadonlySet<SpecId> | undefined;
  /** What became of each of them. */
  readonly changes?: readonly FileChange[] | undefined;
  /** The head before; absent for the first one after a start. */
  readonly before?: Revision;
  /** The head and the commits before it, where Git tells. */
  readonly recent?: readonly CommitChanges[] | undefined;
  /** Who made the head, when and why, where Git tells. */
  readonly commit?: Pick<CommitFacts, 'author' | 'committedAtMs' | 'subject'>;
  /** The last look that still saw the old head; absent for the first head after a start, whose age nobody knows. */
  readonly movedAfterMs: number | undefined;
  /** When the webhook came in that told of the head; absent: none did. */
  readonly webhookAtMs?: number;
  readonly fetchedAtMs: number;
  readonly decodedAtMs: number;
}

/** Each takes a walk through the history: the rest is looked for at the next look. */
const MOST_RECALLED = 8;

const soughtAs = (id: SpecId, blobId: string): string => `${blobId} ${id}`;

/** More webhooks between two looks say nothing new. */
const MOST_HOOKS = 16;

/** Holds the last answer of the Git leg, decoded. */
export class SpecPoller {
  readonly #source: SpecSource;
  readonly #decode: (files: SpecFiles) => SpecSet;
  readonly #clock: Clock;
  #snapshot: Snapshot<SpecSet>;
  #files: SpecFiles | undefined;
  #problems: readonly Problem[] = [];
  #good: Readonly<Record<SpecId, string>> = {};
  /** The versions that were looked for. */
  readonly #sought = new Set<string>();
  /** When webhooks came in, in ms since the epoch, the oldest first. */
  #hooks: number[] = [];

  constructor(source: SpecSource, decode: (files: SpecFiles) => SpecSet, clock: Clock) {
    this.#source = source;
    this.#decode = decode;
    this.#clock = clock;
    const reason = problem('GIT_UNREACHABLE', 'the repository has not been read yet');
    this.#snapshot = { kind: 'unavailable', reason, sinceMs: clock.now() };
  }

  snapshot(): Snapshot<SpecSet> {
    return this.#snapshot;
  }

  /** What the last read said beside its answer. */
  problems(): readonly Problem[] {
    return this.#problems;
  }

  /** A webhook says that there is something new. */
  hooked(): void {
    if (this.#hooks.length < MOST_HOOKS) this.#hooks.push(this.#clock.now());
  }

  /** The blob ids of the last good versions of broken files, as an earlier process left them in the memory. */
  remembered(good: Readonly<Record<SpecId, string>>): void {
    this.#good = good;
  }

  /** Looks at the repository. `changed` tells whether the specs or the state of the source differ from before. */
  async poll(since: string, signal: AbortSignal): Promise<{ readonly changed: boolean; readonly arrival: Arrival | undefined }> {
    const before = this.#snapshot;
    const filesBefore = this.#files;
    const beganAtMs = this.#clock.now();
    const read = await this.#source.read(since, signal);
    const files = snapshotValue(read);
    const set = files === undefined ? undefined : await this.#withLastGood(this.#decoded(files, before), files, signal);
    this.#problems = files?.problems ?? [];
    this.#snapshot = mapSnapshot(read, () => set as SpecSet);
    const old = snapshotValue(before);
    const moved = set !== undefined && set.revision !== old?.revision;
    const arrival = moved && files !== undefined ? this.#arrival(files, set, { set: old, files: filesBefore }) : undefined;
    // What came in before a look that succeeded is of that one, or of another branch.
    if (read.kind === 'complete') this.#hooks = this.#hooks.filter((atMs) => atMs > beganAtMs);
    return { changed: set !== old || before.kind !== this.#snapshot.kind, arrival };
  }

  /** With the last good version of each broken file, as far as it is known; the very same set where it has them, or none is known. */
  async #withLastGood(set: SpecSet, files: SpecFiles, signal: AbortSignal): Promise<SpecSet> {
    const old = snapshotValue(this.#snapshot);
    const wanted = new Map<SpecId, string>();
    const lastGood = new Map<SpecId, Spec>();
    for (const id of set.broken.keys()) {
      const known = set.lastGood?.get(id) ?? old?.specs.get(id) ?? old?.lastGood?.get(id);
      const blobId = this.#good[id];
      if (known !== undefined) lastGood.set(id, known);
      else if (blobId !== undefined && !this.#sought.has(soughtAs(id, blobId)) && wanted.size < MOST_RECALLED) wanted.set(id, blobId);
    }
    for (const [id, spec] of await this.#recall(wanted, files, signal)) lastGood.set(id, spec);
    return lastGood.size === (set.lastGood?.size ?? 0) ? set : { ...set, lastGood };
  }

  /** Looks in the history of the repository, once for each version, and again where Git could not tell. */
  async #recall(wanted: ReadonlyMap<SpecId, string>, files: SpecFiles, signal: AbortSignal): Promise<ReadonlyMap<SpecId, Spec>> {
    if (wanted.size === 0) return new Map();
    let answer: readonly SpecFile[] = [];
    try {
      answer = (await this.#source.recall?.(wanted, signal)) ?? [];
    } catch {
      signal.throwIfAborted();
      return new Map();
    }
    for (const [id, blobId] of wanted) this.#sought.add(soughtAs(id, blobId));
    if (answer.length === 0) return new Map();
    const found = new Map(answer.map((file) => [file.id, file]));
    // With all the others, so that what is kept of their decoding stays.
    const { specs } = this.#decode({ ...files, files: files.files.map((file) => found.get(file.id) ?? file) });
    return new Map([...found.keys()].flatMap((id) => (specs.has(id) ? [[id, specs.get(id) as Spec] as const] : [])));
  }

  #decoded(files: SpecFiles, before: Snapshot<SpecSet>): SpecSet {
    const old = snapshotValue(before);
    if (old !== undefined && files === this.#files) return old;
    // Only once it is decoded: what fails here is to be tried again.
    const set = this.#decode(files);
    this.#files = files;
    return set;
  }

  #arrival(files: SpecFiles, set: SpecSet, before: { readonly set: SpecSet | undefined; readonly files: SpecFiles | undefined }): Arrival {
    const { set: old } = before;
    const webhookAtMs = this.#hooks.find((atMs) => atMs >= files.movedAfterMs);
    const changes = before.files === undefined ? undefined : fileChanges(files, before.files);
    return {
      revision: files.revision,
      changed: changedSpecs(set, old),
      touched: changes === undefined ? undefined : new Set(changes.map(({ id }) => id)),
      changes,
      ...(old === undefined ? {} : { before: old.revision }),
      recent: files.recent,
      ...(files.head === undefined ? {} : { commit: files.head }),
      movedAfterMs: old === undefined ? undefined : files.movedAfterMs,
      ...(old === undefined || webhookAtMs === undefined ? {} : { webhookAtMs }),
      fetchedAtMs: files.fetchedAtMs,
      decodedAtMs: this.#clock.now(),
    };
  }
}

/** Specs that differ between two sets by content, or stand in one of them only. Broken files do not count. */
export function changedSpecs(set: SpecSet, old: SpecSet | undefined): ReadonlySet<SpecId> {
  const changed = new Set<SpecId>();
  for (const [id, spec] of set.specs) if (old?.specs.get(id)?.blobId !== spec.blobId) changed.add(id);
  for (const id of old?.specs.keys() ?? []) if (!set.specs.has(id) && !set.broken.has(id)) changed.add(id);
  return changed;
}

/** Files whose content differs between two heads, or that stand in one of them only. */
function fileChanges(files: SpecFiles, old: SpecFiles): readonly FileChange[] {
  const before = new Map(old.files.map(({ id, blobId }) => [id, blobId]));
  const now = new Set(files.files.map(({ id }) => id));
  const made = files.files.flatMap(({ id, blobId }): readonly FileChange[] => {
    const was = before.get(id);
    return was === blobId ? [] : [{ id, change: was === undefined ? 'added' : 'changed', blobId }];
  });
  return [...made, ...old.files.flatMap(({ id }): readonly FileChange[] => (now.has(id) ? [] : [{ id, change: 'removed' }]))];
}
