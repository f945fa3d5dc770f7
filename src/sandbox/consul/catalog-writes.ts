import { isDeepStrictEqual } from 'node:util';
import { destroySession } from './kv-writes.ts';
import {
  type CheckRecord,
  ConsulError,
  type Content,
  inKeyOrder,
  type NodeRecord,
  nameKey,
  type RaftIndexes,
  type ServiceRecord,
  touch,
  type Write,
} from './records.ts';

/** The record to store: `existing` itself when the content is the same, since an idempotent write bumps no index. */
function indexed<T extends RaftIndexes & { readonly Node: string }>(write: Write, content: Content<T>, existing: T | undefined): T {
  const record = { ...content, CreateIndex: existing?.CreateIndex ?? write.index, ModifyIndex: write.index } as unknown as T;
  if (existing === undefined || nameKey(record.Node) !== nameKey(existing.Node)) return record;
  return isDeepStrictEqual({ ...record, Node: existing.Node, ModifyIndex: existing.ModifyIndex }, existing) ? existing : record;
}

/** Says that everything read about the services of a node changes. */
function touchServicesOfNode(write: Write, node: string): void {
  for (const service of inKeyOrder(write.tables.services, nameKey(node, ''))) touch(write, `service.${nameKey(service.Service)}`);
}

function requireNode(write: Write, name: string): void {
  if (!write.tables.nodes.has(nameKey(name))) throw new ConsulError('Missing node registration');
}

/** A node's name may be taken over by another ID, unless its agent is seen alive: only agents' nodes have `serfHealth`. */
function refuseReservedName({ tables }: Write, node: Content<NodeRecord>): void {
  const holder = tables.nodes.get(nameKey(node.Node));
  if (holder === undefined || holder.ID === node.ID) return;
  if ((tables.checks.get(nameKey(holder.Node, 'serfHealth'))?.Status ?? 'critical') === 'critical') return;
  const reserved = `Node name ${node.Node} is reserved by node ${holder.ID} with name ${holder.Node} (${holder.Address})`;
  throw new ConsulError(`Error while renaming Node ID: "${node.ID}": ${reserved}`);
}

/** Creates or changes a node. The ID of another node renames that one: its services, checks and sessions are gone. */
export function setNode(write: Write, node: Content<NodeRecord>): NodeRecord {
  const { nodes } = write.tables;
  const byId = node.ID === '' ? undefined : [...nodes.values()].find((other) => other.ID === node.ID);
  if (node.ID !== '') refuseReservedName(write, node);
  if (byId !== undefined && nameKey(byId.Node) !== nameKey(node.Node)) deleteNode(write, byId);
  const existing = byId ?? nodes.get(nameKey(node.Node));
  const record = indexed(write, node, existing);
  if (record === existing) return record;
  nodes.set(nameKey(node.Node), record);
  touch(write, 'nodes', `node.${nameKey(node.Node)}`);
  touchServicesOfNode(write, node.Node);
  return record;
}

/** Deletes a node with its services, checks and sessions. */
export function deleteNode(write: Write, { Node: name }: Pick<NodeRecord, 'Node'>): void {
  const { nodes, services, checks, sessions, indexes } = write.tables;
  if (!nodes.has(nameKey(name))) return;
  for (const service of inKeyOrder(services, nameKey(name, ''))) deleteService(write, service);
  for (const check of inKeyOrder(checks, nameKey(name, ''))) deleteCheck(write, check);
  nodes.delete(nameKey(name));
  indexes.delete(`node.${nameKey(name)}`);
  touch(write, 'nodes', 'node-extinction');
  for (const session of sessions.values()) if (nameKey(session.Node) === nameKey(name)) destroySession(write, session.ID);
}

/** Creates or changes an instance; its node must exist. */
export function setService(write: Write, service: Content<ServiceRecord>): ServiceRecord {
  requireNode(write, service.Node);
  const key = nameKey(service.Node, service.ID);
  const existing = write.tables.services.get(key);
  const record = indexed(write, service, existing);
  if (record === existing) return record;
  write.tables.services.set(key, record);
  touch(write, 'services', `service.${nameKey(service.Service)}`, 'nodes', `node.${nameKey(service.Node)}`);
  return record;
}

/** Deletes an instance and its checks. */
export function deleteService(write: Write, { Node: node, ID: id }: Pick<ServiceRecord, 'Node' | 'ID'>): void {
  const { services, checks, indexes } = write.tables;
  const service = services.get(nameKey(node, id));
  if (service === undefined) return;
  for (const check of inKeyOrder(checks, nameKey(node, ''))) {
    if (nameKey(check.ServiceID) === nameKey(id)) deleteCheck(write, check);
  }
  services.delete(nameKey(node, id));
  touch(write, 'checks', 'services', 'nodes', `node.${nameKey(node)}`);
  const name = nameKey(service.Service);
  if ([...services.values()].some((other) => nameKey(other.Service) === name)) {
    touch(write, `service.${name}`);
  } else {
    indexes.delete(`service.${name}`);
    touch(write, 'service-extinction');
  }
}

/** Creates or changes a check; its node, and its instance if it names one, must exist. */
export function setCheck(write: Write, check: Content<CheckRecord>): CheckRecord {
  requireNode(write, check.Node);
  const service = check.ServiceID === '' ? undefined : write.tables.services.get(nameKey(check.Node, check.ServiceID));
  if (check.ServiceID !== '' && service === undefined) throw new ConsulError('Missing service registration');
  const key = nameKey(check.Node, check.CheckID);
  const existing = write.tables.checks.get(key);
  const ofService = service === undefined ? {} : { ServiceName: service.Service, ServiceTags: service.Tags };
  const record = indexed(write, { ...check, ...ofService }, existing);
  if (record === existing) return record;
  write.tables.checks.set(key, record);
  touch(write, 'checks');
  if (service === undefined) touchServicesOfNode(write, check.Node);
  else touch(write, `service.${nameKey(service.Service)}`);
  return record;
}

/** Deletes a check. */
export function deleteCheck(write: Write, { Node: node, CheckID: id }: Pick<CheckRecord, 'Node' | 'CheckID'>): void {
  const check = write.tables.checks.get(nameKey(node, id));
  if (check === undefined) return;
  write.tables.checks.delete(nameKey(node, id));
  touch(write, 'checks');
  if (check.ServiceID === '') touchServicesOfNode(write, node);
  touch(write, check.ServiceID === '' ? 'services' : `service.${nameKey(check.ServiceName)}`);
}
