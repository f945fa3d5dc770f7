import type { JsonObject } from '../model/objects.ts';
import type { Finding } from '../spec/finding.ts';
import { valueAt } from '../spec/json.ts';

/** Numbers that may not be negative, wherever a kind of Kubernetes has them directly below its `spec` or that of its template of Jobs. */
const COUNTS: ReadonlySet<string> = new Set([
  'replicas',
  'minReadySeconds',
  'revisionHistoryLimit',
  'progressDeadlineSeconds',
  'parallelism',
  'completions',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'activeDeadlineSeconds',
  'startingDeadlineSeconds',
  'successfulJobsHistoryLimit',
  'failedJobsHistoryLimit',
  'minReplicas',
  'maxReplicas',
]);

const SPECS: readonly (readonly string[])[] = [['spec'], ['spec', 'jobTemplate', 'spec']];

/** The groups of Kubernetes that have these fields. */
const GROUPS = /^(?:v1$|apps\/|batch\/|autoscaling\/)/;

/** Counts and times below 0, and an autoscaler whose least is more than its most (Kubernetes: validation of apps, batch, autoscaling). */
export function countFindings(object: JsonObject): readonly Finding[] {
  if (!GROUPS.test(String(object['apiVersion']))) return [];
  const negative = SPECS.flatMap((path) =>
    Object.entries(mappingAt(object, path)).flatMap(([field, value]): readonly Finding[] =>
      COUNTS.has(field) && typeof value === 'number' && value < 0
        ? [{ code: 'SPEC_INVALID_FIELD', path: [...path, field], message: `${field} must not be negative` }]
        : [],
    ),
  );
  const { minReplicas = 1, maxReplicas } = mappingAt(object, ['spec']);
  if (typeof minReplicas !== 'number' || typeof maxReplicas !== 'number' || maxReplicas < 0 || maxReplicas >= minReplicas) return negative;
  return [
    ...negative,
    { code: 'SPEC_INVALID_FIELD', path: ['spec', 'maxReplicas'], message: `maxReplicas is less than minReplicas, ${minReplicas}` },
  ];
}

function mappingAt(object: JsonObject, path: readonly string[]): JsonObject {
  const found = valueAt(object, path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as JsonObject) : {};
}
