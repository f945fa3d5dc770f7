import type { GatewayReport, LegState, SpecReport, SpecState } from '../core/report/run-report.ts';
import { LEG_NAMES } from '../core/report/run-report.ts';
import type { PoolSummary, StatusAnswer } from '../http/api-answers.ts';
import { problemText } from '../shared/problem.ts';
import type { Colors } from './colors.ts';
import { groupHolds } from './group-holds.ts';
import { renderTable } from './render-table.ts';

/** The status of a daemon for people: when it last ran, its specs, pools and sources, what is held and what is wrong. */
export function renderStatus(status: StatusAnswer, colors: Colors, nowMs: number): string {
  const isWatched = status.pools.some(({ replicas }) => replicas !== undefined);
  const isProbed = status.pools.some(({ probes }) => probes !== undefined);
  const blocks = [
    [headline(status, nowMs)],
    table(
      colors,
      ['SPEC', 'STATE', ...LEG_NAMES.map((leg) => leg.toUpperCase()), 'REMARKS'],
      status.specs.map((spec) => specRow(spec, colors, nowMs)),
    ),
    table(
      colors,
      [
        'POOL',
        'CONSUL SERVICE',
        'NODEPORT',
        'DESIRED',
        'REGISTERED',
        'PASSING',
        ...(isWatched ? ['SERVING'] : []),
        'HEALTH',
        ...(isProbed ? ['PROBE'] : []),
      ],
      status.pools.map((pool) => [...poolRow(pool, isWatched, colors), ...(isProbed ? [probeCell(pool, colors, nowMs)] : [])]),
    ),
    table(
      colors,
      ['NODE', 'BACKEND', 'WHY'],
      status.nodes.map(({ node, eligible, reason }) => [node, eligible ? colors.green('in') : colors.red('out'), reason]),
    ),
    table(
      colors,
      ['TRAEFIK', 'STATE', 'POOLS', 'SINCE'],
      (status.gateways ?? []).map((gateway) => gatewayRow(gateway, colors, nowMs)),
    ),
    table(
      colors,
      ['SOURCE', 'STATE', 'AGE'],
      status.sources.map(({ source, kind, ageMs }) => [source, kind === 'complete' ? colors.green(kind) : colors.red(kind), age(ageMs)]),
    ),
    groupHolds(status.holds).map(
      ({ spec, what, reason }) => `${colors.yellow('held')} ${spec}: ${what}: ${reason.message}. ${reason.remedy}`,
    ),
    wishLines(status, colors, nowMs),
    problemLines(status, colors),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** What people have allowed and suspended. Where one spec is, its row tells why. */
function wishLines({ approvals = [], suspensions = [] }: StatusAnswer, colors: Colors, nowMs: number): readonly string[] {
  return [
    ...approvals.map(({ id, left, untilMs }) => `${colors.yellow('approved')} ${id}: ${left} may still go, for ${age(untilMs - nowMs)}`),
    ...suspensions.map(({ spec, untilMs, reason }) => {
      const words = [spec ?? 'every spec', ...(reason === undefined ? [] : [reason])].join(': ');
      const end = untilMs === undefined ? `until poolkeeper resume ${spec ?? '--all'}` : `for ${age(untilMs - nowMs)}`;
      return `${colors.dim('suspended')} ${words}, ${end}`;
    }),
  ];
}

/** Each problem once, however many places tell it. */
function problemLines({ problems, sources, specs }: StatusAnswer, colors: Colors): readonly string[] {
  const all = [...problems, ...sources.flatMap(({ reason }) => reason ?? []), ...specs.flatMap((spec) => spec.problems)];
  return [...new Set(all.map((problem) => `${colors.red(problem.severity)} ${problemText(problem)}`))];
}

function headline({ revision, startedAtMs, durationMs, leader }: StatusAnswer, nowMs: number): string {
  const role = leader.consul
    ? 'this replica leads'
    : `this replica stands by${leader.holder === undefined ? '' : `, ${leader.holder} leads`}`;
  return `Revision ${revision ?? 'unknown'}; last run ${age(nowMs - startedAtMs - durationMs)} ago; ${role}`;
}

function table(colors: Colors, headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const [heading, ...lines] = renderTable(headings, rows);
  return heading === undefined ? [] : [colors.bold(heading), ...lines];
}

function specRow({ id, state, legs, waiting, holds, problems }: SpecReport, colors: Colors, nowMs: number): readonly string[] {
  const [first] = waiting;
  const next = Math.min(...waiting.flatMap(({ untilMs }) => untilMs ?? []));
  const remarks = [
    ...counted(problems.filter(({ severity }) => severity !== 'note').length, 'problem'),
    ...counted(problems.filter(({ severity }) => severity === 'note').length, 'note'),
    ...(holds.length === 0 ? [] : [`${holds.length} held`]),
    ...(first === undefined ? [] : [first.what]),
    ...(Number.isFinite(next) ? [`again in ${age(next - nowMs)}`] : []),
  ];
  return [id, paint(state, colors), ...LEG_NAMES.map((leg) => paint(legs[leg], colors)), remarks.join('; ')];
}

const counted = (count: number, word: string): readonly string[] => (count === 0 ? [] : [`${count} ${word}${count === 1 ? '' : 's'}`]);

function poolRow(
  { pool, service, nodePort, desired, registered, passing, serving, health }: PoolSummary,
  isWatched: boolean,
  colors: Colors,
): readonly string[] {
  const color = passing < desired ? colors.red : colors.green;
  // What is judged as anywhere else needs no words.
  const words = health.mode === 'node' ? health.mode : `${health.mode}: ${health.words}`;
  const served = isWatched ? [serving === undefined ? '-' : (serving < passing ? colors.red : colors.green)(String(serving))] : [];
  return [pool, service, String(nodePort ?? 'none yet'), String(desired), String(registered), color(String(passing)), ...served, words];
}

/** The worst of its routes, when last tried. */
function probeCell({ probes = [] }: PoolSummary, colors: Colors, nowMs: number): string {
  const [worst] = [...probes].sort((a, b) => Number(a.ok) - Number(b.ok) || b.durationMs - a.durationMs);
  if (worst === undefined) return '-';
  const words = worst.error ?? `${worst.status ?? ''} in ${worst.durationMs} ms`;
  return `${worst.ok ? colors.green(words) : colors.red(words)}, ${age(nowMs - worst.atMs)} ago`;
}

function gatewayRow({ replica, state, pools, sinceMs }: GatewayReport, colors: Colors, nowMs: number): readonly string[] {
  const painted = state === 'in-step' ? colors.green(state) : (state === 'changing' ? colors.yellow : colors.red)(state);
  return [replica, painted, pools === 0 ? '-' : String(pools), sinceMs === undefined ? '-' : age(nowMs - sinceMs)];
}

function paint(state: SpecState | LegState, colors: Colors): string {
  if (state === 'in-step') return colors.green(state);
  if (state === 'not-watched' || state === 'suspended') return colors.dim(state);
  return state === 'changing' || state === 'waiting' || state === 'leaving' ? colors.yellow(state) : colors.red(state);
}

/** `never`, `8s`, `3m 12s`, `2h 5m`. */
function age(ms: number | undefined): string {
  if (ms === undefined) return 'never';
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m ${seconds % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
