import type { HttpServerOptions } from '../../src/http/http-server-options.ts';

/** What an HTTP server needs that shows nothing yet and takes everything, on any free port; `more` says what a test is about. */
export const httpOptions = (more: Partial<HttpServerOptions> = {}): HttpServerOptions => ({
  listen: { host: '127.0.0.1', port: 0 },
  token: undefined,
  report: () => undefined,
  livez: () => true,
  ready: () => ({ ready: true, checks: [] }),
  metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: async () => '' },
  resync: async () => ({ queued: true, coalesced: false }),
  drain: async () => undefined,
  ...more,
});
