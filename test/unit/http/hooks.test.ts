import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { httpOptions } from '../../support/http-options.ts';

const SECRET = 'hunter22';
const BODY = '{"ref":"refs/heads/main","text":"ü"}';
const hmac = (body: string, secret = SECRET): string => createHmac('sha256', secret).update(body).digest('hex');

/** What each sender sends along with the body, and the header that names the delivery. */
const SENDERS: readonly (readonly [string, (body: string, secret?: string) => Readonly<Record<string, string>>, string])[] = [
  ['github', (body, secret) => ({ 'x-hub-signature-256': `sha256=${hmac(body, secret)}` }), 'x-github-delivery'],
  ['gitlab', (_body, secret = SECRET) => ({ 'x-gitlab-token': secret }), 'x-gitlab-event-uuid'],
  ['gitea', (body, secret) => ({ 'x-gitea-signature': hmac(body, secret) }), 'x-gitea-delivery'],
  ['bitbucket', (body, secret) => ({ 'x-hub-signature': `sha256=${hmac(body, secret)}` }), 'x-request-uuid'],
  ['generic', (body, secret) => ({ 'x-poolkeeper-signature': `sha256=${hmac(body, secret)}` }), 'x-poolkeeper-delivery'],
  ['generic', (_body, secret = SECRET) => ({ authorization: `Bearer ${secret}` }), 'x-poolkeeper-delivery'],
];

