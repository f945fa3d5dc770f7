import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type SandboxConsul, startSandboxConsul } from '../../../src/sandbox/consul/sandbox-consul.ts';
import { serversOf } from '../../../src/sandbox/gateway/routing-table.ts';
import { type SandboxGateway, type SandboxGatewayOptions, startSandboxGateway } from '../../../src/sandbox/gateway/sandbox-gateway.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;
async function backend(handler: Handler): Promise<number> {
  const server: Server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  return (server.address() as AddressInfo).port;
}
const says =
  (text: string): Handler =>
  (_, response) =>
    response.end(text);

async function start(
  options: Partial<SandboxGatewayOptions> = {},
): Promise<{ consul: SandboxConsul; gateway: SandboxGateway; web: string }> {
  const consul = await startSandboxConsul();
  cleanups.push(() => consul.stop());
  const gateway = await startSandboxGateway({ consulUrl: consul.url, ...options });
  cleanups.push(() => gateway.stop());
  return { consul, gateway, web: gateway.urls['web'] ?? '' };
}

const tags = (rule: string, ...more: string[]): string[] => ['traefik.enable=true', `traefik.http.routers.web.rule=${rule}`, ...more];
const nodes = ['a', 'b'].map((name) => ({
  Node: { Verb: 'set', Node: { Node: name, ID: `00000000-0000-4000-8000-00000000000${name}`, Address: '127.0.0.1' } },
}));
const instance = (node: string, port: number, instanceTags: string[]) => ({
  Service: {
    Verb: 'set',
    Node: node,
    Service: { ID: `web-${node}`, Service: 'web', Address: '127.0.0.1', Port: port, Tags: instanceTags },
  },
});
const servers = (gateway: SandboxGateway): readonly string[] => {
  const service = gateway.routes().http.services.get('web@consulcatalog');
  return service === undefined ? [] : serversOf(service).map(({ url }) => url);
};
const remove = (node: string) => ({ Service: { Verb: 'delete', Node: node, Service: { ID: `web-${node}`, Service: 'web' } } });
const nodeCheck = (node: string, status: string) => ({
  Check: { Verb: 'set', Check: { Node: node, CheckID: 'k8s-node', Name: 'node', Status: status } },
});

const text = async (url: string, init: RequestInit = {}): Promise<string> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000), ...init });
  return `${response.status} ${(await response.text()).trim()}`;
};

