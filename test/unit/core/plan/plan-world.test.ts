import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import type { Action, RegisterPool } from '../../../../src/core/model/action.ts';
import { byBytes } from '../../../../src/core/model/ids.ts';
import type { JsonObject } from '../../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import { askForRegistration } from '../../../../src/core/plan/registration-choice.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  liveOf,
  NOW_MS,
  node,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const WEB = spec('web.json', deployment('web'), service('web'));
const WEB_POOL = keys.pool('web');
const withSpecs = (base: World, ...specs: Parameters<typeof specSet>[0]): World => ({ ...base, specs: complete(specSet(specs)) });
const start = (): World => world({ specs: complete(specSet([WEB])), endpoints: [endpoints('default/web')] });
const kinds = (actions: readonly Action[]): readonly string[] => actions.map((action) => action.kind);
const portsIn = (base: World): readonly number[] =>
  [...(snapshotValue(base.cluster.services)?.values() ?? [])].flatMap((live) =>
    (live.spec['ports'] as readonly JsonObject[]).map((port) => Number(port['nodePort'])),
  );

describe('a new spec', () => {
  it('is applied in the order of kinds, and registered when its NodePort and its first endpoint are there', () => {
    const first = planWorld(start());
    expect(first.actions.map((action) => (action.kind === 'apply-object' ? action.key : action.kind))).toEqual([
      'apps/Deployment/default/web',
      '/Service/default/web',
    ]);
    const waiting = applyToWorld(start(), first.actions);
    const unready: World = { ...waiting, cluster: { ...waiting.cluster, endpoints: complete(new Map()) } };
    expect(planWorld(unready).actions).toEqual([]);
    expect(planWorld(unready).guarded.plans[0]?.waiting[0]?.what).toContain('first endpoint');
    const second = planWorld(waiting);
    expect(second.nodes.map((action) => action.kind)).toEqual(['ensure-node', 'ensure-node', 'ensure-node']);
    const [register] = second.actions as [RegisterPool];
    expect(register.kind).toBe('register-pool');
    expect(register.set.map((instance) => [instance.consulNode, instance.address])).toEqual([
      ['k8s-c1-n1', '10.0.0.1'],
      ['k8s-c1-n2', '10.0.0.2'],
      ['k8s-c1-n3', '10.0.0.3'],
    ]);
    expect(new Set(register.set.map((instance) => JSON.stringify(instance.tags))).size).toBe(1);
    expect(register.checks).toHaveLength(1);
    expect(register.kv.map((write) => write.key)).toEqual(['kubernetes/deployments/default/web']);
  });

  it('leaves nothing to do once it is applied', () => {
    const { last } = settle(start());
    expect(last.actions).toEqual([]);
    expect(last.nodes).toEqual([]);
    expect(last.guarded.plans.map((plan) => [plan.spec, plan.problems, plan.waiting])).toEqual([['web.json', [], []]]);
  });

  it('does not touch a stranger of the same name, and applies nothing else of the spec', () => {
    const stranger = {
      ...liveOf(service('web')),
      managers: [{ name: 'kubectl', operation: 'Update' as const, subresource: '', ownsReplicas: false }],
    };
    const { ourFields: _none, ...foreign } = stranger;
    const plan = planWorld({ ...start(), cluster: world({ objects: [foreign] }).cluster });
    expect(plan.actions).toEqual([]);
    expect(plan.guarded.plans[0]?.problems.map((p) => [p.code, p.message])).toEqual([
      ['OBJECT_NOT_OURS', 'Service default/web exists already and belongs to kubectl'],
    ]);
  });

  it('takes a stranger over when the spec says so, and says from whom', () => {
    const { ourFields: _none, ...foreign } = liveOf(service('web'), {
      managers: [{ name: 'kubectl', operation: 'Update', subresource: '', ownsReplicas: false }],
    });
    const adopting = spec('web.json', service('web', { annotations: { 'poolkeeper.dev/adopt': 'true' } }));
    const plan = planWorld(world({ specs: complete(specSet([adopting])), objects: [foreign] }));
    const [apply] = plan.actions;
    expect(apply).toMatchObject({ kind: 'apply-object', why: 'adopt', takeFrom: ['kubectl'], existing: { uid: foreign.uid } });
  });
});

