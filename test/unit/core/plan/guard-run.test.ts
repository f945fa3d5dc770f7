import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupKind } from '../../../../src/core/model/ids.ts';
import type { Memory } from '../../../../src/core/model/memory.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { CommitFacts } from '../../../../src/core/model/spec-set.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { commit, complete, endpoints, MEMORY, NOW_MS, owned, POLICY, service, spec, specSet, world } from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const CONFIG_MAPS = groupKind('', 'ConfigMap');
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `s${i}`);
const specOf = (name: string): ReturnType<typeof spec> => spec(`${name}.json`, service(name));

/** A settled world of `count` pools, from which the specs that `keep` leaves out have gone. */
function shrunk(count: number, keep: number, more: { commits?: readonly CommitFacts[]; source?: string } = {}): World {
  const all = settle(
    world({ specs: complete(specSet(names(count).map(specOf))), endpoints: names(count).map((name) => endpoints(`default/${name}`)) }),
    {},
    8,
  ).world;
  return { ...all, specs: complete(specSet(names(keep).map(specOf), more)) };
}

const removed = (plan: ModelPlan): number => plan.actions.filter((action) => action.kind === 'deregister-pool').length;
const reasons = (plan: ModelPlan): ReadonlySet<string> => new Set(plan.guarded.holds.map((hold) => hold.reason.code));

