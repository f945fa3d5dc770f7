import type { FastifyInstance } from 'fastify';

/** Adds `GET /openapi.json`: the description of this API, made by `npm run docs`. It is loaded when it is first asked for. */
export function addOpenApi(app: FastifyInstance): void {
  app.get('/openapi.json', async (_request, reply) => {
    const { default: document } = await import('../../docs/openapi.json', { with: { type: 'json' } });
    return reply.send(document);
  });
}
