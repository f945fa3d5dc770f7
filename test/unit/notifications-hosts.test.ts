import { createHmac, timingSafeEqual } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serversOf } from '../../src/sandbox/gateway/routing-table.ts';
import { appManifest } from '../support/app-manifest.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';
import { waitUntil } from '../support/wait-until.ts';

const TOKEN = 'a-token-of-the-hosting-service';
const KEY = 'a-key-of-the-webhook';
const PAGE = 'https://poolkeeper.example.com';
const BROKEN = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { typ: NodePort }\n';

/** A hosting service: what its API asks of a request that sets the status of a commit. */
interface Host {
  readonly provider: string;
  readonly isKnown: (headers: IncomingHttpHeaders) => boolean;
  readonly path: (revision: string) => string;
  readonly states: readonly string[];
  readonly failure: string;
}

const HOSTS: readonly Host[] = [
  {
    provider: 'github',
    isKnown: ({ authorization }) => authorization === `Bearer ${TOKEN}`,
    path: (revision) => `/repos/team/specs/statuses/${revision}`,
    states: ['error', 'failure', 'pending', 'success'],
    failure: 'failure',
  },
  {
    provider: 'gitlab',
    isKnown: (headers) => headers['private-token'] === TOKEN,
    path: (revision) => `/projects/team%2Fspecs/statuses/${revision}`,
    states: ['pending', 'running', 'success', 'failed', 'canceled'],
    failure: 'failed',
  },
  {
    provider: 'gitea',
    isKnown: ({ authorization }) => authorization === `token ${TOKEN}`,
    path: (revision) => `/repos/team/specs/statuses/${revision}`,
    states: ['pending', 'success', 'error', 'failure', 'warning'],
    failure: 'failure',
  },
];

interface Status {
  readonly state: string;
  readonly description: string;
  readonly context: string;
  readonly target_url: string;
}

/** Why the service would refuse this, as a status code; 201: it does not. */
function judgeStatus({ isKnown, path, states }: Host, { method, path: asked, headers, body }: Received): number {
  const [revision = ''] = /[0-9a-f]{40}$/.exec(asked) ?? [];
  if (method !== 'POST' || asked !== path(revision)) return 404;
  if (!isKnown(headers)) return 401;
  if (headers['content-type'] !== 'application/json; charset=utf-8') return 415;
  const { state, description, context, target_url, ...rest } = JSON.parse(body) as Status;
  // GitHub and GitLab take 140 and 255 characters.
  const fits = states.includes(state) && description.length <= 140 && context === 'poolkeeper/site' && target_url === PAGE;
  return fits && Object.keys(rest).length === 0 ? 201 : 422;
}

/** As an incoming webhook of Slack: the URL is the secret, and text is all there is. */
function judgeChat({ method, path, headers, body }: Received): number {
  if (path !== `/services/${TOKEN}`) return 403;
  const { text, ...rest } = JSON.parse(body) as { readonly text: string };
  // No bare mark-up but the link to the page.
  const isSafe = !/<(?!https:\/\/poolkeeper\.example\.com\|status>)/.test(text);
  const fits = method === 'POST' && headers['content-type'] === 'application/json; charset=utf-8' && text !== '' && isSafe;
  return fits && Object.keys(rest).length === 0 ? 200 : 400;
}

