import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Dashboard, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from '../../support/dashboards/compare-answers.ts';
import { type DrawnSeries, drawDashboard, type PanelAnswers, panelsToDraw } from '../../support/dashboards/draw-dashboard.ts';
import { internalsDashboard } from '../../support/dashboards/internals.ts';
import { INTERNALS } from '../../support/dashboards/internals-rows.ts';
import { overviewDashboard } from '../../support/dashboards/overview.ts';
import { OVERVIEW } from '../../support/dashboards/overview-rows.ts';
import { EVENTS, type EventName, type Facts, type PanelRow } from '../../support/dashboards/panel-row.ts';
import { type FileState, fileStates, readProcess, readServers } from '../../support/dashboards/server-facts.ts';
import { serviceDashboard } from '../../support/dashboards/service.ts';
import { SERVICE } from '../../support/dashboards/service-rows.ts';
import { findProgram } from '../../support/deploy-files.ts';
import { pictureFolder } from '../../support/picture-folder.ts';
import { type PrometheusServer, startPrometheus } from '../../support/prometheus-server.ts';
import { wrongNames } from '../../support/promql-names.ts';
import { type SandboxSite, startSandboxSite } from '../../support/sandbox-site.ts';
import { type SlowProxy, startSlowProxy } from '../../support/slow-proxy.ts';
import { waitUntil } from '../../support/wait-until.ts';

