import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RunReport, SourceReport } from '../core/report/run-report.ts';
import type { RunFollower } from './follow-runs.ts';
import type { RunFailure } from './overview.ts';
import { sendProblem } from './problem-document.ts';

/** What `GET /api/v1/events` needs. */
export interface EventsOptions {
  readonly follower: RunFollower;
  /** The last report with the ages of its sources as they are now. */
  readonly report: () => RunReport | undefined;
  /** What keeps runs from ending; undefined while they do. */
  readonly failing?: (() => RunFailure | undefined) | undefined;
  /** Clients at a time; more are refused by 503. Default 32. */
  readonly maxClients?: number | undefined;
  /** How often clients are told that all is well; default 5,000. Proxies end streams that are silent for long, some after 30 s. */
  readonly heartbeatMs?: number | undefined;
  /** Runs that end within this time of the last that was told are told together; default 100. */
  readonly gatherMs?: number | undefined;
}

/** What an event `alive` carries. */
export interface AliveEvent {
  /** The server's clock, ms since the epoch. */
  readonly nowMs: number;
  /** The state that was told last: a client that has another one has missed something. Empty: there is none. */
  readonly id: string;
  /** Absent: runs end. */
  readonly failing?: RunFailure;
  readonly sources: readonly Omit<SourceReport, 'reason'>[];
}

/** A client that does not read what it is sent is let go at this many bytes. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** After so long without a word from the other side its machine is asked whether it is still there. */
const SOCKET_ALIVE_MS = 15_000;

/** Tells clients of each run. */
export interface Events {
  /** Tells of a run that has ended, at once or together with those that follow it closely. */
  publish(report: RunReport): void;
  /** Tells now what is still to be told, so that what is answered next is the state that everybody knows. */
  catchUp(): void;
}

/**
 * Adds `GET /api/v1/events`, server-sent events: `change` after each run (an OverviewChange), `alive` every few seconds, and `reload`
 * first of all for a client whose Last-Event-ID is not the state of now. Ends them when the server closes.
 */
export function addEvents(
  app: FastifyInstance,
  { follower, report, failing, maxClients = 32, heartbeatMs = 5_000, gatherMs = 100 }: EventsOptions,
): Events {
  const clients = new Set<ServerResponse>();
  let gathering: ReturnType<typeof setTimeout> | undefined;
  const send = (text: string): void => {
    for (const client of clients) {
      client.write(text);
      if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
    }
  };
  const catchUp = (): boolean => {
    const last = report();
    // A run of which nobody was told, such as the first look.
    if (last !== undefined && follower.id() === '') follower.take(last);
    const change = follower.tell();
    if (change !== undefined && clients.size > 0) send(eventText('change', change, change.head.id));
    return change !== undefined;
  };
  const tellAndGather = (): void => {
    gathering = catchUp() ? setTimeout(tellAndGather, gatherMs).unref() : undefined;
  };
  const alive = (): string => eventText('alive', aliveEvent(follower.id(), report(), failing?.()));
  const heartbeat = setInterval(() => {
    if (clients.size === 0) return;
    catchUp();
    send(alive());
  }, heartbeatMs);
  heartbeat.unref();
  app.addHook('preClose', async () => {
    clearInterval(heartbeat);
    clearTimeout(gathering);
    for (const client of clients) client.end();
  });
  app.get('/api/v1/events', { exposeHeadRoute: false }, (request, reply) => {
    if (clients.size >= maxClients) {
      reply.header('retry-after', 5);
      return sendProblem(reply, 503, {
        detail: `${maxClients} clients listen already.`,
        remedy: 'Close another page, or try again later.',
      });
    }
    catchUp();
    const raw = beginStream(reply);
    clients.add(raw);
    raw.on('close', () => clients.delete(raw));
    raw.on('error', () => clients.delete(raw));
    const last = request.headers['last-event-id'];
    if (last !== undefined && last !== follower.id()) raw.write(eventText('reload', {}));
    raw.write(alive());
    return reply;
  });
  return {
    publish(ended) {
      if (follower.take(ended) && gathering === undefined) tellAndGather();
    },
    catchUp: () => void catchUp(),
  };
}

/** Proxies must pass on what comes as it comes: neither gathered nor compressed. */
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
} as const;

function beginStream(reply: FastifyReply): ServerResponse {
  reply.hijack();
  const { raw } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, STREAM_HEADERS);
  raw.socket?.setKeepAlive(true, SOCKET_ALIVE_MS);
  raw.write('retry: 1000\n\n');
  return raw;
}

const aliveEvent = (id: string, report: RunReport | undefined, failing: RunFailure | undefined): AliveEvent => ({
  nowMs: Date.now(),
  id,
  ...(failing === undefined ? {} : { failing }),
  sources: (report?.sources ?? []).map(({ reason: _reason, ...source }) => source),
});

/** JSON holds no line breaks, so that one line of data will do. */
const eventText = (event: string, data: object, id?: string): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