/** As docs/notifications.md tells receivers to do it. */
function judgeHook({ headers, body }: Received): number {
  const [, t = '', v1 = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-poolkeeper-signature'])) ?? [];
  const mine = createHmac('sha256', KEY).update(`${t}.${body}`).digest();
  const genuine = Math.abs(Date.now() / 1000 - Number(t)) < 300 && timingSafeEqual(mine, Buffer.from(v1.padEnd(64, '0'), 'hex'));
  if (!genuine) return 401;
  const { event, cluster, link } = JSON.parse(body) as Readonly<Record<string, unknown>>;
  return event === headers['x-poolkeeper-event'] && cluster === 'site' && link === PAGE ? 200 : 422;
}

describe.each(HOSTS)('a daemon whose commits are at $provider', (host) => {
  let directory: TempDirectory;
  let [hosting, chat, hook]: Receiver[] = [];
  let site: SandboxSite;
  /** What was refused, by whom; and for each status whether the gateway served the route at that moment. */
  const refused: string[] = [];
  const seen: (Status & { readonly revision: string; readonly served: boolean })[] = [];

  const isServed = (name: string): boolean =>
    [...site.gateway.routes().http.services.values()].some((service) => service.name.includes(name) && serversOf(service).length > 0);
  const answers = (): readonly (readonly [Receiver, string, (request: Received) => number])[] => [
    [hosting as Receiver, host.provider, (request) => judgeStatus(host, request)],
    [chat as Receiver, 'slack', judgeChat],
    [hook as Receiver, 'webhook', judgeHook],
  ];
  const answerAll = (): void => {
    for (const [receiver, name, judge] of answers())
      receiver.answerWith((request, response) => {
        const code = judge(request);
        if (code > 201) refused.push(`${name} refuses with ${code}: ${request.path} ${request.body}`);
        else if (name === host.provider)
          seen.push({ ...(JSON.parse(request.body) as Status), revision: request.path.slice(-40), served: isServed('web') });
        response.writeHead(code).end(name === 'slack' ? 'ok' : '{}');
      });
  };
  const statusesOf = (revision: string): typeof seen => seen.filter((one) => one.revision === revision);
  const statesOf = (revision: string): readonly string[] => statusesOf(revision).map(({ state }) => state);
  const commit = async (files: Readonly<Record<string, string | undefined>>): Promise<string> => {
    await site.commit(files);
    return site.head();
  };

  beforeAll(async () => {
    directory = await makeTempDirectory('notifications-hosts');
    [hosting, chat, hook] = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
    const files = { token: TOKEN, key: KEY, slack: `${chat?.url}/services/${TOKEN}` };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory.path, name), text);
    site = await startSandboxSite({
      env: {
        POOLKEEPER_NOTIFY_COMMIT_STATUS_PROVIDER: host.provider,
        POOLKEEPER_NOTIFY_COMMIT_STATUS_URL: hosting?.url ?? '',
        POOLKEEPER_NOTIFY_COMMIT_STATUS_REPOSITORY: 'team/specs',
        POOLKEEPER_NOTIFY_COMMIT_STATUS_TOKEN_FILE: join(directory.path, 'token'),
        POOLKEEPER_NOTIFY_SLACK_URL_FILE: join(directory.path, 'slack'),
        POOLKEEPER_NOTIFY_WEBHOOK_URL: hook?.url ?? '',
        POOLKEEPER_NOTIFY_WEBHOOK_SECRET_FILE: join(directory.path, 'key'),
        POOLKEEPER_NOTIFY_EVENTS: 'spec-broken,commit-in-traffic,commit-failed',
        POOLKEEPER_NOTIFY_PAGE_URL: PAGE,
        POOLKEEPER_NOTIFY_TIMEOUT: '4s',
        // Traefik may be late here without being behind.
        POOLKEEPER_TRAEFIK_LET_GO: '30s',
      },
    });
    answerAll();
    await waitUntil('the daemon to lead', () => site.reports.at(-1)?.leader.consul || undefined);
  }, 60_000);
  afterAll(async () => {
    await site?.stop();
    await Promise.all([hosting, chat, hook].map((receiver) => receiver?.stop()));
    await directory?.remove();
  });

  it('shows a commit as pending while Traefik does not serve it, and as a success only when it does', { timeout: 60_000 }, async () => {
    const thaw = site.traefik.freeze();
    const revision = await commit({ 'web.yaml': appManifest('web') });
    await expect.poll(() => passing(site, 'web'), { timeout: 20_000 }).toBe(3);
    // All but Traefik has it, and Traefik has been asked since.
    const asked = site.traefik.requests();
    await expect.poll(() => site.traefik.requests(), { timeout: 20_000 }).toBeGreaterThan(asked + 1);
    await expect.poll(() => statesOf(revision).length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(new Set(statesOf(revision))).toEqual(new Set(['pending']));
    thaw();
    await expect.poll(() => statesOf(revision).at(-1), { timeout: 20_000 }).toBe('success');
    const last = statusesOf(revision).at(-1);
    expect(last).toMatchObject({ served: true, description: expect.stringMatching(/^in traffic.*served by Traefik$/) });
    const told = (receiver: Receiver | undefined): string => receiver?.received.map(({ body }) => body).join('\n') ?? '';
    await expect.poll(() => told(chat)).toContain(revision.slice(0, 7));
    await expect.poll(() => told(hook)).toContain('"event":"commit-in-traffic"');
  });

  it('shows a broken commit as a failure with the reason', { timeout: 60_000 }, async () => {
    const revision = await commit({ 'web.yaml': BROKEN });
    await expect.poll(() => statesOf(revision).at(-1), { timeout: 20_000 }).toBe(host.failure);
    expect(statusesOf(revision).at(-1)?.description).toMatch(/^web\.yaml: line 4: .*typ/);
    expect(statesOf(revision)).not.toContain('success');
    for (const receiver of [chat, hook])
      await expect.poll(() => receiver?.received.some(({ body }) => body.includes('web.yaml') && body.includes('broken'))).toBe(true);
  });

  it('is refused by none of them', () => expect(refused).toEqual([]));

  it.each([
    ['answer 500', 500],
    ['do not answer', undefined],
  ])('brings commits into traffic while all of them %s', { timeout: 60_000 }, async (_title, code) => {
    const asked = new Set<string>();
    let open = 0;
    for (const [receiver, who] of answers())
      receiver.answerWith((_request, response) => {
        asked.add(who);
        if (code !== undefined) response.writeHead(code).end('<html>');
        else response.on('close', () => open--);
        if (code === undefined) open++;
      });
    const name = code === undefined ? 'silent' : 'failing';
    const before = site.reports.length;
    await commit({ [`${name}.yaml`]: appManifest(name) });
    await expect.poll(() => isServed(name), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => site.reports.at(-1)?.specs.find(({ id }) => id === `${name}.yaml`)?.state, { timeout: 20_000 }).toBe('in-step');
    // The commit was there first: of those who were asked, who does not answer has not done so until now.
    if (code === undefined) await expect.poll(() => open).toBeGreaterThan(0);
    for (const { durationMs } of site.reports.slice(before)) expect(durationMs).toBeLessThan(5_000);
    await expect.poll(() => asked.size, { timeout: 20_000 }).toBe(3);
    answerAll();
  });

  it('tells what it could not tell, once they answer again', { timeout: 90_000 }, async () => {
    const revision = await commit({ 'web.yaml': appManifest('web') });
    await expect.poll(() => statesOf(revision).at(-1), { timeout: 60_000 }).toBe('success');
  });
});

/** Instances of a Consul service that pass, asked as anybody asks. */
async function passing({ consul }: SandboxSite, service: string): Promise<number> {
  const answer = await fetch(`${consul.url}/v1/health/service/${service}?passing`);
  return ((await answer.json()) as readonly unknown[]).length;
}
