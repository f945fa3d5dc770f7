import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { buildPage } from '../../build-page.ts';
import { launchChromium } from '../support/page-browser.ts';
import { manyServices, withSpec } from '../support/page-world.ts';
import { serve } from '../support/shown-page.ts';
import { round, type Spread, spread } from './statistics.ts';

const RENDERS = 7;
const UPDATES = 30;
const SCROLLS = 180;
/** Runs closer than this are told together. */
const APART_MS = 250;
const VIEWPORT = { width: 1360, height: 860 };

/** What a page costs, in milliseconds. */
interface PageFigures {
  /** From the navigation to the frame after the first row. */
  readonly firstRender: Spread;
  /** From the end of a run in the server to the frame after the row that it changed. */
  readonly update: Spread;
  /** Between two frames while the list scrolls. */
  readonly frame: Spread;
}

/** How long people wait for the page. The floor is a bare page of as many rows as are in sight, told by a bare event stream. */
export async function benchPage([services = 1_000, nodes = 20]: readonly number[] = []): Promise<object> {
  const browser = await launchChromium();
  try {
    const { visible, ...page } = await measurePage(browser, services, nodes);
    const floor = await measureBare(browser, visible);
    const ratio = (of: keyof PageFigures): number => round(page[of].p50 / floor[of].p50);
    return {
      services,
      nodes,
      visible,
      page,
      floor,
      ratio: { firstRender: ratio('firstRender'), update: ratio('update'), frame: ratio('frame') },
    };
  } finally {
    await browser.close();
  }
}

async function measurePage(browser: Browser, services: number, nodes: number): Promise<PageFigures & { readonly visible: number }> {
  const well = manyServices(services, nodes);
  const [first] = well.pools;
  const failed = withSpec(well, first?.spec ?? '', { state: 'failed' });
  const shown = await serve(await buildPage(), well);
  try {
    const firstRender = await measureRenders(browser, shown.url, '.service-rows [role="row"]');
    const page = await openBenchPage(browser, shown.url, '.service-rows [role="row"]');
    const visible = await page.locator('.service-rows [role="row"]').count();
    const update = await measureUpdates(page, '.service-rows [role="row"] .service-facts', (round) =>
      shown.show(round % 2 === 0 ? failed : well),
    );
    return { visible, firstRender, update, frame: await measureFrames(page) };
  } finally {
    await shown.stop();
  }
}

async function measureBare(browser: Browser, rows: number): Promise<PageFigures> {
  const bare = await serveBare(rows);
  try {
    const firstRender = await measureRenders(browser, bare.url, '.row');
    const page = await openBenchPage(browser, bare.url, '.row');
    const update = await measureUpdates(page, '.row', (round) => bare.tell(`round ${round}`));
    return { firstRender, update, frame: await measureFrames(page) };
  } finally {
    await bare.stop();
  }
}

/** In the page: when the first row stood, on the next frame. */
const watchFirst = (selector: string): string => `
  window.firstRow = new Promise((resolve) => {
    const look = () => document.querySelector(${JSON.stringify(selector)}) !== null && (watch.disconnect(), requestAnimationFrame(() => resolve(performance.now())));
    const watch = new MutationObserver(look);
    watch.observe(document, { childList: true, subtree: true });
  });`;

async function openBenchPage(browser: Browser, url: string, selector: string): Promise<Page> {
  const page = await browser.newPage({ viewport: VIEWPORT });
  await page.addInitScript(watchFirst(selector));
  await page.goto(url);
  await page.locator(selector).first().waitFor();
  return page;
}

async function measureRenders(browser: Browser, url: string, selector: string): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < RENDERS; i++) {
    const page = await openBenchPage(browser, url, selector);
    times.push(await page.evaluate<number>('window.firstRow'));
    await page.close();
  }
  return spread(times);
}

/** The clocks of page and server are the same machine's: both count from the epoch. */
async function measureUpdates(page: Page, selector: string, tell: (round: number) => void): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < UPDATES; i++) {
    await page.waitForTimeout(APART_MS);
    const seen = page.evaluate<number>(`new Promise((resolve) => {
      const cell = document.querySelector(${JSON.stringify(selector)});
      const watch = new MutationObserver(() => {
        watch.disconnect();
        requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
      });
      watch.observe(cell, { childList: true, subtree: true, characterData: true, attributes: true });
      window.isWatching = true;
    })`);
    await page.waitForFunction('window.isWatching === true');
    const toldAtMs = performance.timeOrigin + performance.now();
    tell(i);
    times.push((await seen) - toldAtMs);
    await page.evaluate('window.isWatching = false');
  }
  return spread(times);
}

const measureFrames = async (page: Page): Promise<Spread> =>
  spread(
    await page.evaluate<number[]>(`new Promise((resolve) => {
      const frames = [];
      let last = performance.now();
      const next = (now) => {
        frames.push(now - last);
        last = now;
        if (frames.length > ${SCROLLS}) return resolve(frames.slice(1));
        scrollBy(0, 120);
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    })`),
  );

interface BareServer {
  readonly url: string;
  tell(text: string): void;
  stop(): Promise<void>;
}

/** A page of so many rows, and nothing else, whose first row says what was told last. */
async function serveBare(rows: number): Promise<BareServer> {
  const clients = new Set<ServerResponse>();
  const line = '<div class="row" style="height:58px">row</div>';
  const script = `new EventSource('events').addEventListener('message', (event) => { document.querySelector('.row').textContent = event.data; });`;
  const body = `<!doctype html><title>bare</title><body>${line.repeat(rows)}<div style="height:100000px"></div><script>${script}</script>`;
  const server: Server = createServer((request, response) => {
    if (request.url !== '/events') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(body);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    clients.add(response);
    response.on('close', () => clients.delete(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    tell: (text) => {
      for (const client of clients) client.write(`data: ${text}\n\n`);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
