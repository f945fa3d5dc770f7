import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchRule } from '../../../../src/core/routes/match-rule.ts';
import { parseRule } from '../../../../src/core/routes/parse-rule.ts';
import { type RawRequest, routeRequest } from '../../../../src/core/routes/route-request.ts';

function matches(rule: string, request: Partial<RawRequest> & { readonly host?: string }): boolean {
  const parsed = parseRule(rule);
  if (!parsed.ok) throw new Error(parsed.error.message);
  const { host = 'a.example', headers = {}, ...rest } = request;
  return matchRule(parsed.rule, routeRequest({ method: 'GET', target: '/', ...rest, headers: { host, ...headers } }));
}

describe('matchRule', () => {
  it.each<[string, Partial<RawRequest> & { readonly host?: string }, boolean]>([
    ['Host(`a.example`)', { host: 'a.example' }, true],
    ['Host(`A.Example`)', { host: 'a.EXAMPLE:8080' }, true],
    ['Host(`a.example`)', { host: 'a.example.' }, true],
    ['Host(`a.example.`)', { host: 'a.example' }, true],
    ['Host(`a.example`)', { host: 'b.a.example' }, false],
    ['Host(`a.example`)', { host: '' }, false],
    ['Host(`a.example..`)', { host: 'a.example' }, false],
    ['Host(`::1`)', { host: '[::1]:80' }, true],
    ['Host(`::1`)', { host: '[::1]' }, true],
    ['Host(`a:b:c`)', { host: 'a:b:c' }, true],
    ['HostRegexp(`^$`)', { host: 'any.example' }, true],
    ['HostRegexp(`^[a-z]+\\.example$`)', { host: 'B.example' }, true],
    ['HostRegexp(`^[a-z]+\\.example$`)', { host: 'b.c.example' }, false],
    ['HostRegexp(`(?i)^A\\.EXAMPLE$`)', { host: 'a.example' }, true],
    ['Path(`/x`)', { target: '/x?y=z' }, true],
    ['Path(`/x`)', { target: '/x/' }, false],
    ['PathPrefix(`/x`)', { target: '/xyz' }, true],
    ['PathPrefix(`/x`)', { target: '/X' }, false],
    ['PathPrefix(`/a b`)', { target: '/a%20b/c' }, true],
    ['Path(`/ä`)', { target: '/%C3%A4' }, true],
    ['Path(`/a/b`)', { target: '/a%2Fb' }, false],
    ['Path(`/a%2Fb`)', { target: '/a%2fb' }, true],
    ['Path(`/a|/b`)', { target: '/a|%2Fb' }, true],
    ['Path(`/a`)', { target: '/%61' }, true],
    ['Path(`/a/b`)', { target: '//a/./c/../b' }, true],
    ['Path(`/b/`)', { target: '/a/%2e%2E/b/' }, true],
    ['Path(`/`)', { target: '/..' }, true],
    ['Path(`/\\ufffd`)', { target: '/%ff' }, false],
    ['Path(`/a%2Fb`)', { target: '/a%2Fb' }, true],
    ['Path(`/%`)', { target: '/%' }, true],
    ['PathRegexp(`^/[0-9]+$`)', { target: '/42' }, true],
    ['PathRegexp(`[0-9]`)', { target: '/a4b' }, true],
    ['Method(`post`)', { method: 'POST' }, true],
    ['Method(`POST`)', { method: 'GET' }, false],
    ['Header(`X-Canary`, `yes`)', { headers: { 'x-canary': 'yes' } }, true],
    ['Header(`X-Canary`, `yes`)', { headers: { 'x-canary': ['no', 'yes'] } }, true],
    ['Header(`X-Canary`, `yes`)', { headers: { 'x-canary': 'YES' } }, false],
    ['HeaderRegexp(`X-Canary`, `^y`)', { headers: { 'x-canary': 'yes' } }, true],
    ['Query(`a`, `b`)', { target: '/?a=c&a=b' }, true],
    ['Query(`a`, `b c`)', { target: '/?a=b+c' }, true],
    ['Query(`a`)', { target: '/?a' }, true],
    ['Query(`a`)', { target: '/?a=b' }, false],
    ['QueryRegexp(`a`, `^[0-9]+$`)', { target: '/?a=12' }, true],
    ['QueryRegexp(`a`)', { target: '/?a=' }, true],
    ['Query(`a`, `b`)', { target: '/?c=d;a=b' }, true],
    ['Query(`a`, `b=c`)', { target: '/?a=b=c' }, true],
    ['QueryRegexp(`a`, `.*`)', { target: '/?a=%zz' }, false],
    ['Header(`Host`, `a.example`)', {}, false],
    ['Header(`X-Forwarded-Proto`, `http`)', { headers: { 'x-forwarded-proto': 'https' } }, true],
    ['Header(`X-Forwarded-Proto`, `https`)', { tls: true }, true],
    ['Header(`X-Forwarded-Proto`, `ws`)', { headers: { connection: 'Upgrade', upgrade: 'websocket' } }, true],
    ['Header(`X-Forwarded-Port`, `8080`)', { host: 'a.example:8080' }, true],
    ['Header(`X-Forwarded-Port`, `443`)', { tls: true }, true],
    ['Header(`X-Real-Ip`, `10.1.2.3`)', { clientIp: '10.1.2.3' }, true],
    ['HeaderRegexp(`X-Forwarded-For`, `.`)', { headers: { 'x-forwarded-for': '1.2.3.4' } }, false],
    ['Header(`X-Gone`, `1`)', { headers: { 'x-gone': '1', connection: 'keep-alive, X-Gone' } }, false],
    ['ClientIP(`fd00::/8`)', { clientIp: 'fd00::7' }, true],
    ['ClientIP(`::/0`)', { clientIp: '10.1.2.3' }, false],
    ['ClientIP(`10.0.0.0/8`)', { clientIp: '10.1.2.3' }, true],
    ['ClientIP(`10.0.0.0/8`)', { clientIp: '11.1.2.3' }, false],
    ['ClientIP(`::1`)', { clientIp: '::1' }, true],
    ['Host(`a.example`) && !Path(`/x`)', { target: '/y' }, true],
    ['Host(`b.example`) || Path(`/x`)', { target: '/x' }, true],
  ])('%s on %j: %s', (rule, request, expected) => {
    expect(matches(rule, request)).toBe(expected);
  });

  it('obeys the laws of logic', () => {
    const leaf = fc.constantFrom('Host(`a.example`)', 'Path(`/x`)', 'Method(`POST`)');
    const request = fc.record({
      host: fc.constantFrom('a.example', 'b'),
      target: fc.constantFrom('/x', '/y'),
      method: fc.constantFrom('GET', 'POST'),
    });
    fc.assert(
      fc.property(leaf, leaf, request, (a, b, seen) => {
        expect(matches(`!(${a} && ${b})`, seen)).toBe(matches(`!${a} || !${b}`, seen));
        expect(matches(`!${a}`, seen)).toBe(!matches(a, seen));
        expect(matches(`${a} || ${b}`, seen)).toBe(matches(a, seen) || matches(b, seen));
      }),
    );
  });
});
