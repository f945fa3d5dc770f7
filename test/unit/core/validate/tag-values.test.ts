import { describe, expect, it } from 'vitest';
import { deployment, findings, rulesWith, service } from './validate.ts';

const RULE = 'traefik.http.routers.x.rule: Host(`a.example.com`)';
const ROUTER = 'traefik.http.routers.x';
const BALANCER = 'traefik.http.services.x.loadbalancer';
const MIDDLEWARE = 'traefik.http.middlewares.m';
/** What a middleware needs beside the tag that is tried. */
const USED: readonly string[] = [`${ROUTER}.middlewares: m`];
const needsOf = (annotation: string): readonly string[] => {
  if (!annotation.startsWith(MIDDLEWARE)) return [];
  return annotation.includes('errors.') ? [...USED, `${MIDDLEWARE}.errors.service: pages@file`] : USED;
};

/** A Service whose annotations begin in line 19 of a spec. */
const tight = (annotations: readonly string[]): string => service('web', annotations).replace('    example.com/any: text\n', '');

/** All that is told of a spec whose Service has these annotations. */
const tagged = (annotations: readonly string[], rules = rulesWith()): readonly string[] =>
  findings({ 'a.yaml': deployment('web') + tight(annotations) }, rules).filter((line) => !line.includes(' note TAG_REWRITTEN'));

/** Of line 20: its column, severity and text. */
const ofLine20 = (lines: readonly string[]): readonly string[] => lines.map((line) => line.replace(/^a\.yaml:20:/, ''));

