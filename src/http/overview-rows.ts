import type { NodeName } from '../core/model/ids.ts';
import { LEG_NAMES, type LegName, type LegState, type PoolReport, type RunReport, type SpecReport } from '../core/report/run-report.ts';
import type { CellLetter, OverviewLeg, OverviewRow } from './overview.ts';

/** The rows of a report, by key: one for each pool, and one for each spec without any. `before` tells since when a leg is as it is. Pure. */
export function overviewRows(report: RunReport, before: ReadonlyMap<string, OverviewRow>): readonly OverviewRow[] {
  const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
  const nodes = report.nodes.map(({ node }) => node);
  const withPool = new Set(report.pools.map(({ spec }) => spec));
  const rows = report.pools.flatMap((pool) => {
    const spec = specs.get(pool.spec);
    return spec === undefined ? [] : [poolRow(pool, spec, nodes)];
  });
  const others = report.specs.filter(({ id }) => !withPool.has(id)).map(specRow);
  const short = report.revision?.slice(0, 7) ?? 'never read';
  return [...rows, ...others]
    .map(({ spec, ...row }) => ({ ...row, spec: spec.id, legs: legsOf({ spec, row, short, before, nowMs: report.startedAtMs }) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

type Draft = Omit<OverviewRow, 'legs' | 'spec'> & { readonly spec: SpecReport };

function poolRow(pool: PoolReport, spec: SpecReport, nodes: readonly NodeName[]): Draft {
  const { desired, registered, passing, serving, service, nodePort } = pool;
  return {
    ...common(pool.pool, spec),
    pool: pool.pool,
    service,
    ...(nodePort === undefined ? {} : { nodePort }),
    desired,
    registered,
    passing,
    ...(serving === undefined ? {} : { serving }),
    nodes: lettersOf(pool, nodes),
  };
}

const specRow = (spec: SpecReport): Draft => ({ ...common(spec.id, spec), desired: 0, registered: 0, passing: 0, nodes: '' });

function common(key: string, spec: SpecReport): Pick<Draft, 'key' | 'spec' | 'state' | 'held' | 'note'> {
  const note = noteOf(spec);
  return { key, spec, state: spec.state, held: spec.holds.length, ...(note === undefined ? {} : { note }) };
}

function noteOf({ state, holds, problems, waiting }: SpecReport): string | undefined {
  if (state === 'in-step') return undefined;
  const worst = problems.find(({ severity }) => severity === 'error');
  return holds[0]?.reason.message ?? worst?.message ?? waiting[0]?.what ?? problems[0]?.message;
}

function lettersOf({ decisions, registeredOn, passingOn }: PoolReport, nodes: readonly NodeName[]): string {
  const wanted = new Map(decisions.map((decision) => [decision.node, decision.in]));
  const registered = new Set(registeredOn);
  const passing = new Set(passingOn);
  return nodes.map((node) => letterOf(wanted.get(node), registered.has(node), passing.has(node))).join('');
}

/** Where a node stands: `wanted` undefined while nobody has decided. */
export function letterOf(wanted: boolean | undefined, registered: boolean, passing: boolean): CellLetter {
  if (registered) return wanted === false ? 'l' : passing ? 'p' : 'c';
  if (wanted === undefined) return '-';
  return wanted ? 'w' : 'o';
}

interface LegInput {
  readonly spec: SpecReport;
  readonly row: Omit<Draft, 'spec'>;
  /** The revision as people write it. */
  readonly short: string;
  readonly before: ReadonlyMap<string, OverviewRow>;
  readonly nowMs: number;
}

function legsOf(input: LegInput): OverviewRow['legs'] {
  const known = input.before.get(input.row.key)?.legs;
  const leg = (name: LegName): OverviewLeg => {
    const state = input.spec.legs[name];
    const last = known?.[name];
    return { state, sinceMs: last?.state === state ? last.sinceMs : input.nowMs, text: legText(name, state, input) };
  };
  const [git, kubernetes, consul, traefik] = LEG_NAMES.map(leg) as [OverviewLeg, OverviewLeg, OverviewLeg, OverviewLeg];
  return { git, kubernetes, consul, traefik };
}

function legText(leg: LegName, state: LegState, { spec, row, short }: LegInput): string {
  if (state === 'not-watched') return leg === 'traefik' ? 'not watched' : 'nothing to do';
  switch (leg) {
    case 'git':
      return spec.state === 'broken' ? 'cannot be read' : short;
    case 'kubernetes':
      return waitText(spec, leg) ?? (row.nodePort === undefined ? KUBERNETES_TEXT[state] : `NodePort ${row.nodePort}`);
    case 'consul':
      return waitText(spec, leg) ?? (row.pool === undefined ? 'no pool' : `${row.passing} of ${row.desired} passing`);
    case 'traefik':
      return row.serving === undefined ? 'asked again' : `${row.serving} of ${row.desired} serving`;
  }
}

const KUBERNETES_TEXT: Readonly<Record<LegState, string>> = {
  'in-step': 'applied',
  changing: 'is applied',
  waiting: 'waits',
  failed: 'refused',
  unknown: 'not known',
  'not-watched': 'nothing to do',
};

/** What a leg waits for, in words. */
const waitText = ({ waiting, holds, legs }: SpecReport, leg: LegName): string | undefined =>
  waiting.find((one) => one.leg === leg)?.what ?? (holds.length > 0 && legs[leg] === 'waiting' ? 'held back' : undefined);
