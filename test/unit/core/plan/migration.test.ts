import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareAction, sizeOf } from '../../../../src/adapters/consul/pack-actions.ts';
import type { RegisterPool } from '../../../../src/core/model/action.ts';
import { kvKey, poolKey } from '../../../../src/core/model/ids.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { LATE_AGENT_MS } from '../../../../src/core/plan/plan-migration.ts';
import { forgetDrained } from '../../../../src/core/plan/plan-removals.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  MEMORY,
  NOW_MS,
  node,
  POLICY,
  service,
  spec,
  specSet,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, type ModelPlan, planWorld, settle } from '../../../support/model-world.ts';
import { agentInstance, agentsIn, follow, toldIn, withAgents, withoutRemoved } from '../../../support/simulated-agents.ts';

const KV: Policy = { ...POLICY, registration: 'kv' };
const POOL = poolKey('default', 'web');
const RECORD = kvKey('kubernetes/.poolkeeper/c1/migrating/default/web');
const ELSEWHERE = node('elsewhere', { addresses: [{ type: 'InternalIP', address: '10.9.9.9' }] });
const nodesOf = (count: number) => Array.from({ length: count }, (_, i) => node(`n${i + 1}`));
const web = (tags = 'kubernetes', minBackends = 1) =>
  complete(
    specSet([
      spec('web.json', deployment('web'), service('web', { annotations: { tags, 'poolkeeper.dev/min-backends': String(minBackends) } })),
    ]),
  );

/** A pool that the agents of all nodes register, as mode `kv` leaves it. */
function byAgents(count = 3, minBackends = 1): World {
  const base = world({ specs: web('kubernetes', minBackends), nodes: nodesOf(count), endpoints: [endpoints('default/web')] });
  const told = settle(base, { policy: KV }).world;
  return nodesOf(count).reduce((before, one) => follow(before, one), told);
}

/** As after `poolkeeper migrate`. */
function asked(base: World): World {
  const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
  const value = JSON.stringify({ sinceMs: NOW_MS });
  const kv = new Map([...state.kv, [RECORD, { key: RECORD, value, flags: keys.flags, modifyIndex: 5 }]]);
  return { ...base, registry: complete({ ...state, kv }) };
}

const ours = ({
  registry,
}: World): readonly { readonly node: string; readonly address: string; readonly port: number; readonly tags: readonly string[] }[] =>
  [...(snapshotValue(registry)?.instances.values() ?? [])].flat();
const problems = ({ guarded }: ModelPlan): readonly string[] => guarded.plans.flatMap((plan) => plan.problems.map(({ code }) => code));
const apply = (base: World, plan: ModelPlan): World =>
  withoutRemoved(applyToWorld(base, [...plan.nodes, ...plan.actions, ...plan.records]), plan.actions);

