import type { Action, RegistryAction } from '../../src/core/model/action.ts';
import { canaryNodeName, deploymentsKey, leaderKey, poolCheckId } from '../../src/core/model/consul-names.ts';
import { poolKey } from '../../src/core/model/ids.ts';
import type { NodeFacts } from '../../src/core/model/nodes.ts';
import type { Policy } from '../../src/core/model/policy.ts';
import type { RegisteredInstance } from '../../src/core/model/registration.ts';
import type { World } from '../../src/core/model/world.ts';
import type { Problem } from '../../src/shared/problem.ts';
import { complete, endpoints, NOW_MS, node, POLICY, service, spec, specSet, world } from '../support/builders.ts';
import { planWorld, settle } from '../support/model-world.ts';
import type { ConsulUnderTest, RegistryRig } from './registry-rig.ts';

/** Nodes n1 to n<count>; with another `network` all of their addresses are others. */
export const fleet = (count: number, network = 0): readonly NodeFacts[] =>
  Array.from({ length: count }, (_, at) => {
    const address = `10.${network}.${Math.floor(at / 250)}.${(at % 250) + 1}`;
    return node(`n${at + 1}`, { addresses: [{ type: 'InternalIP', address }] });
  });

/** One application of a site. */
interface App {
  readonly name: string;
  readonly tag?: string;
  readonly register?: boolean;
  readonly portName?: string | undefined;
  readonly nodePort?: number;
  /** More tags, verbatim. */
  readonly more?: readonly string[];
  /** True: it has a router, a middleware and a Traefik service of its own. */
  readonly rule?: boolean;
}

export const appsOf = (names: string | readonly string[], more: Omit<App, 'name'> = {}): readonly App[] =>
  [names].flat().map((name) => ({ name, ...more }));

interface SiteParts {
  readonly nodes: readonly NodeFacts[];
  readonly apps: readonly App[];
  readonly sharedService?: boolean;
  readonly nodePrefix?: string;
  /** The Consul service of an application; default one that no other rig has. */
  readonly serviceName?: (name: string) => string;
}

/** A cluster whose objects are all in step, so that only Consul is left to do. */
export interface PoolSite {
  readonly policy: Policy;
  readonly world: World;
  /** The name of the port that is registered of the first application, if it says one. */
  readonly portName: string | undefined;
  serviceOf(name: string): string;
  with(parts: Partial<SiteParts>): PoolSite;
  withNodePort(name: string, nodePort: number): PoolSite;
}

export function poolSite(rig: RegistryRig, parts: SiteParts): PoolSite {
  const { owner, cluster, keyPath } = rig;
  const serviceOf = parts.serviceName ?? ((name: string): string => `${name}-${cluster}`);
  const guard = { windowMs: 600_000, maxRemovedPools: { kind: 'number', value: 100 } } as const;
  const { sharedService = false, nodePrefix = POLICY.nodePrefix } = parts;
  // All sites on this Consul ask for the same routes, which no Traefik of theirs lets in.
  const routes = { constraints: 'Tag(`read by nobody`)' };
  const policy: Policy = { ...POLICY, owner, cluster, keyPath, nodePrefix, sharedService, registrationExplicit: true, routes, guard };
  const specs = parts.apps.map((app, at) => spec(`${app.name}.json`, serviceObject(app, at, serviceOf(app.name))));
  const start = world({
    specs: complete(specSet(specs)),
    nodes: parts.nodes,
    endpoints: parts.apps.map(({ name, portName = 'http' }) => endpoints(`default/${name}`, 2, [portName])),
  });
  return {
    policy,
    world: settle(start, { policy }).world,
    portName: parts.apps[0]?.portName,
    serviceOf,
    with: (more) => poolSite(rig, { ...parts, ...more }),
    withNodePort: (name, nodePort) =>
      poolSite(rig, { ...parts, apps: parts.apps.map((app) => (app.name === name ? { ...app, nodePort } : app)) }),
  };
}

