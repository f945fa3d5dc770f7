import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Approval, Memory } from '../../../../src/core/model/memory.ts';
import type { CommitFacts } from '../../../../src/core/model/spec-set.ts';
import type { World } from '../../../../src/core/model/world.ts';
import type { Held } from '../../../../src/core/plan/approvals.ts';
import { APPROVAL_MS } from '../../../../src/core/plan/approvals.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { commit, complete, endpoints, MEMORY, NOW_MS, service, spec, specSet, world } from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const NAMES = Array.from({ length: 10 }, (_, i) => `s${i}`);
const specOf = (name: string): ReturnType<typeof spec> => spec(`${name}.json`, service(name));
const settled: World = settle(
  world({ specs: complete(specSet(NAMES.map(specOf))), endpoints: NAMES.map((name) => endpoints(`default/${name}`)) }),
  {},
  8,
).world;

interface Head {
  readonly revision?: string;
  readonly source?: string;
  readonly commits?: readonly CommitFacts[];
}

/** The settled world with these specs alone. */
const withSpecs = (names: readonly string[], head: Head = {}, base = settled): World => ({
  ...base,
  specs: complete({ ...specSet(names.map(specOf), head), ...(head.revision === undefined ? {} : { revision: head.revision as never }) }),
});

const keep = (count: number): readonly string[] => NAMES.slice(0, count);
const gone = (plan: ModelPlan): readonly string[] =>
  plan.actions.flatMap((action) => (action.kind === 'deregister-pool' ? [action.pool.slice('default/'.length)] : [])).sort();
const left = (plan: ModelPlan): readonly string[] => [...new Set(plan.guarded.holds.map(({ spec: id }) => id.slice(0, -5)))].sort();

function heldIn(base: World, memory = MEMORY): Held {
  const { held } = planWorld(base, { memory }).guarded;
  if (held === undefined) throw new Error('nothing is held');
  return held;
}

const byName = (held: Held, untilMs = NOW_MS + APPROVAL_MS): Approval => ({ kind: 'hold', ...held, atMs: NOW_MS, untilMs });
const budget = (removals: number, untilMs = NOW_MS + APPROVAL_MS): Approval => ({
  kind: 'budget',
  id: 'n-1',
  removals,
  left: removals,
  atMs: NOW_MS,
  untilMs,
});
const having = (...approvals: readonly Approval[]): Memory => ({ ...MEMORY, approvals });

describe('what is held', () => {
  it('has one name for each head and set', () => {
    const held = heldIn(withSpecs(keep(4)));
    expect(held).toMatchObject({ id: expect.stringMatching(/^h-[0-9a-f]{12}$/), removals: 6, revision: 'r2' });
    expect(held.keys.filter((key) => key.startsWith('pool:'))).toEqual(
      ['s4', 's5', 's6', 's7', 's8', 's9'].map((name) => `pool:default/${name}`),
    );
    expect(heldIn(withSpecs(keep(4))).id).toBe(held.id);
    expect(heldIn(withSpecs(keep(5))).id).not.toBe(held.id);
    expect(heldIn(withSpecs(keep(4), { revision: 'r3' })).id).not.toBe(held.id);
    expect(heldIn(withSpecs(keep(4), { source: 'another repo' })).id).not.toBe(held.id);
  });

  it('is nothing where all may go, or where it waits for another reason', () => {
    expect(planWorld(withSpecs(keep(8))).guarded.held).toBeUndefined();
    const known = specSet(keep(4).map(specOf));
    const stale: World = {
      ...settled,
      specs: { kind: 'stale', value: known, readAtMs: 0, index: '', reason: problem('GIT_UNREACHABLE', 'gone'), sinceMs: 0 },
    };
    const plan = planWorld(stale);
    expect([gone(plan), plan.guarded.held]).toEqual([[], undefined]);
  });
});

describe('an approval of what is held', () => {
  const base = withSpecs(keep(4));

  it('lets it go, whatever the guard held it for, and is used up', () => {
    const heads = [{}, { source: 'another repo' }];
    for (const head of heads) {
      const specs = withSpecs(keep(4), head);
      const held = heldIn(specs);
      const plan = planWorld(specs, { memory: having(byName(held)) });
      expect([gone(plan), left(plan), plan.guarded.held]).toEqual([NAMES.slice(4), [], undefined]);
      expect(plan.guarded.memory.removals['pool:default/s9']).toEqual({ atMs: NOW_MS, approvedBy: held.id });
      expect(plan.guarded.memory.approvals).toBeUndefined();
    }
    const none = withSpecs([]);
    expect(gone(planWorld(none, { memory: having(byName(heldIn(none))) }))).toEqual(NAMES);
  });

  it('lets the objects go once the pools have drained', () => {
    const first = planWorld(base, { memory: having(byName(heldIn(base))) });
    const drained = { ...applyToWorld(base, first.actions), specs: base.specs };
    const then = planWorld(drained, { memory: first.guarded.memory, nowMs: NOW_MS + 30_001 });
    expect(then.actions.filter(({ kind }) => kind === 'delete-object')).toHaveLength(6);
  });

  it('says nothing of what has come since, or at another head', () => {
    const approved = having(byName(heldIn(base)));
    const more = planWorld(withSpecs(keep(2)), { memory: approved });
    expect([gone(more), left(more)]).toEqual([NAMES.slice(4), ['s2', 's3']]);
    expect(more.guarded.held?.keys).toEqual(expect.not.arrayContaining(['pool:default/s4']));
    const later = planWorld(withSpecs(keep(4), { revision: 'r3' }), { memory: approved });
    expect([gone(later), left(later)]).toEqual([[], NAMES.slice(4)]);
    const elsewhere = planWorld(withSpecs(keep(4), { source: 'another repo' }), { memory: approved });
    expect(gone(elsewhere)).toEqual([]);
  });

  it('counts once: what comes back and leaves again is held again', () => {
    const first = planWorld(base, { memory: having(byName(heldIn(base))) });
    const back = planWorld(withSpecs(NAMES, {}, { ...applyToWorld(base, first.actions) }), { memory: first.guarded.memory });
    const again = planWorld(base, { memory: { ...back.guarded.memory, appliedRevision: 'r1' }, nowMs: NOW_MS + 1 });
    expect(gone(again)).toEqual([]);
  });

  it('is over after its time, and does not stay in the memory', () => {
    const late = planWorld(base, { memory: having(byName(heldIn(base))), nowMs: NOW_MS + APPROVAL_MS });
    expect([gone(late), late.guarded.memory.approvals]).toEqual([[], undefined]);
  });

  it('does not let go what something else than the limit keeps', () => {
    const brokenBase: World = {
      ...base,
      specs: complete({ ...specSet(keep(4).map(specOf)), broken: new Map([['s9.json' as never, []]]) }),
    };
    const memory = having(byName(heldIn(base)));
    const plan = planWorld(brokenBase, { memory });
    expect([gone(plan), plan.guarded.memory.approvals]).toEqual([[], memory.approvals]);
  });
});

