import { groupKind, groupKindOf, type ObjectKey, objectKey } from '../../core/model/ids.ts';
import type { PodTrouble } from '../../core/model/pods.ts';
import { asList, asRecord, asText, asTextMap, type JsonRecord } from './json-access.ts';

/** Waiting for these is how every container begins. */
const USUAL_WAITS: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);
const HASH_LABEL = 'pod-template-hash';
const MAX_MESSAGE = 300;

type Why = Pick<PodTrouble, 'reason' | 'message'>;

/**
 * Why a pod is not ready, from its own status. Undefined for one that is ready, has succeeded, only starts, is being deleted,
 * or belongs to no controller.
 */
export function decodePod(raw: unknown): PodTrouble | undefined {
  const object = asRecord(raw);
  const [meta, status] = [asRecord(object['metadata']), asRecord(object['status'])];
  const workload = workloadOf(meta);
  if (workload === undefined || meta['deletionTimestamp'] !== undefined) return undefined;
  const why = whyNotReady(status);
  if (why === undefined) return undefined;
  return Object.freeze({ pod: asText(meta['name']), workload, reason: why.reason, message: why.message.slice(0, MAX_MESSAGE) });
}

/** The Deployment of a ReplicaSet that one made, else the controller itself. */
function workloadOf(meta: JsonRecord): ObjectKey | undefined {
  const controller = asList(meta['ownerReferences'])
    .map(asRecord)
    .find((reference) => reference['controller'] === true);
  if (controller === undefined) return undefined;
  const [namespace, name] = [asText(meta['namespace']), asText(controller['name'])];
  const kind = groupKindOf(asText(controller['apiVersion']), asText(controller['kind']));
  const suffix = `-${asTextMap(meta['labels'])[HASH_LABEL] ?? ''}`;
  const isOfDeployment = kind === 'apps/ReplicaSet' && suffix !== '-' && name.endsWith(suffix);
  return isOfDeployment
    ? objectKey(groupKind('apps', 'Deployment'), namespace, name.slice(0, -suffix.length))
    : objectKey(kind, namespace, name);
}

function whyNotReady(status: JsonRecord): Why | undefined {
  const phase = asText(status['phase']);
  const ready = conditionOf(status, 'Ready');
  if (phase === 'Succeeded' || (ready?.['status'] === 'True' && phase !== 'Failed')) return undefined;
  const containers = [...asList(status['initContainerStatuses']), ...asList(status['containerStatuses'])].map(asRecord);
  if (phase === 'Failed') return whyFailed(status, containers);
  return whyWaiting(containers) ?? whyUnscheduled(status) ?? (phase === 'Running' ? whyUnready(ready) : undefined);
}

/** Evicted by its node, or ended by its containers. */
function whyFailed(status: JsonRecord, containers: readonly JsonRecord[]): Why {
  const ended = containers.find((container) => exitOf(container['state'])?.isFailure === true);
  const exit = exitOf(ended?.['state']);
  const message = ended === undefined || exit === undefined ? '' : `container ${asText(ended['name'])} ended with ${exit.text}`;
  return { reason: asText(status['reason']) || exit?.reason || 'Failed', message: asText(status['message']) || message };
}

/** The first container that waits for anything unusual; those that run before the others come first. */
function whyWaiting(containers: readonly JsonRecord[]): Why | undefined {
  for (const container of containers) {
    const waiting = asRecord(asRecord(container['state'])['waiting']);
    const reason = asText(waiting['reason']);
    if (USUAL_WAITS.has(reason)) continue;
    const last = exitOf(container['lastState']);
    const parts = [last === undefined ? '' : `it last ended with ${last.text}`, asText(waiting['message'])];
    const told = parts.filter((part) => part !== '').join('; ');
    return { reason, message: told === '' ? `container ${asText(container['name'])}` : `container ${asText(container['name'])}: ${told}` };
  }
  return undefined;
}

function whyUnscheduled(status: JsonRecord): Why | undefined {
  const scheduled = conditionOf(status, 'PodScheduled');
  if (scheduled?.['status'] !== 'False') return undefined;
  return { reason: asText(scheduled['reason']) || 'Unschedulable', message: asText(scheduled['message']) };
}

function whyUnready(ready: JsonRecord | undefined): Why | undefined {
  if (ready?.['status'] !== 'False') return undefined;
  return { reason: asText(ready['reason']) || 'NotReady', message: asText(ready['message']) };
}

/** How a container state says that the container has ended. */
function exitOf(state: unknown): { readonly isFailure: boolean; readonly reason: string; readonly text: string } | undefined {
  const ended = asRecord(state)['terminated'];
  if (ended === undefined) return undefined;
  const { exitCode, reason, message } = asRecord(ended);
  const code = typeof exitCode === 'number' ? exitCode : 0;
  const [why, own] = [asText(reason), asText(message).trim()];
  const text = `exit code ${code}${why === '' ? '' : ` (${why})`}${own === '' ? '' : `: ${own}`}`;
  return { isFailure: code !== 0, reason: why, text };
}

const conditionOf = (status: JsonRecord, type: string): JsonRecord | undefined =>
  asList(status['conditions'])
    .map(asRecord)
    .find((condition) => condition['type'] === type);
