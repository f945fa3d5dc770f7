import { catalogName } from '../../core/model/consul-names.ts';
import { type KvKey, kvKey } from '../../core/model/ids.ts';
import type { Check, CheckStatus, SyntheticNode, TcpProbe } from '../../core/model/registration.ts';
import { AppError } from '../../shared/errors.ts';
import { badAnswer } from './consul-failure.ts';

/** A node of the catalog, anyone's. As everywhere below names of nodes and ids stand as `catalogName`, whoever spelt them. */
export interface CatalogNode extends SyntheticNode {
  readonly modifyIndex: number;
}

/** A service instance of the catalog, anyone's. */
export interface CatalogInstance {
  readonly consulNode: string;
  readonly id: string;
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly modifyIndex: number;
}

/** A service instance with what matters of the node that it stands on; their names as they are spelt. */
export interface ServiceInstance extends CatalogInstance {
  readonly nodeAddress: string;
  readonly nodeMeta: Readonly<Record<string, string>>;
}

/** A check of the catalog, anyone's. */
export interface CatalogCheck extends Check {
  readonly modifyIndex: number;
}

/** A KV entry, with the session that holds it (empty: none). */
export interface KeyValue {
  readonly key: KvKey;
  readonly value: string;
  readonly flags: number;
  readonly session: string;
  readonly modifyIndex: number;
}

/** An ACL token, without its secret. */
export interface TokenFacts {
  readonly accessor: string;
  readonly description: string;
  /** RFC 3339; undefined when it does not expire. */
  readonly expires: string | undefined;
}

/** One result of a transaction: what was written, and its index now. Deletions give none. */
export interface TransactionResult {
  readonly kind: 'kv' | 'node' | 'service' | 'check';
  /** Key, or as `catalogName`: node name, service id or check id. */
  readonly id: string;
  readonly modifyIndex: number;
}

