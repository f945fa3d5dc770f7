import { isDeepStrictEqual } from 'node:util';
import { ApiError, badRequest } from './api-error.ts';
import { type Fields, isFields } from './api-object.ts';

/** RFC 7396: `patch` laid over `target`, null removes. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902 without `move` and `copy`. 422 when a path does not exist or a test fails, all or nothing. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is a list of operations');
  const root = { document: structuredClone(target) };
  for (const operation of operations.filter(isFields)) applyOperation(root, operation);
  return root.document;
}

function applyOperation(root: { document: unknown }, { op, path, value }: Fields): void {
  const keys = [
    'document',
    ...String(path)
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')),
  ];
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((at, key) => read(at, key), root);
  const exists = read(parent, last) !== undefined;
  const isKnown = op === 'add' || op === 'replace' || op === 'remove' || op === 'test';
  const isPossible = op === 'add' ? isFields(parent) || Array.isArray(parent) : exists;
  if (!isKnown || !isPossible || (op === 'test' && !isDeepStrictEqual(read(parent, last), value))) {
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request');
  }
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (op !== 'test') parent.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
  } else if (isFields(parent)) {
    if (op === 'remove') delete parent[last];
    else if (op !== 'test') parent[last] = value;
  }
}

const read = (at: unknown, key: string): unknown => (Array.isArray(at) ? at[Number(key)] : isFields(at) ? at[key] : undefined);
