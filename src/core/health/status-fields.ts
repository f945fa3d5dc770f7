import type { JsonObject } from '../model/objects.ts';

/** One entry of `status.conditions`; texts are empty where the controller wrote none. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** A number of a spec or status; undefined where there is none. */
export function numberOf(fields: JsonObject, name: string): number | undefined {
  const value = fields[name];
  return typeof value === 'number' ? value : undefined;
}

/** A counter of a status: controllers leave out those that are 0. */
export const countOf = (status: JsonObject, name: string): number => numberOf(status, name) ?? 0;

/** A text of a spec or status; empty where there is none. */
export function textOf(fields: JsonObject, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

/** An object inside a spec or status; empty where there is none. */
export function fieldsIn(fields: JsonObject, name: string): JsonObject {
  const value = fields[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The condition of this type, if the controller has written it. */
export function conditionOf(status: JsonObject, type: string): Condition | undefined {
  const conditions = status['conditions'];
  if (!Array.isArray(conditions)) return undefined;
  const found = (conditions as readonly (JsonObject | null)[]).find((one) => one?.['type'] === type);
  if (found === undefined || found === null) return undefined;
  return { type, status: textOf(found, 'status'), reason: textOf(found, 'reason'), message: textOf(found, 'message') };
}

/** What a condition says for itself: its message, else its reason, else its type and status. */
export function conditionText({ type, status, reason, message }: Condition): string {
  if (message !== '') return message;
  return reason === '' ? `the condition ${type} is ${status}` : reason;
}