describe('the sandbox gateway', () => {
  it('routes by the tags in the catalog, to each server in turn', async () => {
    const { consul, web } = await start();
    expect(await text(`${web}/shop`)).toBe('404 404 page not found');
    const [one, two] = [await backend(says('one')), await backend(says('two'))];
    consul.edit(...nodes, instance('a', one, tags('PathPrefix(`/shop`)')), instance('b', two, tags('PathPrefix(`/shop`)')));
    await expect.poll(() => text(`${web}/shop`)).toMatch(/^200/);
    const answers = [await text(`${web}/shop/x`), await text(`${web}/shop/x`)];
    expect(answers.toSorted()).toEqual(['200 one', '200 two']);
    expect(await text(`${web}/other`)).toBe('404 404 page not found');
  });

  it('passes on method, path, body and the name it was asked by', async () => {
    const { consul, web } = await start();
    const port = await backend(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      response.setHeader('x-seen', `${request.method} ${request.url} ${String(request.headers['x-forwarded-host'])}`).end(body);
    });
    consul.edit(...nodes, instance('a', port, tags('Host(`127.0.0.1`) && Method(`POST`)')));
    await expect.poll(() => text(`${web}/`, { method: 'POST' })).toMatch(/^200/);
    const response = await fetch(`${web}/p%2Fq?a=b`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(response.headers.get('x-seen')).toBe(`POST /p%2Fq?a=b ${new URL(web).host}`);
    expect((await response.text()).length).toBe(100_000);
  });

  it('takes a node with a critical check out of rotation, and the router with its last instance', async () => {
    const { consul, gateway, web } = await start();
    const [one, two] = [await backend(says('one')), await backend(says('two'))];
    consul.edit(...nodes, instance('a', one, tags('PathPrefix(`/`)')), instance('b', two, tags('PathPrefix(`/`)')));
    await expect.poll(() => servers(gateway).length).toBe(2);
    consul.edit(nodeCheck('a', 'critical'));
    await expect.poll(() => servers(gateway)).toEqual([`http://127.0.0.1:${two}`]);
    expect([await text(web), await text(web)]).toEqual(['200 two', '200 two']);
    consul.edit(nodeCheck('b', 'critical'));
    await expect.poll(() => text(web)).toMatch(/^404/);
  });

  it('answers 503 when no server takes requests, 502 when the server is gone, 504 when it is silent', async () => {
    const { consul, web } = await start({ backendTimeoutMs: 100 });
    const silent = await backend(() => undefined);
    const weightless = tags('PathPrefix(`/`)', 'traefik.http.services.web.loadbalancer.server.weight=0');
    consul.edit(...nodes, instance('a', silent, weightless));
    await expect.poll(() => text(web)).toBe('503 no available server');
    consul.edit(instance('a', silent, tags('PathPrefix(`/`)')));
    await expect.poll(() => text(web)).toBe('504 Gateway Timeout');
    consul.edit(instance('a', 1, tags('PathPrefix(`/`)')), nodeCheck('a', 'passing'));
    await expect.poll(() => text(web)).toBe('502 Bad Gateway');
  });

  it('lets requests under way finish when their route changes', async () => {
    const { consul, gateway, web } = await start();
    const release: (() => void)[] = [];
    const slow = await backend((_, response) => void release.push(() => response.end('slow')));
    consul.edit(...nodes, instance('a', slow, tags('PathPrefix(`/`)')));
    await expect.poll(() => gateway.routes().http.routers.size).toBe(1);
    const waiting = text(web);
    await expect.poll(() => release.length).toBe(1);
    consul.edit(remove('a'));
    await expect.poll(() => gateway.routes().http.routers.size).toBe(0);
    release[0]?.();
    expect(await waiting).toBe('200 slow');
  });

  it('loses no request while all instances move to another port in one transaction', async () => {
    const { consul, gateway, web } = await start();
    const [one, two] = [await backend(says('one')), await backend(says('two'))];
    consul.edit(...nodes, instance('a', one, tags('PathPrefix(`/`)')));
    await expect.poll(() => gateway.routes().http.routers.size).toBe(1);
    const answers: string[] = [];
    const asking = (async () => {
      while (answers.at(-1) !== '200 two') answers.push(await text(web));
    })();
    await expect.poll(() => answers.length).toBeGreaterThan(3);
    consul.edit(instance('a', two, tags('PathPrefix(`/`)')), nodeCheck('a', 'passing'));
    await asking;
    expect(new Set(answers)).toEqual(new Set(['200 one', '200 two']));
  });

  it('keeps its routes while Consul fails, and goes on afterwards', async () => {
    const { consul, gateway, web } = await start({ refresh: { kind: 'poll', intervalMs: 20 } });
    const port = await backend(says('one'));
    consul.edit(...nodes, instance('a', port, tags('PathPrefix(`/`)')));
    await expect.poll(() => text(web)).toBe('200 one');
    consul.fail({ kind: 'status', status: 500 });
    consul.edit(remove('a'));
    const failed = consul.requests().get('GET /v1/catalog/services') ?? 0;
    await expect.poll(() => consul.requests().get('GET /v1/catalog/services') ?? 0, { timeout: 5000 }).toBeGreaterThan(failed + 2);
    expect(await text(web)).toBe('200 one');
    consul.heal();
    await expect.poll(() => gateway.routes().http.routers.size, { timeout: 5000 }).toBe(0);
  });

  it('while watching, notices a moved port only when a check or the tags change too, as Traefik', async () => {
    const { consul, gateway } = await start();
    consul.edit(...nodes, instance('a', 1001, tags('PathPrefix(`/`)')), nodeCheck('a', 'passing'));
    const url = (): string | undefined => servers(gateway)[0];
    await expect.poll(url).toBe('http://127.0.0.1:1001');
    const polls = (): number => consul.requests().get('GET /v1/catalog/services (waiting)') ?? 0;
    const before = polls();
    consul.edit(instance('a', 1002, tags('PathPrefix(`/`)')));
    await expect.poll(polls).toBeGreaterThan(before);
    expect(url()).toBe('http://127.0.0.1:1001');
    consul.edit(nodeCheck('a', 'warning'));
    await expect.poll(url).toBe('http://127.0.0.1:1002');
  });

  it('sees only instances with its constraint tag, on the entry points that they name', async () => {
    const { consul, gateway } = await start({ constraints: 'Tag(`cluster-a`)', entryPoints: { web: 0, admin: 0 } });
    const port = await backend(says('one'));
    const onAdmin = tags('PathPrefix(`/`)', 'traefik.http.routers.web.entrypoints=admin');
    consul.edit(...nodes, instance('a', port, [...onAdmin, 'cluster-a']), instance('b', port + 1, onAdmin));
    await expect.poll(() => text(gateway.urls['admin'] ?? '')).toBe('200 one');
    expect(servers(gateway)).toHaveLength(1);
    expect(await text(gateway.urls['web'] ?? '')).toMatch(/^404/);
  });

  it('sends the body to the server that takes the connection, where it may try several', async () => {
    const { consul, gateway, web } = await start();
    const port = await backend(async (request, response) => response.end(Buffer.concat(await request.toArray())));
    const retried = tags('PathPrefix(`/`)', 'traefik.http.routers.web.middlewares=m', 'traefik.http.middlewares.m.retry.attempts=2');
    consul.edit(...nodes, instance('a', 1, retried), instance('b', port, retried));
    await expect.poll(() => servers(gateway).length).toBe(2);
    for (const body of ['one', 'two', 'three']) expect(await text(web, { method: 'POST', body })).toBe(`200 ${body}`);
  });

  it('keeps a client at its server by the cookie', async () => {
    const { consul, gateway, web } = await start();
    const [one, two] = [await backend(says('one')), await backend(says('two'))];
    const sticky = tags('PathPrefix(`/`)', 'traefik.http.services.web.loadbalancer.sticky.cookie.name=kept');
    consul.edit(...nodes, instance('a', one, sticky), instance('b', two, sticky));
    await expect.poll(() => servers(gateway).length).toBe(2);
    const first = await fetch(web);
    const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const answer = `200 ${await first.text()}`;
    expect(cookie).toMatch(/^kept=[0-9a-f]{16}$/);
    expect([await text(web, { headers: { cookie } }), await text(web, { headers: { cookie } })]).toEqual([answer, answer]);
  });

  it('says so where it cannot do what Traefik does', async () => {
    const { consul, web } = await start();
    const port = await backend(says('one'));
    consul.edit(...nodes, instance('a', port, tags('PathPrefix(`/`)', 'traefik.http.services.web.loadbalancer.server.scheme=https')));
    await expect.poll(() => text(web)).toBe(`501 not supported by the sandbox: the server https://127.0.0.1:${port}`);
    const asking = ['traefik.http.routers.web.middlewares=m', 'traefik.http.middlewares.m.forwardauth.address=http://auth'];
    consul.edit(instance('a', port, tags('PathPrefix(`/`)', ...asking)));
    await expect.poll(() => text(web)).toBe('501 not supported by the sandbox: the middleware forwardAuth');
  });

  it('keeps its routes while a tag is there that breaks Traefik', async () => {
    const { consul, gateway, web } = await start({ refresh: { kind: 'poll', intervalMs: 20 } });
    const [one, two] = [await backend(says('one')), await backend(says('two'))];
    consul.edit(...nodes, instance('a', one, tags('PathPrefix(`/`)')));
    await expect.poll(() => text(web)).toBe('200 one');
    consul.edit(instance('a', two, tags('PathPrefix(`/`)')), instance('b', one, ['traefik.enable=true', 'traefik.http.routers.x].rule=y']));
    const polls = (): number => consul.requests().get('GET /v1/catalog/services') ?? 0;
    const before = polls();
    await expect.poll(polls).toBeGreaterThan(before + 3);
    expect(await text(web)).toBe('200 one');
    consul.edit(remove('b'));
    await expect.poll(() => servers(gateway)).toEqual([`http://127.0.0.1:${two}`]);
  });
});