describe('a pool that agents register', () => {
  it.each<Policy['registration']>(['both', 'catalog'])('stays with them in mode %s, and is told what releases it', (registration) => {
    const policy: Policy = { ...POLICY, registration };
    const plan = planWorld(byAgents(), { policy });
    expect(problems(plan)).toEqual(['CONSUL_AGENTS_REGISTER']);
    expect(plan.guarded.plans[0]?.problems[0]?.remedy).toContain('poolkeeper migrate default/web');
    const after = settle(byAgents(), { policy }).world;
    expect([ours(after), toldIn(after)?.nodes]).toEqual([[], ['n1', 'n2', 'n3']]);
  });

  it('follows its nodes and tags while it is held', () => {
    const base = byAgents();
    const cordoned = complete(nodesOf(3).map((one) => (one.name === 'n3' ? { ...one, unschedulable: true } : one)));
    const after = settle({ ...base, specs: web('kubernetes,new'), cluster: { ...base.cluster, nodes: cordoned } }).world;
    expect(toldIn(after)).toMatchObject({ nodes: ['n1', 'n2'], tags: expect.arrayContaining(['new']) });
  });

  it.each<Policy['registration']>(['both', 'catalog'])(
    'stands on no node that the cluster has no address of, when nothing else may be a backend: mode %s',
    (registration) => {
      const told = withAgents(byAgents(), []);
      const gone: World = { ...told, cluster: { ...told.cluster, nodes: complete([node('n9', { ready: false })]) } };
      const plan = planWorld(gone, { policy: { ...POLICY, registration } });
      expect([plan.nodes, plan.actions]).toEqual([[], []]);
      const back = { ...gone, cluster: { ...gone.cluster, nodes: complete([node('n9', { ready: false }), node('n1')]) } };
      expect(ours(apply(back, planWorld(back, { policy: { ...POLICY, registration } }))).map((one) => one.node)).toEqual(['n1']);
    },
  );

  it('goes on with agents on machines that are no nodes of the cluster, until anything else is there', () => {
    const base = byAgents();
    const [{ port } = { port: 0 }] = agentsIn(base);
    const after = settle(withAgents(base, [agentInstance(ELSEWHERE, { port })])).world;
    expect(toldIn(after)?.nodes).toEqual(['elsewhere', 'n1', 'n2', 'n3']);
  });

  it('has the nodes that its entry tells for members, but no entry of somebody else', () => {
    const base = byAgents();
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const withFlags = (flags: number): World => {
      const kv = new Map([...state.kv].map(([key, entry]) => [key, { ...entry, flags }]));
      const gone = complete([node('n1'), node('n2', { ready: false })]);
      return { ...base, registry: complete({ ...state, kv }), cluster: { ...base.cluster, nodes: gone } };
    };
    const decided = (of: World) => {
      const { decisions = [], leaving = [] } = planWorld(of, { policy: KV }).context.decisions.get(POOL) ?? {};
      return [decisions.map(({ node: name }) => name), leaving.map(({ node: name }) => name)];
    };
    expect(decided(withFlags(keys.flags))).toEqual([['n1', 'n2', 'n3'], ['n2']]);
    expect(decided(withFlags(keys.flags + 1))).toEqual([['n1', 'n2'], []]);
  });

  it('is a stranger when its port and addresses are not those of the Service', () => {
    const applied = settle(world({ specs: web() })).world;
    expect(problems(planWorld(withAgents(applied, [agentInstance(ELSEWHERE, { port: 8080 })])))).toEqual(['CONSUL_NAME_TAKEN']);
  });

  it('is told to be doubled when they come after the catalog, which stays', () => {
    const base = settle(world({ specs: web(), endpoints: [endpoints('default/web')] })).world;
    const port = ours(base)[0]?.port ?? 0;
    const doubled = withAgents(base, [agentInstance(node('n1'), { port })]);
    const plan = planWorld(doubled);
    expect([problems(plan), plan.actions]).toEqual([['CONSUL_POOL_DOUBLED'], []]);
  });

  it('keeps a NodePort open that they still register', () => {
    const base = byAgents();
    const [{ port } = { port: 0 }] = agentsIn(base);
    const moved = complete(
      specSet([
        spec(
          'web.json',
          deployment('web'),
          service('web', { spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 32_100 }] } }),
        ),
      ]),
    );
    const later = settle({ ...base, specs: moved }, { policy: KV, nowMs: NOW_MS + 3_600_000 }).world;
    const services = [...(snapshotValue(later.cluster.services)?.values() ?? [])];
    expect(JSON.stringify(services[0]?.spec['ports'])).toContain(`"nodePort":${port}`);
  });
});

