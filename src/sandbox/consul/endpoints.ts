import { randomUUID } from 'node:crypto';
import { errorText } from '../../shared/errors.ts';
import { isLockDelayed, KV_VERBS } from './kv-writes.ts';
import { QUERIES, type Query } from './queries.ts';
import { ConsulError, nameKey } from './records.ts';
import { AGENT_NODE, type ConsulStore, parseDuration } from './store.ts';
import { fill, type TxnOperation } from './transaction.ts';

/** One request, read whole. */
export interface ConsulRequest {
  readonly method: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly body: Buffer;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

/** An answer: a text is sent as it is, anything else as JSON; undefined is an empty one. */
export interface ConsulAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** What of the server can be set. */
export interface ServerLimits {
  readonly version: string;
  readonly maxOperations: number;
}

const MAX_BODY_BYTES = 512 * 1024;
const LIMITS_PAGE = 'https://developer.hashicorp.com/docs/agent/config/config-files';
const [DEFAULT_WAIT_MS, MAX_WAIT_MS] = [300_000, 600_000];
const [MIN_TTL_MS, MAX_TTL_MS] = [10_000, 86_400_000];

const JSON_TYPE = { 'content-type': 'application/json' };
const ok = (body: object | boolean): ConsulAnswer => ({ status: 200, body, headers: JSON_TYPE });

/** Answers one request as Consul does; throws ConsulError for what it refuses with a text. */
export async function answer(store: ConsulStore, limits: ServerLimits, request: ConsulRequest): Promise<ConsulAnswer> {
  const { method, path, params } = request;
  const prefix = Object.keys(QUERIES).find((known) => (known.endsWith('/') ? path.startsWith(known) : path === known));
  if (method === 'GET' && prefix !== undefined) {
    const query = QUERIES[prefix]?.(path.slice(prefix.length), params);
    if (query !== undefined) return read(store, query, request);
  }
  if (path.startsWith('/v1/kv/') && method !== 'GET') return ok(writeKey(store, request));
  const [route, id = ''] = path.split(/(?<=^\/v1\/session\/(?:renew|destroy)\/)/);
  switch (`${method} ${route}`) {
    case 'GET /v1/status/leader':
      return { ...ok({}), body: '"127.0.0.1:8300"' };
    case 'GET /v1/agent/self':
      return ok({ Config: { Datacenter: 'dc1', NodeName: AGENT_NODE, Server: true, Version: limits.version } });
    case 'PUT /v1/txn':
      return transact(store, limits, request.body);
    case 'PUT /v1/session/create':
      return ok({ ID: createSession(store, request.body) });
    case 'PUT /v1/session/renew/': {
      const session = store.tables.sessions.get(id);
      if (session === undefined) throw new ConsulError(`Session id '${id}' not found`, 404);
      store.renewSession(session);
      return ok([session]);
    }
    case 'PUT /v1/session/destroy/':
      store.destroySession(id);
      return ok(true);
    default:
      throw new ConsulError('Invalid URL path: not a recognized HTTP API endpoint\n', 404);
  }
}

/** Reads at once or, with an `index`, as soon as the index has passed it or the wait is over. */
async function read(store: ConsulStore, query: Query, { params, signal }: ConsulRequest): Promise<ConsulAnswer> {
  const waitMs = params.get('wait') ? parseDuration(params.get('wait') ?? '') : DEFAULT_WAIT_MS;
  if (waitMs === undefined) throw new ConsulError('Invalid wait time', 400);
  let after = Number(params.get('index') ?? 0);
  if (!Number.isInteger(after) || after < 0) throw new ConsulError('Invalid index', 400);
  const until = Date.now() + Math.min(waitMs, MAX_WAIT_MS);
  let found = query(store.tables);
  while (after > 0 && found.index <= after) {
    const missing = found.body === undefined;
    // A restored state ends the wait with the answer of the state that is gone, as Consul does.
    if ((await store.nextChange(until - Date.now(), signal)) !== 'changed') break;
    found = query(store.tables);
    // What was not there and still is not, is no news.
    if (missing && found.body === undefined) after = found.index;
  }
  const headers = {
    'x-consul-index': String(Math.max(found.index, 1)),
    'x-consul-knownleader': 'true',
    'x-consul-lastcontact': '0',
    'x-consul-effective-consistency': params.has('consistent') ? 'consistent' : 'leader',
  };
  if (found.body === undefined) return { status: 404, body: undefined, headers };
  return { status: 200, body: found.body, headers: { ...headers, ...JSON_TYPE } };
}

function parseBody(body: Buffer, what: string): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new ConsulError(`${what}: ${String(error)}`, 400);
  }
}

