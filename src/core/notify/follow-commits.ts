import type { Redactor } from '../../shared/redact.ts';
import type { Revision, SpecId } from '../model/ids.ts';
import type { CommitStatus } from '../model/notification.ts';
import type { RunReport, SpecReport } from '../report/run-report.ts';
import { type SpecStanding, standingOf } from '../report/spec-standing.ts';
import { oneLine } from './one-line.ts';

/** A commit that is followed until it has had its last word. */
interface OpenCommit {
  readonly revision: Revision;
  /** The specs that it touched and no newer commit has touched again; undefined: nobody knows, so all count. */
  readonly left: ReadonlySet<SpecId> | undefined;
  /** What was told last. Absent: nothing yet. */
  readonly told?: { readonly verdict: Verdict; readonly atMs: number };
}

/** What is remembered of commits from one report to the next. */
export interface FollowedCommits {
  readonly current?: Revision;
  readonly open: readonly OpenCommit[];
}

/** Nothing is known of any commit. */
export const NO_COMMITS: FollowedCommits = { open: [] };

export interface CommitsInput {
  readonly report: RunReport;
  /** The specs that the commit in force touched, broken ones and removed ones included; undefined: it was in force at the start. */
  readonly touched: ReadonlySet<SpecId> | undefined;
  readonly nowMs: number;
  /** Masks secrets, before anything is cut: half a secret is not known again. */
  readonly redact: Redactor;
}

interface Verdict {
  readonly state: CommitStatus['state'];
  readonly description: string;
  /** What makes this another verdict than one of the same state. */
  readonly about: string;
}

/** How long a state keeps its words, and a failure stays one while it is tried again: GitHub takes 1,000 statuses for a commit. */
const QUIET_MS = 30_000;
/** A newer commit costs one look at every older one that is still open. */
const MOST_OPEN = 20;
const LONGEST = 140;

/**
 * Follows each commit by the specs that it touched: pending, failure with the first reason (which may be mended, also without a commit),
 * success as the last word when all of them are in step and Traefik serves them. What a newer commit touches again is waited for
 * there; when nothing is left of one that is pending, its last word is `superseded`. Of a commit that was in force at the start
 * nobody knows what it touched: all specs count, and it is told of only once it has succeeded or failed. Pure.
 */
export function followCommits(before: FollowedCommits, input: CommitsInput): CommitsTold {
  const { report, touched, nowMs } = input;
  const { revision } = report;
  if (revision === undefined) return { followed: before, statuses: [], turned: [] };
  const isNew = revision !== before.current;
  const older = isNew ? before.open.filter((open) => open.revision !== revision).map((open) => without(open, touched)) : before.open;
  const overtaken = older.filter(({ left }) => isNew && left?.size === 0);
  const all = [...older.filter((open) => !overtaken.includes(open)), ...(isNew ? [{ revision, left: touched }] : [])];
  const going: readonly OpenCommit[] = all.slice(-MOST_OPEN);
  const superseded = [...overtaken, ...all.slice(0, -MOST_OPEN)];
  const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
  const judged = going.map((open) => follow(open, judge(open, specs, input), nowMs));
  const open = judged.flatMap((one) => (one.status?.state === 'success' ? [] : [one.open]));
  const last = superseded.filter(({ told }) => told?.verdict.state === 'pending').map((one) => supersededBy(one.revision, revision));
  const again = judged.flatMap(({ lookAgainAtMs }) => lookAgainAtMs ?? []);
  return {
    followed: { current: revision, open },
    statuses: [...last, ...judged.flatMap(({ status }) => status ?? [])],
    turned: [...last, ...judged.flatMap(({ turned }) => turned ?? [])],
    ...(again.length === 0 ? {} : { lookAgainAtMs: Math.min(...again) }),
  };
}

interface CommitsTold {
  readonly followed: FollowedCommits;
  readonly statuses: readonly CommitStatus[];
  /** Those of them whose state is another than the one told before. */
  readonly turned: readonly CommitStatus[];
  /** When there will be something to tell even if no run comes. */
  readonly lookAgainAtMs?: number;
}

