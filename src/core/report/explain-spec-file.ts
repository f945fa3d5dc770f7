import { brokenBy, count, few, type KnownWorld, linkMaker, subjectOf } from './explain-facts.ts';
import { explainPool } from './explain-pool.ts';
import { commitLink } from './explain-spec.ts';
import type { Link } from './explanation.ts';
import { type Findings, verdictOf } from './finish-explanation.ts';
import { knownPools } from './known-pools.ts';
import type { SpecReport } from './run-report.ts';

/** Why what a spec file holds is, or is not, in traffic: the chain of the first of its pools that is not as it should be. */
export function explainSpecFile(file: SpecReport, known: KnownWorld): Findings {
  const pools = knownPools(known.context).filter((pool) => subjectOf(pool, known).spec === file.id);
  const all = pools.map((pool) => explainPool(pool, known));
  const [first] = all;
  if (first === undefined) return withoutPools(file, known);
  const ill = worst(all);
  const links = (ill ?? first).links.map((link) => withPools(link, pools));
  if (ill !== undefined) return { ...ill, about: `${file.id}: ${ill.about}`, links };
  return { ...first, about: all.length === 1 ? `${file.id}: ${first.about}` : `${file.id} with its ${count(all.length, 'pool')}`, links };
}

/** The first that is out, else the first with something to be mended or waited for. */
function worst(all: readonly Findings[]): Findings | undefined {
  const isOut = (one: Findings): boolean => verdictOf(one) === 'out';
  const isBroken = ({ links }: Findings): boolean => links.some(({ state }) => state === 'broken');
  const isOpen = ({ links }: Findings): boolean => links.some(({ state }) => state === 'waiting' || state === 'unknown');
  return all.find(isOut) ?? all.find(isBroken) ?? all.find(isOpen);
}

const withPools = (link: Link, pools: readonly string[]): Link =>
  link.link === 'file' && pools.length > 1 ? { ...link, facts: [...link.facts, `its pools: ${few(pools)}`] } : link;

/** A file that has never been in force, or that holds no Service. */
function withoutPools({ id, problems }: SpecReport, known: KnownWorld): Findings {
  const make = linkMaker(known)('file', ['git']);
  const error = problems.find(({ severity }) => severity === 'error');
  const remedy = 'Add a Service of type NodePort, if it is to get requests.';
  const link =
    error === undefined
      ? make('broken', 'not-found', { says: `${id} is a spec file without a Service, so it makes no pool`, remedy })
      : brokenBy(make, error, [`${id} is not in force`]);
  return { about: id, pool: undefined, links: [commitLink(known), link], serving: 0, reaches: undefined };
}
