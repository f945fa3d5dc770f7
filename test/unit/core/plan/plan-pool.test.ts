import { describe, expect, it } from 'vitest';
import type { Action, RegisterPool } from '../../../../src/core/model/action.ts';
import type { NodeName } from '../../../../src/core/model/ids.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegistryState } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { SpecSet } from '../../../../src/core/model/spec-set.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { backendsThatFit } from '../../../../src/core/plan/transaction-room.ts';
import { createMemos } from '../../../../src/run/run-memos.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  NOW_MS,
  node,
  POLICY,
  service,
  spec,
  specSet,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

type ServiceParts = NonNullable<Parameters<typeof service>[1]>;
const POOL = keys.pool('web');
const specOf = (parts: ServiceParts = {}): ReturnType<typeof spec> => spec('web.json', deployment('web'), service('web', parts));
const start = (parts: ServiceParts = {}): World =>
  world({ specs: complete(specSet([specOf(parts)])), endpoints: [endpoints('default/web')] });
const settled = (parts: ServiceParts = {}, policy: Policy = POLICY): World => settle(start(parts), { policy }).world;
const withSpec = (base: World, parts: ServiceParts): World => ({ ...base, specs: complete(specSet([specOf(parts)])) });
const withNodes = (base: World, ...nodes: readonly NodeFacts[]): World => ({
  ...base,
  cluster: { ...base.cluster, nodes: complete(nodes) },
});
const withRegistry = (base: World, change: (state: RegistryState) => Partial<RegistryState>): World => {
  const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
  return { ...base, registry: complete({ ...state, ...change(state) }) };
};
const withEndpoints = (base: World, ready: number, names: readonly string[], on: readonly string[] = []): World => {
  const facts = { pool: POOL, ready, readyNodes: on.map(nodeName), portNames: names };
  return { ...base, cluster: { ...base.cluster, endpoints: complete(new Map([[POOL, facts]])) } };
};
const registration = (actions: readonly Action[]): RegisterPool | undefined => actions.find((action) => action.kind === 'register-pool');
const registeredNodes = (base: World): readonly NodeName[] =>
  (snapshotValue(base.registry)?.instances.get(POOL) ?? []).map((instance) => instance.node).sort();
const port = (nodePort: number): ServiceParts => ({
  spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort }] },
});
const waits = (base: World): readonly string[] => planWorld(base).guarded.plans.flatMap((plan) => plan.waiting.map(({ what }) => what));

describe('entering', () => {
  const applied = (): World => applyToWorld(start(), planWorld(start()).actions);

  it.each<readonly [string, (base: World) => World]>([
    ['no endpoint is ready', (base) => withEndpoints(base, 0, ['http'])],
    ['endpoints serve another port only', (base) => withEndpoints(base, 2, ['metrics'])],
    ['nobody knows the endpoints', (base) => ({ ...base, cluster: { ...base.cluster, endpoints: unavailable() } })],
  ])('waits while %s', (_name, spoil) => {
    expect(planWorld(spoil(applied())).actions).toEqual([]);
    expect(waits(spoil(applied()))).toEqual(['the first endpoint is not ready yet']);
  });

  it('waits for the NodePort', () => {
    const base = applied();
    const services = new Map(
      [...(snapshotValue(base.cluster.services) ?? [])].map(([key, live]) => [
        key,
        { ...live, spec: { ...live.spec, ports: [{ name: 'http', port: 80 }] } },
      ]),
    );
    expect(waits({ ...base, cluster: { ...base.cluster, services: complete(services) } })).toEqual([
      'Kubernetes has not allocated a NodePort yet',
    ]);
  });

  it('registers the port that the settings name', () => {
    const ports = [
      { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_500 },
      { name: 'admin', port: 81, protocol: 'TCP', nodePort: 30_501 },
    ];
    for (const wanted of ['admin', '81']) {
      const base = applyToWorld(
        start({ spec: { ports }, annotations: { 'poolkeeper.dev/port': wanted } }),
        planWorld(start({ spec: { ports }, annotations: { 'poolkeeper.dev/port': wanted } })).actions,
      );
      expect(registration(planWorld(withEndpoints(base, 1, ['admin'])).actions)?.set[0]?.port).toBe(30_501);
    }
  });

  it('registers the first port of the spec, whatever others have put before it', () => {
    const base = settled();
    const services = new Map(
      [...(snapshotValue(base.cluster.services) ?? [])].map(([key, live]) => {
        const ports = [{ name: 'theirs', port: 1, protocol: 'TCP', nodePort: 32_000 }, ...(live.spec['ports'] as readonly never[])];
        return [key, { ...live, spec: { ...live.spec, ports } }];
      }),
    );
    const meddled = withEndpoints({ ...base, cluster: { ...base.cluster, services: complete(services) } }, 2, ['http', 'theirs']);
    for (const seen of [meddled, { ...meddled, specs: unavailable<SpecSet>() }])
      expect(registration(planWorld(seen).actions)).toMatchObject({ set: [], remove: [], changes: ['what agents are told'] });
  });

  it('says which port is missing and leaves what is registered', () => {
    const base = withSpec(settled(), { annotations: { 'poolkeeper.dev/port': 'none' } });
    const plan = planWorld(base);
    expect(registration(plan.actions)).toBeUndefined();
    expect(plan.guarded.plans[0]?.problems.map(({ code }) => code)).toEqual(['POOL_PORT_MISSING']);
  });
});

