import { LEG_NAMES, type LegName, type LegState, type PoolReport, type RunReport, type SpecReport } from '../core/report/run-report.ts';
import { cellLetters } from './cell-letter.ts';
import type { OverviewLeg, OverviewRow } from './overview.ts';

/** The rows of a report, by key: one for each pool, and one for each spec without any. `before` tells since when a leg is as it is. Pure. */
export function overviewRows(report: RunReport, before: ReadonlyMap<string, OverviewRow>): readonly OverviewRow[] {
  const specs = new Map(report.specs.map((spec) => [spec.id, spec]));
  const withPool = new Set(report.pools.map(({ spec }) => spec));
  const rows = report.pools.flatMap((pool) => {
    const spec = specs.get(pool.spec);
    return spec === undefined ? [] : [poolRow(pool, spec, report.nodes)];
  });
  const others = report.specs.filter(({ id }) => !withPool.has(id)).map(specRow);
  return [...rows, ...others]
    .map(({ spec, ...row }) => ({ ...row, spec: spec.id, legs: legsOf({ spec, row, before, nowMs: report.startedAtMs }) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

type Draft = Omit<OverviewRow, 'legs' | 'spec'> & { readonly spec: SpecReport };

function poolRow(pool: PoolReport, spec: SpecReport, nodes: RunReport['nodes']): Draft {
  const { desired, registered, passing, serving, service, nodePort, agents } = pool;
  const letterOf = cellLetters(pool);
  return {
    ...common(pool.pool, spec),
    pool: pool.pool,
    service,
    ...(nodePort === undefined ? {} : { nodePort }),
    desired,
    registered,
    passing,
    ...(serving === undefined ? {} : { serving }),
    ...(agents === undefined ? {} : { byAgents: agents.nodes.length }),
    nodes: nodes.map(({ node }) => letterOf(node)).join(''),
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

interface LegInput {
  readonly spec: SpecReport;
  readonly row: Omit<Draft, 'spec'>;
  readonly before: ReadonlyMap<string, OverviewRow>;
  readonly nowMs: number;
}

function legsOf(input: LegInput): OverviewRow['legs'] {
  const known = input.before.get(input.row.key)?.legs;
  const leg = (name: LegName): OverviewLeg => {
    const state = input.spec.legs[name];
    const last = known?.[name];
    const text = legText(name, state, input);
    return { state, sinceMs: last?.state === state ? last.sinceMs : input.nowMs, ...(text === undefined ? {} : { text }) };
  };
  const [git, kubernetes, consul, traefik] = LEG_NAMES.map(leg) as [OverviewLeg, OverviewLeg, OverviewLeg, OverviewLeg];
  return { git, kubernetes, consul, traefik };
}

function legText(leg: LegName, state: LegState, { spec, row }: LegInput): string | undefined {
  if (state === 'not-watched') return leg === 'traefik' ? 'not watched' : 'nothing to do';
  switch (leg) {
    case 'git':
      return spec.state === 'broken' ? 'cannot be read' : undefined;
    case 'kubernetes':
      return waitText(spec, leg) ?? (row.nodePort === undefined ? KUBERNETES_TEXT[state] : `NodePort ${row.nodePort}`);
    case 'consul':
      return waitText(spec, leg) ?? consulText(row);
    case 'traefik':
      return row.serving === undefined ? 'asked again' : `${row.serving} of ${row.desired} serving`;
  }
}

function consulText({ pool, desired, passing, byAgents }: LegInput['row']): string {
  if (pool === undefined) return 'no pool';
  if (byAgents === undefined) return `${passing} of ${desired} passing`;
  // While a pool moves, some of it stands in the catalog already.
  return passing === 0 ? `${byAgents} of ${desired} by agents` : `${passing} passing, ${byAgents} by agents`;
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
