import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { API_ROUTES, type ApiAnswer, type ApiRoute } from './api-routes.ts';
import { type JsonSchema, TypeSchemas } from './type-schemas.ts';

const TAGS = {
  health: 'For probes, Prometheus and tools.',
  status: 'What the last run saw and did. Needs no token.',
  changes:
    'Asks for something. Needs the token of `http.tokenFile`, where there is one. A standby passes it on to the replica that leads, but for the log level.',
  webhooks: 'For Git servers; the secret of `hooks.secretFile` proves who sends. A standby passes them on to the replica that leads.',
  page: 'What the page is made of. It may change with any release.',
} as const satisfies Readonly<Record<ApiRoute['tag'], string>>;

/** The description of the whole HTTP API as OpenAPI 3.1: bodies from the schemas that check them, answers from their types. */
export function openApiDocument(): JsonSchema {
  const typed = API_ROUTES.flatMap(({ answer }) => ('type' in answer ? [answer.type[0]] : []));
  const types = new TypeSchemas([...new Set([...typed, 'src/http/problem-document.ts', 'src/http/api-answers.ts'])]);
  types.of('src/http/problem-document.ts', 'ProblemDocument');
  types.of('src/http/api-answers.ts', 'PoolSummary');
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of API_ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route, types) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'poolkeeper',
      version: 'v1',
      description: 'Status and control of a poolkeeper daemon. Answers may get more members at any time; none is renamed or removed.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: types.components(), securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function operationOf(route: ApiRoute, types: TypeSchemas): JsonSchema {
  const { method, path, tag, summary, query = {}, problems, answer } = route;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const inQuery = Object.entries(query).map(([name, description]) => ({ name, in: 'query', description, schema: { type: 'string' } }));
  const parameters = [...inPath, ...inQuery];
  const refusals = [...problems].sort((a, b) => a - b).map((status) => [status, problemAnswer(status)] as const);
  return {
    operationId: `${method}${path.replace(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [tag],
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(route),
    responses: Object.fromEntries([[answer.status, answerOf(answer, types)], ...refusals]),
    ...(tag === 'changes' ? { security: [{ token: [] }, {}] } : {}),
  };
}

function bodyOf({ body, anyBody }: ApiRoute): JsonSchema {
  if (anyBody === true) return { requestBody: { content: { 'application/json': { schema: {} } } } };
  if (body === undefined) return {};
  const { $schema: _dialect, ...schema } = z.toJSONSchema(body, { io: 'input' }) as JsonSchema;
  return { requestBody: { required: !body.safeParse(undefined).success, content: { 'application/json': { schema } } } };
}

function answerOf(answer: ApiAnswer, types: TypeSchemas): JsonSchema {
  const description = STATUS_CODES[answer.status] ?? '';
  if ('media' in answer) return { description, content: { [answer.media]: { schema: { type: 'string' } } } };
  if ('schema' in answer) return { description, content: { 'application/json': { schema: answer.schema } } };
  return 'type' in answer ? { description, content: { 'application/json': { schema: types.of(...answer.type) } } } : { description };
}

const problemAnswer = (status: number): JsonSchema => ({
  description: STATUS_CODES[status] ?? '',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDocument' } } },
});

/** The same as a page for people. */
export function renderApiReference(note: string): string {
  const sections = Object.entries(TAGS).map(([tag, text]) => {
    const rows = API_ROUTES.filter((route) => route.tag === tag).map(({ method, path, query, summary }) => {
      const asked =
        query === undefined
          ? ''
          : ` Query: ${Object.entries(query)
              .map(([name, what]) => `\`${name}\` (${what.replace(/\.$/, '')})`)
              .join(', ')}.`;
      return `| \`${method.toUpperCase()} ${path}\` | ${summary}${asked} |`;
    });
    return `## ${tag[0]?.toUpperCase()}${tag.slice(1)}\n\n${text}\n\n| Request | What it does |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return `# HTTP API

${note}
The whole of it, with the shapes of bodies and answers, stands in [openapi.json](openapi.json) as OpenAPI 3.1; a daemon serves it at
\`GET /openapi.json\`. Errors are problem documents of RFC 9457 (\`application/problem+json\`) with \`code\` and \`remedy\`.

${sections.join('\n')}`;
}
