import type { CheckRef, EnsureNode, InstanceRef, KvWrite, RegistryAction } from '../../core/model/action.ts';
import { NODE_CHECK_ID } from '../../core/model/consul-names.ts';
import type { KvKey, PoolKey } from '../../core/model/ids.ts';
import type { Check, Instance, SyntheticNode } from '../../core/model/registration.ts';
import { assertNever } from '../../shared/errors.ts';

/**
 * One write to Consul: an action taken apart. From it come the operation that is sent, what it changes in the known state,
 * and whether it shows in a state that was read back. `modifyIndex` is the one that was read, 0 for "must not exist".
 */
export type RegistryWrite =
  | { readonly kind: 'set-node'; readonly node: SyntheticNode; readonly modifyIndex: number }
  | { readonly kind: 'set-instance'; readonly instance: Instance; readonly pool: PoolKey; readonly modifyIndex: number }
  | { readonly kind: 'set-check'; readonly check: Check; readonly modifyIndex: number }
  | { readonly kind: 'set-key'; readonly key: KvKey; readonly value: string; readonly modifyIndex: number }
  | { readonly kind: 'remove-node'; readonly name: string; readonly modifyIndex: number }
  | { readonly kind: 'remove-instance'; readonly instance: InstanceRef }
  | { readonly kind: 'remove-check'; readonly check: CheckRef }
  | { readonly kind: 'remove-key'; readonly key: KvKey; readonly modifyIndex: number };

/** The writes of an action, in the order in which one transaction must do them. */
export function writesOf(action: RegistryAction): readonly RegistryWrite[] {
  switch (action.kind) {
    case 'ensure-node':
      return ensureNodeWrites(action);
    case 'delete-node':
      return [{ kind: 'remove-node', name: action.name, modifyIndex: action.modifyIndex }];
    case 'write-kv':
      return action.writes.map(keyWrite);
    case 'deregister-pool':
      return [...action.remove.map(instanceRemoval), ...action.kv.map(keyWrite)];
    case 'register-pool':
      return [
        ...action.set.map(({ modifyIndex, ...instance }) => ({ kind: 'set-instance' as const, instance, pool: action.pool, modifyIndex })),
        ...action.checks.map(({ modifyIndex, ...check }) => ({ kind: 'set-check' as const, check, modifyIndex })),
        // Before the instances: Consul deletes a check with its instance, and a later delete-cas would find it stale.
        ...action.removeChecks.map((check) => ({ kind: 'remove-check' as const, check })),
        ...action.remove.map(instanceRemoval),
        ...action.kv.map(keyWrite),
      ];
    default:
      return assertNever(action);
  }
}

const instanceRemoval = (instance: InstanceRef): RegistryWrite => ({ kind: 'remove-instance', instance });

const keyWrite = ({ key, value, modifyIndex }: KvWrite): RegistryWrite =>
  value === undefined ? { kind: 'remove-key', key, modifyIndex } : { kind: 'set-key', key, value, modifyIndex };

function ensureNodeWrites({ node, status, why, nodeIndex, checkIndex }: EnsureNode): readonly RegistryWrite[] {
  const check: Check = {
    consulNode: node.name,
    checkId: NODE_CHECK_ID,
    name: 'Kubernetes node',
    instanceId: '',
    service: '',
    status,
    notes: '',
    output: why,
  };
  return [
    ...(nodeIndex === undefined ? [] : [{ kind: 'set-node' as const, node, modifyIndex: nodeIndex }]),
    ...(checkIndex === undefined ? [] : [{ kind: 'set-check' as const, check, modifyIndex: checkIndex }]),
  ];
}

/** One operation of `PUT /v1/txn`, as it is sent. */
export type TransactionOperation =
  | { readonly KV: Readonly<Record<string, unknown>> }
  | { readonly Node: Readonly<Record<string, unknown>> }
  | { readonly Service: Readonly<Record<string, unknown>> }
  | { readonly Check: Readonly<Record<string, unknown>> };

/** The operation of a write; `flags` mark a KV entry as ours. Consul compares the index with the one that the object has then. */
export function operationOf(write: RegistryWrite, flags: number): TransactionOperation {
  switch (write.kind) {
    case 'set-node':
      return { Node: { Verb: 'cas', Node: nodeBody(write.node, write.modifyIndex) } };
    case 'set-instance':
      return { Service: { Verb: 'cas', Node: write.instance.consulNode, Service: instanceBody(write.instance, write.modifyIndex) } };
    case 'set-check':
      return { Check: { Verb: 'cas', Check: checkBody(write.check, write.modifyIndex) } };
    case 'set-key': {
      const value = Buffer.from(write.value, 'utf8').toString('base64');
      return { KV: { Verb: 'cas', Key: write.key, Value: value, Flags: flags, Index: write.modifyIndex } };
    }
    case 'remove-node':
      return { Node: { Verb: 'delete-cas', Node: { Node: write.name, ModifyIndex: write.modifyIndex } } };
    case 'remove-instance': {
      const { consulNode, id, service, modifyIndex } = write.instance;
      // Consul refuses a deletion without the name, for its ACL is by name.
      return { Service: { Verb: 'delete-cas', Node: consulNode, Service: { ID: id, Service: service, ModifyIndex: modifyIndex } } };
    }
    case 'remove-check': {
      const { consulNode, checkId, modifyIndex } = write.check;
      return { Check: { Verb: 'delete-cas', Check: { Node: consulNode, CheckID: checkId, ModifyIndex: modifyIndex } } };
    }
    case 'remove-key':
      return { KV: { Verb: 'delete-cas', Key: write.key, Index: write.modifyIndex } };
    default:
      return assertNever(write);
  }
}

const nodeBody = (node: SyntheticNode, modifyIndex: number) => ({
  ID: node.id,
  Node: node.name,
  Address: node.address,
  Meta: node.meta,
  ModifyIndex: modifyIndex,
});

const instanceBody = (instance: Instance, modifyIndex: number) => ({
  ID: instance.id,
  Service: instance.service,
  Address: instance.address,
  Port: instance.port,
  Tags: instance.tags,
  Meta: instance.meta,
  ModifyIndex: modifyIndex,
});

const checkBody = (check: Check, modifyIndex: number) => ({
  Node: check.consulNode,
  CheckID: check.checkId,
  Name: check.name,
  Status: check.status,
  Notes: check.notes,
  Output: check.output,
  ServiceID: check.instanceId,
  // The ACL is checked on it before the store fills it in.
  ServiceName: check.service,
  ...(check.probe === undefined
    ? {}
    : { Definition: { TCP: check.probe.tcp, Interval: check.probe.interval, Timeout: check.probe.timeout } }),
  ModifyIndex: modifyIndex,
});

/** Operation 0 of every transaction: the leader key must be held by this session. */
export const fenceOperation = (fence: { readonly key: KvKey; readonly session: string }): TransactionOperation => ({
  KV: { Verb: 'check-session', Key: fence.key, Session: fence.session },
});
