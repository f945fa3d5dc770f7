import { describe, expect, it } from 'vitest';
import type { CliIo } from '../../../src/cli/cli-io.ts';
import { PLAIN_MARK } from '../../../src/cli/progress.ts';
import { type CliWorld, startCli } from '../../support/call-cli.ts';

/** A `doctor consul` that answers when it is told to. */
function slow(more: CliWorld) {
  const answer = Promise.withResolvers<void>();
  const doctor: CliIo['load']['doctor'] = async () => ({
    ...(await import('../../../src/cli/doctor.ts')),
    ...(await import('../../../src/cli/doctor-git.ts')),
    examineConsul: async () => {
      await answer.promise;
      return { kind: 'ok', value: [] };
    },
  });
  const env = { POOLKEEPER_CLUSTER: 'a', ...more.env };
  return {
    end: () => answer.resolve(),
    ...startCli(['doctor', 'consul', ...(more.files === undefined ? [] : ['--output', 'json'])], {
      progressAfterMs: 1,
      load: { doctor },
      ...more,
      env,
    }),
  };
}

describe('progress', () => {
  it('turns on a terminal, and is gone when there is an answer', async () => {
    const { code, stderr, end } = slow({ hasErrorTerminal: true });
    await expect.poll(() => stderr.length).toBeGreaterThan(1);
    expect(stderr[0]).toContain(' doctor: at work for 0 s');
    end();
    expect(await code).toBe(0);
    expect(stderr.at(-1)).toBe('\r\u001b[K');
  });

  it.each([{}, { hasErrorTerminal: true, env: { TERM: 'dumb' } }])('is plain lines elsewhere: %j', async (world) => {
    const { code, stderr, end } = slow(world);
    await expect.poll(() => stderr.join('')).toBe(`${PLAIN_MARK}doctor: at work for 0 s\n`);
    end();
    expect(await code).toBe(0);
    expect(stderr.join('')).not.toContain('\u001b');
  });

  it('stays away from who reads JSON', async () => {
    const { code, stderr, end } = slow({ files: {} });
    await new Promise((resolve) => setTimeout(resolve, 20));
    end();
    expect(await code).toBe(0);
    expect(stderr).toEqual([]);
  });
});
