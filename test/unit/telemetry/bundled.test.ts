import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { createOtlpTracer } from '../../../src/telemetry/otlp-tracer.ts';
import type { prettyLines } from '../../../src/telemetry/pretty-lines.ts';
import { type OtlpServer, startOtlpServer } from '../../support/otlp-server.ts';
import { makeTempDirectory, type TempDirectory } from '../../support/processes.ts';

const SOURCES = join(import.meta.dirname, '..', '..', '..', 'src', 'telemetry');
// As in build.ts: CommonJS packages inside an ES module still ask for `require`.
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

let directory: TempDirectory;
let collector: OtlpServer;
beforeAll(async () => {
  directory = await makeTempDirectory('bundled');
  collector = await startOtlpServer();
  await build({
    entryPoints: [join(SOURCES, 'pretty-lines.ts'), join(SOURCES, 'otlp-tracer.ts')],
    outdir: directory.path,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    banner: { js: BANNER },
  });
}, 60_000);
afterAll(async () => {
  await collector.stop();
  await directory.remove();
});

const load = (name: string): Promise<unknown> => import(pathToFileURL(join(directory.path, name)).href);

/** Packages that are loaded when they are needed have other shapes inside the bundle than beside the sources. */
describe('the bundle', () => {
  it('writes lines for people', async () => {
    const { prettyLines: bundled } = (await load('pretty-lines.mjs')) as { readonly prettyLines: typeof prettyLines };
    const written: string[] = [];
    const destination = await bundled({ write: (text) => written.push(text) });
    destination.write('{"level":"info","time":"2026-01-02T03:04:05.678Z","msg":"run"}\n');
    expect(written).toEqual([expect.stringMatching(/^\[.*\] INFO: run\n$/)]);
  });

  it('sends traces', async () => {
    const { createOtlpTracer: bundled } = (await load('otlp-tracer.mjs')) as { readonly createOtlpTracer: typeof createOtlpTracer };
    const target = { url: `${collector.url}/v1/traces`, headers: {}, ca: undefined };
    const tracer = bundled({ target, resource: {}, redact: (text) => text, onSent: () => undefined });
    tracer.begin('run', 1_780_000_000_000).end({ name: 'run', startMs: 1_780_000_000_000, endMs: 1_780_000_000_001, facts: {}, steps: [] });
    await tracer.stop(AbortSignal.timeout(5_000));
    expect(collector.spans).toMatchObject([{ name: 'run' }]);
  });
});
