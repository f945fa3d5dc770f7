import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { requireSuccess } from './api-status.ts';
import { asRecord, asText } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';
import { METADATA_ONLY } from './list-objects.ts';

/** The UID of the `kube-system` namespace: what tells one cluster from another for ever. Fails with AppError. */
export async function readClusterUid(client: KubeClient, signal: AbortSignal): Promise<string> {
  const answer = await client.send({ method: 'GET', path: '/api/v1/namespaces/kube-system', accept: METADATA_ONLY }, signal);
  const body = requireSuccess(answer, { verb: 'get', resource: 'namespaces', namespace: '', name: 'kube-system' });
  const uid = asText(asRecord(asRecord(body)['metadata'])['uid']);
  if (uid === '') throw new AppError(problem('KUBERNETES_UNAVAILABLE', 'the answer about the namespace kube-system holds no uid'));
  return uid;
}