describe('a change of tags', () => {
  it('changes every instance in one action, and the check with them', () => {
    const before = settle(start()).world;
    const changed = withSpecs(before, spec('web.json', deployment('web'), service('web', { annotations: { tags: 'kubernetes,blue' } })));
    const { actions } = planWorld(changed);
    expect(kinds(actions)).toEqual(['apply-object', 'register-pool']);
    const register = actions[1] as RegisterPool;
    expect(register.set).toHaveLength(3);
    expect(register.set.every((instance) => instance.tags.includes('blue') && instance.modifyIndex === 7)).toBe(true);
    expect(register.checks).toHaveLength(1);
    expect(register.changes).toContain('+tag blue');
  });
});

describe('a change of NodePort', () => {
  const moved = (base: World): World => {
    const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 31_999 }];
    return withSpecs(base, spec('web.json', deployment('web'), service('web', { spec: { ports } })));
  };

  it('opens the new port beside the old one, moves Consul, and closes the old one only when it has drained', () => {
    const before = settle(start()).world;
    const [old] = portsIn(before);
    const opened = applyToWorld(moved(before), planWorld(moved(before)).actions);
    expect([...portsIn(opened)].sort()).toEqual([old, 31_999].sort());
    const move = planWorld(opened);
    expect(kinds(move.actions)).toEqual(['register-pool']);
    const registered = applyToWorld(opened, move.actions);
    expect(planWorld(registered).actions).toEqual([]);
    expect(planWorld(registered, { nowMs: NOW_MS + 29_000 }).actions).toEqual([]);
    const due = planWorld(registered, { nowMs: NOW_MS + 30_001 });
    expect(kinds(due.actions)).toEqual(['apply-object']);
    const closed = applyToWorld(registered, due.actions);
    expect(portsIn(closed)).toEqual([31_999]);
    const forget = planWorld(closed, { nowMs: NOW_MS + 30_002 });
    expect(forget.actions).toMatchObject([{ kind: 'write-kv', writes: [{ key: keys.draining('default/web'), value: undefined }] }]);
  });

  it('changes tags together with the NodePort, so that nobody sees the new ones at the old port', () => {
    const before = settle(start()).world;
    const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 31_999 }];
    const both = withSpecs(
      before,
      spec('web.json', deployment('web'), service('web', { spec: { ports }, annotations: { tags: 'kubernetes,blue' } })),
    );
    const first = planWorld(both);
    expect(kinds(first.actions)).toEqual(['apply-object']);
    const move = planWorld(applyToWorld(both, first.actions));
    expect(kinds(move.actions)).toEqual(['register-pool']);
    expect((move.actions[0] as RegisterPool).set.every(({ port, tags }) => port === 31_999 && tags.includes('blue'))).toBe(true);
  });

  it.each([0, 60_000, -60_000, 3_600_000])(
    'moves Consul only when the nodes had the time to open the new port, and lets nodes go meanwhile: API server %i ms ahead',
    (skewMs) => {
      const before = settle(start()).world;
      const opened = applyToWorld(moved(before), planWorld(moved(before)).actions);
      const services = new Map(
        [...(snapshotValue(opened.cluster.services) ?? [])].map(([key, live]) => [key, { ...live, appliedAtMs: NOW_MS + skewMs }]),
      );
      const applied: World = { ...opened, cluster: { ...opened.cluster, services: complete(services) } };
      const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
      const now = planWorld(applied, { memos });
      expect(now.actions).toEqual([]);
      expect(now.guarded.plans[0]?.waiting).toMatchObject([{ what: 'the nodes open NodePort 31999', untilMs: NOW_MS + 1_000 }]);
      expect(planWorld(applied, { memos, nowMs: NOW_MS + 999 }).actions).toEqual([]);
      const fewer = { ...applied, cluster: { ...applied.cluster, nodes: complete([node('n2'), node('n3')]) } };
      expect(kinds(planWorld(fewer, { memos, nowMs: NOW_MS + 999 }).actions)).toEqual(['register-pool']);
      expect(kinds(planWorld(applied, { memos, nowMs: NOW_MS + 1_000 }).actions)).toEqual(['register-pool']);
    },
  );

  it('waits for the nodes no longer than it has to when the clock is set back', () => {
    const before = settle(start()).world;
    const opened = applyToWorld(moved(before), planWorld(moved(before)).actions);
    const services = new Map(
      [...(snapshotValue(opened.cluster.services) ?? [])].map(([key, live]) => [key, { ...live, appliedAtMs: NOW_MS }]),
    );
    const applied: World = { ...opened, cluster: { ...opened.cluster, services: complete(services) } };
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    const backMs = NOW_MS - 3_600_000;
    expect(planWorld(applied, { memos }).actions).toEqual([]);
    expect(planWorld(applied, { memos, nowMs: backMs }).actions).toEqual([]);
    expect(kinds(planWorld(applied, { memos, nowMs: backMs + 1_000 }).actions)).toEqual(['register-pool']);
  });

  it('lets a node go before the Service has its new NodePort', () => {
    const before = settle(start()).world;
    const { nodes } = before.cluster;
    const fewer = { ...before, cluster: { ...before.cluster, nodes: complete((snapshotValue(nodes) ?? []).slice(1)) } };
    const { actions } = planWorld(moved(fewer));
    const register = actions.find((action) => action.kind === 'register-pool');
    expect(register).toMatchObject({ set: [], remove: [{}] });
  });

  it('closes nothing while Consul does not answer', () => {
    const before = settle(start()).world;
    const opened = applyToWorld(moved(before), planWorld(moved(before)).actions);
    const registered = applyToWorld(opened, planWorld(opened).actions);
    const dark: World = { ...registered, registry: unavailable() };
    expect(planWorld(dark, { nowMs: NOW_MS + 999_000 }).actions).toEqual([]);
  });
});

