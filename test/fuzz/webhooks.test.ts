import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../src/http/create-http-server.ts';
import { deliveryOf, HOOK_SENDERS, type HookSender } from '../../src/http/hook-senders.ts';
import { PASSED_ON } from '../../src/http/standby-signatures.ts';
import { httpOptions } from '../support/http-options.ts';
import { CASES, spoilt, spoiltBytes, survives } from './hostile-text.ts';

const SECRET = 'hunter22-hunter22';
const BODY = '{"ref":"refs/heads/main","commits":[{"id":"a","message":"ü"}]}';
const HEX = createHmac('sha256', SECRET).update(BODY).digest('hex');

const SENDERS: readonly (readonly [string, HookSender])[] = Object.entries(HOOK_SENDERS);
const HEADERS: readonly string[] = [
  ...new Set([...SENDERS.flatMap(([, { proofHeaders, deliveryHeaders }]) => [...proofHeaders, ...deliveryHeaders]), PASSED_ON]),
];

const bodies = spoiltBytes([BODY, '{}', 'payload=%7B%22ref%22%3A%22a%22%7D']);
const values = spoilt([
  `sha256=${HEX}`,
  `sha1=${HEX.slice(0, 40)}`,
  HEX,
  `Bearer ${SECRET}`,
  SECRET,
  '0b8c1a2e-6e0a-4e6d-8b52-6d8a3c1f7e11',
]);

/** What Node makes of headers: a text, several where one may come several times, or none. */
const headers: fc.Arbitrary<IncomingHttpHeaders> = fc.dictionary(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...HEADERS) }, { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor') }),
  fc.oneof({ weight: 8, arbitrary: values }, { weight: 1, arbitrary: fc.array(values, { maxLength: 3 }) }),
  { maxKeys: 4 },
);

const signed = (body: Uint8Array): string => createHmac('sha256', SECRET).update(body).digest('hex');

/** Whether one of the headers holds what only who knows the secret can write. */
const knowsSecret = (given: IncomingHttpHeaders, body: Uint8Array): boolean => {
  const proof = signed(body);
  return Object.values(given)
    .flat()
    .some((value = '') => value.includes(SECRET) || value.toLowerCase().includes(proof));
};

describe('hostile webhooks', { timeout: 180_000 }, () => {
  it.each(SENDERS)('never break the parser of %s, nor pass without the secret', (_, sender) => {
    fc.assert(
      fc.property(headers, bodies, (given, body) => {
        survives(() => {
          if (sender.isGenuine(given, Buffer.from(body), SECRET)) expect(knowsSecret(given, body)).toBe(true);
          const delivery = deliveryOf(sender, given);
          if (delivery !== undefined) expect(Object.values(given)).toContain(delivery);
        });
      }),
      { numRuns: CASES },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('take every body that is signed, and no other one with its signature', () => {
    const { isGenuine } = HOOK_SENDERS.github;
    fc.assert(
      fc.property(bodies, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, at, flip) => {
        const given = { 'x-hub-signature-256': `sha256=${signed(body)}` };
        survives(() => expect(isGenuine(given, Buffer.from(body), SECRET)).toBe(true));
        const other = Buffer.from(body.length === 0 ? [0] : body);
        other[at % other.length] = (other[at % other.length] ?? 0) ^ flip;
        expect(isGenuine(given, other, SECRET)).toBe(false);
      }),
      { numRuns: CASES },
    );
  });

  describe('at the door', () => {
    let server: HttpServer;
    let woken = 0;
    beforeAll(() => {
      server = createHttpServer(httpOptions({ hook: { secret: SECRET, wake: () => void woken++ } }));
    });
    afterAll(() => server.stop());

    it('are answered, and wake nothing unless they know the secret', async () => {
      const types = fc.constantFrom(
        'application/json',
        'application/x-www-form-urlencoded',
        'text/plain',
        'a',
        '',
        'application/json; charset=\u00ff',
      );
      const sender = fc.constantFrom(...Object.keys(HOOK_SENDERS));
      let from = 0;
      const once = async (name: string, given: IncomingHttpHeaders, body: Uint8Array): Promise<void> => {
        const [before, began] = [woken, process.cpuUsage()];
        // Of another address each time: who proves nothing is soon refused unread.
        const remoteAddress = `10.${(from >> 16) & 255}.${(from >> 8) & 255}.${from++ & 255}`;
        const request = { method: 'POST', url: `/hooks/${name}`, headers: given, body: Buffer.from(body), remoteAddress } as const;
        const { statusCode, body: answer } = await server.app.inject(request);
        const { user, system } = process.cpuUsage(began);
        expect((user + system) / 1000).toBeLessThan(2_000);
        expect([202, 400, 401, 413, 415, 429]).toContain(statusCode);
        expect(answer).not.toContain(SECRET);
        if (woken > before) expect([statusCode, knowsSecret(given, body)]).toEqual([202, true]);
      };
      await fc.assert(
        fc.asyncProperty(sender, headers, bodies, types, (name, given, body, type) => once(name, { ...given, 'content-type': type }, body)),
        { numRuns: CASES },
      );
    });
  });
});
