/** How a Traefik 1 entry point is called in Traefik 3. */
export interface EntryPoint {
  readonly name: string;
  /** True when its routers serve TLS. */
  readonly tls: boolean;
  /** The port that clients reach it on, for redirections to it; absent: that of its scheme, 443 or 80. */
  readonly port?: number;
}

/** The strategies of Traefik 3 that may stand in for Traefik 1's `drr`. */
export const DRR_STRATEGIES = ['wrr', 'p2c', 'leasttime'] as const;
export type DrrStrategy = (typeof DRR_STRATEGIES)[number];

/** What the translation of Traefik 1 tags has to know of the site, since no tag says it. */
export interface TranslationPolicy {
  /** True: what cannot be said exactly in Traefik 3 is an error. */
  readonly strict: boolean;
  /** `consulCatalog.domain` of Traefik 1: `.Domain` in rules. */
  readonly domain?: string;
  /** `consulCatalog.frontEndRule` of Traefik 1: the rule of a frontend that has none. Absent: such a frontend is left to Traefik 3's own default rule. */
  readonly frontEndRule?: string;
  /** Absent: `drr` is an error. */
  readonly drrStrategy?: DrrStrategy;
  /** How many trusted proxies stand before Traefik and write X-Forwarded-For. Absent: `useXForwardedFor` is an error. */
  readonly forwardedDepth?: number;
}