describe('a file that leaves', () => {
  const other = spec('api.json', service('api'));
  const both = (): World =>
    settle(world({ specs: complete(specSet([WEB, other])), endpoints: [endpoints('default/web'), endpoints('default/api')] })).world;

  it('leaves Consul first, drains, and only then leaves Kubernetes, backwards', () => {
    const gone = withSpecs(both(), other);
    const first = planWorld(gone);
    expect(kinds(first.actions)).toEqual(['deregister-pool']);
    const memory = first.guarded.memory;
    const draining = applyToWorld(gone, first.actions);
    expect(planWorld(draining, { memory }).actions).toEqual([]);
    const due = planWorld(draining, { memory, nowMs: NOW_MS + 30_001 });
    expect(due.actions.map((action) => (action.kind === 'delete-object' ? action.key : action.kind))).toEqual([
      '/Service/default/web',
      'apps/Deployment/default/web',
    ]);
    const empty = applyToWorld(draining, due.actions);
    expect(planWorld(empty, { memory, nowMs: NOW_MS + 30_002 }).actions).toEqual([]);
  });

  it('starts a full drain when nobody remembers one', () => {
    const gone = withSpecs(both(), other);
    const registry = snapshotValue(gone.registry);
    if (registry === undefined) throw new Error('no registry');
    const instances = new Map([...registry.instances].filter(([pool]) => pool !== WEB_POOL));
    const kv = new Map([...registry.kv].filter(([key]) => key !== keys.deployments('default/web')));
    const plan = planWorld({ ...gone, registry: complete({ ...registry, instances, kv }) });
    expect(plan.actions).toMatchObject([{ kind: 'write-kv', writes: [{ key: keys.draining('default/web') }] }]);
  });

  it.each([
    ['specs are stale', (base: World): World => ({ ...base, specs: stale(specSet([other])) })],
    [
      'Services are stale',
      (base: World): World => ({
        ...base,
        cluster: { ...base.cluster, services: stale(snapshotValue(base.cluster.services) ?? new Map()) },
      }),
    ],
    ['nodes are unavailable', (base: World): World => ({ ...base, cluster: { ...base.cluster, nodes: unavailable() } })],
    ['Consul is unavailable', (base: World): World => ({ ...base, registry: unavailable() })],
    [
      'canaries are fresh',
      (base: World): World => ({ ...base, registry: complete({ ...(snapshotValue(base.registry) ?? never()), fresh: true }) }),
    ],
  ])('stays while %s', (_name, spoil) => {
    const plan = planWorld(spoil(withSpecs(both(), other)));
    expect(kinds(plan.actions).filter((kind) => kind === 'deregister-pool' || kind === 'delete-object')).toEqual([]);
    expect(plan.guarded.holds.map((hold) => hold.reason.code)).toContain('SNAPSHOT_NOT_COMPLETE');
  });

  it('stays while a broken file may hold what it owned: a rename with a typo deletes nothing', () => {
    const gone: World = { ...both(), specs: complete(specSet([other], { broken: { 'renamed.json': [] } })) };
    const plan = planWorld(gone);
    expect(plan.actions).toEqual([]);
    expect(new Set(plan.guarded.holds.map((hold) => hold.reason.code))).toEqual(new Set(['BROKEN_SPEC_MAY_OWN']));
  });

  it('is repaired to its last good version while its own file is broken, and no more than that', () => {
    const set = { ...specSet([other], { broken: { [WEB.id]: [] } }), lastGood: new Map([[WEB.id, WEB]]) };
    const spoiled: World = { ...both(), specs: complete(set) };
    const calm = planWorld(spoiled);
    expect(calm.actions).toEqual([]);
    expect(calm.guarded.memory.lastGood).toEqual({ [WEB.id]: WEB.blobId });
    const services = new Map([...(snapshotValue(spoiled.cluster.services) ?? [])].filter(([key]) => !key.endsWith('/web')));
    const { actions } = planWorld({ ...spoiled, cluster: { ...spoiled.cluster, services: complete(services) } });
    expect(actions.map((action) => (action.kind === 'apply-object' ? action.key : action.kind))).toEqual(['/Service/default/web']);
  });

  it('stays while its own file is broken, and names no other', () => {
    const spoiled: World = { ...both(), specs: complete(specSet([other], { broken: { [WEB.id]: [] } })) };
    expect(new Set(planWorld(spoiled).guarded.holds.map((hold) => hold.reason.message))).toEqual(
      new Set([`what ${WEB.id} owns stays while the file is broken`]),
    );
  });

  it('deletes nothing when the objects stand in a renamed file', () => {
    const plan = planWorld(withSpecs(both(), other, { ...WEB, id: keys.spec('moved/web.json') }));
    expect(kinds(plan.actions).filter((kind) => kind === 'deregister-pool' || kind === 'delete-object')).toEqual([]);
    expect(kinds(plan.actions)).toContain('apply-object');
  });

  it('keeps following its nodes while its removal is held', () => {
    const gone = withSpecs({ ...both(), specs: complete(specSet([])) });
    const fewer: World = { ...gone, cluster: { ...gone.cluster, nodes: complete([node('n1'), node('n2'), node('n3', { ready: false })]) } };
    const plan = planWorld(fewer);
    expect(plan.guarded.holds.length).toBeGreaterThan(0);
    expect(kinds(plan.actions)).toEqual(['register-pool', 'register-pool']);
    expect((plan.actions as RegisterPool[]).every((action) => action.remove.length === 1 && action.set.length === 0)).toBe(true);
  });
});

