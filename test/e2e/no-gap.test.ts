import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { GAP_CHANGES, makeChanges } from '../support/gap-changes.ts';
import { type GapRig, prepareGapRig } from '../support/gap-rig.ts';

const NAME = 'no-gap';
/** The last one is cut to what one transaction holds. */
const SIZES = [3, 50, 120, 300];

describe('changes under load, on real servers', () => {
  let rig: GapRig;

  beforeAll(async () => {
    rig = await prepareGapRig({ stack: inject('stack'), name: NAME, sizes: SIZES, perSecond: 200, firstNodePort: 30_200 });
  });

  afterAll(async () => {
    await rig?.remove();
  });

  it('loses no request to a change of rule, middleware, port, weight or nodes', async () => {
    await makeChanges(rig, { count: GAP_CHANGES.length });
    const results = await rig.finish();
    expect(results.map(({ mode, nodes }) => `${nodes} ${mode}`)).toEqual(SIZES.flatMap((nodes) => [`${nodes} poll`, `${nodes} watch`]));
    for (const { mode, nodes, failures, strange, backwards, share, ...result } of results) {
      expect({ mode, nodes, failures, strange, backwards }).toEqual({ mode, nodes, failures: {}, strange: [], backwards: 0 });
      expect(share).toBeGreaterThanOrEqual(0.5);
      expect(result.requests).toBeGreaterThan(500);
      expect(result.nodesHit).toBeGreaterThanOrEqual(Math.min(nodes, 100));
    }
    const cut = results.filter(({ nodes }) => nodes === 300);
    expect(cut.every(({ backends }) => backends > 100 && backends <= 128)).toBe(true);
    expect(await rig.complaints()).toEqual([]);
    expect(rig.listeners.problems).toEqual([]);
  });
});
