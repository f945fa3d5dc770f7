import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createKubernetesLease,
  type KubernetesLease,
  type KubernetesLeaseOptions,
} from '../../src/adapters/kubernetes/kubernetes-lease.ts';
import { type ApiServer, CLOCK, openRig, type Rig } from './cluster-rig.ts';

/** The Kubernetes lease: one holder, who knows when he may not be sure any more. */
export function clusterLeaseSuite(server: () => ApiServer): void {
  let rig: Rig;
  let opened: KubernetesLease[];
  beforeEach(async () => {
    rig = await openRig(server());
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((lease) => lease.stop()));
    await rig.close();
  });

  const open = (identity: string, options: Partial<KubernetesLeaseOptions> = {}): KubernetesLease => {
    const common = { client: rig.client, name: 'poolkeeper-test', namespace: rig.namespace, clock: CLOCK, mayHold: () => true };
    const lease = createKubernetesLease({ ...common, identity, durationMs: 2_000, renewMs: 300, retryMs: 100, ...options });
    opened.push(lease);
    lease.start();
    return lease;
  };
  const object = (): Promise<Readonly<Record<string, unknown>>> =>
    rig.call('GET', `/apis/coordination.k8s.io/v1/namespaces/${rig.namespace}/leases/poolkeeper-test`);

  describe('the lease', () => {
    it('is taken by one, who is named to the others', async () => {
      const first = open('first');
      await expect.poll(() => first.state().held).toBe(true);
      const second = open('second');
      await expect.poll(() => second.state()).toEqual({ held: false, holder: 'first' });
      expect(first.state()).toMatchObject({ held: true, fence: { key: '', session: 'first' } });
      expect(await object()).toMatchObject({ spec: { holderIdentity: 'first', leaseDurationSeconds: 2, leaseTransitions: 0 } });
    });

    it('stays with its holder longer than it lasts, since it is renewed', async () => {
      const first = open('first');
      await expect.poll(() => first.state().held).toBe(true);
      const second = open('second');
      const until = Date.now() + 2_500;
      const seen = new Set<boolean>();
      await expect.poll(() => [seen.add(first.state().held), Date.now() > until][1], { timeout: 5_000, interval: 20 }).toBe(true);
      expect([...seen]).toEqual([true]);
      expect(second.state().held).toBe(false);
    });

    it('goes to another when its holder is gone, not before its time', async () => {
      const first = open('first');
      await expect.poll(() => first.state().held).toBe(true);
      await first.stop();
      const stoppedAtMs = Date.now();
      const second = open('second');
      await expect.poll(() => second.state().held, { timeout: 5_000, interval: 10 }).toBe(true);
      expect(first.state().held).toBe(false);
      expect(Date.now() - stoppedAtMs).toBeGreaterThan(1_900);
      expect(await object()).toMatchObject({ spec: { holderIdentity: 'second', leaseTransitions: 1 } });
    });

    it('goes to another at once when it is released', async () => {
      const first = open('first', { durationMs: 30_000 });
      await expect.poll(() => first.state().held).toBe(true);
      const second = open('second', { durationMs: 30_000 });
      await expect.poll(() => second.state()).toEqual({ held: false, holder: 'first' });
      await first.release(rig.signal);
      expect(first.state().held).toBe(false);
      await expect.poll(() => second.state().held, { timeout: 2_000 }).toBe(true);
    });

    it('is given up when it may not be held any more, and taken again when it may', async () => {
      let may = true;
      const first = open('first', { mayHold: () => may, renewMs: 60_000, durationMs: 60_000 });
      await expect.poll(() => first.state().held).toBe(true);
      may = false;
      first.lookNow();
      await expect.poll(() => first.state().held).toBe(false);
      await expect.poll(async () => (await object())['spec']).toMatchObject({ holderIdentity: '' });
      may = true;
      first.lookNow();
      await expect.poll(() => first.state().held).toBe(true);
    });

    it('is looked at, but never written, while it may not be held', async () => {
      const first = open('first', { mayHold: () => false, renewMs: 50 });
      await expect.poll(() => rig.proxy.seen().length).toBeGreaterThan(2);
      await first.stop();
      expect(new Set(rig.proxy.seen().map(({ method }) => method))).toEqual(new Set(['GET']));
    });

    it('is taken without a further wait when its holder was gone long before it may be held', async () => {
      let may = false;
      const first = open('first', { durationMs: 3_000 });
      await expect.poll(() => first.state().held).toBe(true);
      const second = open('second', { mayHold: () => may });
      await expect.poll(() => second.state()).toEqual({ held: false, holder: 'first' });
      await first.stop();
      const stoppedAtMs = Date.now();
      await expect.poll(() => Date.now() - stoppedAtMs > 3_500, { timeout: 5_000 }).toBe(true);
      expect(second.state().held).toBe(false);
      may = true;
      second.lookNow();
      await expect.poll(() => second.state().held, { timeout: 1_000, interval: 10 }).toBe(true);
    });

    it('is not believed in any more when two thirds of its time are over without an answer', async () => {
      let told = 0;
      const first = open('first');
      await expect.poll(() => first.state().held).toBe(true);
      first.changed(() => told++);
      rig.proxy.freeze();
      const frozenAtMs = Date.now();
      await expect.poll(() => told, { timeout: 4_000, interval: 10 }).toBe(1);
      expect(first.state()).toMatchObject({ held: false, problem: { code: 'KUBERNETES_UNAVAILABLE' } });
      expect(Date.now() - frozenAtMs).toBeLessThan(1_900);
      rig.proxy.thaw();
      await expect.poll(() => first.state().held, { timeout: 4_000 }).toBe(true);
    });

    it('is not taken earlier by who has a clock of his own mind', async () => {
      const first = open('first');
      await expect.poll(() => first.state().held).toBe(true);
      let aheadMs = 0;
      const second = open('second', { clock: { ...CLOCK, now: () => Date.now() + aheadMs } });
      await expect.poll(() => second.state()).toEqual({ held: false, holder: 'first' });
      await first.stop();
      const stoppedAtMs = Date.now();
      // As after a correction of the time: it says nothing of how long the lease has stood unchanged.
      aheadMs = 3_600_000;
      await expect.poll(() => second.state().held, { timeout: 5_000, interval: 10 }).toBe(true);
      expect(Date.now() - stoppedAtMs).toBeGreaterThan(1_500);
    });

    it('is not believed in after the machine was suspended, when the monotonic clock has stood still', async () => {
      let aheadMs = 0;
      const first = open('first', { clock: { ...CLOCK, now: () => Date.now() + aheadMs }, renewMs: 60_000, durationMs: 60_000 });
      await expect.poll(() => first.state().held).toBe(true);
      aheadMs = 50_000;
      expect(first.state().held).toBe(false);
    });

    it('goes to another when it is offered, who keeps it', async () => {
      const first = open('first', { headStartMs: () => 500 });
      await expect.poll(() => first.state().held).toBe(true);
      const second = open('second');
      await expect.poll(() => second.state()).toEqual({ held: false, holder: 'first' });
      first.offer();
      expect(first.state().held).toBe(false);
      await expect.poll(() => second.state().held).toBe(true);
      await expect.poll(() => first.state()).toEqual({ held: false, holder: 'second' });
    });

    it('is taken back after the head start when nobody wants it', async () => {
      const first = open('first', { headStartMs: () => 500 });
      await expect.poll(() => first.state().held, { timeout: 3_000 }).toBe(true);
      const offeredAtMs = performance.now();
      first.offer();
      await expect.poll(() => first.state().held, { timeout: 3_000, interval: 10 }).toBe(true);
      expect(performance.now() - offeredAtMs).toBeGreaterThan(500);
    });

    it('tells since when the API server is silent', async () => {
      const first = open('first');
      await expect.poll(() => first.state().held).toBe(true);
      expect(first.silentSinceMs()).toBeUndefined();
      const beforeMs = performance.now();
      rig.proxy.freeze();
      await expect.poll(() => first.silentSinceMs(), { timeout: 4_000 }).toBeDefined();
      // Since it answered last, not since that was noticed.
      expect((first.silentSinceMs() ?? Number.NaN) - beforeMs).toBeLessThan(200);
      rig.proxy.thaw();
      await expect.poll(() => first.silentSinceMs(), { timeout: 4_000 }).toBeUndefined();
    });

    it('names the right that is missing', async ({ skip }) => {
      const { powerless } = server();
      if (powerless === undefined) {
        skip('this server does not check rights');
        return;
      }
      const weak = await openRig(server(), powerless.token);
      try {
        const lease = open('weak', { client: weak.client, namespace: weak.namespace });
        const message = expect.stringContaining(`"get" on leases.coordination.k8s.io in the namespace ${weak.namespace}`);
        await expect.poll(() => lease.state()).toMatchObject({ held: false, problem: { code: 'KUBERNETES_FORBIDDEN', message } });
      } finally {
        await weak.close();
      }
    });
  });
}
