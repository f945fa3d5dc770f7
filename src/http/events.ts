import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { RunReport, SourceReport } from '../core/report/run-report.ts';
import type { RunFollower } from './follow-runs.ts';
import { sendProblem } from './problem-document.ts';

/** What `GET /api/v1/events` needs. */
export interface EventsOptions {
  readonly follower: RunFollower;
  /** The last report with the ages of its sources as they are now. */
  readonly report: () => RunReport | undefined;
  /** Clients at a time; more are refused by 503. Default 32. */
  readonly maxClients?: number | undefined;
  /** How often clients are told that all is well; default 5,000. */
  readonly heartbeatMs?: number | undefined;
}

/** What an event `alive` carries. */
export interface AliveEvent {
  /** The server's clock, ms since the epoch. */
  readonly nowMs: number;
  readonly sources: readonly Omit<SourceReport, 'reason'>[];
}

/** A client that does not read what it is sent is let go at this many bytes. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** Tells clients of each run. */
export interface Events {
  /** Tells of a run that has ended. */
  publish(report: RunReport): void;
}

/**
 * Adds `GET /api/v1/events`, server-sent events: `change` after each run (an OverviewChange), `alive` every few seconds, and `reload`
 * first of all for a client whose Last-Event-ID is not the state of now. Ends them when the server closes.
 */
export function addEvents(app: FastifyInstance, { follower, report, maxClients = 32, heartbeatMs = 5_000 }: EventsOptions): Events {
  const clients = new Set<ServerResponse>();
  const send = (text: string): void => {
    for (const client of clients) {
      client.write(text);
      if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
    }
  };
  const heartbeat = setInterval(() => {
    if (clients.size > 0) send(eventText('alive', aliveEvent(report())));
  }, heartbeatMs);
  heartbeat.unref();
  app.addHook('preClose', async () => {
    clearInterval(heartbeat);
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
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    clients.add(raw);
    raw.on('close', () => clients.delete(raw));
    raw.on('error', () => clients.delete(raw));
    raw.write('retry: 1000\n\n');
    const last = request.headers['last-event-id'];
    if (last !== undefined && last !== follower.id()) raw.write(eventText('reload', {}));
    raw.write(eventText('alive', aliveEvent(report())));
    return reply;
  });
  return {
    publish(ended) {
      const change = follower.take(ended);
      if (change !== undefined && clients.size > 0) send(eventText('change', change, change.head.id));
    },
  };
}

const aliveEvent = (report: RunReport | undefined): AliveEvent => ({
  nowMs: Date.now(),
  sources: (report?.sources ?? []).map(({ reason: _reason, ...source }) => source),
});

/** JSON holds no line breaks, so that one line of data will do. */
const eventText = (event: string, data: object, id?: string): string =>
  `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
