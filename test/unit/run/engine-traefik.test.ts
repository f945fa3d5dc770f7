import { describe, expect, it } from 'vitest';
import type { GatewayState, Gateways } from '../../../src/core/model/gateway.ts';
import { type PoolKey, poolKey, replicaName } from '../../../src/core/model/ids.ts';
import type { Gateway, RouteAnswer, RouteProbe, RouteTarget } from '../../../src/core/model/ports.ts';
import type { Snapshot } from '../../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { SpecFiles, SpecSet } from '../../../src/core/model/spec-set.ts';
import { Engine } from '../../../src/run/engine.ts';
import { SpecPoller } from '../../../src/run/spec-poller.ts';
import { complete, deployment, endpoints, POLICY, service, spec, specSet, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';
import { answered, followingState, silent } from '../../support/gateway-state.ts';
import { settle } from '../../support/model-world.ts';

const signal = new AbortController().signal;
const [A, B] = [replicaName('edge-1'), replicaName('edge-2')];
const WEB = spec('web.json', deployment('web'), service('web'));
const before = specSet([WEB]);
const moved = (nodePort: number): SpecSet => {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort }];
  return specSet([spec('web.json', deployment('web'), service('web', { spec: { ports } }))]);
};

/** Replicas that say what a test has them say. */
class FakeGateway implements Gateway {
  shown: Gateways = new Map();
  expected: number | undefined;
  state(): Gateways {
    return this.shown;
  }
  changed(): () => void {
    return () => undefined;
  }
  expect(sinceMs: number | undefined): void {
    this.expected = sinceMs;
  }
  async refresh(): Promise<void> {
    this.expected = undefined;
  }
}

/** Routes that answer what a test has them answer. */
class FakeRouteProbe implements RouteProbe {
  readonly tls = false;
  wanted: readonly RouteTarget[] = [];
  answers: ReadonlyMap<PoolKey, readonly RouteAnswer[]> = new Map();
  want(targets: readonly RouteTarget[]): void {
    this.wanted = targets;
  }
  state(): ReadonlyMap<PoolKey, readonly RouteAnswer[]> {
    return this.answers;
  }
  changed(): () => void {
    return () => undefined;
  }
  async probe(pool: PoolKey): Promise<readonly RouteAnswer[]> {
    return this.answers.get(pool) ?? [];
  }
}

async function rig(more: { readonly routeProbe?: RouteProbe } = {}) {
  const site = new FakeSite(settle(world({ specs: complete(before), endpoints: [endpoints('default/web')] })).world);
  const gateway = new FakeGateway();
  const clock = { now: () => site.nowMs, random: () => 0.5 };
  let set = before;
  const read = async () => complete({ problems: [], revision: set.revision, changed: [] } as unknown as SpecFiles);
  const poller = new SpecPoller({ read }, () => set, clock);
  await poller.poll('', signal);
  const engine = new Engine({ ports: site.ports(), policy: POLICY, clock, poller, gateway, ...more, dryRun: false });
  const following = (): GatewayState => followingState(snapshotValue(site.world.registry));
  const show = (...snapshots: readonly Snapshot<GatewayState>[]): void => {
    gateway.shown = new Map(snapshots.map((snapshot, i) => [i === 0 ? A : B, snapshot]));
  };
  return {
    site,
    gateway,
    following,
    show,
    run: (trigger = 'traefik') => engine.run([trigger], signal),
    commit: async (next: SpecSet) => {
      set = next;
      await poller.poll('', signal);
    },
  };
}

