import type { EndpointFacts } from '../model/nodes.ts';
import type { HealthMode } from '../model/settings.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Whether anything answers at a pool's NodePort. `unknown`: nobody can tell now, so what Consul says of it stays. */
export type Serving = { readonly kind: 'served' } | { readonly kind: 'unserved' } | { readonly kind: 'unknown'; readonly why: string };

/** What tells whether a pool is served. */
export interface ServingFacts {
  /** The endpoints of the pool's Service; their value is undefined when it has no EndpointSlice. */
  readonly endpoints: Snapshot<EndpointFacts | undefined>;
  readonly portName: string;
  /** True when most nodes are NotReady at once, which is not believed. */
  readonly inDoubt: boolean;
}

/**
 * Whether anything answers behind the Service of a pool, as kube-proxy decides it: any ready endpoint, or while there is none
 * one that terminates and serves still. Only slices that say so take that away: not old ones, not missing ones, not those of
 * another port (they lag behind their Service), and not those of nodes that are not believed to be NotReady.
 */
export function servingOf({ endpoints, portName, inDoubt }: ServingFacts): Serving {
  if (endpoints.kind !== 'complete') return unknown(`the EndpointSlices are ${endpoints.kind}`);
  const facts = endpoints.value;
  if (facts === undefined) return unknown('the Service has no EndpointSlice');
  const ports = [...facts.portNames, ...(facts.terminatingPorts ?? [])];
  if (ports.includes(portName)) return { kind: 'served' };
  if (facts.ready > 0 || ports.length > 0) return unknown('its endpoints serve another port');
  return inDoubt ? unknown('most nodes are NotReady at once, which is not believed') : { kind: 'unserved' };
}

const unknown = (why: string): Serving => ({ kind: 'unknown', why });

/** How the health of a pool is judged, and whether all its instances are critical since nothing serves it. */
export interface PoolHealth {
  readonly mode: HealthMode;
  readonly critical: boolean;
}

/** The health of a pool. `wasCritical`: what Consul says of it now, which stands while nobody knows better. */
export function healthOfPool(mode: HealthMode, serving: Serving, wasCritical: boolean): PoolHealth {
  if (mode !== 'endpoints') return { mode, critical: false };
  return { mode, critical: serving.kind === 'unknown' ? wasCritical : serving.kind === 'unserved' };
}
