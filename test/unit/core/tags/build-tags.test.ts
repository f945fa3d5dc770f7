import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildTags } from '../../../../src/core/tags/build-tags.ts';
import { traefikName } from '../../../../src/core/tags/traefik-names.ts';

const ENTRY_POINTS = { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true }, admin: { name: 'admin', tls: false } };

interface Case {
  readonly annotations?: Record<string, string>;
  readonly extraTags?: readonly string[];
  readonly dialect?: 'v1' | 'v3' | 'both';
}

const build = ({ annotations = {}, extraTags = [], dialect = 'v3' }: Case) =>
  buildTags({ annotations, extraTags, namespace: 'default', name: 'web', dialect, entryPoints: ENTRY_POINTS });

const BASE = traefikName('default', 'web');
const CLOSED = [`traefik.http.routers.${BASE}-closed.rule=PathPrefix(\`/\`) && !PathPrefix(\`/\`)`];
const codes = ({ problems }: ReturnType<typeof build>) => problems.map(({ code, severity }) => `${code} ${severity}`);
const messages = ({ problems }: ReturnType<typeof build>) => problems.map(({ message }) => message).join('\n');
const routerTags = (tags: readonly string[]) => tags.filter((tag) => tag.startsWith('traefik.http.routers.'));

describe('the echoserver of the ancestor', () => {
  const fixture = JSON.parse(readFileSync(new URL('../spec/fixtures/echoserver.json', import.meta.url), 'utf8'));
  const annotations = fixture.objects.services.specification.metadata.annotations as Record<string, string>;
  const name = 'echoserver-default-ff413f';
  const plain = ['k8s', 'kubernetes', 'red'];
  const v1 = [
    'traefik.backend.loadbalancer=wrr',
    'traefik.backend.weight=10',
    'traefik.enable=true',
    'traefik.frontend.entryPoints=http,https',
    'traefik.frontend.rule=Host:echoserver.example.com,echo.example.com;Method:GET,POST',
  ];
  const rule = '(Host(`echoserver.example.com`) || Host(`echo.example.com`)) && (Method(`GET`) || Method(`POST`))';
  const v3 = [
    `traefik.http.routers.${name}-tls.entrypoints=websecure`,
    `traefik.http.routers.${name}-tls.priority=60`,
    `traefik.http.routers.${name}-tls.rule=${rule}`,
    `traefik.http.routers.${name}-tls.service=${name}`,
    `traefik.http.routers.${name}-tls.tls=true`,
    `traefik.http.routers.${name}.entrypoints=web`,
    `traefik.http.routers.${name}.priority=60`,
    `traefik.http.routers.${name}.rule=${rule}`,
    `traefik.http.routers.${name}.service=${name}`,
    `traefik.http.services.${name}.loadbalancer.server.scheme=http`,
    `traefik.http.services.${name}.loadbalancer.server.weight=10`,
  ];
  const rest = ['traefik.protocol=http', 'traefik.tags=kubernetes'];

  it.each([
    ['v1', [...plain, ...v1, ...rest]],
    ['v3', [...plain, 'traefik.enable=true', ...v3]],
    ['both', [...plain, ...v1, ...v3, ...rest]],
  ] as const)('in the dialect %s', (dialect, tags) => {
    const built = buildTags({ annotations, extraTags: [], namespace: 'default', name: 'echoserver', dialect, entryPoints: ENTRY_POINTS });
    expect(built).toMatchObject({ tags, problems: [] });
  });
});

describe('annotations', () => {
  it('become tags by the first part of their key', () => {
    const annotations = { 'traefik.foo/bar': 'x', tags: 'b, a,,b', 'tags.more': 'c', 'app.kubernetes.io/name': 'web', traefikish: 'no' };
    expect(build({ annotations, dialect: 'v1' }).tags).toEqual(['a', 'b', 'c', 'traefik.foo/bar=x']);
  });

  it('give plain tags for the constraints of Traefik 3', () => {
    const annotations = { 'traefik.tags': 'blue,green' };
    expect(build({ annotations, dialect: 'v1' }).tags).toEqual(['traefik.tags=blue,green']);
    expect(build({ annotations }).tags).toEqual(['blue', 'green']);
    expect(build({ annotations, dialect: 'both' }).tags).toEqual(['blue', 'green', 'traefik.tags=blue,green']);
  });

  it.each([
    ['1', 'true'],
    ['T', 'true'],
    ['False', 'false'],
  ])('write traefik.enable=%s as %s', (written, tag) => {
    expect(build({ annotations: { 'traefik.Enable': written }, dialect: 'v1' }).tags).toEqual([`traefik.enable=${tag}`]);
  });

  it('refuse another word for traefik.enable', () => {
    const built = build({ annotations: { 'traefik.enable': 'yes' }, dialect: 'v1' });
    expect(built.tags).toEqual([]);
    expect(codes(built)).toEqual(['TAG_INVALID error']);
  });

  it('refuse a misspelt traefik.enable, over which Traefik 3 would skip the whole service', () => {
    const built = build({ annotations: { 'traefik.enabled': 'true' } });
    expect(built.tags).toEqual(CLOSED);
    expect(codes(built)).toContain('TAG_INVALID error');
  });

  it('are ordered whatever the order of the annotations', () => {
    const annotations = { tags: 'x,y', 'traefik.frontend.rule': 'Host:a.example.com', 'traefik.weight': '3', 'traefik.foo': '1' };
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.entries(annotations), { minLength: 4 }), (entries) => {
        expect(build({ annotations: Object.fromEntries(entries), dialect: 'both' })).toEqual(build({ annotations, dialect: 'both' }));
      }),
    );
  });
});

