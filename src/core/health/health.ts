import type { JsonObject, LiveObject } from '../model/objects.ts';

/** How an object fares, by the rules of kstatus. `unknown`: nobody has looked at its status. */
export interface Health {
  readonly state: 'ready' | 'progressing' | 'failed' | 'unknown';
  /** For people: `1 of 3 replicas are updated`. Empty when ready. */
  readonly reason: string;
}

/** The rule of one kind. It is asked only about objects that stay, and whose controller has seen their newest generation. */
export type HealthRule = (live: LiveObject, status: JsonObject) => Health;

export const READY: Health = Object.freeze({ state: 'ready', reason: '' });
export const UNKNOWN: Health = Object.freeze({ state: 'unknown', reason: 'its status has not been looked at' });
export const progressing = (reason: string): Health => ({ state: 'progressing', reason });
export const failed = (reason: string): Health => ({ state: 'failed', reason });
