import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuleConflicts } from '../../../../src/core/routes/find-rule-conflicts.ts';
import type { PredictedObject } from '../../../../src/core/routes/predicted-routes.ts';
import type { FoundConflict } from '../../../../src/core/routes/route-conflict.ts';
import { conflictOf, listenerOf } from '../../../../src/core/routes/rule-conflict.ts';

/** Rules that meet in many ways: by hosts in several spellings, expressions for hosts, or neither. */
const LEAVES = [
  'Host(`a.example`)',
  'Host(`A.example.`)',
  'Host(`b.example`)',
  'Host(`any.invalid`)',
  'HostRegexp(`^[ab]\\.example$`)',
  'HostRegexp(`^(?:a|c)\\.example\\.$`)',
  'HostRegexp(`^c\\.example$`)',
  'HostRegexp(`invalid`)',
  'HostRegexp(`.*`)',
  'HostRegexp(`^$`)',
  'PathPrefix(`/`)',
  'PathPrefix(`/x`)',
  'Path(`/x/y`)',
  'Method(`GET`)',
  'Header(`X-A`, `1`)',
];
const { rule } = fc.letrec<{ rule: string }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: fc.constantFrom(...LEAVES), weight: 3 },
    { arbitrary: fc.tuple(tie('rule'), fc.constantFrom('&&', '||'), tie('rule')).map(([a, sign, b]) => `(${a} ${sign} ${b})`), weight: 2 },
    { arbitrary: tie('rule').map((inner) => `!${inner}`), weight: 1 },
  ),
}));
const described = fc.record({
  text: rule,
  priority: fc.constantFrom(1, 2),
  using: fc.subarray(['web', 'websecure'], { minLength: 1 }),
  tls: fc.boolean(),
});

const routers = fc.array(described, { maxLength: 12 }).map((all) =>
  all.map(
    ({ text, priority, using, tls }, i): PredictedObject => ({
      name: `r${i}@consulcatalog`,
      config: { rule: text, priority, ...(tls ? { tls: {} } : {}) },
      status: 'enabled',
      errors: [],
      declaredBy: [`s${i}`],
      usedBy: [],
      using,
    }),
  ),
);

/** Each with every other. */
function naive(all: readonly PredictedObject[]): readonly FoundConflict[] {
  const sorted = [...all].sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((router) => listenerOf(router) ?? []);
  return sorted.flatMap((one, i) => sorted.slice(i + 1).flatMap((other) => conflictOf(one, other) ?? []));
}

describe('RuleConflicts', () => {
  it('finds what a comparison of each with every other finds, also while routers come and go', () => {
    let found = 0;
    fc.assert(
      fc.property(routers, fc.array(fc.func(fc.boolean()), { maxLength: 4 }), (all, steps) => {
        const conflicts = new RuleConflicts();
        for (const step of [() => true, ...steps]) {
          const now = all.filter((router) => step(router.name));
          const expected = naive(now);
          expect(conflicts.update(now)).toEqual(expected);
          found += expected.length;
        }
      }),
      { numRuns: 600 },
    );
    expect(found).toBeGreaterThan(100);
  });
});
