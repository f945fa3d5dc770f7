import picomatch from 'picomatch';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';

/** Whether a path, counted from the root, may be a spec. */
export type PathFilter = (path: string) => boolean;

const MAX_PATTERN = 1000;

/**
 * What `include` takes (everything when it is empty) and `exclude` does not. Patterns are globs over the path below the root:
 * `*` within one folder, `**` over folders, `{a,b}`, `[a-z]`. Throws AppError CONFIG_INVALID.
 */
export function pathFilter(include: readonly string[], exclude: readonly string[]): PathFilter {
  const isIncluded = include.length === 0 ? () => true : matcher('git.include', include);
  const isExcluded = exclude.length === 0 ? () => false : matcher('git.exclude', exclude);
  return (path) => isIncluded(path) && !isExcluded(path);
}

/** Whether `exclude` takes a path out. */
export function excludeFilter(exclude: readonly string[]): PathFilter {
  return exclude.length === 0 ? () => false : matcher('git.exclude', exclude);
}

function matcher(option: string, patterns: readonly string[]): PathFilter {
  for (const pattern of patterns) {
    if (pattern === '' || pattern.startsWith('!') || pattern.startsWith('/') || pattern.length > MAX_PATTERN) {
      const remedy = 'Write a glob over the path below `git.root`, without / or ! at its beginning, such as prod/**.';
      throw new AppError(problem('CONFIG_INVALID', `${option}: ${JSON.stringify(pattern)} is not accepted`, { remedy }));
    }
  }
  return picomatch([...patterns], { nonegate: true, strictSlashes: true });
}
