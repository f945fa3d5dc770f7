import { createServer, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer of Consul on its way through the proxy. */
export interface ProxiedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What happens to a request instead of being passed on and answered. */
export type ProxyFault =
  /** Another answer; `apply` says that Consul gets the request all the same. */
  | { readonly kind: 'answer'; readonly answer: Partial<ProxiedAnswer>; readonly apply?: true }
  /** Consul's answer, changed. */
  | { readonly kind: 'change'; readonly change: (answer: ProxiedAnswer) => ProxiedAnswer }
  /** Consul's answer, held back until then. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  /** No answer, ever. */
  | { readonly kind: 'hang' }
  /** Consul gets the request; half of its answer arrives, then the connection breaks. */
  | { readonly kind: 'cut' };

/** One request as the proxy saw it: `PUT /v1/txn`. */
export type SeenRequest = string;

type ChooseFault = (request: SeenRequest, body: string) => ProxyFault | undefined;

/** A proxy in front of Consul that can be told to misbehave, and that remembers what was asked. */
export interface ConsulProxy {
  readonly url: string;
  /** Every request in order, with its query. */
  readonly seen: readonly SeenRequest[];
  /** Those that Consul has answered, in the order of the answers. */
  readonly answered: readonly SeenRequest[];
  /** Asked for each request; the last one set decides. Undefined passes the request on. */
  fault(choose: ChooseFault): void;
  /** Ends all faults, and the connections of requests that hang. */
  heal(): void;
  stop(): Promise<void>;
}

/** Starts a proxy for the Consul at `target` on a free port of 127.0.0.1. */
export async function startConsulProxy(target: string): Promise<ConsulProxy> {
  const seen: SeenRequest[] = [];
  const answered: SeenRequest[] = [];
  const hanging = new Set<ServerResponse>();
  let choose: ChooseFault = () => undefined;

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
    seen.push(asked);
    const body = Buffer.concat(await incoming.toArray());
    const fault = choose(asked, body.toString());
    if (fault?.kind === 'hang') {
      hanging.add(response);
      return;
    }
    if (fault?.kind === 'answer' && fault.apply !== true) return send(response, { status: 200, headers: {}, body: '', ...fault.answer });
    const answer = await forward(target, incoming, body, response);
    answered.push(asked);
    if (fault?.kind === 'answer') return send(response, { ...answer, ...fault.answer });
    if (fault?.kind === 'late') await fault.until;
    if (fault?.kind === 'change') return send(response, fault.change(answer));
    if (fault?.kind !== 'cut') return send(response, answer);
    response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
    response.write(answer.body.slice(0, answer.body.length / 2) || ' ', () => response.destroy());
  }

  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answered,
    fault: (next) => {
      choose = next;
    },
    heal: () => {
      choose = () => undefined;
      for (const response of hanging) response.destroy();
      hanging.clear();
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, answer: ProxiedAnswer): void {
  const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers;
  response.writeHead(answer.status, headers).end(answer.body);
}

/** Sends the request on; ends it when the client has gone, so that no long poll outlives its reader. */
function forward(target: string, incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<ProxiedAnswer> {
  return new Promise((resolve, reject) => {
    const { host: _, ...headers } = incoming.headers;
    const outgoing = httpRequest(`${target}${incoming.url}`, { method: incoming.method ?? 'GET', headers }, (answer) => {
      answer
        .toArray()
        .then(
          (chunks: Buffer[]) =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() }),
          reject,
        );
    });
    outgoing.on('error', reject);
    response.on('close', () => outgoing.destroy());
    outgoing.end(body);
  });
}
