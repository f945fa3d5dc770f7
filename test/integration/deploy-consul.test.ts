import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createConsulClient } from '../../src/adapters/consul/create-consul-client.ts';
import { createConsulLease } from '../../src/adapters/consul/create-consul-lease.ts';
import { createConsulRegistry } from '../../src/adapters/consul/create-consul-registry.ts';
import type { RegistryAction } from '../../src/core/model/action.ts';
import { deploymentsKey, drainingKey, memoryKey, specificationsPrefix } from '../../src/core/model/consul-names.ts';
import { kvKey, poolKey } from '../../src/core/model/ids.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import type { ProblemCode } from '../../src/shared/problem.ts';
import { ensureNode, eventually, registerPool, systemClock } from '../contract/registry-rig.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { aclOf } from '../support/consul-acl.ts';
import { type PolicyRule, policyRules, readDeploy } from '../support/deploy-files.ts';

const KEY_PATH = 'kubernetes';
const OWNER = 'poolkeeper';

let consul: ConsulServer;
const opened: Daemon[] = [];
beforeAll(async () => {
  consul = await startConsul({ acl: true });
});
afterEach(async () => {
  for (const daemon of opened.splice(0)) await daemon.close();
});
afterAll(() => consul.stop());

/** What stops a daemon, or undefined when nothing does. */
type Stop = ProblemCode | undefined;

/** The Consul side of a daemon: its own adapters, with a token of the policy under test. */
interface Daemon {
  lead(): Promise<Stop>;
  read(): Promise<Stop>;
  state(): RegistryState;
  /** Two nodes, a pool on both with its KV entry, and the memory. */
  register(): Promise<Stop>;
  /** All of it out again. */
  deregister(): Promise<Stop>;
  close(): Promise<void>;
}

function openDaemon(cluster: string, token: string): Daemon {
  const signal = AbortSignal.timeout(30_000);
  const client = createConsulClient({ address: consul.consulUrl, token, timeoutMs: 5_000 });
  const names = { client, owner: OWNER, cluster, keyPath: KEY_PATH, clock: systemClock };
  const lease = createConsulLease({ ...names, holder: () => ({ address: 'test', clusterUid: `uid-${cluster}` }) });
  const registry = createConsulRegistry({ ...names, lease });
  const state = (): RegistryState => {
    const snapshot = registry.state();
    if (snapshot.kind !== 'complete') throw new Error(`the registry is ${snapshot.kind}: ${snapshot.reason.message}`);
    return snapshot.value;
  };
  const commit = async (...actions: readonly RegistryAction[]): Promise<Stop> => {
    const held = lease.state();
    if (!held.held) return 'LEASE_HELD_ELSEWHERE';
    const results = await registry.commit(actions, held.fence, signal);
    return results.flatMap((result) => (result.kind === 'failed' ? [result.problem.code] : []))[0];
  };
  const daemon: Daemon = {
    async lead() {
      lease.start(signal);
      await eventually(() => lease.state().held || 'problem' in lease.state(), 'the lease is held, or it is said why not');
      const held = lease.state();
      return held.held ? undefined : held.problem?.code;
    },
    async read() {
      await registry.refresh(signal);
      const snapshot = registry.state();
      return snapshot.kind === 'complete' ? undefined : snapshot.reason.code;
    },
    state,
    register: async () =>
      (await commit(ensureNode({ owner: OWNER, cluster }, 'worker-1'), ensureNode({ owner: OWNER, cluster }, 'worker-2'))) ??
      (await commit(webPool(cluster))) ??
      (await commit({ kind: 'write-kv', writes: [{ key: latestKey(cluster), value: '{}', modifyIndex: 0 }], why: 'specification' })) ??
      (await commit({ kind: 'write-kv', writes: [{ key: memoryKey(KEY_PATH, cluster), value: '{}', modifyIndex: 0 }], why: 'memory' })),
    deregister: async () => (await commit(webLeaves(cluster, state()))) ?? (await commit(...nodesLeave(state()))),
    async close() {
      await registry.stop();
      await lease.release(signal).catch(() => undefined);
      client.close();
    },
  };
  opened.push(daemon);
  return daemon;
}

