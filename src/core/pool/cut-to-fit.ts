import { byBytes } from '../model/ids.ts';
import type { Candidate, PoolDemand } from './classify-node.ts';

/**
 * Cuts a pool to the backends that fit. Every zone gets an equal share while it has nodes for it, so that a cut pool never
 * loses a whole zone; within a zone present members come first, then rendezvous hashing decides (the highest-scoring nodes of
 * each pool, by a hash of pool and node). A node that joins or leaves therefore moves at most one other.
 */
export function cutToFit(candidates: readonly Candidate[], demand: PoolDemand): readonly Candidate[] {
  const inside = candidates.filter((c) => c.verdict === 'in');
  if (inside.length <= demand.maxBackends) return candidates;
  const chosen = new Set(inTurn(inside, demand).slice(0, demand.maxBackends));
  const warning = demand.local ? '; pods on it get no traffic from outside' : '';
  const reason = `not needed: the pool is limited to ${demand.maxBackends} backend${demand.maxBackends === 1 ? '' : 's'}${warning}`;
  return candidates.map((c) =>
    c.verdict === 'in' && !chosen.has(c) ? { ...c, verdict: 'out' as const, code: 'not-needed' as const, reason } : c,
  );
}

/** A candidate with its place in its zone: one of each zone is taken, then a second one of each, and so on. */
interface Ranked {
  readonly candidate: Candidate;
  readonly round: number;
  readonly zoneScore: number;
}

function inTurn(inside: readonly Candidate[], { pool }: PoolDemand): readonly Candidate[] {
  const scores = new Map(inside.map((c) => [c, scoreOf(`${pool} ${c.node}`)]));
  const score = (c: Candidate): number => scores.get(c) ?? 0;
  const zones = Map.groupBy(inside, (c) => c.zone);
  const ranked = [...zones].flatMap(([zone, members]): readonly Ranked[] => {
    const zoneScore = scoreOf(`${pool} ${zone}`);
    const best = members.sort((a, b) => precedence(a) - precedence(b) || score(a) - score(b) || byBytes(a.node, b.node));
    return best.map((candidate, round) => ({ candidate, round, zoneScore }));
  });
  const later = (one: Ranked): number => Number(precedence(one.candidate) === Precedence.unwanted);
  ranked.sort(
    (a, b) => later(a) - later(b) || a.round - b.round || a.zoneScore - b.zoneScore || byBytes(a.candidate.zone, b.candidate.zone),
  );
  return ranked.map(({ candidate }) => candidate);
}

const Precedence = { member: 0, newcomer: 1, unwanted: 2 } as const;

/** A node that only waits its turn to leave gives way to any other. */
function precedence({ member, code }: Candidate): number {
  if (code === 'kept-by-turn') return Precedence.unwanted;
  return member ? Precedence.member : Precedence.newcomer;
}

/** FNV-1a with the last mix of MurmurHash3: even and quick, for hundreds of nodes in hundreds of pools. Not against adversaries. */
function scoreOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
