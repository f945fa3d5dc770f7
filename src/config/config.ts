import type { Values } from './option.ts';
import type { OPTIONS } from './options.ts';

/**
 * The whole configuration, checked. Its shape and its documentation are the table `OPTIONS`; durations are in milliseconds;
 * an option without value and default is undefined. It holds no secret: those are in the files that it names.
 */
export type Config = Values<typeof OPTIONS> & {
  /** Whether `registration` was set, and not left to its default. */
  readonly registrationExplicit: boolean;
};
