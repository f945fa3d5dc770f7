import type { KubernetesConnection } from './kube-client.ts';
import { kubeRequest, patchTypes } from './kube-client.ts';

/** What somebody else does to an object of ours: one request, relative to the object's path. */
export interface Edit {
  readonly name: string;
  readonly method?: 'PATCH' | 'PUT';
  /** `/scale`, or nothing. */
  readonly subresource?: string;
  readonly contentType?: (typeof patchTypes)[keyof typeof patchTypes];
  readonly body: unknown;
  /** The manager that writes; an Apply of it is forced. */
  readonly by?: string;
  /** What judgeStep must say afterwards. */
  readonly verdict: 'in-step' | 'drift' | 'change';
  /** The paths that must be told; none for `in-step`. */
  readonly lost?: readonly string[];
  /** True when what the other writer put there stands in the way of ours, so that the server refuses our next apply. */
  readonly blocks?: boolean;
}

/** One object as a spec file writes it, and what others do to it; every edit meets the object as we have applied it. */
export interface InStepCase {
  readonly name: string;
  /** Below `/api` or `/apis`, with the namespace as `NS`. */
  readonly path: string;
  readonly yaml: string;
  readonly edits: readonly Edit[];
}

/** Edits by the content type that they are sent with: a name, the body, the verdict and the paths that are lost. */
export const merge = (name: string, body: unknown, verdict: Edit['verdict'], ...lost: readonly string[]): Edit => ({
  name,
  contentType: patchTypes.merge,
  body,
  verdict,
  lost,
});
export const strategic = (name: string, body: unknown, verdict: Edit['verdict'], ...lost: readonly string[]): Edit => ({
  ...merge(name, body, verdict, ...lost),
  contentType: patchTypes.strategic,
});
export const patch = (name: string, body: readonly unknown[], verdict: Edit['verdict'], ...lost: readonly string[]): Edit => ({
  ...merge(name, body, verdict, ...lost),
  contentType: patchTypes.json,
});

/** Sends one edit, as `kubectl` or another writer would; the object is the one at `path`. */
export async function sendEdit(connection: KubernetesConnection, path: string, edit: Edit): Promise<void> {
  const { subresource = '', by = 'kubectl', contentType = patchTypes.merge } = edit;
  const force = contentType === patchTypes.apply ? '&force=true' : '';
  const body = contentType === patchTypes.apply ? { ...(edit.body as object), metadata: { name: path.split('/').at(-1) } } : edit.body;
  await kubeRequest(connection, edit.method ?? 'PATCH', `${path}${subresource}?fieldManager=${by}${force}`, body, contentType);
}
