import { describe, expect, it } from 'vitest';
import type { NodeAction } from '../../../../src/core/model/action.ts';
import { consulNodeId, ownMeta } from '../../../../src/core/model/consul-names.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegisteredNode, RegistryState } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
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

const web = (annotations: Record<string, string> = {}): ReturnType<typeof spec> =>
  spec('web.json', deployment('web'), service('web', { annotations }));
const api = (annotations: Record<string, string> = {}): ReturnType<typeof spec> =>
  spec('api.json', deployment('api'), service('api', { annotations }));
const settled = (...specs: readonly ReturnType<typeof spec>[]): World =>
  settle(
    world({
      specs: complete(specSet(specs.length === 0 ? [web()] : specs)),
      endpoints: [endpoints('default/web'), endpoints('default/api')],
    }),
  ).world;
const withNodes = (base: World, ...nodes: readonly NodeFacts[]): World => ({
  ...base,
  cluster: { ...base.cluster, nodes: complete(nodes) },
});
const withRegistry = (base: World, change: (state: RegistryState) => Partial<RegistryState>): World => {
  const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
  return { ...base, registry: complete({ ...state, ...change(state) }) };
};
const brief = (actions: readonly NodeAction[]): readonly string[] =>
  actions.map((action) =>
    action.kind === 'delete-node'
      ? `delete ${action.name}`
      : `${action.status} ${action.node.name} ${action.nodeIndex ?? '-'} ${action.checkIndex ?? '-'}`,
  );
const nodes = (base: World): readonly string[] => brief(planWorld(base).nodes);
const down = { ready: false };

