import fc from 'fast-check';
import type { RoutedInstance } from '../../src/core/routes/route-model.ts';

/** One catalog: its instances, and the number in the names of everything it declares for itself. */
export interface RouteCatalog {
  readonly number: number;
  readonly instances: readonly RoutedInstance[];
}

type TagPart = readonly [key: string, value: string];

/**
 * Catalogs as people and mistakes make them: several services of several instances, shared and differing tags, other letter cases, malformed
 * and unknown labels, canaries, TCP and UDP. A name of an object is the catalog's own, or now and then one that all catalogs share.
 */
export function routeCatalogs(
  count: number,
  seed: number,
  nodes: readonly { readonly name: string; readonly id: string }[],
): readonly RouteCatalog[] {
  const drafts = fc.sample(catalogDraft, { numRuns: count, seed });
  return drafts.map((services, number) => ({
    number,
    instances: services.flatMap((service, at) => {
      const name = `${service.isUpper ? 'Web' : 'web'}-${number}${service.separator}${service.isTwin ? 0 : at}`;
      return service.instances.flatMap((instance, which): readonly RoutedInstance[] => {
        const node = nodes[instance.node % nodes.length] ?? { name: 'n0', id: '' };
        const tags = [...service.tags, ...instance.extra].map((part) => tagOf(part, number));
        const made: RoutedInstance = {
          consulNode: node.name,
          nodeId: node.id,
          id: `${name}${instance.separator}${at}-${which}`,
          service: name,
          address: instance.address,
          port: instance.port,
          tags: [...new Set([...tags, ...service.plain])],
          status: instance.status,
        };
        // Another instance that has the same name to Traefik.
        return instance.isDouble ? [made, { ...made, id: `${made.id}.`, port: made.port + 1 }] : [made];
      });
    }),
  }));
}

/** `#` in a key or value becomes the catalog's number. */
const tagOf = ([key, value]: TagPart, number: number): string => `${key}=${value}`.replaceAll('#', String(number));

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const rarely = <T>(often: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: often }, { weight: 1, arbitrary: seldom });

const ROUTERS = ['r-#', 'R-#', 's-#', 'a_b-#'];
const SERVICES = ['svc-#', 'Svc-#', 'other-#'];
const MIDDLEWARES = ['m-#', 'n-#', 'o-#'];
const nameFrom = (names: readonly string[]): fc.Arbitrary<string> => rarely(oneOf(...names), oneOf('shared', 'common'), 20);

const bool = rarely(oneOf('true', 'false', 'TRUE', '1', 'f'), oneOf('yes', '', 'on'), 25);
const int = rarely(oneOf('0', '1', '7', '100', '-1', '+3'), oneOf('1.5', 'x', ''), 25);
const duration = rarely(oneOf('10s', '5', '1m30s', '100ms', '1.5h', '0', '250us'), oneOf('6 s', 'soon', ''), 20);
const list = (items: readonly string[]): fc.Arbitrary<string> =>
  rarely(
    fc.array(oneOf(...items), { minLength: 1, maxLength: 3 }).chain((chosen) => oneOf(chosen.join(','), chosen.join(' , '))),
    oneOf('', ',', `${items[0]},`),
    20,
  );

const rule = rarely(
  oneOf(
    'Host(`h#.example`)',
    'Host(`h#.example`) && PathPrefix(`/a`)',
    'PathPrefix(`/p#`)',
    '(Host(`a#.example`) || Host(`b#.example`)) && !Path(`/x`)',
    'HostRegexp(`^.+\\.h#$`)',
    'HEADER(`X-A`, `#`)',
  ),
  oneOf('Host(`h#.example`', 'Nothing(`#`)', 'Path(`x`)', 'Host(`ü#.example`)', ''),
  12,
);

type Fields = readonly (readonly [field: string, value: fc.Arbitrary<string>])[];

const reference = (names: readonly string[], missing: readonly string[]): fc.Arbitrary<string> =>
  rarely(nameFrom(names), oneOf(...missing, ''), 14);
const middlewareList = fc
  .array(reference(MIDDLEWARES, ['gone-#', 'gone@file', 'm-#@consulcatalog']), { minLength: 1, maxLength: 2 })
  .map((names) => names.join(','));
const entryPoints = rarely(list(['web', 'websecure']), list(['web', 'gone', 'db', 'dns']), 6);

