import type { ReplicaName } from './ids.ts';
import type { Snapshot } from './snapshot.ts';

/** A router or service of Traefik's catalog provider: `http/shop`, `tcp/db`; the name without its provider. */
export type GatewayKey = `${'http' | 'tcp' | 'udp'}/${string}`;

/** One server of a Traefik service. */
export interface GatewayServer {
  /** As Traefik names it: a URL, or `address:port` under TCP and UDP. */
  readonly url: string;
  /** `address:port`, an IPv6 address in brackets. */
  readonly endpoint: string;
  /** False while Traefik's own health check keeps requests from it. */
  readonly up: boolean;
}

/** A service that a Traefik replica has built from the catalog. */
export interface GatewayService {
  /** `enabled`, `warning` or `disabled`, in Traefik's words. */
  readonly status: string;
  readonly servers: readonly GatewayServer[];
}

/** A router that a Traefik replica has built from the catalog. */
export interface GatewayRouter {
  readonly status: string;
  /** Why it is not in use, in Traefik's words. */
  readonly errors: readonly string[];
  readonly rule: string;
  readonly service: string;
  readonly entryPoints: readonly string[];
  /** With their providers: `strip@consulcatalog`. */
  readonly middlewares: readonly string[];
  readonly priority: number;
  readonly tls: boolean;
}

/** The names of what a replica has beside the catalog's, as `auth@file`. The very same while they do not change. */
export interface NamesElsewhere {
  /** Middlewares of any protocol. */
  readonly middlewares: readonly string[];
  /** Services of any protocol. */
  readonly services: readonly string[];
  /** Absent: it does not tell. */
  readonly entryPoints?: readonly GatewayEntryPoint[];
}

/** A value as Traefik's API shows it, without null. */
export type ShownValue = string | number | boolean | readonly ShownValue[] | { readonly [field: string]: ShownValue };

/** An entry point of a replica, with what it adds to every router that is on it. */
export interface GatewayEntryPoint {
  readonly name: string;
  /** Absent: `tcp`, which serves HTTP as well. */
  readonly protocol?: 'udp';
  readonly asDefault?: true;
  /** `http.tls`, as the API shows it. */
  readonly tls?: { readonly [field: string]: ShownValue };
  /** `http.middlewares`. */
  readonly middlewares?: readonly string[];
  /** `observability`, as the API shows it. */
  readonly observability?: { readonly [field: string]: ShownValue };
}

/** What one Traefik replica has built from the catalog. The very same objects while nothing of them changes. */
export interface GatewayState {
  readonly services: ReadonlyMap<GatewayKey, GatewayService>;
  readonly routers: ReadonlyMap<GatewayKey, GatewayRouter>;
  /** Absent: not known. */
  readonly elsewhere?: NamesElsewhere;
  /** When the first answer of this replica to this process was asked for, in ms since the epoch. */
  readonly knownSinceMs: number;
  /**
   * When the first answer was asked for that showed a replica that had just started: without anything of the catalog where it had
   * something before, or back from silence with less than half of it; of starts in a row, the first. Ms since the epoch; absent: not
   * seen.
   */
  readonly startedAtMs?: number;
  /** When the first answer was asked for that showed this configuration, whatever the health of its servers; ms since the epoch. */
  readonly changedAtMs: number;
  /** The endpoints that stand in any service, by their port. */
  readonly listed: ReadonlyMap<string, readonly string[]>;
  /**
   * The servers (by endpoint) that this process has seen in some service and that are in none now, with when the first answer
   * without them was asked for, in ms since the epoch. Only of the last day.
   */
  readonly leftAtMs: ReadonlyMap<string, number>;
}

/** Every Traefik replica that is watched. `readAtMs` of a snapshot is when its answer was asked for, so what it says is no older. */
export type Gateways = ReadonlyMap<ReplicaName, Snapshot<GatewayState>>;