describe('synthetic nodes', () => {
  it('are made for backends, with the id that belongs to their name', () => {
    const first = world({ specs: complete(specSet([web()])), endpoints: [endpoints('default/web')], nodes: [node('N1')] });
    const [made] = planWorld(applyToWorld(first, planWorld(first).actions)).nodes;
    expect(made).toMatchObject({
      kind: 'ensure-node',
      status: 'passing',
      nodeIndex: 0,
      checkIndex: 0,
      node: {
        name: 'k8s-c1-n1',
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
        meta: { 'external-node': 'true', 'managed-by': 'poolkeeper', owner: 'poolkeeper', cluster: 'c1', 'k8s-node': 'N1' },
      },
    });
  });

  it.each<readonly [string, (state: RegistryState) => Partial<RegistryState>, readonly string[]]>([
    ['nothing', () => ({}), []],
    [
      'a lost check',
      ({ checks }) => ({ checks: new Map([...checks].filter(([key]) => key !== 'k8s-c1-n2/k8s-node')) }),
      ['passing k8s-c1-n2 - 0'],
    ],
    [
      'a check that says critical',
      ({ checks }) => ({
        checks: new Map(
          [...checks].map(([key, check]) => [key, key === 'k8s-c1-n2/k8s-node' ? { ...check, status: 'critical' as const } : check]),
        ),
      }),
      ['passing k8s-c1-n2 - 7'],
    ],
    [
      'a changed address',
      ({ nodes: all }) => ({
        nodes: new Map([...all].map(([key, one]) => [key, key === 'k8s-c1-n2' ? { ...one, address: '10.9.9.9' } : one])),
      }),
      ['passing k8s-c1-n2 7 -'],
    ],
    [
      'changed Meta',
      ({ nodes: all }) => ({
        nodes: new Map(
          [...all].map(([key, one]) => [
            key,
            key === 'k8s-c1-n2' ? { ...one, meta: { ...one.meta, 'k8s-node': 'n2', 'external-node': 'no' } } : one,
          ]),
        ),
      }),
      ['passing k8s-c1-n2 7 -'],
    ],
    [
      'Meta of others, which stays',
      ({ nodes: all }) => ({ nodes: new Map([...all].map(([key, one]) => [key, { ...one, meta: { ...one.meta, rack: '1' } }])) }),
      [],
    ],
  ])('are repaired: %s', (_name, change, expected) => {
    expect(nodes(withRegistry(settled(), change))).toEqual(expected);
  });

  it('keep an id that they have, also one that was made otherwise: Consul gives their names to no other', () => {
    const old = withRegistry(settled(), ({ nodes: all }) => ({
      nodes: new Map([...all].map(([key, one]) => [key, { ...one, id: `old-${key}`, address: '10.9.9.9' }])),
    }));
    expect(planWorld(old).nodes.map((action) => action.kind === 'ensure-node' && action.node.id)).toEqual([
      'old-k8s-c1-n1',
      'old-k8s-c1-n2',
      'old-k8s-c1-n3',
    ]);
    expect(nodes(withRegistry(old, () => ({ nodes: new Map([...(snapshotValue(settled().registry)?.nodes ?? [])]) })))).toEqual([]);
  });

  it('go when they have another prefix and nothing stands on them any more, but none that only looks like ours', () => {
    const before: Policy = { ...POLICY, nodePrefix: 'old-' };
    const first = settle(world({ specs: complete(specSet([web()])), endpoints: [endpoints('default/web')] }), { policy: before }).world;
    const canary: RegisteredNode = {
      name: 'old-c1--canary',
      id: consulNodeId('old-', 'c1', nodeName('-canary')),
      address: '127.0.0.1',
      meta: ownMeta('poolkeeper', 'c1'),
      modifyIndex: 3,
      ours: true,
    };
    const strange = [
      { ...canary, name: 'agent-7' },
      { ...canary, name: 'old-c2-n1', id: consulNodeId('old-', 'c2', nodeName('n1')), ours: false },
      { ...canary, name: 'older-c1--canary' },
    ];
    const added = [canary, ...strange].map((one) => [one.name, one] as const);
    const renamed = withRegistry(first, ({ nodes: all }) => ({ nodes: new Map([...all, ...added]) }));
    expect(nodes(renamed).filter((one) => one.startsWith('delete'))).toEqual(['delete old-c1--canary']);
    const after = settle(renamed).world;
    expect(nodes(after)).toEqual([]);
    const left = [...(snapshotValue(after.registry)?.nodes.keys() ?? [])].filter((name) => !name.startsWith('k8s-c1-'));
    expect(left).toEqual(strange.map(({ name }) => name));
    const half = withRegistry(renamed, ({ nodes: all }) => ({ nodes: all }));
    expect(nodes({ ...half, specs: stale(specSet([web()])) }).filter((one) => one.startsWith('delete'))).toEqual([]);
  });

  it('stay in traffic while a prefix changes, also when the names of both begin alike', () => {
    const before: Policy = { ...POLICY, nodePrefix: 'k8s-c1-' };
    const first = settle(world({ specs: complete(specSet([web()])), endpoints: [endpoints('default/web')] }), { policy: before }).world;
    expect(brief(planWorld(first).nodes)).toEqual(['passing k8s-c1-n1 0 0', 'passing k8s-c1-n2 0 0', 'passing k8s-c1-n3 0 0']);
    const after = settle(first).world;
    expect([...(snapshotValue(after.registry)?.nodes.keys() ?? [])].sort()).toEqual(['k8s-c1-n1', 'k8s-c1-n2', 'k8s-c1-n3']);
  });

  it('turn critical when every pool lets them go, before their instances go', () => {
    const plan = planWorld(withNodes(settled(web(), api()), node('n1'), node('n2', down), node('n3')));
    expect(brief(plan.nodes)).toEqual(['critical k8s-c1-n2 - 7']);
    expect(plan.actions.map((action) => action.kind === 'register-pool' && action.changes)).toEqual([['-n2'], ['-n2']]);
  });

  it('do not while one pool keeps them', () => {
    const keeping = settled(web({ 'poolkeeper.dev/min-backends': '3' }), api());
    const plan = planWorld(withNodes(keeping, node('n1'), node('n2', down), node('n3')));
    expect(plan.nodes).toEqual([]);
    expect(plan.actions.map((action) => action.kind === 'register-pool' && [action.pool, action.changes])).toEqual([
      ['default/api', ['-n2']],
    ]);
  });

  it.each<readonly [string, (base: World) => World]>([
    [
      'a pool cannot be decided, its Services being unknown',
      (base) => ({ ...base, cluster: { ...base.cluster, services: unavailable() } }),
    ],
    ['the nodes are unknown', (base) => ({ ...base, cluster: { ...base.cluster, nodes: unavailable() } })],
  ])('do not while %s', (_name, spoil) => {
    expect(nodes(spoil(withNodes(settled(), node('n1'), node('n2', down), node('n3'))))).toEqual([]);
  });

  it('stay critical, without another write, until they are backends again, and are passing before their instances come', () => {
    const gone = withNodes(settled(), node('n1'), node('n2', down), node('n3'));
    const out = settle(gone).world;
    expect(nodes(out)).toEqual([]);
    const plan = planWorld(withNodes(out, node('n1'), node('n2'), node('n3')));
    expect(brief(plan.nodes)).toEqual(['passing k8s-c1-n2 - 7']);
    expect(plan.actions).toMatchObject([{ kind: 'register-pool', changes: ['+n2'] }]);
  });

  it('are deleted when their Kubernetes node is gone and nothing stands on them', () => {
    const gone = withNodes(settled(), node('n1'), node('n3'));
    const out = applyToWorld(gone, [...planWorld(gone).nodes, ...planWorld(gone).actions]);
    expect(nodes(withNodes(out, node('n1'), node('n3')))).toEqual(['delete k8s-c1-n2']);
    expect(nodes(withNodes(out, node('n1'), node('n2', down), node('n3')))).toEqual([]);
    expect(nodes({ ...out, cluster: { ...out.cluster, nodes: stale([node('n1'), node('n3')]) } })).toEqual([]);
    expect(nodes({ ...out, specs: stale(specSet([web()])) })).toEqual([]);
  });

  it('of others are left alone', () => {
    const foreign = { name: 'k8s-c1-n9', id: 'x', address: '1.2.3.4', meta: { 'k8s-node': 'n9' }, modifyIndex: 1, ours: false };
    expect(nodes(withRegistry(settled(), ({ nodes: all }) => ({ nodes: new Map([...all, [foreign.name, foreign]]) })))).toEqual([]);
  });

  it('are not made where agents register', () => {
    expect(planWorld(settled(), { policy: { ...POLICY, registration: 'kv' } }).nodes).toEqual([]);
  });
});
