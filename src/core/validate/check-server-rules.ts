import { groupKindOf, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import type { Finding } from '../spec/finding.ts';
import { asObject, valueAt } from '../spec/json.ts';
import { containerLists, itemsAt } from '../spec/pod-specs.ts';
import { containerFindings } from './container-findings.ts';
import { countFindings } from './count-findings.ts';
import { kindFindings } from './kind-findings.ts';
import { labelFindings } from './label-findings.ts';
import { servicePortFindings } from './service-port-findings.ts';

/**
 * What every API server refuses although its schema allows it, as far as people are used to get it wrong: Services with several ports
 * that nothing tells apart, selectors that do not fit their own template, containers without an image, Jobs that restart for ever.
 */
export function checkServerRules({ written }: { readonly written: JsonObject }): readonly Finding[] {
  const podSpec = containerLists(written)[0]?.slice(0, -1);
  const isService = groupKindOf(String(written['apiVersion']), String(written['kind'])) === SERVICE_KIND;
  return [
    ...(isService ? [...portNames(written), ...servicePortFindings(written)] : []),
    ...selector(written),
    ...labelFindings(written),
    ...countFindings(written),
    ...kindFindings(written),
    ...(podSpec === undefined ? [] : [...images(written), ...restartPolicy(written, podSpec), ...containerFindings(written, podSpec)]),
  ];
}

function portNames(service: JsonObject): readonly Finding[] {
  const ports = itemsAt(service, ['spec', 'ports']);
  if (ports.length < 2) return [];
  const seen = new Set<JsonValue>();
  return ports.flatMap(({ item, path }): readonly Finding[] => {
    const name = item['name'];
    if (isAbsent(name)) {
      const message = 'each port of a Service with several ports needs a name';
      return [{ code: 'SPEC_MISSING_FIELD', path: [...path, 'name'], message }];
    }
    const isRepeated = seen.has(name);
    seen.add(name);
    return isRepeated ? [{ code: 'SPEC_INVALID_FIELD', path: [...path, 'name'], message: 'an earlier port has the same name' }] : [];
  });
}

/** Kinds whose selector is their own; a Job's is made by the server. */
const SELECTING: ReadonlySet<string> = new Set(
  ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet'].map((kind) => groupKindOf('apps/v1', kind)),
);

function selector(object: JsonObject): readonly Finding[] {
  if (!SELECTING.has(groupKindOf(String(object['apiVersion']), String(object['kind'])))) return [];
  const wanted = asObject(valueAt(object, ['spec', 'selector', 'matchLabels'])) ?? {};
  const labels = asObject(valueAt(object, ['spec', 'template', 'metadata', 'labels'])) ?? {};
  const missed = Object.keys(wanted).filter((key) => wanted[key] !== labels[key]);
  if (missed.length === 0) return [];
  const message = `the selector does not fit the labels of the pod template: ${missed.join(', ')}`;
  const remedy = 'Give the template the labels of the selector. The selector of an object that is there already cannot be changed.';
  return [{ code: 'SPEC_INVALID_FIELD', path: ['spec', 'selector', 'matchLabels'], message, remedy }];
}

const images = (object: JsonObject): readonly Finding[] =>
  containerLists(object)
    .flatMap((keys) => itemsAt(object, keys))
    .filter(({ item }) => isAbsent(item['image']) || item['image'] === '')
    .map(({ path }): Finding => ({ code: 'SPEC_MISSING_FIELD', path: [...path, 'image'], message: 'the container needs an image' }));

const ENDING: ReadonlySet<string> = new Set(['Job', 'CronJob'].map((kind) => groupKindOf('batch/v1', kind)));

function allowedPolicies(kind: string): readonly string[] | undefined {
  if (ENDING.has(kind)) return ['OnFailure', 'Never'];
  return SELECTING.has(kind) ? ['Always'] : undefined;
}

function restartPolicy(object: JsonObject, podSpec: readonly string[]): readonly Finding[] {
  const allowed = allowedPolicies(groupKindOf(String(object['apiVersion']), String(object['kind'])));
  const found = valueAt(object, podSpec);
  if (allowed === undefined || asObject(found) === undefined) return [];
  const policy = valueAt(object, [...podSpec, 'restartPolicy']);
  if (allowed.some((value) => value === (isAbsent(policy) ? 'Always' : policy))) return [];
  const message = `the restartPolicy of a ${String(object['kind'])} must be ${allowed.join(' or ')}`;
  return [{ code: isAbsent(policy) ? 'SPEC_MISSING_FIELD' : 'SPEC_INVALID_FIELD', path: [...podSpec, 'restartPolicy'], message }];
}

const isAbsent = (value: JsonValue | undefined): value is null | undefined => value === undefined || value === null;
