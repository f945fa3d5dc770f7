import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpServer } from '../../../src/http/create-http-server.ts';
import { appManifest } from '../../support/app-manifest.ts';
import { httpOptions } from '../../support/http-options.ts';
import { type SandboxSite, startSandboxSite } from '../../support/sandbox-site.ts';
import { waitUntil } from '../../support/wait-until.ts';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

let site: SandboxSite;
let document: Document;
beforeAll(async () => {
  site = await startSandboxSite();
  await site.commit({
    'one.yaml': appManifest('one'),
    'two.yaml': appManifest('two', { tags: 'kubernetes,other' }),
    'broken.yaml': 'kind: Service\n',
  });
  await waitUntil('two pools in Consul, and a broken spec', () => {
    const { pools = [], specs = [] } = site.reports.at(-1) ?? {};
    const isThere = pools.filter(({ registered }) => registered > 0).length === 2 && specs.some(({ id }) => id === 'broken.yaml');
    return isThere ? true : undefined;
  });
  document = (await (await fetch(`${site.daemon.url}/openapi.json`)).json()) as Document;
}, 60_000);
afterAll(() => site.stop());

/** The same schemas, in which what they do not name is not allowed: nothing may be left out of the description. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, strict(item)]));
  return 'properties' in value && typeof value.properties === 'object' ? { ...inner, additionalProperties: false } : inner;
}

function validate(path: string, method: string, status: number, body: unknown): string {
  const content = document.paths[path]?.[method]?.responses[String(status)]?.content ?? {};
  const [media] = Object.values(content);
  if (media === undefined) return `${method} ${path} does not tell of ${status}`;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: 'doc', components: strict(document.components) as object });
  const check = ajv.compile(JSON.parse(JSON.stringify(strict(media.schema)).replaceAll('"#/', '"doc#/')) as object);
  return check(body) ? '' : ajv.errorsText(check.errors, { separator: '\n' });
}

async function ask(path: string, init: RequestInit = {}): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`${site.daemon.url}${path}`, init);
  return { status: answer.status, body: await answer.json() };
}

const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** The routes of Fastify's picture of them, which is a tree, in the words of OpenAPI: `get /api/v1/specs/{id}`. */
function routesOf(tree: string): readonly string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', name = '', methods = ''] = /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?$/.exec(line) ?? [];
    parents.splice(indent.length / 4, parents.length, name.replace(/^\/|\/$/g, ''));
    const path = `/${parents.filter((part) => part !== '').join('/')}`.replace('*', '{id}').replace(/:(\w+)/g, '{$1}');
    const told = methods.split(', ').filter((method) => method !== '' && method !== 'HEAD');
    return told.map((method) => `${method.toLowerCase()} ${path}`);
  });
}