describe('a pool that leaves its agents for good', () => {
  it('keeps its entry until they are gone, but not for ever', () => {
    const base = byAgents();
    const withdrawn = service('web', { annotations: { 'poolkeeper.dev/register': 'false' } });
    const two = { ...base, specs: complete(specSet([spec('web.json', deployment('web'), withdrawn)])) };
    const memory = { ...MEMORY, removals: { 'pool:default/web': { atMs: NOW_MS } } };
    const untold = apply(two, planWorld(two, { policy: KV, memory }));
    expect(toldIn(untold)?.nodes).toEqual([]);
    const waits = planWorld(untold, { policy: KV, memory });
    const kinds = (plan: ModelPlan) => plan.actions.map(({ kind }) => kind).filter((kind) => kind !== 'apply-object');
    expect(kinds(waits)).toEqual([]);
    expect(waits.guarded.plans.flatMap(({ waiting }) => waiting.map(({ what }) => what))).toContainEqual(
      expect.stringContaining('agents still register'),
    );
    expect(kinds(planWorld(withAgents(untold, []), { policy: KV, memory }))).toContain('deregister-pool');
    expect(kinds(planWorld(untold, { policy: KV, memory, nowMs: NOW_MS + LATE_AGENT_MS }))).toContain('deregister-pool');
  });
});

describe('the entries that mode both has left', () => {
  it('leave by the guard in mode catalog, and tell nobody meanwhile', () => {
    const base = settle(world({ specs: web(), endpoints: [endpoints('default/web')] })).world;
    const policy: Policy = { ...POLICY, registration: 'catalog' };
    const held = planWorld(base, { policy });
    expect(held.guarded.holds.map(({ what, reason }) => [what, reason.code])).toEqual([['pool default/web', 'REMOVAL_ALL']]);
    const generous = { ...MEMORY, removals: { 'pool:default/web': { atMs: NOW_MS } } };
    const allowed = apply(base, planWorld(base, { policy, memory: generous }));
    expect([toldIn(allowed), ours(allowed).length]).toEqual([undefined, 3]);
    expect(planWorld(allowed, { policy }).actions).toEqual([]);
  });
});

