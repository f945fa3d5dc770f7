import { describe, expect, it } from 'vitest';
import type { Action, RegisterPool } from '../../../../src/core/model/action.ts';
import { poolCheckId } from '../../../../src/core/model/consul-names.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegisteredCheck, RegistryState } from '../../../../src/core/model/registration.ts';
import type { HealthMode } from '../../../../src/core/model/settings.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { registeredOf } from '../../../../src/core/plan/plan-pool.ts';
import { poolHealthReport } from '../../../../src/core/report/health-words.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  node,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

type ServiceParts = NonNullable<Parameters<typeof service>[1]>;
const POOL = keys.pool('web');
const NODES = [node('n1'), node('n2'), node('n3')];

const specOf = (health: HealthMode | undefined, parts: ServiceParts = {}): ReturnType<typeof spec> => {
  const annotations = { ...(health === undefined ? {} : { 'poolkeeper.dev/health': health }), ...parts.annotations };
  return spec('web.json', deployment('web'), service('web', { ...parts, annotations }));
};
const start = (health: HealthMode | undefined, parts: ServiceParts = {}): World =>
  world({ specs: complete(specSet([specOf(health, parts)])), nodes: NODES, endpoints: [endpoints('default/web')] });
const settled = (health: HealthMode | undefined, policy: Policy = POLICY): World => settle(start(health), { policy }).world;
const withSpec = (base: World, health: HealthMode | undefined, parts: ServiceParts = {}): World => ({
  ...base,
  specs: complete(specSet([specOf(health, parts)])),
});
const withEndpoints = (base: World, ...facts: readonly ReturnType<typeof endpoints>[]): World => ({
  ...base,
  cluster: { ...base.cluster, endpoints: complete(new Map(facts.map((one) => [one.pool, one]))) },
});
const unready = (base: World): World => withEndpoints(base, endpoints('default/web', 0, []));
const ready = (base: World): World => withEndpoints(base, endpoints('default/web'));
const registryOf = (base: World): RegistryState => snapshotValue(base.registry) ?? EMPTY_REGISTRY;
const healthChecks = (base: World): readonly RegisteredCheck[] =>
  [...registryOf(base).checks.values()].filter(({ instanceId, checkId }) => instanceId !== '' && checkId !== poolCheckId(POOL));
const withChecks = (base: World, change: (check: RegisteredCheck) => RegisteredCheck): World => ({
  ...base,
  registry: complete({ ...registryOf(base), checks: new Map([...registryOf(base).checks].map(([key, check]) => [key, change(check)])) }),
});
/** What consul-esm would have found of every probe. */
const probed = (base: World, status: 'passing' | 'critical'): World =>
  withChecks(base, (check) => (check.probe === undefined ? check : { ...check, status, output: `TCP ${status}`, modifyIndex: 99 }));
const registration = (actions: readonly Action[]): RegisterPool | undefined => actions.find((action) => action.kind === 'register-pool');
const next = (base: World, policy: Policy = POLICY): RegisterPool | undefined => registration(planWorld(base, { policy }).actions);
const words = (base: World, policy: Policy = POLICY): string => {
  const { context } = planWorld(base, { policy });
  const view = context.views.get(POOL);
  if (view === undefined) throw new Error('there is a pool');
  return poolHealthReport(view, registeredOf(POOL, context), context).words;
};

describe('health node', () => {
  it('has no check but the one of the pool, whatever its endpoints do', () => {
    for (const base of [settled('node'), settled(undefined)]) {
      expect(healthChecks(base)).toEqual([]);
      expect(next(unready(base))).toBeUndefined();
      expect(words(base)).toBe('as Kubernetes says of its nodes');
    }
  });
});

