import type { TransactionOperation } from './registry-write.ts';

/** Where everything of ours is, in Consul Enterprise. */
export interface EnterpriseScope {
  readonly namespace?: string | undefined;
  readonly partition?: string | undefined;
}

/** The headers by which every endpoint but transactions learns the scope. */
export const scopeHeaders = ({ namespace, partition }: EnterpriseScope = {}): Readonly<Record<string, string>> => ({
  ...(namespace === undefined ? {} : { 'x-consul-namespace': namespace }),
  ...(partition === undefined ? {} : { 'x-consul-partition': partition }),
});

/** A transaction ignores the headers: each object in it names its own scope. Nodes belong to no namespace. */
export function scopedOperation(operation: TransactionOperation, { namespace, partition }: EnterpriseScope = {}): TransactionOperation {
  const ofPartition = partition === undefined ? {} : { Partition: partition };
  const scope = { ...(namespace === undefined ? {} : { Namespace: namespace }), ...ofPartition };
  if ('KV' in operation) return { KV: { ...operation.KV, ...scope } };
  if ('Node' in operation) return { Node: { ...operation.Node, Node: { ...inner(operation.Node['Node']), ...ofPartition } } };
  if ('Service' in operation) return { Service: { ...operation.Service, Service: { ...inner(operation.Service['Service']), ...scope } } };
  return { Check: { ...operation.Check, Check: { ...inner(operation.Check['Check']), ...scope } } };
}

const inner = (value: unknown): object => value as object;
