import { afterEach } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { createHttpServer, type HttpServer } from '../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../src/http/http-server-options.ts';
import { httpOptions } from './http-options.ts';
import { runReport } from './run-report.ts';

/** Serves the API of daemons that tell what a test says; all of them end with the test. */
export function reportServers() {
  let servers: HttpServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    servers = [];
  };
  afterEach(stop);
  /** A daemon that tells these reports one after the other, the last one for ever; gives its URL. */
  const serve = async (reports: readonly RunReport[] = [runReport()], more: Partial<HttpServerOptions> = {}): Promise<string> => {
    const left = [...reports];
    const server = createHttpServer(
      httpOptions({
        report: () => (left.length > 1 ? left.shift() : left[0]),
        ...more,
      }),
    );
    servers.push(server);
    return (await server.start()).url;
  };
  return { serve, stop };
}
