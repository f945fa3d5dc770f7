import { describe, expect, it } from 'vitest';
import { poolKey, replicaName, revision } from '../../../src/core/model/ids.ts';
import type { ReplicaReport, RunReport } from '../../../src/core/report/run-report.ts';
import { problem } from '../../../src/shared/problem.ts';
import { createMetrics, type Metrics } from '../../../src/telemetry/create-metrics.ts';
import { METRIC_PREFIX, METRICS } from '../../../src/telemetry/metric-table.ts';
import { actionReport, nodeReport, poolReport, removalHold, runReport, sourceReport, specReport } from '../../support/run-report.ts';

/** The series of one metric: `name{labels} value` without the prefix. */
async function seriesOf(metrics: Metrics, name: string): Promise<readonly string[]> {
  const text = await metrics.text();
  return text
    .split('\n')
    .filter((line) => new RegExp(`^${METRIC_PREFIX}${name}(_(sum|count))?[{ ]`).test(line))
    .map((line) => line.slice(METRIC_PREFIX.length));
}

async function observed(report: Partial<RunReport>, name: string): Promise<readonly string[]> {
  const metrics = createMetrics({ processMetrics: false });
  metrics.observe(runReport(report));
  return seriesOf(metrics, name);
}

const without = (missing: string) =>
  runReport().sources.map((entry) => (entry.source === missing ? sourceReport(missing, { kind: 'unavailable', ageMs: undefined }) : entry));

