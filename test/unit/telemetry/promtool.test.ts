import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { problem } from '../../../src/shared/problem.ts';
import { createMetrics } from '../../../src/telemetry/create-metrics.ts';
import { METRIC_PREFIX, METRICS } from '../../../src/telemetry/metric-table.ts';
import { findProgram } from '../../support/deploy-files.ts';
import { fullReport } from '../../support/full-report.ts';
import { fullScrape } from '../../support/full-scrape.ts';

const promtool = await findProgram('promtool', 'prometheus');

/** What `promtool check metrics` says of a scrape: nothing when all is well. */
const check = (scrape: string): Promise<string> =>
  new Promise((resolve) => {
    const child = execFile(promtool ?? '', ['check', 'metrics'], (_error, stdout, stderr) => resolve(stdout + stderr));
    child.stdin?.end(scrape);
  });

describe('a full scrape', () => {
  it('holds a series of every metric of the table, with its labels', async () => {
    const text = await fullScrape();
    for (const [name, { labels }] of Object.entries(METRICS)) {
      const [, told = ''] = new RegExp(`^${METRIC_PREFIX}${name}(?:_sum)?(?:\\{(.*)\\})? `, 'm').exec(text) ?? [];
      const given = [...told.matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect([name, [...given].sort()]).toEqual([name, [...labels].sort()]);
    }
  });

  it.skipIf(promtool === undefined)('is to the taste of promtool, which is not easily pleased (needs promtool)', async () => {
    const text = await fullScrape();
    expect(await check(text)).toBe('');
    expect(await check(text.replaceAll('process_cpu_seconds_total', 'process_cpu'))).toContain('process_cpu');
  });

  it('tells nothing that only a person could have written', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.observe(fullReport({ problems: [problem('INTERNAL', 'a text of an error')] }));
    expect(await metrics.text()).not.toContain('a text of an error');
  });
});
