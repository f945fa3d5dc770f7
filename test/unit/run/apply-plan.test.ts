import { describe, expect, it } from 'vitest';
import type { Action, NodeAction } from '../../../src/core/model/action.ts';
import { drainingPrefix } from '../../../src/core/model/consul-names.ts';
import { groupKind, nodeName, objectKey, specId } from '../../../src/core/model/ids.ts';
import type { SpecPlan } from '../../../src/core/plan/spec-plan.ts';
import type { Outcome } from '../../../src/run/apply-plan.ts';
import { applyPlan, currentFence } from '../../../src/run/apply-plan.ts';
import { problem } from '../../../src/shared/problem.ts';
import { deployment, keys, NOW_MS, service, world } from '../../support/builders.ts';
import { FakeLease, FakeSite } from '../../support/fake-ports.ts';

const apply = (kind: 'Deployment' | 'Service', name: string): Action => {
  const object = kind === 'Service' ? service(name) : deployment(name);
  const key = objectKey(groupKind(kind === 'Service' ? '' : 'apps', kind), 'default', name);
  return { kind: 'apply-object', key, object, why: 'change', changes: [] };
};
const remove = (name: string): Action => ({
  kind: 'delete-object',
  key: objectKey(groupKind('', 'Service'), 'default', name),
  apiVersion: 'v1',
  uid: 'u',
  resourceVersion: '1',
  why: 'gone',
});
const register = (name: string): Action => {
  const nothing = { set: [], remove: [], checks: [], removeChecks: [], kv: [], changes: [] };
  return { kind: 'register-pool', pool: keys.pool(name), service: name, ...nothing };
};
const deregister = (name: string): Action => ({
  kind: 'deregister-pool',
  pool: keys.pool(name),
  service: name,
  remove: [],
  kv: [],
  why: 'gone',
});
const registerOn = (name: string, ...nodes: readonly string[]): Action => {
  const set = nodes.map((node) => ({
    consulNode: `k8s-c1-${node}`,
    node: nodeName(node),
    id: `${name}-${node}`,
    service: name,
    address: '10.0.0.1',
    port: 30_000,
    tags: [],
    meta: {},
    modifyIndex: 0,
  }));
  return {
    kind: 'register-pool',
    pool: keys.pool(name),
    service: name,
    set,
    remove: [],
    checks: [],
    removeChecks: [],
    kv: [],
    changes: [],
  };
};
const ensureNode = (name: string, nodeIndex: number): NodeAction => ({
  kind: 'ensure-node',
  node: { name: `k8s-c1-${name}`, id: name, address: '10.0.0.1', meta: {} },
  status: 'passing',
  why: 'test',
  nodeIndex,
});
const dropNode = (name: string): NodeAction => ({ kind: 'delete-node', name, modifyIndex: 1 });
const plan = (id: string, ...actions: readonly Action[]): SpecPlan => ({
  spec: specId(id),
  standing: 'decoded',
  actions,
  waiting: [],
  problems: [],
  removals: [],
  removing: [],
  whileHeld: [],
  holds: [],
  unapplied: [],
  pools: [],
});

async function run(
  site: FakeSite,
  specs: readonly SpecPlan[],
  more: { nodes?: readonly NodeAction[]; refused?: readonly string[]; tryFirst?: boolean } = {},
): Promise<readonly Outcome[]> {
  const refused = new Set((more.refused ?? []).map((name) => objectKey(groupKind('', 'Service'), 'default', name)));
  return applyPlan(
    {
      nodes: more.nodes ?? [],
      specs,
      refused,
      tryFirst: more.tryFirst ?? false,
      drains: { prefix: drainingPrefix('kubernetes', 'c1'), now: () => NOW_MS },
    },
    site.ports(),
    () => undefined,
    new AbortController().signal,
  );
}
const results = (outcomes: readonly Outcome[]): readonly string[] => outcomes.map(({ action, result }) => `${action.kind} ${result}`);
const fails = (site: FakeSite, ...names: readonly string[]): void => {
  site.refuse = (_action, name) => (names.includes(name) ? problem('KUBERNETES_REFUSED', 'no') : undefined);
};

