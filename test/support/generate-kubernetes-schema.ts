import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { type OpenApiDocument, trimOpenApi } from '../../src/adapters/schema/trim-openapi.ts';
import { type KubernetesConnection, kubeFetch } from './kube-client.ts';
import { startKubernetes } from './kubernetes.ts';

const FILE = join('src', 'adapters', 'schema', 'packed-kubernetes-schema.ts');

/** The trimmed schema of everything that an API server serves by itself, as JSON. */
export async function readKubernetesSchema(connection: KubernetesConnection): Promise<string> {
  const get = async <T>(path: string): Promise<T> => (await kubeFetch(connection, { method: 'GET', path })).body as T;
  const { paths } = await get<{ readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> }>('/openapi/v3');
  const urls = Object.entries(paths).filter(([path]) => /^apis?\/.*v\d+$/.test(path));
  const { gitVersion } = await get<{ readonly gitVersion: string }>('/version');
  const documents = await Promise.all(urls.map(([, { serverRelativeURL }]) => get<OpenApiDocument>(serverRelativeURL)));
  return JSON.stringify(trimOpenApi(documents, gitVersion.replace(/^v/, '')));
}

function packedModule(schema: string): string {
  const packed = brotliCompressSync(schema, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).toString('base64');
  const lines = packed.match(/.{1,120}/g) ?? [];
  return `/**
 * The form of every kind of Kubernetes: JSON as \`trimOpenApi\` makes it, compressed by Brotli, in base64. Made by \`npm run schema\`
 * from the API server that the tests run.
 */
export const PACKED_KUBERNETES_SCHEMA: string = [
${lines.map((line) => `  '${line}',\n`).join('')}].join('');
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kubernetes = await startKubernetes();
  try {
    writeFileSync(join(import.meta.dirname, '..', '..', FILE), packedModule(await readKubernetesSchema(kubernetes)));
  } finally {
    await kubernetes.stop();
  }
}
