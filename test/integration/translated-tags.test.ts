import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { TranslationPolicy } from '../../src/core/model/translation-policy.ts';
import { buildTags } from '../../src/core/tags/build-tags.ts';
import { traefikName } from '../../src/core/tags/traefik-names.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { TRANSLATION_CASES as CASES } from '../support/translation-cases.ts';

const ENTRY_POINTS = { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true, port: 8443 } };
const TRANSLATION: TranslationPolicy = { strict: false, domain: 'example.com', drrStrategy: 'p2c', forwardedDepth: 1 };
const CONSTRAINT = 'translated-tags';
interface ApiObject {
  readonly name: string;
  readonly status: string;
  readonly error?: readonly string[];
  readonly [field: string]: unknown;
}
interface Echo {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

describe('tags translated from Traefik 1', () => {
  const { consulUrl } = inject('stack');
  const names = Object.keys(CASES);
  let traefik: TraefikServer;
  let backend: Server;
  let port: number;

  beforeAll(async () => {
    backend = createServer((incoming, answer) => {
      const status = incoming.url === '/fails' ? 500 : 200;
      const echo: Echo = { path: incoming.url ?? '', method: incoming.method ?? '', headers: incoming.headers as Echo['headers'] };
      answer.writeHead(status, { 'content-type': 'application/json', 'x-backend': 'yes', 'x-auth': 'ok' }).end(JSON.stringify(echo));
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    port = (backend.address() as AddressInfo).port;
    await Promise.all(names.map(register));
    traefik = await startTraefik({ consulUrl, constraints: `Tag(\`${CONSTRAINT}\`)` });
    await vi.waitUntil(async () => (await api('routers')).length >= names.length, { timeout: 30_000, interval: 100 });
  });
  afterAll(async () => {
    await traefik?.stop();
    await Promise.all(names.map((name) => put('catalog/deregister', { Node: `node-${name}-${CONSTRAINT}` })));
    await new Promise((resolve) => backend.close(resolve).closeAllConnections());
  });

  const put = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${consulUrl}/v1/${path}`, { method: 'PUT', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`);
  };
  const tagsOf = (name: string): ReturnType<typeof buildTags> => {
    const options = { 'frontend.rule': `Host:${name}.example.com`, ...CASES[name] };
    const annotations = Object.fromEntries(
      Object.entries(options).map(([key, value]) => [`traefik.${key}`, value.replace('AUTH', `127.0.0.1:${port}`)]),
    );
    return buildTags({
      annotations: { ...annotations, 'traefik.enable': 'true', 'traefik.tags': CONSTRAINT },
      extraTags: [],
      namespace: 'default',
      name,
      dialect: 'both',
      entryPoints: ENTRY_POINTS,
      translation: TRANSLATION,
    });
  };
  const register = (name: string): Promise<void> =>
    put('catalog/register', {
      Node: `node-${name}-${CONSTRAINT}`,
      Address: '127.0.0.1',
      Service: { ID: name, Service: name, Address: '127.0.0.1', Port: port, Tags: tagsOf(name).tags },
    });
  const api = async (kind: 'routers' | 'middlewares' | 'services'): Promise<readonly ApiObject[]> => {
    const all = (await (await fetch(`${traefik.apiUrl}/api/http/${kind}?per_page=1000`)).json()) as readonly ApiObject[];
    return all.filter(({ name }) => name.endsWith('@consulcatalog'));
  };
  const ask = async (name: string, path = '/', more: RequestInit & { readonly host?: string } = {}) => {
    const { host = `${name}.example.com`, ...init } = more;
    const { request } = await import('node:http');
    const { hostname, port: web } = new URL(traefik.webUrl);
    return new Promise<{
      readonly status: number;
      readonly headers: Readonly<Record<string, string | undefined>>;
      readonly echo: Echo | undefined;
    }>((resolve, reject) => {
      const headers = { ...(init.headers as Record<string, string> | undefined), host };
      request({ hostname, port: web, path, method: init.method ?? 'GET', headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += String(chunk);
        });
        answer.on('end', () => {
          const echo = answer.headers['x-backend'] !== undefined || text.startsWith('{"path"') ? (JSON.parse(text) as Echo) : undefined;
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string>, echo });
        });
      })
        .on('error', reject)
        .end();
    });
  };

  it('have no error among their problems', () => {
    const errors = names.flatMap((name) => tagsOf(name).problems.filter(({ severity }) => severity === 'error'));
    expect(errors).toEqual([]);
  });

  it('are all taken by Traefik, without an error', async () => {
    for (const kind of ['routers', 'middlewares', 'services'] as const) {
      const objects = await api(kind);
      expect(objects.filter(({ status, error }) => status !== 'enabled' || error !== undefined)).toEqual([]);
      const wanted = new Set(
        names.flatMap((name) =>
          tagsOf(name).tags.flatMap((tag) => new RegExp(`^traefik\\.http\\.${kind}\\.([^.]+)\\.`).exec(tag)?.[1] ?? []),
        ),
      );
      expect(objects.map(({ name }) => name.replace('@consulcatalog', '')).sort()).toEqual([...wanted].sort());
    }
  });

  it('become what they say in its configuration', async () => {
    const [services, middlewares] = [await api('services'), await api('middlewares')];
    const service = (name: string): unknown =>
      services.find((one) => one.name === `${traefikName('default', name)}@consulcatalog`)?.['loadBalancer'];
    const middleware = (name: string, kind: string): unknown =>
      middlewares.find((one) => one.name === `${traefikName('default', name)}-${kind}@consulcatalog`);
    expect(service('weights')).toMatchObject({ servers: [{ url: `http://127.0.0.1:${port}`, weight: 1 }] });
    expect(service('https-backend')).toMatchObject({ servers: [{ url: `https://127.0.0.1:${port}` }] });
    expect(service('h2c-backend')).toMatchObject({ servers: [{ url: `h2c://127.0.0.1:${port}` }] });
    expect(service('drr')).toMatchObject({ strategy: 'p2c' });
    expect(service('sticky')).toMatchObject({ sticky: { cookie: { name: 'c', secure: true } } });
    expect(service('sticky-more')).toMatchObject({ sticky: { cookie: { httpOnly: true, sameSite: 'none' } } });
    expect(service('sticky-old')).toMatchObject({ sticky: { cookie: { name: '_TRAEFIK_BACKEND' } } });
    expect(service('checked')).toMatchObject({
      healthCheck: {
        path: '/h?x=1',
        port: 81,
        scheme: 'http',
        interval: '30s',
        hostname: 'h.example.com',
        headers: { 'X-A': 'b', 'X-C': 'd' },
      },
    });
    expect(service('flush')).toMatchObject({ responseForwarding: { flushInterval: '10ms' } });
    expect(service('own-host')).toMatchObject({ passHostHeader: false });
    expect(middleware('limited', 'inflightreq')).toMatchObject({ inFlightReq: { amount: 10, sourceCriterion: { ipStrategy: {} } } });
    expect(middleware('limited-by-header', 'inflightreq')).toMatchObject({
      inFlightReq: { sourceCriterion: { requestHeaderName: 'X-Id' } },
    });
    expect(middleware('buffered', 'buffering')).toMatchObject({
      buffering: {
        maxRequestBodyBytes: 10_485_760,
        memRequestBodyBytes: 2_097_152,
        maxResponseBodyBytes: 10_485_760,
        memResponseBodyBytes: 2_097_152,
        retryExpression: 'IsNetworkError() && Attempts() <= 2',
      },
    });
    expect(middleware('digest', 'digestauth')).toMatchObject({ digestAuth: { headerField: 'X-User' } });
    expect(middleware('forwarded', 'ipallowlist')).toMatchObject({
      ipAllowList: { sourceRange: ['10.0.0.0/8'], ipStrategy: { depth: 1 } },
    });
    expect(middleware('rates', 'ratelimit-a')).toMatchObject({
      rateLimit: { average: 100, period: '3s', burst: 1, sourceCriterion: { requestHost: true } },
    });
    expect(middleware('rates', 'ratelimit-b')).toMatchObject({ rateLimit: { average: 1000, period: '1m0s', burst: 50 } });
    const flags = {
      commonName: true,
      country: true,
      domainComponent: true,
      locality: true,
      organization: true,
      province: true,
      serialNumber: true,
    };
    expect(middleware('certificate', 'passtlsclientcert')).toMatchObject({
      passTLSClientCert: { pem: true, info: { notAfter: true, notBefore: true, sans: true, subject: flags, issuer: flags } },
    });
    expect(middleware('hosts', 'headers')).toMatchObject({
      headers: { allowedHosts: ['hosts.example.com', 'x.example.com'], hostsProxyHeaders: ['X-Forwarded-Host'] },
    });
    expect(middleware('framed', 'headers')).toMatchObject({
      headers: { customFrameOptionsValue: 'SAMEORIGIN', customBrowserXSSValue: '1', publicKey: 'pin' },
    });
  });

  it.each([
    ['plain', '/x?y=1', '/x?y=1'],
    ['stripped', '/a/longer/x', '/x'],
    ['stripped', '/a/x', '/x'],
    ['stripped-path', '/a', '/'],
    ['stripped-regex', '/v12/x', '/x'],
    ['added', '/x', '/base/x'],
    ['replaced', '/x', '/other'],
    ['rewritten', '/api/x/y', '/x/y'],
    ['by-path', '/x/12', '/x/12'],
    ['by-query', '/?a=b&n=12', '/?a=b&n=12'],
    ['breaker', '/x', '/x'],
    ['buffered', '/x', '/x'],
    ['limited', '/x', '/x'],
    ['rates', '/x', '/x'],
    ['forward', '/x', '/x'],
  ])('%s: %s comes to the backend as %s', async (name, path, seen) => {
    const { status, echo } = await ask(name, path);
    expect({ status, path: echo?.path }).toEqual({ status: 200, path: seen });
  });

  it.each<[string, string, Parameters<typeof ask>[2], number]>([
    ['basic', '/', {}, 401],
    ['basic', '/', { headers: { authorization: `Basic ${Buffer.from('user:secret').toString('base64')}` } }, 200],
    ['digest', '/', {}, 401],
    ['allowed', '/', {}, 200],
    ['refused', '/', {}, 403],
    ['forwarded', '/', { headers: { 'x-forwarded-for': '10.1.1.1' } }, 403],
    ['hosts', '/', {}, 200],
    ['methods', '/', {}, 404],
    ['methods', '/', { method: 'PUT' }, 200],
    ['by-header', '/', {}, 404],
    ['by-header', '/', { headers: { 'x-a': '1', 'x-b': 'yes' } }, 200],
    ['by-query', '/?a=b&n=x', {}, 404],
    ['by-path', '/x/y', {}, 404],
    ['by-path', '/y', {}, 200],
    ['pattern', '/', { host: 'a.pattern.example.com' }, 200],
    ['pattern', '/', { host: 'a.b.pattern.example.com' }, 404],
    ['pattern', '/', { host: 'PATTERN.org' }, 200],
    ['named', '/', {}, 200],
    ['tagged', '/', { host: `${CONSTRAINT}.example.com` }, 200],
    ['more', '/', { host: 'more-tls.example.com' }, 200],
    ['certificate', '/', {}, 404],
  ])('%s: %s with %j is answered with %i', async (name, path, request, status) => {
    expect((await ask(name, path, request)).status).toBe(status);
  });

  it.each([
    ['to-tls', '/x', 301, 'https://to-tls.example.com:8443/x'],
    ['ssl-redirect', '/x', 301, 'https://ssl-redirect.example.com/x'],
    ['ssl-host', '/x?y=1', 302, 'https://tls.example.com/x?y=1'],
    ['regex', '/old/x', 302, 'http://regex.example.com/new/x'],
  ])('%s: %s is redirected', async (name, path, status, location) => {
    const answer = await ask(name, path);
    expect({ status: answer.status, location: answer.headers['location'] }).toEqual({ status, location });
  });

  it('change headers on both ways', async () => {
    const { headers, echo } = await ask('headed', '/', { headers: { 'user-agent': 'x' } });
    expect(echo?.headers).toMatchObject({ 'x-in': 'a:b' });
    expect(echo?.headers['user-agent'] ?? '').toBe('');
    expect(headers).toMatchObject({
      'x-out': 'c',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'x-xss-protection': '1; mode=block',
      'referrer-policy': 'same-origin',
      'content-security-policy': "default-src 'self'",
      'strict-transport-security': 'max-age=60; includeSubDomains; preload',
    });
    expect(headers['x-backend']).toBeUndefined();
    expect(
      (await ask('basic', '/', { headers: { authorization: `Basic ${Buffer.from('user:secret').toString('base64')}` } })).echo?.headers,
    ).toMatchObject({ 'x-user': 'user' });
  });

  it('give each frontend its own settings', async () => {
    const [plain, other] = [await ask('more'), await ask('more', '/', { host: 'more-api.example.com' })];
    expect([plain.echo?.headers['x-api'], other.echo?.headers['x-api']]).toEqual([undefined, '1']);
    expect([plain.echo?.headers['host'], other.echo?.headers['host']]).toEqual(['more.example.com', `127.0.0.1:${port}`]);
  });

  it('show the page of another backend in place of an error', async () => {
    const { status, echo } = await ask('pages', '/fails');
    expect({ status, path: echo?.path }).toEqual({ status: 500, path: '/error/500' });
  });
});
