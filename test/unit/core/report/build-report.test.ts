import { describe, expect, it } from 'vitest';
import type { GatewayState } from '../../../../src/core/model/gateway.ts';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import type { ReportedOutcome, ReportInput } from '../../../../src/core/report/build-report.ts';
import { buildReport } from '../../../../src/core/report/build-report.ts';
import { followTraefik } from '../../../../src/core/report/follow-traefik.ts';
import type { RunReport } from '../../../../src/core/report/run-report.ts';
import { actionsOf } from '../../../../src/core/report/run-report.ts';
import { problem } from '../../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  NOW_MS,
  node,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { answered, followingState, silent } from '../../../support/gateway-state.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const WEB = spec('web.json', deployment('web'), service('web'));
const start = (): World => world({ specs: complete(specSet([WEB])), endpoints: [endpoints('default/web')] });

function report(base: World, outcomes: readonly ReportedOutcome[] = [], more: Partial<ReportInput> = {}): RunReport {
  const { context, guarded, nodes } = planWorld(base);
  const leader = { consul: true, kubernetes: true };
  const times = { startedAtMs: NOW_MS - 5, endedAtMs: NOW_MS + 20 };
  return buildReport({
    context,
    plans: guarded.plans,
    others: nodes,
    outcomes,
    passes: 2,
    trigger: ['git'],
    leader,
    latencies: [],
    problems: [],
    ...times,
    ...more,
  });
}

