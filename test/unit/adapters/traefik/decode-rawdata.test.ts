import { describe, expect, it } from 'vitest';
import { decodeRawData } from '../../../../src/adapters/traefik/decode-rawdata.ts';
import { rawData } from '../../../support/fake-traefik.ts';

/** As Traefik 3.6 answers. */
const ANSWER = JSON.stringify({
  routers: {
    'shop@consulcatalog': {
      entryPoints: ['web', 'websecure'],
      middlewares: ['strip@consulcatalog'],
      service: 'shop',
      rule: 'Host(`a.example.com`)',
      priority: 21,
      tls: {},
      status: 'disabled',
      error: ['the service "shop@consulcatalog" does not exist'],
      using: ['web'],
    },
    'api@internal': { entryPoints: ['traefik'], service: 'api@internal', rule: 'PathPrefix(`/api`)', status: 'enabled' },
  },
  middlewares: { 'auth@consulcatalog': { basicAuth: { users: ['ops:secret'] }, status: 'enabled' } },
  services: {
    'shop@consulcatalog': {
      loadBalancer: {
        servers: [{ url: 'http://10.0.0.2:30080' }, { url: 'http://10.0.0.1:30080' }, { url: 'http://10.0.0.3:30080', weight: 0 }],
      },
      status: 'enabled',
      serverStatus: { 'http://10.0.0.1:30080': 'UP', 'http://10.0.0.2:30080': 'DOWN' },
    },
    'six@consulcatalog': { loadBalancer: { servers: [{ url: 'http://[2001:DB8::1]:30081' }] }, status: 'enabled' },
    'plain@consulcatalog': { loadBalancer: { servers: [{ url: 'https://backend.example.com' }] }, status: 'enabled' },
    'shop@file': { loadBalancer: { servers: [{ url: 'http://10.9.9.9:80' }] }, status: 'enabled' },
    'api@internal': { status: 'enabled' },
  },
  tcpServices: { 'db@consulcatalog': { loadBalancer: { servers: [{ address: '10.0.0.1:30090' }] }, status: 'enabled' } },
  udpServices: { 'dns@consulcatalog-ns1': { loadBalancer: { servers: [{ address: '10.0.0.1:30053' }] }, status: 'enabled' } },
});

describe('decodeRawData', () => {
  it('reads the services of the catalog provider, of every protocol, and no others', () => {
    const { services } = decodeRawData(ANSWER, undefined);
    expect(
      Object.fromEntries([...services].map(([key, { servers }]) => [key, servers.map(({ endpoint, up }) => `${endpoint} ${up}`)])),
    ).toEqual({
      'http/shop': ['10.0.0.1:30080 true', '10.0.0.2:30080 false'],
      'http/six': ['[2001:db8::1]:30081 true'],
      'http/plain': ['backend.example.com:443 true'],
      'tcp/db': ['10.0.0.1:30090 true'],
      'udp/dns': ['10.0.0.1:30053 true'],
    });
  });

  it('reads the routers, with what Traefik says is wrong with them', () => {
    expect([...decodeRawData(ANSWER, undefined).routers]).toEqual([
      [
        'http/shop',
        {
          status: 'disabled',
          errors: ['the service "shop@consulcatalog" does not exist'],
          rule: 'Host(`a.example.com`)',
          service: 'shop',
          entryPoints: ['web', 'websecure'],
          middlewares: ['strip@consulcatalog'],
          priority: 21,
          tls: true,
        },
      ],
    ]);
  });

  it('keeps nothing of middlewares, which may hold secrets', () => {
    const { services, routers } = decodeRawData(ANSWER, undefined);
    expect(JSON.stringify([[...services], [...routers]])).not.toContain('secret');
  });

  it('does not keep the users that Traefik quotes in what is wrong with a router', () => {
    const router = { status: 'disabled', error: ['error parsing DigestUser: bob:s3cret'] };
    const text = JSON.stringify({ services: {}, routers: { 'shop@consulcatalog': router } });
    expect(decodeRawData(text, undefined).routers.get('http/shop')?.errors).toEqual(['error parsing DigestUser: [redacted]']);
  });

  it('tells the names of what other providers have, of every protocol', () => {
    const text = JSON.stringify({
      services: { 'api@internal': {}, 'shop@consulcatalog': {} },
      middlewares: { 'auth@file': {}, 'strip@consulcatalog': {} },
      tcpMiddlewares: { 'office@file': {} },
      tcpServices: { 'db@file': {} },
      udpServices: { 'dns@file': {} },
    });
    expect(decodeRawData(text, undefined).elsewhere).toEqual({
      middlewares: ['auth@file', 'office@file'],
      services: ['api@internal', 'db@file', 'dns@file'],
    });
  });

  it('gives the very same objects for what says the same', () => {
    const before = decodeRawData(rawData({ a: ['http://10.0.0.1:1'], b: ['http://10.0.0.1:2'] }), undefined);
    const after = decodeRawData(rawData({ a: ['http://10.0.0.1:1'], b: ['http://10.0.0.1:3'] }), before);
    expect(after.services.get('http/a')).toBe(before.services.get('http/a'));
    expect(after.services.get('http/b')).not.toBe(before.services.get('http/b'));
  });

  it('does not tell a new order of servers, which Traefik shuffles, from the old one', () => {
    const before = decodeRawData(rawData({ a: ['http://10.0.0.1:1', 'http://10.0.0.2:1'] }), undefined);
    const after = decodeRawData(rawData({ a: ['http://10.0.0.2:1', 'http://10.0.0.1:1'] }), before);
    expect(after.services.get('http/a')).toBe(before.services.get('http/a'));
  });

  it.each(['<html></html>', '[]', 'null', '{}', '{"services": []}', '{"error": "no"}'])('refuses %s', (text) => {
    expect(() => decodeRawData(text, undefined)).toThrow(/the answer/);
  });
});