describe('applyPlan', () => {
  it('writes the nodes, then the objects of a spec in their order, then its pools', async () => {
    const site = new FakeSite(world({}));
    await run(site, [plan('a', apply('Deployment', 'a'), apply('Service', 'a'), register('a'))], { nodes: [dropNode('x'), dropNode('y')] });
    expect(site.journal).toEqual([
      'delete-node x',
      'delete-node y',
      'apply-object apps/Deployment/default/a',
      'apply-object /Service/default/a',
      'register-pool default/a',
    ]);
  });

  it('ends the objects of a spec, and the registration that depends on them, with the first failure', async () => {
    const site = new FakeSite(world({}));
    fails(site, 'apply-object apps/Deployment/default/a');
    const outcomes = await run(site, [
      plan('a', apply('Deployment', 'a'), apply('Service', 'a'), register('a'), register('old'), deregister('gone')),
    ]);
    expect(results(outcomes)).toEqual([
      'apply-object failed',
      'apply-object skipped',
      'register-pool skipped',
      'register-pool done',
      'deregister-pool done',
    ]);
    expect(outcomes[0]?.problem?.code).toBe('KUBERNETES_REFUSED');
  });

  it('registers what runs when the Service was known to be refused', async () => {
    const site = new FakeSite(world({}));
    fails(site, 'apply-object /Service/default/a');
    expect(results(await run(site, [plan('a', apply('Service', 'a'), register('a'))], { refused: ['a'] }))).toEqual([
      'apply-object failed',
      'register-pool done',
    ]);
  });

  it('goes on with the other specs', async () => {
    const site = new FakeSite(world({}));
    fails(site, 'apply-object /Service/default/a', 'register-pool default/b');
    const outcomes = await run(site, [
      plan('a', apply('Service', 'a')),
      plan('b', apply('Service', 'b'), register('b')),
      plan('c', apply('Service', 'c'), register('c')),
    ]);
    expect(outcomes.map(({ spec, result }) => `${spec} ${result}`).sort()).toEqual(['a failed', 'b done', 'b failed', 'c done', 'c done']);
  });

  it('keeps at most 16 specs under way, and none waits for another', async () => {
    const site = new FakeSite(world({}));
    const open = new Set<string>();
    let most = 0;
    const gates: (() => void)[] = [];
    site.before = async (_action, name) => {
      open.add(name);
      most = Math.max(most, open.size);
      if (gates.length < 16) await new Promise<void>((resolve) => gates.push(resolve));
      open.delete(name);
    };
    const specs = Array.from({ length: 40 }, (_, i) => plan(`s${i}`, apply('Service', `s${i}`)));
    const done = run(site, specs);
    await expect.poll(() => gates.length).toBe(16);
    gates[0]?.();
    // The place of the first is taken by all the others, one after another.
    await expect.poll(() => site.journal.length).toBe(40);
    for (const open of gates) open();
    expect(await done).toHaveLength(40);
    expect(most).toBe(16);
  });

  it('deletes only with both leases', async () => {
    for (const lease of ['consul', 'kubernetes'] as const) {
      const site = new FakeSite(world({}));
      site.leases[lease].held = false;
      expect(results(await run(site, [plan('a', remove('a'))]))).toEqual(['delete-object skipped']);
    }
  });

  it('fails what is meant for Consul when it no longer leads there, and writes nothing', async () => {
    const site = new FakeSite(world({}));
    site.leases.consul.held = false;
    const outcomes = await run(site, [plan('a', register('a'))], { nodes: [dropNode('x')] });
    expect(outcomes.map(({ problem: why }) => why?.code)).toEqual(['CONSUL_FENCED', 'CONSUL_FENCED']);
    expect(site.journal).toEqual([]);
  });

  it('skips the pools that need a node which could not be created, and no others', async () => {
    const site = new FakeSite(world({}));
    fails(site, 'ensure-node k8s-c1-new', 'ensure-node k8s-c1-old');
    const outcomes = await run(
      site,
      [
        plan('a', registerOn('a', 'old', 'new'), deregister('gone')),
        plan('b', registerOn('b', 'old', 'other')),
        plan('c', registerOn('c', 'new')),
      ],
      { nodes: [ensureNode('new', 0), ensureNode('old', 4), ensureNode('other', 0)] },
    );
    expect(outcomes.map(({ spec, action, result }) => `${spec ?? 'node'} ${action.kind} ${result}`).sort()).toEqual([
      'a deregister-pool done',
      'a register-pool skipped',
      'b register-pool done',
      'c register-pool skipped',
      'node ensure-node done',
      'node ensure-node failed',
      'node ensure-node failed',
    ]);
    expect(site.journal.filter((line) => line.startsWith('register-pool'))).toEqual(['register-pool default/b']);
  });

  describe('when everything is tried first', () => {
    const app = (name: string): SpecPlan => plan(name, apply('Deployment', name), apply('Service', name), register(name));

    it('applies nothing of a spec of which something would be refused, tells every refusal, and goes on with the others', async () => {
      const site = new FakeSite(world({}));
      fails(site, 'check apps/Deployment/default/a', 'check /Service/default/a');
      const outcomes = await run(site, [app('a'), app('b')], { tryFirst: true });
      expect(site.journal).toEqual([
        'apply-object apps/Deployment/default/b',
        'apply-object /Service/default/b',
        'register-pool default/b',
      ]);
      const ofA = outcomes.filter(({ spec }) => spec === 'a');
      expect(ofA.map(({ action, result, problem: why }) => [action.kind, result, why?.code])).toEqual([
        ['apply-object', 'failed', 'KUBERNETES_REFUSED'],
        ['apply-object', 'failed', 'KUBERNETES_REFUSED'],
        ['register-pool', 'skipped', undefined],
      ]);
    });

    it('skips what would have been taken, and deletes', async () => {
      const site = new FakeSite(world({}));
      fails(site, 'check /Service/default/a');
      const outcomes = await run(site, [plan('a', apply('Deployment', 'a'), apply('Service', 'a'), remove('old'))], { tryFirst: true });
      expect(results(outcomes)).toEqual(['apply-object skipped', 'apply-object failed', 'delete-object skipped']);
      expect(site.journal).toEqual([]);
    });

    it('asks nothing for a single object, or without the lease', async () => {
      const site = new FakeSite(world({}));
      await run(site, [plan('a', apply('Service', 'a'), register('a'))], { tryFirst: true });
      site.leases.kubernetes.held = false;
      expect(results(await run(site, [plan('b', apply('Deployment', 'b'), apply('Service', 'b'))], { tryFirst: true }))).toEqual([
        'apply-object skipped',
        'apply-object skipped',
      ]);
      expect(site.checks).toEqual([]);
    });
  });

  it('begins nothing after it is asked to stop, and finishes what is under way', async () => {
    const site = new FakeSite(world({}));
    site.before = () => {
      site.mayBegin = false;
    };
    const outcomes = await run(site, [plan('a', apply('Deployment', 'a'), apply('Service', 'a'), register('a'))]);
    expect(results(outcomes)).toEqual(['apply-object done', 'apply-object skipped', 'register-pool skipped']);
    site.mayBegin = false;
    expect(results(await run(site, [], { nodes: [dropNode('x')] }))).toEqual(['delete-node skipped']);
  });

  it('rejects when it is aborted', async () => {
    const site = new FakeSite(world({}));
    const abort = Object.assign(new Error('stop'), { name: 'AbortError' });
    site.before = () => {
      throw abort;
    };
    await expect(run(site, [plan('a', register('a')), plan('b', apply('Service', 'b'))])).rejects.toBe(abort);
  });
});

it('has a fence only while the lease is held', () => {
  const lease = new FakeLease();
  expect(currentFence(lease)).toEqual({ key: 'leader', session: 's1' });
  lease.held = false;
  expect(currentFence(lease)).toBeUndefined();
});
