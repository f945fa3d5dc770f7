import { describe, expect, it } from 'vitest';
import { NODES } from '../../../../src/adapters/kubernetes/discovery.ts';
import type { KubeAnswer, KubeClient } from '../../../../src/adapters/kubernetes/kube-client.ts';
import { REFLECTOR_TIMINGS, Reflector } from '../../../../src/adapters/kubernetes/reflector.ts';

const RETRY_AFTER_MS = 300;
const sink = {
  mark: () => 0,
  decode: () => '',
  replace: () => undefined,
  put: () => undefined,
  drop: () => undefined,
  connected: () => undefined,
};

/** The moments of the first `count` requests of a reflector that is always answered like this. */
async function triesAgainst(answer: KubeAnswer, { count, random }: { readonly count: number; readonly random: () => number }) {
  const moments: number[] = [];
  const enough = Promise.withResolvers<void>();
  const asked = async (): Promise<KubeAnswer> => {
    moments.push(performance.now());
    if (moments.length === count) enough.resolve();
    return answer;
  };
  const client: KubeClient = { server: '', namespace: undefined, send: asked, open: asked, close: async () => undefined };
  const timings = { ...REFLECTOR_TIMINGS, backoff: { baseMs: 40, maxMs: 160 }, retryAfterMs: RETRY_AFTER_MS };
  const reflector = new Reflector({
    client,
    title: 'Node',
    resolve: async () => NODES,
    listLimit: 1,
    timings,
    clock: { now: () => Date.now(), random },
    sink,
  });
  reflector.start();
  await enough.promise;
  const state = reflector.state();
  await reflector.stop();
  return { gapsMs: moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0)), state };
}

describe('the reflector', () => {
  it('finds a half-open watch in less than 45 seconds', () => {
    expect(REFLECTOR_TIMINGS.watchMs + REFLECTOR_TIMINGS.watchGraceMs).toBeLessThan(45_000);
    expect(REFLECTOR_TIMINGS.listMs).toBeLessThan(45_000);
  });

  it('waits longer after each failure, up to a limit, by a share that is left to chance', async () => {
    const down = { status: 503, body: 'down' };
    const draws = [0, 1, 0.5, 0, 1];
    const { gapsMs, state } = await triesAgainst(down, { count: 6, random: () => draws.shift() ?? 0 });
    // Timers may fire a millisecond early.
    [20, 80, 120, 80, 160].forEach((leastMs, index) => {
      expect(gapsMs[index]).toBeGreaterThanOrEqual(leastMs - 2);
    });
    expect(draws).toEqual([]);
    expect(state).toMatchObject({ kind: 'unavailable', reason: { code: 'KUBERNETES_UNAVAILABLE' } });
  });

  it('is not blinded by whoever asks it to wait for an hour', async () => {
    const { gapsMs } = await triesAgainst({ status: 429, body: {}, retryAfterMs: 3_600_000 }, { count: 3, random: () => 0 });
    for (const gapMs of gapsMs) expect(gapMs).toBeGreaterThanOrEqual(RETRY_AFTER_MS - 2);
  });
});