describe('health endpoints', () => {
  it('writes nothing while an endpoint is ready', () => {
    expect(healthChecks(settled('endpoints'))).toEqual([]);
    expect(words(settled('endpoints'))).toBe('an endpoint is ready');
  });

  it('turns every instance critical at once when the last endpoint goes, and all back with the first one', () => {
    const base = settled('endpoints');
    const gone = next(unready(base));
    expect(gone).toMatchObject({ set: [], remove: [], removeChecks: [], changes: ['critical: no endpoint is ready'] });
    expect(gone?.checks.map(({ consulNode, status, modifyIndex }) => [consulNode, status, modifyIndex])).toEqual([
      ['k8s-c1-n1', 'critical', 0],
      ['k8s-c1-n2', 'critical', 0],
      ['k8s-c1-n3', 'critical', 0],
    ]);
    const down = settle(unready(base)).world;
    expect(next(down)).toBeUndefined();
    expect(words(down)).toBe('critical: no endpoint is ready');
    const back = next(ready(down));
    expect(back).toMatchObject({ set: [], remove: [], checks: [], changes: ['no longer critical for want of endpoints'] });
    expect(back?.removeChecks).toHaveLength(3);
    expect(healthChecks(settle(ready(down)).world)).toEqual([]);
  });

  it.each<readonly [string, (base: World) => World]>([
    ['the EndpointSlices are stale', (base) => ({ ...base, cluster: { ...base.cluster, endpoints: stale(new Map()) } })],
    ['the Service has no slice', (base) => withEndpoints(base)],
    ['slices lag behind a renamed port', (base) => withEndpoints(base, endpoints('default/web', 2, ['old']))],
    [
      'an endpoint that terminates serves still',
      (base) => withEndpoints(base, { ...endpoints('default/web', 0, []), terminatingPorts: ['http'] }),
    ],
    [
      'most nodes are NotReady at once',
      (base) => ({
        ...unready(base),
        cluster: { ...unready(base).cluster, nodes: complete(NODES.map((one) => ({ ...one, ready: false }))) },
      }),
    ],
  ])('keeps what is passing while %s', (_name, spoil) => {
    expect(next(spoil(settled('endpoints')))).toBeUndefined();
  });

  it('keeps what is critical while nobody can tell, and a node that joins is critical with the others', () => {
    const down = settle(unready(settled('endpoints'))).world;
    const blind = { ...down, cluster: { ...down.cluster, endpoints: stale(new Map()), nodes: complete([...NODES, node('n4')]) } };
    expect(words(blind)).toBe('critical as before: the EndpointSlices are stale');
    const step = next(blind);
    expect(step?.set.map((one) => one.node)).toEqual(['n4']);
    expect(step?.checks.filter(({ status }) => status === 'critical').map(({ consulNode }) => consulNode)).toEqual(['k8s-c1-n4']);
  });

  it('goes on to change tags while it is critical, without touching what makes it so', () => {
    const down = settle(unready(settled('endpoints'))).world;
    const step = next(withSpec(down, 'endpoints', { annotations: { tags: 'other' } }));
    expect(step?.set).toHaveLength(3);
    expect(step?.checks.map(({ checkId }) => checkId)).toEqual([poolCheckId(POOL)]);
    expect(step?.removeChecks).toEqual([]);
  });

  it('with Local: what the floor keeps is critical', () => {
    const spread = { externalTrafficPolicy: 'Local' };
    const on = { ...endpoints('default/web'), readyNodes: NODES.map(({ name }) => name) };
    const first = withEndpoints(start('endpoints', { spec: spread }), on);
    const down = settle(unready(settle(first).world)).world;
    expect(registryOf(down).instances.get(POOL)).toHaveLength(1);
    expect(healthChecks(down).map(({ status }) => status)).toEqual(['critical']);
  });
});

describe('health esm', () => {
  it('gives every instance a probe that passes until it was tried', () => {
    const base = settled('esm');
    expect(healthChecks(base).map(({ consulNode, status, probe }) => [consulNode, status, probe?.tcp])).toEqual(
      [1, 2, 3].map((i) => [`k8s-c1-n${i}`, 'passing', `10.0.0.${i}:${registryOf(base).instances.get(POOL)?.[0]?.port}`]),
    );
    expect(words(base)).toBe('0 of 3 answer consul-esm, 3 not probed yet');
    expect(words(probed(base, 'passing'))).toBe('3 of 3 answer consul-esm');
  });

  it('writes the address of IPv6 in brackets', () => {
    const policy: Policy = { ...POLICY, pool: { ...POLICY.pool, addressFamily: 'IPv6' } };
    const address = { addresses: [{ type: 'InternalIP', address: 'fd00::1' }] };
    const base = { ...start('esm'), cluster: { ...start('esm').cluster, nodes: complete([node('n1', address)]) } };
    expect(healthChecks(settle(base, { policy }).world)[0]?.probe?.tcp).toMatch(/^\[fd00::1\]:\d+$/);
  });

  it.each(['passing', 'critical'] as const)(
    'leaves alone what consul-esm says (%s): no write at rest, no reset by a change of tags',
    (status) => {
      const base = probed(settled('esm'), status);
      expect(planWorld(base).actions).toEqual([]);
      const step = next(withSpec(base, 'esm', { annotations: { tags: 'other' } }));
      expect(step?.checks.map(({ checkId }) => checkId)).toEqual([poolCheckId(POOL)]);
    },
  );

  it('carries what consul-esm says over to another NodePort and another name', () => {
    const base = probed(settled('esm'), 'critical');
    const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 31_999 }];
    for (const parts of [{ spec: { ports } }, { annotations: { 'poolkeeper.dev/service-name': 'other' } }]) {
      const after = settle(withSpec(base, 'esm', parts)).world;
      const checks = healthChecks(after);
      expect(checks.map(({ status, output }) => [status, output])).toEqual([1, 2, 3].map(() => ['critical', 'TCP critical']));
      expect(new Set(checks.map(({ service: name }) => name))).toEqual(new Set([registryOf(after).instances.get(POOL)?.[0]?.service]));
    }
  });

  it('repairs a probe that somebody bent or deleted', () => {
    const base = probed(settled('esm'), 'critical');
    const bent = withChecks(base, (check) =>
      check.probe === undefined ? check : { ...check, probe: { ...check.probe, tcp: '127.0.0.1:1' } },
    );
    expect(next(bent)?.checks.map(({ status }) => status)).toEqual(['critical', 'critical', 'critical']);
    const checks = new Map([...registryOf(base).checks].filter(([, check]) => check.probe === undefined));
    expect(next({ ...base, registry: complete({ ...registryOf(base), checks }) })?.checks).toHaveLength(3);
  });
});

