import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cluster, Lease, Registry } from '../../src/core/model/ports.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import { reconcile } from '../../src/run/reconcile.ts';
import { createMemos } from '../../src/run/run-memos.ts';
import { complete, deployment, endpoints, keys, MEMORY, NOW_MS, POLICY, service, spec, specSet, world } from '../support/builders.ts';
import { settle } from '../support/model-world.ts';
import { round, type Spread, spread } from './statistics.ts';

/** What a run costs that finds nothing to do. */
export interface NoOpCost {
  readonly milliseconds: Spread;
  /** Bytes put on the heap by one run, in KiB. */
  readonly allocatedKiB: number;
}

/** Measures runs over a settled world of `count` services on three nodes, with the run's own functions and memos. */
export async function measureNoOp(count: number): Promise<NoOpCost> {
  const names = Array.from({ length: count }, (_, i) => `svc-${i}`);
  const specs = complete(specSet(names.map((name) => spec(`${name}.json`, deployment(name), service(name)))));
  const settled = settle(world({ specs, endpoints: names.map((name) => endpoints(`default/${name}`)) }), {}, 8).world;
  const registry = snapshotValue(settled.registry);
  if (registry === undefined) throw new Error('the world has no registry');
  const memory = { ...MEMORY, appliedRevision: 'r2', specCount: count, kinds: ['/Service', 'apps/Deployment'] };
  const kv = new Map(registry.kv).set(keys.memory, { key: keys.memory, value: JSON.stringify(memory), flags: keys.flags, modifyIndex: 7 });
  const state = complete({ ...registry, kv });
  const held: Lease = {
    state: () => ({ held: true, fence: { key: keys.memory, session: 's' }, untilMs: NOW_MS }),
    changed: () => () => undefined,
    release: async () => undefined,
  };
  const refuse = (): never => {
    throw new Error('a run that has nothing to do wrote something');
  };
  const cluster: Cluster = {
    state: () => settled.cluster,
    changed: () => () => undefined,
    prepare: async () => undefined,
    check: async () => refuse(),
    apply: async () => refuse(),
  };
  const port: Registry = {
    state: () => state,
    changed: () => () => undefined,
    refresh: async () => undefined,
    commit: async () => refuse(),
  };
  const ports = { cluster, registry: port, leases: { consul: held, kubernetes: held }, mayBegin: () => true };
  const input = {
    ports,
    policy: POLICY,
    clock: { now: () => NOW_MS, random: () => 0.5 },
    memos: createMemos(),
    specs,
    dryRun: false,
    onOutcome: refuse,
  };
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) await reconcile(input, signal);
  const times: number[] = [];
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    await reconcile(input, signal);
    times.push(performance.now() - start);
  }
  return { milliseconds: spread(times), allocatedKiB: await allocated(() => reconcile(input, signal)) };
}

/** KiB that `work` puts on the heap, the least of five tries: a collection in between would hide some. */
async function allocated(work: () => Promise<unknown>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const tries: number[] = [];
  for (let i = 0; i < 5; i++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    await work();
    tries.push((process.memoryUsage().heapUsed - before) / 1024);
  }
  return round(Math.max(...tries));
}