describe('the guard', () => {
  it.each([
    { count: 10, keep: 8, removes: 2, reason: undefined },
    { count: 10, keep: 7, removes: 0, reason: 'REMOVAL_LIMIT' },
    { count: 40, keep: 36, removes: 4, reason: undefined },
    { count: 40, keep: 35, removes: 0, reason: 'REMOVAL_LIMIT' },
    { count: 2, keep: 1, removes: 1, reason: undefined },
    { count: 1, keep: 0, removes: 0, reason: 'SPECS_VANISHED' },
  ])('lets $removes of $count pools go when $keep are left', ({ count, keep, removes, reason }) => {
    const plan = planWorld(shrunk(count, keep));
    expect(removed(plan)).toBe(removes);
    expect([...reasons(plan)]).toEqual(reason === undefined ? [] : [reason]);
    for (const hold of plan.guarded.holds) expect(hold.reason.remedy).toContain(`Poolkeeper-Allow-Removal: ${count - keep}`);
  });

  it('never removes all that we own, however few they are', () => {
    const { world: one } = settle(world({ specs: complete(specSet([specOf('s0')])), endpoints: [endpoints('default/s0')] }));
    const replaced: World = { ...one, specs: complete(specSet([spec('other.json')])) };
    expect([...reasons(planWorld(replaced))]).toEqual(['REMOVAL_ALL']);
  });

  it('counts what left within the window, and forgets it afterwards', () => {
    const first = planWorld(shrunk(10, 8));
    const later = { ...applyToWorld(shrunk(10, 8), first.actions), specs: complete(specSet(names(7).map(specOf))) };
    const again = planWorld(later, { memory: first.guarded.memory });
    expect(removed(again)).toBe(0);
    expect([...reasons(again)]).toEqual(['REMOVAL_LIMIT']);
    const drained = planWorld(later, { memory: first.guarded.memory, nowMs: NOW_MS + 30_001 });
    const finished = { ...applyToWorld(later, drained.actions), specs: later.specs };
    const { memory } = drained.guarded;
    // The objects went when the pools had drained, and not when that was granted.
    expect([...reasons(planWorld(finished, { memory, nowMs: NOW_MS + 600_001 }))]).toEqual(['REMOVAL_LIMIT']);
    expect(removed(planWorld(finished, { memory, nowMs: NOW_MS + 630_002 }))).toBe(1);
  });

  it('counts what was granted long ago and has left only now from when it left', () => {
    const settled = shrunk(10, 10);
    const withdrawn = (count: number): World => {
      const [out, kept] = [names(count), names(10).slice(count)];
      const leaving = out.map((name) => spec(`${name}.json`, service(name, { annotations: { 'poolkeeper.dev/register': 'false' } })));
      return { ...settled, specs: complete(specSet([...leaving, ...kept.map(specOf)])) };
    };
    const granted = planWorld(withdrawn(2)).guarded.memory;
    const late = { memory: granted, nowMs: NOW_MS + 700_000 };
    const plan = planWorld(withdrawn(2), late);
    const left = { ...applyToWorld(withdrawn(2), plan.actions), specs: withdrawn(3).specs };
    const next = planWorld(left, { memory: plan.guarded.memory, nowMs: late.nowMs + 1 });
    expect([removed(plan), removed(next), ...reasons(next)]).toEqual([2, 0, 'REMOVAL_LIMIT']);
  });

  it('holds everything when the source changes', () => {
    const plan = planWorld(shrunk(10, 9, { source: 'another repo' }));
    expect(removed(plan)).toBe(0);
    expect([...reasons(plan)]).toEqual(['SOURCE_CHANGED']);
  });

  it('releases what a commit allows, and spends each commit once', () => {
    const approved = shrunk(10, 4, { commits: [commit('c9', '6')] });
    const plan = planWorld(approved);
    expect(removed(plan)).toBe(6);
    expect(plan.guarded.memory.spent).toEqual({ c9: 6 });
    expect(Object.values(plan.guarded.memory.removals)[0]).toEqual({ atMs: NOW_MS, approvedBy: 'c9' });
    const next: World = {
      ...applyToWorld(approved, plan.actions),
      specs: complete(specSet([specOf('s0')], { commits: [commit('c9', '6')] })),
    };
    expect(removed(planWorld(next, { memory: { ...plan.guarded.memory, appliedRevision: 'r1' } }))).toBe(0);
  });

  it.each(['5', '', '0', '-6', '6.5', 'all', '1e9', '99999999'])('does not take %o for enough', (trailer) => {
    expect(removed(planWorld(shrunk(10, 4, { commits: [commit('c9', trailer)] })))).toBe(0);
  });

  it('approves nothing for a memory that was lost', () => {
    const lost: Memory = { ...MEMORY, appliedRevision: '' };
    expect(removed(planWorld(shrunk(10, 4, { commits: [commit('c9', '6')] }), { memory: lost }))).toBe(0);
  });

  it('goes on with a removal that was granted, although more has come since', () => {
    const first = planWorld(shrunk(10, 8));
    const draining = applyToWorld(shrunk(10, 8), first.actions);
    const more: World = { ...draining, specs: complete(specSet(names(3).map(specOf))) };
    const plan = planWorld(more, { memory: first.guarded.memory, nowMs: NOW_MS + 30_001 });
    expect(plan.actions.filter((action) => action.kind === 'delete-object')).toHaveLength(2);
    expect(removed(plan)).toBe(0);
  });

  it('counts a removal that was granted long ago and still stands together with what comes now', () => {
    const granted = { atMs: NOW_MS - 700_000 };
    const keys = ['pool:default/s9', 'object:/Service/default/s9'];
    const plan = planWorld(shrunk(10, 7), { memory: { ...MEMORY, removals: Object.fromEntries(keys.map((key) => [key, granted])) } });
    expect([...reasons(plan)]).toEqual(['REMOVAL_LIMIT']);
    expect(plan.actions.map((action) => action.kind === 'deregister-pool' && action.pool)).toEqual(['default/s9']);
  });

  it('moves the applied revision only when nothing is held', () => {
    expect(planWorld(shrunk(10, 8)).guarded.memory.appliedRevision).toBe('r2');
    expect(planWorld(shrunk(10, 4)).guarded.memory.appliedRevision).toBe('r1');
  });

  it('removes nothing, and settles nothing, by a head that was not compared with the one in force', () => {
    const world = shrunk(10, 9);
    const alone: World = { ...world, specs: complete({ ...specSet(names(9).map(specOf)), judgedAlone: true }) };
    const plan = planWorld(alone);
    expect(removed(plan)).toBe(0);
    expect([...reasons(plan)]).toEqual(['SNAPSHOT_NOT_COMPLETE']);
    expect(plan.guarded.memory.appliedRevision).toBe('r1');
    // Where nothing was in force there is nothing to compare with.
    const none: World = { ...shrunk(10, 10), specs: complete({ ...specSet(names(10).map(specOf)), judgedAlone: true }) };
    expect(planWorld(none, { memory: { ...MEMORY, appliedRevision: '' } }).guarded.memory.appliedRevision).not.toBe('');
  });

  it('moves the applied revision of the same source also while a kind that we had objects of tells nothing', () => {
    const settled = shrunk(10, 10);
    const reason = problem('KUBERNETES_FORBIDDEN', 'may not list');
    const objects = new Map([...settled.cluster.objects, [CONFIG_MAPS, { kind: 'unavailable', reason, sinceMs: 0 } as const]]);
    const world: World = { ...settled, cluster: { ...settled.cluster, objects } };
    expect(planWorld(world, { memory: { ...MEMORY, kinds: [CONFIG_MAPS] } }).guarded.memory.appliedRevision).toBe('r2');
  });

  it.each([
    { code: 'KUBERNETES_UNAVAILABLE', revision: 'r1', source: 'repo main /', reasons: ['SOURCE_CHANGED'] },
    // What the server does not serve, nobody can have objects of.
    { code: 'KUBERNETES_UNKNOWN_KIND', revision: 'r2', source: 'another repo', reasons: [] },
  ] as const)('does not forget another source while a kind that we had objects of tells nothing ($code)', (expected) => {
    const settled = shrunk(10, 10, { source: 'another repo' });
    const withKind = (snapshot: World['cluster']['services']): World => ({
      ...settled,
      cluster: { ...settled.cluster, objects: new Map([...settled.cluster.objects, [CONFIG_MAPS, snapshot]]) },
    });
    const memory: Memory = { ...MEMORY, kinds: [CONFIG_MAPS] };
    const away = withKind({ kind: 'unavailable', reason: problem(expected.code, 'gone'), sinceMs: NOW_MS });
    const during = planWorld(away, { memory });
    expect(during.guarded.memory).toMatchObject({ appliedRevision: expected.revision, source: expected.source });
    expect(during.guarded.memory.kinds).toContain(CONFIG_MAPS);
    const left = owned({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', name: 'left' } }, 'gone.json');
    const back = planWorld(withKind(complete(new Map([[left.key, left]]))), { memory: during.guarded.memory });
    expect([...reasons(back)]).toEqual(expected.reasons);
  });

  it('keeps to a configured limit', () => {
    const policy = {
      ...POLICY,
      guard: {
        ...POLICY.guard,
        maxRemovedPools: { kind: 'share' as const, value: 0.5 },
        maxRemovedObjects: { kind: 'number' as const, value: 4 },
      },
    };
    expect(removed(planWorld(shrunk(10, 6), { policy }))).toBe(4);
    expect(removed(planWorld(shrunk(10, 5), { policy }))).toBe(0);
  });
});

describe('properties', () => {
  it('removes only what is ours and unclaimed, all or nothing, in any world', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 0, max: 14 }),
        fc.option(fc.integer({ min: 0, max: 14 })),
        (count, kept, allow) => {
          const keep = Math.min(kept, count);
          const base = shrunk(count, keep, { commits: allow === null ? [] : [commit('c1', String(allow))] });
          const plan = planWorld(base);
          const wanted = count - keep;
          const limit = Math.min(Math.max(2, Math.floor(count / 10)), count - 1);
          const vanished = keep === 0 && wanted > 0;
          const expected = (wanted <= limit && !vanished) || (allow ?? 0) >= wanted ? wanted : 0;
          expect(removed(plan)).toBe(expected);
          const claimed = new Set(names(keep).map((name) => `default/${name}`));
          for (const action of plan.actions) if (action.kind === 'deregister-pool') expect(claimed.has(action.pool)).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order of anything', () => {
    const shuffled = <T>(list: readonly T[]): fc.Arbitrary<readonly T[]> => fc.shuffledSubarray([...list], { minLength: list.length });
    const base = shrunk(6, 5);
    const nodes = snapshotValue(base.cluster.nodes) ?? [];
    const services = [...(snapshotValue(base.cluster.services) ?? new Map())];
    const expected = planWorld(base);
    fc.assert(
      fc.property(shuffled(nodes), shuffled(services), shuffled(names(5).map(specOf)), (someNodes, someServices, specs) => {
        const mixed: World = {
          ...base,
          specs: complete(specSet(specs)),
          cluster: { ...base.cluster, nodes: complete(someNodes), services: complete(new Map(someServices)) },
        };
        const plan = planWorld(mixed);
        expect(plan.actions).toEqual(expected.actions);
        expect(plan.nodes).toEqual(expected.nodes);
      }),
      { numRuns: 30 },
    );
  });
});
