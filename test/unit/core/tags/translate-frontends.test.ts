import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagText } from '../../../../src/core/tags/annotation-tags.ts';
import { RULE_FUNCTIONS } from '../../../../src/core/tags/rule-functions.ts';
import { closedRouter } from '../../../../src/core/tags/traefik-names.ts';
import { V1_KEYS } from '../../../../src/core/tags/v1-keys.ts';
import { BASE, type Built, codes, RULE, short, translate } from './translate.ts';

describe('routers', () => {
  const routersOf = (built: Built, field: string): Record<string, string> =>
    Object.fromEntries(
      built.tags.flatMap((tag) => {
        const [, name, value] = new RegExp(`^traefik\\.http\\.routers\\.([^.]+)\\.${field}=(.*)$`).exec(tag) ?? [];
        return name === undefined || value === undefined ? [] : [[name.replace(BASE, 'B'), value.replaceAll(BASE, 'B')]];
      }),
    );

  it('have their middlewares in the order that keeps what Traefik 1 does', () => {
    const built = translate({
      'frontend.rule': 'Host:a.example.com;PathPrefixStrip:/a;AddPrefix:/b;ReplacePath:/c;PathStripRegex:/a/{b};ReplacePathRegex: /c /d',
      'frontend.errors.x.status': '500',
      'frontend.errors.x.backend': 'web',
      'frontend.whiteList.sourceRange': '10.0.0.0/8',
      'frontend.redirect.regex': 'x',
      'frontend.redirect.replacement': 'y',
      'frontend.headers.frameDeny': 'true',
      'frontend.passTLSClientCert.pem': 'true',
      'frontend.auth.basic.users': 'u:h',
      'backend.circuitbreaker.expression': 'NetworkErrorRatio() > 0.5',
      'backend.buffering.maxRequestBodyBytes': '1',
      'backend.maxconn.amount': '1',
      'frontend.rateLimit.extractorFunc': 'client.ip',
      'frontend.rateLimit.rateSet.x.average': '1',
      'frontend.rateLimit.rateSet.x.period': '1',
    });
    expect(routersOf(built, 'middlewares')['B']?.split(',')).toEqual(
      [
        'errors-x',
        'ipallowlist',
        'redirectregex',
        'stripprefixregex',
        'stripprefix',
        'addprefix',
        'replacepathregex',
        'replacepath',
        'headers',
        'passtlsclientcert',
        'basicauth',
        'circuitbreaker',
        'buffering',
        'inflightreq',
        'ratelimit-x',
      ].map((name) => `B-${name}`),
    );
  });

  it('redirect to an entry point from the others only', () => {
    const built = translate({
      ...RULE,
      'frontend.entryPoints': 'http,https',
      'frontend.redirect.entryPoint': 'https',
      'frontend.redirect.permanent': 'true',
    });
    expect(routersOf(built, 'middlewares')).toEqual({ B: 'B-redirectscheme' });
    expect(short(built.tags).filter((tag) => tag.startsWith('M:'))).toEqual([
      'M:B-redirectscheme.redirectscheme.permanent=true',
      'M:B-redirectscheme.redirectscheme.port=8443',
      'M:B-redirectscheme.redirectscheme.scheme=https',
    ]);
    expect(codes(built)).toEqual(['REWRITTEN']);
  });

  it('are apart where one of two entry points without TLS redirects', () => {
    const built = translate({ ...RULE, 'frontend.entryPoints': 'http,admin', 'frontend.redirect.entryPoint': 'admin' });
    expect(routersOf(built, 'entrypoints')).toEqual({ B: 'adm', 'B-redirected': 'web' });
    expect(routersOf(built, 'middlewares')).toEqual({ 'B-redirected': 'B-redirectscheme' });
  });

  it.each([
    [
      { 'frontend.headers.SSLRedirect': 'true' },
      ['redirectscheme-ssl.redirectscheme.permanent=true', 'redirectscheme-ssl.redirectscheme.scheme=https'],
    ],
    [
      {
        'frontend.headers.SSLRedirect': 'true',
        'frontend.headers.SSLTemporaryRedirect': 'true',
        'frontend.headers.SSLHost': 'b.example.com',
      },
      [
        'redirectregex-ssl.redirectregex.permanent=false',
        'redirectregex-ssl.redirectregex.regex=^https?://[^/]+(.*)$',
        `redirectregex-ssl.redirectregex.replacement=https://b.example.com\${1}`,
      ],
    ],
  ])('redirect to TLS where there is none: %j', (options, middlewares) => {
    const built = translate({ ...RULE, 'frontend.entryPoints': 'http,https', ...(options as Record<string, string>) });
    expect(short(built.tags).filter((tag) => tag.startsWith('M:'))).toEqual(middlewares.map((tag) => `M:B-${tag}`));
    expect(Object.keys(routersOf(built, 'middlewares'))).toEqual(['B']);
    expect(new Set(codes(built))).toEqual(new Set(['REWRITTEN']));
  });

  it('of more frontends stand beside the plain one, with settings of their own and those of the backend', () => {
    const built = translate({
      ...RULE,
      'frontend.auth.basic.users': 'u:h',
      'backend.circuitbreaker.expression': 'NetworkErrorRatio() > 0.5',
      'frontends.api.rule': 'Host:{{.ServiceName}}.example.com',
      'frontends.api.entryPoints': 'https',
      'frontends.api.headers.frameDeny': 'true',
      'frontends.Api.rule': 'Host:b.example.com',
      'frontends.raw.rule': 'Host:raw.example.com',
      'frontends.raw.passHostHeader': 'false',
    });
    const other = Object.keys(routersOf(built, 'rule')).find((name) => /^B_api-[0-9a-f]{6}$/.test(name)) ?? '';
    expect(routersOf(built, 'rule')).toEqual({
      B: 'Host(`a.example.com`)',
      'B_api-tls': 'Host(`web-api.example.com`)',
      [other]: 'Host(`b.example.com`)',
      B_raw: 'Host(`raw.example.com`)',
    });
    expect(routersOf(built, 'middlewares')).toEqual({
      B: 'B-basicauth,B-circuitbreaker',
      'B_api-tls': 'B_api-headers,B-circuitbreaker',
      [other]: 'B-circuitbreaker',
      B_raw: 'B-circuitbreaker',
    });
    expect(routersOf(built, 'service')).toEqual({ B: 'B', 'B_api-tls': 'B', [other]: 'B', B_raw: 'B_raw' });
    expect(built.tags).toContain(`traefik.http.services.${BASE}_raw.loadbalancer.passhostheader=false`);
    expect(built.tags).toContain(`traefik.http.services.${BASE}_raw.loadbalancer.server.scheme=http`);
  });

  it('without a rule for the plain frontend: the others stand alone, and that is told', () => {
    const built = translate({ 'frontends.b.rule': 'Host:b.example.com' });
    expect(Object.keys(routersOf(built, 'rule'))).toEqual(['B_b']);
    expect(built.problems).toMatchObject([{ code: 'TAG_APPROXIMATED', message: expect.stringContaining('its frontend has no rule') }]);
  });
});

