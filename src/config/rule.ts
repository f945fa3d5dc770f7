import type { Problem } from '../shared/problem.ts';
import type { Config } from './config.ts';

/** A rule over several options. It is asked only when all options that it reads are valid on their own. */
export interface Rule {
  readonly reads: readonly string[];
  readonly check: (config: Config) => Problem | undefined;
}