describe('an approved number of removals', () => {
  it.each([
    { number: 6, out: 6, rest: undefined },
    { number: 8, out: 6, rest: undefined },
    { number: 5, out: 0, rest: 5 },
  ])('of $number lets $out of 6 go', ({ number, out, rest }) => {
    const plan = planWorld(withSpecs(keep(4)), { memory: having(budget(number)) });
    expect(gone(plan)).toHaveLength(out);
    // With nothing held any more, all is applied, and no permission stays behind.
    expect(plan.guarded.memory.approvals?.map((one) => one.kind === 'budget' && one.left)).toEqual(rest === undefined ? undefined : [rest]);
  });

  it('adds to what commits allow, which is used first', () => {
    const plan = planWorld(withSpecs(keep(4), { commits: [commit('c9', '4')] }), { memory: having(budget(2)) });
    expect([gone(plan).length, plan.guarded.memory.spent]).toEqual([6, { c9: 4 }]);
    expect(Object.values(plan.guarded.memory.removals)[0]?.approvedBy).toBe('c9, n-1');
    const alone = planWorld(withSpecs(keep(4), { commits: [commit('c9', '6')] }), { memory: having(budget(2)) });
    expect(Object.values(alone.guarded.memory.removals)[0]?.approvedBy).toBe('c9');
  });

  it('counts also where nobody remembers what was applied, which no trailer does', () => {
    const memory: Memory = { ...having(budget(6)), appliedRevision: '' };
    expect(gone(planWorld(withSpecs(keep(4)), { memory }))).toHaveLength(6);
  });

  it('is spent by what goes, and only by that', () => {
    const approved = having(budget(7));
    const broken = new Map([['x.json' as never, []]]);
    const base: World = { ...withSpecs(keep(4)), specs: complete({ ...specSet(keep(4).map(specOf)), broken }) };
    // Held for a file that is broken: the budget waits.
    expect(planWorld(base, { memory: approved }).guarded.memory.approvals).toEqual(approved.approvals);
    expect(gone(planWorld(withSpecs(keep(4)), { memory: having(budget(7, NOW_MS)) }))).toEqual([]);
  });
});

describe('properties', () => {
  const names = fc.subarray([...NAMES]);

  it('an approval of what is held never lets anything else go that the guard would have held', () => {
    fc.assert(
      fc.property(names, names, fc.boolean(), (seen, now, sameHead) => {
        const looked = withSpecs(seen);
        const { held } = planWorld(looked).guarded;
        fc.pre(held !== undefined);
        const base = withSpecs(now, sameHead ? {} : { revision: 'r3' });
        const without = planWorld(base);
        const plan = planWorld(base, { memory: having(byName(held)) });
        const allowed = new Set<string>([...gone(without), ...(sameHead ? NAMES.filter((name) => !seen.includes(name)) : [])]);
        for (const name of gone(plan)) expect(allowed).toContain(name);
        for (const name of gone(plan)) expect(now).not.toContain(name);
      }),
      { numRuns: 60 },
    );
  });

  it('a number never lets more go than it says, over any changes while it counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(names, { minLength: 1, maxLength: 4 }), (number, heads) => {
        let base = settled;
        let memory = having(budget(number));
        const out = new Set<string>();
        let byBudget = 0;
        for (const [i, head] of heads.entries()) {
          const plan = planWorld(withSpecs(head, { revision: `r${i + 2}` }, base), { memory, nowMs: NOW_MS + i });
          const before = new Set(Object.keys(memory.removals));
          for (const [key, { approvedBy }] of Object.entries(plan.guarded.memory.removals))
            if (key.startsWith('pool:') && !before.has(key) && approvedBy === 'n-1') byBudget++;
          for (const name of gone(plan)) out.add(name);
          base = applyToWorld(base, plan.actions);
          memory = plan.guarded.memory;
        }
        expect(byBudget).toBeLessThanOrEqual(number);
      }),
      { numRuns: 60 },
    );
  });
});
