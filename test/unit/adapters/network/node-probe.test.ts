import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { StoppableProbe } from '../../../../src/adapters/network/node-probe.ts';
import { createNodeProbe } from '../../../../src/adapters/network/node-probe.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { ProbeTarget } from '../../../../src/core/model/ports.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const open: Server[] = [];
const probes: StoppableProbe[] = [];

async function listener(): Promise<{ readonly port: number; readonly server: Server; readonly taken: () => number }> {
  let taken = 0;
  const server = createServer((socket) => {
    taken++;
    socket.on('error', () => undefined).resume();
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server, taken: () => taken };
}
const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
async function closedPort(): Promise<number> {
  const { port, server } = await listener();
  await close(server);
  return port;
}
function probe(): StoppableProbe {
  const made = createNodeProbe({ intervalMs: 10, timeoutMs: 1_000 });
  probes.push(made);
  return made;
}
const target = (node: string, ...ports: readonly number[]): ProbeTarget => ({
  node: nodeName(node),
  endpoints: ports.map((port) => ({ address: '127.0.0.1', port })),
});
const told = (of: StoppableProbe): string => JSON.stringify(Object.fromEntries(of.state()));
const untilTold = (of: StoppableProbe, what: string): Promise<true> =>
  waitUntil(what, () => (told(of) === what ? true : undefined), { describe: () => told(of) });

afterEach(async () => {
  await Promise.all(probes.splice(0).map((one) => one.stop()));
  await Promise.all(open.splice(0).map(close));
});

describe('a probe of nodes', () => {
  it('tells which nodes take a connection at one of their ports, and which do not', async () => {
    const [up, down] = [await listener(), await closedPort()];
    const one = probe();
    expect(told(one)).toBe('{}');
    one.want([target('n1', down, up.port), target('n2', down)]);
    await untilTold(one, '{"n1":true,"n2":false}');
  });

  it('tells of a change, and keeps the very same answer until there is one', async () => {
    const { port, server } = await listener();
    const one = probe();
    const seen: string[] = [];
    one.changed(() => seen.push(told(one)));
    one.want([target('n1', port)]);
    await untilTold(one, '{"n1":true}');
    const before = one.state();
    one.want([target('n1', port)]);
    expect(one.state()).toBe(before);
    await close(server);
    await untilTold(one, '{"n1":false}');
    expect(seen).toEqual(expect.arrayContaining(['{"n1":true}', '{"n1":false}']));
  });

  it('forgets a node that is no longer wanted, and rests when none is', async () => {
    const up = await listener();
    const one = probe();
    one.want([target('n1', up.port), target('n2', up.port)]);
    await untilTold(one, '{"n1":true,"n2":true}');
    one.want([target('n2', up.port)]);
    expect(told(one)).toBe('{"n2":true}');
    one.want([]);
    expect(told(one)).toBe('{}');
    await one.stop();
    // Rounds of another probe are the clock: what was on its way at the stop has arrived after some of them.
    const fresh = await listener();
    const other = probe();
    other.want([target('n1', fresh.port)]);
    await waitUntil('some rounds of another probe', () => (fresh.taken() > 2 ? true : undefined));
    const after = up.taken();
    const rounds = fresh.taken();
    await waitUntil('some more rounds', () => (fresh.taken() > rounds + 2 ? true : undefined));
    expect(up.taken()).toBe(after);
  });

  it('does not call a node unreachable for a single try without an answer', async () => {
    const [up, down] = [await listener(), await closedPort()];
    const one = createNodeProbe({ intervalMs: 3_600_000 });
    probes.push(one);
    one.want([target('n1', down), target('n2', up.port)]);
    await untilTold(one, '{"n2":true}');
  });

  it('begins anew after a rest', async () => {
    const up = await listener();
    const one = probe();
    one.want([target('n1', up.port)]);
    await untilTold(one, '{"n1":true}');
    one.want([]);
    one.want([target('n1', up.port)]);
    expect(told(one)).toBe('{}');
    await untilTold(one, '{"n1":true}');
  });
});
