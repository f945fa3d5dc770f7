import { readFileSync } from 'node:fs';
import Consul from 'consul';
import { afterEach, describe, expect, it } from 'vitest';
import { type SandboxConsul, type SandboxConsulOptions, startSandboxConsul } from '../../../src/sandbox/consul/sandbox-consul.ts';
import { type Exchange, playScenario } from './consul-scenario.ts';

const running: SandboxConsul[] = [];
async function start(options: SandboxConsulOptions = {}): Promise<SandboxConsul> {
  const consul = await startSandboxConsul(options);
  running.push(consul);
  return consul;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((consul) => consul.stop()));
});

interface Read {
  readonly status: number;
  readonly index: number;
  readonly body: unknown;
}
async function get(consul: SandboxConsul, path: string): Promise<Read> {
  const response = await fetch(`${consul.url}/v1/${path}`, { signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  return {
    status: response.status,
    index: Number(response.headers.get('x-consul-index')),
    body: text === '' ? undefined : JSON.parse(text),
  };
}
const put = (consul: SandboxConsul, path: string, body: string | object = ''): Promise<Response> =>
  fetch(`${consul.url}/v1/${path}`, { method: 'PUT', body: typeof body === 'string' ? body : JSON.stringify(body) });

const node = (name: string) => ({ Node: { Verb: 'set', Node: { Node: name, Address: '127.0.1.1' } } });
const service = (on: string, name: string, port: number) => ({
  Service: { Verb: 'set', Node: on, Service: { ID: `${name}-${on}`, Service: name, Port: port } },
});
const key = (name: string, value = 'MQ==') => ({ KV: { Verb: 'set', Key: name, Value: value } });

describe('the answers of the sandbox Consul', () => {
  it('are those that Consul 1.21.0 gave to the same requests', async () => {
    const lines = readFileSync(new URL('fixtures/consul-1.21.0.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const recorded = lines.map((line) => JSON.parse(line) as Exchange);
    const played = await playScenario((await start()).url);
    expect(played.map(({ request }) => request)).toEqual(recorded.map(({ request }) => request));
    for (const [at, exchange] of played.entries()) expect(exchange).toEqual(recorded[at]);
  });

  it('can be read by the consul package', async () => {
    const { url } = await start();
    const client = new Consul({ host: '127.0.0.1', port: Number(new URL(url).port) });
    expect(await client.kv.set('a/b', 'text')).toBe(true);
    expect(await client.kv.get('a/b')).toMatchObject({ Key: 'a/b', Value: 'text' });
    const { ID } = await client.session.create({ ttl: '10s', lockdelay: '1s' });
    expect(await client.kv.set({ key: 'lock', value: 'x', acquire: ID })).toBe(true);
    const self = (await client.agent.self()) as unknown as { Config: { Version: string } };
    expect(self.Config.Version).toBe('1.21.0');
    client.destroy();
  });
});

describe('a blocking read', () => {
  it('ends with the change it waits for, and not with another', async () => {
    const consul = await start();
    consul.edit(node('a'), node('b'), service('a', 'web', 1), service('b', 'api', 1), key('x/1'), key('y/1'));
    const reads = ['catalog/node-services/a', 'health/service/web', 'kv/x?recurse'];
    for (const path of reads) {
      const { index } = await get(consul, path);
      const separator = path.includes('?') ? '&' : '?';
      let done = false;
      const waiting = get(consul, `${path}${separator}index=${index}&wait=10s`).finally(() => {
        done = true;
      });
      await expect.poll(() => consul.requests().get(waitingKey(path))).toBe(1);
      consul.edit(service('b', 'api', 100 + index), key('y/1', Buffer.from(`${index}`).toString('base64')));
      // A read that wakes too early is answered before this one.
      await get(consul, 'status/leader');
      expect(done).toBe(false);
      consul.edit(service('a', 'web', 100 + index), key('x/1', Buffer.from(`${index}`).toString('base64')));
      expect((await waiting).index).toBeGreaterThan(index);
    }
  });

  it('ends unchanged when its time is over, and is not woken by a write that changes nothing', async () => {
    const consul = await start();
    consul.edit(node('a'), service('a', 'web', 1));
    const before = await get(consul, 'health/service/web');
    const waiting = get(consul, `health/service/web?index=${before.index}&wait=200ms`);
    consul.edit(node('a'), service('a', 'web', 1));
    expect(await waiting).toEqual(before);
  });

  it('waits on for a key that is missing still', async () => {
    const consul = await start();
    consul.edit(key('other'));
    const { index, status } = await get(consul, 'kv/absent');
    expect(status).toBe(404);
    const waiting = get(consul, `kv/absent?index=${index}&wait=10s`);
    await expect.poll(() => consul.requests().get('GET /v1/kv (waiting)')).toBe(1);
    consul.edit(key('other', 'Mg=='));
    consul.edit(key('absent'));
    expect(await waiting).toMatchObject({ status: 200, body: [{ Key: 'absent' }] });
  });

  it('sees the index go backwards after a restore, with the older state', async () => {
    const consul = await start();
    consul.edit(key('a'));
    const old = consul.snapshot();
    consul.edit(key('b'));
    const { index } = await get(consul, 'kv/?recurse');
    consul.restore(old);
    const restored = await get(consul, 'kv/?recurse');
    expect(restored.index).toBeLessThan(index);
    expect(restored.body).toMatchObject([{ Key: 'a' }]);
  });

  it('that waits during a restore is answered from the state that is gone', async () => {
    const consul = await start();
    const old = consul.snapshot();
    consul.edit(key('a'));
    const { index } = await get(consul, 'kv/?recurse');
    const waiting = get(consul, `kv/?recurse&index=${index}&wait=10s`);
    await expect.poll(() => consul.requests().get('GET /v1/kv (waiting)')).toBe(1);
    consul.restore(old);
    expect(await waiting).toMatchObject({ index, body: [{ Key: 'a' }] });
  });
});

function waitingKey(path: string): string {
  return `GET /v1/${path.startsWith('kv/') ? 'kv' : path.split('/').slice(0, 2).join('/')} (waiting)`;
}

describe('a session of the sandbox Consul', () => {
  const request = { TTL: '10s', LockDelay: '10s', NodeChecks: [] };
  const create = async (consul: SandboxConsul): Promise<string> =>
    ((await (await put(consul, 'session/create', request)).json()) as { ID: string }).ID;
  const acquire = async (consul: SandboxConsul, session: string): Promise<unknown> =>
    (await put(consul, `kv/lead?acquire=${session}`, 'me')).json();

  it('ends after twice its time to live unless it is renewed, and its key stays locked for the lock delay', async () => {
    const consul = await start({ timeScale: 0.02 });
    const [one, two] = [await create(consul), await create(consul)];
    expect(await acquire(consul, one)).toBe(true);
    const renewal = setInterval(() => void put(consul, `session/renew/${two}`), 50);
    try {
      await expect.poll(() => consul.snapshot().tables.sessions.has(one), { interval: 10, timeout: 5000 }).toBe(false);
      expect(consul.snapshot().tables.kv.get('lead')?.Session).toBeUndefined();
      expect(await acquire(consul, two)).toBe(false);
      await expect.poll(() => acquire(consul, two), { interval: 20, timeout: 5000 }).toBe(true);
    } finally {
      clearInterval(renewal);
    }
  });

  it('may be ended at once by a test', async () => {
    const consul = await start();
    const id = await create(consul);
    await acquire(consul, id);
    consul.expireSession(id);
    const fenced = await put(consul, 'txn', [{ KV: { Verb: 'check-session', Key: 'lead', Session: id } }]);
    expect(fenced.status).toBe(409);
    expect((await put(consul, `session/renew/${id}`)).status).toBe(404);
  });
});

describe('a fault of the sandbox Consul', () => {
  it('meets only the requests it is for, as often as it says', async () => {
    const consul = await start();
    consul.fail({ kind: 'status', status: 500, match: /^PUT \/v1\/txn/, times: 2 });
    expect((await get(consul, 'catalog/nodes')).status).toBe(200);
    const statuses = [];
    for (let round = 0; round < 3; round++) statuses.push((await put(consul, 'txn', [key('a')])).status);
    expect(statuses).toEqual([500, 500, 200]);
  });

  it('leaves the request undone unless it says "applied"', async () => {
    const consul = await start();
    consul.fail({ kind: 'status', status: 500, times: 1 });
    consul.fail({ kind: 'status', status: 500, times: 1, applied: true });
    await put(consul, 'kv/first', 'x');
    expect(consul.snapshot().tables.kv.has('first')).toBe(false);
    await put(consul, 'kv/second', 'x');
    expect(consul.snapshot().tables.kv.has('second')).toBe(true);
  });

  it('can be a web page, half an answer, and silence', async () => {
    const consul = await start();
    consul.fail({ kind: 'html', times: 1 });
    const page = await fetch(`${consul.url}/v1/catalog/nodes`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html']);
    consul.fail({ kind: 'half-body', times: 1 });
    const half = await fetch(`${consul.url}/v1/catalog/nodes`);
    expect(half.status).toBe(200);
    await expect(half.text()).rejects.toThrow();
    const stop = consul.fail({ kind: 'hang' });
    await expect(fetch(`${consul.url}/v1/catalog/nodes`, { signal: AbortSignal.timeout(150) })).rejects.toThrow(/timeout/i);
    stop();
    expect((await get(consul, 'catalog/nodes')).status).toBe(200);
  });
});

describe('startSandboxConsul', () => {
  it('counts requests by kind, long polls apart', async () => {
    const consul = await start();
    await get(consul, 'kv/a/b/c');
    await get(consul, 'kv/d');
    await get(consul, 'catalog/nodes?index=1');
    expect(Object.fromEntries(consul.requests())).toEqual({ 'GET /v1/kv': 2, 'GET /v1/catalog/nodes (waiting)': 1 });
  });

  it('takes the limits of an older server', async () => {
    const consul = await start({ version: '1.13.9', maxOperations: 64 });
    expect((await get(consul, 'agent/self')).body).toMatchObject({ Config: { Version: '1.13.9' } });
    const operations = Array.from({ length: 65 }, (_, at) => key(`k/${at}`));
    expect((await put(consul, 'txn', operations)).status).toBe(413);
    expect((await put(consul, 'txn', operations.slice(1))).status).toBe(200);
  });

  it('refuses an edit that Consul would refuse, and changes nothing', async () => {
    const consul = await start();
    expect(() => consul.edit(key('a'), service('absent', 'web', 1))).toThrow('Missing node registration');
    expect(consul.snapshot().tables.kv.size).toBe(0);
  });
});
