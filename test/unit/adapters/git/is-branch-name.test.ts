import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBranchName } from '../../../../src/adapters/git/is-branch-name.ts';

function gitAccepts(name: string): boolean {
  return spawnSync('git', ['check-ref-format', '--branch', name], { cwd: '/', env: { PATH: process.env['PATH'] } }).status === 0;
}

describe('isBranchName', () => {
  it.each([
    'main',
    'release/1.2',
    'größe#1',
    'a-b_c.d',
    'x@y',
    'refs/heads/main',
    "it's",
    'a"b$c;d|e&f',
    '',
    '-x',
    '--upload-pack=x',
    'a..b',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a/',
    '/a',
    'a//b',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a@{1}',
    '@',
    'HEAD',
    'a.',
    '.a',
    'a\u007f',
    'a\tb',
  ])('judges %j as git does', (name) => {
    expect(isBranchName(name)).toBe(gitAccepts(name));
  });

  it('accepts nothing that git refuses', () => {
    const piece = fc.constantFrom('a', 'B', '1', '/', '.', '-', '@', '{', '..', '.lock', '~', ':', '*', '\\', ' ', 'ü', 'HEAD');
    const name = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(name, (candidate) => {
        fc.pre(isBranchName(candidate));
        return gitAccepts(candidate);
      }),
      { numRuns: 60 },
    );
  });
});
