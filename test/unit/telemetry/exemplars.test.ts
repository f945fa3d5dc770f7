import { describe, expect, it } from 'vitest';
import { revision } from '../../../src/core/model/ids.ts';
import { createMetrics } from '../../../src/telemetry/create-metrics.ts';
import { appManifest } from '../../support/app-manifest.ts';
import { findProgram } from '../../support/deploy-files.ts';
import { fullReport } from '../../support/full-report.ts';
import { startOtlpServer } from '../../support/otlp-server.ts';
import { startPrometheus } from '../../support/prometheus-server.ts';
import { startSandboxSite } from '../../support/sandbox-site.ts';

const SHA1 = '4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d';
const SHA256 = SHA1.padEnd(64, '0');
const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const slow = (commit: string) => fullReport({ latencies: [{ revision: revision(commit), stage: 'total', seconds: 3, start: 'webhook' }] });
const exemplarsIn = (text: string): readonly string[] => text.split('\n').filter((line) => line.includes(' # {'));

describe('exemplars of latencies', () => {
  it('are off unless asked for, and the scrape is that of Prometheus', async () => {
    const metrics = createMetrics();
    metrics.observe(slow(SHA1), trace);
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await metrics.text();
    expect(exemplarsIn(text)).toEqual([]);
    expect(text).not.toContain('# EOF');
    expect(text).not.toContain(SHA1);
  });

  it.each([SHA1, SHA256])('name commit and trace in the bucket that counted %s, and nowhere else', async (commit) => {
    const metrics = createMetrics({ exemplars: true });
    metrics.observe(slow(commit), trace);
    expect(metrics.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const text = await metrics.text();
    const [line, ...others] = exemplarsIn(text);
    expect(others).toEqual([]);
    const series = String.raw`poolkeeper_sync_latency_seconds_bucket\{le="5",stage="total",start="webhook"\} 1`;
    expect(line).toMatch(new RegExp(String.raw`^${series} # \{revision="${commit}",trace_id="${trace.traceId}"\} 3 \d+(\.\d+)?$`));
    expect(text.endsWith('\n# EOF\n')).toBe(true);
  });

  it('name the commit alone where nothing is traced', async () => {
    const metrics = createMetrics({ exemplars: true });
    metrics.observe(slow(SHA1));
    expect(exemplarsIn(await metrics.text())[0]).toContain(`# {revision="${SHA1}"} 3 `);
  });

  it('leave the names of all series as they are, scrape after scrape', async () => {
    const namesOf = (text: string): readonly string[] =>
      [...new Set([...text.matchAll(/^(poolkeeper_\w+)/gm)].map(([, name = '']) => name))].sort();
    const [plain, open] = [createMetrics(), createMetrics({ exemplars: true })];
    for (const metrics of [plain, open]) metrics.observe(slow(SHA1), trace);
    const names = namesOf(await plain.text());
    expect(names).toContain('poolkeeper_writes_total');
    for (let i = 0; i < 2; i++) expect(namesOf(await open.text())).toEqual(names);
  });
});

const prometheusPath = await findProgram('prometheus', 'prometheus');

describe.skipIf(prometheusPath === undefined)('a daemon with exemplars, as Prometheus reads it (needs prometheus)', () => {
  it('leads from a latency to the commit and the trace', { timeout: 60_000 }, async () => {
    const fromMs = Date.now();
    await using stack = new AsyncDisposableStack();
    const collector = await startOtlpServer();
    stack.defer(() => collector.stop());
    const env = { POOLKEEPER_METRICS_EXEMPLARS: 'true', POOLKEEPER_TRACING_ENDPOINT: collector.url };
    const site = await startSandboxSite({ env });
    stack.defer(() => site.stop());
    const prometheus = await startPrometheus(prometheusPath ?? '', site.daemon.url);
    stack.defer(() => prometheus.stop());
    await site.commit({ 'one.yaml': appManifest('one') });
    const timed = () => prometheus.query('sum(poolkeeper_sync_latency_seconds_count{stage="total"})');
    await expect.poll(timed, { timeout: 30_000 }).toEqual([{ labels: {}, value: 1 }]);
    const exemplars = () => prometheus.exemplars('poolkeeper_sync_latency_seconds_bucket{stage="total"}', fromMs);
    const revisions = async () => (await exemplars()).map(({ labels }) => labels['revision']);
    await expect.poll(revisions, { timeout: 10_000 }).toContain(await site.head());
    const traces = (await exemplars()).map(({ labels }) => labels['trace_id']);
    const sent = (): readonly (string | undefined)[] => collector.spans.map(({ traceId }) => traceId);
    await expect.poll(sent, { timeout: 10_000 }).toEqual(expect.arrayContaining(traces));
    // Prometheus takes the whole scrape, not only what has exemplars.
    const [up] = await prometheus.query('up');
    expect(up?.value).toBe(1);
  });
});