describe('buildReport', () => {
  it('tells of a site in step', () => {
    const told = report(settle(start()).world);
    expect(told).toMatchObject({
      durationMs: 25,
      passes: 2,
      trigger: ['git'],
      revision: 'r2',
      holds: [],
      problems: [],
      writes: [],
      actions: [],
    });
    expect(told.specs).toMatchObject([{ id: 'web.json', state: 'in-step', actions: [], problems: [] }]);
    expect(told.pools).toMatchObject([
      { pool: 'default/web', spec: 'web.json', service: 'web', desired: 3, registered: 3, passing: 3, nodePort: expect.any(Number) },
    ]);
    expect(told.pools[0]?.decisions.map(({ code }) => code)).toEqual(['ready', 'ready', 'ready']);
    expect(told.nodes).toMatchObject([{ node: 'n1', eligible: true, code: 'ready' }, { node: 'n2' }, { node: 'n3' }]);
  });

  it('tells the floor of a pool that is to be in the catalog, and of no other', () => {
    const floorOf = (base: World) => report(base).pools.map(({ floor }) => floor);
    expect(floorOf(settle(start()).world)).toEqual([1]);
    const own = spec('web.json', deployment('web'), service('web', { annotations: { 'poolkeeper.dev/min-backends': '2' } }));
    expect(floorOf(settle(world({ specs: complete(specSet([own])), endpoints: [endpoints('default/web')] })).world)).toEqual([2]);
    const out = spec('web.json', deployment('web'), service('web', { annotations: { 'poolkeeper.dev/register': 'false' } }));
    const api = spec('api.json', deployment('api'), service('api'));
    const both = world({ specs: complete(specSet([WEB, api])), endpoints: [endpoints('default/web'), endpoints('default/api')] });
    const leaving = { ...settle(both).world, specs: complete(specSet([out, api])) };
    expect(report(leaving).pools).toMatchObject([{ desired: 3 }, { desired: 0, registered: 3 }]);
    expect(floorOf(leaving)).toEqual([1, undefined]);
  });

  it('tells of a node that is drained: the mark, its check, and where it still stands', () => {
    const before = settle(start()).world;
    const drained = node('n2', { annotations: { 'poolkeeper.dev/drain': 'true', 'poolkeeper.dev/drain-reason': 'new disk' } });
    const marked = { ...before, cluster: { ...before.cluster, nodes: complete([node('n1'), drained, node('n3')]) } };
    const n2 = (told: RunReport) => told.nodes.find((one) => one.node === 'n2');
    expect(n2(report(before))).toMatchObject({ eligible: true, draining: false, registered: 1, check: 'passing' });
    const reason = 'the node has the annotation poolkeeper.dev/drain: new disk';
    const leaving = { eligible: false, code: 'drained', reason, draining: true, registered: 1 };
    expect(n2(report(marked))).toMatchObject({ ...leaving, check: 'passing' });
    const critical = applyToWorld(marked, planWorld(marked).nodes);
    const told = report(critical);
    expect(n2(told)).toMatchObject({ ...leaving, check: 'critical' });
    expect(told.pools[0]).toMatchObject({ registeredOn: ['n1', 'n2', 'n3'], passingOn: ['n1', 'n3'], registered: 3, passing: 2 });
    const out = report(settle(critical).world);
    expect(n2(out)).toMatchObject({ draining: true, registered: 0 });
    expect(out.pools[0]).toMatchObject({ registeredOn: ['n1', 'n3'], passingOn: ['n1', 'n3'] });
    expect(out.pools[0]?.decisions.find((one) => one.node === 'n2')).toEqual({ node: 'n2', in: false, code: 'drained', reason });
  });

  it('tells of what is planned and of what was done, each thing once', () => {
    const plan = planWorld(start());
    const [first, second] = plan.actions;
    if (first === undefined || second === undefined) throw new Error('there are two objects');
    const refused = problem('KUBERNETES_REFUSED', 'no');
    const outcomes: readonly ReportedOutcome[] = [
      { spec: WEB.id, action: first, result: 'failed', problem: refused },
      { spec: WEB.id, action: second, result: 'skipped' },
    ];
    const told = report(start(), outcomes);
    expect(told.specs[0]).toMatchObject({ state: 'failed', problems: [refused] });
    expect(told.specs[0]?.actions).toEqual([
      {
        leg: 'kubernetes',
        op: 'apply-object',
        on: 'Deployment default/web',
        changes: ['create', 'new object'],
        result: 'failed',
        problem: refused,
      },
      { leg: 'kubernetes', op: 'apply-object', on: 'Service default/web', changes: ['create', 'new object'], result: 'planned' },
    ]);
    expect(told.writes).toEqual([{ leg: 'kubernetes', result: 'failed', count: 1 }]);
  });

  it('counts what was written, by leg and result, and tells of nodes beside the specs', () => {
    const base = applyToWorld(start(), planWorld(start()).actions);
    const { nodes, actions } = planWorld(base);
    const done = [...nodes.map((action) => ({ spec: undefined, action })), ...actions.map((action) => ({ spec: WEB.id, action }))];
    const told = report(
      applyToWorld(base, [...nodes, ...actions]),
      done.map((one) => ({ ...one, result: 'done' as const })),
    );
    expect(told.writes).toEqual([{ leg: 'consul', result: 'done', count: 4 }]);
    expect(told.actions?.map(({ op, on, result }) => [op, on, result])).toEqual(
      [1, 2, 3].map((i) => ['ensure-node', `Consul node k8s-c1-n${i}`, 'done']),
    );
    expect(actionsOf(told).map((one) => [one.spec, one.action.op])).toEqual([
      ['web.json', 'register-pool'],
      ['web.json', 'write-kv'],
      [undefined, 'ensure-node'],
      [undefined, 'ensure-node'],
      [undefined, 'ensure-node'],
    ]);
  });

  it('says the same problem once', () => {
    const base = {
      ...start(),
      specs: complete(specSet([], { broken: { 'a.json': [problem('SPEC_SYNTAX', 'x'), problem('SPEC_SYNTAX', 'x')] } })),
    };
    expect(report(base).specs[0]?.problems).toHaveLength(1);
  });

  it('counts a backend as passing while neither its node nor its own check is critical', () => {
    const base = settle(start()).world;
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const critical = (key: string): World => {
      const check = state.checks.get(key);
      if (check === undefined) throw new Error(`no check ${key}`);
      return {
        ...base,
        registry: complete({ ...state, checks: new Map([...state.checks, [key, { ...check, status: 'critical' as const }]]) }),
      };
    };
    expect(report(critical('k8s-c1-n2/k8s-node')).pools[0]).toMatchObject({ registered: 3, passing: 2 });
    expect(report(critical('k8s-c1-n1/pool:default:web')).pools[0]).toMatchObject({ registered: 3, passing: 2 });
  });

  it('wants no backend of a pool that leaves, and all of them while its leaving is held', () => {
    const base = settle(start()).world;
    const gone = {
      ...base,
      specs: complete(
        specSet([spec('web.json', deployment('web'), service('web', { annotations: { 'poolkeeper.dev/register': 'false' } }))]),
      ),
    };
    expect(report(gone).pools[0]).toMatchObject({ desired: 3, registered: 3 });
    expect(report(gone).specs[0]).toMatchObject({ state: 'held' });
  });

  it('tells the age and the reason of every source', () => {
    const base = start();
    const sources = report({ ...base, specs: stale(specSet([WEB])), registry: unavailable() }).sources;
    expect(sources.map(({ source, kind, ageMs }) => [source, kind, ageMs])).toEqual([
      ['git', 'stale', 60_020],
      ['nodes', 'complete', 20],
      ['services', 'complete', 20],
      ['endpoints', 'complete', 20],
      ['pods', 'complete', 20],
      ['objects:apps/Deployment', 'complete', 20],
      ['consul', 'unavailable', undefined],
    ]);
    expect(sources[0]?.reason?.code).toBe('SNAPSHOT_STALE');
  });

  it('judges each node by what every pool asks', () => {
    const nodes = [node('n1'), node('n2', { ready: false }), node('n3', { unschedulable: true })];
    const told = report({ ...start(), cluster: { ...start().cluster, nodes: complete(nodes) } });
    expect(told.nodes.map(({ node: name, eligible, code }) => [name, eligible, code])).toEqual([
      ['n1', true, 'ready'],
      ['n2', false, 'not-ready'],
      ['n3', false, 'cordoned'],
    ]);
  });

  it('is plain JSON', () => {
    const told = report(settle(start()).world);
    expect(structuredClone(told)).toEqual(told);
  });
});