const poolOf = (cluster: string) => poolKey('prod', `web-${cluster}`);
const latestKey = (cluster: string) => kvKey(`${specificationsPrefix(KEY_PATH)}${poolOf(cluster)}/latest`);

function webPool(cluster: string): RegistryAction {
  const kv = [{ key: deploymentsKey(KEY_PATH, poolOf(cluster)), value: '{"kind":"Service"}', modifyIndex: 0 }];
  return registerPool({ owner: OWNER, cluster }, `web-${cluster}`, { nodes: ['worker-1', 'worker-2'], checked: true, kv });
}

function webLeaves(cluster: string, known: RegistryState): RegistryAction {
  const pool = poolOf(cluster);
  const key = deploymentsKey(KEY_PATH, pool);
  const kv = [
    { key, value: undefined, modifyIndex: known.kv.get(key)?.modifyIndex ?? 0 },
    { key: drainingKey(KEY_PATH, cluster, pool), value: '{"spec":"","ports":{}}', modifyIndex: 0 },
  ];
  return { kind: 'deregister-pool', pool, service: `web-${cluster}`, remove: known.instances.get(pool) ?? [], kv, why: 'test' };
}

const nodesLeave = (known: RegistryState): readonly RegistryAction[] =>
  [...known.nodes.values()].filter(({ ours }) => ours).map(({ name, modifyIndex }) => ({ kind: 'delete-node', name, modifyIndex }));

/** The way of a whole life in Consul, and how far a daemon came on it. */
async function live(daemon: Daemon): Promise<{ readonly step: string; readonly stop: Stop }> {
  for (const step of ['lead', 'read', 'register', 'deregister'] as const) {
    const stop = await daemon[step]();
    if (stop !== undefined) return { step, stop };
  }
  return { step: 'end', stop: undefined };
}

const policy = readDeploy('consul', 'policy.hcl');
const rulesFor = (cluster: string): readonly PolicyRule[] => policyRules(policy.replaceAll('prod', cluster));
const textOf = (rules: readonly PolicyRule[]): string => rules.map(({ text }) => text).join('\n');
/** The policy of a cluster with one rule left out, named as the file names it. */
function rulesWithout(head: string, cluster: string): string {
  const rules = rulesFor(cluster);
  const kept = rules.filter((rule) => rule.head !== head.replaceAll('prod', cluster));
  expect(kept).toHaveLength(rules.length - 1);
  return textOf(kept);
}

const NEEDED = [
  { head: 'node_prefix ""', step: 'read', stop: 'CONSUL_FILTERED' },
  { head: 'node_prefix "k8s-prod-"', step: 'read', stop: 'CONSUL_FORBIDDEN' },
  { head: 'service_prefix ""', step: 'read', stop: 'CONSUL_FILTERED' },
  { head: 'key_prefix "kubernetes/deployments/"', step: 'register', stop: 'CONSUL_FORBIDDEN' },
  { head: 'key_prefix "kubernetes/specifications/"', step: 'read', stop: 'CONSUL_FILTERED' },
  { head: 'key_prefix "kubernetes/.poolkeeper/prod/"', step: 'lead', stop: 'CONSUL_FORBIDDEN' },
  { head: 'session_prefix ""', step: 'lead', stop: 'CONSUL_FORBIDDEN' },
];
const OPTIONAL = 'agent_prefix ""';

