import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { commitStatusOptions } from '../../src/notifications.ts';
import { appManifest } from '../support/app-manifest.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';
import { waitUntil } from '../support/wait-until.ts';

const TOKEN = 'a-token-of-the-hosting-service';
const KEY = 'a-key-of-the-webhook';
const BROKEN = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { typ: NodePort }\n';

interface Status {
  readonly state: string;
  readonly description: string;
  readonly context: string;
}

describe('a daemon that tells others', () => {
  let directory: Awaited<ReturnType<typeof makeTempDirectory>>;
  let hosting: Receiver;
  let chat: Receiver;
  let site: SandboxSite;
  const lines: string[] = [];
  beforeAll(async () => {
    directory = await makeTempDirectory('notifications');
    [hosting, chat] = await Promise.all([startReceiver(), startReceiver()]);
    const files = { token: TOKEN, key: KEY, url: `${chat.url}/in/${TOKEN}` };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory.path, name), text);
    site = await startSandboxSite({
      env: {
        POOLKEEPER_NOTIFY_COMMIT_STATUS_PROVIDER: 'github',
        POOLKEEPER_NOTIFY_COMMIT_STATUS_URL: hosting.url,
        POOLKEEPER_NOTIFY_COMMIT_STATUS_REPOSITORY: 'team/specs',
        POOLKEEPER_NOTIFY_COMMIT_STATUS_TOKEN_FILE: join(directory.path, 'token'),
        POOLKEEPER_NOTIFY_WEBHOOK_URL_FILE: join(directory.path, 'url'),
        POOLKEEPER_NOTIFY_WEBHOOK_SECRET_FILE: join(directory.path, 'key'),
        POOLKEEPER_NOTIFY_EVENTS: 'spec-broken,commit-in-traffic',
      },
      onLine: (line) => lines.push(line),
    });
    await waitUntil('the daemon to lead', () => site.reports.at(-1)?.leader.consul || undefined);
  }, 60_000);
  afterEach(() => {
    hosting.answerWith(undefined);
    chat.answerWith(undefined);
  });
  afterAll(async () => {
    await site?.stop();
    await Promise.all([hosting?.stop(), chat?.stop()]);
    await directory?.remove();
  });

  const commit = async (files: Readonly<Record<string, string | undefined>>): Promise<string> => {
    await site.commit(files);
    return site.reports.at(-1)?.revision ?? '';
  };
  const statusesOf = (revision: string): readonly Status[] =>
    hosting.received.filter(({ path }) => path === `/repos/team/specs/statuses/${revision}`).map(({ body }) => JSON.parse(body) as Status);
  const statesOf = (revision: string): readonly string[] => statusesOf(revision).map(({ state }) => state);
  const statusNow = async (): Promise<RunReport> => (await (await fetch(`${site.daemon.url}/api/v1/status`)).json()) as RunReport;

  it('shows a commit as pending, and as a success when Traefik serves it', async () => {
    const revision = await commit({ 'web.yaml': appManifest('web') });
    await expect.poll(() => statesOf(revision).at(-1), { timeout: 30_000 }).toBe('success');
    const [first, ...rest] = statusesOf(revision);
    expect(first).toMatchObject({ state: 'pending', context: 'poolkeeper/site' });
    expect(rest.at(-1)?.description).toMatch(/^in traffic( after [\d.]+ s)?: 1 spec in step, served by Traefik$/);
    const served = site.reports.findIndex((report) => report.specs.some(({ id, legs }) => id === 'web.yaml' && legs.traefik === 'in-step'));
    expect(served).toBeGreaterThan(0);
    await expect.poll(() => chat.received.map(({ headers }) => headers['x-poolkeeper-event'])).toContain('commit-in-traffic');
  });

  it('shows a broken commit as a failure with the reason, and the one that mends it as a success', async () => {
    const broken = await commit({ 'web.yaml': BROKEN });
    await expect.poll(() => statesOf(broken)).toEqual(['failure']);
    expect(statusesOf(broken)[0]?.description).toMatch(/^web\.yaml: line 4: .*typ/);
    const [told] = await expect
      .poll(() => chat.received.filter(({ headers }) => headers['x-poolkeeper-event'] === 'spec-broken'))
      .toHaveLength(1)
      .then(() => chat.received.filter(({ headers }) => headers['x-poolkeeper-event'] === 'spec-broken'));
    const [, seconds = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(told?.headers['x-poolkeeper-signature'])) ?? [];
    expect(createHmac('sha256', KEY).update(`${seconds}.${told?.body}`).digest('hex')).toBe(signature);
    expect(JSON.parse(told?.body ?? '')).toMatchObject({
      event: 'spec-broken',
      phase: 'begun',
      subject: 'web.yaml',
      cluster: 'site',
      revision: broken,
    });
    // Another file's commit is not the one to blame.
    const other = await commit({ 'other.yaml': appManifest('other') });
    await expect.poll(() => statesOf(other).at(-1), { timeout: 30_000 }).toBe('success');
    const mended = await commit({ 'web.yaml': appManifest('web') });
    await expect.poll(() => statesOf(mended).at(-1), { timeout: 30_000 }).toBe('success');
    expect(statesOf(broken)).toEqual(['failure']);
  });

  it('neither delays nor fails a run when nobody answers, and says so', async () => {
    hosting.answerWith(() => undefined);
    chat.answerWith((_request, response) => response.destroy());
    const before = site.reports.length;
    await commit({ 'third.yaml': appManifest('third') });
    const inStep = (): boolean | undefined =>
      site.reports.at(-1)?.specs.some(({ id, state }) => id === 'third.yaml' && state === 'in-step') || undefined;
    await waitUntil('the commit to be in step', inStep, { timeoutMs: 30_000 });
    // Less than the deadline of the request that is still open.
    for (const { durationMs } of site.reports.slice(before)) expect(durationMs).toBeLessThan(5_000);
    await expect.poll(async () => (await statusNow()).problems.map(({ code }) => code)).toContain('NOTIFIER_FAILED');
    const metrics = await (await fetch(`${site.daemon.url}/metrics`)).text();
    expect(metrics).toMatch(/poolkeeper_notifications_total\{channel="webhook",result="failed"\} [1-9]/);
    expect(metrics).toContain('poolkeeper_problems{code="NOTIFIER_FAILED",severity="warning"} 1');
    expect(lines.some((line) => line.includes('"event":"notify"') && line.includes('NOTIFIER_FAILED'))).toBe(true);
  });

  it('names a refusal of the hosting service, and forgets it when it passes', async () => {
    hosting.answerWith((request, response) => response.writeHead(404).end(`<html>${JSON.stringify(request.headers)}</html>`));
    // The requests that nobody answered end at their deadline first.
    await commit({ 'fourth.yaml': appManifest('fourth') });
    await expect.poll(async () => (await statusNow()).problems.map(({ code }) => code), { timeout: 30_000 }).toContain('NOTIFIER_REFUSED');
    hosting.answerWith(undefined);
    const revision = await commit({ 'fourth.yaml': appManifest('fourth', { tags: 'kubernetes,again' }) });
    await expect.poll(() => statesOf(revision).at(-1), { timeout: 30_000 }).toBe('success');
    await expect
      .poll(async () => (await statusNow()).problems.map(({ code }) => code), { timeout: 30_000 })
      .not.toContain('NOTIFIER_REFUSED');
  });

  it('keeps its secrets out of log, status and metrics', async () => {
    const metrics = await (await fetch(`${site.daemon.url}/metrics`)).text();
    const shown = [lines.join(''), JSON.stringify(await statusNow()), metrics, ...hosting.received.map(({ body }) => body)].join('\n');
    for (const secret of [TOKEN, KEY]) expect(shown).not.toContain(secret);
  });
});

