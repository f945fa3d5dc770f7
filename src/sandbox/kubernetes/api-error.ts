import type { Fields } from './api-object.ts';
import type { ResourceType } from './resource-types.ts';

/** One wrong field of an object, as `details.causes` of a Status holds it. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** A refusal of the API server: what the answer says and with which code. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Fields;
  constructor(code: number, reason: string, message: string, details: Fields = {}) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** The Status object that an error is answered with; also the object of a watch's ERROR event. */
export function statusOf({ message, code, reason, details }: ApiError): Fields {
  const head = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code };
  return { ...head, ...(reason === '' ? {} : { reason }), ...(Object.keys(details).length === 0 ? {} : { details }) };
}

const suffix = ({ group }: ResourceType): string => (group === '' ? '' : `.${group}`);

const detailsOf = (type: ResourceType, name: string, kind = type.resource): Fields =>
  type.group === '' ? { name, kind } : { name, group: type.group, kind };

export const noSuchResource = (): ApiError => new ApiError(404, 'NotFound', 'the server could not find the requested resource');

export const notFound = (type: ResourceType, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${type.resource}${suffix(type)} "${name}" not found`, detailsOf(type, name));

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);

/** Errors of the merge come as code 500 without a reason, also from the real server. */
export const internalError = (message: string): ApiError => new ApiError(500, '', message);

/** A refusal that names the object by its plural: a lost race (409), an object that is there already, a closing namespace. */
export function refusal(code: 403 | 409, reason: string, { type, name }: { type: ResourceType; name: string }, why: string): ApiError {
  const object = `${type.resource}${suffix(type)} "${name}"`;
  const message = reason === 'Conflict' ? `Operation cannot be fulfilled on ${object}: ${why}` : `${object} ${why}`;
  return new ApiError(code, reason, message, detailsOf(type, name));
}

/** 422 with one cause per wrong field. */
export function invalid(type: ResourceType, name: string, causes: readonly Cause[]): ApiError {
  const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${type.kind}${suffix(type)} "${name}" is invalid: ${list}`, {
    ...detailsOf(type, name, type.kind),
    causes,
  });
}

export const requiredField = (field: string): Cause => ({ reason: 'FieldValueRequired', message: 'Required value', field });

export const invalidField = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  field,
});
