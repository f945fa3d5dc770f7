import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { requireSuccess } from './api-status.ts';
import { asRecord, asText } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';

/** An API server makes a document when it is asked for it first, which takes seconds for a group with many custom kinds. */
const TIMEOUT_MS = 30_000;
/** The core group takes 2 MB; groups of operators with dozens of custom kinds take 20. */
const LONGEST_DOCUMENT = 48 * 1024 * 1024;

/** What an API server says of the form of objects: its release, and documents of `/openapi/v3` as they came; or why it says nothing. */
export type OpenApiAnswer =
  | { readonly kind: 'read'; readonly release: string; readonly documents: readonly unknown[] }
  | { readonly kind: 'unreadable'; readonly problem: Problem };

/**
 * Reads the OpenAPI v3 documents of some API versions (`apps/v1`), each at most 48 MiB long and within 30 s; versions that the server does
 * not serve have none. All of them or none: half a schema would find fault with what it does not know.
 */
export async function readOpenApi(client: KubeClient, apiVersions: Iterable<string>, signal: AbortSignal): Promise<OpenApiAnswer> {
  const get = (path: string): Promise<unknown> => readDocument(client, path, signal);
  try {
    const [{ gitVersion }, { paths }] = await Promise.all([get('/version').then(asRecord), get('/openapi/v3').then(asRecord)]);
    const served = asRecord(paths);
    const urls = [...new Set(apiVersions)].flatMap((apiVersion) => {
      const url = asText(asRecord(served[apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`])['serverRelativeURL']);
      return url.startsWith('/openapi/v3/') ? [url] : [];
    });
    return { kind: 'read', release: asText(gitVersion).replace(/^v/, ''), documents: await Promise.all(urls.map(get)) };
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = error instanceof AppError ? error.problem.message : errorText(error);
    return { kind: 'unreadable', problem: problem('KUBERNETES_NO_SCHEMA', `the schema of the cluster cannot be read: ${reason}`) };
  }
}

async function readDocument(client: KubeClient, path: string, signal: AbortSignal): Promise<unknown> {
  const answer = await client.send({ method: 'GET', path, timeoutMs: TIMEOUT_MS, maxBytes: LONGEST_DOCUMENT }, signal);
  const document = requireSuccess(answer, { verb: 'get', resource: path, namespace: '' });
  if (typeof document !== 'object' || document === null)
    throw new Error(`the API server answered GET ${path} with something else than JSON`);
  return document;
}
