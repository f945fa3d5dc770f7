import { deleteCheck, deleteNode, deleteService, setCheck, setNode, setService } from './catalog-writes.ts';
import { isLockDelayed, KV_VERBS } from './kv-writes.ts';
import { CHECK, ConsulError, casMatches, NODE, nameKey, type RaftIndexes, SERVICE, type ServiceRecord, type Write } from './records.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One operation of `/v1/txn` in Consul's own spelling: `{ KV: { Verb, Key } }`, `{ Service: { Verb, Node, Service: {…} } }`, … */
export type TxnOperation = Readonly<Partial<Record<'KV' | 'Node' | 'Service' | 'Check', Fields>>>;
/** What stood in the way, and at which operation. */
export interface TxnError {
  readonly OpIndex: number;
  readonly What: string;
}

/** An operation on one record of the catalog, ready to be done. */
interface CatalogStep {
  readonly title: string;
  readonly existing: RaftIndexes | undefined;
  readonly set: () => RaftIndexes;
  readonly remove: () => void;
}

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/** The fields of `template`, as `given` where it says something, with the template's defaults where not. */
export function fill<T extends object>(template: T, given: Fields): T {
  const defaults: readonly (readonly [string, unknown])[] = Object.entries(template);
  const filled = defaults.map(([name, value]) => [name, (given[name] === '' ? value : given[name]) ?? value] as const);
  return Object.fromEntries(filled) as T;
}

/** What a prober is to try, without what says nothing. */
const definitionOf = (given: unknown): Fields =>
  Object.fromEntries(Object.entries(fieldsOf(given)).filter(([, value]) => ![null, '', false, '0s'].some((none) => none === value)));

/** An instance as Consul shows it inside its node: a port of 0 is left out. */
export function serviceView(record: ServiceRecord) {
  const { Node: _, Port, ...service } = record;
  return { ...service, ...(Port === 0 ? {} : { Port }) };
}

const CATALOG: Readonly<Record<'Node' | 'Service' | 'Check', (write: Write, operation: Fields) => CatalogStep>> = {
  Node: (write, { Node }) => {
    const node = fill(NODE, fieldsOf(Node));
    return {
      title: `node "${node.Node}"`,
      existing: write.tables.nodes.get(nameKey(node.Node)),
      set: () => setNode(write, node),
      remove: () => deleteNode(write, node),
    };
  },
  Service: (write, { Node, Service }) => {
    const given = fieldsOf(Service);
    const service = fill(SERVICE, { ...given, Node, ID: given['ID'] || given['Service'] });
    const existing = write.tables.services.get(nameKey(service.Node, service.ID));
    return {
      title: `service "${service.ID}" on node "${service.Node}"`,
      existing: existing && serviceView(existing),
      set: () => serviceView(setService(write, service)),
      remove: () => deleteService(write, service),
    };
  },
  Check: (write, { Check }) => {
    const given = fieldsOf(Check);
    const check = fill(CHECK, { ...given, CheckID: given['CheckID'] || given['Name'], Definition: definitionOf(given['Definition']) });
    return {
      title: `check "${check.CheckID}" on node "${check.Node}"`,
      existing: write.tables.checks.get(nameKey(check.Node, check.CheckID)),
      set: () => setCheck(write, check),
      remove: () => deleteCheck(write, check),
    };
  },
};

function applyCatalog(kind: 'Node' | 'Service' | 'Check', write: Write, operation: Fields): readonly Fields[] {
  const { title, existing, set, remove } = CATALOG[kind](write, operation);
  const holds = casMatches(Number(fieldsOf(operation[kind])['ModifyIndex'] ?? 0), existing);
  switch (operation['Verb']) {
    case 'get':
      if (existing === undefined) throw new ConsulError(`${title} doesn't exist`);
      return [{ [kind]: existing }];
    case 'cas':
      if (!holds) throw new ConsulError(`failed to set ${title}, index is stale`);
      return [{ [kind]: set() }];
    case 'set':
      return [{ [kind]: set() }];
    case 'delete-cas':
      if (existing === undefined || !holds) throw new ConsulError(`failed to delete ${title}, index is stale`);
      remove();
      return [];
    default:
      remove();
      return [];
  }
}

