import { Agent, request } from 'node:https';
import type { Stack } from '../support/stack.ts';
import type { WorkloadObjects } from './workload.ts';

/** How long the same objects take by nothing but parallel server-side apply requests on kept-alive connections, in milliseconds. */
export async function measureFloor(stack: Stack, objects: readonly WorkloadObjects[], atOnce: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce, rejectUnauthorized: false });
  const queue = objects.flatMap(({ deployment, service }) => [
    pathOf('apis/apps/v1', 'deployments', deployment),
    pathOf('api/v1', 'services', service),
  ]);
  const bodies = objects.flatMap(({ deployment, service }) => [JSON.stringify(deployment), JSON.stringify(service)]);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < queue.length; i = next++) await apply(stack, agent, queue[i] ?? '', bodies[i] ?? '');
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  const ms = performance.now() - start;
  agent.destroy();
  return ms;
}

function pathOf(base: string, plural: string, object: Readonly<Record<string, unknown>>): string {
  const { name, namespace } = object['metadata'] as { readonly name: string; readonly namespace: string };
  return `/${base}/namespaces/${namespace}/${plural}/${name}?fieldManager=floor&fieldValidation=Strict`;
}

function apply(stack: Stack, agent: Agent, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${stack.token}`, 'content-type': 'application/apply-patch+yaml' };
    const outgoing = request(new URL(path, stack.apiServerUrl), { method: 'PATCH', agent, headers }, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      response.on('end', () => (statusCode < 300 ? resolve() : reject(new Error(`PATCH ${path}: ${statusCode}`))));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