function serviceObject({ name, tag, register, portName, nodePort, more = [], rule }: App, at: number, consulService: string) {
  const lines = [
    ...more,
    ...(rule === true
      ? [
          `traefik.http.routers.${name}.rule=Host(\`${name}.example.com\`)`,
          `traefik.http.routers.${name}.middlewares=${name}-headers`,
          `traefik.http.middlewares.${name}-headers.headers.customresponseheaders.x-served-by=${name}`,
          `traefik.http.services.${name}.loadbalancer.passhostheader=true`,
        ]
      : []),
  ];
  return service(name, {
    annotations: {
      'poolkeeper.dev/service-name': consulService,
      tags: ['kubernetes', ...(tag === undefined ? [] : [tag])].join(),
      ...(register === undefined ? {} : { 'poolkeeper.dev/register': String(register) }),
      ...(portName === undefined ? {} : { 'poolkeeper.dev/port': portName }),
      ...(lines.length === 0 ? {} : { 'poolkeeper.dev/tags': lines.join('\n') }),
    },
    spec: { ports: [{ name: portName ?? 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: nodePort ?? 30_000 + at }] },
  });
}

const isRegistryAction = (action: Action): action is Extract<Action, RegistryAction> =>
  action.kind === 'register-pool' || action.kind === 'deregister-pool' || action.kind === 'write-kv';

/**
 * Brings Consul to what the site wants, as runs do: plan, commit, plan again until nothing is left. What failed on the way, and
 * what is told of Consul in the end.
 */
export async function bring(rig: RegistryRig, site: PoolSite): Promise<readonly Problem[]> {
  const failures: Problem[] = [];
  for (let pass = 0; pass < 12; pass++) {
    const plan = planWorld({ ...site.world, registry: rig.registry.state() }, { policy: site.policy, nowMs: NOW_MS });
    const told = plan.guarded.plans.flatMap(({ problems }) => problems).filter(({ code }) => code.startsWith('CONSUL_'));
    const actions = [...plan.nodes, ...plan.actions.filter(isRegistryAction)];
    if (actions.length === 0) return [...failures, ...told];
    const { limits } = rig.state();
    const results = await rig.registry.commit(actions, rig.fence, rig.signal);
    const failed = results.flatMap((result) => (result.kind === 'failed' ? [result.problem] : []));
    if (failed.length === 0) continue;
    await rig.registry.refresh(rig.signal);
    const tooLarge = failed.filter(({ code }) => code === 'CONSUL_TOO_LARGE');
    failures.push(...failed.filter((one) => !tooLarge.includes(one)));
    if (tooLarge.length === actions.length && rig.state().limits === limits) return [...failures, ...tooLarge, ...told];
  }
  throw new Error(`Consul does not come to rest: ${failures.map(({ message }) => message).join('; ')}`);
}

/** One operation of a transaction, as it is sent. */
type SentOperation = Partial<Record<'KV' | 'Node' | 'Service' | 'Check', Readonly<Record<string, unknown>>>>;

/** The operations of every transaction that is sent from now on. */
export function sentTransactions(rig: RegistryRig): readonly (readonly SentOperation[])[] {
  const sent: SentOperation[][] = [];
  rig.proxy.fault((request, body) => {
    if (request.startsWith('PUT /v1/txn')) sent.push(JSON.parse(body) as SentOperation[]);
    return undefined;
  });
  return sent;
}

/** An instance as any reader sees it. */
interface SeenInstance {
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
}

export async function readPool({ url, token }: ConsulUnderTest, name: string): Promise<readonly SeenInstance[]> {
  const response = await fetch(`${url}/v1/health/service/${name}`, { headers: token === undefined ? {} : { 'x-consul-token': token } });
  type Entry = { Node: { Node: string }; Service: { Address: string; Port: number; Tags: string[] } };
  const entries = (await response.json()) as readonly Entry[];
  return entries.map(({ Node, Service }) => ({ node: Node.Node, address: Service.Address, port: Service.Port, tags: Service.Tags }));
}

