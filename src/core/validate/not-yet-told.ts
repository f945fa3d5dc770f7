import type { Problem } from '../../shared/problem.ts';

/** What the API server refused of a file. */
export interface Refusal {
  readonly file: string;
  readonly problem: Problem;
}

/** Decoding ends at the first of these, and names the field in Go's words or not at all. */
const UNDECODABLE = /strict decoding error|cannot be handled as|cannot unmarshal/;

/**
 * The refusals without what was found in the same file already: a field that does not exist, or is missing, is told with its place by the
 * schema, and once more by a dry run. A refusal of several fields keeps those that nobody has found.
 */
export const notYetTold = (refusals: readonly Refusal[], found: readonly Problem[]): readonly Refusal[] =>
  refusals.flatMap((refusal) => {
    const { file, problem } = refusal;
    const told = found.filter(({ where, severity }) => where?.file === file && severity === 'error');
    if (problem.code === 'KUBERNETES_UNKNOWN_KIND') return told.some(({ code }) => code === problem.code) ? [] : [refusal];
    return problem.code === 'KUBERNETES_REFUSED' ? withoutTold(problem, told).map((left) => ({ file, problem: left })) : [refusal];
  });

function withoutTold(problem: Problem, told: readonly Problem[]): readonly Problem[] {
  const paths = told.map(({ where }) => withoutIndexes(where?.path ?? ''));
  const title = problem.message.slice(0, problem.message.indexOf(': ') + 2);
  const parts = problem.message.slice(title.length).split('; ');
  const left = parts.filter((part) => !isTold(part, paths));
  if (left.length === parts.length) return [problem];
  return left.length === 0 ? [] : [{ ...problem, message: title + left.join('; ') }];
}

/** `part` is `field: what is wrong with it`; in a file the field may stand deeper, as in an envelope. */
function isTold(part: string, paths: readonly string[]): boolean {
  if (paths.length > 0 && UNDECODABLE.test(part)) return true;
  const [, field] = /^\.?([^\s:]+): /.exec(withoutIndexes(part)) ?? [];
  return field !== undefined && paths.some((path) => path === field || path.endsWith(`.${field}`));
}

/** Items are told apart by index or, in errors of server-side apply, by key: `ports[containerPort=80,protocol="TCP"]`. */
const withoutIndexes = (path: string): string => path.replaceAll(/\[[^\]]*\]/g, '');
