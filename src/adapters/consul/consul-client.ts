import type { KvKey } from '../../core/model/ids.ts';
import type { Problem } from '../../shared/problem.ts';
import type {
  CatalogCheck,
  CatalogInstance,
  CatalogNode,
  KeyValue,
  ServiceInstance,
  TokenFacts,
  TransactionError,
  TransactionResult,
} from './decode-answer.ts';
import type { TransactionOperation } from './registry-write.ts';

/** A long poll: answers when the index has passed `index`, or after `waitMs`. */
export interface Blocking {
  readonly index: number;
  readonly waitMs: number;
}

/** One answer of a read. */
export interface Answer<T> {
  readonly value: T;
  /** X-Consul-Index. */
  readonly index: number;
  /** True when Consul says that it left out what the token may not see. */
  readonly filtered: boolean;
}

/** How a transaction ended. `unclear`: it may have been applied. */
export type TransactionOutcome =
  | { readonly kind: 'applied'; readonly results: readonly TransactionResult[] }
  | { readonly kind: 'refused'; readonly errors: readonly TransactionError[] }
  | { readonly kind: 'too-large'; readonly text: string }
  | { readonly kind: 'failed'; readonly problem: Problem; readonly unclear: boolean };

export interface SessionRequest {
  readonly name: string;
  readonly ttlMs: number;
  readonly lockDelayMs: number;
}

/** A key, the session that is to hold it, and what is written into it. */
export interface KeyLock {
  readonly key: KvKey;
  readonly session: string;
  readonly value: string;
  readonly flags: number;
}

/** What a list of checks or of Consul services is limited to, and whether to wait for a change. */
export interface CatalogQuery {
  /** `key:value`: only nodes with all of this Meta. */
  readonly nodeMeta?: readonly string[];
  /** In Consul's filter language, over instances; for lists of Consul services only. A Consul before 1.14 may not heed it. */
  readonly filter?: string;
  readonly blocking?: Blocking;
}

/** Which keys are listed; with a `separator` only as far as its first place behind the prefix, each once. */
export interface KeysQuery {
  readonly prefix: KvKey;
  readonly separator?: string;
  readonly blocking?: Blocking;
}

/**
 * The requests that the Consul leg makes, each with a deadline and each answer checked for its shape. Reads are consistent,
 * but for long polls. Failures are thrown as AppError, an abort as the signal's reason.
 */
export interface ConsulClient {
  readonly address: string;
  listNodes(filter: string, signal: AbortSignal): Promise<Answer<readonly CatalogNode[]>>;
  /** The instances on one node; undefined when it does not exist. */
  listInstances(node: string, signal: AbortSignal): Promise<Answer<readonly CatalogInstance[] | undefined>>;
  listChecks(query: CatalogQuery, signal: AbortSignal): Promise<Answer<readonly CatalogCheck[]>>;
  /** The checks of one node; none when it does not exist. */
  listNodeChecks(node: string, signal: AbortSignal): Promise<Answer<readonly CatalogCheck[]>>;
  /** The Consul services with an instance that passes the query, each with all tags of these instances, in order. */
  listServices(query: CatalogQuery, signal: AbortSignal): Promise<Answer<ReadonlyMap<string, readonly string[]>>>;
  /** The instances of one Consul service, anyone's. */
  listServiceInstances(service: string, signal: AbortSignal): Promise<Answer<readonly ServiceInstance[]>>;
  readTree(prefix: KvKey, signal: AbortSignal): Promise<Answer<readonly KeyValue[]>>;
  listKeys(query: KeysQuery, signal: AbortSignal): Promise<Answer<readonly string[]>>;
  readKey(query: { readonly key: KvKey; readonly blocking?: Blocking }, signal: AbortSignal): Promise<Answer<KeyValue | undefined>>;
  /** The version of the agent at the address; undefined when the token may not know. */
  readVersion(signal: AbortSignal): Promise<string | undefined>;
  /** The address of the leading server; undefined when there is none. Needs no rights. */
  readLeader(signal: AbortSignal): Promise<string | undefined>;
  /** The token that requests are made with, the anonymous one without any; undefined when ACLs are off. */
  readToken(signal: AbortSignal): Promise<TokenFacts | undefined>;
  /** Throws for an abort only. */
  transact(operations: readonly TransactionOperation[], signal: AbortSignal): Promise<TransactionOutcome>;
  /** Creates a session without health checks, so that it lives as long as it is renewed. Its end releases its keys. */
  createSession(request: SessionRequest, signal: AbortSignal): Promise<string>;
  /** False when the session has ended. */
  renewSession(id: string, signal: AbortSignal): Promise<boolean>;
  destroySession(id: string, signal: AbortSignal): Promise<void>;
  /** True when the session holds the key now. */
  acquireKey(lock: KeyLock, signal: AbortSignal): Promise<boolean>;
  /** Gives the key up; no lock delay follows. Its value stays. */
  releaseKey(lock: KeyLock, signal: AbortSignal): Promise<void>;
  /** Closes the connections. */
  close(): void;
}
