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

/** Whether the two lists would take a file somewhere below a folder; they count as in `pathFilter`. */
export function folderFilter(include: readonly string[], exclude: readonly string[]): PathFilter {
  const reaches = include.map(reachOf);
  const isExcluded = exclude.length === 0 ? () => false : matcher('git.exclude', exclude);
  const isAllExcluded = (folder: string): boolean => isExcluded(folder) || ANYTHING.every((below) => isExcluded(`${folder}/${below}`));
  return (folder) => (reaches.length === 0 || reaches.some((isWithin) => isWithin(folder.split('/')))) && !isAllExcluded(folder);
}

/** Who excludes these excludes everything: nothing but their depth sets them apart. */
const ANYTHING: readonly string[] = ['any', 'any/any'];

/** Whether a glob may take something below a folder. A part that spans folders, such as `{a/b,c}`, may reach anywhere. */
function reachOf(pattern: string): (folders: readonly string[]) => boolean {
  const { parts = [] } = picomatch.scan(pattern, { parts: true });
  const segments = (parts.length === 0 ? [pattern] : parts).map((part) => {
    if (part === '**' || part.includes('/')) return 'any depth';
    return part === '' ? () => false : picomatch(part, MATCHING);
  });
  return (folders) => {
    for (const [index, folder] of folders.entries()) {
      const segment = segments[index];
      if (segment === 'any depth') return true;
      // The last part of a glob is for the file.
      if (segment === undefined || index === segments.length - 1 || !segment(folder)) return false;
    }
    return true;
  };
}

const MATCHING = { nonegate: true, strictSlashes: true } as const;

function matcher(option: string, patterns: readonly string[]): PathFilter {
  for (const pattern of patterns) {
    if (pattern === '' || pattern.startsWith('!') || pattern.startsWith('/') || pattern.length > MAX_PATTERN) {
      const remedy = 'Write a glob over the path below `git.root`, without / or ! at its beginning, such as prod/**.';
      throw new AppError(problem('CONFIG_INVALID', `${option}: ${JSON.stringify(pattern)} is not accepted`, { remedy }));
    }
  }
  return picomatch([...patterns], MATCHING);
}
