import type { Problem } from '../../shared/problem.ts';
import type { KvKey, NodeName, ObjectKey, PoolKey, SpecId } from './ids.ts';
import type { KubernetesObject } from './objects.ts';
import type { Check, CheckStatus, Instance, SyntheticNode } from './registration.ts';

/** Why an object is applied. */
export type ApplyReason = 'create' | 'change' | 'drift' | 'adopt';

/** Sends one object by server-side apply. */
export interface ApplyObject {
  readonly kind: 'apply-object';
  readonly key: ObjectKey;
  /** The whole object with our marks, as it is sent. */
  readonly object: KubernetesObject;
  readonly why: ApplyReason;
  /** What exists already: its uid is sent along, and its resourceVersion where the plan relied on its content. Absent: it must not exist yet. */
  readonly existing?: { readonly uid: string; readonly resourceVersion: string; readonly pinVersion: boolean };
  /** `adopt`: the managers whose entries are moved into ours. */
  readonly takeFrom?: readonly string[];
  /** True when the object may be deleted and created again, should the change be refused because a field of it is immutable. */
  readonly recreate?: true;
  /** What it changes, for people: `spec.ports[0].nodePort`. */
  readonly changes: readonly string[];
}

/** Deletes one object, if it is still the one that the plan saw. */
export interface DeleteObject {
  readonly kind: 'delete-object';
  readonly key: ObjectKey;
  readonly apiVersion: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly why: string;
}

/** An instance or check to be removed, if it is still the one that the plan saw. */
export interface InstanceRef {
  readonly consulNode: string;
  readonly id: string;
  readonly service: string;
  readonly modifyIndex: number;
}
export interface CheckRef {
  readonly consulNode: string;
  readonly checkId: string;
  readonly modifyIndex: number;
}

/** A KV write: `modifyIndex` is the one that the plan read, 0 when the key must not exist. An undefined value deletes. */
export interface KvWrite {
  readonly key: KvKey;
  readonly value: string | undefined;
  readonly modifyIndex: number;
}

/** Makes the registrations of one pool what they should be, in one Consul transaction. */
export interface RegisterPool {
  readonly kind: 'register-pool';
  readonly pool: PoolKey;
  readonly service: string;
  /** Instances to write, with the index that was read (0: must not exist). */
  readonly set: readonly (Instance & { readonly modifyIndex: number })[];
  readonly remove: readonly InstanceRef[];
  readonly checks: readonly (Check & { readonly modifyIndex: number })[];
  readonly removeChecks: readonly CheckRef[];
  readonly kv: readonly KvWrite[];
  /** What changes, for people: `tags`, `port 30080 → 30090`, `+worker-2`. */
  readonly changes: readonly string[];
}

/** Takes a whole pool out of Consul, and remembers that its NodePorts drain. */
export interface DeregisterPool {
  readonly kind: 'deregister-pool';
  readonly pool: PoolKey;
  readonly service: string;
  readonly remove: readonly InstanceRef[];
  readonly kv: readonly KvWrite[];
  readonly why: string;
}

/** Writes or deletes KV entries of ours outside any pool's transaction. */
export interface WriteKv {
  readonly kind: 'write-kv';
  readonly writes: readonly KvWrite[];
  readonly why: string;
}

export interface EnsureNode {
  readonly kind: 'ensure-node';
  readonly node: SyntheticNode;
  readonly status: CheckStatus;
  readonly why: string;
  /** Indexes as read; 0: must not exist. Undefined: that part is in step. */
  readonly nodeIndex?: number;
  readonly checkIndex?: number;
}

/** Deletes a synthetic node of ours. Only when it has no instances. */
export interface DeleteNode {
  readonly kind: 'delete-node';
  readonly name: string;
  readonly modifyIndex: number;
}

export type ClusterAction = ApplyObject | DeleteObject;
export type RegistryAction = RegisterPool | DeregisterPool | WriteKv | EnsureNode | DeleteNode;
export type NodeAction = EnsureNode | DeleteNode;
/** One step of a spec's plan. Plain data: printed by `plan`, executed by run/apply-plan, counted by telemetry. */
export type Action = ClusterAction | RegisterPool | DeregisterPool | WriteKv;

/** Something a spec waits for. Nothing sleeps on it: the loop looks again at `untilMs`, or when a watch tells. */
export interface Waiting {
  readonly leg: 'kubernetes' | 'consul';
  readonly what: string;
  readonly on: PoolKey | ObjectKey | undefined;
  readonly untilMs?: number;
  /** True for a roll-out: all is applied, and nothing else of the spec depends on it. */
  readonly rollout?: true;
}

/** Something a guard keeps back. */
export interface Hold {
  readonly spec: SpecId;
  readonly what: string;
  readonly reason: Problem;
}

/** Why a node is or is not a backend. */
export interface NodeDecision {
  readonly node: NodeName;
  readonly in: boolean;
  /** A short fixed word for metrics and tests. */
  readonly code: NodeReason;
  /** In words, for people. */
  readonly reason: string;
}

export type NodeReason =
  | 'ready'
  | 'kept-by-floor'
  | 'kept-by-turn'
  | 'kept-mass-not-ready'
  | 'kept-last-endpoint'
  | 'not-ready'
  | 'grace'
  | 'deleting'
  | 'cordoned'
  | 'tainted'
  | 'drained'
  | 'excluded'
  | 'control-plane'
  | 'not-selected'
  | 'no-address'
  | 'no-endpoint'
  | 'not-needed';
