import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/telemetry/create-metrics.ts';
import { METRIC_PREFIX, METRICS } from '../../../src/telemetry/metric-table.ts';
import { internalsDashboard } from '../../support/dashboards/internals.ts';
import { fullScrape } from '../../support/full-scrape.ts';
import { breachesOf, inventoryOf, type ReleasedMetric } from '../../support/scrape-inventory.ts';
import released from './released-metrics.json' with { type: 'json' };

/** Dashboards and alerts of others are built on these. A new metric is added to the list; what is in it never changes. */
const list: Readonly<Record<string, ReleasedMetric>> = released;

describe('the metrics that are released', () => {
  it('are there with the same names, types, labels and buckets', async () => {
    expect(breachesOf(list, inventoryOf(await fullScrape(createMetrics())))).toEqual([]);
  });

  it('are all that the daemon has, so that each is kept from now on', () => {
    const own = Object.keys(list).filter((name) => name.startsWith(METRIC_PREFIX));
    expect(own.sort()).toEqual(
      Object.keys(METRICS)
        .map((name) => METRIC_PREFIX + name)
        .sort(),
    );
    const shown = [...JSON.stringify(internalsDashboard()).matchAll(/\b(?:process|nodejs)_\w+/g)].map(([name]) => name);
    expect(shown.length).toBeGreaterThan(2);
    for (const name of shown) expect(list).toHaveProperty(name);
  });

  it('would be missed', async () => {
    const scrape = await fullScrape(createMetrics({ processMetrics: false }));
    const changed = (from: string | RegExp, to: string): readonly string[] =>
      breachesOf(
        Object.fromEntries(Object.entries(list).filter(([name]) => name.startsWith(METRIC_PREFIX))),
        inventoryOf(scrape.replaceAll(from, to)),
      );
    expect(changed('', '')).toEqual([]);
    expect(changed('poolkeeper_holds', 'poolkeeper_held')).toEqual(['poolkeeper_holds is gone']);
    expect(changed('_writes_total counter', '_writes_total gauge')).toEqual(['poolkeeper_writes_total was a counter and is a gauge']);
    expect(changed('kind="', 'what="')).toEqual(['poolkeeper_conflicts had the labels kind and has what']);
    expect(changed(/^.*le="30".*\n/gm, '')).toEqual([
      'poolkeeper_run_duration_seconds has no bucket 30',
      'poolkeeper_sync_latency_seconds has no bucket 30',
    ]);
  });
});
