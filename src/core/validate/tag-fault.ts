import type { Severity } from '../../shared/problem.ts';

/** What is wrong with the value of a tag. An error: Traefik drops what the tag is about, or nobody gets a good answer through it. */
export interface TagFault {
  /** The end of a sentence that begins with the tag. */
  readonly reason: string;
  readonly remedy: string;
  /** Default: error. */
  readonly severity?: Severity;
  /** Where in the value, in UTF-16 code units. */
  readonly offset?: number;
}
