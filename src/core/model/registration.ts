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

/** The check of a pool, or the check of a node when `instanceId` is empty. */
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
  /** True when Meta names our owner and cluster. */
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

/** All that we know of Consul: what is ours, and what stands in our way. */
export interface RegistryState {
  /** How much one transaction may hold, learnt from the server. */
  readonly limits: { readonly operations: number; readonly bytes: number };
  /** Nodes of ours, and nodes of others whose name begins with our prefix. By name. */
  readonly nodes: ReadonlyMap<string, RegisteredNode>;
  /** Instances of ours by pool, in the order of their ids. */
  readonly instances: ReadonlyMap<PoolKey, readonly RegisteredInstance[]>;
  /** Checks on our nodes, by `consulNode/checkId`. */
  readonly checks: ReadonlyMap<string, RegisteredCheck>;
  /** Names of Consul services of which we hold no instance. */
  readonly foreignServices: ReadonlySet<string>;
  /** Entries under `<keyPath>/deployments/`, `specifications/` and `.poolkeeper/<cluster>/`, ours or not. */
  readonly kv: ReadonlyMap<KvKey, KvEntry>;
  /** True when this snapshot had to create a canary: nothing may be removed on its word. */
  readonly fresh: boolean;
}
