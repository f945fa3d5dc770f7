import { describe, expect, it } from 'vitest';
import type { SpecId } from '../../../src/core/model/ids.ts';
import { specId } from '../../../src/core/model/ids.ts';
import type { LatencyReport, LegState, RunReport, SpecState } from '../../../src/core/report/run-report.ts';
import { LatencyTracker } from '../../../src/run/latency-tracker.ts';
import type { Arrival } from '../../../src/run/spec-poller.ts';
import { problem } from '../../../src/shared/problem.ts';
import { poolReport } from '../../support/run-report.ts';

const A = specId('a.json');
const B = specId('b.json');
const arrival = (more: Partial<Arrival> = {}): Arrival => ({
  revision: 'r',
  changed: new Set([A]),
  movedAfterMs: 1_000,
  fetchedAtMs: 3_000,
  decodedAtMs: 3_500,
  ...more,
});
type Told = Pick<RunReport, 'specs' | 'pools'>;
const report = (states: Readonly<Record<string, SpecState>>): Told => ({
  pools: [],
  specs: Object.entries(states).map(([id, state]) => ({
    id: specId(id),
    state,
    legs: { git: 'in-step', kubernetes: 'in-step', consul: 'in-step', traefik: 'not-watched' },
    problems: [],
    waiting: [],
    holds: [],
    actions: [],
  })),
});
/** A report of one spec whose roll-out is under way, and of what else it waits for. */
const rolling = (id: string, more: RunReport['specs'][number]['waiting'] = []): Told => ({
  pools: [],
  specs: report({ [id]: 'waiting' }).specs.map((spec) => ({
    ...spec,
    waiting: [{ leg: 'kubernetes', what: '0 of 2 replicas are available', on: undefined, rollout: true }, ...more],
  })),
});
interface Writes {
  readonly startedAtMs?: number;
  readonly plannedAtMs?: number;
  readonly kubernetes?: readonly (readonly [SpecId, number])[];
  readonly consul?: readonly (readonly [SpecId, number])[];
}
const times = ({
  startedAtMs = 3_600,
  plannedAtMs = 3_700,
  kubernetes = [],
  consul = [],
}: Writes = {}): Parameters<LatencyTracker['observe']>[1] => ({
  startedAtMs,
  plannedAtMs,
  lastKubernetesAtMs: new Map(kubernetes),
  lastConsulAtMs: new Map(consul),
});
const seconds = (latencies: readonly LatencyReport[]): unknown => Object.fromEntries(latencies.map((one) => [one.stage, one.seconds]));

