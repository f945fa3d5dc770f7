import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { DataValidationCxt } from 'ajv/dist/types/index.js';
import type { JsonObject, JsonValue } from '../../core/model/objects.ts';

/** An error in ajv's words, its `instancePath` from the root of what was checked. */
export type SchemaError = ErrorObject;

const PREFIX = '#/definitions/';

/**
 * Checks values against definitions that refer to each other by `#/definitions/<name>`. Each is compiled when a value comes to it: a
 * Deployment could refer to 150 of them, and has values for a dozen; compiling all would take as long as the rest of the program.
 */
export class SchemaSet {
  readonly #definitions: Readonly<Record<string, JsonObject>>;
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #ajv = new Ajv({
    allErrors: true,
    // Errors then tell the schema that they come from.
    verbose: true,
    messages: false,
    strict: false,
    // The definitions are ours: looking at them, and making fast code of them, takes longer than the few objects that are checked.
    meta: false,
    validateSchema: false,
    code: { optimize: false },
  });
  #found: SchemaError[] = [];
  /** Where the definition that is being checked begins. */
  #base = '';

  constructor(definitions: Readonly<Record<string, JsonObject>>) {
    this.#definitions = definitions;
    this.#ajv.addKeyword({
      keyword: 'definition',
      errors: false,
      validate: (name: string, value: unknown, _: unknown, context?: DataValidationCxt) => this.#enter(name, value, context?.instancePath),
    });
    this.#ajv.addKeyword({ keyword: 'keys', type: 'array', errors: false, validate: hasNoRepeatedItem });
  }

  /** Everything that is wrong with a value. */
  check(definition: string, value: unknown): readonly SchemaError[] {
    this.#found = [];
    this.#base = '';
    this.#enter(definition, value, '');
    return this.#found;
  }

  /** Always true: errors are kept beside, since ajv would point them at the place of the keyword. */
  #enter(definition: string, value: unknown, path = ''): true {
    const outer = this.#base;
    this.#base = outer + path;
    const validate = this.#validatorOf(definition);
    const isValid = validate(value);
    const errors = isValid === true ? [] : (validate.errors ?? []);
    for (const error of errors) this.#found.push({ ...error, instancePath: this.#base + error.instancePath });
    this.#base = outer;
    return true;
  }

  #validatorOf(definition: string): ValidateFunction {
    const known = this.#compiled.get(definition);
    if (known !== undefined) return known;
    const validate = this.#ajv.compile(withoutReferences(this.#definitions[definition] ?? {}) as JsonObject);
    this.#compiled.set(definition, validate);
    return validate;
  }
}

/** A schema with its references in the form of our keyword, which follows them only when there is a value. */
function withoutReferences(schema: JsonValue): JsonValue {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const mapping = schema as JsonObject;
  const reference = mapping['$ref'];
  if (typeof reference === 'string') return { definition: reference.slice(PREFIX.length) };
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, withoutReferences(value)]));
}

/** The defaults of the fields that tell the items of a list apart, by their names; null for none. */
type KeyDefaults = Readonly<Record<string, unknown>>;

const hasNoRepeatedItem = (keys: KeyDefaults, items: readonly unknown[]): boolean => repeatedItems(keys, items).length === 0;

/** The indexes of the items whose keys an earlier one has too. */
export function repeatedItems(keys: KeyDefaults, items: readonly unknown[]): readonly number[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    if (typeof item !== 'object' || item === null) return [];
    const fields = item as Readonly<Record<string, unknown>>;
    const id = JSON.stringify(Object.entries(keys).map(([key, standard]) => fields[key] ?? standard));
    if (seen.has(id)) return [index];
    seen.add(id);
    return [];
  });
}
