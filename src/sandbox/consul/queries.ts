import { type Filter, parseFilter } from './filter.ts';
import {
  CHECK,
  type CheckRecord,
  ConsulError,
  inKeyOrder,
  NODE,
  type NodeRecord,
  nameKey,
  SERVICE,
  type ServiceRecord,
  type Tables,
} from './records.ts';
import { serviceView } from './transaction.ts';

/** A read that a waiting reader runs again and again: the index of what it looks at, and the body. Without a body: 404. */
export type Query = (tables: Tables) => { readonly index: number; readonly body: unknown };
type QueryMaker = (name: string, params: URLSearchParams) => Query;

const indexOf = ({ indexes }: Tables, ...names: readonly string[]): number => Math.max(...names.map((name) => indexes.get(name) ?? 0));

function filterOf(params: URLSearchParams, template: object): Filter {
  const expression = params.get('filter') ?? '';
  return expression === '' ? () => true : parseFilter(expression, Object.keys(template));
}

/** Whether a node carries every `node-meta=key:value` of the query. */
function nodeMetaOf(params: URLSearchParams): (node: NodeRecord | undefined) => boolean {
  const wanted = params.getAll('node-meta').map((pair) => pair.split(/:(.*)/s));
  return (node) => wanted.every(([key = '', value = '']) => node?.Meta?.[key] === value);
}

const withTags = (service: ServiceRecord) => ({ ...serviceView(service), Tags: service.Tags ?? [] });
const checkView = (check: CheckRecord): CheckRecord => ({ ...check, ServiceTags: check.ServiceTags ?? [] });

/** What a reader of one service waits on: its own index; when it has no instance, the last time any service lost its last one. */
const serviceIndex = (tables: Tables, name: string): number =>
  tables.indexes.get(`service.${nameKey(name)}`) ??
  tables.indexes.get('service-extinction') ??
  indexOf(tables, 'checks', 'services', 'nodes');

const nodes: QueryMaker = (_, params) => {
  const [filter, meta] = [filterOf(params, NODE), nodeMetaOf(params)];
  return (tables) => ({ index: indexOf(tables, 'nodes'), body: inKeyOrder(tables.nodes).filter((node) => meta(node) && filter(node)) });
};

const nodeServices: QueryMaker = (name, params) => {
  const filter = filterOf(params, SERVICE);
  return (tables) => {
    const node = tables.nodes.get(nameKey(name));
    if (node === undefined) return { index: indexOf(tables, 'node-extinction'), body: { Node: null, Services: null } };
    const services = inKeyOrder(tables.services, nameKey(name, '')).filter(filter).map(withTags);
    return { index: indexOf(tables, `node.${nameKey(name)}`), body: { Node: node, Services: services.length > 0 ? services : null } };
  };
};

const services: QueryMaker = (_, params) => (tables) => {
  const [filter, meta] = [filterOf(params, { Node: '', ServiceName: '', ServiceMeta: '' }), nodeMetaOf(params)];
  const tags: Record<string, string[]> = {};
  for (const { Node, Service, Tags, Meta } of inKeyOrder(tables.services)) {
    if (!meta(tables.nodes.get(nameKey(Node))) || !filter({ Node, ServiceName: Service, ServiceMeta: Meta })) continue;
    tags[Service] = [...new Set([...(tags[Service] ?? []), ...(Tags ?? [])])];
  }
  return { index: indexOf(tables, 'services', ...(params.has('node-meta') ? ['nodes'] : [])), body: tags };
};

const healthService: QueryMaker = (name, params) => {
  const [filter, meta] = [filterOf(params, { Node: '', Service: '', Checks: '' }), nodeMetaOf(params)];
  const tags = params.getAll('tag').map((tag) => tag.toLowerCase());
  return (tables) => {
    const found = inKeyOrder(tables.services).filter(
      ({ Service, Tags }) => nameKey(Service) === nameKey(name) && tags.every((tag) => Tags?.some((held) => held.toLowerCase() === tag)),
    );
    const entries = found.map((service) => ({
      Node: tables.nodes.get(nameKey(service.Node)),
      Service: withTags(service),
      Checks: inKeyOrder(tables.checks, nameKey(service.Node, ''))
        .filter((check) => check.ServiceID === '' || nameKey(check.ServiceID) === nameKey(service.ID))
        .map(checkView),
    }));
    const healthy = entries.filter(({ Checks }) => !params.has('passing') || Checks.every(({ Status }) => Status === 'passing'));
    return { index: serviceIndex(tables, name), body: healthy.filter((entry) => meta(entry.Node) && filter(entry)) };
  };
};

