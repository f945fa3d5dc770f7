import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createConsulClient } from '../../src/adapters/consul/create-consul-client.ts';
import { type ConsulLease, createConsulLease } from '../../src/adapters/consul/create-consul-lease.ts';
import type { LeaseHolder } from '../../src/adapters/consul/lease-holder.ts';
import type { LeaseTimings } from '../../src/adapters/consul/lease-timings.ts';
import { leaderKey } from '../../src/core/model/consul-names.ts';
import { type ConsulProxy, startConsulProxy } from './registry-proxy.ts';
import { type ConsulUnderTest, eventually, type StartConsul, systemClock } from './registry-rig.ts';

interface Candidate {
  readonly lease: ConsulLease;
  readonly proxy: ConsulProxy;
}

interface CandidateOptions {
  readonly owner?: string;
  readonly cluster: string;
  readonly address: string;
  readonly clusterUid?: string | undefined;
  readonly holder?: () => LeaseHolder | undefined;
  readonly headStartMs?: number;
  readonly timings?: Partial<LeaseTimings>;
}

let clusters = 0;

/** What the Consul lease promises, on any Consul. */
export function registryLeaseSuite(startConsul: StartConsul): void {
  let consul: ConsulUnderTest;
  const running: { stop(): Promise<void> }[] = [];
  const signal = AbortSignal.timeout(110_000);
  beforeAll(async () => {
    consul = await startConsul();
  });
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  });
  afterAll(() => consul.stop());

  const newCluster = () => `l${process.pid}-${++clusters}`;

  async function enter({
    cluster,
    address,
    clusterUid = 'uid-1',
    owner = 'test',
    holder,
    headStartMs = 0,
    timings = {},
  }: CandidateOptions): Promise<Candidate> {
    const proxy = await startConsulProxy(consul.url);
    const token = consul.token === undefined ? {} : { token: consul.token };
    const client = createConsulClient({ address: proxy.url, timeoutMs: 2_000, ...token });
    const self = holder ?? (() => ({ address, clusterUid }));
    const names = { owner, cluster, holder: self, headStartMs: () => headStartMs };
    const lease = createConsulLease({ client, ...names, clock: systemClock, timings });
    running.push(proxy, { stop: async () => client.close() }, lease);
    lease.start(signal);
    return { lease, proxy };
  }

  async function ask(method: string, path: string): Promise<unknown> {
    const headers: Record<string, string> = consul.token === undefined ? {} : { 'x-consul-token': consul.token };
    const response = await fetch(`${consul.url}/v1/${path}`, { method, headers });
    return response.ok ? response.json() : undefined;
  }
  const isHeld = ({ lease }: Candidate) => lease.state().held;
  const sessionOf = ({ lease }: Candidate): string => {
    const state = lease.state();
    if (!state.held) throw new Error('not held');
    return state.fence.session;
  };

  it('takes a free key and says in it who holds it', async () => {
    const cluster = newCluster();
    const first = await enter({ cluster, address: 'http://first' });
    let told = 0;
    first.lease.changed(() => {
      told += 1;
    });
    expect(first.lease.state()).toEqual({ held: false, holder: undefined });
    await eventually(() => isHeld(first), 'held');
    expect(told).toBe(1);
    const state = first.lease.state();
    if (!state.held) throw new Error('not held');
    expect(state.untilMs - Date.now()).toBeGreaterThan(5_000);
    expect(state.untilMs - Date.now()).toBeLessThanOrEqual(8_000);
    const key = leaderKey('kubernetes', cluster);
    expect(state.fence.key).toBe(key);
    const [entry] = (await ask('GET', `kv/${key}`)) as { Session: string; Value: string }[];
    expect(entry?.Session).toBe(state.fence.session);
    expect(JSON.parse(Buffer.from(entry?.Value ?? '', 'base64').toString())).toMatchObject({
      address: 'http://first',
      clusterUid: 'uid-1',
    });
  });

  it('is taken over within a second of its release, and not sought again by who released it', async () => {
    const cluster = newCluster();
    const first = await enter({ cluster, address: 'http://first' });
    await eventually(() => isHeld(first), 'held by the first');
    const second = await enter({ cluster, address: 'http://second' });
    const knowsHolder = () => {
      const state = second.lease.state();
      return !state.held && state.holder === 'http://first';
    };
    await eventually(knowsHolder, 'the second knows the holder');
    await first.lease.release(signal);
    expect(isHeld(first)).toBe(false);
    await eventually(() => isHeld(second), 'held by the second', 1_000);
    expect(isHeld(first)).toBe(false);
  });

  it('is lost at once when its session ends, and taken again after the lock delay', async () => {
    const candidate = await enter({ cluster: newCluster(), address: 'http://first' });
    await eventually(() => isHeld(candidate), 'held');
    const lost = sessionOf(candidate);
    await ask('PUT', `session/destroy/${lost}`);
    await eventually(() => !isHeld(candidate), 'lost', 1_000);
    await eventually(() => isHeld(candidate), 'taken again', 3_000);
    expect(sessionOf(candidate)).not.toBe(lost);
  });

  it('is lost when someone deletes the key', async () => {
    const cluster = newCluster();
    const candidate = await enter({ cluster, address: 'http://first' });
    await eventually(() => isHeld(candidate), 'held');
    const states: boolean[] = [];
    candidate.lease.changed(() => states.push(isHeld(candidate)));
    await ask('DELETE', `kv/${leaderKey('kubernetes', cluster)}`);
    await eventually(() => states.includes(false), 'lost', 1_000);
    await eventually(() => isHeld(candidate), 'taken again', 3_000);
  });

  it('is not trusted without renewals, and is again when they succeed', async () => {
    const timings = { renewMs: 50, trustMs: 200, retryMs: 50 };
    const candidate = await enter({ cluster: newCluster(), address: 'http://first', timings });
    await eventually(() => isHeld(candidate), 'held');
    const session = sessionOf(candidate);
    const states: boolean[] = [];
    candidate.lease.changed(() => states.push(isHeld(candidate)));
    candidate.proxy.fault((request) => (request.includes('session/renew') ? { kind: 'hang' } : undefined));
    await eventually(() => !isHeld(candidate), 'not trusted');
    await eventually(() => states.includes(false), 'told');
    candidate.proxy.heal();
    await eventually(() => isHeld(candidate), 'trusted again');
    expect(sessionOf(candidate)).toBe(session);
  });

  it('begins anew when Consul does not know the session any more', async () => {
    const candidate = await enter({ cluster: newCluster(), address: 'http://first', timings: { renewMs: 50 } });
    await eventually(() => isHeld(candidate), 'held');
    const session = sessionOf(candidate);
    await ask('PUT', `session/destroy/${session}`);
    await eventually(() => isHeld(candidate) && sessionOf(candidate) !== session, 'held by another session');
  });

  it.each([
    ['another Kubernetes cluster of the same name', { clusterUid: 'uid-2' }],
    ['another owner', { owner: 'other' }],
  ])('is not taken from %s, not even when free', async (_, differing) => {
    const cluster = newCluster();
    const first = await enter({ cluster, address: 'http://first' });
    await eventually(() => isHeld(first), 'held by the first');
    const other = await enter({ cluster, address: 'http://other', ...differing });
    const clashes = () => {
      const state = other.lease.state();
      return !state.held && state.problem?.code === 'CONSUL_CLUSTER_CLASH';
    };
    await eventually(clashes, 'the clash is told');
    const before = other.proxy.seen.length;
    await first.lease.release(signal);
    await eventually(() => other.proxy.seen.length > before && clashes(), 'it has looked at the free key');
    expect(other.proxy.seen.filter((request) => request.startsWith('PUT'))).toEqual([]);
    await ask('DELETE', `kv/${leaderKey('kubernetes', cluster)}`);
    await eventually(() => isHeld(other), 'taken when the key is gone', 3_000);
  });

  it('is not sought before it is known who we are, and at once when told', async () => {
    let known: LeaseHolder | undefined;
    const timings = { retryMs: 1, pollWaitMs: 60_000 };
    const candidate = await enter({ cluster: newCluster(), address: '', holder: () => known, timings });
    const waits = () => candidate.proxy.seen.some((request) => request.includes('index='));
    await eventually(waits, 'it waits for the key to change');
    // No polling meanwhile: one read, and one that Consul keeps.
    expect(candidate.proxy.seen).toHaveLength(2);
    expect(candidate.lease.state()).toMatchObject({ held: false, problem: { code: 'KUBERNETES_UNAVAILABLE' } });
    known = { address: 'http://first', clusterUid: 'uid-1' };
    candidate.lease.lookNow();
    await eventually(() => isHeld(candidate), 'held', 2_000);
  });

  it('has a session that ends by its time to live only, whatever becomes of the node it was made on', async () => {
    const candidate = await enter({ cluster: newCluster(), address: 'http://first' });
    await eventually(() => isHeld(candidate), 'held');
    const [session] = (await ask('GET', `session/info/${sessionOf(candidate)}`)) as {
      readonly TTL: string;
      readonly LockDelay: number;
      readonly Behavior: string;
      readonly Checks?: readonly string[] | null;
      readonly NodeChecks?: readonly string[] | null;
      readonly ServiceChecks?: readonly unknown[] | null;
    }[];
    expect(session).toMatchObject({ TTL: '10000ms', LockDelay: 1_000_000_000, Behavior: 'release' });
    for (const checks of [session?.Checks, session?.NodeChecks, session?.ServiceChecks]) expect(checks ?? []).toEqual([]);
  });

  describe('offered to others', () => {
    it('goes to another at once, who keeps it', async () => {
      const cluster = newCluster();
      const first = await enter({ cluster, address: 'http://first', headStartMs: 300 });
      await eventually(() => isHeld(first), 'held by the first');
      const second = await enter({ cluster, address: 'http://second' });
      await eventually(() => second.proxy.seen.some((request) => request.includes('index=')), 'the second watches the key');
      first.lease.offer();
      expect(isHeld(first)).toBe(false);
      await eventually(() => isHeld(second), 'held by the second', 1_000);
      const knowsHolder = () => {
        const state = first.lease.state();
        return !state.held && state.holder === 'http://second';
      };
      await eventually(knowsHolder, 'the first follows');
      expect(isHeld(second)).toBe(true);
    });

    it('is taken back when nobody wants it, not before the head start is over', async () => {
      const candidate = await enter({ cluster: newCluster(), address: 'http://first', headStartMs: 300 });
      await eventually(() => isHeld(candidate), 'held');
      const session = sessionOf(candidate);
      const offeredAtMs = performance.now();
      candidate.lease.offer();
      await eventually(() => isHeld(candidate), 'held again', 3_000);
      expect(performance.now() - offeredAtMs).toBeGreaterThan(300);
      expect(sessionOf(candidate)).not.toBe(session);
      expect(await ask('GET', `session/info/${session}`)).toEqual([]);
    });

    it('is held no more, and given up later, when Consul does not take it back now', async () => {
      const cluster = newCluster();
      const first = await enter({ cluster, address: 'http://first', headStartMs: 5_000, timings: { backoff: { baseMs: 20, maxMs: 50 } } });
      await eventually(() => isHeld(first), 'held by the first');
      const second = await enter({ cluster, address: 'http://second' });
      const failing = { status: 500, headers: { 'content-type': 'text/plain' }, body: 'No cluster leader' };
      first.proxy.fault(() => ({ kind: 'answer', answer: failing }));
      first.lease.offer();
      expect(isHeld(first)).toBe(false);
      await eventually(() => first.lease.silentSinceMs() !== undefined, 'the failure is seen');
      first.proxy.heal();
      await eventually(() => isHeld(second), 'held by the second', 3_000);
      await eventually(() => first.lease.silentSinceMs() === undefined, 'Consul answers');
    });

    it('does nothing when it is not held', async () => {
      const cluster = newCluster();
      const first = await enter({ cluster, address: 'http://first' });
      await eventually(() => isHeld(first), 'held by the first');
      const second = await enter({ cluster, address: 'http://second' });
      await eventually(() => second.proxy.seen.length > 1, 'the second has looked');
      second.lease.offer();
      expect([isHeld(first), isHeld(second)]).toEqual([true, false]);
    });
  });

  it('tells what keeps it from Consul, and goes on', async () => {
    const candidate = await enter({ cluster: newCluster(), address: 'http://first', timings: { backoff: { baseMs: 20, maxMs: 50 } } });
    const denied = { status: 403, headers: { 'content-type': 'text/plain' }, body: 'Permission denied' };
    candidate.proxy.fault((request) => (request.startsWith('PUT') ? { kind: 'answer', answer: denied } : undefined));
    const forbidden = () => {
      const state = candidate.lease.state();
      return !state.held && state.problem?.code === 'CONSUL_FORBIDDEN';
    };
    await eventually(forbidden, 'the refusal is told');
    candidate.proxy.heal();
    await eventually(() => isHeld(candidate), 'held');
  });

  describe('at rest', () => {
    it('asks for nothing but renewals and long polls', async () => {
      const timings = { renewMs: 30, pollWaitMs: 50 };
      const candidate = await enter({ cluster: newCluster(), address: 'http://first', timings });
      const atRest = () => candidate.proxy.seen.slice(-12).every((request) => /index=|session\/renew/.test(request));
      await eventually(() => isHeld(candidate) && candidate.proxy.seen.length > 16 && atRest(), 'only renewals and long polls');
    });
  });
}
