import { textDigest } from './hash.ts';
import type { KvKey, NodeName, PoolKey } from './ids.ts';

/** The status of a Consul check. */
export type CheckStatus = 'passing' | 'warning' | 'critical';

/** One service instance in the catalog, as wanted or as read. */
export interface Instance {
  /** Name of the synthetic Consul node it stands on. */
  readonly consulNode: string;
  /** The Kubernetes node behind it. */
  readonly node: NodeName;
  readonly id: string;
  /** Name of the Consul service. */
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** An instance of ours as read from the catalog. */
export interface RegisteredInstance extends Instance {
  readonly pool: PoolKey;
  readonly modifyIndex: number;
}

/** An instance that does not say that it is ours, or not of which pool: somebody else's, or ours after it was edited. */
export interface StrangeInstance extends Omit<Instance, 'node'> {
  readonly modifyIndex: number;
}

/** What consul-esm tries: a TCP connection. In the words of Consul's check definitions. */
export interface TcpProbe {
  /** `address:port`, an IPv6 address in brackets. */
  readonly tcp: string;
  /** Durations as Consul writes them: `10s`. */
  readonly interval: string;
  readonly timeout: string;
}

/** A check of a pool, or the check of a node when `instanceId` is empty. */
export interface Check {
  readonly consulNode: string;
  readonly checkId: string;
  readonly name: string;
  readonly instanceId: string;
  /** Name of the Consul service; empty for a node's check. */
  readonly service: string;
  readonly status: CheckStatus;
  readonly notes: string;
  readonly output: string;
  /** What consul-esm tries for it. Then `status` and `output` are its words: they are written once, and never compared. */
  readonly probe?: TcpProbe;
}

export interface RegisteredCheck extends Check {
  readonly modifyIndex: number;
}

/** The stand-in of a Kubernetes node in Consul's catalog. */
export interface SyntheticNode {
  readonly name: string;
  readonly id: string;
  readonly address: string;
  readonly meta: Readonly<Record<string, string>>;
}

export interface RegisteredNode extends SyntheticNode {
  readonly modifyIndex: number;
  /**
   * True when Meta names our owner and cluster. Also when somebody has wiped it: then it names nobody, and the id is the one that
   * we give to a node of this name, or an instance with our marks stands on it.
   */
  readonly ours: boolean;
}

/** One KV entry under our key path. */
export interface KvEntry {
  readonly key: KvKey;
  /** Empty where `digest` stands for it. */
  readonly value: string;
  /** `textDigest` of a value that is not kept: those under `specifications/` are long, and many. */
  readonly digest?: string;
  readonly flags: number;
  readonly modifyIndex: number;
}

/** Whether an entry holds this value. */
export const holdsValue = (entry: KvEntry | undefined, value: string): boolean =>
  entry !== undefined && (entry.digest === undefined ? entry.value === value : entry.digest === textDigest(value));

/**
 * Remembers that NodePorts of a pool have left Consul but must stay open: the JSON value of the pool's `draining` key.
 * `ports` maps a NodePort to when it left (ms since the epoch).
 */
export interface Draining {
  readonly spec: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** An instance that a Consul agent registers, on the node that the agent stands for. */
export interface AgentInstance {
  readonly consulNode: string;
  readonly id: string;
  /** Name of the Consul service. */
  readonly service: string;
  /** Its own, else that of its node. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly modifyIndex: number;
}

/** All that we know of Consul: what is ours, and what stands in our way. */
export interface RegistryState {
  /** How much one transaction may hold, learnt from the server. */
  readonly limits: { readonly operations: number; readonly bytes: number };
  /** Nodes of ours, marked or wiped, and nodes of others whose name begins with our prefix. By name. */
  readonly nodes: ReadonlyMap<string, RegisteredNode>;
  /** Instances of ours by pool, in the order of their ids. */
  readonly instances: ReadonlyMap<PoolKey, readonly RegisteredInstance[]>;
  /** Checks on our nodes, by `consulNode/checkId`. */
  readonly checks: ReadonlyMap<string, RegisteredCheck>;
  /** What stands on our nodes, and on those that may be, and does not say that it is ours. */
  readonly strangers: readonly StrangeInstance[];
  /** Names of Consul services, as `catalogName`, that somebody else has an instance of, whether or not we hold one too. */
  readonly foreignServices: ReadonlySet<string>;
  /**
   * Of each of them the tags of its instances, every list that differs once. Where one list of all the tags says nothing twice, it
   * stands for all of them. Absent: not known.
   */
  readonly foreignTags?: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** What agents register of the Consul services that we hold, or that the tree tells them to register, by name. Absent: nothing. */
  readonly agents?: ReadonlyMap<string, readonly AgentInstance[]>;
  /** Entries under `<keyPath>/deployments/`, `specifications/` and `.poolkeeper/<cluster>/`, ours or not. */
  readonly kv: ReadonlyMap<KvKey, KvEntry>;
  /** True when this snapshot had to create a canary: nothing may be removed on its word. */
  readonly fresh: boolean;
}
