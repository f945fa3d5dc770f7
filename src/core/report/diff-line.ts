import type { JsonValue } from '../model/objects.ts';

/** One thing that differs: a field of an object, a backend, a tag, a router or a key. What is not there has no `before`. */
export interface DiffLine {
  /** `spec.replicas`, `backend node-1`, `tag`, `router shop`, `key …`. */
  readonly what: string;
  readonly op: 'add' | 'remove' | 'change';
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}
