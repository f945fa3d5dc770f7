import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type NodeBackends, type NodePortService, startNodeBackends } from '../../../src/sandbox/nodes/node-backends.ts';
import { AppError } from '../../../src/shared/errors.ts';
import { freePort } from '../../support/free-port.ts';

const isLinux = process.platform === 'linux';
const running: NodeBackends[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((backends) => backends.stop()));
});

const nodes = isLinux
  ? [
      { name: 'worker-1', address: '127.0.1.1' },
      { name: 'worker-2', address: '127.0.1.2' },
    ]
  : [{ name: 'worker-1', address: '127.0.0.1' }];

async function start(services: readonly NodePortService[], refused: string[] = []) {
  let tell: (services: readonly NodePortService[]) => void = () => undefined;
  const backends = await startNodeBackends({
    nodes,
    subscribe: (listener) => {
      tell = listener;
      listener(services);
      return () => {
        tell = () => undefined;
      };
    },
    onPortRefused: ({ address, port, reason }) => refused.push(`${address}:${port} ${reason.message}`),
  });
  running.push(backends);
  await backends.settled();
  const change = async (next: readonly NodePortService[]): Promise<void> => {
    tell(next);
    await backends.settled();
  };
  return { backends, change };
}

const web = (...nodePorts: number[]): NodePortService => ({ namespace: 'prod', name: 'web', nodePorts });
const ask = (address: string, port: number): Promise<Response> =>
  fetch(`http://${address}:${port}/x`, { signal: AbortSignal.timeout(5000) });

describe('startNodeBackends', () => {
  it('answers on every node at the NodePort, with the names of node and Service', async () => {
    const port = await freePort();
    const { backends } = await start([web(port)]);
    expect(backends.listening()).toEqual(nodes.map(({ address }) => `${address}:${port}`));
    for (const { name, address } of nodes) {
      const response = await ask(address, port);
      expect([response.headers.get('x-node'), response.headers.get('x-service')]).toEqual([name, 'prod/web']);
      expect(await response.text()).toBe(`prod/web on ${name}: GET /x\n`);
    }
  });

  it('opens and closes ports as the Services change, and gives a port to its new Service', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const { backends, change } = await start([web(one)]);
    await change([web(one, two)]);
    expect(backends.listening()).toHaveLength(2 * nodes.length);
    await change([web(two), { namespace: 'prod', name: 'api', nodePorts: [one] }]);
    expect((await ask(nodes[0]?.address ?? '', one)).headers.get('x-service')).toBe('prod/api');
    await change([web(two)]);
    await expect(ask(nodes[0]?.address ?? '', one)).rejects.toThrow('fetch failed');
    await change([]);
    expect(backends.listening()).toEqual([]);
  });

  it('tells which port another program holds, and opens the others', async () => {
    const [held, free] = [await freePort(), await freePort()];
    const [first] = nodes;
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(held, first?.address, resolve));
    try {
      const refused: string[] = [];
      const { backends } = await start([web(held, free)], refused);
      expect(refused).toEqual([expect.stringContaining(`${first?.address}:${held} listen EADDRINUSE`)]);
      expect(backends.listening()).toContain(`${first?.address}:${free}`);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('says so when the system has no such address', async () => {
    const subscribe = () => () => undefined;
    // An address of the documentation range is nobody's.
    const failed = await startNodeBackends({ nodes: [{ name: 'worker-9', address: '192.0.2.1' }], subscribe }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(AppError);
    expect((failed as AppError).message).toMatch(/node worker-9 cannot listen on 192\.0\.2\.1.*ifconfig lo0 alias/s);
  });
});
