/** One request and what came back, without what differs from run to run. */
export interface Exchange {
  readonly request: string;
  readonly status: number;
  readonly index: string;
  readonly body: unknown;
}

type Call = (method: string, path: string, body?: unknown) => Promise<unknown>;

/**
 * Plays a fixed list of requests on a Consul server with no other users, and gives what it answered: indexes as `i1`, `i2` in the
 * order in which the log gave them out (`before` for older ones), sessions as `session-1`, without the agent's own entries.
 * The same list on any two servers must give the same.
 */
export async function playScenario(url: string): Promise<readonly Exchange[]> {
  const exchanges: Exchange[] = [];
  const call: Call = async (method, path, body) => {
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      signal: AbortSignal.timeout(10_000),
      ...(text === null ? {} : { body: text }),
    });
    const answer = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    const parsed: unknown = isJson ? JSON.parse(answer) : answer;
    // The tags of a service come in the order of a Go map: any.
    if (path.startsWith('catalog/services')) for (const tags of Object.values(parsed as Record<string, string[]>)) tags.sort();
    exchanges.push({
      request: `${method} ${path}${text === null ? '' : ` ${text}`}`,
      status: response.status,
      index: response.ok ? (response.headers.get('x-consul-index') ?? '') : '',
      body: parsed,
    });
    return parsed;
  };
  await call('PUT', 'kv/scenario-begins', 'now');
  const [first] = (await call('GET', 'kv/scenario-begins')) as [{ readonly ModifyIndex: number }];
  for (const part of [keys, locks, catalog, compareAndSet, nodes, failures, filters]) await part(call);
  return withoutRunDetails(exchanges, first.ModifyIndex);
}

const node = (name: string, id = '', more: object = {}): object => ({
  Node: { Verb: 'set', Node: { Node: name, ID: id, Address: '127.0.1.1', Meta: { cluster: 'c1', 'k8s-node': name }, ...more } },
});
const service = (on: string, id: string, more: object = {}): object => ({
  Service: { Verb: 'set', Node: on, Service: { ID: id, Service: 'web', Address: '127.0.1.1', Port: 30_080, Tags: ['b', 'a'], ...more } },
});
const check = (on: string, id: string, more: object = {}): object => ({
  Check: { Verb: 'set', Check: { Node: on, CheckID: id, Name: id, Status: 'passing', ...more } },
});
const kv = (verb: string, key: string, more: object = {}): object => ({ KV: { Verb: verb, Key: key, ...more } });
const idOf = (number: number): string => `00000000-0000-4000-8000-00000000000${number}`;

async function keys(call: Call): Promise<void> {
  await call('PUT', 'kv/a/one?flags=7', 'text');
  await call('PUT', 'kv/a/one?flags=7', 'text');
  await call('GET', 'kv/a/one');
  await call('PUT', 'kv/a/empty', '');
  await call('GET', 'kv/a/empty');
  await call('PUT', 'kv/a/one?cas=1', 'other');
  await call('PUT', 'kv/a/new?cas=0', 'new');
  await call('GET', 'kv/a/?recurse');
  await call('GET', 'kv/a/?keys');
  await call('DELETE', 'kv/a/new?cas=1');
  await call('DELETE', 'kv/a/new');
  await call('DELETE', 'kv/a/new?cas=1');
  await call('GET', 'kv/a/?keys');
  await call('GET', 'kv/none');
  await call('GET', 'kv/none/?recurse');
  await call('GET', 'kv/none/?keys');
  await call('PUT', 'kv/', 'x');
  await call('GET', 'kv/');
  await call('GET', 'kv/a/one?index=x');
  await call('PUT', 'txn', [
    kv('set', 'a/two', { Value: 'dHdv' }),
    kv('get', 'a/two'),
    kv('delete', 'a/absent'),
    kv('check-not-exists', 'q'),
  ]);
  await call('PUT', 'txn', [kv('set', 'a/three', { Value: 'MQ==' }), kv('check-not-exists', 'a/two'), kv('cas', 'a/two', { Index: 1 })]);
  await call('GET', 'kv/a/three');
  await call('PUT', 'txn', [kv('check-index', 'a/two', { Index: 1 }), kv('check-index', 'absent', { Index: 1 }), kv('get', 'absent')]);
  await call('PUT', 'txn', [kv('delete-cas', 'a/two', { Index: 1 }), kv('delete-cas', 'absent', { Index: 9 })]);
  await call('PUT', 'txn', [kv('delete-tree', 'a/t')]);
  await call('GET', 'kv/a/?recurse');
  await call('PUT', 'txn', [kv('get', '')]);
  await call('PUT', 'txn', [kv('jump', 'a')]);
}

