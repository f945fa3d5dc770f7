import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError, badRequest, invalid, requiredField, statusOf } from './api-error.ts';
import { type ApiObject, type Fields, isFields } from './api-object.ts';
import { Faults, type RequestRecord, type Verb } from './faults.ts';
import type { ObjectApi, Target, WriteOptions } from './object-api.ts';
import type { ObjectStore } from './object-store.ts';
import { jsonPatch, mergePatch } from './patch-json.ts';
import { discover, parseTarget } from './request-target.ts';
import { apiVersionOf } from './resource-types.ts';
import { parseSelectors } from './selectors.ts';
import type { WatchHub, WatchRequest } from './watch-hub.ts';

/** What the HTTP stands before, and its options. */
export interface HttpApiParts {
  readonly store: ObjectStore;
  readonly objects: ObjectApi;
  readonly watches: WatchHub;
  /** Milliseconds between the bookmarks of a watch. */
  readonly bookmarkIntervalMs: number;
  /** When set, every request needs this bearer token. */
  readonly token: string | undefined;
}

interface Call {
  readonly target: Target;
  readonly verb: Verb;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The API over HTTP: routes, content types, lists and watches; records requests and lets faults happen. */
export class HttpApi {
  readonly server: Server;
  readonly faults = new Faults();
  readonly requests: RequestRecord[] = [];
  readonly #parts: HttpApiParts;

  constructor(parts: HttpApiParts) {
    this.#parts = parts;
    this.server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        const refused = error instanceof ApiError ? error : new ApiError(500, 'InternalError', String(error));
        send(response, refused.code, statusOf(refused));
      });
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://sandbox');
    if (pathname === '/readyz' || pathname === '/livez') return void response.end('ok');
    const { token } = this.#parts;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    const discovered = discover(pathname);
    if (discovered !== undefined) return send(response, 200, discovered);
    const target = parseTarget(pathname);
    const call = { target, verb: verbOf(request.method ?? '', target, query), query, request, response };
    const body = await readBody(request);
    const { type, namespace, name } = target;
    const record = { verb: call.verb, resource: type.resource, namespace, name, dryRun: query.get('dryRun') === 'All' };
    this.requests.push(record);
    const fault = this.faults.take(record);
    if (typeof fault === 'object') throw new ApiError(fault.status, '', fault.message ?? 'injected fault');
    if (fault === 'hang') return;
    if (fault === 'close') return void response.destroy();
    if (call.verb === 'watch') return this.#watch(call);
    const [code, answer] = this.#answer(call, body);
    if (fault === 'lose-answer') return void response.destroy();
    send(response, code, wantsMetadata(request) ? metadataOnly(answer) : answer);
  }

  #answer({ target, verb, query, request }: Call, body: unknown): [number, unknown] {
    const { objects, store } = this.#parts;
    const { type, namespace, name } = target;
    const agent = request.headers['user-agent']?.split('/')[0] ?? 'unknown';
    const options: WriteOptions = { manager: query.get('fieldManager') ?? agent, dryRun: query.get('dryRun') === 'All' };
    if (verb === 'list') return [200, this.#list(target, query)];
    if (verb === 'get') return [200, objects.get(target)];
    if (verb === 'create') return [201, objects.create(target, body, options)];
    if (verb === 'update') return [200, objects.update(target, body, options)];
    if (verb === 'delete') {
      const gone = objects.delete(target, { ...(isFields(body) ? body : {}), ...(options.dryRun && { dryRun: true }) });
      if (gone.metadata.deletionTimestamp !== undefined || type.kind === 'Service') return [200, gone];
      const details = { name, kind: type.resource, ...(type.group && { group: type.group }), uid: gone.metadata.uid };
      return [200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }];
    }
    const contentType = request.headers['content-type']?.split(';')[0];
    if (contentType === 'application/apply-patch+yaml') {
      if (!query.has('fieldManager'))
        throw invalid({ ...type, kind: 'PatchOptions', group: 'meta.k8s.io' }, '', [requiredField('fieldManager')]);
      const code = store.get(type.resource, namespace, name) === undefined ? 201 : 200;
      return [code, objects.apply(target, body, { ...options, force: query.get('force') === 'true' })];
    }
    const change = contentType === 'application/json-patch+json' ? jsonPatch : mergePatch;
    return [200, objects.update(target, change(objects.get(target), body), options)];
  }

  /** Pages are cut by key; a page's token dies when the history before it is compacted. */
  #list({ type, namespace }: Target, query: URLSearchParams): Fields {
    const { store } = this.#parts;
    const token = query.get('continue');
    const [version, after] = token ? (JSON.parse(Buffer.from(token, 'base64url').toString()) as [number, string]) : [store.version, ''];
    if (store.since(version) === undefined) throw new ApiError(410, 'Expired', 'The provided continue parameter is too old');
    const matches = parseSelectors(query);
    const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
    const found = store.list(type.resource, namespace).filter((object) => matches(object) && keyOf(object) > after);
    const page = found.slice(0, Number(query.get('limit')) || found.length);
    const last = page.at(-1);
    const isCut = last !== undefined && page.length < found.length;
    const next = isCut ? { continue: Buffer.from(JSON.stringify([version, keyOf(last)])).toString('base64url') } : {};
    // Listed objects have neither kind nor apiVersion.
    const items = page.map(({ kind: _kind, apiVersion: _version, ...item }) => item);
    return { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata: { resourceVersion: String(version), ...next }, items };
  }

  #watch({ target, query, request, response }: Call): void {
    const { watches, bookmarkIntervalMs } = this.#parts;
    const shown = wantsMetadata(request) ? metadataOnly : (object: unknown): unknown => object;
    response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    const watch: WatchRequest = {
      type: target.type,
      namespace: target.namespace,
      selector: parseSelectors(query),
      after: Number(query.get('resourceVersion')) || undefined,
      send: ({ type, object }) => response.write(`${JSON.stringify({ type, object: shown(object) })}\n`),
      end: () => response.end(),
    };
    const forget = watches.open(watch);
    const wantsBookmarks = query.get('allowWatchBookmarks') === 'true';
    const bookmarks = wantsBookmarks ? setInterval(() => watches.bookmark(watch), bookmarkIntervalMs) : undefined;
    const timeout = setTimeout(watch.end, (Number(query.get('timeoutSeconds')) || 3600) * 1000);
    response.on('close', () => {
      forget();
      clearInterval(bookmarks);
      clearTimeout(timeout);
    });
  }
}

function verbOf(method: string, { name }: Target, query: URLSearchParams): Verb {
  if (method === 'GET' && name !== '') return 'get';
  if (method === 'GET') return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
  if (method === 'POST' && name === '') return 'create';
  const verb = ({ PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const)[method];
  if (verb !== undefined && name !== '') return verb;
  throw new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw badRequest(`error decoding JSON: ${String(error)}`);
  }
}

const wantsMetadata = ({ headers }: IncomingMessage): boolean => headers.accept?.includes('as=PartialObjectMetadata') ?? false;

function metadataOnly(body: unknown): unknown {
  if (!isFields(body) || body['kind'] === 'Status') return body;
  const { items, metadata } = body;
  const list = Array.isArray(items) ? { items: items.map(metadataOnly) } : {};
  return {
    kind: Array.isArray(items) ? 'PartialObjectMetadataList' : 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    ...list,
  };
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
