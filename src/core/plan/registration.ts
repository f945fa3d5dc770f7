import type { PoolView } from '../desired/pool-view.ts';
import { consulNodeName, deploymentsKey, instanceId, poolCheckId } from '../model/consul-names.ts';
import { hashOf } from '../model/hash.ts';
import type { KvKey } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import { MANAGED_BY, META } from '../model/marks.ts';
import type { Policy } from '../model/policy.ts';
import type { Check, Instance } from '../model/registration.ts';
import type { Backend } from '../pool/decide-pool.ts';

/** What should stand for one pool in Consul. */
export interface Registration {
  readonly instances: readonly Instance[];
  /** The pool's check, on its first instance. Absent when there are no instances. */
  readonly check: Check | undefined;
  /** The key of its entry under `deployments/`, where the configuration wants one. */
  readonly kvKey: KvKey | undefined;
}

/** What a registration is built from. */
export interface RegistrationSource {
  readonly view: PoolView;
  readonly nodePort: number;
  readonly backends: readonly Backend[];
  /** False when agents register the pool, and the catalog holds nothing of it that is still to be handed over. */
  readonly inCatalog: boolean;
}

/** Builds the registration of a pool (design section 7). Pure. */
export function buildRegistration({ view, nodePort, backends, inCatalog }: RegistrationSource, policy: Policy): Registration {
  const content = hashOf({ service: view.service, tags: view.tags, port: nodePort });
  const instances = inCatalog ? backends.map((backend) => instanceOf({ view, port: nodePort, hash: content, policy }, backend)) : [];
  instances.sort((a, b) => byBytes(a.consulNode, b.consulNode));
  const [first] = instances;
  return {
    instances,
    check: first === undefined ? undefined : checkOf(view, first, instances),
    kvKey: policy.registration === 'catalog' ? undefined : deploymentsKey(policy.keyPath, view.pool),
  };
}

interface Content {
  readonly view: PoolView;
  readonly port: number;
  readonly hash: string;
  readonly policy: Policy;
}

function instanceOf({ view, port, hash, policy }: Content, backend: Backend): Instance {
  return {
    consulNode: consulNodeName(policy.nodePrefix, policy.cluster, backend.node),
    node: backend.node,
    id: instanceId(view.service, {
      cluster: policy.cluster,
      namespace: view.namespace,
      name: view.name,
      port: view.settings.port ?? '',
      node: backend.node,
    }),
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
    },
  };
}

/** Its Notes carry a hash of the whole pool, so that every change of the pool changes a check, which Traefik's watch needs to notice it. */
function checkOf(view: PoolView, first: Instance, instances: readonly Instance[]): Check {
  const digest = hashOf(instances.map(({ id, address, port, tags }) => [id, address, port, tags]));
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
