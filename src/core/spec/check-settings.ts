import { groupKindOf, SERVICE_KIND } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { JsonObject } from '../model/objects.ts';
import type { Finding } from './finding.ts';
import { asObject, valueAt } from './json.ts';
import { itemsAt } from './pod-specs.ts';
import { readSettings } from './read-settings.ts';

const KNOWN: ReadonlySet<string> = new Set(Object.values(SETTINGS));
const FOR_EVERY_OBJECT: ReadonlySet<string> = new Set([
  SETTINGS.adopt,
  SETTINGS.recreate,
  SETTINGS.wave,
  SETTINGS.prune,
  SETTINGS.dependsOn,
]);
const FOR_SERVICES: ReadonlySet<string> = new Set([...KNOWN].filter((key) => !FOR_EVERY_OBJECT.has(key)));

/** Checks the `poolkeeper.dev/` annotations of an object: known, readable, on the right kind, and naming a port that exists. */
export function checkSettings(object: JsonObject): readonly Finding[] {
  const path = ['metadata', 'annotations'];
  const annotations = Object.fromEntries(
    Object.entries(asObject(valueAt(object, path)) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const { settings, problems } = readSettings(annotations);
  const findings: Finding[] = problems.map(({ code, message, remedy, annotation }) => ({
    code,
    message,
    remedy,
    path: [...path, annotation],
    ...(KNOWN.has(annotation) ? {} : { at: 'key' as const }),
  }));
  if (groupKindOf(String(object['apiVersion']), String(object['kind'])) === SERVICE_KIND) {
    return [...findings, ...checkWantedPort(object, settings.port)];
  }
  const misplaced = Object.keys(annotations).filter((key) => FOR_SERVICES.has(key));
  return [...findings, ...misplaced.map((key) => notHere(key, String(object['kind'])))];
}

const notHere = (annotation: string, kind: string): Finding => ({
  code: 'SPEC_BAD_ANNOTATION',
  path: ['metadata', 'annotations', annotation],
  at: 'key',
  message: `${annotation} has no meaning on a ${kind}`,
  remedy: 'Move it to the Service.',
});

function checkWantedPort(service: JsonObject, wanted: string | number | undefined): readonly Finding[] {
  if (wanted === undefined || valueAt(service, ['spec', 'type']) !== 'NodePort') return [];
  const ports = itemsAt(service, ['spec', 'ports']).map(({ item }) => item);
  if (ports.some((port) => port['name'] === String(wanted) || port['port'] === wanted)) return [];
  const path = ['metadata', 'annotations', SETTINGS.port];
  return [{ code: 'POOL_PORT_MISSING', path, message: `the Service has no port ${JSON.stringify(wanted)}` }];
}
