import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../build-page.ts';
import { specId } from '../../src/core/model/ids.ts';
import type { PlannedChange } from '../../src/core/report/plan-diff.ts';
import type { ApprovalWish } from '../../src/http/http-server-options.ts';
import type { PageFile } from '../../src/http/page-files.ts';
import { launchChromium, openPage } from '../support/page-browser.ts';
import { busyDay, manyServices, withSpec } from '../support/page-world.ts';
import { serve } from '../support/shown-page.ts';

let browser: Browser;
let files: readonly PageFile[];

beforeAll(async () => {
  [browser, files] = await Promise.all([launchChromium(), buildPage()]);
});
afterAll(() => browser.close());

const PENDING: readonly PlannedChange[] = [
  {
    leg: 'kubernetes',
    op: 'apply-object',
    on: 'Deployment prod/shop',
    why: ['change'],
    lines: [{ what: 'spec.replicas', op: 'change', before: 2, after: 3 }],
    state: 'planned',
  },
  {
    leg: 'consul',
    op: 'register-pool',
    on: 'pool prod/shop',
    why: [],
    lines: [],
    state: 'waiting',
    reason: 'prod waits for its NodePort',
  },
  {
    leg: 'consul',
    op: 'deregister-pool',
    on: 'pool prod/old',
    why: [],
    lines: [{ what: 'backend worker-01', op: 'remove', before: '10.0.4.11:30000' }],
    state: 'held',
    reason: '3 of 4 pools would be removed; the limit is 2',
    remedy: 'Put the files back.',
    code: 'REMOVAL_LIMIT',
  },
  {
    leg: 'kubernetes',
    op: 'apply-object',
    on: 'Service prod/shop',
    why: ['spec.ports'],
    lines: [],
    state: 'failed',
    reason: 'the port is taken',
    remedy: 'Choose another one.',
    code: 'KUBERNETES_REFUSED',
  },
];

describe('what is pending of a service', () => {
  it('is told line by line, with the reason of what waits, is held or failed', async () => {
    const shown = await serve(files, manyServices(3, 2), { changes: () => PENDING });
    const { page, complaints } = await openPage(browser, `${shown.url}/?row=prod/shop`);
    const pending = page.locator('.drawer .pending > li');
    await pending.first().waitFor();
    const texts = await pending.allTextContents();
    expect(texts[0]).toMatch(/next Kubernetes: apply object Deployment prod\/shop.*spec\.replicas 2 → 3/);
    // `prod` is a name here.
    expect(texts[1]).toContain('prod waits for its NodePort.');
    expect(texts[2]).toMatch(/held back.*the limit is 2\. Put the files back\..*Nothing of this happens until it is released/);
    expect(texts[3]).toMatch(/failed.*The port is taken\. Choose another one\./);
    expect(await pending.nth(2).locator('.remove').count()).toBe(0);
    expect(await pending.nth(2).textContent()).not.toContain('−');
    expect(complaints).toEqual([]);
    await page.close();
    await shown.stop();
  });
});

describe('a hold', () => {
  it('is released by its id, after a question that tells what goes', async () => {
    const wishes: ApprovalWish[] = [];
    const report = { ...busyDay(), held: { id: 'h-3f2a91c07b6e', removals: 5, pools: 5, objects: 9 } };
    const shown = await serve(files, report, {
      approve: async (wish) => {
        wishes.push(wish);
        return { kind: 'done', approval: { id: 'h-3f2a91c07b6e', removals: 5, left: 5, atMs: 1, untilMs: 2 } };
      },
    });
    const { page } = await openPage(browser, `${shown.url}/?view=held`);
    await page.getByRole('button', { name: 'Release this hold' }).click();
    await page.getByRole('dialog').getByText('5 pools and 9 objects will be removed').waitFor();
    expect(wishes).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Remove 5 pools and 9 objects' }).click();
    await expect.poll(() => wishes).toEqual([{ hold: 'h-3f2a91c07b6e' }]);
    await page.getByText('The hold is released.').waitFor();
    await page.close();
    await shown.stop();
  });
});

describe('a spec', () => {
  it('is suspended with a reason, told as such, and resumed', async () => {
    const asked: unknown[] = [];
    const id = specId('prod/shop.yaml');
    const suspension = { spec: id, atMs: 1 };
    const shown = await serve(files, manyServices(3, 2), {
      suspensions: {
        suspend: async (wish) => {
          asked.push(wish);
          return { kind: 'done', suspension };
        },
        resume: async (wish) => {
          asked.push(wish);
          return { kind: 'done', suspended: false };
        },
      },
    });
    const { page } = await openPage(browser, `${shown.url}/?row=prod/shop`);
    const dialog = page.getByRole('dialog');
    await page.locator('.drawer').getByRole('button', { name: 'Suspend' }).click();
    await dialog.getByLabel('Reason').fill('a look by hand');
    await dialog.getByRole('button', { name: 'Suspend' }).click();
    await expect.poll(() => asked).toEqual([{ spec: id, reason: 'a look by hand' }]);
    shown.show({ ...withSpec(manyServices(3, 2), id, { state: 'suspended' }), suspensions: [suspension] });
    await page.getByText('in traffic for 2 of 3 services').waitFor();
    await page.locator('.drawer').getByRole('button', { name: 'Resume' }).click();
    await dialog.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => asked[1]).toEqual({ spec: id });
    await page.close();
    await shown.stop();
  });
});
