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
  const { desired, registered, passing, serving, service, hosts, nodePort, agents } = pool;
  const letterOf = cellLetters(pool);
  return {
    ...common(pool.pool, spec),
    pool: pool.pool,
    service,
    ...(hosts === undefined ? {} : { hosts: hosts.join(' ') }),
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
  // The state says so itself.
  if (state === 'suspended') return waiting[0]?.what.replace(/^suspended(?:: |$)/, '') || undefined;
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
    const state = legState(name, input);
    const last = known?.[name];
    const text = legText(name, state, input);
    const now = { state, ...(text === undefined ? {} : { text }) };
    return {
      ...now,
      sinceMs: last !== undefined && isAsBefore(name, now, { last, spec: input.spec }) ? last.sinceMs : startOf(name, input),
    };
  };
  const [git, kubernetes, consul, traefik] = LEG_NAMES.map(leg) as [OverviewLeg, OverviewLeg, OverviewLeg, OverviewLeg];
  return { git, kubernetes, consul, traefik };
}

/** Whether a leg is as it was, and the run has not brought it there anew. */
function isAsBefore(
  leg: LegName,
  now: Pick<OverviewLeg, 'state' | 'text'>,
  { last, spec }: { readonly last: OverviewLeg; readonly spec: SpecReport },
): boolean {
  if (last.state !== now.state) return false;
  // While something is under way its words count up.
  return (
    now.state !== 'in-step' || (last.text === now.text && !spec.actions.some((action) => action.leg === leg && action.result === 'done'))
  );
}

const startOf = (leg: LegName, { spec: { lastChange }, nowMs }: LegInput): number =>
  leg === 'git' && lastChange !== undefined ? Math.min(nowMs, lastChange.committedAtMs) : nowMs;

/** Nothing of a broken file is in step where nothing of it serves. */
function legState(leg: LegName, { spec, row }: LegInput): LegState {
  const state = spec.legs[leg];
  if (spec.state !== 'broken' || state !== 'in-step' || row.pool === undefined) return state;
  const serving = leg === 'traefik' ? (row.serving ?? 0) : row.passing + (row.byAgents ?? 0);
  return (leg === 'consul' || leg === 'traefik') && serving === 0 ? 'waiting' : state;
}

function legText(leg: LegName, state: LegState, input: LegInput): string | undefined {
  const { spec, row } = input;
  if (spec.state !== 'broken' || leg === 'git') return textOf(leg, state, input);
  if (row.pool === undefined && state === 'waiting') return waitText(spec, leg) ?? NOTHING_YET[leg];
  const text = textOf(leg, state, input) ?? '';
  return state === 'in-step' ? `last good version: ${text}` : text;
}

const SHOWN_OF_REVISION = 7;
const NOTHING_YET = { kubernetes: 'nothing applied yet', consul: 'nothing registered yet', traefik: 'nothing routed yet' } as const;

function textOf(leg: LegName, state: LegState, { spec, row }: LegInput): string | undefined {
  if (state === 'not-watched') return leg !== 'traefik' ? 'nothing to do' : row.pool === undefined ? 'no pool' : 'not watched';
  switch (leg) {
    case 'git':
      return spec.state === 'broken' ? 'cannot be read' : spec.lastChange?.revision.slice(0, SHOWN_OF_REVISION);
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
