import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { RunReport } from '../core/report/run-report.ts';
import { AppError, errorText } from '../shared/errors.ts';
import { problem } from '../shared/problem.ts';
import { addOverview } from './add-overview.ts';
import { addEvents } from './events.ts';
import { RunFollower } from './follow-runs.ts';
import { guardHosts } from './guard-hosts.ts';
import { addHooks } from './hooks.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { addMutations } from './mutations.ts';
import { addOpenApi } from './openapi.ts';
import { CONTENT_SECURITY_POLICY } from './page-style.ts';
import { sendProblem } from './problem-document.ts';
import { addQueries } from './queries.ts';
import { servePage } from './serve-page.ts';

/** A server that can be started once. */
export interface HttpServer {
  readonly app: FastifyInstance;
  /** Begins to listen and tells where; throws an AppError when the address cannot be used. */
  start(): Promise<{ readonly url: string }>;
  /** Tells those who listen of a run that has ended. */
  publish(report: RunReport): void;
  /** Ends after the requests that are being answered. */
  stop(): Promise<void>;
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': CONTENT_SECURITY_POLICY,
} as const;

/** The server of health, metrics, API and page. Errors are problem documents of RFC 9457. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const app = fastify({ bodyLimit: 16 * 1024, requestTimeout: 10_000, keepAliveTimeout: 30_000, forceCloseConnections: 'idle' });
  app.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS));
  app.addHook('onRequest', guardHosts(options));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 404, { detail: `There is nothing at ${request.method} ${request.url.split('?')[0] ?? ''}.` }),
  );
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, { detail: error.message });
    options.onError?.(error);
    // The error may hold what nobody outside should read: it goes to the log only.
    return sendProblem(reply, 500, {
      detail: 'The request could not be answered.',
      code: 'INTERNAL',
      remedy: 'Look at the log of the daemon.',
    });
  });
  addQueries(app, options);
  addOpenApi(app);
  const follower = new RunFollower(crypto.randomUUID().slice(0, 8));
  const { report, token, page, failing } = options;
  const events = addEvents(app, { follower, report, failing, ...options.events });
  addOverview(app, { follower, events, report, token, failing });
  servePage(app, { page, report, failing });
  addMutations(app, options);
  addHooks(app, options);
  return {
    app,
    publish: (ended) => events.publish(ended),
    start: () => listen(app, options.listen),
    stop: () => close(app),
  };
}

/** Who has begun a request and does not finish it must not keep the daemon from ending. */
const LAST_ANSWERS_MS = 500;

async function close(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), LAST_ANSWERS_MS);
  await app.close();
  clearTimeout(cut);
}

async function listen(app: FastifyInstance, { host, port }: HttpServerOptions['listen']): Promise<{ readonly url: string }> {
  try {
    return { url: await app.listen({ host, port }) };
  } catch (error) {
    const message = `http.listen: cannot listen on ${host} port ${port}: ${errorText(error)}`;
    throw new AppError(problem('CONFIG_INVALID', message, { remedy: 'Choose another address, or stop the program that uses it.' }), {
      cause: error,
    });
  }
}
