import type { GatewayRouter } from '../model/gateway.ts';
import { matchRule } from '../routes/match-rule.ts';
import { defaultPriority, isJudged, parseRule } from '../routes/parse-rule.ts';
import { ruleHosts } from '../routes/rule-hosts.ts';
import type { AskedUrl } from './read-url.ts';

/** A router, wanted or as Traefik has it. */
export type Contender = Pick<GatewayRouter, 'rule' | 'entryPoints' | 'priority' | 'tls' | 'status' | 'service'> & { readonly key: string };

/** How a router stands to a URL: `entry-point`: its rule takes it, on another entry point. */
export type Fit = 'takes' | 'entry-point' | 'host-only' | 'no';

/** What a URL of a scheme comes in by. */
export interface Entrance {
  /** Name of the entry point; undefined: not known. */
  readonly entryPoint: string | undefined;
  /** Undefined: a proxy before Traefik ends TLS, or the scheme is open. */
  readonly tls: boolean | undefined;
}

/**
 * How the scheme of a URL reaches Traefik. The names of entry points are the configured ones, if Traefik uses them at all; where no
 * router has TLS, it ends before Traefik.
 */
export function entranceOf(
  { scheme }: AskedUrl,
  routers: readonly Contender[],
  entryPoints: Readonly<Record<string, { readonly name: string }>>,
): Entrance {
  if (scheme === 'any' || !routers.some(({ tls }) => tls)) return { entryPoint: undefined, tls: undefined };
  const name = entryPoints[scheme]?.name;
  const isUsed = routers.some((router) => name !== undefined && router.entryPoints.includes(name));
  return { entryPoint: isUsed ? name : undefined, tls: scheme === 'https' };
}

/** Tells how routers stand to one URL; each rule is read once, however many routers have it and however often it is asked. */
export class Fitting {
  readonly #url: AskedUrl;
  readonly #entrance: Entrance;
  readonly #byRule = new Map<string, 'matches' | 'host-only' | 'no'>();
  readonly #unjudged = new Set<string>();

  constructor(url: AskedUrl, entrance: Entrance) {
    this.#url = url;
    this.#entrance = entrance;
  }

  /** Whether a router takes the URL, or how near it comes. */
  fitOf(router: Contender): Fit {
    const matched = this.#byRule.get(router.rule) ?? this.#match(router.rule);
    this.#byRule.set(router.rule, matched);
    if (matched !== 'matches') return matched;
    const { entryPoint, tls } = this.#entrance;
    const isOnEntryPoint = entryPoint === undefined || router.entryPoints.length === 0 || router.entryPoints.includes(entryPoint);
    return isOnEntryPoint && (tls === undefined || tls === router.tls) ? 'takes' : 'entry-point';
  }

  /** The routers that take the URL, the one that wins first; those that Traefik does not use are left out. */
  takersOf(routers: readonly Contender[]): readonly Contender[] {
    return routers
      .filter((router) => router.status !== 'disabled' && this.fitOf(router) === 'takes')
      .sort((a, b) => priorityOf(b) - priorityOf(a) || (a.key < b.key ? -1 : 1));
  }

  /** Those of which nobody can tell whether they take the URL: an expression in their rule is too large to be tried. */
  unjudged(routers: readonly Contender[]): readonly Contender[] {
    return routers.filter((router) => {
      this.fitOf(router);
      return this.#unjudged.has(router.rule);
    });
  }

  #match(rule: string): 'matches' | 'host-only' | 'no' {
    if (!mayConcern(rule, this.#url.host)) return 'no';
    const parsed = parseRule(rule);
    if (parsed.ok && !isJudged(parsed.rule)) {
      this.#unjudged.add(rule);
      return 'no';
    }
    if (parsed.ok && matchRule(parsed.rule, this.#url.request)) return 'matches';
    return ruleHosts(rule)?.includes(this.#url.host) === true ? 'host-only' : 'no';
  }
}

/** False for rules that cannot take a host, told without reading them: most of them name another one, and there may be thousands. */
export function mayConcern(rule: string, host: string): boolean {
  const text = rule.toLowerCase();
  return text.includes(host.replace(/\.$/, '')) || !text.includes('host') || /regexp|!|\|\|/.test(text);
}

/** The priority in force: the written one or, where none is, the length of the rule. */
export const priorityOf = ({ priority, rule }: Pick<Contender, 'priority' | 'rule'>): number =>
  priority === 0 ? defaultPriority(rule) : priority;