describe('LatencyTracker', () => {
  it('gives the stages of a commit that one run brings to traffic', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    const found = tracker.observe(report({ 'a.json': 'in-step' }), times({ kubernetes: [[A, 4_200]], consul: [[A, 5_000]] }));
    expect(seconds(found)).toEqual({ fetch: 2, decode: 0.5, plan: 0.2, kubernetes: 0.5, rollout: 0, consul: 0.8, total: 4 });
    expect(new Set(found.map(({ start }) => start))).toEqual(new Set(['poll']));
    expect(tracker.observe(report({ 'a.json': 'in-step' }), times())).toEqual([]);
  });

  it('begins at the webhook that told of the commit, where there was one', () => {
    const tracker = new LatencyTracker();
    tracker.arrived({ ...arrival(), webhookAtMs: 2_500 });
    const found = tracker.observe(report({ 'a.json': 'in-step' }), times({ kubernetes: [[A, 4_200]], consul: [[A, 5_000]] }));
    expect(seconds(found)).toMatchObject({ fetch: 0.5, total: 2.5 });
    expect(new Set(found.map(({ start }) => start))).toEqual(new Set(['webhook']));
  });

  it('counts what lies between the apply and the run that registers as roll-out', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(tracker.observe(report({ 'a.json': 'waiting' }), times({ kubernetes: [[A, 4_000]] }))).toEqual([]);
    const found = tracker.observe(report({ 'a.json': 'in-step' }), times({ startedAtMs: 9_000, plannedAtMs: 9_100, consul: [[A, 9_500]] }));
    expect(seconds(found)).toMatchObject({ plan: 0.2, kubernetes: 0.3, rollout: 5, consul: 0.5, total: 8.5 });
  });

  it('counts a roll-out from the apply to the first run that sees it at its end', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(tracker.observe(rolling('a.json'), times({ kubernetes: [[A, 4_000]] }))).toEqual([]);
    expect(tracker.observe(rolling('a.json'), times({ startedAtMs: 7_000 }))).toEqual([]);
    const found = tracker.observe(report({ 'a.json': 'in-step' }), times({ startedAtMs: 9_000 }));
    expect(seconds(found)).toMatchObject({ kubernetes: 0.3, rollout: 5, consul: 0, total: 8 });
  });

  it('counts it to its end also where the pool is registered before', () => {
    const tracker = new LatencyTracker();
    const endpoint = { leg: 'consul', what: 'the first endpoint', on: undefined } as const;
    tracker.arrived(arrival());
    tracker.observe(rolling('a.json', [endpoint]), times({ kubernetes: [[A, 4_000]] }));
    tracker.observe(rolling('a.json'), times({ startedAtMs: 6_000, consul: [[A, 6_400]] }));
    const found = tracker.observe(report({ 'a.json': 'in-step' }), times({ startedAtMs: 9_000 }));
    expect(seconds(found)).toMatchObject({ rollout: 5, consul: 0.4, total: 8 });
  });

  it('counts it to its end where something else is waited for still', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    tracker.observe(rolling('a.json'), times({ kubernetes: [[A, 4_000]] }));
    expect(tracker.observe(report({ 'a.json': 'waiting' }), times({ startedAtMs: 6_000 }))).toEqual([]);
    expect(seconds(tracker.observe(report({ 'a.json': 'in-step' }), times({ startedAtMs: 9_000 })))).toMatchObject({
      rollout: 2,
      total: 5,
    });
  });

  it('does not count a commit whose roll-out fails', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    tracker.observe(rolling('a.json'), times({ kubernetes: [[A, 4_000]] }));
    expect(tracker.observe(report({ 'a.json': 'failed' }), times({ startedAtMs: 9_000 }))).toEqual([]);
  });

  it('waits for every spec that a commit changed', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival({ changed: new Set([A, B]) }));
    expect(tracker.observe(report({ 'a.json': 'in-step', 'b.json': 'changing' }), times({ consul: [[A, 4_000]] }))).toEqual([]);
    const found = tracker.observe(report({ 'a.json': 'in-step', 'b.json': 'in-step' }), times({ consul: [[B, 7_000]] }));
    expect(seconds(found)).toMatchObject({ total: 6 });
  });

  it.each<SpecState>(['broken', 'conflict', 'held', 'failed'])('does not count a commit that ends %s', (state) => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(tracker.observe(report({ 'a.json': state }), times())).toEqual([]);
    expect(tracker.observe(report({ 'a.json': 'in-step' }), times())).toEqual([]);
  });

  it('does not count a commit of which one spec is stuck: it is not in traffic', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival({ changed: new Set([A, B]) }));
    expect(tracker.observe(report({ 'a.json': 'failed', 'b.json': 'in-step' }), times({ consul: [[B, 4_500]] }))).toEqual([]);
    expect(tracker.observe(report({ 'a.json': 'in-step', 'b.json': 'in-step' }), times())).toEqual([]);
  });

  it('does not count a commit that breaks a file beside one that is well', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival({ changed: new Set([B]), touched: new Set([A, B]) }));
    expect(tracker.observe(report({ 'a.json': 'broken', 'b.json': 'in-step' }), times({ consul: [[B, 4_500]] }))).toEqual([]);
  });

  it('counts a commit that fails for a while, by what passes by itself', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    const failed = report({ 'a.json': 'failed' });
    const specs = failed.specs.map((spec) => ({ ...spec, problems: [problem('CONSUL_UNAVAILABLE', 'Consul is away')] }));
    expect(tracker.observe({ ...failed, specs }, times())).toEqual([]);
    expect(seconds(tracker.observe(report({ 'a.json': 'in-step' }), times({ consul: [[A, 9_000]] })))).toMatchObject({ total: 8 });
  });

  it('goes on while what leaves is still in Consul', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    const leaving = report({ 'a.json': 'leaving' });
    const pool = poolReport('default', 'a', { spec: A });
    expect(tracker.observe({ ...leaving, pools: [pool] }, times())).toEqual([]);
    const gone = { ...leaving, pools: [{ ...pool, registered: 0 }] };
    expect(seconds(tracker.observe(gone, times({ consul: [[A, 9_000]] })))).toMatchObject({ total: 8 });
  });

  it('ends a removal when the pool is out of Consul', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(seconds(tracker.observe(report({ 'a.json': 'leaving' }), times({ consul: [[A, 4_500]] })))).toMatchObject({ total: 3.5 });
  });

  it('does not follow the first head after a start, nor a commit that changed no spec', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival({ movedAfterMs: undefined }));
    tracker.arrived(arrival({ changed: new Set() }));
    expect(tracker.observe(report({ 'a.json': 'in-step' }), times())).toEqual([]);
  });

  it('follows several commits at once, and is never below zero when clocks jump', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    tracker.arrived(arrival({ changed: new Set([B]), movedAfterMs: 9_000, fetchedAtMs: 8_000, decodedAtMs: 3_550 }));
    const found = tracker.observe(report({ 'a.json': 'in-step', 'b.json': 'in-step' }), times());
    expect(found).toHaveLength(14);
    expect(found.every((one) => one.seconds >= 0)).toBe(true);
  });

  it('waits for what a newer commit changes again in that one', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival({ changed: new Set([A, B]) }));
    tracker.arrived(arrival({ movedAfterMs: 2_000, decodedAtMs: 3_550 }));
    const found = tracker.observe(report({ 'a.json': 'changing', 'b.json': 'in-step' }), times({ consul: [[B, 4_000]] }));
    expect(seconds(found)).toMatchObject({ total: 3 });
    expect(seconds(tracker.observe(report({ 'a.json': 'in-step', 'b.json': 'in-step' }), times({ consul: [[A, 6_000]] })))).toMatchObject({
      total: 4,
    });
  });

  it('does not take a run that began before the commit was known for its end', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(tracker.observe(report({ 'a.json': 'in-step' }), times({ startedAtMs: 3_400 }))).toEqual([]);
    expect(tracker.observe(report({ 'a.json': 'in-step' }), times())).toHaveLength(7);
  });

  it('forgets everything while another replica leads', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    tracker.forget();
    expect(tracker.observe(report({ 'a.json': 'in-step' }), times())).toEqual([]);
  });
});

