import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { makeTempDirectory } from './processes.ts';
import { type RunningServer, startServer } from './server.ts';

/** How to start Consul. Without options: a dev agent, data in memory, no ACLs. */
export interface ConsulOptions {
  /** ACLs on, default policy deny; the stack's `consulToken` may do everything. */
  readonly acl?: boolean;
  /** Keeps data on disk, so that it outlives kill and restart. Starts about 2 s slower (a leader is elected). */
  readonly persistent?: boolean;
  /** Ports of its own unless told. */
  readonly ports?: ConsulPorts;
  /** More agent configuration, as Consul's JSON; it wins over ours. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Where a Consul answers, and with which token; plain data. */
export interface ConsulConnection {
  readonly consulUrl: string;
  /** Set when ACLs are on: the initial management token. */
  readonly consulToken?: string;
}

export interface ConsulServer extends ConsulConnection, RunningServer {}

const managementToken = '6f1e0b1c-8a55-4ac4-9d0e-3d1c7f2b9a10';

/** Starts one Consul on ports of its own and waits until it has a leader and accepts writes. */
export async function startConsul(options: ConsulOptions = {}): Promise<ConsulServer> {
  const directory = await makeTempDirectory('consul');
  try {
    const ports = options.ports ?? (await claimPorts());
    const file = join(directory.path, 'agent.json');
    await writeFile(file, JSON.stringify(agentConfig(options, ports), null, 2));
    const mode = options.persistent === true ? ['-server', `-data-dir=${directory.path}/data`] : ['-dev'];
    const consulUrl = `http://127.0.0.1:${ports.http}`;
    const token = options.acl === true ? { consulToken: managementToken } : {};
    const server = await startServer({
      name: 'consul',
      args: ['agent', ...mode, `-config-file=${file}`],
      directory: directory.path,
      isReady: () => acceptsWrites(consulUrl, options.acl === true ? { 'x-consul-token': managementToken } : {}),
    });
    const stop = async (graceMs?: number): Promise<void> => {
      await server.stop(graceMs);
      await directory.remove();
    };
    return { ...server, consulUrl, ...token, stop };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

/** The ports of one agent, by the names of its configuration. */
export interface ConsulPorts {
  readonly http: number;
  readonly serf_lan: number;
  readonly serf_wan: number;
  readonly server: number;
}

/** Ports that are free now. */
export async function claimPorts(): Promise<ConsulPorts> {
  return { http: await freePort(), serf_lan: await freePort(), serf_wan: await freePort(), server: await freePort() };
}

function agentConfig(options: ConsulOptions, ports: ConsulPorts): Record<string, unknown> {
  const acl = { enabled: true, default_policy: 'deny', tokens: { initial_management: managementToken } };
  return {
    bind_addr: '127.0.0.1',
    client_addr: '127.0.0.1',
    log_level: 'info',
    // Nothing of a test leaves the loopback interface.
    disable_update_check: true,
    // All of them, or two agents collide.
    ports: { ...ports, grpc: -1, grpc_tls: -1, dns: -1, https: -1 },
    performance: { raft_multiplier: 1 },
    leave_on_terminate: false,
    ...(options.persistent === true ? { bootstrap_expect: 1 } : {}),
    ...(options.acl === true ? { acl } : {}),
    ...options.config,
  };
}

/** A leader alone is not enough: with ACLs the management token appears a moment later. */
async function acceptsWrites(consulUrl: string, headers: Readonly<Record<string, string>>): Promise<boolean> {
  const response = await fetch(`${consulUrl}/v1/status/leader`, { signal: AbortSignal.timeout(2000) });
  if ((await response.json()) === '') return false;
  const session = await fetch(`${consulUrl}/v1/session/create`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ Behavior: 'delete', TTL: '10s' }),
    signal: AbortSignal.timeout(2000),
  });
  if (!session.ok) return false;
  const { ID: id } = (await session.json()) as { ID: string };
  const destroyed = await fetch(`${consulUrl}/v1/session/destroy/${id}`, { method: 'PUT', headers });
  return destroyed.ok;
}