describe('GET /openapi.json', () => {
  it('tells of every route that is served, and of no other', async () => {
    const options = httpOptions({
      why: () => undefined,
      history: async () => undefined,
      logLevel: { state: () => ({ level: 'info', configured: 'info' }), set: () => ({ level: 'info', configured: 'info' }) },
      migrate: async () => ({ kind: 'done', moving: [] }),
      approve: async () => ({ kind: 'done', approval: { id: 'n-1', removals: 1, left: 1, atMs: 0, untilMs: 1 } }),
      suspensions: {
        suspend: async () => ({ kind: 'done', suspension: { atMs: 0 } }),
        resume: async () => ({ kind: 'done', suspended: false }),
      },
    });
    const { app } = createHttpServer(options);
    await app.ready();
    const served = routesOf(app.printRoutes({ commonPrefix: false }));
    await app.close();
    const told = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect([...served].sort()).toEqual(told.sort());
  });

  it.each([
    ['/api/v1/status', '/api/v1/status'],
    ['/api/v1/plan', '/api/v1/plan'],
    ['/api/v1/specs', '/api/v1/specs'],
    ['/api/v1/specs/{id}', '/api/v1/specs/one.yaml'],
    ['/api/v1/specs/{id}', '/api/v1/specs/broken.yaml'],
    ['/api/v1/pools', '/api/v1/pools'],
    ['/api/v1/pools/{namespace}/{name}', '/api/v1/pools/default/one'],
    ['/api/v1/pools/{namespace}/{name}/picture', '/api/v1/pools/default/two/picture'],
    ['/api/v1/nodes', '/api/v1/nodes'],
    ['/api/v1/nodes/{node}', '/api/v1/nodes/worker-4'],
    ['/api/v1/why', '/api/v1/why?url=http://one.example.com/'],
    ['/api/v1/why', '/api/v1/why?node=worker-1'],
    ['/api/v1/history', '/api/v1/history?spec=one.yaml'],
    ['/api/v1/overview', '/api/v1/overview'],
    ['/api/v1/log-level', '/api/v1/log-level'],
  ])('describes what GET %s answers to %s', async (path, url) => {
    const { status, body } = await ask(url);
    expect([status, validate(path, 'get', status, body)]).toEqual([200, '']);
  });

  it.each([
    ['get', '/api/v1/specs/{id}', '/api/v1/specs/none.yaml', 404, {}],
    ['get', '/api/v1/why', '/api/v1/why', 400, {}],
    ['get', '/api/v1/history', '/api/v1/history', 400, {}],
    ['get', '/api/v1/history', '/api/v1/history?spec=nobody.yaml', 404, {}],
    ['post', '/api/v1/resync', '/api/v1/resync', 202, json('POST', { spec: 'one.yaml' })],
    ['post', '/api/v1/resync', '/api/v1/resync', 404, json('POST', { spec: 'none.yaml' })],
    ['post', '/api/v1/resync', '/api/v1/resync', 400, json('POST', { what: 1 })],
    ['put', '/api/v1/log-level', '/api/v1/log-level', 200, json('PUT', { level: 'debug', for: '1m' })],
    ['put', '/api/v1/log-level', '/api/v1/log-level', 400, json('PUT', { level: 'loud' })],
    ['post', '/api/v1/nodes/{node}/drain', '/api/v1/nodes/worker-3/drain', 200, json('POST', { reason: 'disk' })],
    ['post', '/api/v1/nodes/{node}/undrain', '/api/v1/nodes/worker-3/undrain', 200, json('POST', {})],
    ['post', '/api/v1/nodes/{node}/drain', '/api/v1/nodes/none/drain', 404, json('POST', {})],
    ['post', '/api/v1/migrations', '/api/v1/migrations', 202, json('POST', { all: true })],
    ['post', '/api/v1/approvals', '/api/v1/approvals', 409, json('POST', { removals: 1 })],
    ['post', '/api/v1/approvals', '/api/v1/approvals', 400, json('POST', {})],
    ['post', '/api/v1/suspensions', '/api/v1/suspensions', 201, json('POST', { spec: 'one.yaml', for: '1h', reason: 'by hand' })],
    ['post', '/api/v1/suspensions', '/api/v1/suspensions', 404, json('POST', { spec: 'none.yaml' })],
    ['delete', '/api/v1/suspensions', '/api/v1/suspensions?spec=one.yaml', 200, { method: 'DELETE' }],
    ['post', '/hooks/github', '/hooks/github', 404, json('POST', {})],
  ] as const)('describes what %s %s answers with: %s → %i', async (method, path, url, expected, init) => {
    const { status, body } = await ask(url, init);
    expect([status, validate(path, method, status, body)]).toEqual([expected, '']);
  });

  it('would notice what is missing from it', async () => {
    const { body } = await ask('/api/v1/log-level');
    expect(validate('/api/v1/log-level', 'get', 200, { ...(body as object), more: 1 })).toContain('must NOT have additional properties');
    expect(validate('/api/v1/log-level', 'get', 200, { level: 'info' })).toContain("must have required property 'configured'");
  });
});
