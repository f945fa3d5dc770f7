import { chmod, mkdtemp, readFile, rm, stat, writeFile as write } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFile } from '../../../src/cli/write-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poolkeeper-write-'));
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe('writing a file', () => {
  it('is for its owner alone where it holds what others need not know, also when it was there before', async () => {
    const [fresh, old] = [join(folder, 'fresh'), join(folder, 'old')];
    await write(old, 'something longer than before');
    await chmod(old, 0o644);
    for (const path of [fresh, old]) {
      writeFile(path, 'text', { fresh: false, isPrivate: true });
      expect([await readFile(path, 'utf8'), await modeOf(path)]).toEqual(['text', '600']);
    }
  });

  it('leaves the mode of other files, and of what is no file, as it is', async () => {
    const path = join(folder, 'old');
    await write(path, '');
    await chmod(path, 0o640);
    writeFile(path, 'text', { fresh: false });
    expect(await modeOf(path)).toBe('640');
    const before = await modeOf('/dev/null');
    writeFile('/dev/null', 'text', { fresh: false, isPrivate: true });
    expect(await modeOf('/dev/null')).toBe(before);
  });

  it('writes nothing over where the file has to be new', async () => {
    const path = join(folder, 'old');
    await write(path, 'old');
    expect(() => writeFile(path, 'text', { fresh: true })).toThrow('EEXIST');
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});
