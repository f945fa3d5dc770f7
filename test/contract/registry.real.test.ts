import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createConsulClient } from '../../src/adapters/consul/create-consul-client.ts';
import { createConsulLease } from '../../src/adapters/consul/create-consul-lease.ts';
import { requireServer } from '../servers/catalog.ts';
import { startConsul } from '../support/consul.ts';
import { registrySuite } from './registry.suite.ts';
import { registryFaultsSuite } from './registry-faults.suite.ts';
import { registryHealthSuite } from './registry-health.suite.ts';
import { registryLeaseSuite } from './registry-lease.suite.ts';
import { registryPoolsSuite } from './registry-pools.suite.ts';
import {
  type ConsulUnderTest,
  ensureNode,
  eventually,
  type RegistryRig,
  type RigOptions,
  registerPool,
  startRig,
  systemClock,
} from './registry-rig.ts';
import { registrySpecificationsSuite } from './registry-specifications.suite.ts';

const run = promisify(execFile);

async function startReal(options: Parameters<typeof startConsul>[0] = {}): Promise<ConsulUnderTest> {
  const server = await startConsul(options);
  return { url: server.consulUrl, ...(server.consulToken === undefined ? {} : { token: server.consulToken }), stop: () => server.stop() };
}

describe('registry on Consul', () => registrySuite(() => startReal()));
describe('registry on a failing Consul', () => registryFaultsSuite(() => startReal()));
describe('pools on Consul', () =>
  registryPoolsSuite({
    consul: () => startReal(),
    small: () => startReal({ config: { limits: { txn_max_req_len: 65_536, kv_max_value_size: 65_536 } } }),
  }));
describe('health on Consul', () => registryHealthSuite(() => startReal()));
describe('specifications on Consul', () => registrySpecificationsSuite(() => startReal()));
describe('lease on Consul', () => registryLeaseSuite(() => startReal()));

describe('with ACLs', () => {
  let consul: ConsulUnderTest;
  const rigs: RegistryRig[] = [];
  beforeAll(async () => {
    consul = await startReal({ acl: true });
  });
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.stop();
  });
  afterAll(() => consul.stop());

  const keyRules = ({ keyPath }: RegistryRig) => `key_prefix "${keyPath}/" { policy = "write" } session_prefix "" { policy = "write" }`;
  /** All that the daemon needs. */
  const allRules = (rig: RegistryRig) =>
    `${keyRules(rig)} agent_prefix "" { policy = "read" } service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } node_prefix "k8s-${rig.cluster}-" { policy = "write" }`;

  /** A rig whose token has the rules, and a way to change them. */
  async function open(rulesOf: (rig: RegistryRig) => string, options: Pick<RigOptions, 'history'> = {}) {
    const manager = await startRig(consul);
    const Name = `policy-${manager.cluster}`;
    const { ID } = (await manager.stranger('PUT', 'acl/policy', { Name, Rules: rulesOf(manager) })) as { ID: string };
    const { SecretID } = (await manager.stranger('PUT', 'acl/token', { Policies: [{ Name }] })) as { SecretID: string };
    const rig = await startRig(consul, { ...options, token: SecretID, like: manager });
    rigs.push(manager, rig);
    const change = (rules: string) => manager.stranger('PUT', `acl/policy/${ID}`, { ID, Name, Rules: rules });
    return { manager, rig, change };
  }

  it('works with the rights that it needs', async () => {
    const { rig } = await open(allRules);
    await rig.registry.refresh(rig.signal);
    expect(rig.state()).toMatchObject({ fresh: true, limits: { operations: 128 } });
    const results = await rig.registry.commit(
      [ensureNode(rig, 'worker-1'), registerPool(rig, `web-${rig.cluster}`, { checked: true })],
      rig.fence,
      rig.signal,
    );
    expect(results).toEqual([{ kind: 'done' }, { kind: 'done' }]);
    await rig.registry.refresh(rig.signal);
    expect(rig.state()).toMatchObject({ fresh: false });
    expect(rig.state().instances.size).toBe(1);
  });

  it.each([
    [true, 'unavailable'],
    [false, 'complete'],
  ] as const)('without the right on the history of the pools, which is kept: %s, it is %s', async (history, kind) => {
    const keys = ({ keyPath }: RegistryRig) =>
      ['deployments', '.poolkeeper'].map((folder) => `key_prefix "${keyPath}/${folder}/" { policy = "write" }`).join(' ');
    const { rig, manager } = await open((named) => allRules(named).replace(/key_prefix \S+ \{[^}]*\}/, keys(named)), { history });
    await manager.stranger('PUT', `kv/${rig.keyPath}/specifications/prod/web/latest`, {});
    await rig.registry.refresh(rig.signal);
    expect(rig.registry.state().kind).toBe(kind);
    if (kind === 'complete') expect(rig.state().limits.operations).toBe(128);
  });

  it('is unavailable with rights on keys only', async () => {
    const { rig } = await open(keyRules);
    await rig.registry.refresh(rig.signal);
    expect(rig.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_FILTERED' } });
  });

  it('is unavailable with rights on the catalog only', async () => {
    const { rig } = await open((named) => allRules(named).replace(/key_prefix \S+ \{[^}]*\}/, ''));
    await rig.registry.refresh(rig.signal);
    expect(rig.registry.state()).toMatchObject({ kind: 'unavailable' });
  });

  it.each([
    ['nodes', /node_prefix/g],
    ['services', /service_prefix/g],
    ['keys', /key_prefix/g],
  ])('is unavailable as soon as it reads after losing the right on %s, and forgets nothing', async (_, lost) => {
    const { rig, change } = await open(allRules);
    await rig.registry.refresh(rig.signal);
    await rig.registry.commit([ensureNode(rig, 'worker-1'), registerPool(rig, `web-${rig.cluster}`)], rig.fence, rig.signal);
    await rig.registry.refresh(rig.signal);
    const before = rig.state();
    await change(allRules(rig).replace(lost, 'query_prefix'));
    await rig.registry.refresh(rig.signal);
    expect(rig.registry.state()).toMatchObject({ kind: 'unavailable' });
    await change(allRules(rig));
    await rig.registry.refresh(rig.signal);
    expect(rig.state()).toEqual(before);
  });

  it('says that a write is forbidden', async () => {
    const { rig, change } = await open(allRules);
    await rig.registry.refresh(rig.signal);
    await change(allRules(rig).replace(/service_prefix "" \{ policy = "write"/, 'service_prefix "" { policy = "read"'));
    const results = await rig.registry.commit(
      [ensureNode(rig, 'worker-1'), registerPool(rig, `web-${rig.cluster}`)],
      rig.fence,
      rig.signal,
    );
    expect(results).toMatchObject([{ kind: 'done' }, { kind: 'failed', problem: { code: 'CONSUL_FORBIDDEN' } }]);
  });

  it('is unavailable with a token that Consul does not know', async () => {
    const manager = await startRig(consul);
    const rig = await startRig(consul, { token: '00000000-0000-4000-8000-00000000dead', like: manager });
    rigs.push(manager, rig);
    await rig.registry.refresh(rig.signal);
    expect(rig.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_FORBIDDEN' } });
  });
});

