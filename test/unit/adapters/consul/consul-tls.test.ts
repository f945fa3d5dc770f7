import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConsulClientOptions, createConsulClient } from '../../../../src/adapters/consul/create-consul-client.ts';
import { selfSigned } from '../../../support/certificate.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

const consul = selfSigned('server.dc1.consul');
const daemon = selfSigned('poolkeeper');

/** What the leader is said to be by a server that tells who asked, or why that failed. */
async function ask(tls: ConsulClientOptions['tls'], options: ServerOptions = {}): Promise<unknown> {
  const server = createServer({ ...consul, ...options }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody';
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(peer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createConsulClient({ address: `https://127.0.0.1:${port}`, timeoutMs: 2_000, ...(tls === undefined ? {} : { tls }) });
  cleanups.push(
    () => {
      server.closeAllConnections();
      server.close();
    },
    () => client.close(),
  );
  return client.readLeader(AbortSignal.timeout(5_000)).catch((error: { readonly problem: unknown }) => error.problem);
}

const mutual: ServerOptions = { requestCert: true, rejectUnauthorized: true, ca: daemon.cert };

describe('TLS to Consul', () => {
  it('trusts the configured authority, and no certificate that it did not sign', async () => {
    expect(await ask({ ca: consul.cert })).toBe('nobody');
    const remedy = expect.stringContaining('`consul.caFile`');
    expect(await ask(undefined)).toMatchObject({ code: 'CONSUL_UNAVAILABLE', remedy });
    expect(await ask({ ca: daemon.cert })).toMatchObject({ code: 'CONSUL_UNAVAILABLE', remedy });
  });

  it('expects the configured name in the certificate instead of the address', async () => {
    expect(await ask({ ca: consul.cert, serverName: 'server.dc1.consul' })).toBe('nobody');
    expect(await ask({ ca: consul.cert, serverName: 'server.dc2.consul' })).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      message: expect.stringContaining('server.dc2.consul'),
      remedy: expect.stringContaining('`consul.serverName`'),
    });
  });

  it('shows the configured client certificate', async () => {
    expect(await ask({ ca: consul.cert, ...daemon }, mutual)).toBe('poolkeeper');
    expect(await ask({ ca: consul.cert }, mutual)).toMatchObject({
      code: 'CONSUL_UNAVAILABLE',
      remedy: expect.stringContaining('`consul.certFile`'),
    });
  });
});