const ROUTER_FIELDS: Fields = [
  ['rule', rule],
  ['rule', rule],
  ['rule', rule],
  ['service', reference(SERVICES, ['gone-#', 'svc-#@consulcatalog', 'api@internal'])],
  ['middlewares', middlewareList],
  ['entrypoints', entryPoints],
  ['entryPoints', entryPoints],
  ['priority', int],
  ['priority', oneOf('9223372036854775807', '5', '9223372036854775808')],
  ['tls', oneOf('true', 'false', 'TRUE', '', '1')],
  ['tls.options', oneOf('default', 'modern-#')],
  ['tls.certresolver', oneOf('le')],
  ['tls.domains[0].main', oneOf('h#.example')],
  ['tls.domains[0].sans', list(['a.example', 'b.example'])],
  ['tls.domains[1].main', oneOf('i#.example')],
  ['observability.accesslogs', bool],
  ['observability.traceverbosity', oneOf('detailed')],
];
const SERVICE_FIELDS: Fields = [
  ['loadbalancer.server.port', oneOf('8080', '9090', '', 'http')],
  ['loadbalancer.server.scheme', oneOf('https', 'h2c', 'http')],
  ['loadbalancer.server.weight', int],
  ['loadbalancer.server.preservepath', bool],
  ['loadbalancer.server.url', oneOf('http://10.9.9.9:1/x', 'http://backend.example')],
  ['loadbalancer.passhostheader', bool],
  ['loadbalancer.strategy', oneOf('wrr', 'p2c', 'drr', '')],
  ['loadbalancer.sticky', oneOf('true', 'false')],
  ['loadbalancer.sticky.cookie', oneOf('true', 'false')],
  ['loadbalancer.sticky.cookie.name', oneOf('id', 'a b;c', '')],
  ['loadbalancer.sticky.cookie.secure', bool],
  ['loadbalancer.sticky.cookie.maxage', int],
  ['loadbalancer.healthcheck.path', oneOf('/health')],
  ['loadbalancer.healthcheck.interval', oneOf('1h', '7200', '90m')],
  ['loadbalancer.healthcheck.headers.X-A', oneOf('b')],
  ['loadbalancer.healthcheck.headers.X.Y', oneOf('c')],
  ['loadbalancer.responseforwarding.flushinterval', duration],
  ['loadbalancer.serverstransport', oneOf('gone-#', 'gone@file')],
  ['loadbalancer.passivehealthcheck.maxfailedattempts', int],
];
const MIDDLEWARE_FIELDS: Fields = [
  ['addprefix.prefix', oneOf('/x', '')],
  ['stripprefix.prefixes', list(['/a', '/b'])],
  ['stripprefixregex.regex', oneOf('^/a/\\d+', '(', '/x{1')],
  ['replacepath.path', oneOf('/y')],
  ['redirectscheme.scheme', oneOf('https', '')],
  ['redirectregex.regex', oneOf('^http://(.*)$', '(')],
  ['redirectregex.permanent', bool],
  ['headers.customrequestheaders.X-One', oneOf('1', '')],
  ['headers.customresponseheaders.X.Two', oneOf('2')],
  ['headers.framedeny', oneOf('true', 'false')],
  ['headers.stsseconds', int],
  ['headers.accesscontrolalloworiginlist', list(['https://a.example', '*'])],
  ['basicauth.users', list(['u:$$apr1$$x', 'broken'])],
  ['ipallowlist.sourcerange', list(['10.0.0.0/8', '127.0.0.1', 'nonsense'])],
  ['ipallowlist.ipstrategy.depth', int],
  ['ratelimit.average', int],
  ['ratelimit.period', oneOf('1m', '5', '-1s')],
  ['ratelimit.sourcecriterion.requesthost', bool],
  ['ratelimit.sourcecriterion.requestheadername', oneOf('X-A')],
  ['ratelimit.sourcecriterion.ipstrategy.depth', int],
  ['inflightreq.sourcecriterion.requestheadername', oneOf('X-A')],
  ['inflightreq.sourcecriterion.requesthost', bool],
  ['buffering.memresponsebodybytes', int],
  ['inflightreq.amount', int],
  ['buffering.maxrequestbodybytes', int],
  ['retry.attempts', int],
  ['retry.initialinterval', duration],
  ['compress', oneOf('true', 'false', '')],
  ['compress.encodings', list(['gzip', 'br', 'lz4'])],
  ['chain.middlewares', middlewareList],
  ['errors.service', reference(SERVICES, ['gone-#'])],
  ['errors.status', list(['500-599', '404', 'all'])],
  ['errors.query', oneOf('/{status}.html')],
  ['circuitbreaker.expression', oneOf('NetworkErrorRatio() > 0.5')],
  ['passtlsclientcert.pem', bool],
  ['contenttype', oneOf('true')],
  ['grpcweb.alloworigins', list(['*'])],
  ['forwardauth.address', oneOf('http://auth.example')],
];
const TCP_ROUTER_FIELDS: Fields = [
  [
    'rule',
    oneOf(
      'HostSNI(`*`)',
      'HostSNI(`t#.example`)',
      'HostSNI(`t#.example`) && ClientIP(`10.0.0.0/8`)',
      'HostSNI(`t#',
      '!HostSNI(`n#.example`)',
    ),
  ],
  ['rule', oneOf('HostSNI(`*`)', 'HostSNIRegexp(`^t#`)', '')],
  ['service', reference(SERVICES, ['gone-#'])],
  ['entrypoints', rarely(oneOf('db'), list(['db', 'gone', 'dns']), 5)],
  ['middlewares', reference(MIDDLEWARES, ['gone-#'])],
  ['priority', int],
  ['tls', oneOf('true', 'false')],
  ['tls.passthrough', bool],
  ['tls.options', oneOf('modern-#')],
];
const TCP_SERVICE_FIELDS: Fields = [
  ['loadbalancer.server.port', oneOf('5432', '')],
  ['loadbalancer.server.tls', bool],
  ['loadbalancer.server.address', oneOf('10.1.1.1:1')],
  ['loadbalancer.terminationdelay', int],
  ['loadbalancer.proxyprotocol', oneOf('true')],
  ['loadbalancer.proxyprotocol.version', oneOf('1', '3')],
  ['loadbalancer.serverstransport', oneOf('gone-#')],
  ['loadbalancer.healthcheck.interval', oneOf('1h')],
];
const TCP_MIDDLEWARE_FIELDS: Fields = [
  ['inflightconn.amount', int],
  ['ipallowlist.sourcerange', list(['10.0.0.0/8', 'nonsense'])],
];
const UDP_ROUTER_FIELDS: Fields = [
  ['service', reference(SERVICES, ['gone-#'])],
  ['entrypoints', rarely(oneOf('dns'), list(['dns', 'gone', 'web']), 5)],
];
const UDP_SERVICE_FIELDS: Fields = [['loadbalancer.server.port', oneOf('53', '5353')]];