describe('moving a pool to the catalog', () => {
  it('begins with as many nodes as half of the pool can do without', () => {
    const base = asked(byAgents(5));
    const begun = apply(base, planWorld(base));
    expect([toldIn(begun)?.nodes, ours(begun)]).toEqual([['n3', 'n4', 'n5'], []]);
  });

  it('takes a node when its agent is gone, and tells the next one', () => {
    const base = asked(byAgents(3));
    const begun = apply(base, planWorld(base));
    expect(planWorld(begun).actions).toEqual([]);
    const next = follow(begun, node('n1'));
    const after = apply(next, planWorld(next));
    expect([ours(after).map(({ node: name }) => name), toldIn(after)?.nodes]).toEqual([['n1'], ['n3']]);
  });

  it('gives an agent that was not seen the time to be late', () => {
    const told = asked(byAgents(3));
    const base = withAgents(told, agentsIn(told).slice(1));
    const begun = apply(base, planWorld(base));
    expect(toldIn(begun)?.nodes).not.toContain('n1');
    const early = apply(begun, planWorld(begun, { nowMs: NOW_MS + LATE_AGENT_MS - 1 }));
    expect(ours(early)).toEqual([]);
    const late = apply(begun, planWorld(begun, { nowMs: NOW_MS + LATE_AGENT_MS }));
    expect(ours(late).map(({ node: name }) => name)).toContain('n1');
  });

  it('swaps in one transaction where no backend can be done without', () => {
    const base = asked(byAgents(1));
    const plan = planWorld(base);
    const [swap] = plan.actions.filter((action) => action.kind === 'register-pool');
    expect(swap).toMatchObject({ set: [{ node: 'n1' }], remove: [{ consulNode: 'n1', id: 'web', modifyIndex: 3 }] });
    expect(toldIn(apply(base, plan))?.nodes).toEqual([]);
  });

  it.each([
    [120, 'node', 128],
    [120, 'esm', 128],
    [59, 'node', 64],
  ] as const)('swaps %i nodes in transactions that Consul takes, health %s, at most %i operations', (count, health, most) => {
    const policy: Policy = { ...POLICY, pool: { ...POLICY.pool, health } };
    let base = asked(byAgents(count, count));
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    base = { ...base, registry: complete({ ...state, limits: { ...state.limits, operations: most } }) };
    const swaps: number[] = [];
    for (let pass = 0; ours(base).length < count && pass < 20; pass++) {
      const plan = planWorld(base, { policy });
      for (const action of plan.actions) {
        expect(sizeOf([prepareAction(action as RegisterPool, 0, keys.flags)]).operations).toBeLessThanOrEqual(most);
        if (action.kind === 'register-pool') swaps.push(action.set.length);
      }
      base = apply(base, plan);
      const seen = [...agentsIn(base), ...ours(base)].map(({ address, port }) => `${address}:${port}`);
      expect([seen.length, new Set(seen).size]).toEqual([count, count]);
    }
    expect([ours(base).length, agentsIn(base), toldIn(base)?.nodes]).toEqual([count, [], []]);
    // As few as can be.
    expect(swaps).toEqual(swaps.map((_, i) => (i < swaps.length - 1 ? swaps[0] : count % (swaps[0] ?? 1) || swaps[0])));
    expect(swaps[0]).toBeGreaterThanOrEqual(Math.floor((most - 6) / (health === 'esm' ? 3 : 2)));
  });

  it('swaps nothing that agents register on other machines: they may be of another cluster', () => {
    const base = asked(byAgents(1));
    const [{ port, tags } = { port: 0, tags: [] }] = agentsIn(base);
    const other = agentInstance(ELSEWHERE, { port, tags });
    const [swap] = planWorld(withAgents(base, [...agentsIn(base), other])).actions.filter((action) => action.kind === 'register-pool');
    expect(swap?.remove.map(({ consulNode }) => consulNode)).toEqual(['n1']);
  });

  it('waits for agents that do not register the tags that the catalog would, and says so in time', () => {
    const base = asked(byAgents());
    const old = withAgents(
      base,
      agentsIn(base).map((one) => ({ ...one, tags: ['kubernetes'] })),
    );
    const early = planWorld(old);
    expect(early.guarded.plans[0]?.waiting[0]?.what).toContain('other tags');
    expect(problems(planWorld(old, { nowMs: NOW_MS + 61_000 }))).toEqual(['CONSUL_AGENTS_STAY']);
    expect(ours(apply(old, early))).toEqual([]);
  });

  it('tells of agents that stay although they are told to leave', () => {
    const base = asked(byAgents());
    const begun = apply(base, planWorld(base));
    expect(problems(planWorld(begun, { nowMs: NOW_MS + 61_000 }))).toEqual(['CONSUL_AGENTS_STAY']);
  });

  it('is given up, and does not go on by itself later, where agents are to register', () => {
    const base = asked(byAgents());
    expect(snapshotValue(base.registry)?.kv.has(RECORD)).toBe(true);
    const { world: after, last } = settle(base, { policy: KV });
    expect([snapshotValue(after.registry)?.kv.has(RECORD), toldIn(after)?.nodes]).toEqual([false, ['n1', 'n2', 'n3']]);
    expect(last.actions).toEqual([]);
  });

  it('is forgotten together with a change that fills a transaction', () => {
    const nodes = nodesOf(125);
    const base = settle(world({ specs: web(), nodes: nodes.slice(1), endpoints: [endpoints('default/web')] })).world;
    const own = { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 32_100 };
    const other = spec('web.json', deployment('web'), service('web', { annotations: { tags: 'new' }, spec: { ports: [own] } }));
    const [gone] = ours(base);
    const left = nodes.filter(({ name }) => name !== gone?.node);
    const changed = asked({ ...base, specs: complete(specSet([other])), cluster: { ...base.cluster, nodes: complete(left) } });
    const served = applyToWorld(
      changed,
      planWorld(changed).actions.filter(({ kind }) => kind === 'apply-object'),
    );
    const [action] = planWorld(served).actions.filter((one) => one.kind === 'register-pool');
    if (action === undefined) throw new Error('nothing is to be changed');
    expect([ours(base).length, action.kv.length]).toEqual([123, 3]);
    expect(sizeOf([prepareAction(action, 0, keys.flags)]).operations).toBeLessThanOrEqual(128);
    const { last, world: after } = settle(served);
    expect([last.actions, ours(after).length, snapshotValue(after.registry)?.kv.has(RECORD)]).toEqual([[], 123, false]);
  });

  it('is forgotten with the Service', () => {
    const base = asked(byAgents());
    const without: World = { ...base, cluster: { ...base.cluster, services: complete(new Map()) } };
    const forgotten = (of: World) => forgetDrained(planWorld(of).context, 'kubernetes/.poolkeeper/c1/draining/');
    expect([forgotten(base), forgotten(without)]).toMatchObject([[], [{ kind: 'write-kv', writes: [{ key: RECORD, modifyIndex: 5 }] }]]);
  });

  it('does nothing while the entry is of someone else', () => {
    const base = asked(byAgents());
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const kv = new Map([...state.kv].map(([key, entry]) => [key, key.includes('/deployments/') ? { ...entry, flags: 0 } : entry]));
    const plan = planWorld({ ...base, registry: complete({ ...state, kv }) });
    expect(problems(plan)).toEqual(expect.arrayContaining(['CONSUL_AGENTS_REGISTER', 'CONSUL_KEY_TAKEN']));
    expect(plan.actions.filter(({ kind }) => kind === 'register-pool')).toEqual([]);
  });

  type Event =
    | { readonly kind: 'plan' | 'time' | 'lose-record' }
    | { readonly kind: 'follow'; readonly i: number }
    | { readonly kind: 'tags'; readonly tags: string };
  const event: fc.Arbitrary<Event> = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Event>({ kind: 'plan' }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('follow' as const), i: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.constant<Event>({ kind: 'time' }) },
    { weight: 1, arbitrary: fc.constant<Event>({ kind: 'lose-record' }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('tags' as const), tags: fc.constantFrom('kubernetes', 'kubernetes,blue') }) },
  );

  it('never shows a node twice, less than half of the pool, or two sets of tags, whenever who does what', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(event, { maxLength: 40 }),
        (count, least, events) => {
          let now = NOW_MS;
          let base = asked(byAgents(count, least));
          const floor = Math.max(Math.ceil(count / 2), Math.min(least, count));
          const look = (): void => {
            const seen = [...agentsIn(base), ...ours(base)];
            const backends = seen.map(({ address, port }) => `${address}:${port}`);
            expect(new Set(backends).size).toBe(backends.length);
            expect(backends.length).toBeGreaterThanOrEqual(floor);
            if (agentsIn(base).length > 0 && ours(base).length > 0) expect(new Set(seen.map(({ tags }) => tags.join())).size).toBe(1);
          };
          const step = (one: Event): void => {
            if (one.kind === 'plan') base = apply(base, planWorld(base, { nowMs: now }));
            else if (one.kind === 'time') now += LATE_AGENT_MS;
            else if (one.kind === 'follow') base = one.i < count ? follow(base, node(`n${one.i + 1}`)) : base;
            else if (one.kind === 'tags') base = { ...base, specs: web(one.tags, least) };
            else if (ours(base).length > 0) base = withoutRecord(base);
          };
          for (const one of events) {
            step(one);
            look();
          }
          for (let round = 0; round < 30; round++) {
            for (let i = 0; i < count; i++) step({ kind: 'follow', i });
            step({ kind: 'plan' });
            step({ kind: 'time' });
            look();
          }
          expect([ours(base).length, agentsIn(base), toldIn(base)?.nodes]).toEqual([count, [], []]);
          expect(snapshotValue(base.registry)?.kv.has(RECORD)).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function withoutRecord(base: World): World {
  const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
  return { ...base, registry: complete({ ...state, kv: new Map([...state.kv].filter(([key]) => key !== RECORD)) }) };
}
