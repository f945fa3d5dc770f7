import { describe, expect, it } from 'vitest';
import type { GatewayState, Gateways } from '../../../../src/core/model/gateway.ts';
import type { KvKey } from '../../../../src/core/model/ids.ts';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { KvEntry } from '../../../../src/core/model/registration.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { drainsDueAt } from '../../../../src/core/plan/context.ts';
import { drainEnd } from '../../../../src/core/plan/let-go.ts';
import {
  commit as commitFacts,
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  MEMORY,
  NOW_MS,
  POLICY,
  service,
  spec,
  specSet,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { answered, gatewayState, silent } from '../../../support/gateway-state.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const POOL = keys.pool('web');
const allowing = commitFacts('r2', '5');
const PORT = 31_000;
const SINCE_MS = NOW_MS - 5_000;
const DRAIN_MS = POLICY.drainSeconds * 1000;
const BY_TIME_MS = SINCE_MS + POLICY.letGoMs + DRAIN_MS;
const OURS = `http://10.0.0.1:${PORT}`;

const site = settle(
  world({ specs: complete(specSet([spec('web.json', deployment('web'), service('web'))])), endpoints: [endpoints('default/web')] }),
).world;
const watching = (...snapshots: readonly Snapshot<GatewayState>[]): Gateways =>
  new Map(snapshots.map((snapshot, i) => [replicaName(`edge-${i + 1}`), snapshot]));
const endOf = (gateways: Gateways | undefined, base: World = site) => {
  const { context } = planWorld({ ...base, ...(gateways === undefined ? {} : { gateways }) });
  return drainEnd({ pool: POOL, port: PORT, sinceMs: SINCE_MS }, context);
};
const has = (...urls: readonly string[]): GatewayState => gatewayState({ web: urls });
/** A Traefik that dropped these servers at a time. */
const dropped = (atMs: number, ...list: readonly string[]): GatewayState =>
  gatewayState({ other: ['http://10.0.0.1:39000'] }, { leftAtMs: new Map(list.map((endpoint) => [endpoint, atMs])) });

describe('the end of a drain', () => {
  it('is told by time alone where no Traefik is watched', () => {
    expect(endOf(undefined)).toEqual({ atMs: BY_TIME_MS });
  });

  const LEFT_MS = SINCE_MS + 1_500;
  it.each<readonly [string, Gateways, number]>([
    ['comes drain-seconds after the replica let go', watching(answered(dropped(LEFT_MS, `10.0.0.1:${PORT}`))), LEFT_MS + DRAIN_MS],
    [
      'waits for the last replica',
      watching(answered(dropped(LEFT_MS, `10.0.0.1:${PORT}`)), answered(dropped(LEFT_MS + 900, `10.0.0.2:${PORT}`))),
      LEFT_MS + 900 + DRAIN_MS,
    ],
    [
      'counts from the last server that a replica dropped',
      watching(answered(dropped(LEFT_MS, `10.0.0.1:${PORT}`, `10.0.0.2:${PORT}`))),
      LEFT_MS + DRAIN_MS,
    ],
    [
      'never comes while a replica has a server of ours',
      watching(answered(dropped(LEFT_MS, `10.0.0.1:${PORT}`)), answered(has(OURS))),
      Infinity,
    ],
    ['never comes before a replica was asked', watching(answered(dropped(LEFT_MS, `10.0.0.1:${PORT}`), SINCE_MS - 1)), Infinity],
    ['counts by time for a replica that never had the servers: they may be on their way', watching(answered(has())), BY_TIME_MS],
    [
      'counts from the first answer to a process that began only then: nobody saw when it let go',
      watching(answered({ ...has(), knownSinceMs: NOW_MS + 60_000 }, NOW_MS + 60_000)),
      NOW_MS + 60_000 + DRAIN_MS,
    ],
    [
      'counts by time when the servers went before they left Consul: they may have come back unseen',
      watching(answered(dropped(SINCE_MS - 1, `10.0.0.1:${PORT}`))),
      BY_TIME_MS,
    ],
    [
      'does not take the servers of another cluster with the same NodePort for ours',
      watching(answered(has(`http://10.200.0.1:${PORT}`))),
      BY_TIME_MS,
    ],
    ['does not take another NodePort for it', watching(answered(has('http://10.0.0.1:31001'))), BY_TIME_MS],
    [
      'waits for a replica that has only just stopped to answer',
      watching(silent(NOW_MS - 1_000, has(OURS))),
      NOW_MS - 1_000 + POLICY.maxWaitMs + DRAIN_MS,
    ],
    ['counts by time for a replica that has not answered for long', watching(silent(SINCE_MS - POLICY.maxWaitMs, has(OURS))), BY_TIME_MS],
    ['waits as long for one that has never answered', watching(silent(NOW_MS)), NOW_MS + POLICY.maxWaitMs + DRAIN_MS],
  ])('%s', (_name, gateways, atMs) => {
    expect(endOf(gateways).atMs).toBe(atMs);
  });

  it('says who holds on to what', () => {
    const gateways = watching(answered(dropped(LEFT_MS, `10.0.0.1:${PORT}`)), answered(has(OURS)));
    expect(endOf(gateways).why).toBe(`Traefik replica edge-2 still has 10.0.0.1:${PORT}`);
  });

  it('does not wait for the servers of another pool that has been given the NodePort since', () => {
    const state = snapshotValue(site.registry) ?? EMPTY_REGISTRY;
    const others = (state.instances.get(POOL) ?? []).map((instance) => ({ ...instance, port: PORT }));
    const instances = new Map([...state.instances, [keys.pool('other'), others] as const]);
    const reused = { ...site, registry: complete({ ...state, instances }) };
    expect(endOf(watching(answered(has(OURS))), reused).atMs).toBe(BY_TIME_MS);
  });

  it('counts any address while nobody can tell which are ours', () => {
    const blind = { ...site, cluster: { ...site.cluster, nodes: unavailable<never>() } };
    expect(endOf(watching(answered(has(`http://10.200.0.1:${PORT}`))), blind).atMs).toBe(Infinity);
  });

  it('is no time to look again while it is not known: a replica will tell', () => {
    const state = snapshotValue(site.registry) ?? EMPTY_REGISTRY;
    const key = keys.draining('default/web');
    const value = JSON.stringify({ spec: 'web.json', ports: { [PORT]: SINCE_MS } });
    const kv = new Map<KvKey, KvEntry>([...state.kv, [key, { key, value, flags: keys.flags, modifyIndex: 4 }]]);
    const draining = { ...site, registry: complete({ ...state, kv }) };
    const dueAt = (gateways: Gateways | undefined): readonly number[] =>
      drainsDueAt(planWorld({ ...draining, ...(gateways === undefined ? {} : { gateways }) }).context);
    expect(dueAt(undefined)).toEqual([BY_TIME_MS]);
    expect(dueAt(watching(answered(has(OURS))))).toEqual([]);
  });
});

describe('a change of NodePort while Traefik is watched', () => {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 31_999 }];
  const moving: World = {
    ...site,
    specs: complete(specSet([spec('web.json', deployment('web'), service('web', { spec: { ports } }))])),
  };
  const opened = applyToWorld(moving, planWorld(moving).actions);
  const moved = applyToWorld(opened, planWorld(opened).actions);
  const old = planWorld(site).context.views.get(POOL)?.nodePort ?? 0;
  const planned = (gateways: Gateways, nowMs: number): readonly string[] =>
    planWorld({ ...moved, gateways }, { nowMs }).actions.map(({ kind }) => kind);
  const HOUR_MS = 3_600_000;

  it('keeps the old one open while a replica sends it requests, and forgets no drain', () => {
    const holding = answered(has(`http://10.0.0.2:${old}`), NOW_MS + HOUR_MS);
    expect(planned(watching(holding), NOW_MS + HOUR_MS)).toEqual([]);
  });

  it('closes it when all have let go of it and the requests in flight had their time, sooner than by time', () => {
    const gone = watching(answered(dropped(NOW_MS + 2_000, `10.0.0.2:${old}`), NOW_MS + 20_000));
    expect(planned(gone, NOW_MS + 2_000 + DRAIN_MS - 1)).toEqual([]);
    expect(planned(gone, NOW_MS + 2_000 + DRAIN_MS)).toEqual(['apply-object']);
  });
});

