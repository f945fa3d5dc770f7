import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeWorkFolder, ownerOf, removeDeadFolders } from '../../../../src/adapters/git/work-folders.ts';

const PREFIX = 'keys-';
const DAYS_AGO = Date.now() / 1000 - 3 * 24 * 3600;

describe('folders that a killed process leaves', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'poolkeeper-work-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const left = async (): Promise<readonly string[]> => (await readdir(folder)).sort();
  const make = async (name: string): Promise<string> => {
    await mkdir(join(folder, name, 'objects'), { recursive: true });
    return name;
  };
  const owner = (pid: number, startedMs: number, host = hostname()): string => `${PREFIX}${ownerOf({ host, pid, startedMs })}-abc`;

  it('are removed, and those that a living process uses are not', async () => {
    const other = spawn('sleep', ['60']);
    const dead = spawn('true');
    await once(dead, 'exit');
    const own = await makeWorkFolder(folder, PREFIX);
    const living = await make(owner(other.pid ?? 0, 1));
    const elsewhere = await make(owner(process.pid, 1, 'another host'));
    await make(owner(dead.pid ?? 0, 1));
    // The same process id: in a container all are alike.
    await make(owner(process.pid, 1));
    const others = [await make(`${PREFIX}of-somebody`), await make('other')];
    await removeDeadFolders(folder, PREFIX);
    other.kill();
    expect(await left()).toEqual([...others, own.slice(folder.length + 1), living, elsewhere].sort());
  });

  it('are removed after a day, where nobody can tell whether their process lives', async () => {
    const elsewhere = await make(owner(process.pid, 1, 'another host'));
    await utimes(join(folder, elsewhere), DAYS_AGO, DAYS_AGO);
    await removeDeadFolders(folder, PREFIX);
    expect(await left()).toEqual([]);
  });

  it('are none where there is no folder', async () => {
    await expect(removeDeadFolders(join(folder, 'none'), PREFIX)).resolves.toBeUndefined();
  });
});
