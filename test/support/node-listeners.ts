import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { KubernetesConnection } from './kube-client.ts';
import type { TestNode } from './nodes.ts';
import { followServices, type LiveService } from './service-watch.ts';

/** Which nodes listen for the Services of which cluster. */
export interface NodeListenersOptions {
  readonly stack: KubernetesConnection;
  readonly nodes: readonly TestNode[];
  /** The body of an answer; `<node> <namespace>/<service>` unless told. */
  readonly bodyOf?: BodyOf;
  /** How long after a change of Services the nodes follow it, in ms, as kube-proxy does. 0 unless told. */
  readonly syncAfterMs?: number;
}

/** Where a request has come to. */
export interface Reached {
  readonly node: string;
  readonly port: number;
  /** `<namespace>/<name>` of the Service. */
  readonly service: string;
}

export type BodyOf = (reached: Reached, request: IncomingMessage) => string;

/** What stands in for kube-proxy on the nodes of a test. */
export interface NodeListeners {
  /** `<node name>:<nodePort>` of every open listener, sorted. */
  open(): readonly string[];
  /** Makes a node refuse every connection, as a machine that is switched off, or listen again. */
  setDown(nodeName: string, down: boolean): Promise<void>;
  /** Listens for one more node. */
  addNode(node: TestNode): Promise<void>;
  /** Listeners that could not be opened, for example because the port was taken. */
  readonly problems: readonly string[];
  stop(): Promise<void>;
}

/**
 * Listens on `<node address>:<nodePort>` for every TCP NodePort of every live Service, and follows the Services by a
 * watch: a listener opens and closes within 100 ms of the change. It answers every request with 200, the body
 * `<node> <namespace>/<service>`, and the headers `x-node` and `x-service`. A closed one refuses new connections and
 * ends idle ones; a request under way is answered. Returns when the listeners of the present Services are open.
 */
export async function startNodeListeners({ stack, nodes, bodyOf, syncAfterMs = 0 }: NodeListenersOptions): Promise<NodeListeners> {
  const controller = new AbortController();
  const listening = new Listeners(nodes, bodyOf ?? (({ node, service }) => `${node} ${service}`));
  const onChange = (services: readonly LiveService[]): void => {
    if (syncAfterMs === 0) listening.setServices(services);
    else setTimeout(() => listening.setServices(services), syncAfterMs);
  };
  await followServices(stack, onChange, controller.signal);
  await listening.settled();
  return {
    open: () => listening.open(),
    setDown: (nodeName, down) => listening.setDown(nodeName, down),
    addNode: (node) => listening.addNode(node),
    problems: listening.problems,
    stop: async () => {
      controller.abort();
      await listening.closeAll();
    },
  };
}

interface Listener {
  readonly node: TestNode;
  readonly port: number;
  readonly server: Server;
  readonly ready: Promise<void>;
  service: string;
}

class Listeners {
  readonly problems: string[] = [];
  readonly #nodes: TestNode[];
  readonly #bodyOf: BodyOf;
  readonly #down = new Set<string>();
  readonly #listeners = new Map<string, Listener>();
  #ports = new Map<number, string>();
  #closing: Promise<unknown>[] = [];

  constructor(nodes: readonly TestNode[], bodyOf: BodyOf) {
    this.#nodes = [...nodes];
    this.#bodyOf = bodyOf;
  }

  open(): readonly string[] {
    const listening = [...this.#listeners].filter(([, { server }]) => server.listening);
    return listening.map(([key]) => key).sort();
  }

  setServices(services: readonly LiveService[]): void {
    this.#ports = new Map(services.flatMap(nodePorts));
    this.#update();
  }

  async setDown(nodeName: string, down: boolean): Promise<void> {
    if (down) this.#down.add(nodeName);
    else this.#down.delete(nodeName);
    this.#update();
    await this.settled();
  }

  async addNode(node: TestNode): Promise<void> {
    this.#nodes.push(node);
    this.#update();
    await this.#opened();
  }

  async closeAll(): Promise<void> {
    this.#ports = new Map();
    this.#update();
    await this.settled();
  }

  /** Waits for every opening and closing that has begun. */
  async settled(): Promise<void> {
    const closing = this.#closing;
    this.#closing = [];
    await Promise.all([...closing, this.#opened()]);
  }

  async #opened(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map(({ ready }) => ready));
  }

  #update(): void {
    const wanted = new Map<string, { node: TestNode; port: number; service: string }>();
    for (const node of this.#nodes.filter(({ name }) => !this.#down.has(name))) {
      for (const [port, service] of this.#ports) wanted.set(`${node.name}:${port}`, { node, port, service });
    }
    for (const [key, listener] of this.#listeners) {
      if (!wanted.has(key)) this.#close(key, listener);
    }
    for (const [key, { node, port, service }] of wanted) {
      const present = this.#listeners.get(key);
      if (present === undefined) this.#open(key, { node, port, service });
      else present.service = service;
    }
  }

  #open(key: string, { node, port, service }: { node: TestNode; port: number; service: string }): void {
    const server = createServer((request, response) => {
      request.resume();
      // A listener that is closing must not keep the connection for a next request.
      if (!server.listening) response.shouldKeepAlive = false;
      response.writeHead(200, { 'content-type': 'text/plain', 'x-node': node.name, 'x-service': listener.service });
      response.end(`${this.#bodyOf({ node: node.name, port, service: listener.service }, request)}\n`);
    });
    server.on('error', (error) => {
      this.problems.push(`${key}: ${error.message}`);
      this.#listeners.delete(key);
    });
    server.listen(port, node.address);
    server.unref();
    const ready = once(server, 'listening').then(
      () => undefined,
      () => undefined,
    );
    const listener: Listener = { node, port, server, ready, service };
    this.#listeners.set(key, listener);
  }

  #close(key: string, { server }: Listener): void {
    this.#listeners.delete(key);
    this.#closing.push(new Promise((resolve) => server.close(resolve)));
    server.closeIdleConnections();
  }
}

function nodePorts({ metadata, spec }: LiveService): [number, string][] {
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return [];
  const tcp = (spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  const service = `${metadata.namespace}/${metadata.name}`;
  return tcp.flatMap(({ nodePort }): [number, string][] => (nodePort === undefined ? [] : [[nodePort, service]]));
}
