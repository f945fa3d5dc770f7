import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { requireServer } from '../servers/catalog.ts';
import type { ConsulConnection } from './consul.ts';
import { deployPath, readDeploy } from './deploy-files.ts';
import { freePort } from './free-port.ts';
import type { TestNode } from './nodes.ts';
import { makeTempDirectory } from './processes.ts';
import { type RunningServer, startServer } from './server.ts';
import { settleAll } from './settle.ts';

/** A Consul agent and a consul-template on one node, set up as deploy/consul-template says. */
export interface NodeAgent {
  readonly node: TestNode;
  readonly agent: RunningServer;
  readonly template: RunningServer;
  /** Names of the Consul services in the rendered file, in its order; undefined while there is none. */
  rendered(): Promise<readonly string[] | undefined>;
  /** Registers a service past consul-template, as a definition of the operator's own would. */
  define(service: object): Promise<void>;
  undefine(id: string): Promise<void>;
}

/** The agents of a whole cluster. */
export interface NodeAgents {
  of(node: string): NodeAgent;
  stop(): Promise<void>;
}

export interface NodeAgentsOptions {
  readonly consul: ConsulConnection;
  readonly nodes: readonly TestNode[];
  readonly cluster: string;
  readonly keyPath: string;
}

/** Starts a client agent and a consul-template for each node, and waits until the agents have joined the server. */
export async function startNodeAgents(options: NodeAgentsOptions): Promise<NodeAgents> {
  const directory = await makeTempDirectory('node-agents');
  const started = await Promise.allSettled(options.nodes.map((node) => startNode(node, join(directory.path, node.name), options)));
  const agents = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await settleAll(agents.map(({ template }) => template.stop()));
    await settleAll(agents.map(({ agent }) => agent.stop()));
    await directory.remove();
  };
  const failed = started.find((result) => result.status === 'rejected');
  if (failed?.status === 'rejected') {
    await stop();
    throw failed.reason;
  }
  const of = (name: string): NodeAgent => {
    const found = agents.find(({ node }) => node.name === name);
    if (found === undefined) throw new Error(`there is no agent on ${name}`);
    return found;
  };
  return { of, stop };
}

async function startNode(node: TestNode, path: string, { consul, cluster, keyPath }: NodeAgentsOptions): Promise<NodeAgent> {
  const services = join(path, 'consul.d');
  const rendered = join(services, 'poolkeeper.json');
  await mkdir(services, { recursive: true });
  const http = await freePort();
  const address = `127.0.0.1:${http}`;
  await writeFile(join(services, 'agent.json'), JSON.stringify(await agentConfig(node, { http, path, consul })));
  const agent = await startServer({
    name: 'consul',
    args: ['agent', `-config-dir=${services}`],
    directory: path,
    isReady: () => hasJoined(consul, node.name),
  });
  const config = join(path, 'consul-template.hcl');
  await writeFile(config, templateConfig({ address, rendered }));
  const template = await startServer({
    name: 'consul-template',
    args: [`-config=${config}`],
    directory: path,
    env: {
      // For `consul reload`.
      PATH: [dirname(await requireServer('consul')), process.env['PATH'] ?? ''].join(delimiter),
      CONSUL_HTTP_ADDR: address,
      POOLKEEPER_CLUSTER: cluster,
      POOLKEEPER_KEY_PATH: keyPath,
    },
    isReady: async () => true,
  });
  return {
    node,
    agent,
    template,
    async rendered() {
      const text = await readFile(rendered, 'utf8').catch(() => undefined);
      return text === undefined ? undefined : (JSON.parse(text) as { services: { name: string }[] }).services.map(({ name }) => name);
    },
    define: (service) => put(`http://${address}/v1/agent/service/register`, JSON.stringify(service)),
    undefine: (id) => put(`http://${address}/v1/agent/service/deregister/${id}`),
  };
}

async function put(url: string, body = ''): Promise<void> {
  const response = await fetch(url, { method: 'PUT', body });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

/** The shipped configuration with the places of this test. */
function templateConfig({ address, rendered }: { readonly address: string; readonly rendered: string }): string {
  const places = {
    '"127.0.0.1:8500"': JSON.stringify(address),
    '"/etc/consul-template/services.ctmpl"': JSON.stringify(deployPath('consul-template', 'services.ctmpl')),
    '"/etc/consul.d/poolkeeper.json"': JSON.stringify(rendered),
  };
  let text = readDeploy('consul-template', 'consul-template.hcl');
  for (const [shipped, here] of Object.entries(places)) {
    if (!text.includes(shipped)) throw new Error(`consul-template.hcl does not say ${shipped}`);
    text = text.replace(shipped, here);
  }
  return text;
}

interface AgentPlace {
  readonly http: number;
  readonly path: string;
  readonly consul: ConsulConnection;
}

async function agentConfig({ name, address }: TestNode, { http, path, consul }: AgentPlace): Promise<object> {
  return {
    node_name: name,
    bind_addr: address,
    client_addr: '127.0.0.1',
    data_dir: join(path, 'data'),
    disable_update_check: true,
    leave_on_terminate: true,
    retry_join: [`127.0.0.1:${await serfPort(consul)}`],
    ports: { http, serf_lan: await freePort(), server: await freePort(), grpc: -1, grpc_tls: -1, dns: -1, https: -1, serf_wan: -1 },
  };
}

async function serfPort({ consulUrl }: ConsulConnection): Promise<number> {
  const [server] = (await (await fetch(`${consulUrl}/v1/agent/members`)).json()) as readonly { readonly Port: number }[];
  if (server === undefined) throw new Error('Consul has no members');
  return server.Port;
}

async function hasJoined({ consulUrl }: ConsulConnection, name: string): Promise<boolean> {
  const checks = (await (await fetch(`${consulUrl}/v1/health/node/${name}`)).json()) as readonly { readonly Status: string }[];
  return checks.some(({ Status }) => Status === 'passing');
}
