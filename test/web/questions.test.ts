import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildPage } from '../../build-page.ts';
import { runDemo } from '../../src/cli/demo.ts';
import { launchChromium, openPage } from '../support/page-browser.ts';
import { pictureFolder } from '../support/picture-folder.ts';

const run = promisify(execFile);
const DIST = join(import.meta.dirname, '..', '..', 'dist');

/** What people who have never seen the page ask it about a running daemon; each is answered after one click at most. */
describe('whoever opens the page of the demo', () => {
  let browser: Browser | undefined;
  let page: Page;
  let url: string;
  let repository: string;
  let pictures: string;
  let demo: Promise<number> | undefined;
  const stopping = new AbortController();

  beforeAll(async () => {
    await mkdir(DIST, { recursive: true });
    await writeFile(join(DIST, 'page.json'), JSON.stringify(await buildPage()));
    pictures = await pictureFolder();
    let said = '';
    const out = { write: (text: string) => (said += text) };
    demo = runDemo({ once: false, json: false, env: process.env, stdout: out, stderr: out, signal: stopping.signal });
    await vi.waitFor(() => expect(said).toContain('Ctrl-C'), { timeout: 30_000, interval: 20 });
    [, url = ''] = /open (http:\S+)\//.exec(said) ?? [];
    [, repository = ''] = /cd (\S+)/.exec(said) ?? [];
    browser = await launchChromium();
    ({ page } = await openPage(browser, url, { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' }));
  });
  // Also after a start that failed half-way: a demo that nobody ends keeps the whole run waiting.
  afterAll(async () => {
    stopping.abort();
    await Promise.all([browser?.close(), demo]);
  });

  const git = (...args: readonly string[]) => run('git', ['-C', repository, ...args]);
  const commit = (message: string) => git('commit', '--quiet', '--all', '--message', message);
  const picture = (name: string) => page.screenshot({ path: join(pictures, `page-${name}.png`) });
  const start = async (): Promise<void> => {
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Services' }).click();
  };

  it('sees whether the commit is in traffic, and how long ago Git was looked at', async () => {
    const path = join(repository, 'web.yaml');
    await writeFile(path, (await readFile(path, 'utf8')).replace(':2.4.0', ':2.4.1'));
    await commit('Update web to 2.4.1');
    const banner = page.locator('.commit', { hasText: 'Update web to 2.4.1' });
    await banner.getByText('This commit is in traffic for all 4 services').waitFor();
    await banner.getByText(/from commit to traffic · Git read/).waitFor();
    await picture('commit');
  });

  it('sees which nodes serve it', async () => {
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await page.locator('.drawer').getByText('Served by 3 nodes: worker-1, worker-2, worker-3').waitFor();
    await page.locator('.drawer .server').first().waitFor();
    await picture('servers');
    await start();
  });

  it('sees why a node does not serve', async () => {
    await fetch(`${url}/api/v1/nodes/worker-2/drain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"reason":"kernel update"}',
    });
    const out = page.getByRole('button', { name: /^worker-2 takes no traffic\..*kernel update/ });
    await out.waitFor();
    await page.getByText('in traffic for all 4 services').waitFor();
    await page.getByText('2 of 2 serving').first().waitFor();
    await out.click();
    const drawer = page.locator('.drawer');
    await drawer.getByText('What to do:').waitFor();
    expect(await drawer.locator('.verdict').textContent()).toMatch(/kernel update.*poolkeeper undrain worker-2/);
    await drawer.getByText('It serves 0 of 4 services.').waitFor();
    await picture('node');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Nodes' }).click();
    await picture('nodes');
    await start();
    await page.getByRole('link', { name: 'web', exact: true }).click();
    await drawer.locator('tbody tr', { hasText: 'worker-2' }).getByText('kernel update').waitFor();
    await start();
  });

  it('sees what is held back, why, and what releases it', async () => {
    await Promise.all(['web.yaml', 'shop.yaml', 'api.yaml'].map((name) => rm(join(repository, name))));
    await commit('Remove three services');
    await page.getByText('This commit is held back for 3 of 4 services, which serve as before').waitFor();
    await page.getByRole('button', { name: '3 held back' }).click();
    const card = page.locator('.card', { hasText: 'Held back' });
    await expect.poll(() => card.count()).toBe(1);
    const says = await card.textContent();
    expect(says).toContain('3 of 4 pools would be removed; the limit is 2.');
    expect(says).toContain('Released by: Commit with the trailer "Poolkeeper-Allow-Removal: 3"');
    for (const name of ['api.yaml', 'shop.yaml', 'web.yaml']) expect(says).toContain(name);
    await picture('held');
  });
});
