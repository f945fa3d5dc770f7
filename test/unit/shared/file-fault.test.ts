import { describe, expect, it } from 'vitest';
import { fileFault } from '../../../src/shared/file-fault.ts';

describe('fileFault', () => {
  it.each([
    [Object.assign(new Error('ENOENT: no such file or directory, open x'), { code: 'ENOENT' }), 'no such file or folder'],
    [Object.assign(new Error('x'), { code: 'EISDIR' }), 'it is a folder, not a file'],
    [Object.assign(new Error('x'), { code: 'EACCES' }), 'permission denied'],
    [Object.assign(new Error('x'), { code: 'EIO' }), 'EIO'],
    [new Error('it holds nothing'), 'it holds nothing'],
    ['odd', 'unknown error'],
  ])('tells %s as %j', (error, words) => {
    expect(fileFault(error)).toBe(words);
  });
});
