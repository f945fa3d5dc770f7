import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../../../src/cli/young-generation.ts', import.meta.url).href;
const MIB = 1024 * 1024;

/** Keeps much of what it makes for a while, and tells how large the young generation was at most, in MiB. */
const program = (bound: string): string => `
  import { setTimeout as sleep } from 'node:timers/promises';
  const { boundYoungGeneration, youngGenerationBytes } = await import('${MODULE}');
  ${bound};
  const kept = [];
  let most = 0;
  for (let i = 0; i < 300; i++) {
    kept.push(Array.from({ length: 5_000 }, (_, j) => ({ i, j })));
    if (kept.length > 40) kept.shift();
    await sleep(1);
    most = Math.max(most, youngGenerationBytes());
  }
  process.stdout.write(String(most / ${MIB}));
`;

async function mostMiB(bound: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program(bound)]);
  return Number(stdout);
}

describe("V8's young generation", () => {
  it('grows to what it is bound to, and not as far as V8 would have it', async () => {
    const [free, bound] = await Promise.all([mostMiB(''), mostMiB(`boundYoungGeneration(${8 * MIB})`)]);
    expect(free).toBeGreaterThan(20);
    expect(bound).toBeGreaterThan(4);
    expect(bound).toBeLessThan(17);
  });
});
