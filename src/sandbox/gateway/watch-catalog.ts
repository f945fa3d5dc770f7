import type { RoutedInstance } from '../../core/routes/route-model.ts';
import { sleep, withDeadline } from '../../shared/abort.ts';

/** How to learn of changes: by reading all every so often, or by two long polls, as Traefik's `refreshInterval` and `watch`. */
export type CatalogRefresh = { readonly kind: 'poll'; readonly intervalMs: number } | { readonly kind: 'watch' };

interface WatchOptions {
  readonly consulUrl: string;
  readonly refresh: CatalogRefresh;
  readonly onInstances: (instances: readonly RoutedInstance[]) => void;
}

interface HealthEntry {
  readonly Node: { readonly ID: string; readonly Node: string; readonly Address: string };
  readonly Service: { readonly ID: string; readonly Address: string; readonly Port?: number; readonly Tags: readonly string[] };
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[];
}

const REQUEST_DEADLINE_MS = 5000;
const LONG_POLL_MS = 60_000;
const RETRY_MS = 250;

/**
 * Reads every instance of the catalog at once and after each change, until `signal` aborts. While Consul does not answer, the last
 * reading stays in force.
 */
export async function watchCatalog(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let [begun, shown] = [0, 0];
  const load = async (): Promise<void> => {
    const mine = ++begun;
    const instances = await readInstances(options.consulUrl, signal);
    // Of two readings at a time, the one that began first may not replace the other.
    if (mine < shown) return;
    shown = mine;
    options.onInstances(instances);
  };
  if (options.refresh.kind === 'watch') {
    const paths = ['/v1/catalog/services', '/v1/health/state/any'];
    await Promise.all(paths.map((path) => repeat(longPoll(options.consulUrl, path, load), 0, signal)));
  } else {
    await repeat(load, options.refresh.intervalMs, signal);
  }
}

async function repeat(step: (signal: AbortSignal) => Promise<void>, pauseMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const failed = await step(signal).then(
      () => false,
      () => true,
    );
    const waitMs = failed ? Math.max(pauseMs, RETRY_MS) : pauseMs;
    if (waitMs > 0) await sleep(waitMs, signal).catch(() => undefined);
  }
}

/** One long poll after the other; loads when what came differs from what came before, whatever the index says. */
function longPoll(consulUrl: string, path: string, load: () => Promise<void>): (signal: AbortSignal) => Promise<void> {
  let index = 0;
  let known = '';
  return async (signal) => {
    const deadline = withDeadline(signal, LONG_POLL_MS + REQUEST_DEADLINE_MS);
    const response = await fetch(`${consulUrl}${path}?index=${index}&wait=${LONG_POLL_MS}ms`, { signal: deadline });
    const text = await response.text();
    if (!response.ok) throw new Error(`GET ${path} was answered with ${response.status}`);
    const next = Number(response.headers.get('x-consul-index'));
    if (text !== known) await load();
    known = text;
    // An index that goes backwards stands for another history.
    index = next < index ? 0 : next;
  };
}

async function readInstances(consulUrl: string, signal: AbortSignal): Promise<readonly RoutedInstance[]> {
  const names = Object.keys(await readJson<Record<string, unknown>>(`${consulUrl}/v1/catalog/services`, signal));
  const reads = names.map(async (service) => {
    const entries = await readJson<readonly HealthEntry[]>(`${consulUrl}/v1/health/service/${encodeURIComponent(service)}`, signal);
    return entries.map((entry) => routedInstance(service, entry));
  });
  return (await Promise.all(reads)).flat();
}

async function readJson<T>(url: string, signal: AbortSignal): Promise<T> {
  const response = await fetch(url, { signal: withDeadline(signal, REQUEST_DEADLINE_MS) });
  if (!response.ok) throw new Error(`GET ${url} was answered with ${response.status}`);
  return (await response.json()) as T;
}

function routedInstance(service: string, { Node, Service, Checks }: HealthEntry): RoutedInstance {
  const { ID: id, Port: port = 0, Tags: tags } = Service;
  return {
    consulNode: Node.Node,
    nodeId: Node.ID,
    id,
    service,
    address: Service.Address || Node.Address,
    port,
    tags,
    status: worst(Checks),
  };
}

/** Consul's aggregated status: maintenance before critical before warning; any word but those counts as passing no check. */
function worst(checks: HealthEntry['Checks']): RoutedInstance['status'] {
  if (checks.some(({ CheckID }) => /^_(node|service)_maintenance/.test(CheckID))) return 'maintenance';
  const statuses = new Set(checks.map((check) => check.Status));
  if (statuses.has('critical')) return 'critical';
  return statuses.has('warning') ? 'warning' : 'passing';
}
