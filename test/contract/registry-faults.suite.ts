import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RegistryAction } from '../../src/core/model/action.ts';
import { canaryKey, deploymentsKey, deploymentsPrefix, ownPrefix, specificationsPrefix } from '../../src/core/model/consul-names.ts';
import { kvKey, poolKey } from '../../src/core/model/ids.ts';
import type { ProxyFault } from './registry-proxy.ts';
import {
  type ConsulUnderTest,
  ensureNode,
  eventually,
  type RegistryRig,
  type RigOptions,
  registerPool,
  type StartConsul,
  startRig,
} from './registry-rig.ts';

const html = { headers: { 'content-type': 'text/html' }, body: '<html>Please log in</html>' };
const text = { 'content-type': 'text/plain' };

/** What may happen to any read, and what the snapshot must then be: never complete. */
const READ_FAULTS: readonly (readonly [title: string, fault: ProxyFault, kind: 'stale' | 'unavailable', code: string])[] = [
  [
    '500 without a leader',
    { kind: 'answer', answer: { status: 500, headers: text, body: 'No cluster leader' } },
    'stale',
    'CONSUL_UNAVAILABLE',
  ],
  ['429', { kind: 'answer', answer: { status: 429, headers: text, body: 'rate limit exceeded' } }, 'stale', 'CONSUL_UNAVAILABLE'],
  ['a web page', { kind: 'answer', answer: { status: 200, ...html } }, 'stale', 'CONSUL_BAD_ANSWER'],
  ['a web page with 404', { kind: 'answer', answer: { status: 404, ...html } }, 'stale', 'CONSUL_BAD_ANSWER'],
  [
    'a web page in the place of the body',
    { kind: 'change', change: (answer) => ({ ...answer, ...html, headers: { ...answer.headers, ...html.headers } }) },
    'stale',
    'CONSUL_BAD_ANSWER',
  ],
  [
    'half of the body as if it were whole',
    { kind: 'change', change: (answer) => ({ ...answer, body: answer.body.slice(0, answer.body.length / 2) }) },
    'stale',
    'CONSUL_BAD_ANSWER',
  ],
  ['another shape', { kind: 'change', change: (answer) => ({ ...answer, body: '[{"Node":5,"Key":5}]' }) }, 'stale', 'CONSUL_BAD_ANSWER'],
  ['a body that breaks off', { kind: 'cut' }, 'stale', 'CONSUL_UNAVAILABLE'],
  ['no answer', { kind: 'hang' }, 'stale', 'CONSUL_UNAVAILABLE'],
  ['403', { kind: 'answer', answer: { status: 403, headers: text, body: 'Permission denied' } }, 'unavailable', 'CONSUL_FORBIDDEN'],
  [
    'an answer that leaves something out',
    { kind: 'change', change: (answer) => ({ ...answer, headers: { ...answer.headers, 'x-consul-results-filtered-by-acls': 'true' } }) },
    'unavailable',
    'CONSUL_FILTERED',
  ],
];

const READS = [
  '/v1/catalog/nodes',
  '/v1/catalog/services',
  '/v1/catalog/node-services',
  '/v1/health/state',
  'deployments',
  'specifications',
  '.poolkeeper',
];