/** An instance as `/v1/catalog/service` shows it: its own fields begin with `Service`. */
const service: QueryMaker = (name, params) => (tables) => {
  const { index, body } = healthService(name, params)(tables);
  const view = ({ Node: { Meta: NodeMeta, ...node }, Service: held }: { readonly Node: NodeRecord; readonly Service: ServiceRecord }) => {
    const {
      Service: ServiceName,
      PeerName: _,
      CreateIndex,
      ModifyIndex,
      ...own
    } = { ...held, Port: held.Port ?? 0, Meta: held.Meta ?? {} };
    const prefixed = Object.fromEntries(Object.entries(own).map(([field, value]) => [`Service${field}`, value]));
    const fixed = { ServiceKind: '', ServiceSocketPath: '', ServiceLocality: null };
    return { ...node, NodeMeta, ServiceName, ...prefixed, ...fixed, CreateIndex, ModifyIndex };
  };
  return { index, body: (body as Parameters<typeof view>[0][]).map(view) };
};

/** The checks of one node, or of all nodes; in any state, or in one. */
function checks(prefix: string, state: string, params: URLSearchParams): Query {
  const [filter, meta] = [filterOf(params, CHECK), nodeMetaOf(params)];
  return (tables) => {
    const found = inKeyOrder(tables.checks, prefix).filter((check) => state === 'any' || check.Status === state);
    const shown = found.filter((check) => meta(tables.nodes.get(nameKey(check.Node))) && filter(check));
    return { index: indexOf(tables, 'checks'), body: shown.map(checkView) };
  };
}

/** One key; with `recurse` the entries under a prefix, with `keys` only their keys, as far as the first `separator` behind it. */
const kv: QueryMaker = (name, params) => (tables) => {
  if (name === '' && !params.has('recurse') && !params.has('keys')) throw new ConsulError('Missing key name', 400);
  const all = indexOf(tables, 'kvs');
  if (!params.has('recurse') && !params.has('keys')) {
    const entry = tables.kv.get(name);
    return { index: entry?.ModifyIndex ?? all, body: entry && [entry] };
  }
  const entries = inKeyOrder(tables.kv, name);
  const deleted = [...tables.tombstones].filter(([key]) => key.startsWith(name)).map(([, index]) => index);
  const own = name === '' ? 0 : Math.max(0, ...deleted, ...entries.map((entry) => entry.ModifyIndex));
  const found = params.has('keys') ? keysOf(entries, name.length, params.get('separator') ?? '') : entries;
  return { index: own || all, body: found.length > 0 || (params.has('keys') && name === '') ? found : undefined };
};

function keysOf(entries: readonly { readonly Key: string }[], from: number, separator: string): readonly string[] {
  const cut = entries.map(({ Key }) => {
    const at = separator === '' ? -1 : Key.indexOf(separator, from);
    return at < 0 ? Key : Key.slice(0, at + separator.length);
  });
  return [...new Set(cut)];
}

/** The reads that may wait, by the path before the name they ask for. */
export const QUERIES: Readonly<Record<string, QueryMaker>> = {
  '/v1/catalog/nodes': nodes,
  '/v1/catalog/services': services,
  '/v1/catalog/node-services/': nodeServices,
  '/v1/catalog/service/': service,
  '/v1/health/service/': healthService,
  '/v1/health/state/': (name, params) => checks('', name, params),
  '/v1/health/node/': (name, params) => checks(nameKey(name, ''), 'any', params),
  '/v1/kv/': kv,
  '/v1/session/info/': (name) => (tables) => ({ index: indexOf(tables, 'sessions'), body: [tables.sessions.get(name)].filter(Boolean) }),
};
