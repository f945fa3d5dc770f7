import { Agent, request } from 'node:https';
import type { Stack } from '../support/stack.ts';
import type { Manifest } from './workload.ts';

/**
 * How long the same objects take by nothing but parallel server-side apply requests on kept-alive connections, in milliseconds; with
 * `tried`, after dry runs of these.
 */
export async function measureFloor(
  stack: Stack,
  objects: readonly Manifest[],
  atOnce: number,
  tried: readonly Manifest[] = [],
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce, rejectUnauthorized: false });
  const queue = [
    ...tried.map((object) => ({ path: `${pathOf(object)}&dryRun=All`, body: JSON.stringify(object) })),
    ...objects.map((object) => ({ path: pathOf(object), body: JSON.stringify(object) })),
  ];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let item = queue[next++]; item !== undefined; item = queue[next++]) await apply(stack, agent, item);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  const ms = performance.now() - start;
  agent.destroy();
  return ms;
}

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const base = apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
  return `/${base}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s/${metadata.name}?fieldManager=floor&fieldValidation=Strict`;
}

function apply(stack: Stack, agent: Agent, { path, body }: { readonly path: string; readonly body: string }): Promise<void> {
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
