import { describe, expect, it } from 'vitest';
import { folderFilter, pathFilter } from '../../../../src/adapters/git/path-filter.ts';

describe('whether something below a folder may be a spec', () => {
  it.each([
    { folder: 'lib', include: [], exclude: [], is: true },
    { folder: 'lib', include: ['**'], exclude: [], is: true },
    { folder: 'lib', include: ['**/*.yaml'], exclude: [], is: true },
    { folder: 'lib', include: ['*'], exclude: [], is: false },
    { folder: 'lib/x', include: ['lib//*.yaml'], exclude: [], is: false },
    { folder: 'lib', include: ['lib'], exclude: [], is: false },
    { folder: 'lib', include: ['prod/**'], exclude: [], is: false },
    { folder: 'lib', include: ['prod/**', 'l*/**'], exclude: [], is: true },
    { folder: 'lib', include: ['{prod,lib}/*.yaml'], exclude: [], is: true },
    { folder: 'lib', include: ['{prod/a,lib/b}/*.yaml'], exclude: [], is: true },
    { folder: 'prod/lib', include: ['prod/*.yaml'], exclude: [], is: false },
    { folder: 'prod/lib', include: ['prod/*/web.yaml'], exclude: [], is: true },
    { folder: 'prod', include: ['prod/eu/web.yaml'], exclude: [], is: true },
    { folder: 'prod/us', include: ['prod/eu/web.yaml'], exclude: [], is: false },
    { folder: 'lib', include: [], exclude: ['lib'], is: false },
    { folder: 'lib', include: [], exclude: ['lib/**'], is: false },
    { folder: 'a/vendor', include: [], exclude: ['**/vendor/**'], is: false },
    { folder: 'lib', include: [], exclude: ['lib/*'], is: true },
    { folder: 'lib', include: [], exclude: ['lib/**/*.yaml'], is: true },
    { folder: 'lib', include: ['**'], exclude: ['**'], is: false },
  ])('tells $is of $folder with $include without $exclude', ({ folder, include, exclude, is }) => {
    expect(folderFilter(include, exclude)(folder)).toBe(is);
  });

  it('never denies a folder that holds a file which is wanted', () => {
    const folders = ['a', 'b', 'a/b', 'a/b/c'];
    const parts = ['a', 'b', '*', '**', '{a,b}', 'web.yaml'];
    const globs = parts.flatMap((x) => parts.flatMap((y) => [x, `${x}/${y}`, `${x}/${y}/web.yaml`]));
    for (const glob of globs) {
      for (const exclude of [[], ['a/b/**'], ['**/c/*']]) {
        const [isWanted, mayHold] = [pathFilter([glob], exclude), folderFilter([glob], exclude)];
        for (const folder of folders) {
          const holds = ['web.yaml', 'b/web.yaml', 'c/web.yaml', 'a/b/web.yaml'].some((below) => isWanted(`${folder}/${below}`));
          if (holds) expect({ glob, exclude, folder, may: mayHold(folder) }).toEqual({ glob, exclude, folder, may: true });
        }
      }
    }
  });
});