describe('buildReport, where Traefik is watched', () => {
  const EDGE = replicaName('edge-1');
  const told = (base: World, shown: Snapshot<GatewayState>): RunReport => {
    const watched = { ...base, gateways: new Map([[EDGE, shown]]) };
    const { context } = planWorld(watched);
    return report(watched, [], { traefik: followTraefik(context, undefined)?.view });
  };
  const site = settle(start()).world;
  const following = followingState(snapshotValue(site.registry));

  it('tells what serves, on every pool and of every replica', () => {
    const found = told(site, answered(following));
    expect(found.specs).toMatchObject([{ state: 'in-step', legs: { traefik: 'in-step' }, problems: [] }]);
    expect(found.pools).toMatchObject([{ serving: 3, replicas: [{ replica: 'edge-1', state: 'in-step' }] }]);
    expect(found.sources.find(({ source }) => source === 'traefik:edge-1')).toMatchObject({ kind: 'complete', ageMs: 20 });
  });

  it('calls a spec changing until Traefik has followed', () => {
    const found = told(site, answered({ ...following, services: new Map(), routers: new Map() }));
    expect(found.specs).toMatchObject([{ state: 'changing', legs: { consul: 'in-step', traefik: 'changing' } }]);
    expect(found.pools).toMatchObject([{ serving: 0 }]);
  });

  it('does not know, but goes on, while no replica answers', () => {
    const found = told(site, silent(NOW_MS - 1_000));
    expect(found.specs).toMatchObject([{ state: 'in-step', legs: { traefik: 'unknown' } }]);
    expect(found.pools[0]).not.toHaveProperty('serving');
    expect(found.sources.at(-1)).toMatchObject({ source: 'traefik:edge-1', kind: 'unavailable', reason: { code: 'TRAEFIK_UNREACHABLE' } });
  });

  it('knows nothing of the leg in a run that only plans, and does not watch it where nobody asks', () => {
    const watched = { ...site, gateways: new Map([[EDGE, answered(following)]]) };
    expect(report(watched).specs[0]?.legs.traefik).toBe('unknown');
    expect(report(site).specs[0]?.legs.traefik).toBe('not-watched');
    expect(report(site).pools[0]).not.toHaveProperty('replicas');
  });
});
