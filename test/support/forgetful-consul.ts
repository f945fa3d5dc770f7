import { Agent, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands between a Traefik and Consul, and keeps changes from it as broken networks and lost events do. */
export interface ForgetfulConsul {
  readonly url: string;
  /**
   * `pass`: nothing is kept back. `forget`: who waits for a change is told that there was one, and given what it knows already: the
   * change is lost for ever. `hang`: no answer comes; ends when another mode is set, with broken connections.
   */
  behave(mode: 'pass' | 'forget' | 'hang'): void;
  stop(): Promise<void>;
}

/** Starts it before the Consul at `target` (`http://host:port`). */
export async function startForgetfulConsul(target: string): Promise<ForgetfulConsul> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const known = new Map<string, Buffer>();
  const hanging = new Set<ServerResponse>();
  let mode: Parameters<ForgetfulConsul['behave']>[0] = 'pass';
  const server = createServer((incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://consul');
    const outgoing = request(
      { hostname, port, agent, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (answer) => {
        void answer.toArray().then((parts: Buffer[]) => {
          if (mode === 'hang') return void hanging.add(response);
          const fresh = Buffer.concat(parts);
          const waits = searchParams.has('index');
          const body = mode === 'forget' && waits ? (known.get(pathname) ?? fresh) : fresh;
          // Consul gives tags in any order: only what a watch was given last is no news to it.
          if (waits || !known.has(pathname)) known.set(pathname, body);
          const { 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = answer.headers;
          response.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': body.length }).end(body);
        });
      },
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behave(next) {
      mode = next;
      if (next === 'hang') return;
      for (const response of hanging) response.destroy();
      hanging.clear();
    },
    async stop() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