async function locks(call: Call): Promise<void> {
  await call('PUT', 'session/create', { TTL: '5s' });
  await call('PUT', 'session/create', { TTL: 'x' });
  await call('PUT', 'session/create', { Behavior: 'keep' });
  await call('PUT', 'session/create', { Node: 'absent', NodeChecks: [] });
  const request = { Name: 'lead', TTL: '60s', LockDelay: '1s', NodeChecks: [] };
  const { ID: one } = (await call('PUT', 'session/create', request)) as { readonly ID: string };
  const { ID: two } = (await call('PUT', 'session/create', { ...request, LockDelay: 2, Behavior: 'delete' })) as { readonly ID: string };
  await call('GET', `session/info/${two}`);
  await call('PUT', `session/renew/${one}`);
  await call('PUT', 'session/renew/00000000-0000-0000-0000-000000000000');
  await call('PUT', `kv/lock?acquire=${one}&flags=3`, 'one');
  await call('PUT', `kv/lock?acquire=${two}`, 'two');
  await call('PUT', `kv/lock?acquire=${one}`, 'again');
  await call('GET', 'kv/lock');
  await call('PUT', 'txn', [kv('check-session', 'lock', { Session: one }), kv('set', 'fenced', { Value: 'MQ==' })]);
  await call('PUT', 'txn', [kv('check-session', 'lock', { Session: two }), kv('set', 'fenced', { Value: 'Mg==' })]);
  await call('PUT', 'txn', [kv('check-session', 'absent', { Session: two })]);
  await call('PUT', 'txn', [kv('lock', 'lock', { Session: two }), kv('unlock', 'lock', { Session: two })]);
  await call('PUT', 'kv/lock', 'overwritten');
  await call('GET', 'kv/lock');
  await call('PUT', `kv/lock?release=${two}`, 'x');
  await call('PUT', `kv/lock?release=${one}`, 'free');
  await call('GET', 'kv/lock');
  await call('PUT', 'kv/lock?acquire=00000000-0000-0000-0000-000000000000', 'x');
  await call('PUT', 'txn', [kv('lock', 'lock2', { Session: two, Value: 'MQ==' })]);
  await call('PUT', `kv/lock?acquire=${one}`, 'x');
  await call('PUT', `session/destroy/${one}`);
  await call('PUT', `session/destroy/${two}`);
  await call('GET', 'kv/lock');
  await call('GET', 'kv/lock2');
  await call('GET', `session/info/${two}`);
  const { ID: three } = (await call('PUT', 'session/create', { ...request, LockDelay: 0 })) as { readonly ID: string };
  await call('PUT', `kv/lock?acquire=${three}`, 'x');
  await call('PUT', 'txn', [kv('lock', 'lock', { Session: three })]);
  await call('PUT', `session/destroy/${three}`);
}

async function readCatalog(call: Call): Promise<void> {
  for (const path of ['catalog/nodes', 'catalog/services', 'catalog/node-services/k8s-a', 'catalog/service/web', 'health/service/web']) {
    await call('GET', path);
  }
  await call('GET', 'health/state/any');
  await call('GET', 'health/node/k8s-a');
}

async function catalog(call: Call): Promise<void> {
  await call('GET', 'catalog/node-services/absent');
  await call('GET', 'health/service/absent');
  await call('PUT', 'txn', [
    node('k8s-a', idOf(1)),
    node('k8s-b', idOf(2)),
    service('k8s-a', 'web-a'),
    service('k8s-b', 'web-b', { Meta: { x: 'y' } }),
  ]);
  await readCatalog(call);
  await call('PUT', 'txn', [node('k8s-a', idOf(1)), service('k8s-a', 'web-a')]);
  await readCatalog(call);
  await call('PUT', 'txn', [check('k8s-a', 'pool', { ServiceID: 'web-a', ServiceName: 'web', Notes: 'n' }), check('k8s-a', 'k8s-node')]);
  await readCatalog(call);
  await call('PUT', 'txn', [
    check('k8s-a', 'k8s-node', { Status: 'critical', Output: 'not ready' }),
    check('k8s-b', 'other', { Status: '' }),
  ]);
  await readCatalog(call);
  await call('GET', 'health/service/web?passing');
  await call('GET', 'health/service/web?tag=A');
  await call('GET', 'health/service/web?tag=c');
  await call('GET', 'health/state/critical');
  await call('GET', 'health/state/any?node-meta=k8s-node:k8s-b&node-meta=cluster:c1');
  await call('GET', 'catalog/services?node-meta=k8s-node:k8s-b');
  await call('PUT', 'txn', [node('k8s-a', idOf(1), { Address: '127.0.1.9' })]);
  await readCatalog(call);
  await call('PUT', 'txn', [service('k8s-a', 'web-a', { Tags: ['c'] })]);
  await readCatalog(call);
  await call('PUT', 'txn', [{ Check: { Verb: 'delete', Check: { Node: 'k8s-a', CheckID: 'pool' } } }]);
  await readCatalog(call);
  await call('PUT', 'txn', [{ Service: { Verb: 'delete', Node: 'k8s-b', Service: { ID: 'web-b', Service: 'web' } } }]);
  await readCatalog(call);
  await call('PUT', 'txn', [
    service('K8S-A', 'web-a', { Tags: ['c'] }),
    check('K8S-A', 'k8s-node', { Status: 'critical', Output: 'not ready' }),
  ]);
  await call('PUT', 'txn', [
    service('k8s-a', 'web-a', { Tags: ['d'] }),
    { Service: { Verb: 'delete', Node: 'k8s-a', Service: { ID: 'web-a', Service: 'web' } } },
  ]);
  await readCatalog(call);
  await call('GET', 'health/service/absent');
  await call('PUT', 'txn', [
    service('k8s-a', 'api', { Service: 'api', Tags: [] }),
    service('k8s-a', '', { Service: 'noid', Tags: null, Port: 0 }),
  ]);
  await readCatalog(call);
}