const DASHBOARDS = [
  { name: 'overview', dashboard: overviewDashboard(), rows: OVERVIEW },
  { name: 'service', dashboard: serviceDashboard(), rows: SERVICE },
  { name: 'internals', dashboard: internalsDashboard(), rows: INTERNALS },
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
    for (const { dashboard, rows } of DASHBOARDS) {
      const panels = panelsOf(dashboard);
      for (const { queries } of panels) for (const query of queries) expect(wrongNames(query)).toEqual([]);
      expect(panels.map(({ title }) => title)).toEqual(Object.keys(rows));
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

/** Every panel, with what it is held to. */
const PANELS = DASHBOARDS.flatMap(({ name, dashboard, rows }) =>
  panelsOf(dashboard).flatMap(({ title, queries }) => {
    const row = (rows as Readonly<Record<string, PanelRow>>)[title];
    return row === undefined ? [] : [{ title: `${name}: ${title}`, queries, row }];
  }),
);

describe.skipIf(prometheusPath === undefined)('the panels, from a daemon by way of a real Prometheus (needs prometheus)', () => {
  let site: SandboxSite;
  let proxy: SlowProxy;
  let prometheus: PrometheusServer;
  let base: { readonly atMs: number; readonly reports: number; readonly commits: number; readonly counts: Counts };
  const timed: { readonly least: number; readonly most: number }[] = [];
  let [resyncs, waitsSinceMs, lag, routesMs]: [number, number | undefined, number, number] = [0, undefined, 0, 0];
  let runsWait = false;
  let hangs = 0;

  beforeAll(async () => {
    proxy = await startSlowProxy();
    site = await startSandboxSite({
      env: { POOLKEEPER_TRAEFIK_PROBE_URL: proxy.url, POOLKEEPER_TRAEFIK_PROBE_INTERVAL: '1s', POOLKEEPER_KUBERNETES_TIMEOUT: '8s' },
    });
    proxy.leadTo(site.gateway.urls['web'] ?? '');
    await waitUntil('the daemon to lead', () => site.reports.at(-1)?.leader.consul || undefined);
    prometheus = await startPrometheus(prometheusPath ?? '', site.daemon.url);
    await waitUntil('the first scrape', async () => ((await prometheus.query('poolkeeper_leader')).length > 0 ? true : undefined));
    await commit(examples);
    // What never comes into traffic is not timed.
    await site.commit({ 'gate.yaml': BROKEN });
    await resync();
    // From here on every counter that a panel shows has been seen before it grows.
    await commit({ 'more.yaml': appNamed('more'), 'web.yaml': WEB.replace(':2.4.0', ':2.4.1') });
    base = { atMs: Date.now(), reports: site.reports.length, commits: timed.length, counts: countsOf(site) };
    await commit({ 'other.yaml': appNamed('other') });
  }, 90_000);
  afterAll(async () => {
    await prometheus?.stop();
    await site?.stop();
    await proxy?.stop();
  });

  const resync = async (): Promise<void> => {
    expect((await fetch(`${site.daemon.url}/api/v1/resync`, { method: 'POST' })).status).toBe(202);
  };

  const settled = async (files: readonly string[], stuck: readonly FileState[] = []): Promise<true | undefined> => {
    const states = fileStates(await readServers(site));
    return files.every((file) => states.get(file) === 'in-step' || stuck.includes(states.get(file) ?? 'in-step')) || undefined;
  };
  /** Until the metrics have timed as many commits as the test, and Prometheus knows of the last run. */
  const scraped = (): Promise<true> =>
    waitUntil('the commit to be timed and scraped', async () => {
      const scrape = await (await fetch(`${site.daemon.url}/metrics`)).text();
      const counts = [...scrape.matchAll(/^poolkeeper_sync_latency_seconds_count\{.*stage="total".*\} (\d+)$/gm)].map(([, count]) =>
        Number(count),
      );
      if (counts.reduce((total, count) => total + count, 0) !== timed.length) return undefined;
      const [runs] = await prometheus.query('poolkeeper_run_duration_seconds_count');
      return scrape.includes(`\npoolkeeper_run_duration_seconds_count ${runs?.value}\n`) ? true : undefined;
    });
  /** Commits, and waits until the servers have all of it; `since`: an earlier commit arrives with it, made then. */
  const commit = async (files: Files, since?: number): Promise<void> => {
    const fromMs = Date.now();
    await site.commit(files);
    const changed = Object.keys(files).filter((file) => files[file] !== undefined && files[file] !== BROKEN);
    await waitUntil('the servers to have it', () => settled(changed), { timeoutMs: 45_000 });
    const tookS = (Date.now() - fromMs) / 1000;
    // The clock of the daemon begins at its last look before, and ends between the servers having it and its telling so.
    timed.push({ least: Math.max(0, tookS - 1.5), most: tookS + 4 });
    if (since !== undefined) timed.push({ least: (fromMs - since) / 1000, most: (Date.now() - since) / 1000 + 4 });
    await scraped();
  };

  const factsOf = async (pool: Facts['pool']): Promise<Facts> => {
    const servers = await readServers(site);
    const [counts, nowMs] = [countsOf(site), Date.now()];
    const window = Math.ceil((nowMs - base.atMs) / 1000);
    return {
      servers,
      nowMs,
      window,
      applies: counts.applies - base.counts.applies,
      patches: counts.patches - base.counts.patches,
      puts: counts.puts - base.counts.puts,
      hangs,
      resyncs,
      commits: timed.slice(base.commits),
      allCommits: timed,
      waitsSinceMs,
      traefikAnsweredAtMs: site.traefik.answeredAtMs(),
      routes: { least: routesMs / 1000, most: Math.max(...proxy.took.slice(-20)) / 1000 + 0.5 },
      process: { bytes: readProcess().bytes, cores: (counts.cpuSeconds - base.counts.cpuSeconds) / window, lag },
      reports: site.reports.slice(base.reports),
      runsWait,
      pool,
    };
  };

  /** Asks these panels until each shows what the servers say, and something else than in `before`; gives what they showed. */
  const look = async (
    panels: typeof PANELS,
    { pool = { namespace: 'default', service: 'web' }, before }: Look = {},
  ): Promise<ReadonlyMap<string, string>> => {
    const shown = new Map<string, string>();
    for (const { title, queries, row } of panels) {
      let wrong: readonly string[] = [];
      const same = async (): Promise<true | undefined> => {
        const facts = await factsOf(pool);
        const chosen = { job: 'poolkeeper', ...pool, __rate_interval: `${facts.window}s` };
        const answers = await Promise.all(queries.map((query) => prometheus.query(filled(query, chosen))));
        const wanted = row.expected(facts);
        expect(wanted).toHaveLength(answers.length);
        wrong = answers.flatMap((answer, index) => differences(answer, wanted[index] ?? []));
        shown.set(title, JSON.stringify(answers));
        const isNews = shown.get(title) !== before?.get(title);
        if (!isNews && wrong.length === 0) wrong = ['the same as before'];
        return wrong.length === 0 ? true : undefined;
      };
      await waitUntil(`${title} to show what is`, same, { timeoutMs: 15_000, describe: () => wrong.join('\n') });
    }
    return shown;
  };

  const happened: EventName[] = [];
  /** Lets something happen: the panels that it is about are right before and after, and show something else. */
  const happens = async (event: EventName, act: () => Promise<void>): Promise<void> => {
    const panels = PANELS.filter(({ row }) => row.changedBy === event);
    const before = await look(panels);
    await act();
    await look(panels, { before });
    happened.push(event);
  };
  const cordon = async (node: string, unschedulable: boolean): Promise<void> => {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const answer = await fetch(`${site.kubernetes.url}/api/v1/nodes/${node}`, {
      method: 'PATCH',
      headers,
      body: JSON.stringify({ spec: { unschedulable } }),
    });
    expect(answer.status).toBe(200);
  };

  it('show what the servers say, and something else after what they are about', { timeout: 300_000 }, async () => {
    await look(PANELS);
    await happens('a commit', () =>
      commit({ 'extra.yaml': appNamed('extra'), 'last.yaml': appNamed('last'), 'more.yaml': appNamed('more', 2) }),
    );
    await happens('a commit that waits', async () => {
      waitsSinceMs = Date.now();
      await site.commit({
        'late.yaml': appNamed('late').replace('  name: late\n', `  name: late\n  annotations: { poolkeeper.dev/depends-on: gate.yaml }\n`),
      });
    });
    await happens('a node is cordoned', async () => cordon('worker-3', true));
    const heal = site.consul.fail({ kind: 'status', status: 500, match: /^PUT \/v1\/txn/ });
    await happens('Consul refuses writes while a node comes back', async () => cordon('worker-3', false));
    heal();
    await happens('a floor is raised', () =>
      commit({
        'web.yaml': WEB.replace(':2.4.0', ':2.4.1').replace('  annotations:\n', "  annotations:\n    poolkeeper.dev/min-backends: '2'\n"),
      }),
    );
    await happens('routes grow slow', async () => {
      routesMs = 400;
      proxy.waitFor(routesMs);
    });
    let mend = (): void => undefined;
    await happens('Traefik does not answer', async () => {
      mend = site.traefik.fail();
      // It is asked seldom at rest, and believed to be gone when it has not answered several times.
      for (let i = 0; i < 4; i++) await site.daemon.resync();
    });
    mend();
    await site.daemon.resync();
    await happens('a resync is asked for', async () => {
      await resync();
      resyncs++;
    });
    let slow = Promise.resolve();
    await happens('a run hangs while others wait', async () => {
      site.kubernetes.inject({ verb: 'patch', resource: 'deployments', fault: 'hang' });
      const patches = countsOf(site).patches;
      slow = commit({ 'slow.yaml': appNamed('slow') });
      // What fails in it is told where it is waited for.
      slow.catch(() => undefined);
      await waitUntil('the run to hang', () => countsOf(site).patches > patches || undefined);
      await cordon('worker-4', false);
      await cordon('worker-4', true);
      runsWait = true;
    });
    runsWait = false;
    await slow;
    hangs++;
    const taken: Buffer[] = [];
    await happens('memory is taken', async () => void taken.push(Buffer.alloc(256 * 2 ** 20, 1)));
    expect(taken.pop()?.length).toBeGreaterThan(0);
    const blocker = setInterval(() => block(lag * 1000), 400);
    await happens('the event loop is blocked', async () => {
      lag = 0.25;
    });
    clearInterval(blocker);
    lag = 0;
    await happens('a commit of what is wrong', () => site.commit({ 'again.yaml': appNamed('more', 2), 'shop.yaml': undefined }));
    await happens('Consul ends the session of the leader', async () => {
      const [entry] = (await (await fetch(`${site.consul.url}/v1/kv/kubernetes/.poolkeeper/site/leader`)).json()) as { Session: string }[];
      site.consul.fail({ kind: 'status', status: 500, match: /^PUT \/v1\/(kv|session)/ });
      site.consul.expireSession(entry?.Session ?? '');
    });
    site.consul.heal();
    await waitUntil('the daemon to lead again', () => site.reports.at(-1)?.leader.consul || undefined);
    await waitUntil('half a minute', () => (Date.now() - (waitsSinceMs ?? 0) > 33_000 ? true : undefined), { timeoutMs: 40_000 });
    await happens('a commit that comes late', async () => {
      await commit({ 'gate.yaml': appNamed('gate'), 'shop.yaml': examples['shop.yaml'] }, waitsSinceMs);
      waitsSinceMs = undefined;
    });
    expect(new Set(happened)).toEqual(new Set(EVENTS));
    await look(PANELS, { pool: { namespace: 'default', service: 'extra' } });
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
    await commit({ 'web.yaml': WEB.replace(':2.4.0', ':2.4.2') });
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

const BROKEN = 'kind: [';
type Files = Readonly<Record<string, string | undefined>>;
const WEB = examples['web.yaml'] ?? '';
/** The example `web` under another name and host. */
const appNamed = (name: string, replicas = 3): string =>
  WEB.replaceAll(/\bweb\b(?!secure)/g, name)
    .replace('www.example', `${name}.example`)
    .replace('replicas: 3', `replicas: ${replicas}`);

/** How panels are looked at. */
interface Look {
  readonly pool?: Facts['pool'];
  readonly before?: ReadonlyMap<string, string>;
}

/** What has been counted so far, by those who were asked. */
interface Counts {
  readonly applies: number;
  readonly patches: number;
  readonly puts: number;
  readonly cpuSeconds: number;
}

/** The nodes are patched by the test alone. */
function countsOf({ kubernetes, consul }: SandboxSite): Counts {
  const isApply = ({ verb, resource }: { readonly verb: string; readonly resource: string }): boolean =>
    verb === 'patch' && resource !== 'nodes';
  return {
    applies: kubernetes.writes().filter(isApply).length,
    patches: kubernetes.requests().filter(isApply).length,
    puts: [...consul.requests()].reduce((total, [kind, count]) => total + (kind.startsWith('PUT ') ? count : 0), 0),
    cpuSeconds: readProcess().cpuSeconds,
  };
}

function block(ms: number): void {
  const endAt = performance.now() + ms;
  while (performance.now() < endAt);
}

const filled = (query: string, values: Readonly<Record<string, string>>): string =>
  query.replaceAll(/\$\{?(\w+)\}?/g, (_all, name: string) => values[name] ?? `no variable ${name}`);