describe('values that would stop Traefik 1', () => {
  it.each(['say "hi"', 'a\\d', 'a\nb', 'end\\', '\\uD800'])('%j is left out and told', (value) => {
    const built = build({ annotations: { 'traefik.frontend.rule': value }, dialect: 'both' });
    expect(built.tags.filter((tag) => tag.startsWith('traefik.frontend'))).toEqual([]);
    expect(codes(built)).toContain('TAG_INVALID error');
  });

  it('leave Traefik 3 without a route: the tag may have been a guard', () => {
    const annotations = { 'traefik.frontend.rule': 'Host:a.example.com', 'traefik.frontend.auth.basic.users': 'a"b' };
    expect(build({ annotations }).tags).toEqual(CLOSED);
    expect(routerTags(build({ annotations, dialect: 'v1' }).tags)).toEqual([]);
  });

  it('are told together with what cannot be translated, and once', () => {
    const annotations = { 'traefik.frontend.rule': 'Host:a"b', 'traefik.frontend.passTLSCert': 'true', 'traefik.frontend.priority': '5' };
    const built = build({ annotations });
    expect(built.tags).toEqual(CLOSED);
    expect(built.problems.map(({ code, tag }) => `${code} ${tag}`)).toEqual([
      'TAG_INVALID traefik.frontend.rule',
      'TAG_NOT_TRANSLATED traefik.frontend.passTLSCert',
    ]);
    expect(built.steps.find(({ tag }) => tag.startsWith('traefik.frontend.rule='))).toMatchObject({ class: 'impossible', becomes: [] });
  });

  it.each([
    ['traefik.frontend.headers.customRequestHeaders', 'X.Y:b'],
    ['traefik.frontend.headers.customResponseHeaders', 'A:b|| :c'],
    ['traefik.frontends.a.headers.SSLProxyHeaders', 'X Y:b'],
    ['traefik.backend.healthcheck.headers', 'Hö:b'],
  ])('%s: %s has a header name that is no TOML key', (key, value) => {
    const built = build({ annotations: { [key]: value }, dialect: 'v1' });
    expect(built.tags).toEqual([]);
    expect(codes(built)).toEqual(['TAG_INVALID error']);
  });

  it('may stand in the key of a line', () => {
    const built = build({ extraTags: ['traefik.frontend.errors.a"b.status=500'], dialect: 'v1' });
    expect(built.tags).toEqual([]);
    expect(codes(built)).toEqual(['TAG_INVALID error']);
  });

  it.each([
    ['traefik.frontend.rule', 'Host:{{getTag "host" .Attributes "a"}}.example.com'],
    ['traefik.frontend.redirect.regex', '^/\\d+'],
    ['traefik.tags', 'a"b'],
  ])('%s: %s is none', (key, value) => {
    expect(build({ annotations: { [key]: value }, dialect: 'v1' }).problems).toEqual([]);
  });

  it('are those around a template, too', () => {
    const built = build({ annotations: { 'traefik.frontends.x.rule': 'Path:/\\d{{.Domain}}' }, dialect: 'v1' });
    expect(codes(built)).toEqual(['TAG_INVALID error']);
  });

  it('leaves out a key that would stop Traefik 3 from reading the whole catalog', () => {
    const built = build({
      extraTags: ['traefik.http.routers.a].rule=Host(`x`)', 'traefik.http.routers.b.tls.domains[0].main=x.example.com'],
    });
    expect(codes(built)).toEqual(['TAG_INVALID error']);
    expect(built.tags.join()).not.toContain('a]');
    expect(built.tags).toContain('traefik.http.routers.b.tls.domains[0].main=x.example.com');
  });

  it('are none when they are escaped', () => {
    const built = build({ annotations: { 'traefik.backend.circuitbreaker.expression': 'a \\"b\\" \\\\d \\u00e9' }, dialect: 'v1' });
    expect(built.problems).toEqual([]);
  });

  it('do not matter in tags that Traefik 1 does not read', () => {
    expect(build({ annotations: { 'traefik.http.routers.x.rule': 'Path("/")' }, dialect: 'both' }).problems).toEqual([]);
  });
});