async function compareAndSet(call: Call): Promise<void> {
  const cas = (index: number): object[] => [
    { Node: { Verb: 'cas', Node: { Node: 'cas', ID: idOf(5), Address: '127.0.1.5', ModifyIndex: index } } },
    { Service: { Verb: 'cas', Node: 'cas', Service: { ID: 's', Service: 's', Port: index === 0 ? 0 : 8080, ModifyIndex: index } } },
    {
      Check: { Verb: 'cas', Check: { Node: 'cas', CheckID: 'c', Name: 'c', Notes: index === 0 ? 'first' : 'second', ModifyIndex: index } },
    },
    kv('cas', 'cas', { Index: index, Value: index === 0 ? 'MQ==' : 'Mg==' }),
  ];
  await call('PUT', 'txn', cas(99_999));
  const { Results } = (await call('PUT', 'txn', cas(0))) as {
    readonly Results: readonly [{ readonly Node: { readonly ModifyIndex: number } }];
  };
  await call('PUT', 'txn', cas(0));
  await call('PUT', 'txn', cas(Results[0].Node.ModifyIndex).slice(1));
  await call('PUT', 'txn', [
    { Check: { Verb: 'get', Check: { Node: 'cas', CheckID: 'c' } } },
    { Service: { Verb: 'get', Node: 'cas', Service: { ID: 's' } } },
    { Node: { Verb: 'get', Node: { Node: 'cas' } } },
  ]);
  const remove = (index: number): object[] => [
    { Check: { Verb: 'delete-cas', Check: { Node: 'cas', CheckID: 'c', ModifyIndex: index } } },
    { Service: { Verb: 'delete-cas', Node: 'cas', Service: { ID: 's', Service: 's', ModifyIndex: index } } },
    { Node: { Verb: 'delete-cas', Node: { Node: 'cas', ModifyIndex: index } } },
  ];
  await call('PUT', 'txn', remove(1));
  await call('PUT', 'txn', remove(Results[0].Node.ModifyIndex).slice(2));
  await call('PUT', 'txn', remove(1));
  await call('GET', 'health/node/cas');
}

async function nodes(call: Call): Promise<void> {
  await call('PUT', 'txn', [node('Old', idOf(7)), service('old', 'web-7'), check('old', 'c7')]);
  await call('GET', 'catalog/node-services/OLD');
  const { ID } = (await call('PUT', 'session/create', { Node: 'old', NodeChecks: [], TTL: '60s' })) as { readonly ID: string };
  await call('PUT', 'txn', [node('renamed', idOf(7))]);
  await call('GET', 'catalog/node-services/old');
  await call('GET', 'catalog/node-services/renamed');
  await call('GET', `session/info/${ID}`);
  await call('PUT', 'txn', [node('renamed', idOf(8))]);
  await call('PUT', 'txn', [node('sandbox', idOf(9))]);
  await call('PUT', 'txn', [node('renamed', 'not-a-uuid'), node('')]);
  await call('PUT', 'txn', [
    { Node: { Verb: 'delete', Node: { Node: 'absent' } } },
    { Node: { Verb: 'delete', Node: { Node: 'renamed' } } },
  ]);
  await call('GET', 'catalog/node-services/absent');
  await call('GET', 'catalog/nodes');
}

