import { type ConsulConnection, type ConsulPorts, type ConsulServer, claimPorts, startConsul } from './consul.ts';
import { settleAll } from './settle.ts';
import { waitUntil } from './wait-until.ts';

/** Three Consul servers of one datacentre on loopback, their data on disk. */
export interface ConsulCluster {
  readonly servers: readonly ConsulServer[];
  /** The server that leads now; waits until all that run agree on one. */
  leader(): Promise<ConsulServer>;
  /** Hands the leadership over to another server. */
  transfer(): Promise<void>;
  /** Sees to it that this server does not lead; gives the one that does. */
  leaderBeside(server: ConsulServer): Promise<ConsulServer>;
  stop(): Promise<void>;
}

const SIZE = 3;

/** Starts the servers and waits until they have a leader. When one fails, none is left. */
export async function startConsulCluster(): Promise<ConsulCluster> {
  const ports: ConsulPorts[] = [];
  for (let i = 0; i < SIZE; i++) ports.push(await claimPorts());
  const join = ports.map(({ serf_lan }) => `127.0.0.1:${serf_lan}`);
  const starting = ports.map((own, i) =>
    startConsul({ persistent: true, ports: own, config: { node_name: `server-${i}`, bootstrap_expect: SIZE, retry_join: join } }),
  );
  const started = await settleAll(starting).catch(async (error: unknown) => {
    const outcomes = await Promise.allSettled(starting);
    await settleAll(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.stop() : undefined)));
    throw error;
  });
  const servers = started.filter((server) => server !== undefined);
  const leader = (): Promise<ConsulServer> =>
    waitUntil('a leader of Consul', async (): Promise<ConsulServer | undefined> => {
      const running = servers.filter((server) => server.pid() !== undefined);
      const leaders = new Set(await Promise.all(running.map(leaderOf)));
      const [address = ''] = leaders;
      if (leaders.size !== 1 || address === '') return undefined;
      const rpc = Number(address.split(':')[1]);
      return running.find((server) => ports[servers.indexOf(server)]?.server === rpc);
    });
  const transfer = async (): Promise<void> => {
    const before = await leader();
    const response = await fetch(`${before.consulUrl}/v1/operator/raft/transfer-leader`, { method: 'POST' });
    if (!response.ok) throw new Error(`transfer-leader: ${response.status} ${await response.text()}`);
    await waitUntil('another leader', async () => ((await leader()) === before ? undefined : true));
  };
  return {
    servers,
    leader,
    transfer,
    async leaderBeside(server) {
      if ((await leader()) === server) await transfer();
      return await leader();
    },
    stop: async () => {
      await settleAll(servers.map((server) => server.stop()));
    },
  };
}

/** The RPC address of the leader as a server knows it; empty when it knows none. */
async function leaderOf({ consulUrl }: ConsulConnection): Promise<string> {
  const answer = await fetch(`${consulUrl}/v1/status/leader`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return answer?.ok === true ? ((await answer.json()) as string) : '';
}