describe('a pool that leaves while Traefik is watched', () => {
  const leaving: World = { ...site, specs: complete(specSet([])) };
  const first = planWorld({ ...leaving, specs: complete(specSet([], { commits: [allowing] })) }, { memory: MEMORY });
  const left = applyToWorld(leaving, first.actions);
  const port = planWorld(site).context.views.get(POOL)?.nodePort ?? 0;
  const planned = (gateways: Gateways, nowMs: number) => {
    const { guarded, actions } = planWorld({ ...left, gateways }, { memory: first.guarded.memory, nowMs });
    const waiting = guarded.plans.flatMap((plan) => plan.waiting);
    return { deletes: actions.filter(({ kind }) => kind === 'delete-object').length, waiting };
  };

  it('is not deleted in Kubernetes while a replica sends it requests, however long ago it left Consul', () => {
    expect(first.actions.map(({ kind }) => kind)).toEqual(['deregister-pool']);
    const { deletes, waiting } = planned(watching(answered(has(`http://10.0.0.1:${port}`), NOW_MS + 3_600_000)), NOW_MS + 3_600_000);
    expect(deletes).toBe(0);
    const what = `pool default/web drains before its objects are deleted (Traefik replica edge-1 still has 10.0.0.1:${port})`;
    expect(waiting).toEqual([{ leg: 'consul', what, on: POOL }]);
  });

  it('is deleted when all have let go of it and the requests in flight had their time', () => {
    const gone = watching(answered(dropped(NOW_MS + 2_000, `10.0.0.1:${port}`), NOW_MS + 20_000));
    expect(planned(gone, NOW_MS + 2_000 + DRAIN_MS - 1)).toMatchObject({ deletes: 0, waiting: [{ untilMs: NOW_MS + 2_000 + DRAIN_MS }] });
    expect(planned(gone, NOW_MS + 2_000 + DRAIN_MS)).toEqual({ deletes: 2, waiting: [] });
  });
});
