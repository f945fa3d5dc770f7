import { describe, expect, it } from 'vitest';
import { decodeEntryPoints } from '../../../../src/adapters/traefik/decode-entry-points.ts';

describe('decodeEntryPoints', () => {
  it('reads names, protocols, defaults, and what they add to routers', () => {
    // As Traefik 3.6 answers, shortened.
    const answer = [
      { address: ':443', asDefault: true, http: { tls: { certResolver: 'le' }, middlewares: ['auth@file'] }, name: 'websecure' },
      { address: ':80', transport: {}, http: { maxHeaderBytes: 1_048_576 }, udp: { timeout: '3s' }, name: 'web' },
      { address: ':53/udp', http: {}, name: 'dns' },
      { address: ':81', http: {}, observability: { accessLogs: false, metrics: true }, name: 'quiet' },
    ];
    expect(decodeEntryPoints(JSON.stringify(answer))).toEqual([
      { name: 'dns', protocol: 'udp' },
      { name: 'quiet', observability: { accessLogs: false, metrics: true } },
      { name: 'web' },
      { name: 'websecure', asDefault: true, tls: { certResolver: 'le' }, middlewares: ['auth@file'] },
    ]);
  });

  it.each(['', '<html>', '{}', '[]', '[1]', '[{"address":":80"}]', '[{"name":"web"},{"name":7}]'])('takes nothing from %j', (text) => {
    expect(decodeEntryPoints(text)).toBeUndefined();
  });
});