describe('where commits have their status', () => {
  const targetOf = (provider: string, url: string, more: Readonly<Record<string, string>> = {}): string => {
    const flags = {
      cluster: 'main',
      'git.url': url,
      'notify.commitStatus.provider': provider,
      'notify.commitStatus.tokenFile': '/t',
      ...more,
    };
    const loaded = loadConfig({ env: {}, flags, readFile: () => 'secret' });
    if (loaded.kind === 'invalid') throw new Error(loaded.problems[0]?.message);
    const options = commitStatusOptions(loaded.config, { clock: { now: () => 0, random: () => 0 }, timeoutMs: 1 });
    return `${options?.url} ${options?.repository} ${options?.context}`;
  };

  it.each([
    ['github', 'https://github.com/team/specs.git', 'https://api.github.com team/specs'],
    ['github', 'git@github.com:team/specs.git', 'https://api.github.com team/specs'],
    ['github', 'ssh://git@ssh.github.com:443/team/specs', 'https://api.github.com team/specs'],
    ['github', 'git@github.example.com:team/specs.git', 'https://github.example.com/api/v3 team/specs'],
    ['gitlab', 'https://gitlab.com/group/sub/specs.git', 'https://gitlab.com/api/v4 group/sub/specs'],
    ['gitlab', 'ssh://git@gitlab.example.com:2222/group/specs.git', 'https://gitlab.example.com/api/v4 group/specs'],
    ['gitea', 'http://gitea.example.com:3000/team/specs/', 'http://gitea.example.com:3000/api/v1 team/specs'],
  ])('follows for %s from %s', (provider, url, expected) => {
    expect(targetOf(provider, url)).toBe(`${expected} poolkeeper/main`);
  });

  it('is where the configuration says, if it says', () => {
    const more = {
      'notify.commitStatus.url': 'https://example.com/gitea/api/v1',
      'notify.commitStatus.repository': 'a/b',
      'notify.commitStatus.context': 'mine',
    };
    expect(targetOf('gitea', 'https://github.com/team/specs.git', more)).toBe('https://example.com/gitea/api/v1 a/b mine');
    expect(targetOf('gitea', 'https://example.com/gitea/team/specs.git')).toContain(' team/specs ');
  });
});