describe('deploy/consul/policy.hcl', () => {
  it('is all that the daemon needs, as it is written', async () => {
    const daemon = openDaemon('prod', await aclOf(consul).tokenFor(policy));
    expect(await daemon.lead()).toBeUndefined();
    expect(await daemon.read()).toBeUndefined();
    expect(daemon.state()).toMatchObject({ fresh: true, limits: { operations: 128 } });
    expect(await daemon.register()).toBeUndefined();
    expect(await daemon.read()).toBeUndefined();
    const read = daemon.state();
    expect(read.instances.get(poolOf('prod'))).toHaveLength(2);
    expect([...read.kv.keys()].sort()).toEqual(
      [memoryKey(KEY_PATH, 'prod'), deploymentsKey(KEY_PATH, poolOf('prod')), latestKey('prod')].sort(),
    );
    expect(await daemon.deregister()).toBeUndefined();
    expect(await daemon.read()).toBeUndefined();
    expect([...daemon.state().kv.keys()]).toContain(drainingKey(KEY_PATH, 'prod', poolOf('prod')));
    expect(daemon.state()).toMatchObject({ instances: new Map(), nodes: new Map() });
  });

  it('serves the cluster whose name is put in, and no other', async () => {
    const token = await aclOf(consul).tokenFor(policy.replaceAll('prod', 'staging'));
    expect(await live(openDaemon('staging', token))).toEqual({ step: 'end', stop: undefined });
    expect(await live(openDaemon('elsewhere', token))).toEqual({ step: 'lead', stop: 'CONSUL_FORBIDDEN' });
  });

  it('may be narrowed to known Consul services, as its comment says', async () => {
    const rules = rulesFor('narrow').filter(({ head }) => head !== 'service_prefix ""');
    const named = ['poolkeeper-narrow', 'web-narrow'].map((name) => `service "${name}" { policy = "write" }`);
    const read = 'service_prefix "" { policy = "read" }';
    const token = await aclOf(consul).tokenFor([textOf(rules), read, ...named].join('\n'));
    expect(await live(openDaemon('narrow', token))).toEqual({ step: 'end', stop: undefined });
    const other = await aclOf(consul).tokenFor([textOf(rules).replaceAll('narrow', 'narrower'), read, named[0]].join('\n'));
    expect(await live(openDaemon('narrower', other))).toMatchObject({ step: 'read', stop: 'CONSUL_FORBIDDEN' });
  });

  it('may be narrowed to the sessions of one agent, as its comment says', async () => {
    const self = (await aclOf(consul).manage('GET', 'agent/self')) as { readonly Config: { readonly NodeName: string } };
    const agent = self.Config.NodeName;
    const token = await aclOf(consul).tokenFor(`${rulesWithout('session_prefix ""', 'agent')}\nsession "${agent}" { policy = "write" }`);
    expect(await live(openDaemon('agent', token))).toEqual({ step: 'end', stop: undefined });
  });

  it.each(NEEDED)('without $head it stops, and says so', async ({ head, step, stop }) => {
    const cluster = `c${NEEDED.findIndex((rule) => rule.head === head)}`;
    const token = await aclOf(consul).tokenFor(rulesWithout(head, cluster));
    expect(await live(openDaemon(cluster, token))).toEqual({ step, stop });
  });

  it(`without ${OPTIONAL} only the size of a transaction is smaller`, async () => {
    const daemon = openDaemon('small', await aclOf(consul).tokenFor(rulesWithout(OPTIONAL, 'small')));
    expect(await daemon.lead()).toBeUndefined();
    expect(await daemon.read()).toBeUndefined();
    expect(daemon.state().limits.operations).toBe(64);
    expect(await daemon.register()).toBeUndefined();
  });

  it('has no rule whose absence is not tried', () => {
    const tried = [...NEEDED.map(({ head }) => head), OPTIONAL];
    expect(
      rulesFor('prod')
        .map(({ head }) => head)
        .sort(),
    ).toEqual(tried.sort());
  });

  it.each(NEEDED)('when $head is taken away later, a part never passes for the whole', async ({ head }) => {
    const cluster = `r${NEEDED.findIndex((rule) => rule.head === head)}`;
    const acl = aclOf(consul);
    const rules = textOf(rulesFor(cluster));
    const daemon = openDaemon(cluster, await acl.tokenFor(rules));
    for (const step of ['lead', 'read', 'register', 'read'] as const) expect(await daemon[step]()).toBeUndefined();
    const { instances, kv, nodes } = daemon.state();
    expect([...kv.keys()]).toEqual(expect.arrayContaining([deploymentsKey(KEY_PATH, poolOf(cluster)), memoryKey(KEY_PATH, cluster)]));
    await acl.changeRules(rules, rulesWithout(head, cluster));
    const stop = await daemon.read();
    if (stop === undefined) expect(daemon.state()).toMatchObject({ instances, kv, nodes });
    else expect(stop).toMatch(/^CONSUL_(FILTERED|FORBIDDEN)$/);
  });
});
