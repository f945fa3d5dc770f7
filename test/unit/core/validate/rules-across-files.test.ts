import { describe, expect, it } from 'vitest';
import { deployment, findings, rulesWith, service } from './validate.ts';

const app = (name: string, annotations: readonly string[]): string => deployment(name) + service(name, annotations);
const v3 = (name: string, rule = 'Host(`a.example.com`)', ...more: readonly string[]): string =>
  app(name, [`traefik.http.routers.${name}.rule: ${rule}`, ...more]);
const v1 = (name: string, ...more: readonly string[]): string => app(name, ['traefik.frontend.rule: Host:a.example.com', ...more]);
const inNamespace = (text: string, namespace: string): string =>
  text.replaceAll(
    /(metadata: \{|metadata:\n {2}) ?name: web/g,
    (_, begin: string) => `${begin}${begin.includes('{') ? ' ' : ''}name: web${begin.includes('{') ? ',' : '\n '} namespace: ${namespace}`,
  );

describe('one object in two files', () => {
  it.each([
    ['the same', v3('web'), v3('web')],
    ['another rule', v3('web'), v3('web', 'Host(`b.example.com`)')],
    ['tags of Traefik 1', v1('web'), v1('web')],
  ])('is told once, with both places, and nothing of routes and names: %s', (_, one, other) => {
    expect(findings({ 'a.yaml': one, 'b.yaml': other })).toEqual([
      'b.yaml:1:1 error SPEC_OBJECT_CONFLICT: a.yaml:1 and b.yaml:1 both hold Deployment default/web; while a.yaml has it, nothing of b.yaml would be applied. Remove the object from one of the specs, or rename it.',
      'b.yaml:14:1 error SPEC_OBJECT_CONFLICT: a.yaml:14 and b.yaml:14 both hold Service default/web; while a.yaml has it, nothing of b.yaml would be applied. Remove the object from one of the specs, or rename it.',
    ]);
  });
});

describe('routes of two Services', () => {
  const SAME = (line: number, column: number): string =>
    `b.yaml:${line}:${column} error ROUTE_CONFLICT: a.yaml:${line} and b.yaml:${line} both take the same requests, with the same priority: chance would decide who answers; Service default/b would not be registered beside Service default/a. Change the host or the path in the rule of one of them.`;

  it('with the same host and path are told once, at the one that yields', () => {
    expect(findings({ 'a.yaml': v3('a'), 'b.yaml': v3('b') })).toEqual([SAME(20, 34)]);
    expect(findings({ 'a.yaml': v1('a'), 'b.yaml': v1('b') })).toEqual([SAME(20, 28)]);
  });

  it('are told once where a rule becomes several routers', () => {
    const both = 'traefik.frontend.entryPoints: http,https';
    expect(findings({ 'a.yaml': v1('a', both), 'b.yaml': v1('b', both) })).toEqual([SAME(20, 28)]);
  });

  it('are told of each that yields, beside the one that stays', () => {
    const told = findings({ 'a.yaml': v3('a'), 'b.yaml': v3('b'), 'c.yaml': v3('c'), 'd.yaml': v3('d') });
    expect(told.map((line) => line.slice(0, 65))).toEqual(
      ['b', 'c', 'd'].map((file) => `${file}.yaml:20:34 error ROUTE_CONFLICT: a.yaml:20 and ${file}.yaml:20 both t`),
    );
  });

  it('of one name are told once, whatever else of that name collides', () => {
    const shared = (name: string, pass: string): string =>
      v3(name, `Host(\`${name}.example.com\`)`, `traefik.http.services.s.loadbalancer.passhostheader: "${pass}"`).replace(
        `routers.${name}`,
        'routers.x',
      );
    expect(findings({ 'a.yaml': shared('a', 'true'), 'b.yaml': shared('b', 'false') })).toEqual([
      expect.stringMatching(
        /^b\.yaml:\d+:\d+ error ROUTE_CONFLICT: a\.yaml:\d+ and b\.yaml:\d+ both declare (?=.*the router x)(?=.*the Traefik service s)/,
      ),
    ]);
    const copy = (name: string): string => shared(name, 'true').replace(`${name}.example.com`, 'a.example.com');
    expect(findings({ 'a.yaml': copy('a'), 'b.yaml': copy('b') })).toEqual([
      expect.stringMatching(/^b\.yaml:21:58 error ROUTE_CONFLICT: a\.yaml:21 and b\.yaml:21 both put servers into the Traefik service s: /),
    ]);
  });

  it('that overlap or hide each other are warned of, at the places of both', () => {
    const five = (name: string): string => `traefik.http.routers.${name}.priority: "5"`;
    expect(findings({ 'a.yaml': v3('a', 'Host(`a.b`)', five('a')), 'b.yaml': v3('b', 'PathPrefix(`/x`)', five('b')) })).toEqual([
      'b.yaml:20:34 warning ROUTE_DOUBTFUL: a.yaml:20 and b.yaml:20 both take GET a.b/x, with the same priority: chance decides whether Service default/a or Service default/b answers. Change one of the rules, or give the narrower one the higher priority.',
    ]);
    const narrow = v3('a', 'Host(`a.b`) && Path(`/x`)');
    expect(findings({ 'a.yaml': narrow, 'b.yaml': v3('b', 'Host(`a.b`)', 'traefik.http.routers.b.priority: "99"') })).toEqual([
      'a.yaml:20:34 warning ROUTE_DOUBTFUL: no request comes to a.yaml:20: b.yaml:20 takes all of them first, for Service default/b. Change one of the rules, or give the narrower one the higher priority.',
    ]);
  });

  it('of one Consul service are told beside the name that they share', () => {
    const told = findings({ 'a.yaml': inNamespace(v1('web'), 'one'), 'b.yaml': inNamespace(v1('web'), 'two') });
    expect(told).toEqual([
      expect.stringMatching(
        /^b\.yaml:17:9 error SPEC_NAME_CONFLICT: a\.yaml:17 and b\.yaml:17 both take the Consul service web, for Service one\/web and Service two\/web; /,
      ),
      expect.stringMatching(/^b\.yaml:21:28 error ROUTE_CONFLICT: a\.yaml:21 and b\.yaml:21 both take the same requests, /),
    ]);
    const plain = inNamespace(app('web', []), 'one');
    expect(findings({ 'a.yaml': plain, 'b.yaml': plain.replaceAll('one', 'two') })).toEqual([
      expect.stringContaining('SPEC_NAME_CONFLICT'),
    ]);
  });

  it('are foreseen without the tags that are wrong, and told beside them', () => {
    const wrong = [
      'traefik.http.routers.b.middlewares: m',
      'traefik.http.middlewares.m.redirectregex.regex: ^(a',
      'traefik.http.services.b.loadbalancer.server.port: x',
    ];
    expect(findings({ 'a.yaml': v3('a'), 'b.yaml': v3('b', undefined, ...wrong) }).map((line) => line.split(': ', 1)[0])).toEqual([
      'b.yaml:20:34 error ROUTE_CONFLICT',
      'b.yaml:22:53 error TAG_INVALID',
      'b.yaml:23:55 error TAG_INVALID',
    ]);
    expect(
      findings({ 'a.yaml': v1('a'), 'b.yaml': v1('b', 'traefik.frontend.passTLSCert: "true"') }).map((line) => line.split(': ', 1)[0]),
    ).toEqual(['b.yaml:20:28 error ROUTE_CONFLICT', 'b.yaml:21:35 error TAG_NOT_TRANSLATED']);
  });
});

describe('what tags refer to', () => {
  it('is warned of at its name when nobody declares it, and hides nothing else', () => {
    const rule = ['traefik.http.routers.b.middlewares: a@file, auth'];
    expect(findings({ 'a.yaml': v3('a'), 'b.yaml': v3('b', undefined, ...rule) })).toEqual([
      expect.stringContaining('b.yaml:20:34 error ROUTE_CONFLICT: a.yaml:20 and b.yaml:20 both take the same requests'),
      'b.yaml:21:49 warning ROUTE_CONFLICT: the router b names the middleware auth, which no tags here declare: Service default/b would not be registered while nobody declares it. Declare it in tags, correct the name, or name its provider as well, such as auth@file.',
    ]);
  });

  it('is told of names of other providers where the configuration tells which there are', () => {
    const text = v3('a', undefined, 'traefik.http.routers.a.middlewares: auth@file');
    expect(findings({ 'a.yaml': text })).toEqual([]);
    const rules = rulesWith({ policy: { routes: { known: { middlewares: ['sso@file'] } } } });
    expect(findings({ 'a.yaml': text }, rules)).toEqual([
      expect.stringMatching(
        /^a\.yaml:21:41 warning ROUTE_CONFLICT: the router a names the middleware auth@file, which the configuration does not know: /,
      ),
    ]);
  });

  it.each([
    [
      ['traefik.http.services.a.loadbalancer.server.url: http://x', 'traefik.http.services.a.loadbalancer.server.scheme: https'],
      'a.yaml:21:54 error ROUTE_CONFLICT: Traefik cannot take the tags together: a: defining scheme or port is not allowed when URL is defined;',
    ],
    [
      ['traefik.http.services.a.loadbalancer.server.url: no url'],
      'a.yaml:21:54 error ROUTE_CONFLICT: Traefik would not serve the Traefik service a as meant: error parsing server URL no url;',
    ],
    [
      [
        'traefik.http.routers.a.middlewares: m',
        'traefik.http.middlewares.m.addprefix.prefix: /a',
        'traefik.http.middlewares.m.stripprefix.prefixes: /b',
      ],
      'a.yaml:22:50 error ROUTE_CONFLICT: Traefik would not serve the middleware m as meant: cannot create middleware: multi-types',
    ],
    [
      [
        'traefik.http.routers.a.middlewares: m',
        'traefik.http.middlewares.m.retry.attempts: "0"',
        'traefik.http.middlewares.m.retry.initialinterval: 1s',
      ],
      'a.yaml:22:48 error TAG_INVALID: the tag traefik.http.middlewares.m.retry.attempts is 0;',
    ],
  ])('is told once where tags do not go together: %j', (more, begin) => {
    const told = findings({ 'a.yaml': v3('a', undefined, ...more) });
    expect(told).toEqual([expect.stringContaining(begin)]);
    expect(told[0]).not.toMatch(/192\.0\.2|instance a-0|on n0/);
  });
});

describe('frontends of Traefik 1', () => {
  const shop = v1('shop', 'traefik.frontends.admin.rule: Host:admin.example.com');
  const other = (name: string): string =>
    app('other', [`poolkeeper.dev/service-name: ${name}`, 'traefik.frontend.rule: Host:c.example.com']);

  it('of one name would freeze it', () => {
    expect(findings({ 'a.yaml': shop, 'b.yaml': other('shop-admin') })).toEqual([
      'b.yaml:17:9 error ROUTE_CONFLICT: a.yaml:21 and b.yaml:17 both make the frontend frontend-shop-admin of Traefik 1, which could then read nothing of its catalog any more. Give the one of traefik.frontends another name, or one of the Services another Consul name.',
    ]);
    expect(findings({ 'a.yaml': other('shop-admin'), 'b.yaml': shop })).toEqual([
      expect.stringContaining('b.yaml:21:35 error ROUTE_CONFLICT: a.yaml:17 and b.yaml:21 both make'),
    ]);
  });

  it('do not matter under another name, where only Traefik 3 reads them, and where one is off', () => {
    expect(findings({ 'a.yaml': shop, 'b.yaml': other('shop-x') })).toEqual([]);
    expect(findings({ 'a.yaml': shop, 'b.yaml': other('shop-admin') }, rulesWith({ policy: { dialect: 'v3' } }))).toEqual([]);
    const off = other('shop-admin').replace('traefik.frontend.rule: Host:c.example.com', 'traefik.enable: "false"');
    expect(findings({ 'a.yaml': shop, 'b.yaml': off })).toEqual([]);
  });
});
