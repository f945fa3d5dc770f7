import { byBytes, type NodeName, nodeName, type PoolKey, poolKey } from '../../core/model/ids.ts';
import type { EndpointFacts } from '../../core/model/nodes.ts';
import { asList, asRecord, asText, asTextMap, deepFreeze } from './json-access.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** What is kept of one EndpointSlice: its ready endpoints, and whether any that terminates serves still. */
export interface SliceFacts {
  /** Undefined for a slice that belongs to no Service. */
  readonly pool: PoolKey | undefined;
  /** Of each ready endpoint: what tells it from others (its pod, else its address), and its node (empty when unknown). */
  readonly ready: readonly { readonly id: string; readonly node: string }[];
  /** kube-proxy sends traffic to such endpoints while it has no ready one. */
  readonly terminating: boolean;
  readonly portNames: readonly string[];
}

/**
 * The ready endpoints of an EndpointSlice. An absent `ready` condition means ready (discovery.k8s.io/v1); a terminating
 * endpoint has `ready: false`, unless the Service asks for unready addresses.
 */
export function decodeSlice(raw: unknown): SliceFacts {
  const object = asRecord(raw);
  const meta = asRecord(object['metadata']);
  const service = asTextMap(meta['labels'])[SERVICE_NAME_LABEL] ?? '';
  const endpoints = asList(object['endpoints']).map(asRecord);
  const ready = endpoints
    .filter((endpoint) => asRecord(endpoint['conditions'])['ready'] !== false)
    .map((endpoint) => ({
      id: asText(asRecord(endpoint['targetRef'])['uid']) || asText(asList(endpoint['addresses'])[0]),
      node: asText(endpoint['nodeName']),
    }));
  const portNames = asList(object['ports']).map((port) => asText(asRecord(port)['name']));
  const pool = service === '' ? undefined : poolKey(asText(meta['namespace']), service);
  return { pool, ready, terminating: endpoints.some(servesToTheEnd), portNames };
}

function servesToTheEnd(endpoint: Readonly<Record<string, unknown>>): boolean {
  const { serving, terminating } = asRecord(endpoint['conditions']);
  return serving === true && terminating === true;
}

/**
 * The endpoints of one Service from all its slices. An endpoint counts once, though it may stand in several slices: in both
 * families of a dual-stack Service, and for a moment while it moves from one slice to another.
 */
export function joinSlices(pool: PoolKey, slices: Iterable<SliceFacts>): EndpointFacts {
  const ids = new Set<string>();
  const nodes = new Set<NodeName>();
  const portNames = new Set<string>();
  const terminating = new Set<string>();
  for (const slice of slices) {
    for (const { id, node } of slice.ready) {
      ids.add(id);
      if (node !== '') nodes.add(nodeName(node));
    }
    if (slice.ready.length > 0) for (const name of slice.portNames) portNames.add(name);
    if (slice.terminating) for (const name of slice.portNames) terminating.add(name);
  }
  const terminatingPorts = [...terminating].filter((name) => !portNames.has(name)).sort(byBytes);
  return deepFreeze<EndpointFacts>({
    pool,
    ready: ids.size,
    readyNodes: [...nodes].sort(byBytes),
    portNames: [...portNames].sort(byBytes),
    ...(terminatingPorts.length === 0 ? {} : { terminatingPorts }),
  });
}
