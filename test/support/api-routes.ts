import type { z } from 'zod';
import { ApprovalBody } from '../../src/http/approvals.ts';
import { LogLevelBody } from '../../src/http/log-level.ts';
import { MigrationBody } from '../../src/http/migrations.ts';
import { ResyncBody } from '../../src/http/mutations.ts';
import { DrainBody, UndrainBody } from '../../src/http/node-drains.ts';
import { SuspensionBody } from '../../src/http/suspensions.ts';

/** What a request is answered with when all is well. */
export type ApiAnswer =
  | { readonly status: number; readonly type: readonly [file: string, name: string] }
  | { readonly status: number; readonly schema: Readonly<Record<string, unknown>> }
  | { readonly status: number; readonly media: string }
  | { readonly status: 204 };

/** One route of the HTTP API. */
export interface ApiRoute {
  readonly method: 'delete' | 'get' | 'post' | 'put';
  /** As OpenAPI writes it. */
  readonly path: string;
  readonly tag: 'health' | 'status' | 'changes' | 'webhooks' | 'page';
  /** One sentence. */
  readonly summary: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: z.ZodType;
  /** The body is the sender's own. */
  readonly anyBody?: true;
  readonly answer: ApiAnswer;
  /** Statuses of problem documents. */
  readonly problems: readonly number[];
}

const ANSWERS = 'src/http/api-answers.ts';
const NODES = 'src/http/node-views.ts';
const REPORT = 'src/core/report/run-report.ts';
const REFUSED = [400, 401, 403, 429, 503] as const;

const list = (name: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  type: 'object',
  properties: {
    ...more,
    [name]: { type: 'array', items: { $ref: `#/components/schemas/${name === 'specs' ? 'SpecReport' : 'PoolSummary'}` } },
  },
  required: [name],
});

const hook = (sender: string): ApiRoute => ({
  method: 'post',
  path: `/hooks/${sender}`,
  tag: 'webhooks',
  summary: `A webhook of ${sender === 'generic' ? 'anybody who sends the secret as a bearer token' : sender}: the repository is looked at now.`,
  anyBody: true,
  answer: { status: 202, schema: { type: 'object', properties: { heeded: { type: 'boolean' } }, required: ['heeded'] } },
  problems: [401, 404, 413, 429, 503],
});

