import type { JsonObject } from '../model/objects.ts';
import type { Finding } from './finding.ts';
import { asObject } from './json.ts';

const MESSAGE = 'the Secret holds its values in plain text, which base64 is too: whoever reads the repository reads them';

const FIELDS: ReadonlySet<string> = new Set(['data', 'stringData']);

/** A Secret whose values stand in Git. It is applied all the same. */
export function checkSecret(object: JsonObject): readonly Finding[] {
  if (object['apiVersion'] !== 'v1' || object['kind'] !== 'Secret') return [];
  const field = Object.keys(object).find((name) => FIELDS.has(name) && Object.keys(asObject(object[name]) ?? {}).length > 0);
  return field === undefined ? [] : [{ code: 'SPEC_PLAIN_SECRET', path: [field], at: 'key', message: MESSAGE }];
}
