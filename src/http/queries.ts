import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RunReport } from '../core/report/run-report.ts';
import { planAnswer, poolSummary, specAnswer, statusAnswer } from './api-answers.ts';
import { addHistory } from './history.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { nodeAnswer, nodesAnswer } from './node-views.ts';
import { sendProblem } from './problem-document.ts';
import { addWhy } from './why.ts';

type Source = Pick<
  HttpServerOptions,
  'report' | 'why' | 'history' | 'leader' | 'token' | 'picture' | 'changes' | 'livez' | 'ready' | 'metrics' | 'logLevel'
>;

/** Adds everything that only shows: health, metrics, and the API's reads. */
export function addQueries(app: FastifyInstance, source: Source): void {
  addHealth(app, source);
  addReports(app, source);
  addWhy(app, source);
  addHistory(app, source);
  const { logLevel } = source;
  if (logLevel !== undefined) app.get('/api/v1/log-level', (_request, reply) => reply.send(logLevel.state()));
  app.get('/metrics', async (_request, reply) => reply.type(source.metrics.contentType).send(await source.metrics.text()));
}

function addHealth(app: FastifyInstance, { livez, ready }: Source): void {
  app.get('/livez', (_request, reply) => {
    const alive = livez();
    return reply
      .code(alive ? 200 : 503)
      .type('text/plain; charset=utf-8')
      .send(alive ? 'ok\n' : 'the loop does not turn\n');
  });
  app.get<{ Querystring: { verbose?: string } }>('/readyz', (request, reply) => {
    const { ready: isReady, checks } = ready();
    const lines = checks.map(({ name, ok, detail }) => `[${ok ? '+' : '-'}] ${name}${detail === undefined ? '' : `: ${detail}`}\n`);
    const verbose = request.query.verbose !== undefined || !isReady;
    const text = `${verbose ? lines.join('') : ''}${isReady ? 'ok' : 'not ready'}\n`;
    return reply
      .code(isReady ? 200 : 503)
      .type('text/plain; charset=utf-8')
      .send(text);
  });
}

function addReports(app: FastifyInstance, { report, picture, changes }: Source): void {
  /** Answers with a part of the last report: 503 while there is none, 404 when it lacks that part. */
  const show = (reply: FastifyReply, part: (report: RunReport) => object | undefined): FastifyReply => {
    const last = report();
    if (last === undefined) {
      reply.header('retry-after', 1);
      return sendProblem(reply, 503, { detail: 'The first run has not ended yet.', remedy: 'Try again in a moment.' });
    }
    const body = part(last);
    return body === undefined ? sendProblem(reply, 404, { detail: 'The last run knows nothing of that name.' }) : reply.send(body);
  };
  app.get('/api/v1/status', (_request, reply) => show(reply, statusAnswer));
  app.get('/api/v1/plan', (_request, reply) => show(reply, (last) => planAnswer(last, changes?.())));
  app.get('/api/v1/specs', (_request, reply) => show(reply, ({ revision, specs }) => ({ revision, specs })));
  app.get('/api/v1/nodes', (_request, reply) => show(reply, nodesAnswer));
  app.get<{ Params: { node: string } }>('/api/v1/nodes/:node', ({ params: { node } }, reply) =>
    show(reply, (last) => nodeAnswer(last, node)),
  );
  app.get('/api/v1/pools', (_request, reply) => show(reply, ({ pools }) => ({ pools: pools.map(poolSummary) })));
  app.get<{ Params: { '*': string } }>('/api/v1/specs/*', (request, reply) =>
    show(reply, ({ specs }) => {
      const known = specs.find(({ id }) => id === request.params['*']);
      return known && specAnswer(known, changes?.(known.id));
    }),
  );
  app.get<{ Params: { namespace: string; name: string } }>('/api/v1/pools/:namespace/:name', ({ params }, reply) =>
    show(reply, ({ pools }) => pools.find(({ pool }) => pool === `${params.namespace}/${params.name}`)),
  );
  app.get<{ Params: { namespace: string; name: string } }>('/api/v1/pools/:namespace/:name/picture', ({ params }, reply) =>
    show(reply, ({ pools }) => {
      const known = pools.find(({ pool }) => pool === `${params.namespace}/${params.name}`);
      return known && picture?.(known.pool);
    }),
  );
}