const section = (
  place: string,
  names: readonly string[],
  fields: Fields,
  sizes: { readonly minLength: number; readonly maxLength: number },
) =>
  nameFrom(names).chain((name) =>
    fc
      .array(
        oneOf(...fields).chain(([field, value]) => value.map((text): TagPart => [`traefik.${place}.${name}.${field}`, text])),
        sizes,
      )
      .map((parts): readonly TagPart[] => parts),
  );

const httpRouter = section('http.routers', ROUTERS, ROUTER_FIELDS, { minLength: 1, maxLength: 4 });
const httpService = section('http.services', SERVICES, SERVICE_FIELDS, { minLength: 1, maxLength: 3 });
/** Mostly of one kind, since Traefik makes none of several. */
const httpMiddleware = oneOf(...new Set(MIDDLEWARE_FIELDS.map(([field]) => field.split('.')[0] ?? ''))).chain((kind) =>
  section(
    'http.middlewares',
    MIDDLEWARES,
    MIDDLEWARE_FIELDS.filter(([field]) => field.split('.')[0] === kind),
    { minLength: 1, maxLength: 3 },
  ),
);
const tcpPart = fc.oneof(
  section('tcp.routers', ROUTERS, TCP_ROUTER_FIELDS, { minLength: 2, maxLength: 4 }),
  section('tcp.services', SERVICES, TCP_SERVICE_FIELDS, { minLength: 1, maxLength: 3 }),
  section('tcp.middlewares', MIDDLEWARES, TCP_MIDDLEWARE_FIELDS, { minLength: 1, maxLength: 1 }),
);
const udpPart = fc.oneof(
  section('udp.routers', ROUTERS, UDP_ROUTER_FIELDS, { minLength: 1, maxLength: 2 }),
  section('udp.services', SERVICES, UDP_SERVICE_FIELDS, { minLength: 1, maxLength: 1 }),
);
/** Labels that Traefik refuses, ignores or takes in an unexpected way. */
const oddity = oneOf<TagPart>(
  ['traefik.http.routers.r-#.unknown', 'x'],
  ['traefik.http.nothing.x', 'y'],
  ['traefik.http.routers', 'x'],
  ['traefik.http.routers.r-#', 'x'],
  ['traefik.http.services.svc-#', 'x'],
  ['traefik.http.services.svc-#.weighted.services[0].name', 'a'],
  ['traefik.http.services.svc-#.loadbalancer.server', 'x'],
  ['traefik.http.services.svc-#.loadbalancer.servers.port', '1'],
  ['traefik.http.serverstransports.t.servername', 'x'],
  ['traefik.http.routers.r-#.entrypoints[0]', 'web'],
  ['traefik.http.routers.r-#..rule', 'x'],
  ['traefik.http.routers.[0].rule', 'x'],
  ['traefik.tls.stores.default.defaultgeneratedcert.resolver', 'x'],
  ['traefik.tls.options.x.minversion', 'x'],
  ['traefik.httpx', 'y'],
  ['traefikx.http.routers.r-#.rule', 'y'],
  ['traefik.frontend.rule', 'Host:a'],
  ['traefik.http.routers.r-#.parentrefs', 'x'],
  ['traefik.http.models.x.middlewares', 'a'],
);

