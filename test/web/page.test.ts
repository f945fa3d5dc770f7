import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../build-page.ts';
import type { RunReport } from '../../src/core/report/run-report.ts';
import type { RunFailure } from '../../src/http/overview.ts';
import type { PageFile } from '../../src/http/page-files.ts';
import { launchChromium, openPage } from '../support/page-browser.ts';
import { busyDay, manyServices, withoutNode, withSpec } from '../support/page-world.ts';
import { pictureFolder } from '../support/picture-folder.ts';
import { serve, type VisitOptions, visit as visitPage } from '../support/shown-page.ts';

let browser: Browser;
let files: readonly PageFile[];
let pictures: string;

beforeAll(async () => {
  [browser, files, pictures] = await Promise.all([launchChromium(), buildPage(), pictureFolder()]);
});
afterAll(() => browser.close());

const visit = (report: RunReport, body: Parameters<typeof visitPage>[1], options?: VisitOptions): Promise<void> =>
  visitPage({ browser, files, report }, body, options);

const TOKEN = 'correct-horse';
const drawn = (page: Page): Promise<readonly string[]> => page.locator('.service-rows .service-name a').allTextContents();
const query = (page: Page): string => new URL(page.url()).search;

describe('the list of services', () => {
  it('tells how far the commit is, and where each service stands', () =>
    visit(busyDay(), async (page) => {
      await page.getByText('This commit is in traffic for 32 of 36 services').waitFor();
      expect(await page.locator('.commit').textContent()).toContain('Move checkout to the new cart');
      const row = page.locator('.service-rows [role="row"]', { hasText: 'images' }).first();
      expect(await row.textContent()).toContain('unknown field replicsa');
      expect(await row.locator('.leg').first().textContent()).toContain('cannot be read');
    }));

  it('is searched and filtered, and its address keeps that', () =>
    visit(busyDay(), async (page) => {
      await page.keyboard.press('/');
      await page.keyboard.type('prod cart');
      await expect.poll(() => drawn(page)).toEqual(['cart']);
      expect(query(page)).toBe('?q=prod+cart');
      await page.reload();
      await expect.poll(() => drawn(page)).toEqual(['cart']);
      await page.getByRole('searchbox').fill('');
      await page.getByRole('button', { name: 'Needs attention' }).click();
      await expect.poll(() => drawn(page)).toEqual(['images', 'mailer']);
      expect(query(page)).toBe('?state=attention');
    }));

  it('shows what a run has changed, without being asked', () =>
    visit(manyServices(12, 3), async (page, shown) => {
      await page.getByText('in traffic for all 12 services').waitFor();
      const failed = withSpec(manyServices(12, 3), 'prod/shop.yaml', { state: 'failed' });
      shown.show(failed);
      await page.getByText('in traffic for 11 of 12 services').waitFor();
      shown.show({
        ...failed,
        pools: failed.pools.filter(({ pool }) => pool !== 'prod/shop'),
        specs: failed.specs.filter(({ id }) => id !== 'prod/shop.yaml'),
      });
      await page.getByText('in traffic for all 11 services').waitFor();
      await page.getByRole('link', { name: 'Activity' }).click();
      await page.getByText('prod/shop is failed').waitFor();
    }));

  it('moves by keys: j and k from row to row, Enter opens, Esc closes', () =>
    visit(manyServices(12, 3), async (page) => {
      await page.keyboard.press('j');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('k');
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'cart', level: 2 }).waitFor();
      expect(query(page)).toBe('?row=prod/cart');
      await page.keyboard.press('j');
      await page.getByRole('heading', { name: 'images', level: 2 }).waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.drawer').waitFor({ state: 'detached' });
      await expect.poll(() => page.evaluate(`document.activeElement.getAttribute('data-row')`)).toBe('prod/images');
    }));

  it('draws a thousand services on twenty nodes a windowful at a time', () =>
    visit(manyServices(1_000, 20), async (page, shown) => {
      await page.getByText('in traffic for all 1000 services').waitFor();
      await expect.poll(async () => (await drawn(page)).length).toBeLessThan(40);
      const [first = ''] = await drawn(page);
      await page.evaluate('scrollTo(0, document.body.scrollHeight)');
      await expect.poll(async () => (await drawn(page)).includes(first)).toBe(false);
      await expect.poll(async () => (await drawn(page)).length).toBeLessThan(40);
      shown.show(withoutNode(manyServices(1_000, 20), 'worker-05', 'cordoned', 'the node is cordoned'));
      await page.getByText('19 of 19 serving').first().waitFor();
      await page.getByRole('link', { name: 'Nodes' }).click();
      await page.locator('.lines .line').first().waitFor();
      await expect.poll(() => page.locator('.lines .line').count()).toBeLessThan(60);
      await expect.poll(() => page.locator('.lines .line').first().locator('.cell.p').count()).toBe(19);
      await page.setViewportSize({ width: 1280, height: 2_400 });
      await expect.poll(async () => await page.locator('.lines .line').count()).toBeGreaterThan(50);
    }));
});

