import type { DynamicObject } from './dynamic-types.ts';

/** An entry point of Traefik's static configuration. */
export interface EntryPointSettings {
  readonly name: string;
  /** Default `tcp`, which serves HTTP as well. */
  readonly protocol?: 'tcp' | 'udp';
  /** `asDefault`: when no entry point says so, all of TCP but `traefik` are defaults. */
  readonly asDefault?: boolean;
  /** `http.tls`, as the API shows it: given to every router of it that has no TLS of its own. */
  readonly tls?: DynamicObject;
  /** `http.middlewares`: put before those of every router. */
  readonly middlewares?: readonly string[];
  /** `observability`, as the API shows it: of every router of it that says nothing else. */
  readonly observability?: DynamicObject;
}

/** Objects of other providers by name, such as `auth@file`; a list that is absent is not known, and nothing is said of its names. */
export interface KnownElsewhere {
  readonly middlewares?: readonly string[];
  readonly services?: readonly string[];
  readonly serversTransports?: readonly string[];
  readonly tlsOptions?: readonly string[];
  /** Plain names, as in the static configuration. */
  readonly certResolvers?: readonly string[];
}

/** What of a Traefik's static configuration decides on its routes. What is absent has Traefik's own default. */
export interface TraefikSettings {
  /** `providers.consulCatalog.prefix`; default `traefik`. */
  readonly prefix?: string;
  /** `providers.consulCatalog.exposedByDefault`; default true. */
  readonly exposedByDefault?: boolean;
  /** `providers.consulCatalog.defaultRule`, a Go template. */
  readonly defaultRule?: string;
  /** `providers.consulCatalog.constraints`, an expression of Tag and TagRegex. */
  readonly constraints?: string;
  /** `providers.consulCatalog.strictChecks`; default passing and warning. */
  readonly strictChecks?: readonly string[];
  /** Absent: not known, and nothing is said of the entry points of routers. */
  readonly entryPoints?: readonly EntryPointSettings[];
  readonly known?: KnownElsewhere;
}

/** As in Traefik's API: `disabled` does not serve, `warning` serves in part. */
export type RouteStatus = 'enabled' | 'warning' | 'disabled';

/** A router, service or middleware that Traefik will have. */
export interface PredictedObject {
  /** With its provider: `shop@consulcatalog`. */
  readonly name: string;
  /** Its configuration as `/api/rawdata` shows it, with its defaults. */
  readonly config: DynamicObject;
  readonly status: RouteStatus;
  readonly errors: readonly string[];
  /** The Consul services whose instances declare it, in order. */
  readonly declaredBy: readonly string[];
  /** The routers that use it, in order; empty for a router. */
  readonly usedBy: readonly string[];
  /** The entry points that a router is on, in order; empty for others. */
  readonly using: readonly string[];
}

export type PredictedObjects = ReadonlyMap<string, PredictedObject>;

/** The objects of one protocol, by name. UDP has no middlewares. */
export interface PredictedProtocol {
  readonly routers: PredictedObjects;
  readonly services: PredictedObjects;
  readonly middlewares: PredictedObjects;
}

/** Why something that tags ask for will not be. */
export type DropReason =
  /** The tags of a Consul service together keep all its instances out, or cannot be read. */
  | 'service'
  /** The tags of an instance cannot be read, or make no server of it. */
  | 'instance'
  /** Another instance has the same name to Traefik. */
  | 'lost-instance'
  /** Declared in several ways: deleted for all. */
  | 'conflict'
  /** A router without a rule, or without a service where there are several. */
  | 'router'
  /** What happens is up to chance. */
  | 'chance'
  /** Breaks Traefik's own code: it keeps what it has, whatever changes, until the tag is gone. */
  | 'freeze';

export interface Dropped {
  readonly reason: DropReason;
  /** `router shop`, `TCP service db`, `Consul service web`, `instance web-1 on n1`. */
  readonly what: string;
  readonly why: string;
  /** The Consul services whose tags cause it, in order. */
  readonly declaredBy: readonly string[];
}

/** What Traefik will make of the catalog. */
export interface PredictedRoutes {
  readonly http: PredictedProtocol;
  readonly tcp: PredictedProtocol;
  readonly udp: PredictedProtocol;
  /** With a `freeze` among them Traefik keeps what it had before, and takes none of the rest. */
  readonly dropped: readonly Dropped[];
}
