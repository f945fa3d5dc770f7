import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type SandboxGateway, startSandboxGateway } from '../../src/sandbox/gateway/sandbox-gateway.ts';
import { freePort } from '../support/free-port.ts';
import { caseRequests, caseTags, GATEWAY_CASES, type GatewayCase } from '../support/gateway-cases.ts';
import type { RuleRequest } from '../support/rule-cases.ts';
import { type GatewayAnswer, sendRequests } from '../support/send-request.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';

const CONSTRAINT = 'sandbox-gateway';
const NODE = { Node: `node-${CONSTRAINT}`, Address: '127.0.0.1' };
/** What differs with the gateway, its process or its connection. */
const OWN = new Set(['connection', 'date', 'keep-alive', 'x-forwarded-server', 'x-traefik-router']);
const ECHO = 'x-echo';

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The request that came to the backend, if any did. */
  readonly backend: unknown;
}

describe('the gateway of the sandbox, beside a real Traefik', () => {
  const { consulUrl } = inject('stack');
  const backends: Server[] = [];
  let traefik: TraefikServer;
  let gateway: SandboxGateway;

  beforeAll(async () => {
    const [one, two] = [await startBackend('one'), await startBackend('two')];
    for (const [name, one_] of Object.entries(GATEWAY_CASES)) await register(name, one, caseTags(name, one_));
    const plain = (name: string, ...fields: readonly string[]): readonly string[] => [
      ...caseTags(name, { middlewares: [], requests: [] }),
      ...fields.map((field) => `traefik.http.${field}`),
    ];
    await register('weighed', one, plain('weighed', 'services.weighed.loadbalancer.server.weight=1'), 'weighed-1');
    await register('weighed', two, plain('weighed', 'services.weighed.loadbalancer.server.weight=3'), 'weighed-2');
    const retried = plain('retried', 'routers.retried.middlewares=retried', 'middlewares.retried.retry.attempts=2');
    await register('retried', one, retried, 'retried-1');
    await register('retried', await freePort(), retried, 'retried-2');
    await register('refused', await freePort(), plain('refused'));
    const ranked = ['routers.ranked.rule=Host(`ranked.example.com`)', 'routers.ranked-high.rule=PathPrefix(`/high`)'];
    const ranks = [
      'routers.ranked-high.priority=1000',
      'routers.ranked-high.middlewares=ranked',
      'middlewares.ranked.addprefix.prefix=/ranked',
    ];
    await register('ranked', one, plain('ranked', ...ranked, ...ranks));
    const constraints = `Tag(\`${CONSTRAINT}\`)`;
    traefik = await startTraefik({ consulUrl, constraints });
    gateway = await startSandboxGateway({
      consulUrl,
      constraints,
      refresh: { kind: 'poll', intervalMs: 200 },
      entryPoints: { web: 0, websecure: 0 },
      encrypted: ['websecure'],
    });
    await vi.waitUntil(
      async () => (await traefikServices()) === gateway.routes().http.services.size && gateway.routes().http.services.size > 40,
      {
        timeout: 30_000,
        interval: 100,
      },
    );
  });
  afterAll(async () => {
    await Promise.all([traefik?.stop(), gateway?.stop()]);
    await put('catalog/deregister', NODE);
    await Promise.all(backends.map((server) => new Promise((resolve) => server.close(resolve).closeAllConnections())));
  });

  const put = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${consulUrl}/v1/${path}`, { method: 'PUT', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`);
  };
  const register = (service: string, port: number, tags: readonly string[], id = service): Promise<void> =>
    put('catalog/register', {
      ...NODE,
      Service: { ID: id, Service: service, Address: '127.0.0.1', Port: port, Tags: [...tags, CONSTRAINT] },
    });
  const traefikServices = async (): Promise<number> => {
    const all = (await (await fetch(`${traefik.apiUrl}/api/http/services?per_page=1000`)).json()) as readonly { readonly name: string }[];
    return all.filter(({ name }) => name.endsWith('@consulcatalog')).length;
  };

  async function startBackend(name: string): Promise<number> {
    const server = createServer(({ method, url, rawHeaders }, answer) => {
      const pairs = rawHeaders.flatMap((key, at) => (at % 2 === 0 ? [[key.toLowerCase(), rawHeaders[at + 1] ?? ''] as const] : []));
      const headers = pairs.filter(([key]) => !OWN.has(key)).sort();
      const echo = Buffer.from(JSON.stringify({ method, url, headers })).toString('base64');
      answer.writeHead(200, { [ECHO]: echo, 'x-backend': name, 'content-length': '0' }).end();
    });
    backends.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  const seenOf = ({ status, headers }: GatewayAnswer): Seen => {
    const echo = headers.get(ECHO);
    // What the parsers of Go and of Node refuse comes with headers of their own.
    const shown = status === 400 ? [] : [...headers].filter(([name]) => !OWN.has(name) && name !== ECHO).sort();
    return {
      status,
      headers: Object.fromEntries(shown),
      backend: echo === undefined ? undefined : (JSON.parse(Buffer.from(echo, 'base64').toString()) as unknown),
    };
  };
  const ask = async (
    requests: readonly (RuleRequest & { readonly tls?: boolean })[],
    of: 'traefik' | 'sandbox',
  ): Promise<readonly Seen[]> => {
    const answers: Seen[] = [];
    for (const { tls = false, ...request } of requests) {
      const ours = gateway.urls[tls ? 'websecure' : 'web'] ?? '';
      const theirs = tls ? traefik.webSecureUrl : traefik.webUrl;
      answers.push(...(await sendRequests(of === 'sandbox' ? ours : theirs, [request])).map(seenOf));
    }
    return answers;
  };

  it.each(Object.entries<GatewayCase>(GATEWAY_CASES))('%s: does what Traefik does', async (name, one) => {
    const requests = caseRequests(name, one);
    const [ours, theirs] = [await ask(requests, 'sandbox'), await ask(requests, 'traefik')];
    const told = (seen: readonly Seen[]): unknown => requests.map((request, at) => ({ request, ...seen[at] }));
    expect(told(ours)).toEqual(told(theirs));
  });

  it('asks some hundred requests, of which many come to a backend and many do not', async () => {
    const all = Object.entries(GATEWAY_CASES).flatMap(([name, one]) => caseRequests(name, one));
    const answers = await ask(all, 'sandbox');
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].sort()).toEqual([200, 301, 302, 307, 308, 400, 401, 403, 404, 500, 502, 503]);
    expect(all.length).toBeGreaterThan(120);
    expect(answers.filter(({ backend }) => backend !== undefined).length).toBeGreaterThan(70);
  });

  const times = (host: string, count: number): readonly RuleRequest[] =>
    Array.from({ length: count }, () => ({ method: 'GET', target: '/', host: `${host}.example.com` }));

  it('gives servers requests by their weights', async () => {
    for (const of of ['sandbox', 'traefik'] as const) {
      const answers = await ask(times('weighed', 8), of);
      expect(answers.map(({ headers }) => headers['x-backend']).sort()).toEqual(['one', 'one', ...Array.from({ length: 6 }, () => 'two')]);
    }
  });

  it('tries another server where one takes no connection, if it is told to', async () => {
    for (const of of ['sandbox', 'traefik'] as const) {
      expect((await ask(times('retried', 6), of)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
      expect((await ask(times('refused', 2), of)).map(({ status }) => status)).toEqual([502, 502]);
    }
  });

  it('asks the router of the highest priority', async () => {
    const requests = ['/high/x', '/low'].map((target) => ({
      method: 'GET',
      target,
      host: 'ranked.example.com',
      headers: { 'accept-encoding': 'identity' },
    }));
    const [ours, theirs] = [await ask(requests, 'sandbox'), await ask(requests, 'traefik')];
    expect(ours).toEqual(theirs);
    expect(ours.map(({ backend }) => (backend as { readonly url: string }).url)).toEqual(['/ranked/high/x', '/low']);
  });
});