function transact(store: ConsulStore, limits: ServerLimits, body: Buffer): ConsulAnswer {
  if (body.length > MAX_BODY_BYTES) throw tooLarge(body.length, 'txn_max_req_len');
  const operations = (parseBody(body, 'Failed to parse body') ?? []) as readonly TxnOperation[];
  if (operations.length > limits.maxOperations) {
    throw new ConsulError(`Transaction contains too many operations (${operations.length} > ${limits.maxOperations})`, 413);
  }
  const outcome = store.transact(operations);
  if (outcome.kind === 'refused') return { ...ok({ Results: null, Errors: outcome.errors }), status: 409 };
  return ok({ Results: outcome.results, Errors: null });
}

const tooLarge = (bytes: number, option: string): ConsulError =>
  new ConsulError(`Request body(${bytes} bytes) too large, max size: ${MAX_BODY_BYTES} bytes. See ${LIMITS_PAGE}#${option}.`, 413);

/** What a write of a key means, by the first of these query parameters that it has. */
const KEY_VERBS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  PUT: { acquire: 'lock', release: 'unlock', cas: 'cas', '': 'set' },
  DELETE: { recurse: 'delete-tree', cas: 'delete-cas', '': 'delete' },
};

/** `PUT` or `DELETE` of a key: true when done, false when its condition did not hold. */
function writeKey(store: ConsulStore, { method, path, params, body }: ConsulRequest): boolean {
  const Key = path.slice('/v1/kv/'.length);
  if (Key === '' && !params.has('recurse')) throw new ConsulError('Missing key name', 400);
  if (body.length > MAX_BODY_BYTES) throw tooLarge(body.length, 'kv_max_value_size');
  const [Flags, Index] = [Number(params.get('flags') ?? 0), Number(params.get('cas') ?? 0)];
  const Session = params.get('acquire') ?? params.get('release') ?? '';
  const asked = { Key, Value: body.length === 0 ? null : body.toString('base64'), Flags, Index, Session };
  const [, verb = ''] = Object.entries(KEY_VERBS[method] ?? {}).find(([parameter]) => parameter === '' || params.has(parameter)) ?? [];
  try {
    return store.write((write) => !(verb === 'lock' && isLockDelayed(write, Key)) && KV_VERBS[verb]?.(write, asked) !== false);
  } catch (error) {
    throw new ConsulError(`raft apply failed: ${errorText(error)}`);
  }
}

/** Creates a session and gives its id. Without a lock delay it is 15 s; small numbers are seconds, as in Consul. */
function createSession(store: ConsulStore, body: Buffer): string {
  const given = (body.length === 0 ? {} : parseBody(body, 'Request decode failed')) as Readonly<Record<string, unknown>>;
  // The old name of the field; an empty list there takes the default of the new one away.
  const { Checks } = given;
  const NodeChecks = Array.isArray(Checks) && Checks.length === 0 ? [] : ['serfHealth'];
  const asked = fill({ Name: '', Node: AGENT_NODE, TTL: '', Behavior: 'release', NodeChecks }, given);
  if (!['release', 'delete'].includes(asked.Behavior)) throw new ConsulError(`Invalid Behavior setting '${asked.Behavior}'`);
  const ttlMs = parseDuration(asked.TTL || '0');
  if (ttlMs === undefined) throw new ConsulError(`Session TTL '${asked.TTL}' invalid: time: invalid duration "${asked.TTL}"`);
  if (ttlMs !== 0 && (ttlMs < MIN_TTL_MS || ttlMs > MAX_TTL_MS)) {
    throw new ConsulError(`Invalid Session TTL '${ttlMs * 1e6}', must be between [10s=24h0m0s]`);
  }
  if (!store.tables.nodes.has(nameKey(asked.Node))) throw new ConsulError('apply failed: Missing node registration');
  const delay =
    typeof given['LockDelay'] === 'number' ? given['LockDelay'] : (parseDuration(fill({ LockDelay: '15s' }, given).LockDelay) ?? 0) * 1e6;
  const delayNs = delay < 1000 ? delay * 1e9 : delay;
  const ID = randomUUID();
  store.createSession({ ...asked, ID, LockDelay: delayNs, ServiceChecks: null });
  return ID;
}
