import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { type OtlpServer, type ReceivedSpan, spanTree, startOtlpServer } from '../support/otlp-server.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';

const run = promisify(execFile);
const TOKEN = 'c0llector-t0ken';

let collector: OtlpServer;
let directory: TempDirectory;
let site: SandboxSite | undefined;
beforeEach(async () => {
  collector = await startOtlpServer();
  directory = await makeTempDirectory('daemon-traces');
});
afterEach(async () => {
  await site?.stop();
  site = undefined;
  await collector.stop();
  await directory.remove();
});

interface Line {
  readonly event: string;
  readonly msg: string;
  readonly trace_id?: string;
  readonly span_id?: string;
}

/** A daemon in memory that sends its traces to the collector. */
async function start(env: Readonly<Record<string, string>> = {}): Promise<{ readonly site: SandboxSite; readonly lines: readonly Line[] }> {
  const headers = join(directory.path, 'headers');
  await writeFile(headers, `Authorization: Bearer ${TOKEN}\nX-Tenant: ops\n`);
  const lines: Line[] = [];
  const tracing = { POOLKEEPER_TRACING_ENDPOINT: collector.url, POOLKEEPER_TRACING_HEADERS_FILE: headers };
  site = await startSandboxSite({ env: { ...tracing, ...env }, onLine: (line) => lines.push(JSON.parse(line) as Line) });
  return { site, lines };
}

const rootOf = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] => spans.filter(({ parentSpanId }) => parentSpanId === undefined);

describe('a daemon with an endpoint for traces', () => {
  it('sends one for a commit, whose ids stand in the lines of that run', async () => {
    const { site: at, lines } = await start();
    await at.commit({ 'one.yaml': appManifest('one') });
    const traceOf = (spans: readonly ReceivedSpan[]): ReceivedSpan | undefined =>
      spans.find(({ name, attributes }) => name === 'apply-object' && attributes['poolkeeper.on'] === 'Service default/one');
    await expect.poll(() => traceOf(collector.spans)).toBeDefined();
    const applied = traceOf(collector.spans);
    const spans = collector.spans.filter(({ traceId }) => traceId === applied?.traceId);
    const [root] = rootOf(spans);
    expect(spanTree(spans)).toEqual(expect.arrayContaining(['run', '  read', '  decode', '    plan', '      apply-object', '  report']));
    expect(root?.attributes).toMatchObject({ 'poolkeeper.revision': expect.stringMatching(/^[0-9a-f]{40}$/), 'poolkeeper.leader': true });
    for (const span of spans) {
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
      expect(span.startMs).toBeGreaterThanOrEqual(root?.startMs ?? Number.POSITIVE_INFINITY);
      expect(span.endMs).toBeLessThanOrEqual(root?.endMs ?? 0);
    }
    expect(collector.resource()).toMatchObject({
      'service.name': 'poolkeeper',
      'poolkeeper.cluster': 'site',
      'poolkeeper.owner': 'poolkeeper',
    });
    const ofRun = lines.filter(({ trace_id }) => trace_id === root?.traceId);
    expect(ofRun.map(({ event }) => event)).toEqual(expect.arrayContaining(['action', 'run']));
    expect(new Set(ofRun.map(({ span_id }) => span_id))).toEqual(new Set([root?.spanId]));
    // The token goes along, and is nowhere else.
    expect(collector.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'x-tenant': 'ops' });
    expect(JSON.stringify([lines, collector.requests.map(({ body }) => body)])).not.toContain(TOKEN);
    const scrape = await (await fetch(`${at.daemon.url}/metrics`)).text();
    expect(scrape).toMatch(/poolkeeper_trace_spans_total\{result="sent"\} \d+/);
  });

  it('makes none of runs in which nothing happened', async () => {
    const { site: at } = await start();
    await at.daemon.resync();
    await at.daemon.resync();
    await at.stop();
    site = undefined;
    const runs = rootOf(collector.spans);
    expect(at.reports.length).toBeGreaterThan(runs.length);
    const spans = collector.spans.filter(({ name }) => name === 'apply-object' || name === 'register-pool' || name === 'read');
    for (const { traceId } of runs.slice(1)) expect(spans.map((span) => span.traceId)).toContain(traceId);
  });

  it('is not delayed by one that does not answer, neither in its runs nor at its stop', async () => {
    collector.answer('never');
    const { site: at } = await start();
    await at.commit({ 'one.yaml': appManifest('one') });
    await expect.poll(() => collector.requests.length).toBeGreaterThan(0);
    await at.commit({ 'two.yaml': appManifest('two') });
    expect(at.reports.at(-1)?.specs.map(({ id }) => id)).toEqual(expect.arrayContaining(['one.yaml', 'two.yaml']));
    expect(collector.spans).toEqual([]);
    const began = performance.now();
    await at.daemon.stop();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('tells once that traces are lost, and when they arrive again', async () => {
    collector.answer(403);
    const { site: at, lines } = await start();
    const told = (): readonly string[] => lines.filter(({ event }) => event === 'tracing').map(({ msg }) => msg);
    await at.commit({ 'one.yaml': appManifest('one') });
    await expect.poll(told).toContain(`traces cannot be sent to ${collector.url}: HTTP 403 Forbidden; nothing else is affected`);
    const refused = collector.requests.length;
    await at.commit({ 'two.yaml': appManifest('two') });
    await expect.poll(() => collector.requests.length).toBeGreaterThan(refused);
    expect(told().filter((text) => text.includes('cannot'))).toHaveLength(1);
    collector.answer(200);
    await at.commit({ 'three.yaml': appManifest('three') });
    await expect.poll(() => told().at(-1)).toMatch(/are sent to .* again; \d+ spans were lost$/);
  });
});

describe('the OpenTelemetry SDK', () => {
  const main = join(import.meta.dirname, '..', '..', 'src');
  /** Loads the daemon, opens its tracer, and tells which packages of OpenTelemetry are in memory. */
  const script = `
    import { createRequire } from 'node:module';
    await import(${JSON.stringify(join(main, 'daemon.ts'))});
    const { openLog, openTracer } = await import(${JSON.stringify(join(main, 'log-and-traces.ts'))});
    const { loadConfig } = await import(${JSON.stringify(join(main, 'config', 'load-config.ts'))});
    const env = { POOLKEEPER_CLUSTER: 'main', POOLKEEPER_GIT_URL: '/specs', ...process.env };
    const { config } = loadConfig({ env, flags: {}, readFile: () => '' });
    const io = { env, stdout: { write: () => true }, count: () => undefined };
    const tracer = await openTracer(config, await openLog(config, io), io);
    await tracer?.stop(AbortSignal.timeout(1000));
    const loaded = Object.keys(createRequire(import.meta.url).cache).flatMap((path) => /@opentelemetry\\/([\\w-]+)/.exec(path)?.[1] ?? []);
    process.stdout.write(JSON.stringify([...new Set(loaded)]));
  `;
  const loadedWith = async (env: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
      env: { PATH: process.env['PATH'], ...env },
    });
    return JSON.parse(stdout) as string[];
  };

  it('is not loaded without an endpoint; the API alone is, by prom-client', async () => {
    expect(await loadedWith({})).toEqual(['api']);
  });

  it('is loaded with one', async () => {
    const endpoints = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    expect(await loadedWith(endpoints)).toEqual(expect.arrayContaining(['sdk-trace-base', 'exporter-trace-otlp-http', 'resources']));
  });
});
