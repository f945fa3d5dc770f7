import type { JsonObject, JsonValue } from '../model/objects.ts';
import type { SchemaCheck, SchemaFault, SchemaViolation } from '../model/schema-check.ts';
import { nearest, remedyFor } from '../spec/did-you-mean.ts';
import type { Finding } from '../spec/finding.ts';
import { spaceRemedy, typeName } from '../spec/json.ts';

/** What a schema finds in an object, in words. No message holds a value: it may be a secret. */
export const schemaFindings = (object: JsonObject, check: SchemaCheck): readonly Finding[] =>
  check(object).map((violation) => findingOf(violation, object));

/**
 * The object as it is meant where its kind is known under another apiVersion, or is nearly called so: then all else that is wrong with it can
 * be told as well. The very same object where the schema knows it, or nobody can tell.
 */
export function asMeant(object: JsonObject, check: SchemaCheck): JsonObject {
  const fault = check(object).find((violation) => violation.fault.kind === 'unknown-kind')?.fault;
  if (fault?.kind !== 'unknown-kind') return object;
  const [apiVersion] = fault.servedIn ?? [];
  if (apiVersion !== undefined) return { ...object, apiVersion };
  const kind = nearest(String(object['kind']), fault.known);
  return kind === undefined ? object : { ...object, kind };
}

function findingOf({ path, fault }: SchemaViolation, object: JsonObject): Finding {
  const value = valueAt(object, path);
  const name = nameOf(path);
  switch (fault.kind) {
    case 'unknown-field': {
      const message = `${fault.title} has no field "${fault.field}"`;
      return { code: 'SPEC_UNKNOWN_FIELD', path, at: 'key', message, remedy: remedyFor(fault.field, fault.known) };
    }
    case 'missing-field':
      return { code: 'SPEC_MISSING_FIELD', path, message: `${fault.title} needs the field "${fault.field}"` };
    case 'wrong-type':
      return { code: 'SPEC_INVALID_FIELD', path, ...typeWords(name, fault.expected, value) };
    case 'wrong-value':
      return { code: 'SPEC_INVALID_FIELD', path, message: `there is no such ${name}`, remedy: choiceRemedy(fault.allowed, value) };
    case 'wrong-form':
      return { code: 'SPEC_INVALID_FIELD', path, message: `${name} must be ${fault.expected}` };
    case 'repeated-item': {
      const message = `an earlier item of the list has the same ${fault.keys.join(' and ')}`;
      return { code: 'SPEC_INVALID_FIELD', path, message, remedy: 'Remove one of the two, or tell them apart.' };
    }
    default:
      return { code: 'KUBERNETES_UNKNOWN_KIND', path, ...kindWords(fault, object) };
  }
}

type Words = Pick<Finding, 'message' | 'remedy'>;

const TYPES: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
};

function typeWords(name: string, expected: readonly string[], value: JsonValue | undefined): Words {
  const isOtherNumber = typeof value === 'number' && expected.includes('integer');
  const is = value === undefined ? '' : `, not ${isOtherNumber ? 'such a number' : typeName(value)}`;
  const message = `${name} must be ${expected.map((type) => TYPES[type] ?? type).join(' or ')}${is}`;
  const isUnquotable = typeof value === 'string' && (expected.includes('boolean') ? /^(?:true|false)$/ : /^-?\d+(?:\.\d+)?$/).test(value);
  if (isUnquotable && !expected.includes('string')) return { message, remedy: 'Write it without quotes.' };
  if (expected.includes('string') && (typeof value === 'number' || typeof value === 'boolean'))
    return { message, remedy: 'Put it in quotes.' };
  return { message, ...(expected.includes('string') ? {} : spaceRemedy(value)) };
}

function choiceRemedy(allowed: readonly string[], value: JsonValue | undefined): string {
  const meant = typeof value === 'string' ? nearest(value, allowed) : undefined;
  return meant === undefined ? `Write one of ${allowed.join(', ')}.` : `Did you mean "${meant}"?`;
}

function kindWords(fault: Extract<SchemaFault, { kind: 'unknown-kind' }>, object: JsonObject): Words {
  const { known, release, servedIn = [], all = [] } = fault;
  const kind = String(object['kind']);
  const version = object['apiVersion'];
  const [best, ...others] = servedIn;
  if (best !== undefined) {
    const message = version === undefined ? 'apiVersion is missing' : `Kubernetes ${release} has no kind ${kind} in ${String(version)}`;
    const more = others.length === 0 ? '' : `, or ${others.join(' or ')}`;
    return { message, remedy: `Write apiVersion: ${best}${more}.` };
  }
  const meant = nearest(kind, all);
  const remedy =
    nearest(kind, known) === undefined && meant !== undefined ? `Did you mean "${meant}"? It is of another apiVersion.` : undefined;
  if (known.length === 0) {
    return { message: `Kubernetes ${release} has no API version ${String(version)}`, ...(remedy === undefined ? {} : { remedy }) };
  }
  return { message: `Kubernetes ${release} has no kind ${kind} in this API version`, remedy: remedy ?? remedyFor(kind, known) };
}

/** What people call the value at a path: its field, also for an item of a list. */
function nameOf(path: SchemaViolation['path']): string {
  const field = path.findLast((part) => typeof part === 'string') ?? 'the object';
  return typeof path.at(-1) === 'number' ? `an item of ${field}` : field;
}

function valueAt(object: JsonObject, path: SchemaViolation['path']): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const part of path) value = (value as Readonly<Record<string | number, JsonValue>> | undefined)?.[part];
  return value;
}
