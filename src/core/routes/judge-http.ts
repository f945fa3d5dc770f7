import { sha1Hex } from '../model/hash.ts';
import { applyEntryPoints } from './apply-entry-points.ts';
import { middlewareError } from './check-middleware.ts';
import type { DynamicObject } from './dynamic-types.ts';
import { type JudgedObject, type JudgedObjects, judgedObjects, predictedObjects, qualified } from './judged-object.ts';
import type { MergedObjects } from './merge-configurations.ts';
import { defaultPriority, parseRule } from './parse-rule.ts';
import type { KnownElsewhere, PredictedProtocol, TraefikSettings } from './predicted-routes.ts';
import { ruleHosts } from './rule-hosts.ts';

/** The largest priority that a router may ask for. */
export const MAX_PRIORITY = 2n ** 63n - 1n - 1000n;
const STRATEGIES: ReadonlySet<string> = new Set(['', 'wrr', 'p2c', 'hrw', 'leasttime']);

/**
 * Builds the HTTP objects as a running Traefik does: entry points, priorities, names with their provider, and what is wrong with each. A
 * rule in the syntax of Traefik 2 is taken for a good one. Source: traefik pkg/server/router, service, middleware.
 */
export function judgeHttp(merged: MergedObjects, settings: TraefikSettings): PredictedProtocol {
  const judge = new HttpJudge(merged, settings);
  return judge.judged();
}

class HttpJudge {
  readonly #settings: TraefikSettings;
  readonly #routers: JudgedObjects;
  readonly #services: JudgedObjects;
  readonly #middlewares: JudgedObjects;
  /** The services and middlewares that were built without an error. */
  readonly #built = new Set<JudgedObject>();

  constructor(merged: MergedObjects, settings: TraefikSettings) {
    this.#settings = settings;
    this.#services = judgedObjects(merged.services);
    this.#middlewares = judgedObjects(merged.middlewares);
    this.#routers = applyEntryPoints(judgedObjects(merged.routers), settings);
  }