describe('createMetrics', () => {
  it('tells the pools, and forgets those that are gone', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.observe(runReport({ pools: [poolReport('prod', 'web', { service: 'other-name' }), poolReport('prod', 'gone')] }));
    metrics.observe(runReport({ pools: [poolReport('prod', 'web', { service: 'other-name', registered: 1 })] }));
    expect(await seriesOf(metrics, 'pool_backends')).toEqual([
      'pool_backends{namespace="prod",service="web",state="desired"} 3',
      'pool_backends{namespace="prod",service="web",state="registered"} 1',
      'pool_backends{namespace="prod",service="web",state="passing"} 2',
    ]);
  });

  it('tells what Traefik serves, and how far each replica has followed', async () => {
    const replica = (name: string, state: ReplicaReport['state']): ReplicaReport => ({
      replica: replicaName(name),
      state,
      serving: 1,
      missing: 0,
      lingering: [],
      routers: [],
    });
    const pools = [
      poolReport('prod', 'web', { serving: 1, replicas: [replica('a', 'in-step'), replica('b', 'behind'), replica('c', 'stale')] }),
      poolReport('prod', 'api', { replicas: [replica('a', 'unasked'), replica('b', 'in-step'), replica('c', 'stale')] }),
      poolReport('prod', 'off', { replicas: [] }),
    ];
    expect((await observed({ pools }, 'pool_backends')).filter((line) => line.includes('serving'))).toEqual([
      'pool_backends{namespace="prod",service="web",state="serving"} 1',
    ]);
    expect(await observed({ pools }, 'replica_pools')).toEqual([
      'replica_pools{replica="a",state="in-step"} 1',
      'replica_pools{replica="a",state="changing"} 1',
      'replica_pools{replica="a",state="behind"} 0',
      'replica_pools{replica="b",state="in-step"} 1',
      'replica_pools{replica="b",state="changing"} 0',
      'replica_pools{replica="b",state="behind"} 1',
    ]);
    expect(await observed({ pools, leader: { consul: false, kubernetes: true } }, 'replica_pools')).toEqual([]);
  });

  it('tells the one state of every Traefik replica', async () => {
    const gateways = [{ replica: replicaName('a'), state: 'frozen', pools: 2 }] as const;
    expect(await observed({ gateways }, 'traefik_replica_state')).toEqual([
      'traefik_replica_state{replica="a",state="in-step"} 0',
      'traefik_replica_state{replica="a",state="changing"} 0',
      'traefik_replica_state{replica="a",state="behind"} 0',
      'traefik_replica_state{replica="a",state="frozen"} 1',
      'traefik_replica_state{replica="a",state="differs"} 0',
      'traefik_replica_state{replica="a",state="unreachable"} 0',
    ]);
    expect(await observed({ gateways, leader: { consul: false, kubernetes: true } }, 'traefik_replica_state')).toEqual([]);
  });

  it('tells of the routes of a pool whether all answer, and how long the slowest takes, as they were last tried', async () => {
    const answer = (ok: boolean, durationMs: number) => ({ router: 'r', host: 'h', path: '/', atMs: 0, ok, durationMs, failures: 0 });
    const pools = [poolReport('prod', 'web', { probes: [answer(true, 40), answer(false, 120)] }), poolReport('prod', 'api')];
    expect(await observed({ pools }, 'probe_success')).toEqual(['probe_success{namespace="prod",service="web"} 0']);
    expect(await observed({ pools }, 'probe_duration_seconds')).toEqual(['probe_duration_seconds{namespace="prod",service="web"} 0.12']);
    const probed = new Map([[poolKey('prod', 'api'), [answer(true, 7)]]]);
    const metrics = createMetrics({ processMetrics: false, live: () => ({ nowMs: 1, sources: [], probed }) });
    metrics.observe(runReport({ pools }));
    const text = await metrics.text();
    expect(text.split('\n').filter((line) => line.startsWith('poolkeeper_probe_success{'))).toEqual([
      'poolkeeper_probe_success{namespace="prod",service="api"} 1',
    ]);
  });

  it('counts Traefik as read when every replica was, as of the one that was asked first', async () => {
    const sources = [sourceReport('traefik:a', { ageMs: 40_000 }), sourceReport('traefik:b', { ageMs: 500 })];
    const success = async (entries: RunReport['sources']) =>
      (await observed({ startedAtMs: 100_000, durationMs: 0, sources: entries }, 'last_success_timestamp_seconds')).filter((line) =>
        line.includes('traefik'),
      );
    expect(await success(sources)).toEqual(['last_success_timestamp_seconds{leg="traefik"} 60']);
    expect(await success([...sources, sourceReport('traefik:c', { kind: 'stale' })])).toEqual([]);
    expect(await success([])).toEqual([]);
  });

  it('leaves out what an unavailable source would have told', async () => {
    const pools = [poolReport('prod', 'web')];
    expect(await observed({ pools, sources: without('consul') }, 'pool_backends')).toEqual([
      'pool_backends{namespace="prod",service="web",state="desired"} 3',
    ]);
    expect(await observed({ sources: without('git') }, 'specs')).toEqual([]);
    const nodes = [nodeReport('w1')];
    expect(await observed({ nodes, sources: without('nodes') }, 'node_eligible')).toEqual([]);
    expect(await observed({ nodes }, 'node_eligible')).toEqual(['node_eligible{node="w1",reason="ready"} 1']);
    expect(
      await observed(
        { sources: [sourceReport('git', { kind: 'unavailable', ageMs: 5 }), sourceReport('consul', { kind: 'stale' })] },
        'snapshot_age_seconds',
      ),
    ).toEqual(['snapshot_age_seconds{source="consul"} 1.5']);
  });

  it('tells pools and latencies from the leader only', async () => {
    const report = {
      pools: [poolReport('prod', 'web')],
      latencies: [{ revision: revision('4f1c0de'), stage: 'total', seconds: 3, start: 'webhook' }],
    } as const;
    const standby = { ...report, leader: { consul: false, kubernetes: true } };
    expect(await observed(standby, 'pool_backends')).toEqual([]);
    expect(await observed(standby, 'sync_latency_seconds')).toEqual([]);
    expect(await observed(standby, 'leader')).toEqual(['leader 0']);
    expect(await observed(report, 'leader')).toEqual(['leader 1']);
    // The series of the leader begin at 0: else `increase` would not see the first commit after a start.
    expect(await observed(report, 'sync_latency_seconds')).toEqual([
      'sync_latency_seconds_sum{stage="total",start="webhook"} 3',
      'sync_latency_seconds_count{stage="total",start="webhook"} 1',
      'sync_latency_seconds_sum{stage="total",start="poll"} 0',
      'sync_latency_seconds_count{stage="total",start="poll"} 0',
    ]);
  });

  it('counts specs by state, also those that nothing is in', async () => {
    const series = await observed({ specs: [specReport('a'), specReport('b'), specReport('c', { state: 'held' })] }, 'specs');
    expect(series).toHaveLength(10);
    expect(series).toEqual(expect.arrayContaining(['specs{state="in-step"} 2', 'specs{state="held"} 1', 'specs{state="broken"} 0']));
  });

  it('counts actions, holds, conflicts and writes', async () => {
    const metrics = createMetrics({ processMetrics: false });
    const report = runReport({
      specs: [
        specReport('a', {
          actions: [actionReport(), actionReport(), actionReport({ leg: 'consul', op: 'register-pool' })],
          problems: [problem('SPEC_OBJECT_CONFLICT', 'x'), problem('SPEC_SYNTAX', 'y')],
        }),
      ],
      holds: [removalHold('a', 'x'), removalHold('b', 'y')],
      problems: [problem('CONSUL_NODE_TAKEN', 'z')],
      writes: [{ leg: 'consul', result: 'done', count: 4 }],
    });
    metrics.observe(report);
    metrics.observe(report);
    const writes = [
      'writes_total{leg="kubernetes",result="done"} 0',
      'writes_total{leg="kubernetes",result="failed"} 0',
      'writes_total{leg="consul",result="done"} 8',
      'writes_total{leg="consul",result="failed"} 0',
    ];
    expect(await seriesOf(metrics, 'plan_actions')).toEqual([
      'plan_actions{leg="kubernetes",op="apply-object"} 2',
      'plan_actions{leg="consul",op="register-pool"} 1',
    ]);
    expect(await seriesOf(metrics, 'holds')).toEqual(['holds{reason="REMOVAL_LIMIT"} 2']);
    expect(await seriesOf(metrics, 'conflicts')).toEqual(['conflicts{kind="foreign-node"} 1', 'conflicts{kind="object"} 1']);
    expect(await seriesOf(metrics, 'writes_total')).toEqual(writes);
    metrics.observe(runReport());
    expect(await seriesOf(metrics, 'holds')).toEqual([]);
    expect(await seriesOf(metrics, 'writes_total')).toEqual(writes);
  });

  it('keeps the time of the last success of a leg through failures', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.observe(runReport());
    metrics.observe(
      runReport({
        startedAtMs: 1_700_000_100_000,
        sources: without('git'),
        specs: [specReport('a', { actions: [actionReport({ leg: 'consul', op: 'register-pool', result: 'failed' })] })],
      }),
    );
    expect(await seriesOf(metrics, 'last_success_timestamp_seconds')).toEqual([
      'last_success_timestamp_seconds{leg="git"} 1699999998.52',
      'last_success_timestamp_seconds{leg="kubernetes"} 1700000100.02',
      'last_success_timestamp_seconds{leg="consul"} 1700000000.02',
    ]);
  });

  it('tells the one revision in force', async () => {
    expect(await observed({}, 'source_revision_info')).toEqual(['source_revision_info{revision="4f1c0de"} 1']);
    expect(await observed({ revision: undefined }, 'source_revision_info')).toEqual([]);
  });

  it('asks the sources at the scrape, so that a quiet daemon does not look stale', async () => {
    const metrics = createMetrics({
      processMetrics: false,
      live: () => ({ nowMs: 1_700_000_500_000, sources: [sourceReport('git', { ageMs: 2000 })] }),
    });
    metrics.observe(runReport());
    expect(await seriesOf(metrics, 'snapshot_age_seconds')).toEqual(['snapshot_age_seconds{source="git"} 2']);
    expect(await seriesOf(metrics, 'last_success_timestamp_seconds')).toContain('last_success_timestamp_seconds{leg="git"} 1700000498');
  });

  it('tells the floors of the pools that are to be in the catalog', async () => {
    const pools = [poolReport('prod', 'web', { floor: 2 }), poolReport('prod', 'leaving')];
    expect(await observed({ pools }, 'pool_floor')).toEqual(['pool_floor{namespace="prod",service="web"} 2']);
    expect(await observed({ pools, leader: { consul: false, kubernetes: true } }, 'pool_floor')).toEqual([]);
  });

  it('counts problems by code and severity, those of sources too', async () => {
    const report = {
      problems: [problem('CONSUL_NODE_TAKEN', 'a')],
      specs: [specReport('a', { problems: [problem('SPEC_SYNTAX', 'x'), problem('SPEC_SYNTAX', 'y')] })],
      sources: [sourceReport('git', { kind: 'stale', reason: problem('GIT_AUTH_FAILED', 'no') })],
    };
    expect(await observed(report, 'problems')).toEqual([
      'problems{code="CONSUL_NODE_TAKEN",severity="error"} 1',
      'problems{code="GIT_AUTH_FAILED",severity="error"} 1',
      'problems{code="SPEC_SYNTAX",severity="error"} 2',
    ]);
    expect(await observed({}, 'problems')).toEqual([]);
  });

  it('tells for how long the spec that has waited longest has differed from Git', async () => {
    let nowMs = 1_000_000;
    const metrics = createMetrics({ processMetrics: false, live: () => ({ nowMs, sources: [] }) });
    const ahead = async (startedAtMs: number, specs: RunReport['specs'], scrapedAtMs: number) => {
      metrics.observe(runReport({ startedAtMs, specs }));
      nowMs = scrapedAtMs;
      return (await seriesOf(metrics, 'git_ahead_seconds'))[0];
    };
    const [waiting, changing] = [specReport('a', { state: 'waiting' }), specReport('b', { state: 'changing' })];
    expect(await ahead(10_000, [specReport('a'), specReport('b', { state: 'broken' })], 20_000)).toBe('git_ahead_seconds 0');
    expect(await ahead(20_000, [waiting, specReport('b')], 25_000)).toBe('git_ahead_seconds 5');
    expect(await ahead(30_000, [specReport('a', { state: 'failed' }), changing], 32_000)).toBe('git_ahead_seconds 12');
    // Nobody knows whether it has settled.
    expect(await ahead(40_000, [specReport('a', { state: 'unknown' }), changing], 41_000)).toBe('git_ahead_seconds 21');
    expect(await ahead(50_000, [specReport('a'), changing], 51_000)).toBe('git_ahead_seconds 21');
    expect(await ahead(60_000, [specReport('a', { state: 'unknown' })], 61_000)).toBe('git_ahead_seconds 0');
    metrics.observe(runReport({ specs: [waiting], leader: { consul: false, kubernetes: false } }));
    expect(await seriesOf(metrics, 'git_ahead_seconds')).toEqual([]);
  });

  it('claims nothing of what no run has told yet, but that it does not lead', async () => {
    const metrics = createMetrics({ processMetrics: false, live: () => ({ nowMs: 1, sources: [], queued: 2 }) });
    const gauges = Object.entries(METRICS).flatMap(([name, { type }]) => (type === 'gauge' ? [name] : []));
    const shown = await Promise.all(gauges.map((name) => seriesOf(metrics, name)));
    expect(shown.flat()).toEqual(['leader 0']);
  });

  it('counts runs, their errors and what waits for them, and requests', async () => {
    const metrics = createMetrics({ processMetrics: false, live: () => ({ nowMs: 1, sources: [], queued: 2 }) });
    metrics.observe(runReport({ durationMs: 20 }));
    metrics.observe(runReport({ durationMs: 40 }));
    metrics.countRunError();
    metrics.countRequest({ leg: 'consul', method: 'PUT', code: '200' });
    metrics.countRequest({ leg: 'consul', method: 'PUT', code: '200' });
    expect(await seriesOf(metrics, 'run_duration_seconds')).toEqual(['run_duration_seconds_sum 0.06', 'run_duration_seconds_count 2']);
    expect(await seriesOf(metrics, 'run_errors_total')).toEqual(['run_errors_total 1']);
    expect(await seriesOf(metrics, 'queue_length')).toEqual(['queue_length 2']);
    expect(await seriesOf(metrics, 'client_requests_total')).toEqual(['client_requests_total{leg="consul",method="PUT",code="200"} 2']);
  });

  it('counts resync requests, and serves every documented metric beside those of the process', async () => {
    const metrics = createMetrics();
    metrics.countResync('queued');
    metrics.countResync('queued');
    expect((await seriesOf(metrics, 'resync_requests_total')).filter((line) => !line.endsWith(' 0'))).toEqual([
      'resync_requests_total{result="queued"} 2',
    ]);
    const text = await metrics.text();
    for (const [name, { type }] of Object.entries(METRICS)) expect(text).toContain(`# TYPE ${METRIC_PREFIX}${name} ${type}`);
    expect(text).toContain('process_cpu_seconds_total');
  });
});
