import type { Revision, SpecId } from '../model/ids.ts';
import type { FileChange } from '../model/spec-set.ts';
import type { ChangedSpec, CommitVerdict } from './commit-verdict.ts';
import type { RunReport, SpecReport } from './run-report.ts';
import { standingOf } from './spec-standing.ts';

/** For each spec the oldest of the newer commits that changed it, and what that one made of it. */
export type Overtaken = ReadonlyMap<
  SpecId,
  {
    readonly by: Revision;
    readonly blobId: string | undefined;
    /** What changed that again; absent: it is in force. */
    readonly heir?: Revision;
  }
>;

/** What changed a file again after one commit made it so; undefined: it is in force, if only by a merge that made the same of it. */
export function heirOf({ id, blobId }: FileChange, overtaken: Overtaken): Revision | undefined {
  const newer = overtaken.get(id);
  if (newer === undefined) return undefined;
  return newer.blobId === blobId ? newer.heir : newer.by;
}

/** What a commit is judged by. */
export interface CommitCase {
  readonly commit: { readonly changes: readonly FileChange[] | undefined };
  readonly overtaken: Overtaken;
  readonly specs: ReadonlyMap<SpecId, SpecReport>;
  readonly report: Pick<RunReport, 'pools' | 'gateways'>;
}

interface Sighting {
  readonly unseen?: true;
}

/** The specs that a commit changed, each with how far it is. Where nobody knows what it changed, all count. */
export function changedSpecs({ commit, overtaken, specs, report }: CommitCase): readonly (ChangedSpec & Sighting)[] {
  const changes = commit.changes ?? [...specs.keys()].map((id): FileChange => ({ id, change: 'changed' }));
  return changes.map((change) => {
    const heir = commit.changes === undefined ? overtaken.get(change.id)?.by : heirOf(change, overtaken);
    if (heir !== undefined) return { ...change, state: 'superseded', says: `changed again by ${heir.slice(0, 10)}`, by: heir };
    const standing = standingOf(specs.get(change.id), report);
    if (standing.kind === 'done') return { ...change, state: 'done', says: doneWords(change, report) };
    const unseen = standing.kind === 'going' && standing.unseen === true ? { unseen: true as const } : {};
    return { ...change, state: standing.kind, says: standing.why, ...unseen };
  });
}

function doneWords({ change }: FileChange, { gateways }: CommitCase['report']): string {
  const isWatched = gateways !== undefined;
  if (change === 'removed') return isWatched ? 'out of Consul and Traefik' : 'out of Consul';
  return isWatched ? 'in step, served by Traefik' : 'in step (Traefik is not watched)';
}

/** What has become of a commit. */
export interface Judged {
  readonly verdict: CommitVerdict;
  /** What of it newer commits have changed again, in words; empty for nothing. */
  readonly but: string;
  /** True when it may be in traffic without anybody seeing it. */
  readonly unseen: boolean;
}

/** Judges a commit by what it changed. Pure. */
export function judgeCommit(asked: CommitCase): Judged {
  const all = changedSpecs(asked);
  const unseen = all.some((spec) => spec.unseen === true);
  const [first, ...more] = all.filter(({ state }) => state === 'superseded');
  const but = first === undefined ? '' : `, but for ${first.id}: ${first.says}${others(more.length)}`;
  return { verdict: verdictOf(all, asked.report), but, unseen };
}

function verdictOf(all: readonly ChangedSpec[], { gateways }: CommitCase['report']): CommitVerdict {
  if (all.length === 0) return { state: 'nothing-to-do', says: 'it changed no spec' };
  const left = all.filter(({ state }) => state !== 'superseded');
  const [first] = all;
  if (left.length === 0 && first !== undefined) {
    const { by } = first;
    return { state: 'superseded', says: `${first.id}: ${first.says}${others(all.length - 1)}`, ...(by === undefined ? {} : { by }) };
  }
  for (const [kind, state] of OPEN) {
    const open = left.filter((spec) => spec.state === kind);
    const [worst] = open;
    if (worst !== undefined) return { state, says: `${worst.id}: ${worst.says}${others(open.length - 1)}` };
  }
  const onlyRemoved = left.every(({ change }) => change === 'removed');
  const where = `${onlyRemoved ? 'out of' : 'in'} ${gateways === undefined ? 'Consul' : 'traffic'}`;
  return { state: 'in-traffic', says: where };
}

/** From the worst to the mildest. */
const OPEN = [
  ['failed', 'broken'],
  ['held', 'held'],
  ['going', 'on-its-way'],
] as const;

const others = (count: number): string => (count === 0 ? '' : ` (and ${count} more)`);
