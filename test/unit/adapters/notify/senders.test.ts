import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type CommitStatusOptions,
  type CommitStatusProvider,
  createCommitStatusSender,
} from '../../../../src/adapters/notify/commit-status-sender.ts';
import { createSlackSender } from '../../../../src/adapters/notify/slack-sender.ts';
import { createWebhookSender, type WebhookOptions } from '../../../../src/adapters/notify/webhook-sender.ts';
import { revision } from '../../../../src/core/model/ids.ts';
import type { ChannelMessage, CommitStatus, Sender, SendResult } from '../../../../src/core/model/notification.ts';
import { selfSigned } from '../../../support/certificate.ts';
import { makeTempDirectory } from '../../../support/processes.ts';
import { type Receiver, startReceiver } from '../../../support/receiver.ts';

const TOKEN = 'token-that-nobody-may-see';
const SECRET = 'key-that-nobody-may-see';
const NOW_MS = 1_700_000_000_500;
const clock = { now: () => NOW_MS, random: () => 0.5 };
const status: CommitStatus = { revision: revision('4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d'), state: 'pending', description: 'applying' };
const message: ChannelMessage = {
  id: 1,
  notification: {
    event: 'spec-broken',
    phase: 'begun',
    subject: 'prod/web.yaml',
    message: 'prod/web.yaml is broken: <x> & "y"',
    remedy: 'Mend it.',
    revision: '4f1c0de',
    atMs: NOW_MS - 500,
  },
  more: {},
};
const live = new AbortController().signal;

