import { createServer, type Server } from 'node:http';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';

/** A live Service and its NodePorts. */
export interface NodePortService {
  readonly namespace: string;
  readonly name: string;
  readonly nodePorts: readonly number[];
}

/** A node of the sandbox: a loopback address of its own, such as 127.0.1.1. */
export interface BackendNode {
  readonly name: string;
  readonly address: string;
}

export interface NodeBackendsOptions {
  readonly nodes: readonly BackendNode[];
  /** Calls the listener at once and at every change with all Services; the result ends that. */
  readonly subscribe: (listener: (services: readonly NodePortService[]) => void) => () => void;
  /** Told when a NodePort cannot be opened on a node, mostly since another program uses it. The other ports go on. */
  readonly onPortRefused?: (refused: { readonly address: string; readonly port: number; readonly reason: Error }) => void;
}

export interface NodeBackends {
  /** `address:port` of every port that listens now, sorted. */
  listening(): readonly string[];
  /** Resolves when the ports are as the Services said last. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Stands for kube-proxy and the pods behind it: on every node each NodePort of a live Service answers HTTP with the names of
 * node and Service, and closes when the Service lets it go. Throws when this system has no such loopback addresses.
 */
export async function startNodeBackends({ nodes, subscribe, onPortRefused }: NodeBackendsOptions): Promise<NodeBackends> {
  for (const node of nodes) await probeAddress(node);
  const open = new Map<string, { readonly server: Server; readonly service: string }>();

  const close = async (endpoint: string): Promise<void> => {
    const { server } = open.get(endpoint) ?? {};
    open.delete(endpoint);
    // As kube-proxy does: connections to a closed NodePort break.
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve).closeAllConnections()));
  };
  const apply = async (services: readonly NodePortService[]): Promise<void> => {
    const wanted = new Map(services.flatMap((service) => endpointsOf(service, nodes)).map((endpoint) => [endpoint.key, endpoint] as const));
    for (const [key, { service }] of open) if (wanted.get(key)?.service !== service) await close(key);
    for (const { key, node, port, service } of wanted.values()) {
      if (open.has(key)) continue;
      try {
        open.set(key, { server: await listen(node, port, service), service });
      } catch (error) {
        onPortRefused?.({ address: node.address, port, reason: error as Error });
      }
    }
  };

  // One after the other, so that the last word of the Services is the last one done.
  let work = Promise.resolve();
  const unsubscribe = subscribe((services) => {
    work = work.then(() => apply(services));
  });
  return {
    listening: () => [...open.keys()].sort(),
    settled: () => work,
    stop: async () => {
      unsubscribe();
      await work;
      await Promise.all([...open.keys()].map(close));
    },
  };
}

interface Endpoint {
  readonly key: string;
  readonly node: BackendNode;
  readonly port: number;
  readonly service: string;
}

const endpointsOf = ({ namespace, name, nodePorts }: NodePortService, nodes: readonly BackendNode[]): readonly Endpoint[] =>
  nodes.flatMap((node) => nodePorts.map((port) => ({ key: `${node.address}:${port}`, node, port, service: `${namespace}/${name}` })));

async function listen(node: BackendNode, port: number, service: string): Promise<Server> {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-node': node.name, 'x-service': service };
  const server = createServer((request, response) => {
    response.writeHead(200, headers).end(`${service} on ${node.name}: ${request.method} ${request.url}\n`);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, node.address, resolve));
  return server;
}

/** Only Linux answers on all of 127.0.0.0/8 by itself. */
async function probeAddress(node: BackendNode): Promise<void> {
  try {
    const server = await listen(node, 0, '');
    await new Promise((resolve) => server.close(resolve));
  } catch (cause) {
    const remedy = `Add the address to the loopback interface (macOS: sudo ifconfig lo0 alias ${node.address} up), or run on Linux.`;
    throw new AppError(problem('CONFIG_INVALID', `node ${node.name} cannot listen on ${node.address}`, { remedy }), { cause });
  }
}
