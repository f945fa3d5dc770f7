import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsulConnection } from './consul.ts';

/** One instance as a reader sees it. */
export interface SeenInstance {
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
}

/** What a reader saw that no reader may see, each once, in the order of seeing. */
export interface PoolReading {
  readonly reads: number;
  readonly violations: readonly string[];
  /** The different sets of Consul nodes, in the order of seeing. */
  readonly nodes: readonly string[];
}

export interface PoolReader {
  stop(): Promise<PoolReading>;
}

/**
 * Reads a Consul service again and again, every 5 ms, as a load balancer would: by consistent reads, so that what it sees was so.
 * A read without any instance, with fewer than `least`, with the same backend twice, or with instances whose tags differ is a violation.
 */
export function startPoolReader(consul: ConsulConnection, service: string, least: number): PoolReader {
  const violations = new Set<string>();
  const nodes = new Set<string>();
  let reads = 0;
  let stopped = false;
  const read = async (): Promise<void> => {
    const answer = (await (await fetch(`${consul.consulUrl}/v1/health/service/${service}?consistent`)).json()) as readonly Entry[];
    reads++;
    const seen = answer.map(seenInstance);
    nodes.add(
      seen
        .map(({ node }) => node)
        .sort()
        .join(' '),
    );
    for (const violation of violationsIn(seen, least)) violations.add(violation);
  };
  const work = (async () => {
    while (!stopped) {
      await read();
      await sleep(5);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await work;
      return { reads, violations: [...violations], nodes: [...nodes] };
    },
  };
}

interface Entry {
  readonly Node: { readonly Node: string; readonly Address: string };
  readonly Service: { readonly Address: string; readonly Port: number; readonly Tags: readonly string[] };
}

const seenInstance = ({ Node, Service }: Entry): SeenInstance => ({
  node: Node.Node,
  address: Service.Address === '' ? Node.Address : Service.Address,
  port: Service.Port,
  tags: Service.Tags,
});

function violationsIn(seen: readonly SeenInstance[], least: number): readonly string[] {
  const backends = seen.map(({ address, port }) => `${address}:${port}`);
  const twice = backends.filter((backend, i) => backends.indexOf(backend) !== i);
  const tags = new Set(seen.map((instance) => JSON.stringify(instance.tags)));
  return [
    ...(seen.length < least ? [`${seen.length} instances`] : []),
    ...twice.map((backend) => `${backend} is registered twice`),
    ...(tags.size > 1 ? [`mixed tags: ${[...tags].join(' and ')}`] : []),
  ];
}
