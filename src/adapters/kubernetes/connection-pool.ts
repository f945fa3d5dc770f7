import { isDeepStrictEqual } from 'node:util';
import type { DispatcherOptions } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

/** Idle connections are kept this long: below the idle limits of common load balancers. */
const KEEP_ALIVE_MS = 30_000;
/** Enough for the parallel applies of a cold sync; the API server's priority and fairness queues the rest anyway. */
const CALL_CONNECTIONS = 16;

interface Pools {
  readonly wanted: DispatcherOptions;
  readonly calls: Dispatcher;
  readonly streams: Dispatcher;
}

/**
 * The connections of one client. Watches have a pool of their own, without a limit: each holds its connection, and with
 * more watched kinds than connections the calls would wait for ever.
 */
export class ConnectionPool {
  readonly #headersTimeoutMs: number;
  #pools: Pools | undefined;

  constructor(headersTimeoutMs: number) {
    this.#headersTimeoutMs = headersTimeoutMs;
  }

  /** The connections for a call or a stream; new ones when certificates or proxy have changed. */
  dispatcher(wanted: DispatcherOptions, use: 'calls' | 'streams'): Dispatcher {
    const pools = this.#pools;
    if (pools?.wanted === wanted) return pools[use];
    const isSame = pools !== undefined && isDeepStrictEqual(pools.wanted, wanted);
    if (!isSame) {
      void pools?.calls.close();
      void pools?.streams.close();
    }
    this.#pools = isSame ? { ...pools, wanted } : { wanted, calls: this.#build(wanted, 'calls'), streams: this.#build(wanted, 'streams') };
    return this.#pools[use];
  }

  /** Ends every connection at once. */
  async destroy(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.calls.destroy(), pools?.streams.destroy()]);
  }

  #build(wanted: DispatcherOptions, use: 'calls' | 'streams'): Dispatcher {
    const common = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: this.#headersTimeoutMs,
      // Over HTTP/2 all calls and watches would share one connection, and its loss.
      allowH2: false,
      ...(use === 'calls' ? { connections: CALL_CONNECTIONS } : { bodyTimeout: 0 }),
    };
    if (wanted.type === 'socks') throw new Error('a SOCKS proxy is refused when the connection is loaded');
    // Node's TLS options, as undici takes them; only the types differ about undefined members.
    if (wanted.type === 'proxy') {
      return new ProxyAgent({ ...common, uri: wanted.uri, requestTls: wanted.requestTls as ProxyAgent.Options['requestTls'] & object });
    }
    if (wanted.type === 'agent') return new Agent({ ...common, connect: wanted.connect as Agent.Options['connect'] & object });
    return new Agent(common);
  }
}
