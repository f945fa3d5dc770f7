import type { JsonObject } from '../../core/model/objects.ts';
import type { SchemaFault, SchemaViolation } from '../../core/model/schema-check.ts';
import { repeatedItems, type SchemaError } from './schema-set.ts';

type Path = SchemaViolation['path'];

/** What a schema says of an object, in our words. */
export const violationsOf = (errors: readonly SchemaError[], object: JsonObject): readonly SchemaViolation[] =>
  errors.flatMap((error) => violationOf(error, pathOf(error.instancePath, object)));

function violationOf({ keyword, params, data, parentSchema = {} }: SchemaError, path: Path): readonly SchemaViolation[] {
  const one = (fault: SchemaFault, ...inside: Path): readonly SchemaViolation[] => [{ path: [...path, ...inside], fault }];
  const title = String(parentSchema['title'] ?? 'object');
  switch (keyword) {
    case 'additionalProperties': {
      const field = String(params['additionalProperty']);
      return one({ kind: 'unknown-field', field, known: Object.keys(parentSchema['properties'] as object), title }, field);
    }
    case 'required': {
      const field = String(params['missingProperty']);
      return one({ kind: 'missing-field', field, title }, field);
    }
    case 'type':
      return one({ kind: 'wrong-type', expected: [parentSchema['type'] as string | readonly string[]].flat() });
    case 'enum':
      return one({ kind: 'wrong-value', allowed: (parentSchema['enum'] as readonly unknown[]).map(String) });
    case 'pattern':
      return one({ kind: 'wrong-form', expected: 'a quantity such as 500m, 1.5 or 64Mi' });
    case 'keys': {
      const keys = parentSchema['keys'] as JsonObject;
      const fault: SchemaFault = { kind: 'repeated-item', keys: Object.keys(keys) };
      return repeatedItems(keys, data as readonly unknown[]).flatMap((index) => one(fault, index));
    }
    default:
      return [];
  }
}

/** A JSON pointer as a path; what is an index only the object tells. */
function pathOf(pointer: string, object: unknown): Path {
  let inside: unknown = object;
  return pointer
    .split('/')
    .slice(1)
    .map((escaped) => {
      const text = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      const part = Array.isArray(inside) ? Number(text) : text;
      inside = (inside as Readonly<Record<string | number, unknown>> | undefined)?.[part];
      return part;
    });
}