  judged(): PredictedProtocol {
    for (const router of this.#routers.values()) this.#judgeRouter(router);
    judgeHostTls([...this.#routers.values()]);
    for (const [name, router] of this.#routers) this.#noteUses(name, router);
    return {
      routers: predictedObjects(this.#routers),
      services: predictedObjects(this.#services),
      middlewares: predictedObjects(this.#middlewares),
    };
  }

  #judgeRouter(router: JudgedObject): void {
    // Traefik compares by this mark, but does not show it.
    const { defaultRule: _, ...config } = router.config;
    router.config = config;
    if (!judgeEntryPoints(router, this.#settings, 'tcp')) return;
    if (router.config['priority'] === undefined) router.set('priority', defaultPriority(router.text('rule')));
    const error = priorityError(router) ?? this.#tlsError(router) ?? this.#chainError(router) ?? ruleError(router);
    if (error !== undefined) router.addError(error);
    if (router.config['tls'] !== undefined && ruleHosts(router.text('rule')) === undefined)
      router.addError(`invalid rule ${router.text('rule')}`);
  }

  #tlsError(router: JudgedObject): string | undefined {
    const options = (router.config['tls'] as DynamicObject | undefined)?.['options'];
    if (typeof options !== 'string' || options === 'default') return undefined;
    const name = qualified(options, router.name);
    return isElsewhere(name, this.#settings.known, 'tlsOptions') ? undefined : `building router handler: unknown TLS options: ${name}`;
  }

  #chainError(router: JudgedObject): string | undefined {
    const names = router.list('middlewares').map((name) => qualified(name, router.name));
    if (names.length > 0) router.set('middlewares', names);
    const service = this.#serviceError(qualified(router.text('service'), router.name));
    return service ?? this.#middlewaresError(names, []);
  }

  /** Traefik builds a chain from its end, and no further than the first error. */
  #middlewaresError(names: readonly string[], stack: readonly string[]): string | undefined {
    for (const name of names.toReversed()) {
      const error = this.#middlewareError(name, stack);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  #middlewareError(name: string, stack: readonly string[]): string | undefined {
    const middleware = this.#middlewares.get(name);
    if (middleware === undefined) {
      return isElsewhere(name, this.#settings.known, 'middlewares') ? undefined : `middleware "${name}" does not exist`;
    }
    if (this.#built.has(middleware)) return undefined;
    const error = this.#constructionError(middleware, stack);
    if (error === undefined) this.#built.add(middleware);
    else middleware.addError(error);
    return error;
  }

  #constructionError(middleware: JudgedObject, stack: readonly string[]): string | undefined {
    const item = `middleware:${middleware.name}`;
    if (stack.includes(item)) {
      return `could not instantiate middleware ${middleware.name}: recursion detected in ${[...stack, item].join('->')}`;
    }
    const { chain, errors } = middleware.config as { readonly chain?: DynamicObject; readonly errors?: DynamicObject };
    const names = ((chain?.['middlewares'] ?? []) as readonly string[]).map((name) => qualified(name, middleware.name));
    const own = middlewareError(middleware.name, middleware.config);
    // Traefik comes to the chain before it comes to another kind beside it, but for these.
    const isReached = own === undefined || !['addPrefix', 'basicAuth', 'buffering'].some((kind) => middleware.config[kind] !== undefined);
    if (isReached && names.length > 0) middleware.set('chain', { ...chain, middlewares: names });
    if (own !== undefined) return own;
    if (errors !== undefined) return this.#serviceError(qualified(String(errors['service'] ?? ''), middleware.name));
    return this.#middlewaresError(names, [...stack, item]);
  }

  #serviceError(name: string): string | undefined {
    const service = this.#services.get(name);
    if (service === undefined)
      return isElsewhere(name, this.#settings.known, 'services') ? undefined : `the service "${name}" does not exist`;
    if (service.status === 'disabled') return service.errors.join(', ');
    if (this.#built.has(service)) return undefined;
    this.#built.add(service);
    const error = this.#balancerError(service);
    if (error !== undefined) service.addError(error);
    return error;
  }

  #balancerError(service: JudgedObject): string | undefined {
    const before = service.config['loadBalancer'] as DynamicObject;
    const transport = before['serversTransport'] === undefined ? undefined : qualified(String(before['serversTransport']), service.name);
    const sticky = withCookieName(before['sticky'] as DynamicObject | undefined, service.name);
    const balancer = {
      ...before,
      ...(transport === undefined ? {} : { serversTransport: transport }),
      ...(sticky === undefined ? {} : { sticky }),
    };
    service.set('loadBalancer', balancer);
    const strategy = String(before['strategy'] ?? '');
    if (!STRATEGIES.has(strategy)) return `unsupported load-balancer strategy "${strategy}"`;
    const urls = ((before['servers'] ?? []) as readonly DynamicObject[]).map((server) => String(server['url']));
    const bad = urls.find((url) => !isUrl(url));
    if (bad !== undefined) return `error parsing server URL ${bad}`;
    if (transport === undefined || isElsewhere(transport, this.#settings.known, 'serversTransports')) return undefined;
    return `error building proxy for server URL ${urls[0]}: getting RoundTripper: servers transport not found ${transport}`;
  }

  #noteUses(name: string, router: JudgedObject): void {
    for (const middleware of router.list('middlewares')) this.#middlewares.get(qualified(middleware, name))?.usedBy.push(name);
    this.#services.get(qualified(router.text('service'), name))?.usedBy.push(name);
  }
}

/**
 * Routers with TLS that share a host and an entry point must agree on the TLS options. Traefik tells one of the routers of each opinion,
 * which one is chance; here all are told.
 */
function judgeHostTls(routers: readonly JudgedObject[]): void {
  const uses = routers.flatMap((router) => {
    const tls = router.config['tls'] as DynamicObject | undefined;
    if (tls === undefined) return [];
    const options = String(tls['options'] ?? 'default');
    const name = options === 'default' ? options : qualified(options, router.name);
    const hosts = ruleHosts(router.text('rule')) ?? [];
    return hosts.flatMap((host) => [...router.using].map((entryPoint) => ({ router, name, host, entryPoint })));
  });
  for (const group of Map.groupBy(uses, ({ host, entryPoint }) => JSON.stringify([host, entryPoint])).values()) {
    if (new Set(group.map(({ name }) => name)).size < 2) continue;
    for (const { router, host } of group) {
      router.addError(
        `found different TLS options for routers on the same host ${host}, so using the default TLS options instead`,
        'warning',
      );
    }
  }
}

/** The cookie of a sticky service: its name in the characters of a token, or one made of the service's. */
function withCookieName(sticky: DynamicObject | undefined, service: string): DynamicObject | undefined {
  const cookie = sticky?.['cookie'] as DynamicObject | undefined;
  if (cookie === undefined) return undefined;
  const written = String(cookie['name'] ?? '');
  const made = `_${sha1Hex(`_TRAEFIK_BACKEND_${service}`)}`.slice(0, 6);
  return { ...sticky, cookie: { ...cookie, name: written === '' ? made : written.replaceAll(/[^!#$%&'*+\-.^`|~a-zA-Z0-9]/gu, '_') } };
}

/** Nearly what Go's url.Parse takes of what tags can make. */
const isUrl = (text: string): boolean =>
  /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?\/\/(?:\[[^\]\s]*\]|[^\s:/[\]%]*)(?::\d*)?(?:[/?#]\S*)?$/.test(text);

/** Whether an object of another provider is known, or may be. */
export function isElsewhere(name: string, known: KnownElsewhere = {}, kind: keyof KnownElsewhere): boolean {
  if (name.endsWith('@consulcatalog')) return false;
  return name.endsWith('@internal') || (known[kind] ?? [name]).includes(name);
}

/** Notes the entry points that a router is on; false when there are none. */
export function judgeEntryPoints(router: JudgedObject, { entryPoints }: TraefikSettings, protocol: 'tcp' | 'udp'): boolean {
  if (entryPoints === undefined) return true;
  const existing = new Set(entryPoints.filter((entryPoint) => (entryPoint.protocol ?? 'tcp') === protocol).map(({ name }) => name));
  const wanted = router.list('entryPoints');
  for (const name of wanted.length === 0 && protocol === 'udp' ? existing : wanted) {
    if (existing.has(name)) router.using.add(name);
    else router.addError(`entryPoint "${name}" doesn't exist`, 'warning');
  }
  if (router.using.size === 0) router.addError('no valid entryPoint for this router');
  return router.using.size > 0;
}

export function priorityError({ config }: JudgedObject): string | undefined {
  const priority = Number(config['priority'] ?? 0);
  return priority > Number(MAX_PRIORITY)
    ? `the router priority ${priority} exceeds the max user-defined priority ${MAX_PRIORITY}`
    : undefined;
}

function ruleError(router: JudgedObject): string | undefined {
  // The rules of Traefik 2 are another language.
  if (router.text('ruleSyntax') === 'v2') return undefined;
  const parsed = parseRule(router.text('rule'));
  return parsed.ok ? undefined : `error while parsing rule ${router.text('rule')}: column ${parsed.error.column}: ${parsed.error.message}`;
}