describe('nodes', () => {
  it('drains a node that every pool lets go by its check, before its instances go', () => {
    const before = settle(start()).world;
    const plan = planWorld({
      ...before,
      cluster: { ...before.cluster, nodes: complete([node('n1'), node('n2'), node('n3', { ready: false })]) },
    });
    expect(plan.nodes).toMatchObject([{ kind: 'ensure-node', status: 'critical', node: { name: 'k8s-c1-n3' } }]);
    expect(plan.actions).toMatchObject([{ kind: 'register-pool', changes: ['-n3'] }]);
  });

  it('does not drain by its check the last node that a pool is registered on while others only come in', () => {
    const before = settle(start()).world;
    const replaced = [
      node('n1', { ready: false }),
      node('n2', { ready: false }),
      node('n3', { unschedulable: true }),
      node('n4'),
      node('n5'),
    ];
    const plan = planWorld({ ...before, cluster: { ...before.cluster, nodes: complete(replaced) } });
    const critical = plan.nodes.flatMap((action) =>
      action.kind === 'ensure-node' && action.status === 'critical' ? [action.node.name] : [],
    );
    expect(critical).toEqual([]);
    const [register] = plan.actions as [RegisterPool];
    expect(register.set.map((instance) => instance.node)).toEqual(expect.arrayContaining(['n4', 'n5']));
  });

  it('deletes a synthetic node only when its Kubernetes node is gone and no instance stands on it', () => {
    const before = settle(start()).world;
    const without = (base: World): World => ({ ...base, cluster: { ...base.cluster, nodes: complete([node('n1'), node('n2')]) } });
    const first = planWorld(without(before));
    expect(first.nodes.map((action) => action.kind)).toEqual(['ensure-node']);
    const after = without(applyToWorld(without(before), [...first.nodes, ...first.actions]));
    expect(planWorld(after).nodes).toMatchObject([{ kind: 'delete-node', name: 'k8s-c1-n3' }]);
  });
});