describe('what opens beside the list', () => {
  it('shows the way of a request to each server, and why nodes are absent', () =>
    visit(
      busyDay(),
      async (page) => {
        await page.getByRole('link', { name: 'shop', exact: true }).first().click();
        const route = page.getByRole('figure', { name: 'Route shop' });
        await expect.poll(() => route.textContent()).toContain('Host(`shop.example.com`)');
        await expect.poll(() => route.locator('.server').count()).toBe(10);
        await expect.poll(() => route.locator('.server').first().textContent()).toContain('10.0.4.11:');
        const absent = page.locator('.drawer tbody tr').first();
        await expect.poll(() => absent.textContent()).toContain('drained by poolkeeper.dev/drain: kernel update');
        await page.screenshot({ path: join(pictures, 'page-service.png') });
      },
      { reducedMotion: 'reduce' },
    ));

  it('says what is held back and what releases it', () =>
    visit(busyDay(), async (page) => {
      await page.getByRole('button', { name: 'prod/mailer held back' }).click();
      await page.locator('.drawer').getByText('Released by:').waitFor();
      expect(await page.locator('.drawer .card').textContent()).toContain('Poolkeeper-Allow-Removal: prod/mailer');
      await page.locator('.drawer').getByText('Nothing is done until what is held back above is released.').waitFor();
    }));

  it('does not say that all is well with a file that cannot be read', () =>
    visit(
      busyDay(),
      async (page) => {
        await page.locator('.drawer').getByText('Nothing can be planned until the file can be read.').waitFor();
      },
      { path: '/?row=prod/images' },
    ));

  it('asks for a resync of one spec, and of everything', () =>
    visit(manyServices(3, 2), async (page, shown) => {
      await page.getByRole('button', { name: 'Resync' }).click();
      await page.getByText('Everything is compared anew.').waitFor();
      await page.getByRole('link', { name: 'cart', exact: true }).click();
      await page.locator('.drawer').getByRole('button', { name: 'Resync' }).click();
      await page.getByText('prod/cart.yaml is compared anew.').waitFor();
      expect(shown.resyncs).toEqual([undefined, 'prod/cart.yaml']);
    }));

  it('drains a node with a reason, and lets it come back', () =>
    visit(manyServices(3, 2), async (page, shown) => {
      await page.getByRole('link', { name: 'Nodes' }).click();
      await page.getByRole('button', { name: /^worker-02/ }).click();
      const drawer = page.locator('.drawer');
      const dialog = page.getByRole('dialog');
      await drawer.getByRole('button', { name: 'Drain', exact: true }).click();
      await dialog.getByText('It serves 3 services now.').waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await drawer.getByRole('button', { name: 'Drain', exact: true }).click();
      await dialog.getByLabel('Reason').fill('kernel update');
      await dialog.getByRole('button', { name: 'Drain worker-02' }).click();
      await expect.poll(() => shown.drains).toEqual([{ node: 'worker-02', drain: true, reason: 'kernel update' }]);
      shown.show(withoutNode(manyServices(3, 2), 'worker-02', 'drained', 'drained: kernel update'));
      await drawer.getByRole('button', { name: 'Undrain', exact: true }).click();
      await expect.poll(() => shown.drains[1]).toEqual({ node: 'worker-02', drain: false });
      await page.getByText('It serves 0 of 3 services.').waitFor();
    }));

  it('drains from the matrix, after the same question', () =>
    visit(manyServices(3, 2), async (page, shown) => {
      await page.getByRole('link', { name: 'Nodes' }).click();
      await page.locator('.matrix').getByRole('button', { name: 'Drain worker-01' }).click();
      expect(shown.drains).toEqual([]);
      await page.getByRole('dialog').getByRole('button', { name: 'Drain worker-01' }).click();
      await expect.poll(() => shown.drains).toEqual([{ node: 'worker-01', drain: true }]);
    }));

  it('tells who changed a service, when, and how long that took to traffic', () =>
    visit(
      manyServices(3, 2),
      async (page) => {
        const history = page.locator('.drawer .revisions li');
        await history.first().getByText('in traffic after 3.20 s').waitFor();
        expect(await history.first().textContent()).toContain('platform-team');
        await expect.poll(() => history.count()).toBe(2);
      },
      { path: '/?row=prod/shop' },
    ));

  it('finds a node by a part of its name, and the services of a whole one', () =>
    visit(withoutNode(manyServices(12, 3), 'worker-02', 'drained', 'drained'), async (page) => {
      await page.getByRole('searchbox').fill('er-02');
      await page.locator('.node-hits').getByRole('button', { name: 'worker-02' }).click();
      await page.getByRole('heading', { name: 'worker-02', level: 2 }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('searchbox').fill('worker-01');
      await expect.poll(async () => (await drawn(page)).length).toBe(12);
    }));

  it('tells why a URL is in traffic', () =>
    visit(manyServices(3, 2), async (page) => {
      await page.keyboard.press('w');
      await page.locator('[data-focus]:focus').waitFor();
      await page.keyboard.type('https://shop.example.com/');
      await page.keyboard.press('Enter');
      await page.getByText('It is in traffic: 2 servers answer.').waitFor();
      expect(new URLSearchParams(query(page)).get('why')).toBe('https://shop.example.com/');
      await page.getByRole('button', { name: 'Everything about prod/shop' }).click();
      await page.getByRole('heading', { name: 'shop', level: 2 }).waitFor();
    }));
});

describe('the token', () => {
  it('is asked for before anything is changed, checked, and forgotten with the page', async () => {
    const shown = await serve(files, manyServices(3, 2), { token: TOKEN });
    const { page } = await openPage(browser, shown.url);
    await page.getByRole('button', { name: 'Sign in to resync' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Token').fill('wrong');
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The token is missing or wrong.').waitFor();
    await dialog.getByLabel('Token').fill(TOKEN);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Resync' }).click();
    await expect.poll(() => shown.resyncs).toEqual([undefined]);
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')).not.toContain(TOKEN);
    await page.reload();
    await page.getByRole('button', { name: 'Sign in to resync' }).waitFor();
    await page.close();
    await shown.stop();
  });

  it('is not kept when it could not be checked, and may be tried again', async () => {
    const shown = await serve(files, manyServices(3, 2), { token: TOKEN, mutationsPerMinute: 1 });
    const { page } = await openPage(browser, shown.url);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Token').fill('wrong');
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.getByText('The token is missing or wrong.').waitFor();
    await dialog.getByLabel('Token').fill('also wrong');
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.getByText('The token could not be checked.').waitFor();
    await dialog.getByText('Try again in').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Sign in to resync' }).waitFor();
    await page.close();
    await shown.stop();
  });
});

describe('runs that fail', () => {
  it('are told with the words of the error and since when, until one ends', async () => {
    let failing: RunFailure | undefined;
    const shown = await serve(files, manyServices(3, 2), { failing: () => failing, events: { heartbeatMs: 50 } });
    const { page } = await openPage(browser, shown.url);
    await page.getByText('Live').waitFor();
    failing = { sinceMs: Date.now() - 180_000, says: 'ENOSPC: no space left on device' };
    const banner = page.getByRole('alert');
    await banner.getByText('Every run fails; the first did 3 min ago').waitFor();
    expect(await banner.textContent()).toContain('ENOSPC: no space left on device');
    expect(await page.locator('.freshness').textContent()).toContain('Runs fail');
    failing = undefined;
    shown.show(manyServices(2, 2));
    await page.getByText('in traffic for all 2 services').waitFor();
    await banner.waitFor({ state: 'detached' });
    await page.close();
    await shown.stop();
  });
});

describe('a page that has missed a run', () => {
  it('learns of it by the next sign of life', async () => {
    const shown = await serve(files, manyServices(3, 2), { events: { heartbeatMs: 50 } });
    const context = await browser.newContext();
    const page = await context.newPage();
    let overviews = 0;
    // The first answer is a late one: the state in it is over already.
    await page.route('**/api/v1/overview', async (route) => {
      overviews++;
      const answer = await route.fetch();
      const body = (await answer.json()) as { head: { id: string }; rows: readonly unknown[] };
      if (overviews > 2) return route.fulfill({ response: answer });
      return route.fulfill({ response: answer, json: { ...body, head: { ...body.head, id: 'old.1' }, rows: body.rows.slice(0, 1) } });
    });
    await page.goto(shown.url);
    await page.getByText('in traffic for all 3 services').waitFor();
    await context.close();
    await shown.stop();
  });
});

describe('a browser that keeps nothing', () => {
  it('shows the page all the same, and switches its colours', async () => {
    const shown = await serve(files, manyServices(3, 2));
    const page = await browser.newPage({ colorScheme: 'light' });
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    const refuse = `Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } })`;
    await page.addInitScript(refuse);
    await page.goto(shown.url);
    await page.getByText('in traffic for all 3 services').waitFor();
    await page.getByRole('button', { name: 'Dark colours' }).click();
    await expect.poll(() => page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    expect(errors).toEqual([]);
    await page.close();
    await shown.stop();
  });
});

describe('a connection that is lost', () => {
  it('is told, and comes back by itself', async () => {
    const shown = await serve(files, manyServices(3, 2));
    const { page } = await openPage(browser, shown.url);
    await page.getByText('Live').waitFor();
    await shown.stop();
    await page
      .getByRole('alert')
      .getByText(/Connection lost.*as of \d\d:\d\d:\d\d/)
      .waitFor();
    const again = await serve(files, manyServices(2, 2), { port: Number(new URL(shown.url).port) });
    await page.getByText('in traffic for all 2 services').waitFor();
    await page.getByText('Live').waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.close();
    await again.stop();
  });

  it.each([
    [1_280, '/'],
    [1_000, '/'],
    [360, '/'],
    [1_280, '/?row=prod/shop'],
    [360, '/?row=prod/shop'],
    [360, '/?view=nodes&node=worker-01'],
  ])('is seen in a window %d wide on %s, and nothing is said of the present', async (width, path) => {
    const shown = await serve(files, manyServices(3, 2));
    const { page } = await openPage(browser, `${shown.url}${path}`, { viewport: { width, height: 740 } });
    await page.locator('.commit').waitFor();
    if (path !== '/') await page.locator('.drawer h2').waitFor();
    await shown.stop();
    const bar = page.getByText('Connection lost.', { exact: true });
    await bar.waitFor();
    const box = await bar.boundingBox();
    // The topmost thing there is the bar itself, whatever is open.
    const above = `document.elementFromPoint(${(box?.x ?? 0) + 5}, ${(box?.y ?? 0) + 5}).closest('.lost') !== null`;
    await expect.poll(() => page.evaluate(above)).toBe(true);
    await expect.poll(() => page.locator('.commit-says').textContent()).toMatch(/^As of \d\d:\d\d:\d\d: This commit is in traffic/);
    if (path !== '/') expect(await page.locator('.drawer .as-of').first().textContent()).toMatch(/As of/);
    await page.close();
  });
});
