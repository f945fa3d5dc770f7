import type { HealthMode, LabelSelector } from './settings.ts';
import type { EntryPoint, TranslationPolicy } from './translation-policy.ts';

/** Which nodes may be backends, and how the pools are kept from shrinking too far. */
export interface PoolPolicy {
  /** Wanted address types, in the order of preference. */
  readonly addressTypes: readonly string[];
  readonly addressFamily: 'IPv4' | 'IPv6';
  readonly nodes: LabelSelector;
  readonly controlPlane: boolean;
  /** How long a node must have been ready before it comes (back) into a pool. */
  readonly graceMs: number;
  /** How long the nodes may take to listen on a new NodePort. */
  readonly openMs: number;
  readonly drainingTaints: readonly string[];
  readonly drainOnCordon: boolean;
  readonly minBackends: number;
  /** How the health of a pool is judged whose Service does not say. */
  readonly health: HealthMode;
  /** The most backends a pool may have; absent: as many as fit one Consul transaction. */
  readonly maxBackends?: number;
}

/** A number, or a share of all that we own. */
export type RemovalLimit = { readonly kind: 'number'; readonly value: number } | { readonly kind: 'share'; readonly value: number };

export interface GuardPolicy {
  readonly windowMs: number;
  /** Absent: the larger of 2 and 10 % of all that we own. */
  readonly maxRemovedPools?: RemovalLimit;
  readonly maxRemovedObjects?: RemovalLimit;
}

/** How Traefik learns of changes in Consul's catalog: it is told (`watch: true`), or it asks at an interval. */
export type CatalogRefresh = { readonly kind: 'watch' } | { readonly kind: 'poll'; readonly intervalMs: number };

/** What is known of Traefik's static configuration, as far as it decides which routes there will be. What is absent is not known. */
export interface RoutePolicy {
  /** `providers.consulCatalog.prefix`; Traefik's default is `traefik`. */
  readonly prefix?: string;
  /** `providers.consulCatalog.exposedByDefault`. Not known: only what has tags for Traefik counts as exposed. */
  readonly exposedByDefault?: boolean;
  /** `providers.consulCatalog.defaultRule`. */
  readonly defaultRule?: string;
  /** `providers.consulCatalog.constraints`. */
  readonly constraints?: string;
  readonly entryPoints?: readonly { readonly name: string; readonly protocol?: 'tcp' | 'udp' }[];
  /** The objects that other providers have, as `auth@file`; resolvers by their plain names. */
  readonly known?: {
    readonly middlewares?: readonly string[];
    readonly services?: readonly string[];
    readonly serversTransports?: readonly string[];
    readonly tlsOptions?: readonly string[];
    readonly certResolvers?: readonly string[];
  };
}

/** What the configuration says about how specs become objects and registrations. Plain data; the core reads nothing else of the configuration. */
export interface Policy {
  readonly owner: string;
  readonly cluster: string;
  readonly keyPath: string;
  readonly nodePrefix: string;
  /** True: a Consul service may be shared with other clusters that say so too; routers and middlewares carry the cluster's name. */
  readonly sharedService: boolean;
  readonly registration: 'catalog' | 'kv' | 'both';
  /** True when the configuration names `registration`. */
  readonly registrationExplicit: boolean;
  readonly dialect: 'v1' | 'v3' | 'both';
  readonly entryPoints: Readonly<Record<string, EntryPoint>>;
  readonly translation: TranslationPolicy;
  /** What the routes are foreseen by. Absent: nothing is known. */
  readonly routes?: RoutePolicy;
  /** Managers whose fields may be taken over on adoption. */
  readonly adoptFrom: readonly string[];
  readonly allowAdopt: boolean;
  readonly pool: PoolPolicy;
  /** For requests in flight after Traefik has let go. */
  readonly drainSeconds: number;
  /** The longest time until Traefik has dropped what left Consul, while its API is not watched. */
  readonly letGoMs: number;
  /** How Traefik learns of changes; absent: nobody has said. */
  readonly refresh?: CatalogRefresh;
  /** How long a drain waits for a Traefik that does not answer before it counts by `letGoMs`. */
  readonly maxWaitMs: number;
  readonly guard: GuardPolicy;
  /** True: every object of a spec that is to change is tried by a dry run before any of them is applied. */
  readonly dryRun: boolean;
  /** True: namespaces that a spec uses and nobody has made are created. They are never deleted. */
  readonly createNamespaces: boolean;
}
