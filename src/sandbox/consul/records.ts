type Meta = Readonly<Record<string, string>> | null;

/** When a record was made and last changed: what compare-and-set compares. */
export interface RaftIndexes {
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

/** The fields of a node, in Consul's names, with what they are when a writer leaves them out. */
export const NODE = { ID: '', Node: '', Address: '', Datacenter: 'dc1', TaggedAddresses: null as Meta, Meta: null as Meta };

/** The fields of an instance; `Node` is its node's name as its writer spelt it. */
export const SERVICE = {
  Node: '',
  ID: '',
  Service: '',
  Tags: null as readonly string[] | null,
  Address: '',
  Meta: null as Meta,
  Port: 0,
  Weights: { Passing: 1, Warning: 1 },
  EnableTagOverride: false,
  Proxy: { Mode: '', MeshGateway: {}, Expose: {} },
  Connect: {},
  PeerName: '',
};

const checkTexts = { Name: '', Status: 'critical', Notes: '', Output: '', Type: '', Interval: '', Timeout: '' };

/** The fields of a check; without `ServiceID` it is one of the whole node. */
export const CHECK = {
  Node: '',
  CheckID: '',
  ...checkTexts,
  ServiceID: '',
  ServiceName: '',
  ServiceTags: null as readonly string[] | null,
  ExposedPort: 0,
  Definition: {},
};

export type NodeRecord = Readonly<typeof NODE> & RaftIndexes;
export type ServiceRecord = Readonly<typeof SERVICE> & RaftIndexes;
export type CheckRecord = Readonly<typeof CHECK> & RaftIndexes;
/** What a writer says of a record: all but the indexes, which Consul gives. */
export type Content<T> = Omit<T, keyof RaftIndexes>;

/** A KV entry; `Value` in base64, `null` when empty. */
export interface KvRecord extends RaftIndexes {
  readonly LockIndex: number;
  readonly Key: string;
  readonly Flags: number;
  readonly Value: string | null;
  readonly Session?: string;
}

/** A session; `LockDelay` in nanoseconds. */
export interface SessionRecord extends RaftIndexes {
  readonly ID: string;
  readonly Name: string;
  readonly Node: string;
  readonly LockDelay: number;
  readonly Behavior: string;
  readonly TTL: string;
  readonly NodeChecks: readonly string[] | null;
  readonly ServiceChecks: null;
}

/** Everything Consul knows. Records are never changed in place, so that copies of the maps are a snapshot. */
export interface Tables {
  /** By `nameKey(node)`, `nameKey(node, instance id)`, `nameKey(node, check id)`. */
  readonly nodes: Map<string, NodeRecord>;
  readonly services: Map<string, ServiceRecord>;
  readonly checks: Map<string, CheckRecord>;
  readonly kv: Map<string, KvRecord>;
  readonly sessions: Map<string, SessionRecord>;
  /** When a key was deleted, so that the index of its prefix never falls. */
  readonly tombstones: Map<string, number>;
  /** The last change by table (`nodes`), node (`node.a`) and service (`service.web`): what blocking reads wait on. */
  readonly indexes: Map<string, number>;
  /** Until when (ms since the epoch) a key may not be locked again. */
  readonly lockDelays: Map<string, number>;
}

/** One write under way: the tables to change, and the index that it gets. */
export interface Write {
  readonly tables: Tables;
  readonly index: number;
  readonly nowMs: number;
  /** Scale of the durations that Consul itself times. */
  readonly timeScale: number;
}

/** A request that Consul refuses; the message is the body it answers with. */
export class ConsulError extends Error {
  readonly status: number;
  constructor(message: string, status = 500) {
    super(message);
    this.status = status;
  }
}

/** A copy of the tables that a write may change. Without an argument: empty ones. */
export function copyTables(tables?: Tables): Tables {
  return {
    nodes: new Map(tables?.nodes),
    services: new Map(tables?.services),
    checks: new Map(tables?.checks),
    kv: new Map(tables?.kv),
    sessions: new Map(tables?.sessions),
    tombstones: new Map(tables?.tombstones),
    indexes: new Map(tables?.indexes),
    lockDelays: new Map(tables?.lockDelays),
  };
}

/** The key of something named: the names of nodes, services and checks are compared without regard to case. */
export const nameKey = (...parts: readonly string[]): string => parts.join('\0').toLowerCase();

/** True when `ModifyIndex` is the one that a compare-and-set asked for; 0 stands for "must not exist". */
export const casMatches = (asked: number, existing: RaftIndexes | undefined): boolean =>
  asked === 0 ? existing === undefined : existing?.ModifyIndex === asked;

/** Says that the named parts of the state change with this write. */
export function touch(write: Write, ...names: readonly string[]): void {
  for (const name of names) write.tables.indexes.set(name, write.index);
}

/** The records of a table whose key begins with `prefix`, in the order of their keys, as Consul lists them. */
export function inKeyOrder<T>(table: ReadonlyMap<string, T>, prefix = ''): T[] {
  const found = [...table].filter(([key]) => key.startsWith(prefix));
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}
