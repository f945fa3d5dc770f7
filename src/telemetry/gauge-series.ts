import type { RouteAnswer } from '../core/model/ports.ts';
import { actionsOf, GATEWAY_STATES, type LegName, type RunReport, type SourceReport, SPEC_STATES } from '../core/report/run-report.ts';
import type { Problem, ProblemCode } from '../shared/problem.ts';
import type { MetricName } from './metric-table.ts';

/** One series of a gauge as it is now. */
export interface Series {
  readonly labels: Record<string, string>;
  readonly value: number;
}

/** The series of a gauge without labels. */
export const plain = (value: number): Series => ({ labels: {}, value });

/** The series of every gauge after this report. A series that is not there is removed: absent is not 0. */
export function gaugeSeries(report: RunReport): ReadonlyMap<MetricName, readonly Series[]> {
  const available = (source: string): boolean => report.sources.some((entry) => entry.source === source && entry.kind !== 'unavailable');
  return new Map<MetricName, readonly Series[]>([
    ['pool_backends', report.leader.consul ? poolSeries(report, available('consul')) : []],
    ['pool_floor', report.leader.consul ? floorSeries(report) : []],
    ['last_success_timestamp_seconds', successSeries(report)],
    ['source_revision_info', report.revision === undefined ? [] : [{ labels: { revision: report.revision }, value: 1 }]],
    ['specs', available('git') ? stateSeries(report) : []],
    ['plan_actions', actionSeries(report)],
    [
      'holds',
      countSeries(
        'reason',
        report.holds.map(({ reason }) => reason.code),
      ),
    ],
    ['problems', problemSeries(report)],
    ['conflicts', conflictSeries(report)],
    ['node_eligible', available('nodes') ? nodeSeries(report) : []],
    ['replica_pools', report.leader.consul ? replicaSeries(report) : []],
    ['traefik_replica_state', report.leader.consul ? gatewaySeries(report) : []],
    ['probe_success', report.leader.consul ? probeSeries(report, ({ ok }) => (ok ? 1 : 0), Math.min) : []],
    ['probe_duration_seconds', report.leader.consul ? probeSeries(report, ({ durationMs }) => durationMs / 1000, Math.max) : []],
    ['leader', [{ labels: {}, value: report.leader.consul ? 1 : 0 }]],
    ['snapshot_age_seconds', ageSeries(report.sources)],
    ['snapshot_complete', report.sources.map(({ source, kind }) => ({ labels: { source }, value: kind === 'complete' ? 1 : 0 }))],
  ]);
}

function poolSeries({ pools }: RunReport, consulIsKnown: boolean): readonly Series[] {
  return pools.flatMap(({ pool, desired, registered, passing, serving }) => {
    const [namespace = '', service = ''] = pool.split('/');
    const inConsul = consulIsKnown ? { registered, passing } : {};
    const states = { desired, ...inConsul, ...(serving === undefined ? {} : { serving }) };
    return Object.entries(states).map(([state, value]) => ({ labels: { namespace, service, state }, value }));
  });
}

function floorSeries({ pools }: RunReport): readonly Series[] {
  return pools.flatMap(({ pool, floor }) => {
    const [namespace = '', service = ''] = pool.split('/');
    return floor === undefined ? [] : [{ labels: { namespace, service }, value: floor }];
  });
}

const REPLICA_STATES = ['in-step', 'changing', 'behind'] as const;

function replicaSeries({ pools }: RunReport): readonly Series[] {
  const byReplica = Map.groupBy(
    pools.flatMap(({ replicas }) => replicas ?? []),
    ({ replica }) => replica,
  );
  return [...byReplica].flatMap(([replica, reports]) => {
    if (reports.some(({ state }) => state === 'stale' || state === 'lost')) return [];
    const states = reports.map(({ state }) => (state === 'unasked' ? 'changing' : state));
    return REPLICA_STATES.map((state) => ({ labels: { replica, state }, value: states.filter((one) => one === state).length }));
  });
}

const gatewaySeries = ({ gateways = [] }: RunReport): readonly Series[] =>
  gateways.flatMap(({ replica, state }) =>
    GATEWAY_STATES.map((one) => ({ labels: { replica, state: one }, value: one === state ? 1 : 0 })),
  );

