import type { RecordedRequest } from './recording-proxy.ts';

/** The kinds of write that the daemon makes, as crash points are named by them. */
export type WriteKind =
  | 'Lease'
  | 'Lease given up'
  | 'Deployment apply'
  | 'Service apply'
  | 'Service apply with a draining port'
  | 'Service delete'
  | 'Deployment delete'
  | 'session create'
  | 'session destroy'
  | 'lock acquire'
  | 'lock release'
  | 'canaries'
  | 'Consul nodes'
  | 'Consul node delete'
  | 'pool register'
  | 'pool change'
  | 'pool port move'
  | 'pool deregister'
  | 'deployments key'
  | 'specification'
  | 'specification forgotten'
  | 'drain key'
  | 'drain forgotten'
  | 'memory'
  | 'unknown';

/** What a request writes; undefined for a read and for the renewal of a session. Of a transaction of several actions: each kind. */
export function writeKindsOf(request: RecordedRequest): readonly WriteKind[] {
  const { method, path } = request;
  if (method === 'GET' || method === 'HEAD') return [];
  if (path.startsWith('/v1/session/renew/')) return [];
  if (path === '/v1/txn') return transactionKinds(JSON.parse(request.body) as readonly Operation[]);
  if (path.startsWith('/v1/')) return [consulKind(request)];
  return [kubernetesKind(request)];
}

function consulKind({ path, query }: RecordedRequest): WriteKind {
  if (path === '/v1/session/create') return 'session create';
  if (path.startsWith('/v1/session/destroy/')) return 'session destroy';
  if (path.startsWith('/v1/kv/') && query.has('acquire')) return 'lock acquire';
  if (path.startsWith('/v1/kv/') && query.has('release')) return 'lock release';
  return 'unknown';
}

function kubernetesKind({ method, path, body }: RecordedRequest): WriteKind {
  if (path.includes('/coordination.k8s.io/')) return body.includes('"holderIdentity":""') ? 'Lease given up' : 'Lease';
  const resource = /\/(services|deployments)\/[^/]+$/.exec(path)?.[1];
  if (resource === 'deployments') return method === 'DELETE' ? 'Deployment delete' : method === 'PATCH' ? 'Deployment apply' : 'unknown';
  if (resource !== 'services') return 'unknown';
  if (method === 'DELETE') return 'Service delete';
  if (method !== 'PATCH') return 'unknown';
  return body.includes('-draining"') ? 'Service apply with a draining port' : 'Service apply';
}

interface Operation {
  readonly KV?: { readonly Verb: string; readonly Key: string };
  readonly Node?: { readonly Verb: string; readonly Node: { readonly Node: string } };
  readonly Service?: { readonly Verb: string; readonly Service: { readonly ModifyIndex?: number } };
  readonly Check?: { readonly Verb: string };
}

function transactionKinds(operations: readonly Operation[]): readonly WriteKind[] {
  const keys = operations.flatMap(({ KV }) => (KV === undefined || KV.Verb.startsWith('check') ? [] : [KV]));
  const nodes = operations.flatMap(({ Node }) => (Node === undefined ? [] : [Node]));
  const services = operations.flatMap(({ Service }) => (Service === undefined ? [] : [Service]));
  const draining = keys.find(({ Key }) => Key.includes('/draining/'));
  if (keys.some(({ Key }) => Key.endsWith('/canary')) || nodes.some(({ Node }) => Node.Node.endsWith('-canary'))) return ['canaries'];
  const kinds: WriteKind[] = [];
  if (nodes.some(({ Verb }) => Verb.startsWith('delete'))) kinds.push('Consul node delete');
  else if (nodes.length > 0 || (services.length === 0 && operations.some(({ Check }) => Check !== undefined))) kinds.push('Consul nodes');
  const set = services.filter(({ Verb }) => !Verb.startsWith('delete'));
  if (set.length > 0) {
    const fresh = set.every(({ Service }) => (Service.ModifyIndex ?? 0) === 0);
    kinds.push(fresh ? 'pool register' : draining !== undefined && !isDelete(draining) ? 'pool port move' : 'pool change');
  } else if (services.length > 0) kinds.push('pool deregister');
  if (keys.some(({ Key }) => Key.endsWith('/memory'))) kinds.push('memory');
  if (draining !== undefined && isDelete(draining)) kinds.push('drain forgotten');
  else if (draining !== undefined && services.length === 0) kinds.push('drain key');
  const records = keys.filter(({ Key }) => Key.includes('/specifications/'));
  if (records.length > 0) kinds.push(records.every(isDelete) ? 'specification forgotten' : 'specification');
  if (kinds.length === 0 && keys.some(({ Key }) => Key.includes('/deployments/'))) kinds.push('deployments key');
  return kinds.length === 0 ? ['unknown'] : kinds;
}

const isDelete = ({ Verb }: { readonly Verb: string }): boolean => Verb.startsWith('delete');
