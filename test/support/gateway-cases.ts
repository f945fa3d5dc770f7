import type { RuleRequest } from './rule-cases.ts';

/** A router for its own host with middlewares in order, and what is asked of it. */
export interface GatewayCase {
  /** Fields of each middleware, as labels write them. */
  readonly middlewares: readonly Readonly<Record<string, string>>[];
  /** More fields of the router: `priority`. */
  readonly router?: Readonly<Record<string, string>>;
  /** Fields of its load balancer: `passhostheader`. */
  readonly balancer?: Readonly<Record<string, string>>;
  /** Without a method: `GET`. */
  readonly requests: readonly (string | (Partial<RuleRequest> & { readonly tls?: boolean }))[];
}

const basic = (user: string, password: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
/** The password of both is `secret`. */
const SHA_USER = 'sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=';
const APR1_USER = 'apr:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/';

/** What a gateway may do to requests, by the first part of the host. */
export const GATEWAY_CASES: Readonly<Record<string, GatewayCase>> = {
  plain: {
    middlewares: [],
    requests: [
      '/',
      '/x?a=b',
      '/x?',
      '/a//b/../c/',
      '/x%2Fy%20z',
      '/%7Ex',
      '/x|y',
      '/x?a=1;b=2',
      '/bad%zz',
      { target: '/x', method: 'DELETE' },
      {
        target: '/x',
        headers: { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-real-ip': '9.9.9.9', 'x-forwarded-prefix': '/p' },
      },
      { target: '/x', headers: { connection: 'x-gone', 'x-gone': '1', te: 'gzip', 'proxy-authorization': 'x', 'keep-alive': '5' } },
      { target: '/x', headers: { 'x-two': ['1', '2'], cookie: 'a=b' } },
      { target: '/x', host: 'PLAIN.example.com:8080' },
    ],
  },
  'own-host': { middlewares: [], balancer: { passhostheader: 'false' }, requests: ['/x'] },
  sticky: {
    middlewares: [],
    balancer: { 'sticky.cookie.name': 'kept', 'sticky.cookie.httponly': 'true', 'sticky.cookie.samesite': 'lax' },
    requests: ['/', { target: '/', headers: { cookie: 'kept=elsewhere' } }],
  },
  'sticky-more': {
    middlewares: [],
    balancer: { 'sticky.cookie.secure': 'true', 'sticky.cookie.maxage': '60', 'sticky.cookie.path': '/p', 'sticky.cookie.domain': 'x.org' },
    requests: ['/'],
  },
  strip: {
    middlewares: [{ 'stripprefix.prefixes': '/a/longer,/a,/sp ace,/x%2Fy' }],
    requests: ['/a/longer/x', '/a', '/a/', '/ab', '/b', '/a/x%2Fy?q=1;r=2', '/sp%20ace/%7E%2F', '/x%2Fy/z'],
  },
  'strip-forced': { middlewares: [{ 'stripprefix.prefixes': '/a', 'stripprefix.forceslash': 'true' }], requests: ['/a', '/ab', '/a%2Fb'] },
  'strip-twice': { middlewares: [{ 'stripprefix.prefixes': '/a' }, { 'stripprefix.prefixes': '/b' }], requests: ['/a/b/c', '/b/a/c'] },
  'strip-regex': {
    middlewares: [{ 'stripprefixregex.regex': '^/v[0-9]+,/[a-z]+/,.*x' }],
    requests: ['/v12/y', '/abc/d', '/A/abc/d', '/1x2', '/v1', '/%C3%A4x/y%2Fz'],
  },
  add: { middlewares: [{ 'addprefix.prefix': '/base' }], requests: ['/', '/x?y=1', '/x%2Fy'] },
  'add-bare': { middlewares: [{ 'addprefix.prefix': 'b ase' }], requests: ['/x', '/x%2Fy'] },
  replace: { middlewares: [{ 'replacepath.path': '/new/p%2Fq' }], requests: ['/', '/old%2Fx?y=1'] },
  'replace-odd': { middlewares: [{ 'replacepath.path': '/n w?x=1' }], requests: ['/old?y=1'] },
  'replace-bad': { middlewares: [{ 'replacepath.path': '/100%' }], requests: ['/'] },
  'replace-regex': {
    middlewares: [{ 'replacepathregex.regex': '^/api/(?P<rest>.*)$', 'replacepathregex.replacement': `/\${rest}/$1/$0x/$$` }],
    requests: ['/api/x/y?z=1', '/api/', '/other', '/api/x%2Fy'],
  },
  'replace-all': {
    middlewares: [{ 'replacepathregex.regex': '[a-c]*', 'replacepathregex.replacement': '/-' }],
    requests: ['/xaby', '/aaa', '/'],
  },
  'replace-any': { middlewares: [{ 'replacepathregex.regex': '.*', 'replacepathregex.replacement': '/one' }], requests: ['/x/y?z'] },
  'to-https': {
    middlewares: [{ 'redirectscheme.scheme': 'https' }],
    requests: [
      '/x?y=1;z=2',
      '/a//b%20c',
      { target: '/', method: 'POST' },
      { target: '/x', host: 'to-https.example.com:8080' },
      { target: '/x', headers: { 'x-forwarded-proto': 'https' } },
    ],
  },
  'to-https-permanent': {
    middlewares: [{ 'redirectscheme.scheme': 'https', 'redirectscheme.port': '8443', 'redirectscheme.permanent': 'true' }],
    requests: ['/x', { target: '/', method: 'HEAD' }, { target: '/', host: 'to-https-permanent.example.com:80' }],
  },
  'to-https-443': { middlewares: [{ 'redirectscheme.scheme': 'https', 'redirectscheme.port': '443' }], requests: ['/x'] },
  'to-http': { middlewares: [{ 'redirectscheme.scheme': 'http' }], requests: ['/x', { target: '/x', host: 'to-http.example.com:80' }] },
  'redirect-regex': {
    middlewares: [{ 'redirectregex.regex': '^http://([^/]+)/old/(.*)', 'redirectregex.replacement': `https://\${1}/new/$2` }],
    requests: ['/old/x?y=1', '/other', { target: '/old/', method: 'PUT' }, '/old/a%20b%7E', '/old/"q"'],
  },
  'redirect-permanent': {
    middlewares: [
      { 'redirectregex.regex': '/a$', 'redirectregex.replacement': '/b c|d#e f', 'redirectregex.permanent': 'true' },
      { 'redirectregex.regex': '^.*/rel$', 'redirectregex.replacement': '/relative' },
      { 'redirectregex.regex': '^.*/bad$', 'redirectregex.replacement': 'http://x y/z' },
      { 'redirectregex.regex': '^.*/colon$', 'redirectregex.replacement': '1:2' },
      { 'redirectregex.regex': '^.*/mail$', 'redirectregex.replacement': 'mailto:a@b' },
      { 'redirectregex.regex': '/same$', 'redirectregex.replacement': '/same' },
    ],
    requests: ['/a', { target: '/a', method: 'POST' }, '/rel', '/bad', '/colon', '/mail', '/same'],
  },
  'strip-then-redirect': {
    middlewares: [
      { 'stripprefix.prefixes': '/a' },
      { 'redirectregex.regex': '^http://([^/]+)/(.*)x$', 'redirectregex.replacement': 'http://$1/$2y' },
    ],
    requests: ['/a/b/x?p=1;q=2x', '/a/b'],
  },
  'redirect-then-strip': {
    middlewares: [{ 'redirectregex.regex': '(.*)x$', 'redirectregex.replacement': `\${1}y` }, { 'stripprefix.prefixes': '/a' }],
    requests: ['/a/b/x', '/a/b'],
  },
  headed: {
    middlewares: [
      {
        'headers.customrequestheaders.X-In': 'a:b',
        'headers.customrequestheaders.X-Name': 'Zoë €',
        'headers.customrequestheaders.User-Agent': '',
        'headers.customrequestheaders.X-Forwarded-For': '',
        'headers.customresponseheaders.X-Out': 'ç',
        'headers.customresponseheaders.X-Backend': '',
      },
    ],
    requests: ['/', { target: '/', headers: { 'x-in': ['1', '2'], 'user-agent': 'me' } }],
  },
  'new-host': {
    middlewares: [{ 'headers.customrequestheaders.Host': 'other.example.com', 'headers.customrequestheaders.x-forwarded-for': '' }],
    requests: ['/'],
  },
  secured: {
    middlewares: [
      {
        'headers.stsseconds': '60',
        'headers.stsincludesubdomains': 'true',
        'headers.stspreload': 'true',
        'headers.forcestsheader': 'true',
        'headers.framedeny': 'true',
        'headers.contenttypenosniff': 'true',
        'headers.browserxssfilter': 'true',
        'headers.contentsecuritypolicy': "default-src 'self'",
        'headers.contentsecuritypolicyreportonly': "default-src 'none'",
        'headers.referrerpolicy': 'same-origin',
        'headers.permissionspolicy': 'camera=()',
        'headers.publickey': 'pin',
        'headers.customresponseheaders.X-Frame-Options': 'mine',
      },
    ],
    requests: ['/'],
  },
  'secured-tls': {
    middlewares: [{ 'headers.stsseconds': '60', 'headers.publickey': 'pin' }],
    router: { tls: 'true' },
    requests: [{ target: '/x', tls: true }, '/x'],
  },
  'redirect-tls': {
    middlewares: [
      { 'redirectscheme.scheme': 'https' },
      { 'redirectregex.regex': '^https://(.*)/x$', 'redirectregex.replacement': 'https://$1/y' },
    ],
    router: { tls: 'true' },
    requests: [
      { target: '/x', tls: true },
      { target: '/z', tls: true, host: 'redirect-tls.example.com:443' },
    ],
  },
  'hosts-allowed': {
    middlewares: [{ 'headers.allowedhosts': 'HOSTS-allowed.example.com', 'headers.customresponseheaders.X-Out': '1' }],
    requests: ['/', { target: '/', host: 'hosts-allowed.example.com:81' }],
  },
  'proxied-hosts': {
    middlewares: [{ 'headers.allowedhosts': 'good.example.com', 'headers.hostsproxyheaders': 'X-Asked' }],
    requests: ['/', { target: '/', headers: { 'x-asked': 'good.example.com' } }],
  },
  cors: {
    middlewares: [
      {
        'headers.accesscontrolalloworiginlist': 'https://a.example',
        'headers.accesscontrolalloworiginlistregex': '^https://b[0-9]\\.example$',
        'headers.accesscontrolallowmethods': 'GET,PUT',
        'headers.accesscontrolallowheaders': 'X-A,X-B',
        'headers.accesscontrolallowcredentials': 'true',
        'headers.accesscontrolexposeheaders': 'X-C',
        'headers.accesscontrolmaxage': '100',
        'headers.addvaryheader': 'true',
      },
    ],
    requests: [
      '/',
      { target: '/', headers: { origin: 'https://a.example' } },
      { target: '/', headers: { origin: 'https://b1.example' } },
      { target: '/', headers: { origin: 'https://c.example' } },
      { target: '/', method: 'OPTIONS', headers: { origin: 'https://a.example', 'access-control-request-method': 'PUT' } },
      { target: '/', method: 'OPTIONS', headers: { origin: 'https://c.example', 'access-control-request-method': 'PUT' } },
      { target: '/', method: 'OPTIONS' },
    ],
  },
  users: {
    middlewares: [{ 'basicauth.users': `${SHA_USER},${APR1_USER}`, 'basicauth.headerfield': 'X-User' }],
    requests: [
      '/',
      { target: '/', headers: basic('sha', 'secret') },
      { target: '/', headers: basic('sha', 'wrong') },
      { target: '/', headers: basic('apr', 'secret') },
      { target: '/', headers: basic('apr', 'secrets') },
      { target: '/', headers: basic('nobody', 'secret') },
      { target: '/', headers: { authorization: 'Basic %%%' } },
      { target: '/', headers: { ...basic('sha', 'secret'), 'x-user': 'root' } },
    ],
  },
  'users-hidden': {
    middlewares: [
      { 'headers.customresponseheaders.X-Out': '1' },
      { 'basicauth.users': SHA_USER, 'basicauth.realm': 'shop', 'basicauth.removeheader': 'true' },
    ],
    requests: ['/', { target: '/', headers: basic('sha', 'secret') }],
  },
  chained: {
    middlewares: [{ 'chain.middlewares': 'chained-1,chained-2' }, { 'addprefix.prefix': '/one' }, { 'addprefix.prefix': '/two' }],
    router: { middlewares: 'chained-0,chained-1' },
    requests: ['/x'],
  },
  'allowed-ip': { middlewares: [{ 'ipallowlist.sourcerange': '10.0.0.0/8, 127.0.0.1' }], requests: ['/'] },
  'refused-ip': { middlewares: [{ 'ipallowlist.sourcerange': '10.0.0.0/8' }], requests: ['/'] },
  'refused-as': { middlewares: [{ 'ipallowlist.sourcerange': '10.0.0.0/8', 'ipallowlist.rejectstatuscode': '404' }], requests: ['/'] },
  'refused-deep': {
    middlewares: [{ 'ipwhitelist.sourcerange': '127.0.0.0/8', 'ipwhitelist.ipstrategy.depth': '1' }],
    requests: ['/', { target: '/', headers: { 'x-forwarded-for': '127.0.0.1' } }],
  },
  'forwarded-ip': {
    middlewares: [
      { 'headers.customrequestheaders.X-Forwarded-For': '10.1.1.1, 192.168.0.1' },
      { 'ipallowlist.sourcerange': '10.0.0.0/8', 'ipallowlist.ipstrategy.excludedips': '192.168.0.0/16' },
    ],
    requests: ['/'],
  },
  'let-through': {
    middlewares: [
      { 'buffering.maxrequestbodybytes': '1000' },
      { 'circuitbreaker.expression': 'NetworkErrorRatio() > 0.9' },
      { compress: 'true' },
      { 'ratelimit.average': '1000', 'ratelimit.burst': '1000' },
      { 'inflightreq.amount': '100' },
      { 'retry.attempts': '2' },
      { contenttype: 'true' },
    ],
    requests: ['/x?y=1'],
  },
  'gone-middleware': { middlewares: [], router: { middlewares: 'gone' }, requests: ['/'] },
  'gone-entry-point': { middlewares: [], router: { entrypoints: 'gone' }, requests: ['/'] },
  'other-entry-point': {
    middlewares: [],
    router: { entrypoints: 'gone,websecure', tls: 'true' },
    requests: ['/', { target: '/', tls: true }],
  },
  'bad-rule': { middlewares: [], router: { rule: 'Host(`bad-rule.example.com`) &&' }, requests: ['/'] },
  'no-servers': { middlewares: [{ 'headers.customresponseheaders.X-Out': '1' }], balancer: { 'server.weight': '0' }, requests: ['/'] },
};

/** The tags of a case. */
export function caseTags(name: string, { middlewares, router = {}, balancer = {} }: GatewayCase): readonly string[] {
  const used = middlewares.map((_, at) => `${name}-${at}`).join(',');
  const routing = { rule: `Host(\`${name}.example.com\`)`, ...(used === '' ? {} : { middlewares: used }), ...router };
  const under = (begin: string, fields: Readonly<Record<string, string>>): readonly string[] =>
    Object.entries(fields).map(([field, value]) => `traefik.http.${begin}.${field}=${value}`);
  return [
    'traefik.enable=true',
    ...under(`routers.${name}`, routing),
    ...under(`services.${name}.loadbalancer`, balancer),
    ...middlewares.flatMap((fields, at) => under(`middlewares.${name}-${at}`, fields)),
  ];
}

/** The requests of a case, in full. */
export const caseRequests = (name: string, { requests }: GatewayCase): readonly (RuleRequest & { readonly tls?: boolean })[] =>
  requests.map((request) => ({
    method: 'GET',
    target: '/',
    host: `${name}.example.com`,
    ...(typeof request === 'string' ? { target: request } : request),
    // Without it Traefik asks for gzip on its own account.
    headers: { 'accept-encoding': 'identity', ...(typeof request === 'string' ? {} : request.headers) },
  }));