/** Every route but the files of the page. */
export const API_ROUTES: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/livez',
    tag: 'health',
    summary: 'Whether the loop turns; 503 when it does not.',
    answer: { status: 200, media: 'text/plain' },
    problems: [],
  },
  {
    method: 'get',
    path: '/readyz',
    tag: 'health',
    summary: 'Whether the first run has ended; 503 until then.',
    query: { verbose: 'Tells of each source too.' },
    answer: { status: 200, media: 'text/plain' },
    problems: [],
  },
  {
    method: 'get',
    path: '/metrics',
    tag: 'health',
    summary: 'The scrape in the Prometheus text format, with `metrics.exemplars` in that of OpenMetrics.',
    answer: { status: 200, media: 'text/plain' },
    problems: [],
  },
  {
    method: 'get',
    path: '/openapi.json',
    tag: 'health',
    summary: 'This description.',
    answer: { status: 200, schema: { type: 'object' } },
    problems: [],
  },
  { method: 'get', path: '/', tag: 'page', summary: 'The page.', answer: { status: 200, media: 'text/html' }, problems: [] },
  {
    method: 'get',
    path: '/plain',
    tag: 'page',
    summary: 'The same facts without scripts.',
    answer: { status: 200, media: 'text/html' },
    problems: [],
  },
  {
    method: 'get',
    path: '/api/v1/overview',
    tag: 'page',
    summary: 'What the lists of the page show.',
    answer: { status: 200, type: ['src/http/overview.ts', 'OverviewAnswer'] },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/events',
    tag: 'page',
    summary: 'Server-sent events: what changes in the overview.',
    answer: { status: 200, media: 'text/event-stream' },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/status',
    tag: 'status',
    summary: 'The last report, its pools without their nodes.',
    answer: { status: 200, type: [ANSWERS, 'StatusAnswer'] },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/plan',
    tag: 'status',
    summary: 'What the last run wanted to do, and what became of it.',
    answer: { status: 200, type: [ANSWERS, 'PlanAnswer'] },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/specs',
    tag: 'status',
    summary: 'Every spec.',
    answer: { status: 200, schema: list('specs', { revision: { type: 'string' } }) },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/specs/{id}',
    tag: 'status',
    summary: 'One spec, by its path in the repository; slashes stay as they are.',
    answer: { status: 200, type: [ANSWERS, 'SpecAnswer'] },
    problems: [404, 503],
  },
  {
    method: 'get',
    path: '/api/v1/pools',
    tag: 'status',
    summary: 'Every pool, without its nodes.',
    answer: { status: 200, schema: list('pools') },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/pools/{namespace}/{name}',
    tag: 'status',
    summary: 'One pool, with the place of every node.',
    answer: { status: 200, type: [REPORT, 'PoolReport'] },
    problems: [404, 503],
  },
  {
    method: 'get',
    path: '/api/v1/pools/{namespace}/{name}/picture',
    tag: 'status',
    summary: 'The way of a request to a pool.',
    answer: { status: 200, type: ['src/core/report/pool-picture.ts', 'PoolPicture'] },
    problems: [404, 503],
  },
  {
    method: 'get',
    path: '/api/v1/nodes',
    tag: 'status',
    summary: 'Every node, with its place in every pool.',
    answer: { status: 200, type: [NODES, 'NodesAnswer'] },
    problems: [503],
  },
  {
    method: 'get',
    path: '/api/v1/nodes/{node}',
    tag: 'status',
    summary: 'One node, with its place in every pool.',
    answer: { status: 200, type: [NODES, 'NodeAnswer'] },
    problems: [404, 503],
  },
  {
    method: 'get',
    path: '/api/v1/why',
    tag: 'status',
    summary:
      'Why something is, or is not, in traffic. One of the five is asked about. A standby gives the answer of the replica that leads.',
    query: {
      url: 'A URL that clients ask for.',
      pool: 'namespace/name of a pool.',
      node: 'The name of a node.',
      commit: 'The id of one of the last commits, or its first 7 or more digits.',
      name: 'Any of these.',
    },
    answer: { status: 200, type: ['src/core/report/explanation.ts', 'Explanation'] },
    problems: [400, 503],
  },
  {
    method: 'get',
    path: '/api/v1/history',
    tag: 'status',
    summary: 'The last commits that changed a spec, and what has become of them. A standby gives the answer of the replica that leads.',
    query: { spec: 'The path of the spec.' },
    answer: { status: 200, type: ['src/core/report/commit-verdict.ts', 'SpecHistoryAnswer'] },
    problems: [400, 404, 503],
  },
  {
    method: 'get',
    path: '/api/v1/log-level',
    tag: 'status',
    summary: 'Which log lines are written.',
    answer: { status: 200, type: [ANSWERS, 'LogLevelAnswer'] },
    problems: [],
  },
  {
    method: 'put',
    path: '/api/v1/log-level',
    tag: 'changes',
    summary: 'Changes which log lines this replica writes, for a while: an hour unless told.',
    body: LogLevelBody,
    answer: { status: 200, type: [ANSWERS, 'LogLevelAnswer'] },
    problems: [400, 401, 403, 429],
  },
  {
    method: 'post',
    path: '/api/v1/token',
    tag: 'changes',
    summary: 'Tells whether the token is right.',
    answer: { status: 204 },
    problems: REFUSED,
  },
  {
    method: 'post',
    path: '/api/v1/resync',
    tag: 'changes',
    summary: 'Reads and compares everything, or one spec, anew.',
    body: ResyncBody,
    answer: { status: 202, type: [ANSWERS, 'ResyncAnswer'] },
    problems: [...REFUSED, 404],
  },
  {
    method: 'post',
    path: '/resync',
    tag: 'changes',
    summary: 'The same, under the name that the ancestor had.',
    body: ResyncBody,
    answer: { status: 202, type: [ANSWERS, 'ResyncAnswer'] },
    problems: [...REFUSED, 404],
  },
  {
    method: 'post',
    path: '/api/v1/nodes/{node}/drain',
    tag: 'changes',
    summary: 'Marks a node as to leave all pools.',
    body: DrainBody,
    answer: { status: 200, type: [ANSWERS, 'DrainAnswer'] },
    problems: [...REFUSED, 404, 502],
  },
  {
    method: 'post',
    path: '/api/v1/nodes/{node}/undrain',
    tag: 'changes',
    summary: 'Takes that mark away.',
    body: UndrainBody,
    answer: { status: 200, type: [ANSWERS, 'DrainAnswer'] },
    problems: [...REFUSED, 404, 502],
  },
  {
    method: 'post',
    path: '/api/v1/migrations',
    tag: 'changes',
    summary: 'Moves pools from agents to the catalog.',
    body: MigrationBody,
    answer: { status: 202, type: [ANSWERS, 'MigrationAnswer'] },
    problems: [...REFUSED, 404, 409, 502],
  },
  {
    method: 'post',
    path: '/api/v1/approvals',
    tag: 'changes',
    summary:
      'Lets go what the guard of removals holds back: exactly what `held` of the status names, or a number of removals. For an hour.',
    body: ApprovalBody,
    answer: { status: 201, type: [REPORT, 'ApprovalReport'] },
    problems: [...REFUSED, 409, 502],
  },
  {
    method: 'post',
    path: '/api/v1/suspensions',
    tag: 'changes',
    summary: 'Leaves a spec, or every spec, as it is: nothing of it is applied, repaired or deleted; its pools go on following nodes.',
    body: SuspensionBody,
    answer: { status: 201, type: [REPORT, 'SuspensionReport'] },
    problems: [...REFUSED, 404, 502],
  },
  {
    method: 'delete',
    path: '/api/v1/suspensions',
    tag: 'changes',
    summary: 'Goes on with a spec that was suspended, or with every spec.',
    query: { spec: 'path of the spec', all: '`true` instead: ends that every spec is suspended; those that are by name stay so' },
    answer: { status: 200, type: [ANSWERS, 'ResumeAnswer'] },
    problems: [...REFUSED, 404, 502],
  },
  ...['github', 'gitlab', 'gitea', 'bitbucket', 'generic'].map(hook),
];
