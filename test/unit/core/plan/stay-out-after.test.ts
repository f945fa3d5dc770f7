import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { Memory } from '../../../../src/core/model/memory.ts';
import type { EndpointFacts, NodeFacts } from '../../../../src/core/model/nodes.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import { probeTargets } from '../../../../src/core/plan/probe-targets.ts';
import { complete, deployment, EMPTY_REGISTRY, endpoints, NOW_MS, node, service, spec, specSet, world } from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const GRACE_MS = 10_000;
const cordoned = node('n2', { unschedulable: true });

const local = { spec: { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } };
const everywhere = (pool: string): EndpointFacts => ({ ...endpoints(pool), readyNodes: ['n1', 'n2', 'n3'].map(nodeName) });
const SPECS: Readonly<Record<string, ReturnType<typeof spec>>> = {
  web: spec('web.json', deployment('web'), service('web')),
  api: spec('api.json', deployment('api'), service('api')),
  near: spec('near.json', deployment('near'), service('near', local)),
};
function settled(...names: readonly string[]): World {
  const specs = Object.entries(SPECS).flatMap(([name, one]) => (names.length === 0 || names.includes(name) ? [one] : []));
  return settle(
    world({ specs: complete(specSet(specs)), endpoints: [endpoints('default/web'), endpoints('default/api'), everywhere('default/near')] }),
    {},
    8,
  ).world;
}
const withNodes = (base: World, ...nodes: readonly NodeFacts[]): World => ({
  ...base,
  cluster: { ...base.cluster, nodes: complete(nodes) },
});
const withEndpoints = (base: World, ...facts: readonly EndpointFacts[]): World => ({
  ...base,
  cluster: { ...base.cluster, endpoints: complete(new Map(facts.map((one) => [one.pool, one]))) },
});
const members = (base: World, pool: string): readonly string[] =>
  [...(snapshotValue(base.registry) ?? EMPTY_REGISTRY).instances].flatMap(([key, list]) =>
    key === pool ? list.map((one) => one.node) : [],
  );

/** Plans, applies, and gives what the next plan starts from. */
function step(
  base: World,
  memory: Memory | undefined,
  nowMs: number,
): { readonly plan: ModelPlan; readonly world: World; readonly memory: Memory } {
  const plan = planWorld(base, { ...(memory === undefined ? {} : { memory }), nowMs });
  return { plan, world: applyToWorld(base, [...plan.nodes, ...plan.actions]), memory: plan.guarded.memory };
}