const KV_REFUSALS: Readonly<Record<string, (key: string) => string>> = {
  cas: (key) => `failed to set key "${key}", index is stale`,
  'delete-cas': (key) => `failed to delete key "${key}", index is stale`,
  lock: (key) => `failed to lock key "${key}", lock is already held`,
  unlock: (key) => `failed to unlock key "${key}", lock isn't held, or is held by another session`,
};

function applyKv(write: Write, operation: Fields): readonly Fields[] {
  const { Verb: verb, ...asked } = fill({ Verb: '', Key: '', Value: null as string | null, Flags: 0, Index: 0, Session: '' }, operation);
  const entry = KV_VERBS[verb]?.(write, asked);
  if (entry === false) throw new ConsulError(KV_REFUSALS[verb]?.(asked.Key) ?? 'refused');
  if (entry === undefined) return [];
  return [{ KV: verb === 'get' ? entry : { ...entry, Value: null } }];
}

/** What is wrong with an operation before anything is written; `undefined` when nothing is. */
function refusedBeforehand(write: Write, { KV, Node, Service, Check }: TxnOperation): string | undefined {
  if (KV !== undefined) {
    const { Verb: verb, Key: key } = fill({ Verb: '', Key: '' }, KV);
    if (key === '' && verb !== 'delete-tree') return 'Must provide key';
    if (KV_VERBS[verb] === undefined) return `unknown KV operation: ${verb}`;
    return verb === 'lock' && isLockDelayed(write, key) ? `failed to lock key "${key}" due to lock delay` : undefined;
  }
  const [kind, verb] = [Node ? 'node' : Service ? 'service' : 'check', String((Node ?? Service ?? Check)?.['Verb'])];
  if (!['get', 'set', 'cas', 'delete', 'delete-cas'].includes(verb)) return `unknown ${kind} operation: ${verb}`;
  if (verb === 'get') return undefined;
  const node = fieldsOf(Node?.['Node']);
  if (Node !== undefined && !node['Node']) return 'Must provide node';
  if (typeof node['ID'] === 'string' && ![0, 36].includes(node['ID'].length)) return 'Bad node ID: uuid string is wrong length';
  const service = fieldsOf(Service?.['Service']);
  if (service['ID'] && !service['Service']) return 'Must provide service name (Service.Service) when service ID is provided';
  return service['Address'] === '0.0.0.0' ? 'Invalid service address' : undefined;
}

/** Applies operations in their order. With any error the caller must throw the write away: all or nothing. */
export function applyTransaction(
  write: Write,
  operations: readonly TxnOperation[],
): { readonly results: readonly Fields[]; readonly errors: readonly TxnError[] } {
  const errors: TxnError[] = [];
  for (const [OpIndex, operation] of operations.entries()) {
    const What = refusedBeforehand(write, operation);
    if (What !== undefined) errors.push({ OpIndex, What });
  }
  if (errors.length > 0) return { results: [], errors };
  const results: Fields[] = [];
  for (const [OpIndex, operation] of operations.entries()) {
    try {
      if (operation.KV !== undefined) results.push(...applyKv(write, operation.KV));
      for (const kind of ['Node', 'Service', 'Check'] as const) {
        if (operation[kind] !== undefined) results.push(...applyCatalog(kind, write, operation[kind]));
      }
    } catch (error) {
      if (!(error instanceof ConsulError)) throw error;
      errors.push({ OpIndex, What: error.message });
    }
  }
  return { results, errors };
}

/** True for transactions that only read; they take no index of the log. */
export const isReadOnly = (operations: readonly TxnOperation[]): boolean =>
  operations.every(({ KV, Node, Service, Check }) => /^(get|check-)/.test(String((KV ?? Node ?? Service ?? Check)?.['Verb'])));