describe('webhooks', () => {
  const servers: HttpServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function daemon(more: Partial<HttpServerOptions> = {}) {
    let woken = 0;
    const server = createHttpServer(
      httpOptions({
        hook: { secret: SECRET, wake: () => void woken++ },
        ...more,
      }),
    );
    servers.push(server);
    const { url } = await server.start();
    const post = async (path: string, headers: Readonly<Record<string, string>>, body = BODY) =>
      await server.app.inject({ method: 'POST', url: path, headers: { 'content-type': 'application/json', ...headers }, body });
    return { url, post, woken: () => woken };
  }

  it.each(SENDERS)('of %s wake the poll when they prove to know the secret', async (name, proof) => {
    const { post, woken } = await daemon();
    const path = `/hooks/${name}`;
    expect(await post(path, proof(BODY))).toMatchObject({ statusCode: 202, body: '{"heeded":true}' });
    expect(woken()).toBe(1);
    const wrong = [{}, proof(BODY, 'guess'), Object.fromEntries(Object.keys(proof(BODY)).map((header) => [header, '']))];
    for (const headers of wrong) {
      const answer = await post(path, headers);
      expect(answer).toMatchObject({ statusCode: 401, headers: { 'content-type': 'application/problem+json' } });
      expect(answer.body).not.toContain(SECRET);
    }
    expect(woken()).toBe(1);
  });

  it.each(SENDERS.filter(([, proof]) => Object.values(proof('a'))[0] !== Object.values(proof('b'))[0]))(
    'of %s are refused with the signature of another body',
    async (name, proof) => {
      const { post, woken } = await daemon();
      expect((await post(`/hooks/${name}`, proof(`${BODY} `))).statusCode).toBe(401);
      expect(woken()).toBe(0);
    },
  );

  it.each(SENDERS)('of %s are heeded once for each delivery', async (name, proof, delivery) => {
    const { post, woken } = await daemon();
    const send = async (id: string) => (await post(`/hooks/${name}`, { ...proof(BODY), [delivery]: id })).body;
    expect([await send('1'), await send('1'), await send('2')]).toEqual(['{"heeded":true}', '{"heeded":false}', '{"heeded":true}']);
    expect(woken()).toBe(2);
  });

  it('are refused without a secret in the configuration, of unknown senders, and by other methods', async () => {
    const off = await daemon({ hook: undefined });
    const answer = await off.post('/hooks/github', { 'x-hub-signature-256': `sha256=${hmac(BODY, '')}` });
    expect(answer).toMatchObject({ statusCode: 404 });
    expect(answer.json()).toMatchObject({ remedy: expect.stringContaining('hooks.secretFile') });
    const on = await daemon();
    expect((await on.post('/hooks/unknown', { authorization: `Bearer ${SECRET}` })).statusCode).toBe(404);
    expect((await fetch(`${on.url}/hooks/github`)).status).toBe(404);
  });

  it('may be forms, and may have no body', async () => {
    const { post } = await daemon();
    const form = { ...SENDERS[0]?.[1](BODY), 'content-type': 'application/x-www-form-urlencoded' };
    expect((await post('/hooks/github', form)).statusCode).toBe(202);
    const { url } = await daemon();
    const bare = await fetch(`${url}/hooks/generic`, { method: 'POST', headers: { authorization: `Bearer ${SECRET}` } });
    expect(bare.status).toBe(202);
  });

  it.each([
    ['what may prove itself', { 'x-hub-signature-256': 'sha256=00' }, 413],
    ['what does not even try', {}, 401],
  ])('that claim to be huge are refused before they are read: %s', async (_, proof, expected) => {
    const { url, woken } = await daemon();
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': String(1024 ** 3), ...proof };
      const request = httpRequest(`${url}/hooks/github`, { method: 'POST', headers }, (answer) => {
        resolve(answer.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('{');
    });
    expect(status).toBe(expected);
    expect(woken()).toBe(0);
  });

  it('that come too fast are refused, with the time to wait', async () => {
    const { post } = await daemon();
    const answers = await Promise.all(Array.from({ length: 70 }, () => post('/hooks/github', {})));
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    expect(refused.length).toBeGreaterThanOrEqual(9);
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('that prove nothing keep out nobody who knows the secret, also by the same proxy', async () => {
    const { post, woken } = await daemon();
    const wrong = { 'x-hub-signature-256': `sha256=${hmac(BODY, 'guess')}` };
    for (let i = 0; i < 12; i++) await Promise.all(Array.from({ length: 6 }, () => post('/hooks/github', i === 0 ? {} : wrong)));
    expect((await post('/hooks/github', wrong)).statusCode).toBe(429);
    for (const [name, proof] of SENDERS) expect((await post(`/hooks/${name}`, proof(BODY))).statusCode).toBe(202);
    expect(woken()).toBe(SENDERS.length);
  });

  it('of one kind of sender have a limit of their own', async () => {
    const { post } = await daemon();
    const send = async () => (await post('/hooks/gitlab', { 'x-gitlab-token': SECRET })).statusCode;
    const codes = new Set<number>();
    for (let i = 0; i < 200 && !codes.has(429); i++) for (const code of await Promise.all(Array.from({ length: 6 }, send))) codes.add(code);
    expect([...codes]).toEqual([202, 429]);
    expect((await post('/hooks/generic', { authorization: `Bearer ${SECRET}` })).statusCode).toBe(202);
  });

  it('are read a few at a time', async () => {
    const { url } = await daemon();
    const { host } = new URL(url);
    const half = () => {
      const request = httpRequest(`http://${host}/hooks/gitlab`, {
        method: 'POST',
        headers: { 'x-gitlab-token': SECRET, 'content-length': 9 },
      });
      request.on('error', () => undefined).write('{');
      return request;
    };
    const open = Array.from({ length: 32 }, half);
    const send = async () => (await fetch(`${url}/hooks/gitlab`, { method: 'POST', headers: { 'x-gitlab-token': SECRET } })).status;
    await expect.poll(send).toBe(429);
    for (const request of open) request.destroy();
    await expect.poll(send).toBe(202);
  });

  it('go from a standby to the leader as they came, once they have proved themselves', async () => {
    const leader = await daemon();
    const standby = await daemon({ leader: () => leader.url });
    for (const [name, proof, delivery] of SENDERS) {
      const headers = { ...proof(BODY), [delivery]: JSON.stringify(proof(BODY)) };
      expect(await standby.post(`/hooks/${name}`, headers)).toMatchObject({ statusCode: 202, body: '{"heeded":true}' });
      expect((await standby.post(`/hooks/${name}`, headers)).body).toBe('{"heeded":false}');
    }
    expect((await standby.post('/hooks/github', {})).statusCode).toBe(401);
    expect([standby.woken(), leader.woken()]).toEqual([0, SENDERS.length]);
  });
});
