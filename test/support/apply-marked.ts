import { decodeLiveObject } from '../../src/adapters/kubernetes/live-object.ts';
import { markObject } from '../../src/core/desired/mark-object.ts';
import { specId } from '../../src/core/model/ids.ts';
import { fieldManager } from '../../src/core/model/marks.ts';
import type { KubernetesObject, LiveObject } from '../../src/core/model/objects.ts';
import { decodeSpec } from '../../src/core/spec/decode-spec.ts';
import type { KubernetesConnection } from './kube-client.ts';
import { KubeError, kubeRequest, patchTypes } from './kube-client.ts';
import { waitUntil } from './wait-until.ts';

/** The owner of what `applyMarked` applies. */
export const MARKED_OWNER = 'in-step';
const FILE = specId('web.yaml');

/** The one object of a spec file, decoded as the daemon does. Throws when the text is not a spec. */
export function decodeOne(yaml: string, namespace: string): KubernetesObject {
  const options = { defaultNamespace: namespace, namespaceFromFolder: false, root: '' };
  const content = { kind: 'bytes' as const, bytes: new TextEncoder().encode(yaml) };
  const decoded = decodeSpec({ id: FILE, blobId: 'blob', content }, options);
  const object = decoded.kind === 'spec' ? decoded.spec.objects[0]?.object : undefined;
  if (object === undefined) throw new Error(`no spec: ${JSON.stringify(decoded)}`);
  return object;
}

/** The object as the daemon would send it now. */
export const marked = (object: KubernetesObject, live: LiveObject | undefined): KubernetesObject =>
  markObject(object, FILE, MARKED_OWNER, live);

/** Applies an object as the daemon does, with its marks, its manager and strict fields; what the server made of it. */
export async function applyMarked(connection: KubernetesConnection, path: string, object: KubernetesObject): Promise<LiveObject> {
  const query = `fieldManager=${fieldManager(MARKED_OWNER)}&force=true&fieldValidation=Strict`;
  return reduced(await kubeRequest(connection, 'PATCH', `${path}?${query}`, object, patchTypes.apply), path);
}

/** The object at `path` as the Kubernetes leg shows it to the core. */
export async function readLive(connection: KubernetesConnection, path: string): Promise<LiveObject> {
  return reduced(await kubeRequest(connection, 'GET', path), path);
}

/** Deletes the object at `path` and waits until it is gone; finalizers are taken off. */
export async function removeObject(connection: KubernetesConnection, path: string): Promise<void> {
  const isGone = async (): Promise<true | undefined> => {
    try {
      const live = await readLive(connection, path);
      if (live.finalizers.length > 0) await kubeRequest(connection, 'PATCH', path, { metadata: { finalizers: null } }, patchTypes.merge);
      if (!live.deleting) await kubeRequest(connection, 'DELETE', path);
      return undefined;
    } catch (error) {
      if (error instanceof KubeError && (error.status === 404 || error.status === 409)) return error.status === 404 ? true : undefined;
      throw error;
    }
  };
  await waitUntil(`the end of ${path}`, isGone);
}

function reduced(raw: unknown, path: string): LiveObject {
  const { apiVersion, kind } = raw as { readonly apiVersion: string; readonly kind: string };
  const [group] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
  const plural = path.split('/').at(-2) ?? '';
  return decodeLiveObject(raw, { apiVersion, group: group ?? '', kind, plural, namespaced: path.includes('/namespaces/') }, MARKED_OWNER);
}
