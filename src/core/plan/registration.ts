import type { PoolView } from '../desired/pool-view.ts';
import { consulNodeName, instanceId, poolCheckId } from '../model/consul-names.ts';
import { hashOf } from '../model/hash.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import { MANAGED_BY, META } from '../model/marks.ts';
import type { Policy } from '../model/policy.ts';
import type { Check, Instance } from '../model/registration.ts';
import type { Backend } from '../pool/decide-pool.ts';
import type { PoolHealth } from '../pool/pool-health.ts';
import { sameList } from './diff-registration.ts';

/** What should stand for one pool in Consul. */
export interface Registration {
  readonly instances: readonly Instance[];
  /** The pool's check, on its first instance. Absent when there are no instances. */
  readonly check: Check | undefined;
  /** What tells the health of the pool beside its nodes: a check on every instance, or on none. */
  readonly healthChecks: readonly Check[];
}

/** What a registration is built from. */
export interface RegistrationSource {
  readonly view: PoolView;
  readonly nodePort: number;
  readonly backends: readonly Backend[];
  /** False when agents register the pool, and the catalog holds nothing of it that is still to be handed over. */
  readonly inCatalog: boolean;
  readonly health: PoolHealth;
}

/** Builds the registration of a pool (design section 7). Pure. */
export function buildRegistration(source: RegistrationSource, policy: Policy): Registration {
  const { view, nodePort, backends, inCatalog } = source;
  const content = contentHash({ service: view.service, tags: view.tags, port: nodePort });
  const instances = inCatalog ? backends.map((backend) => instanceOf({ view, port: nodePort, hash: content, policy }, backend)) : [];
  return registrationOf(source, instances);
}

/** What an instance's Meta says of its content: an instance of which it is true has been edited by nobody. */
export const contentHash = ({ service, tags, port }: Pick<Instance, 'service' | 'tags' | 'port'>): string =>
  hashOf({ service, tags, port });

/** A pool's instances with the checks that stand on them. */
export function registrationOf({ view, health }: Pick<RegistrationSource, 'view' | 'health'>, unsorted: readonly Instance[]): Registration {
  const instances = [...unsorted].sort((a, b) => byBytes(a.consulNode, b.consulNode));
  const [first] = instances;
  return {
    instances,
    check: first === undefined ? undefined : checkOf(view, first, instances),
    healthChecks: instances.flatMap((instance) => healthCheck(view.pool, instance, health)),
  };
}

interface Content {
  readonly view: PoolView;
  readonly port: number;
  readonly hash: string;
  readonly policy: Policy;
}

/** The id that the instance of a pool on a node has. */
export const instanceIdOf = (view: PoolView, node: NodeName, { cluster }: Policy): string =>
  instanceId(view.service, { cluster, namespace: view.namespace, name: view.name, port: view.settings.port ?? '', node });

function instanceOf({ view, port, hash, policy }: Content, backend: Backend): Instance {
  return {
    consulNode: consulNodeName(policy.nodePrefix, policy.cluster, backend.node),
    node: backend.node,
    id: instanceIdOf(view, backend.node, policy),
    service: view.service,
    address: backend.address,
    port,
    tags: view.tags,
    meta: {
      [META.managedBy]: MANAGED_BY,
      [META.owner]: policy.owner,
      [META.cluster]: policy.cluster,
      [META.namespace]: view.namespace,
      [META.name]: view.name,
      [META.spec]: view.spec,
      [META.node]: backend.node,
      [META.hash]: hash,
      ...(policy.sharedService ? { [META.shared]: 'true' } : {}),
    },
  };
}

/**
 * Its Notes carry a hash of the whole pool, so that every change of the pool changes a check, which Traefik's watch needs to notice
 * it. The tags count once where all instances have the same: they are most of the text.
 */
function checkOf(view: PoolView, first: Instance, instances: readonly Instance[]): Check {
  const ownTags = ({ tags }: Instance): readonly (readonly string[])[] => (sameList(tags, first.tags) ? [] : [tags]);
  const digest = hashOf([first.tags, ...instances.map((one) => [one.id, one.address, one.port, ...ownTags(one)])]);
  return {
    consulNode: first.consulNode,
    checkId: poolCheckId(view.pool),
    name: `pool ${view.pool}`,
    instanceId: first.id,
    service: view.service,
    status: 'passing',
    notes: `pool ${digest}`,
    output: '',
  };
}

/** What the output of a probe says until consul-esm has tried it. */
export const NOT_PROBED = 'not probed yet';

/** How often consul-esm tries a backend, and how long it waits for an answer. */
const PROBE = { interval: '10s', timeout: '2s' } as const;

/**
 * The check on an instance that tells more of its health than its node does. While something serves a pool of mode `endpoints`
 * there is none: like Consul's maintenance check it stands only while it says no. A probe begins as passing, for Kubernetes says
 * that the backend is ready: otherwise entering would be an outage until consul-esm has tried it, and for ever without one.
 */
function healthCheck(pool: PoolKey, { consulNode, id, service, address, port }: Instance, health: PoolHealth): readonly Check[] {
  const on = { consulNode, instanceId: id, service, notes: '' };
  if (health.mode === 'esm') {
    const tcp = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const checkId = poolCheckId(pool, 'esm');
    return [{ ...on, checkId, name: `TCP ${pool}`, status: 'passing', output: NOT_PROBED, probe: { tcp, ...PROBE } }];
  }
  if (!health.critical) return [];
  const output = `no endpoint of Service ${pool} is ready`;
  return [{ ...on, checkId: poolCheckId(pool, 'endpoints'), name: `endpoints of ${pool}`, status: 'critical', output }];
}