describe('values that Traefik 3 does not take, or not as meant', () => {
  it.each([
    // What it drops, or answers with errors: tried on Traefik 3.6.12.
    [
      `${BALANCER}.strategy: random`,
      'error',
      'which Traefik 3 does not know; it drops the Traefik service. Write one of wrr, p2c, hrw, leasttime.',
    ],
    [`${BALANCER}.strategy: p2`, 'error', 'Did you mean "p2c"?'],
    [`${BALANCER}.server.port: eighty`, 'error', 'is "eighty", which is no port; no backend answers. Write a number from 1 to 65535.'],
    [`${BALANCER}.server.port: "99999"`, 'error', 'is "99999", which is no port'],
    [`${BALANCER}.server.scheme: htp`, 'error', 'every request is answered with 500. Did you mean "http"?'],
    [`${BALANCER}.healthcheck.port: "0"`, 'error', 'is "0", which is no port; no check of it succeeds'],
    [`${BALANCER}.passhostheader: yess`, 'error', '"yess" is no bool; Traefik 3 leaves out the whole Consul service. Write true or false.'],
    [
      `${BALANCER}.healthcheck.interval: 10x`,
      'error',
      'no duration; Traefik 3 leaves out the whole Consul service. Write a number of seconds',
    ],
    [`${ROUTER}.priority: high`, 'error', '"high" is no int; Traefik 3 leaves out the whole Consul service. Write a whole number.'],
    [`${ROUTER}.priority: "9223372036854775807"`, 'error', 'more than Traefik 3 takes. Write a number up to 9223372036854774807.'],
    [`${MIDDLEWARE}.redirectregex.regex: ^(a`, 'error', 'is no regular expression: missing closing ): `^(a`'],
    [`${MIDDLEWARE}.stripprefixregex.regex: /a,/(b`, 'error', 'is no regular expression'],
    [`${MIDDLEWARE}.ipallowlist.sourcerange: 10.0.0.0/99`, 'error', 'holds "10.0.0.0/99", which is no address range'],
    [`${MIDDLEWARE}.errors.status: abc`, 'error', 'holds "abc", which is no status'],
    [`${MIDDLEWARE}.retry.attempts: "0"`, 'error', 'is 0; Traefik 3 drops the middleware. Write a number from 1.'],
    [`${MIDDLEWARE}.ratelimit.period: -1s`, 'error', 'is -1s; Traefik 3 drops the middleware'],
    [`${MIDDLEWARE}.inflightreq.amount: "0"`, 'error', 'is 0; every request is answered with 429'],
    [`${MIDDLEWARE}.forwardauth.address: auth`, 'error', 'is "auth", which is no URL'],
    [`${MIDDLEWARE}.circuitbreaker.expression: NetworkErrors() > 1`, 'error', 'there is no "NetworkErrors"'],
    [`${MIDDLEWARE}.redirectscheme.port: abc`, 'error', 'is "abc", which is no port'],
    // What it takes, and nobody can mean.
    [`${BALANCER}.server.weight: "-1"`, 'warning', 'every one is answered with 503'],
    [`${BALANCER}.server.port: "8080"`, 'warning', 'asks this port of the nodes, in place of the NodePort'],
    [`${BALANCER}.sticky.cookie.samesite: foo`, 'warning', 'Write one of none, lax, strict.'],
    [`${BALANCER}.healthcheck.interval: -1s`, 'warning', 'Traefik 3 takes its default'],
    [`${MIDDLEWARE}.stripprefix.prefixes: /a, b`, 'warning', 'holds "b", with which no path begins. Write "/b".'],
    [`${MIDDLEWARE}.redirectscheme.scheme: htps`, 'warning', 'Did you mean "https"?'],
    [`${MIDDLEWARE}.errors.status: "700"`, 'warning', 'holds "700", which is no status'],
    [`${ROUTER}.rulesyntax: v9`, 'warning', 'it takes v3'],
    [`${ROUTER}.entrypoints: websecur`, 'warning', 'Did you mean "websecure"?'],
    [`${ROUTER}.entrypoints: internal`, 'note', 'names the entry point "internal", of which the configuration says nothing'],
  ])('%s: one %s, at its value', (annotation, severity, words) => {
    const told = tagged([RULE, annotation, ...needsOf(annotation)]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${severity} TAG_INVALID: the tag ${annotation.split(':', 1)[0]} `);
    expect(told[0]).toContain(words);
    const [, column] = /^a\.yaml:20:(\d+) /.exec(told[0] ?? '') ?? [];
    expect(Number(column)).toBeGreaterThan(annotation.indexOf(': ') + 5);
    expect(told[0]).not.toContain('192.0.2');
  });

  it.each([
    `${BALANCER}.strategy: p2c`,
    `${BALANCER}.server.scheme: h2c`,
    `${BALANCER}.server.weight: "3"`,
    `${BALANCER}.sticky.cookie.samesite: lax`,
    `${ROUTER}.priority: "-1"`,
    `${ROUTER}.entrypoints: web, websecure`,
    `${MIDDLEWARE}.circuitbreaker.expression: NetworkErrorRatio() > 0.30 && (LatencyAtQuantileMS(50.0) > 100 || ResponseCodeRatio(500, 600, 0, 600) > 0.25)`,
    `${MIDDLEWARE}.buffering.retryexpression: IsNetworkError() && Attempts() < 2`,
    `${MIDDLEWARE}.errors.status: 500-599,429`,
    `${MIDDLEWARE}.forwardauth.address: http://auth/check`,
  ])('finds nothing wrong with %s', (annotation) => {
    expect(tagged([RULE, annotation, ...needsOf(annotation)])).toEqual([]);
  });

  it('takes the NodePort that the Service asks for as a port of its backends', () => {
    const port = `${BALANCER}.server.port: "30080"`;
    const text = deployment('web') + tight([RULE, port]).replace('port: 80,', 'port: 80, nodePort: 30080,');
    expect(findings({ 'a.yaml': text })).toEqual([]);
  });

  it('goes by the entry points that the configuration tells', () => {
    const rules = rulesWith({ policy: { routes: { entryPoints: [{ name: 'edge' }] } } });
    expect(tagged([RULE, `${ROUTER}.entrypoints: edge`], rules)).toEqual([]);
    expect(ofLine20(tagged([RULE, `${ROUTER}.entrypoints: edge, web`], rules))).toEqual([
      '47 error TAG_INVALID: the tag traefik.http.routers.x.entrypoints names the entry point "web", which Traefik does not have. Known are edge.',
    ]);
  });

  it('never tells the users of a middleware', () => {
    expect(ofLine20(tagged([RULE, `${MIDDLEWARE}.basicauth.users: "u:x,secret"`, ...USED]))).toEqual([
      '49 error TAG_INVALID: the tag traefik.http.middlewares.m.basicauth.users holds something that is not user:hash. Write each user as user:hash, separated by commas.',
    ]);
  });
});

describe('rules', () => {
  const ofRule = (rule: string): readonly string[] =>
    tagged([`'traefik.http.routers.x.rule': ${rule}`]).map((line) => line.replace(/^a\.yaml:19:/, ''));

  it.each([
    ['Host(`bad host`)', 'asks for the host "bad host", which no request has. Write a host name such as a.example.com.'],
    ['Host(`http://x`)', 'asks for the host "http://x", which no request has. Write the name alone: Host(`x`).'],
    ['Host(`x:8080`)', 'asks for the host "x:8080", which no request has. Write the name alone: Host(`x`).'],
    ['Host(`x.y/z`)', 'Write the name alone: Host(`x.y`) && PathPrefix(`/z`).'],
    ['Host(`*.a.b`)', 'which no request has before Traefik 3.7. Write HostRegexp(`^[^.]+\\.a\\.b$`).'],
    ['Path(`/a?b=c`)', 'what follows a "?" is not part of it. Write the path alone, and Query(`name`, `value`) beside it.'],
    ['PathPrefix(`/a/*`)', 'asks for a path with a "*", "/a/*": Traefik 3 takes it as it is.'],
    [
      'Path(`/a/{id:[0-9]+}`)',
      'asks for a path with braces, "/a/{id:[0-9]+}": Traefik 3 takes them as they are. Write a regular expression in PathRegexp',
    ],
    ['HostRegexp(`{s:[a-z]+}.a.b`)', 'holds braces that are no repetition'],
  ])('%s fits no request: a warning at the very value', (rule, words) => {
    expect(ofRule(rule)).toEqual([
      expect.stringContaining(
        `warning TAG_INVALID: the tag traefik.http.routers.x.rule ${words.startsWith('Write') || words.startsWith('w') ? '' : words}`,
      ),
    ]);
    expect(ofRule(rule)[0]).toContain(words);
    expect(ofRule(rule)[0]).toMatch(new RegExp(`^${36 + rule.indexOf('`') + 1} `));
  });

  it.each([
    ['Host(``)', 5, 'Host takes no empty value'],
    ['PathPrefix(`foo`)', 11, 'PathPrefix begins with a "/"'],
    ['Host(`a`) & Path(`/`)', 10, 'unexpected "&"'],
    ['Hst(`a`)', 0, 'there is no matcher Hst'],
    ['Host(`a`) && HostRegexp(`(`)', 24, 'compiling HostRegexp expression'],
  ])('%s cannot be read: an error at its character', (rule, offset, words) => {
    expect(ofRule(rule)).toEqual([expect.stringContaining(words)]);
    expect(ofRule(rule)[0]).toMatch(
      new RegExp(`^${36 + offset} error TAG_INVALID: the rule of the router x cannot be read, at its character ${offset + 1}: `),
    );
  });

  it.each([
    'Host(`A.Example.COM`)',
    'Host(`a.b.`)',
    'Host(`a_b.c`)',
    'Host(`::1`)',
    'Path(`/a b`)',
    'HostRegexp(`^[a-z]{2,3}$`)',
    'PathRegexp(`^/a/.*`)',
  ])('%s is nothing to be told of', (rule) => {
    expect(ofRule(rule)).toEqual([]);
  });

  it('of Traefik 2 are not read', () => {
    expect(tagged(['traefik.http.routers.x.rule: Path(`/a/{id:[0-9]+}`)', 'traefik.http.routers.x.rulesyntax: v2'])).toEqual([]);
  });

  it('of TCP are told as well', () => {
    expect(tagged(['traefik.tcp.routers.t.rule: Host(`a.b`)'])).toEqual([
      expect.stringMatching(
        /^a\.yaml:19:33 error TAG_INVALID: the tag traefik\.tcp\.routers\.t\.rule cannot be read, at its character 1: /,
      ),
    ]);
  });
});

describe('tags of Traefik 1', () => {
  const V1 = 'traefik.frontend.rule: Host:a.example.com';

  it.each([
    ['traefik.backend.loadbalancer.method: random', '42 warning TAG_UNKNOWN', 'which Traefik 1 takes for wrr. Write wrr.'],
    ['traefik.weight: "-1"', '21 warning TAG_UNKNOWN', 'which Traefik 1 does not take for a weight'],
    ['traefik.frontend.priority: high', '32 warning TAG_UNKNOWN', 'which Traefik 1 does not take for a whole number'],
    ['traefik.frontend.passHostHeader: yess', '38 warning TAG_UNKNOWN', 'which Traefik 1 does not take for a boolean'],
    ['traefik.frontend.passHostHeadr: "true"', '5 warning TAG_UNKNOWN', 'Did you mean "traefik.frontend.passHostHeader"?'],
    ['traefik.frontend.entryPoints: foo', '35 error TAG_NOT_TRANSLATED', 'names the entry point "foo"'],
    ['traefik.backend.healthcheck.path: http://x', '39 error TAG_NOT_TRANSLATED', 'is not a path'],
    ['traefik.backend.circuitbreaker.expression: foo bar', '48 error TAG_INVALID', 'there is no "foo"'],
    ['traefik.backend.maxconn.amount: "-4"', '37 error TAG_INVALID', 'every request is answered with 429'],
  ])('%s: once, where it is wrong', (annotation, begin, words) => {
    const told = ofLine20(tagged([V1, annotation]));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(words);
    expect(told[0]).toMatch(new RegExp(`^${begin}: `));
  });

  it('that become a bad tag of Traefik 3 are told themselves, and nothing of what follows', () => {
    expect(tagged([V1, 'traefik.frontend.redirect.regex: ^(a', 'traefik.frontend.redirect.replacement: b'])).toEqual([
      'a.yaml:20:38 error TAG_INVALID: what the tag traefik.frontend.redirect.regex becomes for Traefik 3 is no regular expression: missing closing ): `^(a`. Correct the expression; Traefik reads the syntax of RE2, without looking around and back references.',
    ]);
  });

  it.each([
    ['Host:bad host', 5],
    ['Host:x:8080', 5],
    ['Host:a.b;PathPrefix:foo', 20],
    ['Host:a.b;Hst:c', 9],
  ])('point at what is wrong in the rule %s', (rule, offset) => {
    expect(tagged([`traefik.frontend.rule: "${rule}"`])).toEqual([
      expect.stringMatching(new RegExp(`^a\\.yaml:19:${29 + offset} error TAG_NOT_TRANSLATED: `)),
    ]);
  });
});

describe('tags in one annotation', () => {
  it('are pointed at by line and character', () => {
    const lines = [
      'poolkeeper.dev/tags: |',
      '  traefik.http.routers.x.rule=Host(`a.example.com`) && Host(`b c`)',
      `  ${BALANCER}.server.port=x`,
      '  traefik.http.routers.x.tls.optionz=y',
      '  traefik.http.routers.x.tls=true',
    ];
    expect(tagged(lines).map((line) => line.split(': ', 1)[0])).toEqual([
      'a.yaml:20:66 warning TAG_INVALID',
      'a.yaml:21:56 error TAG_INVALID',
      'a.yaml:22:7 error TAG_INVALID',
    ]);
    expect(tagged(['tags: blue, traefik.http.routers.x.priority=high']).map((line) => line.split(': ', 1)[0])).toEqual([
      'a.yaml:19:49 error TAG_INVALID',
    ]);
  });

  it('are found in JSON, whose quotes are escaped', () => {
    const annotations = { 'poolkeeper.dev/tags': 'traefik.http.routers.x.tls=true\ntraefik.http.routers.x.rule=Host("a.b") && Path("x")' };
    const spec = { type: 'NodePort', selector: {}, ports: [{ port: 80 }] };
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', annotations }, spec });
    const [told] = findings({ 'a.json': text });
    expect(told).toMatch(/ error TAG_INVALID: the rule of the router x cannot be read, at its character 21: /);
    expect(told).toMatch(new RegExp(`^a\\.json:1:${text.indexOf('\\"x\\"') + 1} `));
  });
});
