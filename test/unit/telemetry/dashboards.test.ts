import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Dashboard, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../../src/core/report/run-report.ts';
import { serversOf } from '../../../src/sandbox/gateway/routing-table.ts';
import { type DrawnSeries, drawDashboard, type PanelAnswers, panelsToDraw } from '../../support/dashboards/draw-dashboard.ts';
import { type Expectation, type Expected, type Facts, INTERNALS, OVERVIEW, SERVICE } from '../../support/dashboards/expected.ts';
import { internalsDashboard } from '../../support/dashboards/internals.ts';
import { overviewDashboard } from '../../support/dashboards/overview.ts';
import { serviceDashboard } from '../../support/dashboards/service.ts';
import { findProgram } from '../../support/deploy-files.ts';
import { pictureFolder } from '../../support/picture-folder.ts';
import { type PrometheusServer, type Sample, startPrometheus } from '../../support/prometheus-server.ts';
import { wrongNames } from '../../support/promql-names.ts';
import { type SandboxSite, startSandboxSite } from '../../support/sandbox-site.ts';
import { waitUntil } from '../../support/wait-until.ts';

const DASHBOARDS = [
  { name: 'overview', dashboard: overviewDashboard(), expected: OVERVIEW },
  { name: 'service', dashboard: serviceDashboard(), expected: SERVICE },
  { name: 'internals', dashboard: internalsDashboard(), expected: INTERNALS },
] as const;

interface ShownPanel {
  readonly title: string;
  readonly queries: readonly string[];
}

const panelsOf = ({ panels = [] }: Dashboard): readonly ShownPanel[] =>
  panels.flatMap((panel) =>
    panel.type === 'row' || !('targets' in panel)
      ? []
      : [{ title: panel.title ?? '', queries: (panel.targets as unknown as readonly { readonly expr: string }[]).map(({ expr }) => expr) }],
  );
const variablesOf = ({ templating }: Dashboard) => templating?.list ?? [];

describe('the dashboards', () => {
  it('ask for metrics and labels that the daemon has, and show each panel under a name of its own', () => {
    for (const { dashboard, expected } of DASHBOARDS) {
      const panels = panelsOf(dashboard);
      for (const { queries } of panels) for (const query of queries) expect(wrongNames(query)).toEqual([]);
      expect(panels.map(({ title }) => title)).toEqual(Object.keys(expected));
      for (const panel of dashboard.panels ?? [])
        if (panel.type !== 'row') expect(panel).toMatchObject({ description: expect.stringMatching(/\.$/) });
    }
  });

  it('use each variable that they have, and no other', () => {
    for (const { dashboard } of DASHBOARDS) {
      const text = JSON.stringify(dashboard);
      const used = new Set([...text.matchAll(/\$(?!__)\{?(\w+)/g)].map(([, name]) => name));
      expect([...used].sort()).toEqual(
        variablesOf(dashboard)
          .map(({ name }) => name)
          .sort(),
      );
    }
  });
});

const prometheusPath = await findProgram('prometheus', 'prometheus');
const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'specs-example');
const examples: Readonly<Record<string, string>> = Object.fromEntries(
  ['api.yaml', 'echoserver.json', 'shop.yaml', 'web.yaml'].map((name) => [name, readFileSync(join(EXAMPLES, name), 'utf8')]),
);

