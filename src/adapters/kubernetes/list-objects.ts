import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { type Attempt, requireSuccess } from './api-status.ts';
import { type ApiResource, resourcePath, resourceTitle } from './discovery.ts';
import { asRecord, asText } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';

/** Answers with metadata only (Kubernetes API concepts, "Retrieving metadata only"). */
export const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const METADATA_LIST_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** What to list. An empty namespace means all. */
export interface ListRequest {
  readonly resource: ApiResource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly metadataOnly?: boolean;
  /** Objects a page. */
  readonly limit: number;
  /** Deadline of each page. */
  readonly timeoutMs: number;
}

/**
 * Lists objects in chunks, decodes each at once so that no whole answer is kept, and returns them with the list's
 * resourceVersion. All pages or none: fails with an AppError when any page fails or is no list. Reads consistently. When the
 * server no longer has the state that the first page came from (410), all is listed again in one piece.
 */
export async function listObjects<T>(
  client: KubeClient,
  request: ListRequest & { readonly decode: (object: unknown) => T },
  signal: AbortSignal,
): Promise<{ readonly items: readonly T[]; readonly version: string }> {
  const { resource, namespace = '', limit, timeoutMs } = request;
  const attempt: Attempt = { verb: 'list', resource: resourceTitle(resource), namespace };
  let items: T[] = [];
  let next: string | undefined;
  let inChunks = true;
  for (;;) {
    const query = { limit: inChunks ? String(limit) : undefined, continue: next, labelSelector: request.labelSelector };
    const accept = request.metadataOnly === true ? { accept: METADATA_LIST_ONLY } : {};
    const answer = await client.send({ method: 'GET', path: resourcePath(resource, namespace), query, timeoutMs, ...accept }, signal);
    if (answer.status === 410 && next !== undefined && inChunks) {
      // In chunks it would only come to the same end.
      [items, next, inChunks] = [[], undefined, false];
      continue;
    }
    const page = decodePage(requireSuccess(answer, attempt), attempt);
    for (const object of page.objects) items.push(request.decode(object));
    if (page.next === '') return { items, version: page.version };
    next = page.next;
  }
}

function decodePage(body: unknown, attempt: Attempt): { objects: readonly unknown[]; version: string; next: string } {
  const list = asRecord(body);
  const meta = asRecord(list['metadata']);
  const version = asText(meta['resourceVersion']);
  // Go writes an empty list as null.
  const objects = list['items'] === null ? [] : list['items'];
  if (!asText(list['kind']).endsWith('List') || !Array.isArray(objects) || version === '') throw notAList(attempt);
  return { objects, version, next: asText(meta['continue']) };
}

/** An answer with status 200 that is no list must never pass for an empty one. */
function notAList(attempt: Attempt): AppError {
  return new AppError(
    problem('KUBERNETES_UNAVAILABLE', `the answer to "list" on ${attempt.resource} is not a list of Kubernetes objects`, {
      remedy: 'Something between the daemon and the API server answers in its place; check the address and any proxy.',
    }),
  );
}
