import { describe, expect, it } from 'vitest';
import { predictRoutes } from '../../../src/core/routes/predict-routes.ts';
import type { RawRequest } from '../../../src/core/routes/route-request.ts';
import { applyMiddlewares, type MiddlewareOutcome } from '../../../src/sandbox/gateway/apply-middlewares.ts';
import { gatewayRequest } from '../../../src/sandbox/gateway/gateway-request.ts';
import { isPassword } from '../../../src/sandbox/gateway/htpasswd.ts';
import { caseTags } from '../../support/gateway-cases.ts';
import { routedInstance } from '../../support/routed-instance.ts';

type Fields = Readonly<Record<string, string>>;

function apply(middlewares: readonly Fields[], request: string | Partial<RawRequest> = '/'): MiddlewareOutcome {
  const tags = caseTags('c', { middlewares, requests: [] });
  const { routers, middlewares: known } = predictRoutes([routedInstance({ tags })]).http;
  const names = routers.get('c@consulcatalog')?.config['middlewares'] ?? [];
  const raw = {
    method: 'GET',
    target: '/',
    headers: {},
    clientIp: '10.1.1.1',
    ...(typeof request === 'string' ? { target: request } : request),
  };
  const asked = gatewayRequest({ ...raw, headers: { host: 'a.example', ...raw.headers } });
  if (asked === undefined) throw new Error('the request is refused');
  return applyMiddlewares(names as readonly string[], known, asked);
}
/** The path for the server, or the status and the location of an answer. */
const shown = ({ result }: MiddlewareOutcome): string =>
  result.kind === 'pass' ? result.request.target : [result.answer.status, ...(result.answer.headers.get('location') ?? [])].join(' ');
const basic = (user: string, password: string): Partial<RawRequest> => ({
  headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
});

// That Traefik does the same is shown by test/integration/sandbox-gateway.test.ts.
describe('middlewares', () => {
  it.each<readonly [string, Fields, string | Partial<RawRequest>, string]>([
    ['the first prefix that fits', { 'stripprefix.prefixes': '/a,/a/b' }, '/a/b/c?x=1', '/b/c?x=1'],
    ['a prefix in the middle of a word', { 'stripprefix.prefixes': '/a' }, '/ab', '/b'],
    ['all of the path', { 'stripprefix.prefixes': '/a' }, '/a', '/'],
    ['an escaped path behind a prefix', { 'stripprefix.prefixes': '/a b' }, '/a%20b/x%2Fy', '/x%2Fy'],
    ['a prefix by expression', { 'stripprefixregex.regex': '/v[0-9]+' }, '/v1/x', '/x'],
    ['what an expression finds elsewhere', { 'stripprefixregex.regex': '/v[0-9]+' }, '/x/v1', '/x/v1'],
    ['one more prefix', { 'addprefix.prefix': '/a' }, '/x?y', '/a/x?y'],
    ['another path', { 'replacepath.path': '/a' }, '/x?y', '/a?y'],
    ['groups', { 'replacepathregex.regex': '^/(\\w+)/(?P<n>.*)', 'replacepathregex.replacement': '/$n/$1/$1x' }, '/a/b', '/b/a/'],
    ['a path that has an escape that is none', { 'replacepath.path': '/%' }, '/', '500'],
    ['a temporary redirection', { 'redirectscheme.scheme': 'https' }, '/x', '302 https://a.example/x'],
    ['one of another method', { 'redirectscheme.scheme': 'https' }, { method: 'POST' }, '307 https://a.example/'],
    ['one for ever', { 'redirectscheme.scheme': 'https', 'redirectscheme.permanent': 'true' }, '/', '301 https://a.example/'],
    [
      'one for ever of another method',
      { 'redirectscheme.scheme': 'https', 'redirectscheme.permanent': 'true' },
      { method: 'PUT' },
      '308 https://a.example/',
    ],
    ['one over TLS', { 'redirectscheme.scheme': 'https' }, { target: '/x', tls: true }, '/x'],
    [
      'one by expression',
      { 'redirectregex.regex': '(.*)/old$', 'redirectregex.replacement': '$1/new' },
      '/old',
      '302 http://a.example/new',
    ],
    ['an address that may not', { 'ipallowlist.sourcerange': '10.2.0.0/16' }, '/', '403'],
    ['an address that may', { 'ipallowlist.sourcerange': '10.1.0.0/16' }, '/x', '/x'],
    ['a host that is not allowed', { 'headers.allowedhosts': 'b.example' }, '/', '500'],
    ['no user', { 'basicauth.users': 'u:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' }, '/', '401'],
    ['a user', { 'basicauth.users': 'u:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' }, basic('u', 'secret'), '/'],
    ['a user of bcrypt', { 'basicauth.users': 'u:$2y$05$abcdefghijklmnopqrstuv' }, basic('u', 'secret'), '501'],
    ['one that the sandbox cannot do', { 'forwardauth.address': 'http://auth' }, '/', '501'],
    ['one that changes nothing', { compress: 'true' }, '/x', '/x'],
  ])('%s', (_, fields, request, expected) => {
    expect(shown(apply([fields], request))).toBe(expected);
  });

  it('come one after the other', () => {
    const strip = { 'stripprefix.prefixes': '/a' };
    const add = { 'addprefix.prefix': '/a/b' };
    expect([shown(apply([strip, add], '/a/x')), shown(apply([add, strip], '/a/x'))]).toEqual(['/a/b/x', '/b/a/x']);
    expect(shown(apply([{ 'basicauth.users': 'u:x' }, { 'redirectscheme.scheme': 'https' }]))).toBe('401');
  });

  it('change the headers of an answer from the inside out, also of one of their own', () => {
    const set = (value: string): Fields => ({ 'headers.customresponseheaders.X-Out': value, 'headers.customresponseheaders.X-Gone': '' });
    const { back } = apply([set('outer'), { ...set('inner'), 'headers.framedeny': 'true' }]);
    const seen = back(new Map([['x-gone', ['1']]]));
    expect(Object.fromEntries(seen)).toEqual({ 'x-out': ['outer'], 'x-frame-options': ['DENY'] });
    const refused = apply([set('outer'), { 'basicauth.users': 'u:x' }, set('inner')]);
    expect(refused.back(new Map()).get('x-out')).toEqual(['outer']);
  });

  it('ask for as many servers as they may try', () => {
    expect(apply([{ 'retry.attempts': '3' }, { 'addprefix.prefix': '/a' }]).attempts).toBe(3);
    expect(apply([]).attempts).toBe(1);
  });
});

describe('passwords', () => {
  it.each([
    ['$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/', 'secret', true],
    ['$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/', 'Secret', false],
    ['$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1', 'secret', true],
    ['$apr1$zz$TIdHKM1j.3aWl7rJeNSyc/', 'a much longer password than sixteen', true],
    ['{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'secret', true],
    ['$2a$10$abcdefghijklmnopqrstuv', 'secret', undefined],
    ['secret', 'secret', false],
    ['', '', false],
  ])('%s and %s', (secret, password, expected) => {
    expect(isPassword(password, secret)).toBe(expected);
  });
});