/** Why a transaction was rolled back: the operation and Consul's words. */
export interface TransactionError {
  readonly operation: number;
  readonly what: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Each decoder throws CONSUL_BAD_ANSWER, naming the place, when Consul cannot have given this answer. */
export function decodeNodes(body: unknown): readonly CatalogNode[] {
  return list(body, 'nodes').map((item) => decodeNode(record(item, 'node')));
}

function decodeNode(node: Json): CatalogNode {
  return {
    name: catalogName(text(node, 'Node')),
    id: optionalText(node, 'ID'),
    address: optionalText(node, 'Address'),
    meta: textMap(node['Meta'], 'Meta'),
    modifyIndex: integer(node, 'ModifyIndex'),
  };
}

/** The instances on one node; undefined when the node does not exist. */
export function decodeNodeInstances(body: unknown): readonly CatalogInstance[] | undefined {
  const answer = record(body, 'node-services');
  if (answer['Node'] === null) return undefined;
  const consulNode = catalogName(text(record(answer['Node'], 'Node'), 'Node'));
  return list(answer['Services'] ?? [], 'Services').map((item) => decodeInstance(consulNode, record(item, 'service')));
}

function decodeInstance(consulNode: string, service: Json): CatalogInstance {
  return {
    consulNode,
    id: catalogName(text(service, 'ID')),
    service: text(service, 'Service'),
    address: optionalText(service, 'Address'),
    port: integer(service, 'Port'),
    tags: texts(service['Tags'] ?? [], 'Tags'),
    meta: textMap(service['Meta'], 'Meta'),
    modifyIndex: integer(service, 'ModifyIndex'),
  };
}

/** The instances of one Consul service, on whatever nodes. */
export function decodeServiceInstances(body: unknown): readonly ServiceInstance[] {
  return list(body, 'instances').map((item) => {
    const instance = record(item, 'instance');
    return {
      consulNode: text(instance, 'Node'),
      nodeAddress: optionalText(instance, 'Address'),
      nodeMeta: textMap(instance['NodeMeta'], 'NodeMeta'),
      id: text(instance, 'ServiceID'),
      service: text(instance, 'ServiceName'),
      address: optionalText(instance, 'ServiceAddress'),
      port: integer(instance, 'ServicePort'),
      tags: texts(instance['ServiceTags'] ?? [], 'ServiceTags'),
      meta: textMap(instance['ServiceMeta'], 'ServiceMeta'),
      modifyIndex: integer(instance, 'ModifyIndex'),
    };
  });
}

export function decodeChecks(body: unknown): readonly CatalogCheck[] {
  return list(body, 'checks').map((item) => decodeCheck(record(item, 'check')));
}

function decodeCheck(check: Json): CatalogCheck {
  const probe = decodeProbe(record(check['Definition'] ?? {}, 'Definition'));
  return {
    consulNode: catalogName(text(check, 'Node')),
    checkId: catalogName(text(check, 'CheckID')),
    name: optionalText(check, 'Name'),
    instanceId: catalogName(optionalText(check, 'ServiceID')),
    service: optionalText(check, 'ServiceName'),
    status: checkStatus(optionalText(check, 'Status')),
    notes: optionalText(check, 'Notes'),
    output: optionalText(check, 'Output'),
    ...(probe === undefined ? {} : { probe }),
    modifyIndex: integer(check, 'ModifyIndex'),
  };
}

/** Undefined for a definition of anything but a TCP connection. */
function decodeProbe(definition: Json): TcpProbe | undefined {
  const tcp = optionalText(definition, 'TCP');
  if (tcp === '') return undefined;
  return { tcp, interval: optionalText(definition, 'Interval'), timeout: optionalText(definition, 'Timeout') };
}

// Consul stores any word; readers treat an unknown one as not passing.
const checkStatus = (status: string): CheckStatus => (status === 'passing' || status === 'warning' ? status : 'critical');

/** `/v1/catalog/services`: the names, with all tags that any of the instances has, in order. */
export const decodeServices = (body: unknown): ReadonlyMap<string, readonly string[]> =>
  new Map(Object.entries(record(body, 'services')).map(([name, tags]) => [name, [...texts(tags ?? [], name)].sort()]));

/** KV entries whose values the client package has decoded already. An absent body (404) means none. */
export function decodeKeyValues(body: unknown): readonly KeyValue[] {
  return list(body ?? [], 'entries').map((item) => {
    const entry = record(item, 'entry');
    return {
      key: kvKey(text(entry, 'Key')),
      value: optionalText(entry, 'Value'),
      flags: integer(entry, 'Flags'),
      session: optionalText(entry, 'Session'),
      modifyIndex: integer(entry, 'ModifyIndex'),
    };
  });
}

/** Key names. An absent body (404) means none. */
export const decodeKeys = (body: unknown): readonly string[] => list(body ?? [], 'keys').map((key) => string(key, 'keys'));

/** The server's version from `/v1/agent/self`. */
export const decodeVersion = (body: unknown): string => text(record(record(body, 'self')['Config'], 'Config'), 'Version');

/** The answer of `/v1/acl/token/self`. */
export function decodeToken(body: unknown): TokenFacts {
  const token = record(body, 'token');
  const expires = optionalText(token, 'ExpirationTime');
  return {
    accessor: text(token, 'AccessorID'),
    description: optionalText(token, 'Description'),
    expires: expires === '' ? undefined : expires,
  };
}

/** The id of a created session. */
export const decodeSessionId = (body: unknown): string => text(record(body, 'session'), 'ID');

/** The results of a transaction that was applied, in the order of its operations. */
export function decodeResults(body: unknown): readonly TransactionResult[] {
  return list(record(body, 'transaction')['Results'] ?? [], 'Results').map((item) => {
    const result = record(item, 'result');
    if (result['KV'] !== undefined) return decodeResult('kv', result['KV'], 'Key');
    if (result['Node'] !== undefined) return decodeResult('node', result['Node'], 'Node');
    if (result['Service'] !== undefined) return decodeResult('service', result['Service'], 'ID');
    return decodeResult('check', result['Check'], 'CheckID');
  });
}

function decodeResult(kind: TransactionResult['kind'], value: unknown, idField: string): TransactionResult {
  const result = record(value, kind);
  const id = text(result, idField);
  return { kind, id: kind === 'kv' ? id : catalogName(id), modifyIndex: integer(result, 'ModifyIndex') };
}

/** The errors of a transaction that was rolled back. */
export function decodeErrors(body: unknown): readonly TransactionError[] {
  return list(record(body, 'transaction')['Errors'], 'Errors').map((item) => {
    const error = record(item, 'error');
    return { operation: integer(error, 'OpIndex'), what: text(error, 'What') };
  });
}

function record(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(what, 'an object', value);
  return value as Json;
}

function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(what, 'a list', value);
}

function string(value: unknown, what: string): string {
  return typeof value === 'string' ? value : refuse(what, 'a text', value);
}

function text(from: Json, field: string): string {
  const value = string(from[field], field);
  return value === '' ? refuse(field, 'a text that is not empty', value) : value;
}

/** Consul writes an empty text as "", null or not at all. */
const optionalText = (from: Json, field: string): string => string(from[field] ?? '', field);

function integer(from: Json, field: string): number {
  const value = from[field];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : refuse(field, 'a number', value);
}

/** The very list that was parsed, without a copy: a catalog has many. */
function texts(value: unknown, what: string): readonly string[] {
  const items = list(value, what);
  for (const item of items) string(item, what);
  return items as readonly string[];
}

/** The very record that was parsed, without a copy. */
function textMap(value: unknown, what: string): Readonly<Record<string, string>> {
  const map = record(value ?? {}, what);
  for (const key of Object.keys(map)) if (typeof map[key] !== 'string') refuse(`${what}.${key}`, 'a text', map[key]);
  return map as Readonly<Record<string, string>>;
}

function refuse(what: string, wanted: string, got: unknown): never {
  const shown = got === undefined ? 'nothing' : (JSON.stringify(got) ?? String(got)).slice(0, 80);
  throw new AppError(badAnswer(`Consul's answer has ${shown} where ${wanted} should stand (${what})`));
}