describe('senders of notifications', () => {
  let directory: Awaited<ReturnType<typeof makeTempDirectory>>;
  let server: Receiver;
  let senders: Sender<never>[] = [];
  const file = (name: string): string => join(directory.path, name);
  const keep = <T>(sender: Sender<T>): Sender<T> => {
    senders.push(sender as Sender<never>);
    return sender;
  };

  beforeAll(async () => {
    directory = await makeTempDirectory('notify');
  });
  beforeEach(async () => {
    server = await startReceiver();
    await writeFile(file('token'), `${TOKEN}\n`);
    await writeFile(file('secret'), SECRET);
    await writeFile(file('url'), `${server.url}/services/${TOKEN}\n`);
  });
  afterEach(async () => {
    await Promise.all(senders.map((sender) => sender.close()));
    senders = [];
    await server.stop();
  });
  afterAll(() => directory.remove());

  const commits = (provider: CommitStatusProvider, more: Partial<CommitStatusOptions> = {}): Sender<CommitStatus> =>
    keep(
      createCommitStatusSender({
        provider,
        url: `${server.url}/api/`,
        repository: 'team/specs',
        tokenFile: file('token'),
        context: 'poolkeeper/main',
        link: 'http://page',
        clock,
        timeoutMs: 5_000,
        ...more,
      }),
    );
  const webhook = (more: Partial<WebhookOptions> = {}): Sender<ChannelMessage> =>
    keep(createWebhookSender({ target: { url: `${server.url}/told` }, cluster: 'main', link: '', clock, timeoutMs: 5_000, ...more }));
  const slack = (): Sender<ChannelMessage> =>
    keep(createSlackSender({ urlFile: file('url'), cluster: 'main', link: 'http://page', clock, timeoutMs: 5_000 }));

  const sha = status.revision;
  it.each<[CommitStatusProvider, string, Record<string, string>, readonly string[]]>([
    [
      'github',
      `/api/repos/team/specs/statuses/${sha}`,
      { authorization: `Bearer ${TOKEN}`, accept: 'application/vnd.github+json' },
      ['pending', 'success', 'failure', 'error'],
    ],
    ['gitlab', `/api/projects/team%2Fspecs/statuses/${sha}`, { 'private-token': TOKEN }, ['pending', 'success', 'failed', 'canceled']],
    ['gitea', `/api/repos/team/specs/statuses/${sha}`, { authorization: `token ${TOKEN}` }, ['pending', 'success', 'failure', 'warning']],
  ])('set the status of a commit at %s', async (provider, path, headers, words) => {
    const sender = commits(provider);
    for (const state of ['pending', 'success', 'failure', 'superseded'] as const) {
      expect(await sender.send({ ...status, state }, live)).toEqual({ kind: 'sent' });
    }
    expect(server.received.map(({ body }) => (JSON.parse(body) as { state: string }).state)).toEqual(words);
    expect(server.received[0]).toMatchObject({ method: 'POST', path, headers: { ...headers, 'user-agent': 'poolkeeper' } });
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
      state: 'pending',
      context: 'poolkeeper/main',
      description: 'applying',
      target_url: 'http://page',
    });
  });

  it('read tokens and URLs again for each request', async () => {
    const sender = commits('github');
    await sender.send(status, live);
    await writeFile(file('token'), 'another');
    await sender.send(status, live);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${TOKEN}`, 'Bearer another']);
    await writeFile(file('url'), `${server.url}/moved`);
    await slack().send(message, live);
    expect(server.received[2]?.path).toBe('/moved');
  });

  it('take the state that GitLab has already for sent, and no other refusal', async () => {
    const sender = commits('gitlab');
    server.answerWith((_request, response) =>
      response
        .writeHead(400)
        .end('{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition)"}'),
    );
    expect(await sender.send(status, live)).toEqual({ kind: 'sent' });
    server.answerWith((_request, response) => response.writeHead(400).end('{"message":"bad"}'));
    expect(await sender.send(status, live)).toMatchObject({ kind: 'failed', retry: false });
  });

  it('write what Slack shows, with nothing in it that Slack would act upon', async () => {
    await slack().send({ ...message, more: { held: 2 } }, live);
    expect(server.received[0]?.path).toBe(`/services/${TOKEN}`);
    expect(server.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { text: '🔴 *main*: prod/web.yaml is broken: &lt;x&gt; &amp; "y"\nMend it.\nand 2 more: 2 held\n<http://page|status>' },
    ]);
  });

  it('sign what a webhook is sent, with the time', async () => {
    await webhook({ secretFile: file('secret') }).send(message, live);
    const [{ headers, body } = { headers: {}, body: '' }] = server.received;
    const hmac = createHmac('sha256', SECRET).update(`1700000000.${body}`).digest('hex');
    expect(headers).toMatchObject({
      'x-poolkeeper-signature': `t=1700000000,v1=${hmac}`,
      'x-poolkeeper-event': 'spec-broken',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(JSON.parse(body)).toEqual({
      event: 'spec-broken',
      phase: 'begun',
      subject: 'prod/web.yaml',
      message: 'prod/web.yaml is broken: <x> & "y"',
      remedy: 'Mend it.',
      revision: '4f1c0de',
      cluster: 'main',
      time: '2023-11-14T22:13:20.000Z',
      link: '',
      more: {},
    });
  });

  it('name a delivery the same when it is tried again, and another one otherwise', async () => {
    const sender = webhook();
    for (const one of [message, message, { ...message, more: { held: 1 } }]) await sender.send(one, live);
    const names = server.received.map(({ headers }) => headers['x-poolkeeper-delivery']);
    expect(names[0]).toMatch(/^[0-9a-f]{32}$/);
    expect([names[1] === names[0], names[2] === names[0]]).toEqual([true, false]);
    for (const id of [7, 8]) await sender.send({ ...message, id }, live);
    const [first, second] = server.received.slice(3).map(({ headers }) => headers['x-poolkeeper-delivery']);
    expect(first).not.toBe(second);
    expect(server.received[0]?.headers).not.toHaveProperty('x-poolkeeper-signature');
    expect(JSON.parse(server.received[2]?.body ?? '')).toMatchObject({ andMore: 'and 1 more: 1 held', more: { held: 1 } });
  });

  it('fill a template, and take the URL from a file', async () => {
    await webhook({ target: { urlFile: file('url') }, template: '{"text": "{{ cluster }}: {{ message }}"}' }).send(message, live);
    expect(server.received[0]).toMatchObject({
      path: `/services/${TOKEN}`,
      body: JSON.stringify({ text: 'main: prod/web.yaml is broken: <x> & "y"' }).replace('":"', '": "'),
    });
  });

  const failed = (code: string, retry: boolean, text: string, more: object = {}): unknown => ({
    kind: 'failed',
    retry,
    problem: expect.objectContaining({ code, message: expect.stringContaining(text) as unknown }) as unknown,
    ...more,
  });
  it.each<[string, number, Record<string, string>, unknown]>([
    ['an outage', 500, {}, failed('NOTIFIER_FAILED', true, 'HTTP 500')],
    ['a limit in seconds', 429, { 'retry-after': '7' }, failed('NOTIFIER_FAILED', true, 'HTTP 429', { afterMs: 7_000 })],
    [
      'a limit until a date',
      503,
      { 'retry-after': 'Tue, 14 Nov 2023 22:13:30 GMT' },
      failed('NOTIFIER_FAILED', true, '503', { afterMs: 9_500 }),
    ],
    [
      'the limit of GitHub',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1700000060' },
      failed('NOTIFIER_FAILED', true, 'HTTP 403', { afterMs: 59_500 }),
    ],
    ['a token that is not valid', 401, {}, failed('NOTIFIER_REFUSED', true, 'GitHub, status of commit 4f1c0de: answered with HTTP 401')],
    ['a token without the right', 403, {}, failed('NOTIFIER_REFUSED', true, 'HTTP 403')],
    ['a repository that is not there', 404, {}, failed('NOTIFIER_REFUSED', false, 'HTTP 404')],
    ['a commit that is not there', 422, {}, failed('NOTIFIER_REFUSED', false, 'HTTP 422')],
    ['another address', 302, { location: 'http://192.0.2.1/' }, failed('NOTIFIER_REFUSED', false, 'HTTP 302')],
  ])('tell %s from others', async (_title, code, headers, expected) => {
    server.answerWith((request, response) => response.writeHead(code, headers).end(`<html>${request.headers.authorization ?? ''}</html>`));
    expect(await commits('github').send(status, live)).toEqual(expected);
  });

  it('say what to do about a refusal', async () => {
    server.answerWith((_request, response) => response.writeHead(404).end());
    const result = await commits('gitea').send(status, live);
    expect(result).toMatchObject({
      problem: { remedy: expect.stringContaining('`notify.commitStatus.repository` (now team/specs)') as unknown },
    });
  });

  it.each<[string, (response: import('node:http').ServerResponse) => void]>([
    ['says nothing', () => undefined],
    ['never ends its answer', (response) => void response.writeHead(500).write('<html>')],
  ])('give up a server that %s', async (_title, answer) => {
    server.answerWith((_request, response) => answer(response));
    const result = await commits('github', { timeoutMs: 100 }).send(status, live);
    expect(result).toMatchObject({ kind: 'failed', retry: true, problem: { code: 'NOTIFIER_FAILED' } });
  });

  it('read no more of an answer than they need', async () => {
    server.answerWith((_request, response) => {
      response.writeHead(500);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    expect(await commits('github').send(status, live)).toMatchObject({ kind: 'failed', retry: true });
  });

  it('end with an abort, and only with one', async () => {
    const stop = new AbortController();
    server.answerWith(() => stop.abort());
    await expect(commits('github').send(status, stop.signal)).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }) as Error);
    await server.stop();
    expect(await commits('github').send(status, live)).toMatchObject({
      problem: { message: 'GitHub, status of commit 4f1c0de: the server cannot be reached (ECONNREFUSED)' },
    });
  });

  it('trust a certificate authority beside the usual ones only when they are told to', async () => {
    const certificate = selfSigned('hosting');
    const secure = await startReceiver(certificate);
    try {
      const strange = await commits('github', { url: secure.url }).send(status, live);
      expect(strange).toMatchObject({ kind: 'failed', problem: { message: expect.stringContaining('SELF_SIGNED') as unknown } });
      expect(await commits('github', { url: secure.url, ca: certificate.cert }).send(status, live)).toEqual({ kind: 'sent' });
    } finally {
      await secure.stop();
    }
  });

  it('show no secret, whatever goes wrong', async () => {
    const results: SendResult[] = [];
    const sendAll = async (): Promise<void> => {
      results.push(await commits('github', { timeoutMs: 500 }).send(status, live));
      results.push(await slack().send(message, live));
      results.push(await webhook({ target: { urlFile: file('url') }, secretFile: file('secret') }).send(message, live));
    };
    for (const code of [302, 401, 404, 500]) {
      server.answerWith((request, response) => response.writeHead(code).end(`${request.path} ${JSON.stringify(request.headers)}`));
      await sendAll();
    }
    server.answerWith((_request, response) => response.destroy());
    await sendAll();
    for (const text of [`${TOKEN} is no URL`, `ftp://${TOKEN}`, '']) {
      await writeFile(file('url'), text);
      await sendAll();
    }
    await writeFile(file('url'), `http://192.0.2.1:99999/${TOKEN}`);
    // A header cannot hold this.
    await writeFile(file('token'), `${TOKEN}\n${TOKEN}`);
    await sendAll();
    expect(results.every(({ kind }) => kind === 'failed')).toBe(true);
    const told = JSON.stringify(results);
    for (const secret of [TOKEN, SECRET, directory.path]) expect(told).not.toContain(secret);
  });
});