describe('lines of poolkeeper.dev/tags', () => {
  it('are kept verbatim in every dialect', () => {
    const extraTags = ['traefik.frontend.priority=1', 'plain', 'a=b=c'];
    expect(build({ extraTags, annotations: { 'traefik.enable': 'false' } }).tags).toEqual([
      'a=b=c',
      'plain',
      'traefik.enable=false',
      'traefik.frontend.priority=1',
    ]);
  });

  it('may repeat a tag but not contradict it', () => {
    const annotations = { 'traefik.http.routers.x.rule': 'Path(`/`)' };
    expect(build({ annotations, extraTags: ['traefik.http.routers.x.rule=Path(`/`)'] }).problems).toEqual([]);
    const built = build({ annotations, extraTags: ['traefik.HTTP.routers.x.rule=Path(`/a`)'] });
    expect(codes(built)).toEqual(['SPEC_TAG_CONFLICT error']);
    expect(built.tags).toEqual(['traefik.http.routers.x.rule=Path(`/`)']);
  });

  it('may hold tags of others that only look alike', () => {
    expect(build({ annotations: { tags: 'urlprefix-/a=1' }, extraTags: ['urlprefix-/a=2'] }).problems).toEqual([]);
  });

  it.each(['http', 'tcp', 'udp'])('with an %s router of their own get no translated one', (protocol) => {
    const annotations = { 'traefik.frontend.rule': 'Host:a.example.com', 'traefik.frontend.auth.basic.users': 'x' };
    const own = `traefik.${protocol}.routers.mine.rule=X`;
    expect(build({ annotations, extraTags: [own] })).toEqual({ tags: [own], steps: [], problems: [] });
  });
});

