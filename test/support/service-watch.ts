import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubernetesConnection, kubeFetch, openKube } from './kube-client.ts';

/** The part of a Service that says where nodes listen. */
export interface LiveService {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
  readonly spec: {
    readonly type?: string;
    readonly ports?: readonly { readonly nodePort?: number; readonly protocol?: string }[];
  };
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: LiveService;
}

const path = '/api/v1/services';
const retryMs = 50;

/**
 * Keeps `onChange` told of all live Services, by list and watch, until the signal aborts. While the API server is away
 * the last known Services stay, as they do in a real node. The promise fulfils once the first list has been told.
 */
export async function followServices(
  connection: KubernetesConnection,
  onChange: (services: readonly LiveService[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const live = new Map<string, LiveService>();
  const first = await listServices(connection, live);
  onChange([...live.values()]);
  void keepWatching(connection, { live, onChange, version: first }, signal);
}

interface WatchState {
  readonly live: Map<string, LiveService>;
  readonly onChange: (services: readonly LiveService[]) => void;
  version: string;
}

async function keepWatching(connection: KubernetesConnection, state: WatchState, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await watchServices(connection, state, signal);
    } catch {
      if (signal.aborted) return;
    }
    // Not a reason for the runner to live on, when a failed test has forgotten us.
    await sleep(retryMs, undefined, { ref: false });
    try {
      state.version = await listServices(connection, state.live);
      if (!signal.aborted) state.onChange([...state.live.values()]);
    } catch {
      // The API server is away; the next turn tries again.
    }
  }
}

async function listServices(connection: KubernetesConnection, live: Map<string, LiveService>): Promise<string> {
  const answer = await kubeFetch(connection, { method: 'GET', path });
  if (answer.status !== 200) throw new Error(`cannot list Services: ${answer.status}`);
  const list = answer.body as { metadata: { resourceVersion: string }; items: LiveService[] };
  live.clear();
  for (const service of list.items) live.set(keyOf(service), service);
  return list.metadata.resourceVersion;
}

async function watchServices(connection: KubernetesConnection, state: WatchState, signal: AbortSignal): Promise<void> {
  const query = `watch=true&resourceVersion=${state.version}&allowWatchBookmarks=true`;
  const response = await openKube(connection, { method: 'GET', path: `${path}?${query}` }, signal);
  if (response.statusCode !== 200) {
    response.resume();
    return;
  }
  const lines = createInterface({ input: response });
  // A connection that breaks has no `end`, and readline waits for nothing else.
  response.on('error', () => lines.close());
  response.on('close', () => lines.close());
  for await (const line of lines) {
    const event = JSON.parse(line) as WatchEvent;
    if (event.type === 'ERROR') return;
    if (event.type === 'BOOKMARK') continue;
    if (event.type === 'DELETED') state.live.delete(keyOf(event.object));
    else state.live.set(keyOf(event.object), event.object);
    state.onChange([...state.live.values()]);
  }
}

function keyOf(service: LiveService): string {
  return `${service.metadata.namespace}/${service.metadata.name}`;
}
