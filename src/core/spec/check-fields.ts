import type { GroupKind } from '../model/ids.ts';
import { groupKindOf, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import { remedyFor } from './did-you-mean.ts';
import type { Finding } from './finding.ts';
import { asObject, typeName } from './json.ts';
import { KNOWN_FIELDS, NEEDS_SPEC, OBJECT_FIELDS } from './known-fields.ts';
import type { Path } from './places.ts';

/**
 * Checks the outer fields of the kinds in `KNOWN_FIELDS`, so that a misspelt one is found before the cluster is asked, and the
 * values of ConfigMaps and Secrets, which YAML readily turns into numbers. Other kinds are left to the API server.
 */
export function checkFields(object: JsonObject): readonly Finding[] {
  const kind = groupKindOf(String(object['apiVersion']), String(object['kind']));
  const known = KNOWN_FIELDS.get(kind);
  if (known === undefined) return [];
  const spec = object['spec'];
  return [
    ...unknownFields({ object, known: [...OBJECT_FIELDS, ...known.top], base: [], title: `a ${String(object['kind'])}` }),
    ...checkSpec(kind, spec, known.spec ?? []),
    ...checkData(kind, object),
  ];
}

function checkSpec(kind: GroupKind, spec: JsonValue | undefined, known: readonly string[]): readonly Finding[] {
  if (spec === undefined) {
    return NEEDS_SPEC.has(kind) ? [{ code: 'SPEC_MISSING_FIELD', path: ['spec'], message: 'spec is missing' }] : [];
  }
  if (known.length === 0) return [];
  const mapping = asObject(spec);
  if (mapping === undefined)
    return [{ code: 'SPEC_INVALID_FIELD', path: ['spec'], message: `spec must be a mapping, not ${typeName(spec)}` }];
  const title = `the spec of a ${kind.slice(kind.indexOf('/') + 1)}`;
  return [
    ...unknownFields({ object: mapping, known, base: ['spec'], title }),
    ...(kind === SERVICE_KIND ? checkType(mapping['type']) : []),
  ];
}

const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];

function checkType(type: JsonValue | undefined): readonly Finding[] {
  if (type === undefined || (typeof type === 'string' && SERVICE_TYPES.includes(type))) return [];
  const remedy = typeof type === 'string' ? remedyFor(type, SERVICE_TYPES) : `Write one of ${SERVICE_TYPES.join(', ')}.`;
  return [{ code: 'SPEC_INVALID_FIELD', path: ['spec', 'type'], message: 'there is no such type of Service', remedy }];
}

function unknownFields(input: { object: JsonObject; known: readonly string[]; base: Path; title: string }): readonly Finding[] {
  const { object, known, base, title } = input;
  return Object.keys(object)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      code: 'SPEC_UNKNOWN_FIELD',
      path: [...base, field],
      at: 'key',
      message: `${title} has no field "${field}"`,
      remedy: remedyFor(field, known),
    }));
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const isBase64 = (text: string): boolean => BASE64.test(text.replace(/[\r\n]/g, ''));
const isText = (): boolean => true;

/** The maps of text that kinds have, with what their values must be. No message holds a value. */
const DATA_FIELDS: ReadonlyMap<string, Readonly<Record<string, (text: string) => boolean>>> = new Map([
  ['/ConfigMap', { data: isText, binaryData: isBase64 }],
  ['/Secret', { data: isBase64, stringData: isText }],
]);

function checkData(kind: GroupKind, object: JsonObject): readonly Finding[] {
  return Object.entries(DATA_FIELDS.get(kind) ?? {}).flatMap(([field, test]) => {
    const value = object[field];
    const entries = asObject(value);
    if (value === undefined) return [];
    if (entries === undefined) {
      return [{ code: 'SPEC_INVALID_FIELD', path: [field], message: `${field} must be a mapping, not ${typeName(value)}` } as const];
    }
    return Object.entries(entries).flatMap(([key, text]) => checkDatum([field, key], text, test));
  });
}

function checkDatum(path: Path, text: JsonValue, test: (text: string) => boolean): readonly Finding[] {
  if (typeof text !== 'string') {
    const message = `the value must be a string, not ${typeName(text)}`;
    return [{ code: 'SPEC_INVALID_FIELD', path, message, remedy: 'Put the value in quotes.' }];
  }
  if (test(text)) return [];
  const remedy = 'Encode it, or in a Secret write it as plain text under stringData.';
  return [{ code: 'SPEC_INVALID_FIELD', path, message: 'the value is not base64', remedy }];
}
