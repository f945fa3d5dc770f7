import type { JsonObject, JsonValue } from '../../core/model/objects.ts';
import type { ApiResource } from './discovery.ts';
import { asList, asRecord, asText, type JsonRecord } from './json-access.ts';

/** What many objects have nothing of: one for all of them. */
export const EMPTY: Readonly<Record<string, never>> = Object.freeze({});

/** The scalars of `status` that health rules read. */
const KEPT: readonly string[] = [
  'observedGeneration',
  'phase',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'currentReplicas',
  'currentRevision',
  'updateRevision',
  'desiredNumberScheduled',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberReady',
  'active',
  'succeeded',
  'failed',
];

const MAX_MESSAGE = 300;

/** Reduces a `status` to what health rules read of any kind. `EMPTY` when nothing is left: most kinds have no status. */
export function readStatus(status: JsonRecord, { group, kind }: ApiResource): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const key of KEPT) {
    const value = status[key];
    if (typeof value === 'number' || typeof value === 'string') kept[key] = value;
  }
  const conditions = asList(status['conditions']).map(asRecord).map(readCondition);
  if (conditions.length > 0) kept['conditions'] = conditions;
  // An empty one says: there is no address yet.
  if (group === '' && kind === 'Service' && status['loadBalancer'] !== undefined) {
    kept['loadBalancer'] = asRecord(status['loadBalancer']) as JsonObject;
  }
  return Object.keys(kept).length === 0 ? EMPTY : kept;
}

/** Without its times: these move while nothing else does. */
function readCondition(condition: JsonRecord): JsonObject {
  const kept: Record<string, JsonValue> = { type: asText(condition['type']), status: asText(condition['status']) };
  for (const key of ['reason', 'message'] as const) {
    const text = asText(condition[key]);
    if (text !== '') kept[key] = text.slice(0, MAX_MESSAGE);
  }
  return kept;
}
