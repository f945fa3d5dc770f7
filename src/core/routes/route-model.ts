import type { DecodedLabels } from './decode-labels.ts';
import type { Rule } from './parse-rule.ts';

/** An instance of the catalog, as Traefik's provider sees it. */
export interface RoutedInstance {
  /** Name of its Consul node, and the node's ID (may be empty). */
  readonly consulNode: string;
  readonly nodeId: string;
  readonly id: string;
  /** Name of the Consul service. */
  readonly service: string;
  /** The instance's address or, when it has none, its node's. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  /** The worst of its own checks and its node's; passing when there are none. */
  readonly status: 'passing' | 'warning' | 'critical' | 'maintenance';
}

/** How the Traefik in question is set up. */
export interface RouteOptions {
  /** `providers.consulCatalog.prefix`; default `traefik`. */
  readonly prefix?: string;
  /** `providers.consulCatalog.exposedByDefault`; Traefik's own default is true. */
  readonly exposedByDefault?: boolean;
  /** Only services that all instances of the constraint Tag(`…`) let through; default: no constraint. */
  readonly constraintTag?: string;
  /** `providers.consulCatalog.defaultRule`, rendered for a service; Traefik's own default is Host(`<name>`). */
  readonly defaultRule?: (service: string) => string;
}

/** A router that Traefik will have. */
export interface Router {
  readonly name: string;
  /** The rule as written, never empty. */
  readonly text: string;
  /** The rule as read; undefined when it is written in the syntax of Traefik 2. */
  readonly rule: Rule | undefined;
  /** Empty: every default entry point. */
  readonly entryPoints: readonly string[];
  readonly service: string;
  readonly middlewares: readonly string[];
  /** The one in force: the written one or, when 0 or absent, the length of the rule. */
  readonly priority: number;
  readonly tls: boolean;
  /** The Consul services whose instances declare it, in order. More than one: it is shared. */
  readonly declaredBy: readonly string[];
}

/** One server of a Traefik service. A weight of 0 or less gets no requests. */
export interface RouteServer {
  readonly url: string;
  readonly weight: number;
}

/** A Traefik service that will exist. */
export interface RouteService {
  readonly name: string;
  readonly servers: readonly RouteServer[];
  readonly declaredBy: readonly string[];
}

/** What Traefik will make of the catalog. Routers and services by name. */
export interface Routes {
  readonly routers: ReadonlyMap<string, Router>;
  readonly services: ReadonlyMap<string, RouteService>;
  readonly middlewares: ReadonlySet<string>;
  readonly problems: readonly RouteProblem[];
}

/** One instance with what its tags declare, defaults filled in. */
export interface DeclaringInstance {
  readonly key: string;
  readonly instance: RoutedInstance;
  readonly decoded: DecodedLabels;
}

/** Something that Traefik drops, loses or leaves to chance. */
export interface RouteProblem {
  readonly kind: 'conflict' | 'bad-tags' | 'bad-rule' | 'unlinked' | 'missing-service' | 'tie' | 'lost-instance' | 'enable';
  /** What it is about: `router shop`, `service shop`, `Consul service web`, `instance web-1`. */
  readonly object: string;
  /** The Consul services whose tags cause it. */
  readonly declaredBy: readonly string[];
  readonly message: string;
}