/** What is left of an older commit. One that nobody knows of, or the next, has nothing left. */
function without({ left, ...open }: OpenCommit, touched: ReadonlySet<SpecId> | undefined): OpenCommit {
  const rest = left === undefined || touched === undefined ? [] : [...left].filter((id) => !touched.has(id));
  return { ...open, left: new Set(rest) };
}

const supersededBy = (revision: Revision, by: Revision): CommitStatus => ({
  revision,
  state: 'superseded',
  description: `superseded by ${by.slice(0, 7)} before it was in traffic`,
});

interface Followed {
  readonly open: OpenCommit;
  readonly status?: CommitStatus;
  /** The same where it is another state than before. */
  readonly turned?: CommitStatus;
  readonly lookAgainAtMs?: number;
}

function follow(open: OpenCommit, verdict: Verdict, nowMs: number): Followed {
  const { told, revision, left } = open;
  if (left === undefined && verdict.state === 'pending') return { open };
  const isSame = told?.verdict.state === verdict.state;
  if (isSame && told.verdict.about === verdict.about) return { open };
  if (told !== undefined && (isSame || verdict.state === 'pending') && nowMs < told.atMs + QUIET_MS)
    return { open, lookAgainAtMs: told.atMs + QUIET_MS };
  const { state, description } = verdict;
  const status = { revision, state, description };
  return { open: { ...open, told: { verdict, atMs: nowMs } }, status, ...(isSame ? {} : { turned: status }) };
}

function judge({ left, revision }: OpenCommit, specs: ReadonlyMap<SpecId, SpecReport>, { report, redact }: CommitsInput): Verdict {
  const ids = left === undefined ? [...specs.keys()] : [...left];
  // What is not there any more has left for good.
  const standings = ids.map((id): Standing => ({ id, ...waitedFor(standingOf(specs.get(id), report)) }));
  const [failed, going] = [pick(standings, 'failed', 'held'), pick(standings, 'going')];
  const [first] = failed;
  if (first !== undefined) {
    const others = failed.length === 1 ? '' : ` (and ${failed.length - 1} more of ${specCount(ids.length)})`;
    return {
      state: 'failure',
      description: shorten(redact(`${first.id}: ${first.why}`), others),
      about: `${first.id} ${first.code} ${failed.length}`,
    };
  }
  const [waiting] = going;
  if (waiting !== undefined) {
    const done = ids.length - going.length;
    const description = shorten(redact(`applying: ${done} of ${specCount(ids.length)} in step; ${waiting.id}: ${waiting.why}`));
    return { state: 'pending', description, about: description };
  }
  const timed = report.latencies.find((one) => one.stage === 'total' && one.revision === revision)?.seconds;
  const seconds = timed ?? report.commits?.find((one) => one.revision === revision)?.verdict?.seconds;
  return { state: 'success', description: successText(ids.length, report.gateways !== undefined, seconds), about: '' };
}

function successText(specs: number, isWatched: boolean, seconds: number | undefined): string {
  if (specs === 0) return 'touches no spec';
  const after = seconds === undefined ? '' : ` after ${seconds.toFixed(1)} s`;
  return isWatched
    ? `in traffic${after}: ${specCount(specs)} in step, served by Traefik`
    : `in Consul${after}: ${specCount(specs)} in step (Traefik is not watched)`;
}

const specCount = (count: number): string => (count === 1 ? '1 spec' : `${count} specs`);

/** Who suspends a spec will resume it: that is no failure. */
const waitedFor = (standing: SpecStanding): SpecStanding =>
  standing.kind === 'held' && standing.code === 'suspended' ? { kind: 'going', why: standing.why } : standing;

type Standing = SpecStanding & { readonly id: SpecId };

const pick = <K extends Standing['kind']>(all: readonly Standing[], ...kinds: readonly K[]): readonly Extract<Standing, { kind: K }>[] =>
  all.filter((one): one is Extract<Standing, { kind: K }> => kinds.some((kind) => kind === one.kind));

/** One line as long as a status may be, whose end is kept. */
function shorten(text: string, end = ''): string {
  return `${oneLine(text, LONGEST - end.length)}${end}`;
}
