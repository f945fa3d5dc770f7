import { describe, expect, it } from 'vitest';
import { addEarlier } from '../../../../src/core/report/add-earlier.ts';
import type { ActionReport } from '../../../../src/core/report/run-report.ts';
import { runReport, specReport } from '../../../support/run-report.ts';

const action = (on: string, result: ActionReport['result'] = 'done'): ActionReport => ({
  leg: 'kubernetes',
  op: 'apply-object',
  on,
  changes: [],
  result,
});
const done = (count: number) => ({ leg: 'kubernetes' as const, result: 'done' as const, count });

describe('addEarlier', () => {
  it('gives a single report as it is', () => {
    const report = runReport();
    expect(addEarlier(report, [])).toBe(report);
  });

  it('tells what earlier runs did before what the last one did, and not what they only planned or failed to do', () => {
    const first = runReport({
      specs: [specReport('a.json', { actions: [action('one'), action('two', 'failed'), action('three', 'planned')] })],
      actions: [action('node')],
      writes: [done(2), { leg: 'kubernetes', result: 'failed', count: 1 }],
    });
    const last = runReport({ specs: [specReport('a.json', { actions: [action('two')] })], writes: [done(1)] });
    const told = addEarlier(last, [first]);
    expect(told.specs[0]?.actions.map(({ on }) => on)).toEqual(['one', 'two']);
    expect(told.actions?.map(({ on }) => on)).toEqual(['node']);
    expect(told.writes).toEqual([done(3), { leg: 'kubernetes', result: 'failed', count: 1 }]);
  });

  it('tells what was done of a spec that is gone', () => {
    const first = runReport({ specs: [specReport('gone.json', { actions: [action('pool')] })], writes: [done(1)] });
    expect(addEarlier(runReport(), [first]).actions?.map(({ on }) => on)).toEqual(['pool']);
  });
});