async function failures(call: Call): Promise<void> {
  await call('PUT', 'txn', [service('absent', 'x')]);
  await call('PUT', 'txn', [
    kv('set', 'rolled-back', { Value: 'MQ==' }),
    check('absent', 'x'),
    check('k8s-a', 'x', { ServiceID: 'absent' }),
  ]);
  await call('GET', 'kv/rolled-back');
  await call('PUT', 'txn', [{ Service: { Verb: 'delete', Node: 'k8s-a', Service: { ID: 'web-a' } } }]);
  await call('PUT', 'txn', [service('k8s-a', 'x', { Address: '0.0.0.0' }), { Node: { Verb: 'jump', Node: { Node: 'a' } } }]);
  await call('PUT', 'txn', [{ Service: { Verb: 'jump', Node: 'a' } }, { Check: { Verb: 'jump', Check: {} } }]);
  await call('PUT', 'txn', [
    { Service: { Verb: 'get', Node: 'k8s-a', Service: { ID: 'absent' } } },
    { Check: { Verb: 'get', Check: { Node: 'k8s-a', CheckID: 'absent' } } },
    { Node: { Verb: 'get', Node: { Node: 'absent' } } },
  ]);
  await call('PUT', 'txn', []);
  await call(
    'PUT',
    'txn',
    Array.from({ length: 128 }, (_, at) => kv('check-not-exists', `many/${at}`)),
  );
  await call(
    'PUT',
    'txn',
    Array.from({ length: 129 }, (_, at) => kv('check-not-exists', `many/${at}`)),
  );
  await call('PUT', 'txn', [kv('set', 'big', { Value: Buffer.alloc(400_000).toString('base64') })]);
  await call('GET', 'none');
}

async function filters(call: Call): Promise<void> {
  const expressions = [
    'Meta["k8s-node"] == "k8s-a"',
    'Meta["k8s-node"] != "k8s-a" and Meta.cluster == "c1"',
    'Meta["absent"] == ""',
    'Meta["absent"] != "x" and Node matches "^k8s-[ab]$"',
    'Node == "k8s-a" or Node == "k8s-b" and Address == "x"',
    'not Node == "k8s-a" and Node not matches "sand"',
    'Nod == "x"',
  ];
  for (const expression of expressions) await call('GET', `catalog/nodes?filter=${encodeURIComponent(expression)}`);
  await call('GET', `catalog/node-services/k8s-a?filter=${encodeURIComponent('Service == "api"')}`);
  await call('GET', `health/service/api?filter=${encodeURIComponent('Node.Meta.cluster == "c1" and Service.ID == "api"')}`);
  await call('GET', `health/state/any?filter=${encodeURIComponent('CheckID == "k8s-node"')}`);
}

const SESSION = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

function withoutRunDetails(exchanges: readonly Exchange[], base: number): readonly Exchange[] {
  const indexes = new Set<number>();
  const sessions = new Map<string, string>();
  const visit = (value: unknown, replace: (index: number) => unknown): unknown => {
    if (Array.isArray(value)) return value.filter((item) => !isAgents(item)).map((item) => visit(item, replace));
    if (typeof value === 'string')
      return value
        .replace(SESSION, (id) => nameSession(id))
        .replace(/(?<=modify index )\d+(?= !=)/, (index) => String(replace(Number(index))));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([name]) => name !== 'consul' && !READ_FIELDS.has(name));
    const mapped = entries.map(([name, item]) => [
      name,
      name.endsWith('Index') && name !== 'OpIndex' && name !== 'LockIndex' ? replace(item as number) : visit(item, replace),
    ]);
    return Object.fromEntries(mapped);
  };
  const nameSession = (id: string): string => {
    if (id.startsWith('00000000')) return id;
    if (!sessions.has(id)) sessions.set(id, `session-${sessions.size + 1}`);
    return sessions.get(id) ?? id;
  };
  for (const { index, body } of exchanges) {
    if (index !== '') indexes.add(Number(index));
    visit(body, (value) => indexes.add(value));
  }
  const ordered = [...indexes].filter((index) => index >= base).sort((a, b) => a - b);
  const label = (index: number): string => (index < base ? 'before' : `i${ordered.indexOf(index) + 1}`);
  return exchanges.map(({ request, status, index, body }) => ({
    request: request
      .replace(SESSION, nameSession)
      .slice(0, 300)
      .replace(/"(ModifyIndex|Index)":"?\d{2,4}(?!\d)"?/g, '"$1":…'),
    status,
    index: index === '' ? '' : label(Number(index)),
    body: visit(body, label),
  }));
}

/** What read-only transactions tell besides, and nobody reads. */
const READ_FIELDS = new Set(['Index', 'LastContact', 'KnownLeader', 'ConsistencyLevel', 'NotModified', 'Backend', 'ResultsFilteredByACLs']);

const isAgents = (item: unknown): boolean =>
  typeof item === 'object' && item !== null && (item as { readonly Node?: unknown }).Node === 'sandbox';