/** What a reader saw of a pool: reads, different states of it, and every one that was empty or not all of a kind. */
export interface SeenPool {
  readonly reads: number;
  readonly versions: number;
  readonly faults: readonly string[];
  /** The fewest different backends that a read has shown. */
  readonly least: number;
}

/** A reader of a pool. */
interface PoolReader {
  /** How many different states it has seen. */
  readonly versions: () => number;
  readonly stop: () => Promise<SeenPool>;
}

/** Reads a pool every 5 ms until it is told to stop. */
export function watchPool(consul: ConsulUnderTest, name: string): PoolReader {
  const versions = new Set<string>();
  const faults: string[] = [];
  let [reads, going, least] = [0, true, Number.MAX_SAFE_INTEGER];
  const count = (all: readonly SeenInstance[], of: (one: SeenInstance) => string): number => new Set(all.map(of)).size;
  const watching = (async () => {
    let size = 0;
    while (going) {
      const pool = await readPool(consul, name);
      reads += 1;
      size ||= pool.length;
      least = Math.min(
        least,
        count(pool, ({ address, port }) => `${address}:${port}`),
      );
      const kinds = [count(pool, ({ tags }) => tags.join()), count(pool, ({ port }) => String(port)), count(pool, networkOf)];
      if (pool.length !== size || kinds.some((kind) => kind !== 1)) faults.push(`${pool.length} instances of ${kinds.join(', ')} kinds`);
      versions.add(JSON.stringify(pool.map(({ address, port, tags }) => [address, port, tags])));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    versions: () => versions.size,
    stop: async () => {
      going = false;
      await watching;
      return { reads, versions: versions.size, faults, least };
    },
  };
}

/** What `fleet` makes of `network`. */
const networkOf = ({ address }: SeenInstance): string => address.split('.')[1] ?? '';

/** What registering something by hand on a node does: without its Meta and its id, both are wiped. */
export async function registerByHand(rig: RegistryRig, node: string, more: SentOperation): Promise<unknown> {
  return rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: { Node: node, Address: '10.9.9.9' } } }, more]);
}

export const deleteNode = async (rig: RegistryRig, node: string): Promise<unknown> =>
  rig.stranger('PUT', 'txn', [{ Node: { Verb: 'delete', Node: { Node: node } } }]);

async function deleteAllNodes(rig: RegistryRig): Promise<void> {
  const nodes = (await rig.stranger('GET', `catalog/nodes?node-meta=cluster:${rig.cluster}`)) as readonly { readonly Node: string }[];
  for (const { Node } of nodes) await deleteNode(rig, Node);
}

