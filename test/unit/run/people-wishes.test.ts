import { describe, expect, it } from 'vitest';
import { specId } from '../../../src/core/model/ids.ts';
import type { Memory } from '../../../src/core/model/memory.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { World } from '../../../src/core/model/world.ts';
import type { Held } from '../../../src/core/plan/approvals.ts';
import type { ApprovalWish } from '../../../src/run/approve-removals.ts';
import { approveRemovals } from '../../../src/run/approve-removals.ts';
import { parseMemory } from '../../../src/run/read-memory.ts';
import type { SuspensionScope, SuspensionWish } from '../../../src/run/suspend-spec.ts';
import { resumeSpec, suspendSpec } from '../../../src/run/suspend-spec.ts';
import { problem } from '../../../src/shared/problem.ts';
import { complete, deployment, keys, MEMORY, NOW_MS, POLICY, spec, specSet, unavailable, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const HELD: Held = { id: 'h-1', source: 's', revision: 'r', keys: ['pool:a/b', 'object:x'], removals: 1 };
const SPECS = ['prod/web.yaml', 'prod/shop.yaml', 'test/web.yaml'].map(specId);
const signal = new AbortController().signal;

function portsOf(site: FakeSite, nowMs = NOW_MS) {
  const { registry, leases } = site.ports();
  return { registry, lease: leases.consul, policy: POLICY, clock: { now: () => nowMs, random: () => 0.5 } };
}

const remembered = (site: FakeSite): Memory => parseMemory(snapshotValue(site.world.registry)?.kv.get(keys.memory)?.value ?? '');
const approve = (site: FakeSite, wish: ApprovalWish, held: Held | undefined = HELD) => approveRemovals(wish, held, portsOf(site), signal);
const suspend = (site: FakeSite, wish: SuspensionWish) => suspendSpec(wish, { ...portsOf(site), specs: SPECS }, signal);
const resume = (site: FakeSite, scope: SuspensionScope) => resumeSpec(scope, { ...portsOf(site), specs: SPECS }, signal);
const refusal = async (answer: Promise<{ readonly kind: string; readonly problem?: { readonly code: string; readonly remedy: string } }>) =>
  (await answer).problem;

describe('approving', () => {
  it('remembers what was held, by name, for an hour, and twice is once', async () => {
    const site = new FakeSite(world({}));
    const approval = { id: 'h-1', hold: 'h-1', removals: 1, left: 1, atMs: NOW_MS, untilMs: NOW_MS + 3_600_000 };
    expect(await approve(site, { hold: 'h-1' })).toEqual({ kind: 'done', approval });
    await approve(site, { hold: 'h-1' });
    const times = { atMs: NOW_MS, untilMs: approval.untilMs };
    expect(remembered(site).approvals).toEqual([{ kind: 'hold', ...HELD, ...times }]);
    expect(await approve(site, { removals: 5 })).toMatchObject({ kind: 'done', approval: { id: expect.stringMatching(/^n-/), left: 5 } });
    await approve(site, { removals: 3 });
    expect(remembered(site).approvals).toMatchObject([{ kind: 'hold' }, { kind: 'budget', removals: 3, left: 3, ...times }]);
  });

  it('is refused where nothing is held, or something else', async () => {
    const site = new FakeSite(world({}));
    const ask = (wish: ApprovalWish, held?: Held) => refusal(approveRemovals(wish, held, portsOf(site), signal));
    expect(await ask({ removals: 5 })).toMatchObject({ code: 'NOTHING_HELD' });
    expect(await ask({ hold: 'h-1' })).toMatchObject({ code: 'NOTHING_HELD' });
    expect(await ask({ hold: 'h-0' }, HELD)).toMatchObject({
      code: 'HOLD_CHANGED',
      message: expect.stringContaining('h-1, with 1 removal'),
    });
    expect(site.journal).toEqual([]);
  });

  it('keeps what else is remembered, also when a run writes in between', async () => {
    const site = new FakeSite(world({}));
    let writes = 0;
    site.refuse = () => (writes++ === 0 ? problem('CONSUL_CHANGED', 'somebody was faster') : undefined);
    expect((await approve(site, { hold: 'h-1' })).kind).toBe('done');
    await suspend(site, { spec: 'prod/web.yaml' });
    expect(remembered(site)).toMatchObject({ approvals: [{ id: 'h-1' }], suspended: { 'prod/web.yaml': { atMs: NOW_MS } } });
    site.refuse = () => problem('CONSUL_CHANGED', 'somebody is always faster');
    expect(await refusal(approve(site, { hold: 'h-1' }))).toMatchObject({ code: 'CONSUL_CHANGED' });
  });

  it('needs the lease, a Consul that answers, and one that takes it', async () => {
    const site = new FakeSite(world({}));
    site.refuse = () => problem('CONSUL_FORBIDDEN', 'no');
    expect(await refusal(approve(site, { hold: 'h-1' }))).toMatchObject({ code: 'CONSUL_FORBIDDEN' });
    site.leases.consul.held = false;
    expect(await refusal(approve(site, { hold: 'h-1' }))).toMatchObject({ code: 'LEASE_HELD_ELSEWHERE' });
    const reason = problem('CONSUL_UNAVAILABLE', 'gone');
    site.world = { ...site.world, registry: { kind: 'unavailable', reason, sinceMs: 0 } };
    expect(await refusal(approve(site, { hold: 'h-1' }))).toMatchObject({ code: 'CONSUL_UNAVAILABLE' });
  });
});

describe('suspending', () => {
  it('goes on while Consul does not tell, in the process that knew of it', async () => {
    const of = (replicas: number): World['specs'] => complete(specSet([spec('prod/web.yaml', deployment('web', { replicas }))]));
    const site = new FakeSite(world({ specs: of(2) }));
    await site.run();
    await suspend(site, { spec: 'prod/web.yaml' });
    await site.run();
    site.takeJournal();
    site.world = { ...site.world, specs: of(3), registry: unavailable() };
    await site.run();
    expect(site.takeJournal()).toEqual([]);
    // One that starts now knows nothing of it.
    const another = new FakeSite(site.world);
    await another.run();
    expect(another.takeJournal()).toEqual(['apply-object apps/Deployment/default/web']);
  });

  it('remembers a spec, with its reason and end, and takes new ones', async () => {
    const site = new FakeSite(world({}));
    const first = { spec: 'prod/web.yaml', untilMs: NOW_MS + 5, reason: 'by hand' };
    expect(await suspend(site, first)).toEqual({ kind: 'done', suspension: { ...first, atMs: NOW_MS } });
    await suspend(site, { spec: 'prod/shop.yaml' });
    await suspend(site, { spec: 'prod/web.yaml' });
    expect(remembered(site).suspended).toEqual({ 'prod/web.yaml': { atMs: NOW_MS }, 'prod/shop.yaml': { atMs: NOW_MS } });
    expect(await resume(site, { spec: 'prod/web.yaml' })).toEqual({ kind: 'done', suspended: false });
    expect(remembered(site).suspended).toEqual({ 'prod/shop.yaml': { atMs: NOW_MS } });
    await resume(site, { spec: 'prod/shop.yaml' });
    expect(remembered(site)).toEqual({ ...MEMORY, ...remembered(site), suspended: undefined });
  });

  it('of every spec stands beside those by name', async () => {
    const site = new FakeSite(world({}));
    await suspend(site, { all: true, reason: 'maintenance' });
    await suspend(site, { spec: 'prod/web.yaml' });
    expect(await resume(site, { spec: 'prod/web.yaml' })).toEqual({ kind: 'done', suspended: true });
    await suspend(site, { spec: 'prod/shop.yaml' });
    expect(remembered(site).suspendedAll).toEqual({ atMs: NOW_MS, reason: 'maintenance' });
    expect(await resume(site, { all: true })).toEqual({ kind: 'done', suspended: false });
    expect(remembered(site)).toMatchObject({ suspended: { 'prod/shop.yaml': {} } });
    expect(remembered(site).suspendedAll).toBeUndefined();
  });

  it.each([
    ['prod/wbe.yaml', 'Did you mean "prod/web.yaml"?'],
    ['web', 'Did you mean "prod/web.yaml" or "test/web.yaml"?'],
    ['zzz', 'Name a spec by its path below the root; `poolkeeper status` lists them.'],
  ])('does not know %s', async (spec, remedy) => {
    const site = new FakeSite(world({}));
    for (const answer of [suspend(site, { spec }), resume(site, { spec })])
      expect(await refusal(answer)).toMatchObject({ code: 'SPEC_UNKNOWN', remedy });
    expect(site.journal).toEqual([]);
  });

  it('can be ended also for a spec that is there no more, and twice', async () => {
    const site = new FakeSite(world({}));
    await suspendSpec({ spec: 'gone.yaml' }, { ...portsOf(site), specs: [specId('gone.yaml')] }, signal);
    expect(await resume(site, { spec: 'gone.yaml' })).toEqual({ kind: 'done', suspended: false });
    expect(await resume(site, { spec: 'prod/web.yaml' })).toEqual({ kind: 'done', suspended: false });
  });
});
