import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesConnection } from './kube-client.ts';
import { followServices } from './service-watch.ts';

/** One NodePort that closed: when, and when it had left Consul (undefined when it still stood there). */
export interface Closing {
  readonly pool: string;
  readonly nodePort: number;
  readonly closedAtMs: number;
  readonly leftConsulAtMs: number | undefined;
}

/** Sees, past the daemon and any proxy, when NodePorts leave Consul and when they close. */
export interface DrainWatch {
  /** Follows one pool (`namespace/name`), whose Consul service is `service`. */
  follow(pool: string, service: string): void;
  /** Every closing of a followed pool's NodePort so far. */
  closings(pool: string): readonly Closing[];
  stop(): Promise<void>;
}

interface Followed {
  readonly open: Set<number>;
  readonly registered: Set<number>;
  readonly leftAtMs: Map<number, number>;
  readonly closings: Closing[];
}

/** Starts to watch the Services of a cluster; Consul is watched for what is followed, by long polls. */
export async function startDrainWatch(stack: KubernetesConnection & { readonly consulUrl: string }): Promise<DrainWatch> {
  const controller = new AbortController();
  const pools = new Map<string, Followed>();
  const polls: Promise<void>[] = [];
  await followServices(
    stack,
    (services) => {
      const open = new Map(services.map((live) => [`${live.metadata.namespace}/${live.metadata.name}`, live.spec.ports ?? []]));
      for (const [pool, state] of pools) {
        const ports = (open.get(pool) ?? []).flatMap(({ nodePort }) => (nodePort === undefined ? [] : [nodePort]));
        noteOpen(pool, state, new Set(ports));
      }
    },
    controller.signal,
  );
  return {
    follow(pool, service) {
      const state: Followed = { open: new Set(), registered: new Set(), leftAtMs: new Map(), closings: [] };
      pools.set(pool, state);
      polls.push(followCatalog(`${stack.consulUrl}/v1/health/service/${service}`, state, controller.signal));
    },
    closings: (pool) => pools.get(pool)?.closings ?? [],
    async stop() {
      controller.abort();
      await Promise.all(polls);
    },
  };
}

function noteOpen(pool: string, state: Followed, ports: ReadonlySet<number>): void {
  for (const port of ports) state.open.add(port);
  for (const nodePort of [...state.open].filter((port) => !ports.has(port))) {
    state.open.delete(nodePort);
    const left = state.registered.has(nodePort) ? undefined : state.leftAtMs.get(nodePort);
    state.closings.push({ pool, nodePort, closedAtMs: Date.now(), leftConsulAtMs: left });
  }
}

async function followCatalog(url: string, state: Followed, signal: AbortSignal): Promise<void> {
  let index = '0';
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}?index=${index}&wait=20s`, { signal });
      index = response.headers.get('x-consul-index') ?? '0';
      const entries = (await response.json()) as readonly { readonly Service: { readonly Port: number } }[];
      const ports = new Set(entries.map(({ Service }) => Service.Port));
      for (const port of state.registered) if (!ports.has(port)) state.leftAtMs.set(port, Date.now());
      state.registered.clear();
      for (const port of ports) state.registered.add(port);
    } catch {
      await sleep(50, undefined, { signal }).catch(() => undefined);
    }
  }
}