describe.skipIf(prometheusPath === undefined)('the panels, from a daemon by way of a real Prometheus (needs prometheus)', () => {
  let site: SandboxSite;
  let prometheus: PrometheusServer;
  let base: { readonly reports: number; readonly patches: number; readonly cpu: number; readonly atMs: number };
  let resyncs = 0;

  beforeAll(async () => {
    site = await startSandboxSite();
    await waitUntil('the daemon to lead', () => site.reports.at(-1)?.leader.consul || undefined);
    prometheus = await startPrometheus(prometheusPath ?? '', site.daemon.url);
    await commit(site, prometheus, { ...examples, 'broken.yaml': 'kind: [' });
    await resync(site);
    // From here on every counter that a panel shows has been seen before it grows.
    await commit(site, prometheus, { 'more.yaml': appNamed('more'), 'web.yaml': WEB.replace(':2.4.0', ':2.4.1') });
    base = { reports: site.reports.length, patches: patchesOf(site), cpu: cpuSeconds(), atMs: Date.now() };
  }, 90_000);
  afterAll(async () => {
    await prometheus?.stop();
    await site?.stop();
  });

  const factsOf = async (pool: Facts['pool']): Promise<Facts> => {
    const status = (await (await fetch(`${site.daemon.url}/api/v1/status`)).json()) as RunReport;
    const window = Math.ceil((Date.now() - base.atMs) / 1000);
    const cores = (cpuSeconds() - base.cpu) / window;
    const reports = site.reports.slice(base.reports);
    const patches = patchesOf(site) - base.patches;
    return {
      status,
      window,
      reports,
      patches,
      resyncs,
      process: { bytes: process.memoryUsage().rss, cores },
      pool,
      servers: serversByPool(site, status),
    };
  };

  /** Asks every panel until it shows what is expected, and gives what it showed. */
  const look = async (pool: Facts['pool']): Promise<ReadonlyMap<string, string>> => {
    const shown = new Map<string, string>();
    for (const { name, dashboard, expected } of DASHBOARDS)
      for (const { title, queries } of panelsOf(dashboard)) {
        let wrong: readonly string[] = [];
        const same = async (): Promise<true | undefined> => {
          const facts = await factsOf(pool);
          const chosen = { job: 'poolkeeper', ...pool, __rate_interval: `${facts.window}s` };
          const answers = await Promise.all(queries.map((query) => prometheus.query(filled(query, chosen))));
          const wanted = (expected as Readonly<Record<string, Expectation>>)[title]?.(facts) ?? [];
          expect(wanted).toHaveLength(answers.length);
          wrong = answers.flatMap((answer, index) => differences(answer, wanted[index] ?? []));
          shown.set(`${name}: ${title}`, JSON.stringify(answers));
          return wrong.length === 0 ? true : undefined;
        };
        await waitUntil(`${name}: ${title} to show what is`, same, { timeoutMs: 10_000, describe: () => wrong.join('\n') });
      }
    return shown;
  };

  it('show what the servers and the status say, and follow a commit', { timeout: 180_000 }, async () => {
    await commit(site, prometheus, { 'other.yaml': appNamed('other') });
    const first = await look({ namespace: 'default', service: 'web' });
    await resync(site);
    resyncs++;
    site.kubernetes.createNode('worker-5', '127.1.1.5', { unschedulable: true });
    await site.commit({ 'shop.yaml': undefined, 'again.yaml': appNamed('more') });
    await commit(site, prometheus, { 'extra.yaml': appNamed('extra'), 'last.yaml': appNamed('last'), 'more.yaml': appNamed('more', 2) });
    const second = await look({ namespace: 'default', service: 'extra' });
    for (const title of CHANGING) expect([title, second.get(title)]).not.toEqual([title, first.get(title)]);
  });

  it('are drawn for the docs, from what their queries answer', { timeout: 120_000 }, async () => {
    const serving = (count: number): Promise<true> =>
      waitUntil(`${count} nodes to serve web`, async () => {
        const [found] = await prometheus.query('poolkeeper_pool_backends{namespace="default", service="web", state="serving"}');
        return found?.value === count ? true : undefined;
      });
    const mark = async (what: string) => (await fetch(`${site.daemon.url}/api/v1/nodes/worker-2/${what}`, { method: 'POST' })).status;
    // The docs show more than the moments of a test.
    const hold = (): Promise<void> => delay(process.env['POOLKEEPER_DOC_PICTURES'] === undefined ? 0 : 12_000);
    const folder = await pictureFolder();
    site.kubernetes.createNode('worker-6', '127.1.1.6');
    await serving(4);
    await hold();
    expect(await mark('drain')).toBe(200);
    await serving(3);
    await hold();
    expect(await mark('undrain')).toBe(200);
    await serving(4);
    await hold();
    await commit(site, prometheus, { 'web.yaml': WEB.replace(':2.4.0', ':2.4.2') });
    await hold();
    const chosen = { job: 'poolkeeper', namespace: 'default', service: 'web', __rate_interval: '15s' };
    for (const { name, dashboard } of DASHBOARDS) {
      const panels = panelsToDraw(dashboard);
      const answers = new Map<string, PanelAnswers>();
      for (const { title, type, queries } of panels) {
        const ask = async (query: string): Promise<readonly DrawnSeries[]> => {
          if (type === 'timeseries') return prometheus.queryRange(query, base.atMs);
          return (await prometheus.query(query)).map(({ labels, value }) => ({ labels, points: [[Date.now() / 1000, value]] }));
        };
        answers.set(title, await Promise.all(queries.map(({ expr }) => ask(filled(expr, chosen)))));
      }
      const drawn = drawDashboard(dashboard, panels, answers);
      for (const { title } of panels) expect(drawn).toContain(`>${title.replaceAll('&', '&amp;')}</text>`);
      expect(drawn).not.toContain('NaN');
      await writeFile(join(folder, `grafana-${name}.svg`), drawn);
    }
  });

  it('let their variables be chosen among what there is', async () => {
    const variables = DASHBOARDS.flatMap(({ dashboard }) => variablesOf(dashboard)).filter(({ type }) => type === VariableType.Query);
    const chosen: Readonly<Record<string, string>> = { job: 'poolkeeper', namespace: 'default', service: 'web' };
    expect(variables.map(({ name }) => name)).toEqual(['job', 'job', 'namespace', 'service', 'job']);
    for (const { name, query } of variables) {
      const { query: text } = query as { readonly query: string };
      const [, match = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? [];
      expect([name, await prometheus.labelValues(label, filled(match, chosen))]).toEqual([name, expect.arrayContaining([chosen[name]])]);
    }
    const match = 'poolkeeper_pool_backends{job="$job", namespace="$namespace"}';
    expect(JSON.stringify(variables)).toContain(JSON.stringify(match).slice(1, -1));
    expect(await prometheus.labelValues('service', filled(match, { ...chosen, namespace: 'shop' }))).toEqual(['shop']);
  });
});

/** The panels that the last commit of the test changes. How long it took may well be what the one before did. */
const CHANGING = [
  ...['In step', 'Need somebody', 'Revision', 'Stages, mean', 'Pools', 'Backends', 'Nodes that are out', 'Nodes', 'Holds'],
  ...['Conflicts', 'Problems'],
].map((title) => `overview: ${title}`);

const WEB = examples['web.yaml'] ?? '';
/** The example `web` under another name and host. */
const appNamed = (name: string, replicas = 3): string =>
  WEB.replaceAll(/\bweb\b(?!secure)/g, name)
    .replace('www.example', `${name}.example`)
    .replace('replicas: 3', `replicas: ${replicas}`);

const patchesOf = ({ kubernetes }: SandboxSite): number => kubernetes.requests().filter(({ verb }) => verb === 'patch').length;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const resync = async ({ daemon }: SandboxSite): Promise<void> => {
  expect((await fetch(`${daemon.url}/api/v1/resync`, { method: 'POST' })).status).toBe(202);
};

/** Commits, and waits until all has settled, has been timed, and has been scraped. */
async function commit(site: SandboxSite, prometheus: PrometheusServer, files: Readonly<Record<string, string | undefined>>): Promise<void> {
  const before = site.reports.length;
  await site.commit(files);
  const settled = async (): Promise<true | undefined> => {
    const last = site.reports.at(-1);
    if (last === undefined || last.specs.some(({ state }) => BUSY.has(state))) return undefined;
    if (!site.reports.slice(before).some(({ latencies }) => latencies.some(({ stage }) => stage === 'total'))) return undefined;
    const [runs] = await prometheus.query('poolkeeper_run_duration_seconds_count');
    const scrape = await (await fetch(`${site.daemon.url}/metrics`)).text();
    return scrape.includes(`\npoolkeeper_run_duration_seconds_count ${runs?.value}\n`) ? true : undefined;
  };
  await waitUntil('everything to settle', settled, {
    timeoutMs: 45_000,
    describe: () => JSON.stringify(site.reports.at(-1)?.specs.map(({ id, state, waiting }) => [id, state, waiting])),
  });
}
const BUSY: ReadonlySet<string> = new Set(['waiting', 'changing', 'leaving', 'unknown']);

const filled = (query: string, values: Readonly<Record<string, string>>): string =>
  query.replaceAll(/\$\{?(\w+)\}?/g, (_all, name: string) => values[name] ?? `no variable ${name}`);

/** How many servers the gateway has of each pool, told from their NodePort. */
function serversByPool({ gateway }: SandboxSite, { pools }: RunReport): ReadonlyMap<string, number> {
  const urls = new Set([...gateway.routes().http.services.values()].flatMap((service) => serversOf(service).map(({ url }) => url)));
  const counts = Map.groupBy(urls, (url) => Number(new URL(url).port));
  return new Map(
    pools.flatMap(({ pool, nodePort = 0 }) => (counts.has(nodePort) ? [[pool, counts.get(nodePort)?.length ?? 0] as const] : [])),
  );
}

const ownLabels = ({ labels: { __name__: _name, job: _job, instance: _instance, ...labels } }: Sample): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** In words what is wrong with an answer; empty when it is as expected. */
function differences(answer: readonly Sample[], wanted: readonly Expected[] | { readonly among: readonly Expected[] }): readonly string[] {
  if ('among' in wanted) {
    return wanted.among.flatMap((one) => {
      const fitting = answer.filter(({ labels }) => Object.entries(one.labels).every(([label, value]) => labels[label] === value));
      return differs(
        one,
        fitting.reduce((total, { value }) => total + value, 0),
      );
    });
  }
  const found = new Map(answer.map((sample) => [ownLabels(sample), sample.value]));
  const expected = new Map(wanted.map((one) => [ownLabels(one), one]));
  return [
    ...[...found].flatMap(([labels, value]) => (expected.has(labels) ? [] : [`${labels} is ${value} and should not be there`])),
    ...[...expected].flatMap(([labels, one]) => differs(one, found.get(labels))),
  ];
}

function differs({ labels, value, within = 0, plus = 0 }: Expected, found: number | undefined): readonly string[] {
  if (found !== undefined && Math.abs(found - value) <= Math.abs(value) * within + plus + 1e-9) return [];
  return [`${JSON.stringify(labels)} is ${found} and should be ${value}`];
}