/** What people do to a catalog. */
export const EDITS: readonly { readonly title: string; readonly edit: (rig: RegistryRig) => Promise<unknown> }[] = [
  {
    title: 'a deleted instance',
    edit: async (rig) => {
      const { consulNode, id, service } = first(rig);
      return rig.stranger('PUT', 'txn', [{ Service: { Verb: 'delete', Node: consulNode, Service: { ID: id, Service: service } } }]);
    },
  },
  {
    title: 'edited tags',
    edit: async (rig) => {
      const { consulNode, id, service, address: Address, port: Port, meta: Meta } = first(rig);
      const Service = { ID: id, Service: service, Address, Port, Meta, Tags: ['edited'] };
      return rig.stranger('PUT', 'txn', [{ Service: { Verb: 'set', Node: consulNode, Service } }]);
    },
  },
  {
    title: 'an instance registered anew by hand',
    edit: async (rig) => registerByHand(rig, first(rig).consulNode, editedInstance(first(rig))),
  },
  {
    title: 'all instances of a pool registered anew by hand',
    edit: async (rig) => {
      for (const instance of rig.state().instances.get(WEB) ?? []) await registerByHand(rig, instance.consulNode, editedInstance(instance));
    },
  },
  {
    title: 'a node whose Meta was wiped',
    edit: async (rig) => {
      const { id: ID, name: Node, address: Address } = rig.state().nodes.get(first(rig).consulNode) ?? { id: '', name: '', address: '' };
      return rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: { ID, Node, Address } } }]);
    },
  },
  {
    title: 'all nodes wiped by checks that are registered on them',
    edit: async (rig) => {
      for (const Node of rig.state().nodes.keys()) {
        const Check = { Node, CheckID: 'theirs', Name: 'theirs', Status: 'passing' };
        await registerByHand(rig, Node, { Check: { Verb: 'set', Check } });
        await rig.stranger('PUT', 'txn', [{ Check: { Verb: 'delete', Check } }]);
      }
    },
  },
  {
    title: 'a node registered anew by hand, its name in another case',
    edit: async (rig) => {
      const Node = first(rig).consulNode.toUpperCase();
      return rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: { Node, Address: '10.9.9.9' } } }]);
    },
  },
  {
    title: 'the canary registered anew by hand, its name in another case',
    edit: async (rig) => {
      const Node = canaryNodeName('k8s-', rig.cluster).toUpperCase();
      return rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: { Node, Address: '10.9.9.9' } } }]);
    },
  },
  {
    title: 'an instance and a check registered anew by hand, their ids in another case',
    edit: async (rig) => {
      const { consulNode, id, service, meta: Meta } = first(rig);
      const Node = consulNode.toUpperCase();
      const Service = { ID: id.toUpperCase(), Service: service, Address: '10.9.9.9', Port: 1, Meta, Tags: ['edited'] };
      const Check = { Node, CheckID: 'K8S-NODE', Name: 'theirs', Status: 'critical' };
      return rig.stranger('PUT', 'txn', [{ Service: { Verb: 'set', Node, Service } }, { Check: { Verb: 'set', Check } }]);
    },
  },
  { title: 'a deleted node', edit: async (rig) => deleteNode(rig, first(rig).consulNode) },
  {
    title: 'a critical check on a node',
    edit: async (rig) => {
      const Check = { Node: first(rig).consulNode, CheckID: 'k8s-node', Name: 'Kubernetes node', Status: 'critical' };
      return rig.stranger('PUT', 'txn', [{ Check: { Verb: 'set', Check } }]);
    },
  },
  {
    title: 'the check of a pool set on its node, without the instance',
    edit: async (rig) => {
      const known = [...rig.state().checks.values()].find(({ checkId }) => checkId === poolCheckId(WEB));
      const Check = { Node: known?.consulNode, CheckID: known?.checkId, Name: known?.name, Status: 'passing' };
      return rig.stranger('PUT', 'txn', [{ Check: { Verb: 'set', Check } }]);
    },
  },
  {
    title: 'the check of a node set on one instance only',
    edit: async (rig) => {
      const { consulNode: Node, id: ServiceID, service: ServiceName } = first(rig);
      const Check = { Node, CheckID: 'k8s-node', Name: 'Kubernetes node', Status: 'passing', ServiceID, ServiceName };
      return rig.stranger('PUT', 'txn', [{ Check: { Verb: 'set', Check } }]);
    },
  },
  { title: 'a deleted entry under deployments', edit: async (rig) => rig.stranger('DELETE', `kv/${deploymentsKey(rig.keyPath, WEB)}`) },
  { title: 'an empty catalog, without the canaries', edit: deleteAllNodes },
  {
    title: 'an empty catalog, and a tree with nothing but the leader key',
    edit: async (rig) => {
      await deleteAllNodes(rig);
      for (const key of (await rig.stranger('GET', `kv/${rig.keyPath}/?keys`)) as readonly string[]) {
        if (key !== leaderKey(rig.keyPath, rig.cluster)) await rig.stranger('DELETE', `kv/${key}`);
      }
    },
  },
];

const WEB = poolKey('default', 'web');

const editedInstance = ({ consulNode, id, service }: RegisteredInstance): SentOperation => ({
  Service: { Verb: 'set', Node: consulNode, Service: { ID: id, Service: service, Port: 1, Tags: ['edited'] } },
});

function first(rig: RegistryRig): RegisteredInstance {
  const [one] = rig.state().instances.get(WEB) ?? [];
  if (one === undefined) throw new Error('the pool is not registered');
  return one;
}