const mixedCase = (part: TagPart, seed: number): TagPart => {
  const [head, ...rest] = part[0].split('.');
  return [[head, ...rest.map((text, at) => (((seed >> at) & 3) === 0 ? text.toUpperCase() : text))].join('.'), part[1]];
};
const cased = (part: TagPart): fc.Arbitrary<TagPart> =>
  rarely(
    fc.constant(part),
    fc.nat(255).map((seed) => mixedCase(part, seed)),
    25,
  );

const tagParts: fc.Arbitrary<readonly TagPart[]> = fc
  .tuple(
    fc.array(httpRouter, { maxLength: 2 }),
    fc.array(httpService, { maxLength: 2 }),
    fc.array(httpMiddleware, { maxLength: 2 }),
    rarely(fc.constant([] as readonly (readonly TagPart[])[]), fc.array(fc.oneof(tcpPart, udpPart), { minLength: 1, maxLength: 3 }), 3),
    rarely(
      fc.constant([] as readonly TagPart[]),
      oddity.map((part) => [part]),
      10,
    ),
    rarely(
      fc.constant([] as readonly TagPart[]),
      oneOf<readonly TagPart[]>([['traefik.consulcatalog.canary', 'true']], [['traefik.consulcatalog.connect', 'false']]),
      8,
    ),
  )
  .map(([routers, services, middlewares, sockets, odd, catalog]) => [
    ...routers.flat(),
    ...services.flat(),
    ...middlewares.flat(),
    ...sockets.flat(),
    ...odd,
    ...catalog,
  ])
  .chain((parts) => fc.tuple(...parts.map(cased)));

const enable = rarely(
  fc.constant<readonly TagPart[]>([['traefik.enable', 'true']]),
  oneOf<readonly TagPart[]>(
    [],
    [['traefik.enable', 'false']],
    [['traefik.Enable', 'TRUE']],
    [['traefik.enable', 'yes']],
    [['traefik.enabled', 'true']],
    [['traefik.enable', '1']],
  ),
  10,
);

/** What one instance says beside the others: mostly nothing or something of its server, now and then a contradiction. */
const extra: fc.Arbitrary<readonly TagPart[]> = rarely(
  fc.constant([]),
  fc.oneof(
    oneOf('1', '3', '0').map((weight): readonly TagPart[] => [['traefik.http.services.svc-#.loadbalancer.server.weight', weight]]),
    rule.map((text): readonly TagPart[] => [['traefik.http.routers.r-#.rule', text]]),
    oddity.map((part) => [part]),
    httpMiddleware,
  ),
  6,
);

const instance = fc.record({
  node: fc.nat(3),
  address: rarely(oneOf('10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', 'backend.example'), oneOf(''), 25),
  port: oneOf(80, 30080, 30081, 0),
  status: rarely(oneOf<RoutedInstance['status']>('passing'), oneOf<RoutedInstance['status']>('warning', 'critical', 'maintenance'), 6),
  separator: rarely(oneOf('-'), oneOf('.', '_'), 10),
  extra,
  isDouble: rarely(fc.constant(false), fc.constant(true), 25),
});

const service = fc.record({
  tags: fc.tuple(enable, tagParts).map(([first, rest]) => [...first, ...rest]),
  plain: rarely(
    fc.constant([] as readonly string[]),
    oneOf<readonly string[]>(['hidden'], ['blue'], ['traefik'], ['traefik.http.routers.x']),
    6,
  ),
  instances: fc.array(instance, { minLength: 1, maxLength: 4 }),
  separator: rarely(oneOf('-'), oneOf('.', '_'), 10),
  isUpper: rarely(fc.constant(false), fc.constant(true), 12),
  isTwin: rarely(fc.constant(false), fc.constant(true), 15),
});

const catalogDraft = fc.array(service, { minLength: 1, maxLength: 4 });
