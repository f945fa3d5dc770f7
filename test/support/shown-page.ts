import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { createHttpServer, type HttpServer } from '../../src/http/create-http-server.ts';
import type { DrainWish, HttpServerOptions } from '../../src/http/http-server-options.ts';
import type { PageFile } from '../../src/http/page-files.ts';
import { httpOptions } from './http-options.ts';
import { openPage } from './page-browser.ts';
import { explanationOf, historyOf, pictureOf } from './page-world.ts';

/** A server that shows these reports, with what was asked of it. */
export interface Shown {
  readonly url: string;
  readonly drains: readonly DrainWish[];
  readonly resyncs: readonly (string | undefined)[];
  /** The run that comes next. */
  show(report: RunReport): void;
  stop(): Promise<void>;
}

/** Starts a server with the built page that shows a report. */
export async function serve(
  files: readonly PageFile[],
  first: RunReport,
  { port = 0, ...more }: Partial<HttpServerOptions> & { readonly port?: number } = {},
): Promise<Shown> {
  let report = first;
  const drains: DrainWish[] = [];
  const resyncs: (string | undefined)[] = [];
  const server: HttpServer = createHttpServer(
    httpOptions({
      listen: { host: '127.0.0.1', port },
      report: () => report,
      page: files,
      why: (asked) => explanationOf(asked, report),
      picture: (pool) => pictureOf(report, pool),
      history: async (spec) => historyOf(report, spec),
      drain: async (wish) => {
        drains.push(wish);
        return undefined;
      },
      resync: async (spec) => {
        resyncs.push(spec);
        return { queued: true, coalesced: false };
      },
      ...more,
    }),
  );
  const { url } = await server.start();
  const show = (next: RunReport): void => {
    report = { ...next, startedAtMs: report.startedAtMs + 1 };
    server.publish(report);
  };
  return { url, drains, resyncs, show, stop: () => server.stop() };
}

/** What pages are opened with. */
export interface Visitor {
  readonly browser: Browser;
  readonly files: readonly PageFile[];
}

/** How a page is opened, and on which path. */
export type VisitOptions = Parameters<Browser['newPage']>[0] & { readonly path?: string };

/** Opens a page on a server of its own, and says in the end that nothing complained. */
export async function visit(
  { browser, files, report }: Visitor & { readonly report: RunReport },
  body: (page: Page, shown: Shown) => Promise<void>,
  { path = '/', ...options }: VisitOptions = {},
): Promise<void> {
  const shown = await serve(files, report);
  const { page, complaints } = await openPage(browser, `${shown.url}${path}`, options);
  try {
    await page.locator('.commit').waitFor();
    await body(page, shown);
    expect(complaints).toEqual([]);
  } finally {
    await page.close();
    await shown.stop();
  }
}
