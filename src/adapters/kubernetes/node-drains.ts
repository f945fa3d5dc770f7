import type { NodeName } from '../../core/model/ids.ts';
import { DRAIN_ANNOTATION, DRAIN_REASON_ANNOTATION } from '../../core/model/nodes.ts';
import type { NodeDrainResult, NodeDrains } from '../../core/model/ports.ts';
import { AppError } from '../../shared/errors.ts';
import { isMissingResource, requireSuccess, statusOfAnswer } from './api-status.ts';
import type { KubeClient } from './kube-client.ts';

/** Somebody waits for the answer. */
const TIMEOUT_MS = 5_000;

/** Marks nodes by a merge patch of two annotations: nothing else of a node is ever sent, and what is there already changes nothing. */
export function createNodeDrains(client: KubeClient): NodeDrains {
  const annotate = async (node: NodeName, drain: string | null, reason: string | null, signal: AbortSignal): Promise<NodeDrainResult> => {
    // A path such as `..` would name something else.
    if (!NODE_NAME.test(node)) return { kind: 'no-such-node' };
    const annotations = { [DRAIN_ANNOTATION]: drain, [DRAIN_REASON_ANNOTATION]: reason };
    const request = { method: 'PATCH', path: `/api/v1/nodes/${node}`, contentType: MERGE_PATCH, timeoutMs: TIMEOUT_MS } as const;
    try {
      const answer = await client.send({ ...request, body: { metadata: { annotations } } }, signal);
      if (answer.status === 404 && !isMissingResource(statusOfAnswer(answer))) return { kind: 'no-such-node' };
      requireSuccess(answer, { verb: 'patch', resource: 'nodes', namespace: '', name: node });
      return { kind: 'done' };
    } catch (error) {
      if (error instanceof AppError) return { kind: 'failed', problem: error.problem };
      throw error;
    }
  };
  return {
    mark: (node, reason, signal) => annotate(node, 'true', reason ?? null, signal),
    unmark: (node, signal) => annotate(node, null, null, signal),
  };
}

const MERGE_PATCH = 'application/merge-patch+json';
/** What Kubernetes allows: a DNS subdomain. */
const NODE_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
