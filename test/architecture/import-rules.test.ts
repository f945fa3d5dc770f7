import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const PLANTED = join(root, 'src', 'core', 'pool', 'planted-for-a-test.ts');

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly rule: { readonly name: string }; readonly from: string }[];
  };
}

function cruise(): Cruise {
  const bin = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const run = spawnSync(process.execPath, [bin, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.stdout === '') throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Cruise;
}

async function sources(): Promise<readonly string[]> {
  const files = await readdir(join(root, 'src'), { recursive: true });
  return files.filter((file) => file.endsWith('.ts'));
}

describe('import rules', () => {
  afterEach(() => rm(PLANTED, { force: true }));

  it('hold in every source file, and every source file is looked at', async () => {
    const { summary } = cruise();
    expect(summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`)).toEqual([]);
    // With the wrong TypeScript installed the tool cruises nothing and reports success.
    expect(summary.totalCruised).toBeGreaterThanOrEqual((await sources()).length);
  });

  it('notice an import that they forbid', async () => {
    await mkdir(join(root, 'src', 'core', 'pool'), { recursive: true });
    await writeFile(PLANTED, "import { readFileSync } from 'node:fs';\nexport const text = readFileSync('x', 'utf8');\n");
    expect(cruise().summary.violations.map(({ rule }) => rule.name)).toContain('core-pool-tags');
  });
});
