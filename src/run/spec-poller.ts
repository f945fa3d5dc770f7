import type { SpecId } from '../core/model/ids.ts';
import type { Clock, SpecSource } from '../core/model/ports.ts';
import type { Snapshot } from '../core/model/snapshot.ts';
import { mapSnapshot, snapshotValue } from '../core/model/snapshot.ts';
import type { SpecFiles, SpecSet } from '../core/model/spec-set.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';

/** A new head: what it changed, and when it was noticed. Times in ms since the epoch. */
export interface Arrival {
  readonly revision: string;
  /** Specs whose content differs from the head before, or that are gone. */
  readonly changed: ReadonlySet<SpecId>;
  /** The same with files that are broken; undefined for the first head after a start. */
  readonly touched?: ReadonlySet<SpecId> | undefined;
  /** The last look that still saw the old head; absent for the first head after a start, whose age nobody knows. */
  readonly movedAfterMs: number | undefined;
  /** When the webhook came in that told of the head; absent: none did. */
  readonly webhookAtMs?: number;
  readonly fetchedAtMs: number;
  readonly decodedAtMs: number;
}

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

  /** Looks at the repository. `changed` tells whether the specs or the state of the source differ from before. */
  async poll(since: string, signal: AbortSignal): Promise<{ readonly changed: boolean; readonly arrival: Arrival | undefined }> {
    const before = this.#snapshot;
    const filesBefore = this.#files;
    const beganAtMs = this.#clock.now();
    const read = await this.#source.read(since, signal);
    const files = snapshotValue(read);
    const set = files === undefined ? undefined : this.#decoded(files, before);
    this.#problems = files?.problems ?? [];
    this.#snapshot = mapSnapshot(read, () => set as SpecSet);
    const old = snapshotValue(before);
    const moved = set !== undefined && set.revision !== old?.revision;
    const arrival = moved && files !== undefined ? this.#arrival(files, set, { set: old, files: filesBefore }) : undefined;
    // What came in before a look that succeeded is of that one, or of another branch.
    if (read.kind === 'complete') this.#hooks = this.#hooks.filter((atMs) => atMs > beganAtMs);
    return { changed: set !== old || before.kind !== this.#snapshot.kind, arrival };
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
    return {
      revision: files.revision,
      changed: changedSpecs(set, old),
      touched: before.files === undefined ? undefined : touchedFiles(files, before.files),
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
function touchedFiles(files: SpecFiles, old: SpecFiles): ReadonlySet<SpecId> {
  const blobs = new Map(files.files.map(({ id, blobId }) => [id, blobId]));
  const before = new Map(old.files.map(({ id, blobId }) => [id, blobId]));
  return new Set([...blobs.keys(), ...before.keys()].filter((id) => blobs.get(id) !== before.get(id)));
}