describe('another mode', () => {
  const MODES: readonly HealthMode[] = ['node', 'endpoints', 'esm'];
  const pairs = MODES.flatMap((from) => MODES.filter((to) => to !== from).map((to) => [from, to] as const));

  it.each(pairs)('from %s to %s touches no instance, and is done by one transaction', (from, to) => {
    const base = settled(from);
    const changed = withSpec(base, to);
    const first = settle(changed, {}, 1).world;
    const before = registryOf(base)
      .instances.get(POOL)
      ?.map(({ id, address, port, tags }) => [id, address, port, tags]);
    expect(next(changed)?.set ?? []).toEqual([]);
    expect(next(changed)?.remove ?? []).toEqual([]);
    const after = settle(first).world;
    expect(
      registryOf(after)
        .instances.get(POOL)
        ?.map(({ id, address, port, tags }) => [id, address, port, tags]),
    ).toEqual(before);
    expect(healthChecks(after).map(({ probe }) => probe !== undefined)).toEqual(to === 'esm' ? [true, true, true] : []);
  });

  it('says what a living pool gains and loses', () => {
    expect(next(withSpec(settled('node'), 'esm'))?.changes).toContain('probed by consul-esm');
    expect(next(withSpec(settled('esm'), 'node'))?.changes).toContain('no longer probed by consul-esm');
  });

  it('leaves the checks of others on our instances alone', () => {
    const base = settled('esm');
    const [one] = healthChecks(base);
    if (one === undefined) throw new Error('there is a probe');
    const { probe: _probe, ...rest } = one;
    const theirs = { ...rest, checkId: `_service_maintenance:${one.instanceId}`, status: 'critical' as const };
    const checks = new Map([...registryOf(base).checks, [`${theirs.consulNode}/${theirs.checkId}`, theirs]]);
    const maintained = { ...base, registry: complete({ ...registryOf(base), checks }) };
    expect(planWorld(maintained).actions).toEqual([]);
    expect(next(withSpec(maintained, 'node'))?.removeChecks.map(({ checkId }) => checkId)).not.toContain(theirs.checkId);
  });

  it('follows the configured default where the Service says nothing', () => {
    const policy: Policy = { ...POLICY, pool: { ...POLICY.pool, health: 'esm' } };
    expect(healthChecks(settled(undefined, policy))).toHaveLength(3);
    expect(healthChecks(settled('node', policy))).toEqual([]);
  });
});

it('a pool as large as fits goes from mode to mode, is renamed and moved, and never exceeds a transaction', () => {
  const nodes = Array.from({ length: 140 }, (_, i) => node(`n${i + 1}`));
  let now = settle({ ...start('esm'), cluster: { ...start('esm').cluster, nodes: complete(nodes) } }, {}, 12).world;
  expect(registryOf(now).instances.get(POOL)).toHaveLength(123);
  expect(healthChecks(now)).toHaveLength(123);
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 31_999 }];
  const changes: readonly ((base: World) => World)[] = [
    (base) => withSpec(base, 'esm', { spec: { ports } }),
    (base) => withSpec(unready(base), 'endpoints', { spec: { ports } }),
    (base) => withSpec(base, 'endpoints', { spec: { ports }, annotations: { tags: 'other' } }),
    (base) => withSpec(ready(base), 'esm', { spec: { ports }, annotations: { tags: 'other', 'poolkeeper.dev/service-name': 'other' } }),
  ];
  for (const change of changes) {
    now = change(now);
    for (let i = 0; ; i++) {
      const plan = planWorld(now);
      const step = registration(plan.actions);
      if (plan.actions.length + plan.nodes.length + plan.records.length === 0) break;
      expect(i).toBeLessThan(12);
      if (step !== undefined) {
        const operations = 1 + step.set.length + step.remove.length + step.checks.length + step.removeChecks.length + step.kv.length;
        expect(operations).toBeLessThanOrEqual(128);
      }
      now = applyToWorld(now, [...plan.nodes, ...plan.actions, ...plan.records]);
      const list = registryOf(now).instances.get(POOL) ?? [];
      expect(list.length).toBeGreaterThanOrEqual(123);
      expect(new Set(list.map(({ service: name, tags }) => JSON.stringify([name, tags]))).size).toBe(1);
    }
  }
  expect(healthChecks(now).map(({ checkId, service: name }) => `${checkId} ${name}`)).toEqual(
    Array.from({ length: 123 }, () => `${poolCheckId(POOL, 'esm')} other`),
  );
});
