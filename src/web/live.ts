import type { AliveEvent } from '../http/events.ts';
import type { OverviewAnswer, OverviewChange } from '../http/overview.ts';
import { read } from './api.ts';
import { applyChange } from './apply-change.ts';
import { clockSkewMs, connection, failing, heardAtMs, nowMs, overview, sourcesAtMs, trouble } from './store.ts';

/** No word for so long: the stream is dead although nobody has said so. */
const SILENCE_MS = 15_000;
const RETRY_MS = 1_000;

/** Keeps the overview up to date for as long as the page is open. */
export function followLive(): void {
  const openedAtMs = Date.now();
  const stream = new EventSource('api/v1/events');
  let retry: ReturnType<typeof setTimeout> | undefined;
  stream.addEventListener('open', () => void load());
  stream.addEventListener('reload', () => void load());
  stream.addEventListener('change', (event) => take(JSON.parse(String(event.data)) as OverviewChange));
  stream.addEventListener('alive', (event) => beAlive(JSON.parse(String(event.data)) as AliveEvent));
  stream.addEventListener('error', () => {
    connection.value = 'lost';
    // A refusal ends it for good, as when too many listen.
    if (stream.readyState === EventSource.CLOSED) retry = setTimeout(reconnect, RETRY_MS);
  });
  const watch = setInterval(() => {
    if (Date.now() - Math.max(heardAtMs.value, openedAtMs) > SILENCE_MS) reconnect();
  }, RETRY_MS);
  const reconnect = (): void => {
    // Only one of the two timers may open the next stream.
    clearInterval(watch);
    clearTimeout(retry);
    stream.close();
    connection.value = 'lost';
    followLive();
  };
  if (overview.value === undefined) void load();
}

/** How many loads have begun: an answer that was overtaken by a later one is old. */
let loads = 0;

async function load(): Promise<void> {
  const mine = ++loads;
  try {
    const answer = await read<OverviewAnswer>('api/v1/overview');
    if (mine !== loads) return;
    hear(answer.nowMs);
    overview.value = answer;
    sourcesAtMs.value = answer.nowMs;
    failing.value = answer.failing;
    trouble.value = undefined;
  } catch (error) {
    if (mine !== loads) return;
    trouble.value = error instanceof Error ? error.message : String(error);
    if (overview.value === undefined) setTimeout(() => mine === loads && void load(), RETRY_MS);
  }
}

function take(change: OverviewChange): void {
  heardAtMs.value = Date.now();
  connection.value = 'live';
  // A run has ended.
  failing.value = undefined;
  const next = overview.value && applyChange(overview.value, change);
  if (next === undefined) return void load();
  overview.value = next;
  sourcesAtMs.value = next.head.startedAtMs + next.head.durationMs;
}

function beAlive({ nowMs: serverMs, id, failing: failure, sources }: AliveEvent): void {
  hear(serverMs);
  failing.value = failure;
  const known = overview.value;
  if (known === undefined) return;
  if (id !== known.head.id) void load();
  const reasons = new Map(known.head.sources.map((source) => [source.source, source.reason]));
  const told = sources.map((source) => {
    const reason = source.kind === 'complete' ? undefined : reasons.get(source.source);
    return reason === undefined ? source : { ...source, reason };
  });
  sourcesAtMs.value = serverMs;
  overview.value = { ...known, head: { ...known.head, sources: told } };
}

function hear(serverMs: number): void {
  heardAtMs.value = Date.now();
  clockSkewMs.value = serverMs - Date.now();
  nowMs.value = serverMs;
  connection.value = 'live';
}