describe('the table', () => {
  const rows = Object.values(V1_KEYS).flat();

  it('has each key once, and a reason for each that is not exact', () => {
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
    expect(rows.filter(({ class: kind, remark }) => kind !== 'exact' && remark === undefined)).toEqual([]);
    expect(RULE_FUNCTIONS.filter(({ class: kind, remark }) => kind !== 'exact' && remark === undefined)).toEqual([]);
  });

  it('says what became of every tag', () => {
    const built = translate({ ...RULE, weight: '2', 'frontend.auth.basic.users': 'u:h', port: '1' });
    expect(built.steps.map(({ tag, class: kind, becomes }) => [tag.split('=')[0], kind, short(becomes)])).toEqual([
      ['traefik.weight', 'exact', ['S.loadbalancer.server.weight=2']],
      ['traefik.frontend.rule', 'exact', []],
      ['traefik.frontend.auth.basic.users', 'exact', ['M:B-basicauth.basicauth.users=u:h']],
      ['traefik.port', 'unknown', []],
    ]);
  });

  it('never throws, never opens a closed route, and every middleware that a router names exists', () => {
    const key = fc.constantFrom(
      ...rows.map((row) => row.key.replace('NAME', 'x')),
      'frontends.b.rule',
      'frontends.b.priority',
      'frontends.b.auth.basic.users',
      'x',
    );
    const value = fc.constantFrom(
      'true',
      'false',
      '1',
      '0',
      'http,https',
      'https',
      'Host:a.example.com',
      'PathStrip:/a',
      'u:h',
      '10.0.0.0/8',
      '10s',
      'A:b||C:d',
      'web',
      'client.ip',
      '500',
      '',
      '{{.ServiceName}}',
    );
    fc.assert(
      fc.property(fc.dictionary(key, value), (options) => {
        const { tags, problems } = translate(options);
        const closed = problems.some(({ severity }) => severity === 'error');
        const routers = tags.filter((tag) => tag.startsWith('traefik.http.routers.'));
        if (closed) {
          const off = options['enable'] === 'false' || options['enable'] === '0';
          expect(routers).toEqual(off ? [] : [tagText(closedRouter(BASE))]);
          return;
        }
        for (const tag of routers.filter((text) => /\.middlewares=/.test(text))) {
          for (const name of tag.slice(tag.indexOf('=') + 1).split(','))
            expect(tags.some((text) => text.startsWith(`traefik.http.middlewares.${name}.`))).toBe(true);
        }
        for (const tag of routers.filter((text) => /\.service=/.test(text))) {
          const name = tag.slice(tag.indexOf('=') + 1);
          expect(tags.some((text) => text.startsWith(`traefik.http.services.${name}.`))).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});
