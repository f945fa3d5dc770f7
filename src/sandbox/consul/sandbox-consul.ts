import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer, type ConsulAnswer } from './endpoints.ts';
import { answerWithFault, type Fault, Faults } from './faults.ts';
import { ConsulError } from './records.ts';
import { type ConsulSnapshot, ConsulStore } from './store.ts';
import type { TxnOperation } from './transaction.ts';

/** What of the sandbox can be set. */
export interface SandboxConsulOptions {
  /** Default 0: any free port of 127.0.0.1. */
  readonly port?: number;
  /** What `/v1/agent/self` says; default `1.21.0`. */
  readonly version?: string;
  /** Operations that a transaction may hold; default 128, as from Consul 1.14. */
  readonly maxOperations?: number;
  /** Scale of the time to live and the lock delay of sessions; default 1. A test's TTL of 10 s at 0.01 ends after 200 ms at most. */
  readonly timeScale?: number;
}

/** A Consul server in memory, over real HTTP. */
export interface SandboxConsul {
  readonly url: string;
  /** Everything it knows now. */
  snapshot(): ConsulSnapshot;
  /** Puts an older state back; the index goes backwards, as after a restored snapshot of Consul. */
  restore(snapshot: ConsulSnapshot): void;
  /** Changes the state from outside the API, as a stranger would. Throws what Consul would answer. */
  edit(...operations: readonly TxnOperation[]): void;
  /** Ends a session at once, as when its time is over: the lock delay follows. */
  expireSession(id: string): void;
  /** Lets requests fail; the result ends that. */
  fail(fault: Fault): () => void;
  /** Ends all faults. */
  heal(): void;
  /**
   * Requests so far by method and kind of path: `PUT /v1/txn`, `GET /v1/health/state`; long polls apart, as
   * `GET /v1/health/state (waiting)`.
   */
  requests(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Starts a sandbox Consul on loopback. It knows the part of the API that the project uses, and answers 404 to the rest. */
export async function startSandboxConsul(options: SandboxConsulOptions = {}): Promise<SandboxConsul> {
  const { port = 0, version = '1.21.0', maxOperations = 128, timeScale = 1 } = options;
  const store = new ConsulStore(timeScale);
  const faults = new Faults();
  const counts = new Map<string, number>();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request;
    const { pathname, searchParams: params } = new URL(url, 'http://consul');
    const depth = pathname.startsWith('/v1/kv/') ? 3 : 4;
    const kind = `${method} ${pathname.split('/').slice(0, depth).join('/')}${params.has('index') ? ' (waiting)' : ''}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const body = Buffer.concat(await request.toArray());
    const fault = faults.take(`${method} ${url}`);
    if (fault !== undefined && fault.applied !== true && fault.kind !== 'half-body') return answerWithFault(fault, response, '');
    const asked = { method, path: decodeURIComponent(pathname), params, body, signal: gone.signal };
    const given = await answer(store, { version, maxOperations }, asked).catch(refusal);
    const sent = typeof given.body === 'string' ? given.body : (JSON.stringify(given.body) ?? '');
    if (fault !== undefined) return answerWithFault(fault, response, sent);
    response.writeHead(given.status, given.headers).end(sent);
  };

  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    snapshot: () => store.snapshot(),
    restore: (snapshot) => store.restore(snapshot),
    edit: (...operations) => {
      const outcome = store.transact(operations);
      if (outcome.kind === 'refused') throw new ConsulError(outcome.errors.map((error) => error.What).join('; '), 409);
    },
    expireSession: (id) => store.destroySession(id),
    fail: (fault) => faults.add(fault),
    heal: () => faults.clear(),
    requests: () => new Map(counts),
    stop: async () => {
      store.close();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

function refusal(error: unknown): ConsulAnswer {
  if (!(error instanceof ConsulError)) throw error;
  return { status: error.status, body: error.message, headers: { 'content-type': 'text/plain; charset=utf-8' } };
}
