import { describe, expect, it } from 'vitest';
import { tagText } from '../../../../src/core/tags/annotation-tags.ts';
import { freezesV1 } from '../../../../src/core/tags/freezes-v1.ts';
import { closedRouter, traefikName } from '../../../../src/core/tags/traefik-names.ts';
import { BASE, type Built, codes, PLAIN, RULE, short, translate } from './translate.ts';

describe('each topic', () => {
  it.each<[string, Record<string, string>, readonly string[], readonly string[]]>([
    ['https backends', { protocol: 'https' }, ['S.loadbalancer.server.scheme=https'], []],
    [
      'flush interval',
      { 'backend.responseForwarding.flushInterval': '10ms' },
      ['S.loadbalancer.responseforwarding.flushinterval=10ms'],
      [],
    ],
    [
      'stickiness',
      {
        'backend.loadbalancer.stickiness': 'true',
        'backend.loadbalancer.stickiness.secure': '1',
        'backend.loadbalancer.stickiness.sameSite': 'Lax',
      },
      [
        'S.loadbalancer.sticky.cookie.name=_40e28',
        'S.loadbalancer.sticky.cookie.samesite=lax',
        'S.loadbalancer.sticky.cookie.secure=true',
        'S.loadbalancer.sticky.cookie=true',
      ],
      ['REWRITTEN'],
    ],
    [
      'stickiness by a cookie of a name',
      {
        'backend.loadbalancer.stickiness': 'true',
        'backend.loadbalancer.stickiness.cookieName': 'c',
        'backend.loadbalancer.sticky': 'true',
      },
      ['S.loadbalancer.sticky.cookie.name=c', 'S.loadbalancer.sticky.cookie=true'],
      ['REWRITTEN'],
    ],
    [
      'stickiness of old',
      { 'backend.loadbalancer.sticky': 'true' },
      ['S.loadbalancer.sticky.cookie.name=_TRAEFIK_BACKEND', 'S.loadbalancer.sticky.cookie=true'],
      ['REWRITTEN'],
    ],
    ['a cookie without stickiness', { 'backend.loadbalancer.stickiness.cookieName': 'c' }, [], ['UNKNOWN']],
    [
      'health check',
      {
        'backend.healthcheck.path': '/h',
        'backend.healthcheck.port': '81',
        'backend.healthcheck.scheme': 'https',
        'backend.healthcheck.hostname': 'h',
        'backend.healthcheck.interval': '6',
        'backend.healthcheck.headers': 'a-b: c:d || x:y',
      },
      [
        'S.loadbalancer.healthcheck.headers.A-B=c:d',
        'S.loadbalancer.healthcheck.headers.X=y',
        'S.loadbalancer.healthcheck.hostname=h',
        'S.loadbalancer.healthcheck.interval=30s',
        'S.loadbalancer.healthcheck.path=/h',
        'S.loadbalancer.healthcheck.port=81',
        'S.loadbalancer.healthcheck.scheme=https',
      ],
      ['REWRITTEN'],
    ],
    [
      'circuit breaker, by its old name',
      { 'backend.circuitbreaker': 'NetworkErrorRatio() > 0.5' },
      ['M:B-circuitbreaker.circuitbreaker.expression=NetworkErrorRatio() > 0.5', 'R.middlewares=B-circuitbreaker'],
      [],
    ],
    [
      'maximum of connections',
      { 'backend.maxconn.amount': '7' },
      [
        'M:B-inflightreq.inflightreq.amount=7',
        'M:B-inflightreq.inflightreq.sourcecriterion.requesthost=true',
        'R.middlewares=B-inflightreq',
      ],
      [],
    ],
    [
      'maximum of connections by header',
      { 'backend.maxconn.amount': '7', 'backend.maxconn.extractorfunc': 'request.header.X-Id' },
      [
        'M:B-inflightreq.inflightreq.amount=7',
        'M:B-inflightreq.inflightreq.sourcecriterion.requestheadername=X-Id',
        'R.middlewares=B-inflightreq',
      ],
      [],
    ],
    [
      'buffering',
      { 'backend.buffering.maxRequestBodyBytes': '10', 'backend.buffering.retryExpression': 'Attempts() < 2' },
      [
        'M:B-buffering.buffering.maxrequestbodybytes=10',
        'M:B-buffering.buffering.retryexpression=Attempts() < 2',
        'R.middlewares=B-buffering',
      ],
      [],
    ],
    [
      'basic auth, by its old name and by the new one',
      { 'frontend.auth.basic': 'u:h1', 'frontend.auth.basic.users': 'u:h2', 'frontend.auth.headerField': 'X-User' },
      ['M:B-basicauth.basicauth.headerfield=X-User', 'M:B-basicauth.basicauth.users=u:h1', 'R.middlewares=B-basicauth'],
      [],
    ],
    [
      'basic before digest',
      { 'frontend.auth.digest.users': 'u:r:h', 'frontend.auth.basic.usersFile': '/f' },
      ['M:B-basicauth.basicauth.usersfile=/f', 'R.middlewares=B-basicauth'],
      ['UNKNOWN'],
    ],
    [
      'digest auth',
      { 'frontend.auth.digest.users': 'u:r:h', 'frontend.auth.digest.removeHeader': 'true' },
      ['M:B-digestauth.digestauth.removeheader=true', 'M:B-digestauth.digestauth.users=u:r:h', 'R.middlewares=B-digestauth'],
      [],
    ],
    [
      'forward auth',
      {
        'frontend.auth.forward.address': 'https://auth/',
        'frontend.auth.forward.trustForwardHeader': 'false',
        'frontend.auth.forward.authResponseHeaders': 'X-A, X-B',
        'frontend.auth.forward.tls.ca': '/ca',
        'frontend.auth.forward.tls.caOptional': 'true',
      },
      [
        'M:B-forwardauth.forwardauth.address=https://auth/',
        'M:B-forwardauth.forwardauth.authresponseheaders=X-A,X-B',
        'M:B-forwardauth.forwardauth.tls.ca=/ca',
        'M:B-forwardauth.forwardauth.trustforwardheader=false',
        'R.middlewares=B-forwardauth',
      ],
      ['APPROXIMATED'],
    ],
    [
      'a white list, by its old name',
      { 'frontend.whitelistSourceRange': '10.0.0.0/8, fd00::/8' },
      ['M:B-ipallowlist.ipallowlist.sourcerange=10.0.0.0/8,fd00::/8', 'R.middlewares=B-ipallowlist'],
      [],
    ],
    [
      'a redirection by expression',
      { 'frontend.redirect.regex': '^http://(.*)', 'frontend.redirect.replacement': 'https://$1', 'frontend.redirect.permanent': 'true' },
      [
        'M:B-redirectregex.redirectregex.permanent=true',
        'M:B-redirectregex.redirectregex.regex=^http://(.*)',
        'M:B-redirectregex.redirectregex.replacement=https://$1',
        'R.middlewares=B-redirectregex',
      ],
      [],
    ],
    ['half a redirection', { 'frontend.redirect.regex': 'x' }, [], ['UNKNOWN']],
    [
      'an error page of its own backend',
      {
        'frontend.errors.down.status': '500-504,404',
        'frontend.errors.down.backend': 'web',
        'frontend.errors.down.query': '/{status}.html',
      },
      [
        'M:B-errors-down.errors.query=/{status}.html',
        'M:B-errors-down.errors.service=B',
        'M:B-errors-down.errors.status=500-504,404',
        'R.middlewares=B-errors-down',
      ],
      [],
    ],
    [
      'rate limits',
      {
        'frontend.rateLimit.extractorFunc': 'client.ip',
        'frontend.rateLimit.rateSet.a.average': '5',
        'frontend.rateLimit.rateSet.a.period': '3',
        'frontend.rateLimit.rateSet.a.burst': '0',
      },
      [
        'M:B-ratelimit-a.ratelimit.average=5',
        'M:B-ratelimit-a.ratelimit.burst=1',
        'M:B-ratelimit-a.ratelimit.period=3',
        'M:B-ratelimit-a.ratelimit.sourcecriterion.ipstrategy.depth=0',
        'R.middlewares=B-ratelimit-a',
      ],
      ['APPROXIMATED', 'REWRITTEN'],
    ],
    [
      'headers',
      {
        'frontend.headers.customRequestHeaders': 'x-a:b||X-Gone:',
        'frontend.headers.STSSeconds': '60',
        'frontend.headers.frameDeny': 'true',
        'frontend.headers.contentTypeNosniff': 'false',
        'frontend.headers.allowedHosts': 'a, b',
      },
      [
        'M:B-headers.headers.allowedhosts=a,b',
        'M:B-headers.headers.customrequestheaders.X-A=b',
        'M:B-headers.headers.customrequestheaders.X-Gone=',
        'M:B-headers.headers.framedeny=true',
        'M:B-headers.headers.stsseconds=60',
        'R.middlewares=B-headers',
      ],
      [],
    ],
    ['headers that say nothing', { 'frontend.headers.frameDeny': 'false', 'frontend.headers.STSSeconds': '0' }, [], []],
    [
      'a client certificate',
      { 'frontend.passTLSClientCert.pem': 'true', 'frontend.passTLSClientCert.infos.subject.commonName': 'true' },
      [
        'M:B-passtlsclientcert.passtlsclientcert.info.subject.commonname=true',
        'M:B-passtlsclientcert.passtlsclientcert.pem=true',
        'R.middlewares=B-passtlsclientcert',
      ],
      ['APPROXIMATED'],
    ],
    ['a switch that is off', { 'frontend.passTLSCert': 'false', 'frontend.whiteList.useXForwardedFor': 'false' }, [], []],
  ])('%s', (_, options, tags, told) => {
    const built = translate({ ...RULE, ...options });
    expect(short(built.tags)).toEqual([...tags, PLAIN].sort());
    expect([...codes(built)].sort()).toEqual(told);
  });

  it.each<[string, Record<string, string>, string]>([
    ['drr', { 'backend.loadbalancer.method': 'DRR' }, 'traefik.drrStrategy'],
    ['drr, by its old name', { 'backend.loadbalancer': 'drr' }, 'traefik.drrStrategy'],
    ['certificates of Traefik', { 'frontend.passTLSCert': 'true' }, 'serversTransport'],
    [
      'X-Forwarded-For',
      { 'frontend.whiteList.sourceRange': '10.0.0.0/8', 'frontend.whiteList.useXForwardedFor': 'true' },
      'traefik.forwardedDepth',
    ],
    ['a redirection with a template', { 'frontend.redirect.regex': 'x', 'frontend.redirect.replacement': '{{.Request.Host}}' }, 'groups'],
    ['a host that is forced', { 'frontend.headers.SSLHost': 'b', 'frontend.headers.SSLForceHost': 'true' }, 'redirectregex'],
    ['a check at a URL', { 'backend.healthcheck.path': 'http://x/' }, 'begins with "/"'],
    ['no users', { 'frontend.auth.basic.users': ' , ' }, 'users'],
    ['a header field for nobody', { 'frontend.auth.headerField': 'X' }, 'users'],
    ['an unknown extractor', { 'backend.maxconn.amount': '1', 'backend.maxconn.extractorfunc': 'x' }, 'one of these'],
    ['a rate without a period', { 'frontend.rateLimit.extractorFunc': 'client.ip', 'frontend.rateLimit.rateSet.a.average': '5' }, 'period'],
    ['a frontend without a rule', { 'frontends.b.priority': '5' }, 'traefik.frontEndRule'],
  ])('%s is impossible, with a way out', (_, options, remedy) => {
    const built = translate({ ...RULE, ...options });
    expect(built.tags).toEqual([tagText(closedRouter(BASE))]);
    expect(built.problems.find(({ code }) => code === 'TAG_NOT_TRANSLATED')).toMatchObject({
      severity: 'error',
      remedy: expect.stringContaining(remedy),
    });
  });

  it('tells no secret of users', () => {
    const built = translate({ ...RULE, 'frontend.auth.basic.users': 'u:h,secret' });
    expect(JSON.stringify(built.problems)).not.toContain('secret');
  });
});

