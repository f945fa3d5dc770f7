import { Agent, request } from 'node:http';
import { consulRequest } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

/** An instance as Consul gives it, with the node that it stands on. */
export interface CatalogService {
  readonly Node: string;
  readonly ID: string;
  readonly Service: string;
  readonly Address: string;
  readonly Port: number;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
  readonly ModifyIndex: number;
}

interface Node {
  readonly ID: string;
  readonly Node: string;
  readonly Address: string;
  readonly Meta: Readonly<Record<string, string>>;
}

/** What stands in the catalog of one cluster. */
export interface CatalogContent {
  readonly nodes: readonly Node[];
  readonly instances: readonly CatalogService[];
}

/** Every node of a cluster with its instances, the canary left out; instances of one service stand together. */
export async function readCatalog(stack: StackConnection, cluster: string): Promise<CatalogContent> {
  const nodes = ((await consulRequest(stack, 'GET', `/v1/catalog/nodes?node-meta=cluster:${cluster}`)) as readonly Node[]).filter(
    ({ Meta }) => Meta['k8s-node'] !== undefined,
  );
  const instances: CatalogService[] = [];
  for (const { Node } of nodes) {
    const answer = (await consulRequest(stack, 'GET', `/v1/catalog/node-services/${Node}`)) as { Services: CatalogService[] };
    instances.push(...answer.Services.map((service) => ({ ...service, Node })));
  }
  instances.sort((a, b) => (a.Service < b.Service ? -1 : a.Service > b.Service ? 1 : 0));
  return { nodes, instances };
}

/** Removes all of a cluster from Consul: its nodes with what stands on them, and its part of the KV store. */
export async function clearCatalog(stack: StackConnection, cluster: string): Promise<void> {
  const nodes = (await consulRequest(stack, 'GET', `/v1/catalog/nodes?node-meta=cluster:${cluster}`)) as readonly Node[];
  for (const { Node } of nodes) await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node });
  await consulRequest(stack, 'DELETE', `/v1/kv/${cluster}/?recurse=true`);
}

/** Operations of one transaction, from Consul 1.14 on. */
const OPERATIONS = 128;
/** Transactions at once, as many as the daemon sends. */
const AT_ONCE = 4;

/** How long the same nodes and instances take by nothing but full transactions without a fence, in milliseconds. */
export async function measureTransactions(stack: StackConnection, { nodes, instances }: CatalogContent): Promise<number> {
  const body = (operations: readonly unknown[]): Put => ({ path: '/v1/txn', body: JSON.stringify(operations) });
  const first = chunks(nodes).map((chunk) => body(chunk.map((node) => ({ Node: { Verb: 'set', Node: node } }))));
  const then = chunks(instances).map((chunk) =>
    body(chunk.map(({ Node, ...service }) => ({ Service: { Verb: 'set', Node, Service: service } }))),
  );
  const startedAt = performance.now();
  await putAll(stack, first, AT_ONCE);
  await putAll(stack, then, AT_ONCE);
  return performance.now() - startedAt;
}

/** The naive way: one `catalog/register` for each instance, `atOnce` at a time; in milliseconds. */
export async function measureRegistrations(stack: StackConnection, { nodes, instances }: CatalogContent, atOnce: number): Promise<number> {
  const byName = new Map(nodes.map(({ ID, Node, Address, Meta }) => [Node, { ID, Node, Address, NodeMeta: Meta }]));
  const puts = instances.map(({ Node, ...service }) => ({
    path: '/v1/catalog/register',
    body: JSON.stringify({ ...byName.get(Node), Service: service }),
  }));
  const startedAt = performance.now();
  await putAll(stack, puts, atOnce);
  return performance.now() - startedAt;
}

const chunks = <T>(items: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / OPERATIONS) }, (_, i) => items.slice(i * OPERATIONS, (i + 1) * OPERATIONS));

interface Put {
  readonly path: string;
  readonly body: string;
}

async function putAll({ consulUrl }: StackConnection, puts: readonly Put[], atOnce: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let next = 0;
  const work = async (): Promise<void> => {
    for (let item = puts[next++]; item !== undefined; item = puts[next++]) await put(new URL(item.path, consulUrl), item.body, agent);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  agent.destroy();
}

function put(url: URL, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'PUT', agent }, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      response.on('end', () => (statusCode < 300 ? resolve() : reject(new Error(`PUT ${url.pathname}: ${statusCode}`))));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