describe('conflicts', () => {
  it('sets the newcomer aside when two specs claim one Service, and tells both', () => {
    const before = settle(start()).world;
    const thief = spec('a-thief.json', service('web', { annotations: { tags: 'mine' } }));
    const { guarded, actions } = planWorld(withSpecs(before, WEB, thief));
    expect(actions).toEqual([]);
    const codes = guarded.plans.map((plan) => [plan.spec, plan.standing, plan.problems.map((p) => p.severity)]);
    expect(codes.sort((a, b) => byBytes(String(a[0]), String(b[0])))).toEqual([
      ['a-thief.json', 'set-aside', ['error']],
      ['web.json', 'decoded', ['warning']],
    ]);
  });

  it('refuses a Consul name that someone else registers', () => {
    const applied = applyToWorld(start(), planWorld(start()).actions);
    const registry = { ...(snapshotValue(applied.registry) ?? never()), foreignServices: new Set(['web']) };
    const plan = planWorld({ ...applied, registry: complete(registry) });
    expect(plan.actions).toEqual([]);
    expect(plan.guarded.plans[0]?.problems.map((p) => p.code)).toEqual(['CONSUL_NAME_TAKEN']);
  });

  it('asks who registers on the first start on a tree that someone else writes', () => {
    const key = keys.deployments('default/old');
    const registry = { ...EMPTY_REGISTRY, kv: new Map([[key, { key, value: '{}', flags: 0, modifyIndex: 3 }]]) };
    const asked = askForRegistration(complete(registry), POLICY);
    expect(asked).toMatchObject({ kind: 'unavailable', reason: { code: 'REGISTRATION_CHOICE_NEEDED' } });
    expect(askForRegistration(complete(registry), { ...POLICY, registrationExplicit: true }).kind).toBe('complete');
    expect(askForRegistration(complete({ ...registry, kv: new Map() }), POLICY).kind).toBe('complete');
  });
});

function never(): never {
  throw new Error('the world of this test has this source');
}