describe('the engine and Traefik', () => {
  it('expects nothing at rest', async () => {
    const { show, following, run, gateway, site } = await rig();
    show(answered(following(), site.nowMs), answered(following(), site.nowMs));
    const { report, lookAgainAtMs } = await run();
    expect(report.specs[0]).toMatchObject({ state: 'in-step', legs: { traefik: 'in-step' } });
    expect(gateway.expected).toBeUndefined();
    expect(lookAgainAtMs).toBeUndefined();
  });

  it('has replicas asked from a change on until each serves it, and keeps the old NodePort open until each has let go', async () => {
    const { show, following, run, gateway, site, commit } = await rig();
    const old = following();
    show(answered(old, site.nowMs), answered(old, site.nowMs));
    const first = await run();
    const oldPort = first.report.pools[0]?.nodePort ?? 0;
    await commit(moved(31_999));
    site.nowMs += 1_000;
    const changedAtMs = site.nowMs;
    const change = await run('git');
    expect(site.journal.filter((line) => line.startsWith('register-pool'))).toHaveLength(1);
    expect(change.report.specs[0]).toMatchObject({ state: 'changing', legs: { consul: 'in-step', traefik: 'changing' } });
    expect(gateway.expected).toBe(changedAtMs);

    site.nowMs += 3_000;
    const leftAtMs = site.nowMs;
    const left = new Map([...(old.listed.get(String(oldPort)) ?? [])].map((endpoint) => [endpoint, leftAtMs]));
    const followed = { ...following(), leftAtMs: left };
    show(answered(followed, site.nowMs), answered(old, site.nowMs));
    expect((await run()).report.pools[0]?.replicas).toMatchObject([{ state: 'in-step' }, { state: 'changing', missing: 3 }]);

    // An hour later by the clock: the time that Traefik takes at most is long over, and the replica still sends requests there.
    site.nowMs += 3_600_000;
    show(answered(followed, site.nowMs), answered(old, site.nowMs));
    const late = await run();
    expect(late.report.problems).toMatchObject([{ code: 'TRAEFIK_FROZEN' }]);
    expect(site.journal.filter((line) => line.startsWith('apply-object /Service'))).toHaveLength(1);

    const goneAtMs = site.nowMs;
    const last = { ...followed, leftAtMs: new Map([...left.keys()].map((endpoint) => [endpoint, goneAtMs])) };
    show(answered(followed, site.nowMs), answered(last, site.nowMs));
    const both = await run();
    expect(both.report.specs[0]?.state).toBe('in-step');
    expect(both.lookAgainAtMs).toBe(goneAtMs + POLICY.drainSeconds * 1000);
    site.nowMs = goneAtMs + POLICY.drainSeconds * 1000;
    show(answered(followed, site.nowMs), answered(last, site.nowMs));
    await run('due');
    expect(site.journal.filter((line) => line.startsWith('apply-object /Service'))).toHaveLength(2);
    await run();
    expect(gateway.expected).toBeUndefined();
  });

  it('nudges a replica that answers and has not followed, by one write, and not again', async () => {
    const { show, following, run, site, commit } = await rig();
    const old = following();
    show(answered(old, site.nowMs));
    await run();
    await commit(moved(31_999));
    site.nowMs += 1_000;
    await run('git');
    const writes = (): number => site.journal.filter((line) => line.startsWith('register-pool')).length;
    expect(writes()).toBe(1);
    site.nowMs += POLICY.letGoMs + 1;
    show(answered(old, site.nowMs));
    const late = await run('due');
    expect(late.report.gateways).toMatchObject([{ replica: A, state: 'frozen', pools: 1 }]);
    expect(writes()).toBe(1);
    expect(late.lookAgainAtMs).toBe(site.nowMs + 1_000);
    site.nowMs += 1_000;
    const touched = await run('due');
    expect(writes()).toBe(2);
    expect(touched.report.actions).toMatchObject([
      { op: 'register-pool', on: 'pool default/web', changes: ['its check is touched so that Traefik looks again'], result: 'done' },
    ]);
    for (let day = 0; day < 3; day++) {
      site.nowMs += 24 * 3_600_000;
      show(answered(old, site.nowMs));
      await run('full-compare');
    }
    expect(writes()).toBe(2);
  });

  it('does not try again and again to write a touch that cannot be written', async () => {
    const { show, following, run, site, commit } = await rig();
    const old = following();
    show(answered(old, site.nowMs));
    await run();
    await commit(moved(31_999));
    site.nowMs += 1_000;
    await run('git');
    site.nowMs += POLICY.letGoMs + 1;
    show(answered(old, site.nowMs));
    await run('due');
    site.leases.consul.held = false;
    site.nowMs += 1_000;
    expect((await run('due')).lookAgainAtMs).toBe(site.nowMs + 30_000);
  });

  it('goes on without a replica that does not answer, and says which', async () => {
    const { show, following, run, gateway, site } = await rig();
    show(answered(following(), site.nowMs), silent(site.nowMs - 1_000));
    const { report } = await run();
    expect(report.specs[0]?.state).toBe('in-step');
    expect(report.sources.find(({ source }) => source === 'traefik:edge-2')).toMatchObject({ kind: 'unavailable' });
    expect(gateway.expected).toBeUndefined();
  });

  it('tries the routes while it leads; one that fails twice is a warning, and nothing follows from it', async () => {
    const routeProbe = new FakeRouteProbe();
    const { show, following, run, site } = await rig({ routeProbe });
    show(answered(following(), site.nowMs));
    await run();
    expect(routeProbe.wanted).toMatchObject([{ pool: 'default/web', path: '/' }]);
    const writes = site.journal.length;
    const answer = { router: 'web', host: 'web.example.com', path: '/', atMs: 1, durationMs: 4, ok: false, status: 502, error: 'HTTP 502' };
    routeProbe.answers = new Map([[poolKey('default', 'web'), [{ ...answer, failures: 1 }]]]);
    expect((await run()).report.specs[0]?.problems).toEqual([]);
    routeProbe.answers = new Map([[poolKey('default', 'web'), [{ ...answer, failures: 2 }]]]);
    const { report } = await run();
    expect(report.pools[0]?.probes).toMatchObject([{ ok: false, failures: 2 }]);
    expect(report.specs[0]).toMatchObject({ state: 'in-step', problems: [{ code: 'TRAEFIK_PROBE_FAILED', severity: 'warning' }] });
    expect(report.specs[0]?.problems[0]?.message).toBe('pool default/web: GET web.example.com/ through Traefik (router web): HTTP 502');
    expect(site.journal.length).toBe(writes);
    site.leases.consul.held = false;
    site.leases.kubernetes.held = false;
    await run();
    expect(routeProbe.wanted).toEqual([]);
  });

  it('expects nothing where another replica of the daemon leads', async () => {
    const { show, site, run, gateway } = await rig();
    show(silent(site.nowMs));
    gateway.expected = 7;
    site.leases.consul.held = false;
    site.leases.kubernetes.held = false;
    expect((await run()).report.specs[0]?.legs.traefik).toBe('unknown');
    expect(gateway.expected).toBeUndefined();
  });
});