describe('a pool that is served', () => {
  it('stays as it is while its endpoints are gone: Traefik would answer no better without it', () => {
    expect(registration(planWorld(withEndpoints(settled(), 0, [])).actions)).toBeUndefined();
  });

  it('keeps its backends while nobody knows the endpoints of a Local pool', () => {
    const local = settle(withEndpoints(start({ spec: { externalTrafficPolicy: 'Local' } }), 2, ['http'], ['n1', 'n2'])).world;
    expect(registeredNodes(local)).toEqual(['n1', 'n2']);
    const dark: World = { ...local, cluster: { ...local.cluster, endpoints: unavailable() } };
    expect(planWorld(dark).actions).toEqual([]);
    const oneGone = planWorld(withNodes(dark, node('n1'), node('n2', { ready: false }), node('n3')));
    expect(registration(oneGone.actions)?.changes).toEqual(['-n2']);
  });

  it('loses a Local backend with its last endpoint there', () => {
    const local = settle(withEndpoints(start({ spec: { externalTrafficPolicy: 'Local' } }), 2, ['http'], ['n1', 'n2'])).world;
    expect(registration(planWorld(withEndpoints(local, 1, ['http'], ['n2'])).actions)?.changes).toEqual(['-n1']);
  });

  it('takes a changed address over', () => {
    const moved = withNodes(settled(), node('n1'), node('n2', { addresses: [{ type: 'InternalIP', address: '10.5.5.5' }] }), node('n3'));
    const plan = planWorld(moved);
    expect(registration(plan.actions)?.set.map((one) => [one.node, one.address])).toEqual([['n2', '10.5.5.5']]);
    expect(plan.nodes).toMatchObject([{ kind: 'ensure-node', node: { address: '10.5.5.5' } }]);
  });

  it('is cut to what fits one transaction, with room for the fence, two checks and two keys', () => {
    expect(backendsThatFit({ ...EMPTY_REGISTRY, limits: { operations: 64, bytes: 1 } }, POLICY)).toBe(59);
    expect(backendsThatFit(undefined, POLICY)).toBe(59);
    expect(backendsThatFit(EMPTY_REGISTRY, { ...POLICY, pool: { ...POLICY.pool, maxBackends: 5 } })).toBe(5);
    const many = Array.from({ length: 300 }, (_, i) => node(`n${i}`));
    const big = settle(withNodes(start(), ...many)).world;
    expect(registeredNodes(big)).toHaveLength(123);
    const plan = planWorld(withSpec(big, { annotations: { tags: 'new' } }));
    expect(registration(plan.actions)?.set).toHaveLength(123);
  });

  it('leaves backends out whose Consul node belongs to someone else, and says so', () => {
    const foreign = { name: 'k8s-c1-n2', id: 'x', address: '10.0.0.9', meta: {}, modifyIndex: 3, ours: false };
    const plan = planWorld(
      withRegistry(applyToWorld(start(), planWorld(start()).actions), () => ({ nodes: new Map([['k8s-c1-n2', foreign]]) })),
    );
    expect(registration(plan.actions)?.set.map((one) => one.node)).toEqual(['n1', 'n3']);
    expect(plan.nodes.map((action) => (action.kind === 'ensure-node' ? action.node.name : action.name))).toEqual([
      'k8s-c1-n1',
      'k8s-c1-n3',
    ]);
    expect(plan.guarded.plans[0]?.problems.map(({ code }) => code)).toEqual(['CONSUL_NODE_TAKEN']);
  });
});

