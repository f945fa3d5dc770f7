import { afterEach, describe, expect, it } from 'vitest';
import type { OverviewAnswer } from '../../src/http/overview.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';

describe('a daemon whose runs fail', () => {
  let site: SandboxSite | undefined;
  afterEach(() => site?.stop());

  it('says so on its page, with the words of the error and without secrets, until a run ends', async () => {
    let fails = false;
    site = await startSandboxSite({
      onReport: () => {
        if (fails) throw new Error('https://ops:hunter22@disk.example.com is full');
      },
    });
    const { url } = site.daemon;
    const resync = () => fetch(`${url}/api/v1/resync`, { method: 'POST' });
    const failing = async () => ((await (await fetch(`${url}/api/v1/overview`)).json()) as OverviewAnswer).failing;
    await expect.poll(failing).toBeUndefined();
    fails = true;
    await resync();
    await expect.poll(failing).toMatchObject({ says: 'https://[redacted]@disk.example.com is full' });
    const first = await failing();
    await resync();
    expect((await failing())?.sinceMs).toBe(first?.sinceMs);
    expect(await (await fetch(`${url}/plain`)).text()).toContain('Every run fails since');
    fails = false;
    await resync();
    await expect.poll(failing).toBeUndefined();
  });
});