describe('LatencyTracker, where Traefik is watched', () => {
  const watched = (state: SpecState, traefik: LegState): Told => ({
    pools: [],
    specs: report({ 'a.json': state }).specs.map((spec) => ({ ...spec, legs: { ...spec.legs, traefik } })),
  });

  it('ends when every replica serves what was registered', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(tracker.observe(watched('changing', 'changing'), times({ kubernetes: [[A, 4_200]], consul: [[A, 5_000]] }))).toEqual([]);
    expect(tracker.observe(watched('changing', 'changing'), times({ startedAtMs: 6_000 }))).toEqual([]);
    const found = tracker.observe(watched('in-step', 'in-step'), times({ startedAtMs: 7_500 }));
    expect(seconds(found)).toEqual({
      fetch: 2,
      decode: 0.5,
      plan: 0.2,
      kubernetes: 0.5,
      rollout: 0,
      consul: 0.8,
      traefik: 2.5,
      total: 6.5,
    });
  });

  it('waits for the replicas to let go of a pool that leaves', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    expect(tracker.observe(watched('leaving', 'changing'), times({ consul: [[A, 5_000]] }))).toEqual([]);
    const found = tracker.observe(watched('leaving', 'in-step'), times({ startedAtMs: 7_500 }));
    expect(seconds(found)).toMatchObject({ consul: 1.4, traefik: 2.5, total: 6.5 });
  });

  it('takes no time for Traefik where nothing in Consul has changed', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    const found = tracker.observe(watched('in-step', 'in-step'), times({ kubernetes: [[A, 4_200]] }));
    expect(seconds(found)).toMatchObject({ consul: 0, traefik: 0, total: 3.2 });
  });

  it('counts a commit that a replica is late with until it serves it: the slowest are not left out', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    tracker.observe(watched('changing', 'changing'), times({ consul: [[A, 5_000]] }));
    expect(tracker.observe(watched('in-step', 'failed'), times({ startedAtMs: 30_000 }))).toEqual([]);
    const found = tracker.observe(watched('in-step', 'in-step'), times({ startedAtMs: 61_000 }));
    expect(seconds(found)).toMatchObject({ traefik: 56, total: 60 });
  });

  it('does not count a commit of which nobody can see traffic', () => {
    const tracker = new LatencyTracker();
    tracker.arrived(arrival());
    tracker.observe(watched('changing', 'changing'), times({ consul: [[A, 5_000]] }));
    expect(tracker.observe(watched('in-step', 'unknown'), times({ startedAtMs: 30_000 }))).toEqual([]);
    expect(tracker.observe(watched('in-step', 'in-step'), times({ startedAtMs: 60_000 }))).toEqual([]);
  });
});
