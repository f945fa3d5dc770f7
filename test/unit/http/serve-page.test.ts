import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { PageFile } from '../../../src/http/page-files.ts';
import { servePage } from '../../../src/http/serve-page.ts';
import { runReport } from '../../support/run-report.ts';

const file = (path: string, type: string, text: string): PageFile => ({
  path,
  type,
  brotli: brotliCompressSync(text).toString('base64'),
  gzip: gzipSync(text).toString('base64'),
});
const PAGE = [file('', 'text/html; charset=utf-8', '<p>page</p>'), file('assets/page-1.js', 'text/javascript; charset=utf-8', 'let a')];

function serve(page: readonly PageFile[] | undefined) {
  const app = fastify();
  servePage(app, { page, report: () => runReport() });
  return app;
}

describe('the page', () => {
  it.each([
    ['br, gzip', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['identity', undefined, (body: Buffer) => body],
  ])('is sent to who takes %s', async (accepted, encoding, unpack) => {
    const answer = await serve(PAGE).inject({ url: '/assets/page-1.js', headers: { 'accept-encoding': accepted } });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(unpack(answer.rawPayload).toString()).toBe('let a');
  });

  it('lets browsers keep what is named by its content, and nothing else', async () => {
    const app = serve(PAGE);
    expect((await app.inject('/assets/page-1.js')).headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect((await app.inject('/')).headers['cache-control']).toBeUndefined();
    expect((await app.inject('/assets/page-2.js')).statusCode).toBe(404);
  });

  it('has a plain one beside it, which takes its place where it is not built', async () => {
    expect((await serve(PAGE).inject('/plain')).body).toContain('<h1>poolkeeper</h1>');
    expect((await serve(PAGE).inject('/')).body).toBe('<p>page</p>');
    expect((await serve(undefined).inject('/')).body).toContain('<h1>poolkeeper</h1>');
  });
});
