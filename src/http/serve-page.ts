import { gunzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RunReport } from '../core/report/run-report.ts';
import type { RunFailure } from './overview.ts';
import type { PageFile } from './page-files.ts';
import { renderPage } from './render-page.ts';

export interface ServePageOptions {
  /** The built page. Undefined: the plain one takes its place. */
  readonly page: readonly PageFile[] | undefined;
  readonly report: () => RunReport | undefined;
  readonly failing?: (() => RunFailure | undefined) | undefined;
}

/** The names of files hold a hash of their content, so what they name never changes. */
const FOREVER = 'public, max-age=31536000, immutable';

/** Adds the page at `/`, its files, and `/plain`: the same facts without JavaScript. */
export function servePage(app: FastifyInstance, { page, report, failing }: ServePageOptions): void {
  const sendPlain = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.type('text/html; charset=utf-8').send(renderPage(report(), failing?.()));
  app.get('/plain', sendPlain);
  if (page === undefined) app.get('/', sendPlain);
  for (const file of page ?? []) app.get(`/${file.path}`, (request, reply) => sendFile(file, request, reply));
}

function sendFile({ path, type, brotli, gzip }: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.type(type).header('vary', 'accept-encoding');
  if (path !== '') reply.header('cache-control', FOREVER);
  const accepted = request.headers['accept-encoding'] ?? '';
  // Browsers take Brotli over TLS and from this machine only.
  if (/\bbr\b/.test(accepted)) return reply.header('content-encoding', 'br').send(Buffer.from(brotli, 'base64'));
  const zipped = Buffer.from(gzip, 'base64');
  if (/\bgzip\b/.test(accepted)) return reply.header('content-encoding', 'gzip').send(zipped);
  return reply.send(gunzipSync(zipped));
}
