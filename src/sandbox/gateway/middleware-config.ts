import type { DynamicObject } from '../../core/routes/dynamic-types.ts';

/** A list of texts in the configuration of a middleware; empty without one. */
export const listOf = (config: DynamicObject, field: string): readonly string[] => (config[field] ?? []) as readonly string[];

/** A text in it; empty without one. */
export const textOf = (config: DynamicObject, field: string): string => String(config[field] ?? '');

/** What stands under a field; nothing without one. */
export const objectOf = (config: DynamicObject, field: string): DynamicObject => (config[field] ?? {}) as DynamicObject;
