import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { SpecId } from '../model/ids.ts';
import { nearest } from '../spec/did-you-mean.ts';

const MOST_NAMES = 5;

/** That nobody knows a spec of this name, with those that were most likely meant: the nearest by its letters, and those that have the word in their path. */
export function unknownSpec(name: string, specs: readonly SpecId[]): Problem {
  const near = nearest(name, specs);
  const names = new Set([...(near === undefined ? [] : [near]), ...specs.filter((spec) => spec.includes(name))]);
  const quoted = [...names].slice(0, MOST_NAMES).map((one) => `"${one}"`);
  return problem('SPEC_UNKNOWN', `there is no spec ${name}`, quoted.length === 0 ? {} : { remedy: `Did you mean ${quoted.join(' or ')}?` });
}