describe('what the configuration adds', () => {
  it('makes approximations errors when it is strict', () => {
    const options = { 'frontend.rule': 'Path:/a' };
    expect(translate(options).problems).toMatchObject([{ code: 'TAG_APPROXIMATED', severity: 'warning' }]);
    const strict = translate(options, { translation: { strict: true } });
    expect(strict.problems).toMatchObject([{ code: 'TAG_APPROXIMATED', severity: 'error' }]);
    expect(strict.tags).toEqual([tagText(closedRouter(BASE))]);
  });

  it.each([
    ['leasttime', ['S.loadbalancer.strategy=leasttime']],
    ['wrr', []],
  ] as const)('a strategy for drr: %s', (drrStrategy, tags) => {
    const built = translate({ ...RULE, 'backend.loadbalancer.method': 'drr' }, { translation: { strict: false, drrStrategy } });
    expect(short(built.tags)).toEqual([PLAIN, ...tags]);
    expect(codes(built)).toEqual(['APPROXIMATED']);
  });

  it('a depth for X-Forwarded-For', () => {
    const options = { ...RULE, 'frontend.whiteList.sourceRange': '10.0.0.1', 'frontend.whiteList.useXForwardedFor': 'true' };
    const built = translate(options, { translation: { strict: false, forwardedDepth: 2 } });
    expect(short(built.tags)).toContain('M:B-ipallowlist.ipallowlist.ipstrategy.depth=2');
    expect(codes(built)).toEqual(['APPROXIMATED']);
  });

  it('a rule for Services without one, filled in', () => {
    const translation = { strict: false, domain: 'example.com', frontEndRule: 'Host:{{.ServiceName}}.{{.Domain}}' };
    const built = translate({ enable: 'true', 'frontend.auth.basic.users': 'u:h' }, { translation, service: 'shop' });
    expect(built.tags).toContain(`traefik.http.routers.${BASE}.rule=Host(\`shop.example.com\`)`);
    expect(built.tags).toContain(`traefik.http.routers.${BASE}.priority=21`);
    expect(built.tags).toContain(`traefik.http.routers.${BASE}.middlewares=${BASE}-basicauth`);
  });

  it('no dot at the end when the domain is empty', () => {
    const built = translate({ 'frontend.rule': 'Host:{{.ServiceName}}.{{.Domain}}' }, { translation: { strict: false, domain: '' } });
    expect(built.tags).toContain(`traefik.http.routers.${BASE}.rule=Host(\`web\`)`);
  });

  it('the Traefik services of other Consul services', () => {
    const options = { ...RULE, 'frontend.errors.x.status': '500', 'frontend.errors.x.backend': 'pages' };
    const service = (built: Built) => built.tags.find((tag) => tag.includes('.errors.service='))?.split('=')[1];
    const supposed = translate(options);
    expect([service(supposed), codes(supposed)]).toEqual([traefikName('default', 'pages'), ['APPROXIMATED']]);
    const known = translate(options, { traefikServiceOf: (name) => `known-${name}` });
    expect([service(known), codes(known)]).toEqual(['known-pages', []]);
  });
});

describe('freezesV1', () => {
  it('lets through every value that TOML takes between quotes', () => {
    expect(freezesV1({ key: 'traefik.frontend.rule', value: 'Host:a\\\\.b' })).toBeUndefined();
    expect(freezesV1({ key: 'traefik.frontend.rule', value: 'Host:a\\.b' })).toContain('backslash');
  });
});