/** What the Consul leg promises while Consul, or what lies between, fails. */
export function registryFaultsSuite(startConsul: StartConsul): void {
  let consul: ConsulUnderTest;
  const rigs: RegistryRig[] = [];
  const open = async (options: RigOptions = {}): Promise<RegistryRig> => {
    const rig = await startRig(consul, { timeoutMs: 500, ...options });
    rigs.push(rig);
    return rig;
  };
  beforeAll(async () => {
    consul = await startConsul();
  });
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.stop();
  });
  afterAll(() => consul.stop());

  const commit = (rig: RegistryRig, ...actions: readonly RegistryAction[]) => rig.registry.commit(actions, rig.fence, rig.signal);
  const done = { kind: 'done' };
  const failed = (code: string) => ({ kind: 'failed', problem: expect.objectContaining({ code }) });
  const writeKey = (rig: RegistryRig, name: string): RegistryAction => ({
    kind: 'write-kv',
    writes: [{ key: kvKey(`${ownPrefix(rig.keyPath, rig.cluster)}${name}`), value: 'x', modifyIndex: 0 }],
    why: 'test',
  });

  describe('a failed read never looks like an empty Consul', () => {
    it.each(READ_FAULTS)('%s', async (_, fault, kind, code) => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const key = kvKey(`${deploymentsPrefix(rig.keyPath)}prod/web`);
      await commit(
        rig,
        ensureNode(rig, 'worker-1'),
        registerPool(rig, `web-${rig.cluster}`, { kv: [{ key, value: '{}', modifyIndex: 0 }] }),
      );
      await rig.stranger('PUT', `kv/${specificationsPrefix(rig.keyPath)}prod/web/latest`, {});
      await rig.registry.refresh(rig.signal);
      const good = rig.state();
      for (const read of READS) {
        // A change of any service: node-services is read again.
        await rig.strangerWrites(`k8s-${rig.cluster}-other`, { Service: 'other', Port: READS.indexOf(read) + 1, Address: '10.9.9.9' });
        rig.proxy.fault((request) => (request.includes(encodeURIComponent(read)) || request.includes(read) ? fault : undefined));
        await rig.registry.refresh(rig.signal);
        expect(rig.registry.state(), read).toMatchObject({ kind, reason: { code } });
        if (kind === 'stale') expect(rig.registry.state()).toMatchObject({ value: { instances: good.instances, kv: good.kv } });
        rig.proxy.heal();
        await rig.registry.refresh(rig.signal);
        expect(rig.state(), read).toMatchObject({ instances: good.instances, kv: good.kv, fresh: false });
      }
    });

    it.each([
      ['no nodes', '/v1/catalog/nodes', { status: 200, body: '[]' }],
      ['no instances', 'canary?', { status: 200, body: '{"Node":null,"Services":null}' }],
      ['no keys', '.poolkeeper', { status: 404, body: '' }],
    ] as const)('an older Consul shows a token without rights %s: the canary is missed', async (_, read, empty) => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      rig.proxy.fault((request) => {
        if (!request.startsWith('GET') || !(request.includes(encodeURIComponent(read)) || request.includes(read))) return undefined;
        return { kind: 'change', change: (answer) => ({ ...answer, ...empty }) };
      });
      await rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: { Node: `k8s-${rig.cluster}-other`, Address: '10.9.9.9' } } }]);
      await rig.strangerWrites(`k8s-${rig.cluster}-other`, { Service: 'other', Port: 1 });
      await rig.registry.refresh(rig.signal);
      expect(rig.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_FILTERED' } });
    });
  });

  it('is unavailable while a canary is gone and another process leads; the leader creates it again', async () => {
    const rig = await open();
    await rig.registry.refresh(rig.signal);
    await rig.registry.refresh(rig.signal);
    await rig.stranger('DELETE', `kv/${canaryKey(rig.keyPath, rig.cluster)}`);
    const leading = rig.lease.state;
    rig.lease.state = { held: false, holder: 'another' };
    await rig.registry.refresh(rig.signal);
    expect(rig.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_UNAVAILABLE' } });
    rig.lease.state = leading;
    await rig.registry.refresh(rig.signal);
    expect(rig.state().fresh).toBe(true);
    await rig.registry.refresh(rig.signal);
    expect(rig.state().fresh).toBe(false);
  });

  describe('a commit whose outcome is unclear is read back', () => {
    it.each([
      ['the answer breaks off', { kind: 'cut' }],
      ['500 after the write', { kind: 'answer', apply: true, answer: { status: 500, headers: text, body: 'leadership lost' } }],
      ['a web page after the write', { kind: 'answer', apply: true, answer: { status: 200, ...html } }],
    ] as const satisfies readonly (readonly [string, ProxyFault])[])('%s: done', async (_, fault) => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      rig.proxy.fault((request) => (request.startsWith('PUT /v1/txn') ? fault : undefined));
      const actions = [ensureNode(rig, 'worker-1'), writeKey(rig, 'memory')];
      expect(await commit(rig, ...actions)).toEqual([done, done]);
      expect(rig.state().nodes.size).toBe(1);
    });

    it.each([
      ['no answer', { kind: 'hang' }],
      ['500 before the write', { kind: 'answer', answer: { status: 500, headers: text, body: 'No cluster leader' } }],
      ['429', { kind: 'answer', answer: { status: 429, headers: text, body: 'rate limit exceeded' } }],
    ] as const satisfies readonly (readonly [string, ProxyFault])[])('%s: not done', async (_, fault) => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      rig.proxy.fault((request) => (request.startsWith('PUT /v1/txn') ? fault : undefined));
      expect(await commit(rig, ensureNode(rig, 'worker-1'))).toEqual([failed('CONSUL_UNAVAILABLE')]);
      expect(rig.state().nodes.size).toBe(0);
    });

    it('is not done when it cannot be read back', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      rig.proxy.fault(() => ({ kind: 'hang' }));
      expect(await commit(rig, ensureNode(rig, 'worker-1'))).toEqual([failed('CONSUL_UNAVAILABLE')]);
      expect(rig.registry.state().kind).toBe('stale');
    });

    it('rejects when it is aborted', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      rig.proxy.fault(() => ({ kind: 'hang' }));
      const signal = AbortSignal.timeout(20);
      await expect(rig.registry.commit([ensureNode(rig, 'worker-1')], rig.fence, signal)).rejects.toMatchObject({ name: 'TimeoutError' });
      await expect(rig.registry.refresh(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
    });
  });

  it('a reading that began before a write does not take it back', async () => {
    const rig = await open({ timeoutMs: 5_000 });
    await rig.registry.refresh(rig.signal);
    await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, `old-${rig.cluster}`));
    const { promise, resolve } = Promise.withResolvers<void>();
    rig.proxy.fault((request) => (request.startsWith('GET') ? { kind: 'late', until: promise } : undefined));
    const before = rig.proxy.seen.length;
    const reading = rig.registry.refresh(rig.signal);
    await eventually(
      () => rig.proxy.seen.slice(before).filter((request) => request.startsWith('GET')).length >= 5,
      'the reading has begun',
    );
    const old = rig.state().instances.get(poolKey('prod', `old-${rig.cluster}`)) ?? [];
    const leave: RegistryAction = {
      kind: 'deregister-pool',
      pool: poolKey('prod', `old-${rig.cluster}`),
      service: `old-${rig.cluster}`,
      remove: old,
      kv: [],
      why: 'test',
    };
    expect(await commit(rig, ensureNode(rig, 'worker-2'), registerPool(rig, `web-${rig.cluster}`, { nodes: ['worker-2'] }), leave)).toEqual(
      [done, done, done],
    );
    resolve();
    await reading;
    expect([...rig.state().instances.keys()]).toEqual([poolKey('prod', `web-${rig.cluster}`)]);
    expect(rig.state().nodes.size).toBe(2);
    rig.proxy.heal();
    await rig.registry.refresh(rig.signal);
    expect([...rig.state().instances.keys()]).toEqual([poolKey('prod', `web-${rig.cluster}`)]);
  });

  it('learns a smaller limit from a refusal, and sends what was refused in smaller transactions', async () => {
    const rig = await open({ timeoutMs: 5_000 });
    await rig.registry.refresh(rig.signal);
    rig.proxy.fault((request, body) => {
      const count = request.startsWith('PUT /v1/txn') ? (JSON.parse(body) as unknown[]).length : 0;
      const refusal = `Transaction contains too many operations (${count} > 64)`;
      return count > 64 ? { kind: 'answer', answer: { status: 413, headers: text, body: refusal } } : undefined;
    });
    const actions = Array.from({ length: 100 }, (_, at) => writeKey(rig, `k${at}`));
    expect(await commit(rig, ...actions)).toEqual(actions.map(() => done));
    await rig.registry.refresh(rig.signal);
    expect(rig.state().limits.operations).toBe(64);
  });

  it('keeps to the least limit while it may not know the version', async () => {
    const rig = await open();
    rig.proxy.fault((request) =>
      request.includes('agent/self') ? { kind: 'answer', answer: { status: 403, headers: text, body: 'denied' } } : undefined,
    );
    await rig.registry.refresh(rig.signal);
    expect(rig.state().limits.operations).toBe(64);
  });

  describe('watching', () => {
    it('goes stale while Consul fails, and is complete again, and tells of both', async () => {
      const rig = await open({ timings: { pollWaitMs: 100 } });
      await rig.registry.start(rig.signal);
      await eventually(() => rig.registry.state().kind === 'complete' && !rig.state().fresh, 'complete');
      const connected = rig.registry.state();
      let told = 0;
      rig.registry.changed(() => {
        told += 1;
      });
      rig.proxy.fault(() => ({ kind: 'answer', answer: { status: 500, headers: text, body: 'No cluster leader' } }));
      await eventually(() => rig.registry.state().kind === 'stale', 'stale');
      expect(told).toBe(1);
      rig.proxy.heal();
      await eventually(() => rig.registry.state().kind === 'complete', 'complete again');
      expect(told).toBe(2);
      const again = rig.registry.state();
      if (connected.kind !== 'complete' || again.kind !== 'complete') throw new Error('not complete');
      expect(again.connectedAtMs).toBeGreaterThan(connected.connectedAtMs);
    });

    it('a wake-up during a reading that has passed its part already is not lost', async () => {
      const rig = await open({ timeoutMs: 5_000, timings: { pollWaitMs: 100, refreshGapMs: 400 } });
      await rig.registry.start(rig.signal);
      await eventually(() => rig.proxy.seen.slice(-25).every((request) => request.includes('index=')), 'rest');
      const key = deploymentsKey(rig.keyPath, poolKey('prod', 'web'));
      const count = (part: string) => rig.proxy.seen.filter((request) => request.includes('deployments') && request.includes(part)).length;
      await rig.registry.refresh(rig.signal);
      const { promise, resolve } = Promise.withResolvers<void>();
      rig.proxy.fault((request) => (request.startsWith('GET /v1/catalog/nodes') ? { kind: 'late', until: promise } : undefined));
      const [before, told] = [count('recurse'), rig.proxy.seen.length];
      const reading = rig.registry.refresh(rig.signal);
      await eventually(() => count('recurse') > before, 'the keys are being read');
      await rig.client.readTree(key, rig.signal);
      await rig.stranger('PUT', `kv/${key}`, 2);
      await eventually(() => rig.proxy.seen.length > told + 10, 'the watch has told of the change');
      resolve();
      await reading;
      await eventually(() => rig.state().kv.get(key)?.value === '2', 'the change is known', 2_000);
    });

    it.each([
      ['when that has ended', 'ended'],
      ['at once by who does not lead any more', 'lost'],
      ['not much later than otherwise while it does not end', 'hanging'],
    ] as const)('a change from outside amid a write of ours is read %s', async (_, end) => {
      const gap = end === 'hanging' ? 20 : 200;
      const rig = await open({ timeoutMs: 5_000, timings: { pollWaitMs: 10_000, refreshGapMs: gap } });
      await rig.registry.start(rig.signal);
      const quiet = { requests: 0, sinceMs: 0 };
      const idle = () => {
        if (rig.proxy.seen.length !== quiet.requests) Object.assign(quiet, { requests: rig.proxy.seen.length, sinceMs: performance.now() });
        const polls = rig.proxy.seen.filter((request) => request.includes('index=')).length;
        return polls >= 10 && !rig.state().fresh && performance.now() - quiet.sinceMs > 3 * gap;
      };
      await eventually(idle, 'all long polls wait, and what they told at first is read');
      const { promise, resolve } = Promise.withResolvers<void>();
      rig.proxy.fault((request) => (request.startsWith('PUT /v1/txn') ? { kind: 'late', until: promise } : undefined));
      const writing = commit(rig, writeKey(rig, 'own'));
      const key = deploymentsKey(rig.keyPath, poolKey('prod', 'web'));
      const readings = () => rig.proxy.seen.filter((request) => request.startsWith('GET /v1/catalog/nodes')).length;
      // Amid our own writes the watch tells, but does not ask again.
      const told = () => rig.proxy.answered.filter((request) => request.includes('deployments') && request.includes('index=')).length;
      const [before, answers] = [readings(), told()];
      await rig.stranger('PUT', `kv/${key}`, 2);
      await eventually(() => told() > answers, 'the watch has told of the change');
      if (end !== 'hanging') expect(readings()).toBe(before);
      if (end === 'ended') resolve();
      if (end === 'lost') rig.lease.state = { held: false, holder: 'another' };
      await eventually(() => rig.state().kv.get(key)?.value === '2', 'the change is known', 1_500);
      resolve();
      expect(await writing).toEqual([done]);
    });

    it('reads everything again when the index goes backwards', async () => {
      const rig = await open({ timings: { pollWaitMs: 100 } });
      await rig.registry.start(rig.signal);
      const polls = () => rig.proxy.seen.slice(-25).every((request) => request.includes('index='));
      await eventually(() => !rig.state().fresh && polls(), 'rest');
      const readings = () => rig.proxy.seen.filter((request) => request.startsWith('GET /v1/catalog/nodes')).length;
      const before = readings();
      let once = true;
      rig.proxy.fault((request) => {
        if (!once || !request.includes('/v1/kv/') || !request.includes('index=')) return undefined;
        once = false;
        return { kind: 'change', change: (answer) => ({ ...answer, headers: { ...answer.headers, 'x-consul-index': '2' } }) };
      });
      await eventually(() => readings() > before, 'another full reading');
    });
  });
}
