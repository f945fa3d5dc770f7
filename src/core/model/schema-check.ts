import type { JsonObject } from './objects.ts';

/** What is wrong with a part of an object. `title` is what the schema calls the part that lacks or has too much: `Container`. */
export type SchemaFault =
  | { readonly kind: 'unknown-field'; readonly field: string; readonly known: readonly string[]; readonly title: string }
  | { readonly kind: 'missing-field'; readonly field: string; readonly title: string }
  /** `expected`: JSON types, such as `integer`. */
  | { readonly kind: 'wrong-type'; readonly expected: readonly string[] }
  | { readonly kind: 'wrong-value'; readonly allowed: readonly string[] }
  /** A text that cannot be read as what it should be, such as a quantity. */
  | { readonly kind: 'wrong-form'; readonly expected: string }
  /** An item of a list that the API server tells from the others by `keys`, and that an earlier item has the same of. */
  | { readonly kind: 'repeated-item'; readonly keys: readonly string[] }
  /** The API has no such kind: `known` are those of the same group and version, empty when there is no such version. */
  | {
      readonly kind: 'unknown-kind';
      readonly known: readonly string[];
      readonly release: string;
      /** The API versions that have a kind of this name, best first. */
      readonly servedIn?: readonly string[];
      /** Every kind that there is. */
      readonly all?: readonly string[];
    };

/** A fault and its place, from the root of the object; that of a missing field is where it should be. */
export interface SchemaViolation {
  readonly path: readonly (string | number)[];
  readonly fault: SchemaFault;
}

/** Checks an object against the schema of its kind. A kind that is not known to be of Kubernetes itself is passed over. */
export type SchemaCheck = (object: JsonObject) => readonly SchemaViolation[];