describe('over TLS', () => {
  it('shows its certificate, and speaks only to the server that it expects', async () => {
    const consul = await startReal();
    const directory = await mkdtemp(join(tmpdir(), 'consul-tls-'));
    const tls = async (...args: readonly string[]) => run(await requireServer('consul'), ['tls', ...args], { cwd: directory });
    await tls('ca', 'create');
    await tls('cert', 'create', '-server', '-dc', 'dc1');
    await tls('cert', 'create', '-client', '-dc', 'dc1');
    const pem = (name: string) => readFile(join(directory, name), 'utf8');
    const ca = await pem('consul-agent-ca.pem');
    const [cert, key] = [await pem('dc1-client-consul-0.pem'), await pem('dc1-client-consul-0-key.pem')];
    const serverKeys = { cert: await pem('dc1-server-consul-0.pem'), key: await pem('dc1-server-consul-0-key.pem') };
    const server = createServer({ ca, ...serverKeys, requestCert: true }, (incoming, outgoing) => {
      void fetch(`${consul.url}${incoming.url ?? ''}`).then(async (answer) => {
        outgoing.writeHead(answer.status, {
          'content-type': 'application/json',
          'x-consul-index': answer.headers.get('x-consul-index') ?? '',
        });
        outgoing.end(await answer.text());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = async (options: NonNullable<Parameters<typeof createConsulClient>[0]['tls']>) => {
      const client = createConsulClient({ address, tls: options });
      return client.listServices({}, AbortSignal.timeout(10_000)).finally(() => client.close());
    };
    try {
      expect([...(await ask({ ca, cert, key, serverName: 'server.dc1.consul' })).value.keys()]).toContain('consul');
      const unavailable = { problem: { code: 'CONSUL_UNAVAILABLE' } };
      await expect(ask({ ca, serverName: 'server.dc1.consul' })).rejects.toMatchObject(unavailable);
      await expect(ask({ ca, cert, key, serverName: 'server.dc2.consul' })).rejects.toMatchObject(unavailable);
      await expect(ask({ cert, key, serverName: 'server.dc1.consul' })).rejects.toMatchObject(unavailable);
    } finally {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
      await consul.stop();
    }
  });
});

describe('with the timers of production', () => {
  it('another takes the lease over within 25 s after its holder has died', async () => {
    const consul = await startReal();
    const signal = AbortSignal.timeout(60_000);
    const client = createConsulClient({ address: consul.url });
    const [dead, heir] = ['http://dead', 'http://heir'].map((address) =>
      createConsulLease({ client, owner: 'test', cluster: 'c1', holder: () => ({ address, clusterUid: 'uid' }), clock: systemClock }),
    );
    if (dead === undefined || heir === undefined) throw new Error('no leases');
    try {
      dead.start(signal);
      await eventually(() => dead.state().held, 'held');
      heir.start(signal);
      await dead.stop();
      await eventually(() => heir.state().held, 'taken over', 25_000);
    } finally {
      await heir.stop();
      client.close();
      await consul.stop();
    }
  });
});