describe('a node that leaves', () => {
  it('is remembered once for all its pools, and comes back after the grace although its cordon is gone', () => {
    const left = step(withNodes(settled(), node('n1'), cordoned, node('n3')), undefined, NOW_MS);
    expect(left.memory.stayOut).toEqual({ n2: NOW_MS + GRACE_MS });
    expect(members(left.world, 'default/web')).toEqual(['n1', 'n3']);
    const back = withNodes(left.world, node('n1'), node('n2'), node('n3'));
    const early = step(back, left.memory, NOW_MS + GRACE_MS - 1);
    expect(early.plan.actions).toEqual([]);
    expect(early.memory).toBe(left.memory);
    expect(early.plan.context.decisions.get('default/web' as never)?.lookAgainAtMs).toBe(NOW_MS + GRACE_MS);
    const due = step(back, left.memory, NOW_MS + GRACE_MS);
    expect(members(due.world, 'default/web')).toEqual(expect.arrayContaining(['n1', 'n2', 'n3']));
    expect(due.memory).toBe(left.memory);
  });

  it('stays out of one pool only when only its endpoint there went', () => {
    const base = settled();
    const gone = withEndpoints(base, endpoints('default/web'), endpoints('default/api'), {
      ...everywhere('default/near'),
      readyNodes: ['n1', 'n3'].map(nodeName),
    });
    const left = step(gone, undefined, NOW_MS);
    expect(left.memory.stayOut).toEqual({ 'default/near@n2': NOW_MS + GRACE_MS });
    expect(members(left.world, 'default/web')).toHaveLength(3);
    expect(members(left.world, 'default/near')).toEqual(['n1', 'n3']);
  });

  it('is not remembered when it is deleted: what comes back is another node', () => {
    const left = step(withNodes(settled(), node('n1'), node('n3')), undefined, NOW_MS);
    expect(members(left.world, 'default/web')).toEqual(['n1', 'n3']);
    expect(left.memory.stayOut).toBeUndefined();
  });

  it('is not remembered again and again while it cannot leave', () => {
    const base = settled();
    const registry = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    // Nothing serves the ports that the Services have now, so that what is registered stays until something does.
    const moved = new Map([...registry.instances].map(([pool, list]) => [pool, list.map((one) => ({ ...one, port: 1 }))]));
    const facts = new Map([...(snapshotValue(base.cluster.endpoints) ?? [])].map(([pool, one]) => [pool, { ...one, ready: 0 }]));
    const waiting = { ...base, cluster: { ...base.cluster, endpoints: complete(facts) } };
    const stuck = withNodes({ ...waiting, registry: complete({ ...registry, instances: moved }) }, node('n1'), cordoned, node('n3'));
    const plan = planWorld(stuck);
    expect(plan.actions).toEqual([]);
    expect(plan.guarded.memory.stayOut).toBeUndefined();
  });

  it('is not remembered before the step that takes it out', () => {
    const base = settled('web');
    const registry = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    // Too few operations for all of it at once: new nodes join first, and n1 leaves after that.
    const tight = { ...base, registry: complete({ ...registry, limits: { ...registry.limits, operations: 10 } }) };
    const moved = node('n3', { addresses: [{ type: 'InternalIP', address: '10.7.0.3' }] });
    const swapped = withNodes(tight, node('n1', { unschedulable: true }), moved, ...['n4', 'n5', 'n6', 'n7'].map((name) => node(name)));
    const first = step(swapped, undefined, NOW_MS);
    const removes = first.plan.actions.flatMap((action) => (action.kind === 'register-pool' ? action.remove : []));
    expect([removes.length, first.memory.stayOut]).toEqual([0, undefined]);
    const second = step(first.world, first.memory, NOW_MS + 1);
    expect(second.memory.stayOut).toEqual({ n1: NOW_MS + 1 + GRACE_MS });
  });

  it('is decided anew when its time is over, also where earlier decisions are remembered', () => {
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    const left = step(withNodes(settled(), node('n1'), cordoned, node('n3')), undefined, NOW_MS);
    const back = withNodes(left.world, node('n1'), node('n2'), node('n3'));
    const at = (nowMs: number): number => planWorld(back, { memory: left.memory, nowMs, memos }).actions.length;
    expect([at(NOW_MS + 1), at(NOW_MS + 5_000), at(NOW_MS + GRACE_MS)]).toEqual([0, 0, 3]);
  });
});

describe('the nodes to try', () => {
  const down = { ready: false };
  it('are none while most nodes are Ready', () => {
    expect(probeTargets(planWorld(withNodes(settled(), node('n1'), node('n2', down), node('n3'))).context)).toEqual([]);
  });

  it('are those in doubt and some that are not, with the NodePorts that are registered on them', () => {
    const base = withNodes(settled(), node('n1', down), node('n2'), node('n3', down));
    const targets = probeTargets(planWorld(base).context);
    expect(targets.map((target) => target.node)).toEqual(['n1', 'n2', 'n3']);
    const ports = [...(snapshotValue(base.registry) ?? EMPTY_REGISTRY).instances.values()].map(([first]) => first?.port).sort();
    expect(targets[0]?.endpoints).toEqual(ports.map((port) => ({ address: '10.0.0.1', port })));
  });

  it('are let go when they do not answer, while another one does', () => {
    const base = withNodes(settled(), node('n1', down), node('n2'), node('n3', down));
    expect(planWorld(base).actions).toEqual([]);
    const reachable = new Map([
      [nodeName('n1'), false],
      [nodeName('n2'), true],
      [nodeName('n3'), true],
    ]);
    const left = step({ ...base, reachable }, undefined, NOW_MS);
    expect(members(left.world, 'default/web')).toEqual(['n2', 'n3']);
    expect(left.memory.stayOut).toEqual({ n1: NOW_MS + GRACE_MS });
  });
});
