import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildPage } from '../../build-page.ts';
import { runDemo } from '../../src/cli/demo.ts';
import { launchChromium, openPage, type WatchedPage } from '../support/page-browser.ts';

const run = promisify(execFile);
const DIST = join(import.meta.dirname, '..', '..', 'dist');

/** A daemon on servers in memory, and a browser on its page. */
let browser: Browser | undefined;
let watched: WatchedPage;
let page: Page;
let repository: string;
let demo: Promise<number> | undefined;
const stopping = new AbortController();

beforeAll(async () => {
  await mkdir(DIST, { recursive: true });
  await writeFile(join(DIST, 'page.json'), JSON.stringify(await buildPage()));
  let said = '';
  const out = { write: (text: string) => (said += text) };
  const options = { once: false, json: false, env: process.env, stdout: out, stderr: out, signal: stopping.signal };
  demo = runDemo(options);
  await vi.waitFor(() => expect(said).toContain('Ctrl-C'), { timeout: 30_000, interval: 20 });
  const [, url = ''] = /open (http:\S+)\//.exec(said) ?? [];
  [, repository = ''] = /cd (\S+)/.exec(said) ?? [];
  browser = await launchChromium();
  watched = await openPage(browser, url);
  page = watched.page;
});
// Also after a start that failed half-way: a demo that nobody ends keeps the whole run waiting.
afterAll(async () => {
  stopping.abort();
  await Promise.all([browser?.close(), demo]);
});

async function commit(message: string, file: string, edit: (text: string) => string): Promise<string> {
  const path = join(repository, file);
  await writeFile(path, edit(await readFile(path, 'utf8')));
  await run('git', ['-C', repository, 'commit', '--quiet', '--all', '--message', message]);
  return (await run('git', ['-C', repository, 'rev-parse', '--short=7', 'HEAD'])).stdout.trim();
}

describe('the page of a running daemon', () => {
  it('shows that everything is in traffic', async () => {
    await page.getByText('This commit is in traffic for all 4 services').waitFor();
    expect(await page.locator('.commit').textContent()).toContain('Add the example services');
  });

  it('shows a commit, live, until Traefik serves it', async () => {
    await page.getByRole('link', { name: 'shop', exact: true }).click();
    const drawer = page.locator('.drawer');
    await drawer.getByText('Host(`shop.example.com`)').first().waitFor();
    const revision = await commit('Move the shop', 'shop.yaml', (text) => text.replaceAll('shop.example.com', 'store.example.com'));
    await page.locator('.commit', { hasText: 'Move the shop' }).waitFor();
    await drawer.getByText('Host(`store.example.com`)').first().waitFor();
    await page.locator('.service-rows [role="row"]', { hasText: revision }).first().waitFor();
    await page.locator('.commit', { hasText: 'all 4 services' }).waitFor();
  });

  it('shows a spec that is broken, with the place, while the others go on', async () => {
    await commit('Break the web', 'web.yaml', (text) => `${text}\n  nonsense: [`);
    await page.locator('.commit', { hasText: '3 of 4 services' }).waitFor();
    await page.getByRole('button', { name: 'default/web broken' }).click();
    await page.locator('.drawer .card code', { hasText: 'web.yaml:' }).first().waitFor();
    await page.locator('.drawer .strip').getByText('last good version: 3 of 3 passing').waitFor();
    await commit('Mend the web', 'web.yaml', (text) => text.replace('\n  nonsense: [', ''));
    await page.locator('.commit', { hasText: 'all 4 services' }).waitFor();
  });

  it('calls nothing in step of a new file that cannot be read', async () => {
    await page.keyboard.press('Escape');
    await writeFile(join(repository, 'fresh.yaml'), 'kind: Service\n  nonsense: [');
    await run('git', ['-C', repository, 'add', '--all']);
    await run('git', ['-C', repository, 'commit', '--quiet', '--message', 'Add a file with a slip']);
    const fresh = page.locator('.service-rows [role="row"]', { hasText: 'fresh.yaml' });
    await fresh.getByText('nothing applied yet').waitFor();
    await fresh.getByText('nothing registered yet').waitFor();
    await fresh.getByText('nothing routed yet').waitFor();
    expect(await fresh.locator('.leg.good').count()).toBe(0);
    await run('git', ['-C', repository, 'rm', '--quiet', 'fresh.yaml']);
    await run('git', ['-C', repository, 'commit', '--quiet', '--message', 'Take the file back']);
    await page.locator('.commit', { hasText: 'all 4 services' }).waitFor();
  });

  it('takes a node out of every pool, and back', async () => {
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Nodes' }).click();
    await page.getByRole('button', { name: /^worker-2/ }).click();
    await page.locator('.drawer').getByRole('button', { name: 'Drain', exact: true }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('kernel update');
    await page.getByRole('dialog').getByRole('button', { name: 'Drain worker-2' }).click();
    await page.getByText('It serves 0 of 4 services.').waitFor();
    await expect.poll(() => page.locator('.lines .cell.p').count()).toBe(8);
    await page.locator('.drawer tbody tr', { hasText: 'kernel update' }).first().waitFor();
    await page.locator('.drawer').getByRole('button', { name: 'Undrain', exact: true }).click();
    await page.getByText('It serves 4 of 4 services.').waitFor();
  });

  it('says why a URL is in traffic, and asks for a resync', async () => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Why?' }).click();
    await page.getByLabel('URL, service or node').fill('https://store.example.com/');
    await page.keyboard.press('Enter');
    await page.locator('.drawer .chain li').first().waitFor();
    await page.getByRole('button', { name: 'Everything about shop/shop' }).click();
    await page.locator('.drawer').getByRole('button', { name: 'Resync' }).click();
    await page.getByText('shop.yaml is compared anew.').waitFor();
  });

  it('has complained of nothing', () => expect(watched.complaints).toEqual([]));
});
