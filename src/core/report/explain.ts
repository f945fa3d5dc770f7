import { type PoolKey, splitPoolKey } from '../model/ids.ts';
import { nearest } from '../spec/did-you-mean.ts';
import type { BookCommit } from './commit-book.ts';
import { ambiguousCommits, commitsNamed, explainCommit } from './explain-commit.ts';
import { few, type KnownWorld, linkMaker } from './explain-facts.ts';
import { explainNode, knownNodes } from './explain-node.ts';
import { explainPool } from './explain-pool.ts';
import { commitLink } from './explain-spec.ts';
import { explainSpecFile } from './explain-spec-file.ts';
import { unknownFileLink } from './explain-unknown.ts';
import { explainRoute } from './explain-url.ts';
import type { Explanation, WhyQuestion } from './explanation.ts';
import { type Findings, finishExplanation } from './finish-explanation.ts';
import { knownPools, poolsNamed, wantedViews } from './known-pools.ts';
import { type AskedUrl, readUrl } from './read-url.ts';
import { looksLikeCommit } from './why-no-question.ts';

/**
 * Why something is, or is not, in traffic: the chain from the commit to the last probe, and its first broken link. Reads nothing but
 * what the last run looked at, so it answers when everything is down. Any question that `whyNoQuestion` lets pass is answered, also one
 * about a name that nobody knows. Pure.
 */
export function explain(asked: WhyQuestion, known: KnownWorld): Explanation {
  const [commit, ...others] = commitsAsked(asked, known);
  if (commit !== undefined && others.length === 0) return explainCommit(asked, { commit, book: known.commits ?? [] }, known);
  return finishExplanation(asked, findingsOf(asked, known), known);
}

function commitsAsked({ kind, value }: WhyQuestion, known: KnownWorld): readonly BookCommit[] {
  const name = value.trim();
  if (kind !== 'commit' && (kind !== 'name' || isKnownName(name, known))) return [];
  return commitsNamed(name, known.commits ?? []);
}

function findingsOf({ kind, value }: WhyQuestion, known: KnownWorld): Findings {
  const name = value.trim();
  if (kind === 'node') return explainNode(name, known);
  if (kind === 'commit' || (kind === 'name' && looksLikeCommit(name) && !isKnownName(name, known))) return unknownCommit(name, known);
  const file = kind === 'name' && !isKnownName(name, known) ? known.report.specs.find(({ id }) => id === name) : undefined;
  if (file !== undefined) return explainSpecFile(file, known);
  const url = kind === 'url' || (kind === 'name' && looksLikeUrl(name)) ? readUrl(name) : undefined;
  if (url !== undefined && (kind === 'url' || !isKnownName(name, known))) return ofUrl(name, url, known);
  if (kind === 'name' && knownNodes(known).includes(name)) return explainNode(name, known);
  const [first, ...others] = poolsNamed(name, known.context);
  if (first !== undefined && others.length === 0) return explainPool(first, known);
  return first === undefined ? unknownPool(name, kind, known) : ambiguous(name, [first, ...others], known);
}

const isKnownName = (name: string, known: KnownWorld): boolean =>
  knownNodes(known).includes(name) || poolsNamed(name, known.context).length > 0;

/** A namespace holds no dot, a host nearly always one. */
const looksLikeUrl = (text: string): boolean => text.includes('://') || /^[^/]*[.:]/.test(text);

const ofUrl = (name: string, url: AskedUrl, known: KnownWorld): Findings => ({
  ...explainRoute(url, wantedViews(known.context), known),
  about: name,
});

function ambiguous(name: string, pools: readonly PoolKey[], known: KnownWorld): Findings {
  const link = linkMaker(known)('file', ['git', 'services']);
  const says = `${pools.length} pools are called ${name}: ${few(pools)}`;
  return nothing(name, [link('broken', 'ambiguous', { says, remedy: `Say which: poolkeeper why ${pools[0]}` })]);
}

function unknownCommit(name: string, known: KnownWorld): Findings {
  const several = commitsNamed(name, known.commits ?? []);
  const make = linkMaker(known)('commit', ['git']);
  if (several.length > 0)
    return nothing(name, [make('broken', 'ambiguous', { says: ambiguousCommits(name, several), remedy: 'Say more of it.' })]);
  const says = `none of the last ${known.commits?.length ?? 0} commits is ${name}`;
  const remedy = 'Was it pushed to the branch that is followed? `poolkeeper status` tells the commit in force.';
  return nothing(name, [make('broken', 'not-found', { says, remedy })]);
}

/** A name that neither Git nor Kubernetes nor Consul has: the nearest one, and files that cannot be read and mention it. */
function unknownPool(name: string, kind: WhyQuestion['kind'], known: KnownWorld): Findings {
  const commit = commitLink(known);
  const pools = knownPools(known.context);
  const own = name.includes('/') ? name.slice(name.indexOf('/') + 1) : name;
  const files = unknownFileLink(own, known);
  if (files.length > 0) return nothing(name, [commit, ...files]);
  const bare = pools.find((pool) => splitPoolKey(pool).name === own);
  const short = nearest(
    own,
    pools.map((pool) => splitPoolKey(pool).name),
  );
  const near =
    bare ??
    nearest(name, [...pools, ...(kind === 'name' ? knownNodes(known) : [])]) ??
    pools.find((pool) => splitPoolKey(pool).name === short);
  const what = kind === 'name' ? 'no pool, node or host' : 'no Service';
  const remedy = near === undefined ? '`poolkeeper status` lists the pools.' : `Did you mean ${near}?`;
  const make = linkMaker(known)('file', ['git', 'services', 'consul']);
  // While Git does not answer it may stand in a commit that nobody has seen.
  const state = commit.state === 'ok' ? 'broken' : 'unknown';
  return nothing(name, [commit, make(state, 'not-found', { says: `there is ${what} ${name} in Git, Kubernetes or Consul`, remedy })]);
}

const nothing = (about: string, links: Findings['links']): Findings => ({ about, pool: undefined, links, serving: 0, reaches: undefined });
