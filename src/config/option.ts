import type { Kind } from './kinds.ts';

/** A value as it stands in a YAML file. */
export type Written = string | number | boolean | readonly string[] | { readonly [key: string]: Written };

/** One option: its kind, its default as one would write it, and what it does. */
export interface Option<V> {
  readonly kind: Kind<V>;
  readonly default?: Written;
  readonly required: boolean;
  /** Whole sentences, for the help and the reference. */
  readonly help: string;
}

/** An option that has a default. */
export const option = <V>(kind: Kind<V>, value: Written, help: string): Option<V> => ({ kind, default: value, required: false, help });

/** An option that may be left out; its value is then undefined. */
export const optional = <V>(kind: Kind<V>, help: string): Option<V | undefined> => ({ kind, required: false, help });

/** An option that must be set. */
export const required = <V>(kind: Kind<V>, help: string): Option<V> => ({ kind, required: true, help });

/** The values of a table of options: the same shape, each option replaced by its value. */
export type Values<T> = T extends Option<infer V> ? V : { readonly [K in keyof T]: Values<T[K]> };

/** A written value as one line, as it may stand in an environment variable or after a flag. */
export function writtenText(value: Written): string {
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.map(writtenText).join(',');
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${writtenText(item)}`);
  return `{${entries.join(', ')}}`;
}
