import type { ProblemCode } from '../../shared/problem.ts';
import type { NodeReason } from '../model/action.ts';
import type { PoolKey } from '../model/ids.ts';
import type { CommitVerdict } from './commit-verdict.ts';
import type { SourceReport } from './run-report.ts';

/** What is asked about. `name` is any of the others, for a person who does not want to say which. */
export const WHY_KINDS = ['url', 'pool', 'node', 'commit', 'name'] as const;
export type WhyKind = (typeof WHY_KINDS)[number];
export interface WhyQuestion {
  readonly kind: WhyKind;
  readonly value: string;
}

/** The longest question that is answered, in characters. */
export const LONGEST_QUESTION = 2_048;

/** The links of the chain from a commit to traffic, in their order; `node` begins the chain of a node. */
export const LINK_NAMES = [
  'commit',
  'file',
  'objects',
  'node',
  'pods',
  'node-port',
  'backends',
  'registrations',
  'router',
  'servers',
  'probe',
] as const;
export type LinkName = (typeof LINK_NAMES)[number];

/** `waiting`: it goes on by itself. `unknown`: its source does not answer. `not-watched`: nobody looks at it. */
export type LinkState = 'ok' | 'waiting' | 'broken' | 'unknown' | 'not-watched';

/** Fixed words for what neither a problem nor the reason of a node tells. */
export type WhyWord =
  | 'ok'
  | 'not-watched'
  | 'not-probed'
  | 'never-read'
  | 'not-found'
  | 'ambiguous'
  | 'leaving'
  | 'suspended'
  | 'changing'
  | 'not-created'
  | 'image-pull'
  | 'crash-loop'
  | 'container-config'
  | 'unschedulable'
  | 'rolling-out'
  | 'selector-matches-nothing'
  | 'scaled-to-zero'
  | 'no-ready-endpoints'
  | 'port-without-endpoints'
  | 'register-false'
  | 'not-a-node-port'
  | 'node-port-not-allocated'
  | 'no-backends'
  | 'not-registered'
  | 'checks-critical'
  | 'not-exposed'
  | 'traefik-follows'
  | 'shadowed'
  | 'tie'
  | 'entry-point-differs'
  | 'rule-differs'
  | 'host-unknown'
  | 'not-ours'
  | 'no-server-up'
  | 'probe-failed'
  | 'held'
  | 'not-in-traffic'
  | 'superseded';
export type CauseCode = WhyWord | NodeReason | ProblemCode;

/** One step on the way from a commit to traffic. */
export interface Link {
  readonly link: LinkName;
  readonly state: LinkState;
  readonly code: CauseCode;
  /** One sentence, without its full stop. */
  readonly says: string;
  /** What else is known, one thing each. */
  readonly facts: readonly string[];
  /** What to do, where something is to be done. */
  readonly remedy?: string;
  /** How old the oldest of what it was told from is; undefined when a source has never answered. */
  readonly ageMs: number | undefined;
}

/**
 * `in-traffic`: as far as is watched; where no Traefik is, registered and passing in Consul, and `says` tells so. `degraded`: the same,
 * and something on the way is broken.
 */
export type Verdict = 'in-traffic' | 'degraded' | 'out' | 'unknown';

/** The link that is to be mended first. */
export type Cause = Pick<Link, 'link' | 'state' | 'code' | 'says' | 'remedy'>;

/** `GET /api/v1/why`: why something is, or is not, in traffic. Plain JSON. */
export interface Explanation {
  readonly asked: WhyQuestion;
  /** What it was taken for: a URL, `pool namespace/name`, `node name`, a spec file with its pool, `commit …`. */
  readonly about: string;
  /** The pool that the chain is of, if any. */
  readonly pool?: PoolKey;
  readonly verdict: Verdict;
  /** The answer in one sentence, without its full stop. */
  readonly says: string;
  readonly links: readonly Link[];
  /** The first link that is broken or, where none is, that waits or is not known. Absent: nothing stands in the way. */
  readonly cause?: Cause;
  /** What has become of the commit that was asked about. Absent: something else was, or nobody knows yet. */
  readonly commit?: CommitVerdict;
  /** How old the last run is, and what each source says now. */
  readonly runAgeMs: number;
  readonly sources: readonly SourceReport[];
}

/** The first link that keeps something out of traffic: a broken one before one that waits, and that before one that is not known. */
export function firstCause(links: readonly Link[]): Cause | undefined {
  for (const wanted of ['broken', 'waiting', 'unknown'] as const) {
    const found = links.find(({ state }) => state === wanted);
    if (found === undefined) continue;
    const { link, state, code, says, remedy } = found;
    return { link, state, code, says, ...(remedy === undefined ? {} : { remedy }) };
  }
  return undefined;
}

/** `8s`, `3m 12s`, `2h 5m`, `4d`. */
export function ageWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d`;
}
