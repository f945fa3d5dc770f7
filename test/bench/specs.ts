import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha1Hex } from '../../src/core/model/hash.ts';
import { revision, specId } from '../../src/core/model/ids.ts';
import type { SpecFile, SpecFiles } from '../../src/core/model/spec-set.ts';
import { buildSpecSet, newDecodeCache } from '../../src/core/spec/build-spec-set.ts';
import { appManifest } from '../support/app-manifest.ts';
import { round, type Spread, spread } from './statistics.ts';

const FILES = 1_000;
const RUNS = 10;
const OPTIONS = { defaultNamespace: 'default', namespaceFromFolder: false, root: '' };
const ROOT = join(import.meta.dirname, '..', '..');
const BUNDLE = join(ROOT, 'dist', 'poolkeeper.mjs');

/** How long a person and a commit wait for specs: decoding, validating, and the start of the program. Times in milliseconds. */
export async function benchSpecs([files = FILES]: readonly number[] = []): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'poolkeeper-bench-'));
  try {
    await writeSpecs(folder, files);
    run(process.execPath, join(ROOT, 'build.ts'));
    return {
      files,
      decode: measureDecode(files),
      // What Node itself takes to start on this machine, now.
      node: startUp(RUNS, '--eval', '0'),
      version: startUp(RUNS, BUNDLE, '--version'),
      help: startUp(RUNS, BUNDLE, '--help'),
      validateOne: startUp(RUNS, BUNDLE, 'validate', join(folder, 'team-0', 'app-0.yaml')),
      validateAll: startUp(3, BUNDLE, 'validate', folder),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const textOf = (i: number, replicas = 2): string => appManifest(`app-${i}`, { replicas, tags: 'kubernetes,blue' });

async function writeSpecs(folder: string, files: number): Promise<void> {
  for (let i = 0; i < files; i++) {
    const team = join(folder, `team-${i % 20}`);
    await mkdir(team, { recursive: true });
    await writeFile(join(team, `app-${i}.yaml`), textOf(i));
  }
}

/** Decodes every file, each time of a commit that was never seen; and then a commit that differs in one file. */
function measureDecode(files: number): { readonly cold: Spread; readonly firstCold: number; readonly oneFile: Spread } {
  const [cold, oneFile]: [number[], number[]] = [[], []];
  for (let i = 0; i < RUNS; i++) {
    const cache = newDecodeCache();
    const commit = commitOf(files, i);
    cold.push(timed(() => expectSpecs(buildSpecSet(commit, OPTIONS, cache), files)));
    const [first, ...rest] = commit.files;
    const changed = { ...commit, files: [fileOf(first?.id ?? '', textOf(0, i + 20)), ...rest] };
    oneFile.push(timed(() => expectSpecs(buildSpecSet(changed, OPTIONS, cache), files)));
  }
  return { cold: spread(cold), firstCold: round(cold[0] ?? Number.NaN), oneFile: spread(oneFile) };
}

function commitOf(count: number, replicas: number): SpecFiles {
  const files = Array.from({ length: count }, (_, i) => fileOf(`team-${i % 20}/app-${i}.yaml`, textOf(i, replicas)));
  return { revision: revision(`${replicas}`), source: '', files, commits: [], problems: [], movedAfterMs: 0, fetchedAtMs: 0 };
}

const fileOf = (path: string, text: string): SpecFile => ({
  id: specId(path),
  blobId: sha1Hex(text),
  content: { kind: 'bytes', bytes: new TextEncoder().encode(text) },
});

function expectSpecs({ specs }: { readonly specs: ReadonlyMap<unknown, unknown> }, count: number): void {
  if (specs.size !== count) throw new Error(`decoded ${specs.size} of ${count} specs`);
}

/** Of so many runs of a program, one after the other: until it has ended. */
const startUp = (runs: number, ...args: readonly string[]): Spread =>
  spread(Array.from({ length: runs }, () => timed(() => run(process.execPath, ...args))));

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}
