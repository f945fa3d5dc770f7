import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../build-page.ts';
import type { RunReport } from '../../src/core/report/run-report.ts';
import type { PageFile } from '../../src/http/page-files.ts';
import { launchChromium } from '../support/page-browser.ts';
import { busyDay } from '../support/page-world.ts';
import { artifactFolder, pictureFolder } from '../support/picture-folder.ts';
import { type VisitOptions, visit as visitPage } from '../support/shown-page.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: Browser;
let files: readonly PageFile[];
let pictures: string;
let docs: string;

beforeAll(async () => {
  [browser, files, docs, pictures] = await Promise.all([launchChromium(), buildPage(), pictureFolder(), artifactFolder()]);
});
afterAll(() => browser.close());

const visit = (report: RunReport, body: Parameters<typeof visitPage>[1], options?: VisitOptions): Promise<void> =>
  visitPage({ browser, files, report }, body, options);

describe('colours and sizes', () => {
  it.each(['light', 'dark'] as const)('follow the system where it is %s, and can be switched', (colorScheme) =>
    visit(
      busyDay(),
      async (page) => {
        const theme = () => page.evaluate('document.documentElement.dataset.theme');
        await expect.poll(() => theme()).toBe(colorScheme);
        await page.screenshot({ path: join(docs, `page-overview${colorScheme === 'dark' ? '-dark' : ''}.png`) });
        const other = colorScheme === 'dark' ? 'Light' : 'Dark';
        await page.getByRole('button', { name: `${other} colours` }).click();
        await expect.poll(() => theme()).toBe(other.toLowerCase());
        await page.reload();
        await page.locator('.commit').waitFor();
        await expect.poll(() => theme()).toBe(other.toLowerCase());
      },
      { colorScheme },
    ),
  );

  it.each(['/', '/?row=prod/shop', '/?view=nodes', '/?view=held', '/?view=activity', '/?why=prod/shop'])('fit a telephone: %s', (path) =>
    visit(
      busyDay(),
      async (page) => {
        await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
        // Text of a cell that is not drawn tells nobody anything.
        for (const told of await page.locator('.service-rows .leg-age').all()) expect(await told.isVisible()).toBe(true);
        await page.screenshot({ path: join(pictures, `telephone${path.replaceAll(/\W+/g, '-')}.png`) });
      },
      { path, viewport: { width: 360, height: 740 } },
    ),
  );
});

describe('everyone can read it', () => {
  const views = [
    '/',
    '/?row=prod/mailer',
    '/?row=prod/shop',
    '/?view=nodes',
    '/?view=nodes&node=worker-07',
    '/?view=held',
    '/?view=activity',
    '/?why=prod/shop',
  ];

  it.each(views.flatMap((path) => (['light', 'dark'] as const).map((colorScheme) => ({ path, colorScheme }))))(
    'axe finds nothing serious in $path, $colorScheme',
    ({ path, colorScheme }) =>
      visit(
        busyDay(),
        async (page) => {
          await page.waitForLoadState('networkidle').catch(() => undefined);
          await page.addScriptTag({ path: AXE });
          const found = await page.evaluate<readonly string[]>(
            'axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => [impact, id, nodes[0].html].join(" ")))',
          );
          expect(found.filter((one) => /^(serious|critical)/.test(one))).toEqual([]);
        },
        // axe is put in as a script of its own, which the policy of the page forbids.
        { path, colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
      ),
  );
});