/** One series for each pool of which routes were tried: of several, the worst. */
function probeSeries(
  { pools }: RunReport,
  measure: (answer: RouteAnswer) => number,
  worst: (...values: number[]) => number,
): readonly Series[] {
  return pools.flatMap(({ pool, probes = [] }) => {
    const [namespace = '', service = ''] = pool.split('/');
    return probes.length === 0 ? [] : [{ labels: { namespace, service }, value: worst(...probes.map(measure)) }];
  });
}

/** The sources that must be complete for a leg to count as read. */
const LEG_SOURCES: ReadonlyMap<LegName, (source: string) => boolean> = new Map([
  ['git', (source) => source === 'git'],
  ['kubernetes', (source) => ['nodes', 'services', 'endpoints'].includes(source) || source.startsWith('objects:')],
  ['consul', (source) => source === 'consul'],
  ['traefik', (source) => source.startsWith('traefik:')],
]);

function successSeries(report: RunReport): readonly Series[] {
  const { startedAtMs, durationMs, sources } = report;
  const series: Series[] = [];
  for (const [leg, belongs] of LEG_SOURCES) {
    const own = sources.filter(({ source }) => belongs(source));
    const failed = actionsOf(report).some(({ action }) => action.leg === leg && action.result === 'failed');
    if (own.length === 0 || failed || own.some(({ kind }) => kind !== 'complete')) continue;
    // Git and Traefik are polled: the last success is when they were last asked. The others are watched: they are known up to now.
    const ageMs = leg === 'git' || leg === 'traefik' ? Math.max(...own.map(({ ageMs: age }) => age ?? 0)) : 0;
    series.push({ labels: { leg }, value: (startedAtMs + durationMs - ageMs) / 1000 });
  }
  return series;
}

function stateSeries({ specs }: RunReport): readonly Series[] {
  return SPEC_STATES.map((state) => ({ labels: { state }, value: specs.filter((spec) => spec.state === state).length }));
}

function actionSeries(report: RunReport): readonly Series[] {
  const counts = new Map<string, Series>();
  for (const { action } of actionsOf(report)) {
    const { leg, op } = action;
    const key = `${leg} ${op}`;
    counts.set(key, { labels: { leg, op }, value: (counts.get(key)?.value ?? 0) + 1 });
  }
  return [...counts.values()];
}

const CONFLICT_KINDS: Partial<Readonly<Record<ProblemCode, string>>> = {
  SPEC_OBJECT_CONFLICT: 'object',
  SPEC_NAME_CONFLICT: 'consul-service',
  OBJECT_NOT_OURS: 'foreign-object',
  CONSUL_NAME_TAKEN: 'foreign-service',
  CONSUL_INSTANCE_TAKEN: 'foreign-instance',
  CONSUL_NODE_TAKEN: 'foreign-node',
  CONSUL_KEY_TAKEN: 'foreign-key',
  CONSUL_AGENTS_REGISTER: 'agents',
  CONSUL_POOL_DOUBLED: 'agents',
  CONSUL_CLUSTER_CLASH: 'cluster',
  ROUTE_CONFLICT: 'route',
};

function conflictSeries({ problems, specs }: RunReport): readonly Series[] {
  const all: readonly Problem[] = [...problems, ...specs.flatMap((spec) => spec.problems)];
  return countSeries(
    'kind',
    // Both sides are told; the one that is set aside is told an error.
    all.flatMap(({ code, severity }) => (severity === 'error' ? (CONFLICT_KINDS[code] ?? []) : [])),
  );
}

function problemSeries({ problems, specs, sources }: RunReport): readonly Series[] {
  const reasons = sources.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
  const series = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const { code, severity } of [...problems, ...reasons, ...specs.flatMap((spec) => spec.problems)]) {
    const one = series.get(`${code} ${severity}`) ?? { labels: { code, severity }, value: 0 };
    one.value++;
    series.set(`${code} ${severity}`, one);
  }
  return [...series.values()];
}

function nodeSeries({ nodes }: RunReport): readonly Series[] {
  return nodes.map(({ node, eligible, code }) => ({ labels: { node, reason: code }, value: eligible ? 1 : 0 }));
}

function ageSeries(sources: readonly SourceReport[]): readonly Series[] {
  return sources.flatMap(({ source, kind, ageMs }) =>
    kind === 'unavailable' || ageMs === undefined ? [] : [{ labels: { source }, value: ageMs / 1000 }],
  );
}

function countSeries(label: string, values: readonly string[]): readonly Series[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ labels: { [label]: value }, value: count }));
}