describe('NodePorts that drain', () => {
  const opened = (): World => {
    const changed = withSpec(settled(), port(31_999));
    return applyToWorld(changed, planWorld(changed).actions);
  };
  const drains = (base: World): unknown => JSON.parse(snapshotValue(base.registry)?.kv.get(keys.draining('default/web'))?.value ?? '{}');

  it('are remembered from the moment at which they leave Consul, not from the one at which that was first planned', () => {
    const memos = createMemos();
    const base = opened();
    const [old] = (snapshotValue(base.registry)?.instances.get(POOL) ?? []).map((instance) => instance.port);
    planWorld(base, { memos });
    planWorld(base, { memos, nowMs: NOW_MS + 60_000 });
    const later = planWorld(base, { memos, nowMs: NOW_MS + 600_000 });
    expect(drains(applyToWorld(base, later.actions))).toEqual({ spec: 'web.json', ports: { [String(old)]: NOW_MS + 600_000 } });
  });

  it('are forgotten when they are wanted again', () => {
    const base = opened();
    const [old] = (snapshotValue(base.registry)?.instances.get(POOL) ?? []).map((instance) => instance.port);
    const moved = applyToWorld(base, planWorld(base).actions);
    const back = settle(withSpec(moved, port(Number(old)))).world;
    expect(drains(back)).toEqual({ spec: 'web.json', ports: { 31999: NOW_MS } });
  });

  it.each(['null', '[]', '"x"', '{}', '{"ports":null}', 'no JSON'])(
    'are not known from a key that says %s: a full drain starts',
    (value) => {
      const other = spec('other.json', deployment('other'), service('other'));
      const both = settle(
        world({ specs: complete(specSet([specOf(), other])), endpoints: [endpoints('default/web'), endpoints('default/other')] }),
      ).world;
      const key = keys.draining('default/web');
      const unknown = withRegistry({ ...both, specs: complete(specSet([other])) }, ({ instances }) => ({
        instances: new Map([...instances].filter(([pool]) => pool !== POOL)),
        kv: new Map([[key, { key, value, flags: keys.flags, modifyIndex: 3 }]]),
      }));
      const actions = planWorld(unknown).actions.filter((action) => action.kind !== 'register-pool');
      const writes = actions.flatMap((action) => (action.kind === 'write-kv' ? action.writes.filter((write) => write.key === key) : []));
      expect(writes).toMatchObject([{ value: expect.stringMatching(new RegExp(`:${NOW_MS}}`)) }]);
      expect(actions.map((action) => action.kind)).not.toContain('delete-object');
    },
  );
});

describe('the entry under deployments/', () => {
  const key = keys.deployments('default/web');
  const kvWrites = (base: World, policy: Policy = POLICY): readonly string[] =>
    planWorld(base, { policy })
      .actions.flatMap((action) =>
        action.kind === 'register-pool' || action.kind === 'write-kv'
          ? [...(action.kind === 'register-pool' ? action.kv : action.writes)]
          : [],
      )
      .map((write) => write.key);
  const foreign = (base: World): World =>
    withRegistry(base, ({ kv }) => ({ kv: new Map([...kv, [key, { key, value: '{}', flags: 0, modifyIndex: 4 }]]) }));

  it('holds the Service without what changes at every write', () => {
    const value = JSON.parse(snapshotValue(settled().registry)?.kv.get(key)?.value ?? '{}');
    expect(value).toMatchObject({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'NodePort' },
    });
    expect(Object.keys(value.metadata).sort()).toEqual(['annotations', 'labels', 'name', 'namespace', 'uid']);
  });

  it.each<readonly [string, ServiceParts, boolean]>([
    ['a tag', { annotations: { tags: 'b' } }, true],
    ['a Traefik annotation', { annotations: { 'traefik.enable': 'false' } }, true],
    ['a setting', { annotations: { 'poolkeeper.dev/min-backends': '2' } }, true],
    ['the NodePort', port(31_000), true],
    ['an annotation of another tool', { annotations: { 'example.com/team': 'x' } }, false],
    ['the selector', { spec: { selector: { app: 'other' } } }, false],
  ])('is written again after a change of %s: %#', (_name, parts, written) => {
    const base = withSpec(settled(), parts);
    expect(
      kvWrites(
        applyToWorld(
          base,
          planWorld(base).actions.filter((action) => action.kind === 'apply-object'),
        ),
      ).includes(key),
    ).toBe(written);
  });

  it('of someone else is told and left alone, until taking it over is allowed', () => {
    const base = foreign(applyToWorld(start(), planWorld(start()).actions));
    const plan = planWorld(base);
    expect(registration(plan.actions)?.kv).toEqual([]);
    expect(plan.guarded.plans[0]?.problems.map(({ code }) => code)).toEqual(['CONSUL_KEY_TAKEN']);
    expect(registration(planWorld(base, { policy: { ...POLICY, allowAdopt: true } }).actions)?.kv).toMatchObject([{ key, modifyIndex: 4 }]);
  });

  it('is not written in the mode catalog, and is the only thing written in the mode kv', () => {
    const applied = applyToWorld(start(), planWorld(start()).actions);
    const inCatalog = planWorld(applied, { policy: { ...POLICY, registration: 'catalog' } });
    expect(registration(inCatalog.actions)?.kv).toEqual([]);
    const inKv = planWorld(applied, { policy: { ...POLICY, registration: 'kv' } });
    expect([inKv.nodes, inKv.actions.map((action) => action.kind)]).toEqual([[], ['register-pool']]);
    expect(registration(inKv.actions)).toMatchObject({ set: [], checks: [], kv: [{ key: keys.deployments('default/web') }] });
    const after = applyToWorld(applied, inKv.actions);
    expect(planWorld(after, { policy: { ...POLICY, registration: 'kv' } }).actions).toEqual([]);
  });
});