describe('translation to Traefik 3', () => {
  const v1 = (options: Record<string, string>) =>
    build({ annotations: Object.fromEntries(Object.entries(options).map(([key, value]) => [`traefik.${key}`, value])) });
  const rule = { 'frontend.rule': 'Host:a.example.com' };

  it('uses the entry point http when none is named', () => {
    expect(routerTags(v1(rule).tags)).toEqual([
      `traefik.http.routers.${BASE}.entrypoints=web`,
      `traefik.http.routers.${BASE}.priority=18`,
      `traefik.http.routers.${BASE}.rule=Host(\`a.example.com\`)`,
      `traefik.http.routers.${BASE}.service=${BASE}`,
    ]);
  });

  it('joins entry points without TLS on one router', () => {
    const { tags } = v1({ ...rule, 'frontend.entryPoints': 'http, admin,http' });
    expect(tags).toContain(`traefik.http.routers.${BASE}.entrypoints=web,admin`);
    expect(tags.some((tag) => tag.includes('-tls.'))).toBe(false);
  });

  it('leaves out an entry point that is not mapped, and says so', () => {
    const built = v1({ ...rule, 'frontend.entryPoints': 'https,toString' });
    expect(routerTags(built.tags).every((tag) => tag.includes('-tls.'))).toBe(true);
    expect(codes(built)).toEqual(['TAG_APPROXIMATED warning']);
    expect(messages(built)).toContain('"toString"');
  });

  it.each([
    ['the entry points', { ...rule, 'frontend.entryPoints': 'internal' }],
    ['the entry points without a rule', { 'frontend.entryPoints': 'http' }],
    ['the rule', { 'frontend.rule': 'HostRegexp:{n:[a-z]{1,2}}.example.com' }],
    ['a template', { 'frontend.rule': 'Host:{{.ServiceName}}.{{.Domain}}' }],
    ['users without a hash', { ...rule, 'frontend.auth.basic.users': 'a' }],
    ['a guard in another case', { ...rule, 'frontend.Whitelist.sourceRange': '10.0.0.0/8' }],
    ['a white list', { ...rule, 'frontend.whitelistSourceRange': '10.0.0.0/88' }],
    ['a redirect', { ...rule, 'frontend.redirect.entryPoint': 'internal' }],
    ['a rate limit', { ...rule, 'frontend.rateLimit.extractorFunc': 'client.ip', 'frontend.rateLimit.rateSet.x.average': '0' }],
    ['headers', { ...rule, 'frontend.headers.SSLForceHost': 'true', 'frontend.headers.SSLHost': 'b.example.com' }],
    ['a second frontend', { ...rule, 'frontends.admin.rule': 'PathPrefixed:/admin' }],
    ['the protocol', { ...rule, protocol: 'ftp' }],
    ['a guard without a rule', { 'frontend.auth.basic.users': 'a:b' }],
  ])('closes the route when %s cannot be translated', (_, options) => {
    const built = v1(options as Record<string, string>);
    expect(built.tags).toEqual(CLOSED);
    expect(codes(built)).toContain('TAG_NOT_TRANSLATED error');
    expect(messages(built)).toContain('gets no route');
  });

  it.each(['backend.healthcheck.port', 'backend.maxconn.extractorfunc', 'frontend.errors.x.status', 'port', 'frontend.Rule', 'x'])(
    'only warns of %s, which Traefik 1 does not read so either',
    (option) => {
      const built = v1({ ...rule, [option]: '1' });
      expect(built.tags.filter((tag) => tag !== `traefik.${option}=1`)).toEqual(v1(rule).tags);
      expect(codes(built)).toEqual(['TAG_UNKNOWN warning']);
      expect(messages(built)).toContain(`traefik.${option} `);
    },
  );

  it.each([
    ['protocol', 'https', 'server.scheme=https'],
    ['Protocol', 'h2c', 'server.scheme=h2c'],
    ['weight', '7', 'server.weight=7'],
    ['frontend.passHostHeader', 'false', 'passhostheader=false'],
    ['frontend.passHostHeader', '1', 'passhostheader=true'],
  ])('%s=%s becomes %s', (option, value, tag) => {
    const built = v1({ ...rule, [option]: value });
    expect(built.tags).toContain(`traefik.http.services.${BASE}.loadbalancer.${tag}`);
    expect(built.problems).toEqual([]);
  });

  it('takes backend.weight before weight, and 0 for 1', () => {
    const built = v1({ ...rule, weight: '5', 'backend.weight': '0' });
    expect(built.tags).toContain(`traefik.http.services.${BASE}.loadbalancer.server.weight=1`);
    expect(codes(built)).toEqual(['TAG_REWRITTEN note']);
  });

  it.each([
    ['weight', 'many'],
    ['frontend.passHostHeader', 'maybe'],
    ['frontend.priority', 'high'],
  ])('warns of %s=%s and goes on without it', (option, value) => {
    const built = v1({ ...rule, [option]: value });
    expect(built.tags).toEqual(v1(rule).tags);
    expect(codes(built)).toEqual(['TAG_UNKNOWN warning']);
  });

  it.each([
    ['5', '5'],
    ['-1', '-1'],
    ['0', '18'],
  ])('a priority of %s is %s', (written, priority) => {
    expect(v1({ ...rule, 'frontend.priority': written }).tags).toContain(`traefik.http.routers.${BASE}.priority=${priority}`);
  });

  it('notes a missing rule and leaves the router to Traefik', () => {
    const built = v1({ enable: 'true', weight: '2' });
    expect(built.tags).toEqual(['traefik.enable=true', `traefik.http.services.${BASE}.loadbalancer.server.weight=2`]);
    expect(codes(built)).toEqual(['TAG_REWRITTEN note']);
  });

  it('has nothing to say about a Service without Traefik tags, or one that is switched off', () => {
    expect(build({ annotations: { tags: 'a' } })).toEqual({ tags: ['a'], steps: [], problems: [] });
    expect(v1({ ...rule, enable: '0', 'frontend.auth.basic.users': 'x' })).toEqual({
      tags: ['traefik.enable=false'],
      steps: [],
      problems: [],
    });
  });

  it('warns of what differs about a trailing slash', () => {
    const built = v1({ 'frontend.rule': 'Path:/a,/b/' });
    expect(codes(built)).toEqual(['TAG_APPROXIMATED warning']);
    expect(messages(built)).toContain('redirects /a/ to /a');
    expect(messages(built)).toContain('also answers /b,');
  });

  it('never emits a router together with the closed one', () => {
    const option = fc.constantFrom('frontend.auth.basic.users', 'frontend.rule', 'frontend.entryPoints', 'protocol', 'weight', 'x');
    const value = fc.constantFrom('Host:a.example.com', 'Host:b.example.com;Foo:x', 'http', 'https,nowhere', 'nowhere', '1', '');
    fc.assert(
      fc.property(fc.dictionary(option, value), (options) => {
        const routers = routerTags(v1(options).tags);
        if (routers.some((tag) => tag.includes('-closed.'))) expect(routers).toEqual(CLOSED);
      }),
    );
  });
});

describe('Traefik names', () => {
  it('differ for Services whose joined names do not', () => {
    expect(traefikName('prod-web', 'api')).not.toBe(traefikName('prod', 'api-web'));
    expect(traefikName('prod', 'web')).toMatch(/^web-prod-[0-9a-f]{6}$/);
  });

  it('hold no character that Traefik gives a meaning', () => {
    expect(traefikName('a.b', 'c@d')).toMatch(/^[A-Za-z0-9_-]+$/);
  });
});
