import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirectorySource } from '../../../src/cli/directory-source.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poolkeeper-directory-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(files: readonly string[], flags: Readonly<Record<string, string>> = {}) {
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `# ${file}\n`);
  }
  const loaded = loadConfig({ env: {}, flags: { cluster: 'a', 'git.url': '/r', ...flags }, readFile: () => '' });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  const found = snapshotValue(await createDirectorySource(folder, loaded.config).read('', AbortSignal.timeout(5_000)));
  return (found?.files ?? []).map(({ id, blobId, content }) => ({
    ...{ id, blobId, kind: content.kind },
    ...(content.kind === 'refused' ? { code: content.problem.code } : {}),
  }));
}

const FILES = ['b.yaml', 'a/c.JSON', 'a/d.yml', 'notes.md', '.hidden/e.yaml', 'node_modules/x/f.yaml', 'z.txt'];

describe('a folder in the place of the repository', () => {
  it('has the files that Git would, named and identified alike', async () => {
    expect(await read(FILES)).toEqual([
      { id: 'a/c.JSON', blobId: expect.any(String), kind: 'bytes' },
      { id: 'a/d.yml', blobId: expect.any(String), kind: 'bytes' },
      // printf '# b.yaml\n' | git hash-object --stdin
      { id: 'b.yaml', blobId: '2ea9b89d040b73b19088c71b3b0a89e9e8c4b898', kind: 'bytes' },
    ]);
  });

  it('keeps to git.root and the globs below it, and names files from the top', async () => {
    const flags = { 'git.root': 'a', 'git.exclude': '*.yml' };
    expect((await read(FILES, flags)).map(({ id }) => id)).toEqual(['a/c.JSON']);
  });

  it('refuses what Git refuses, each with the same problem', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;
    await writeFile(join(folder, 'big.json'), Buffer.alloc(1024 * 1024 + 1, 'x'));
    await writeFile(join(folder, 'fits.json'), Buffer.alloc(1024 * 1024, 'x'));
    await writeFile(join(folder, 'large.yaml'), pointer);
    await writeFile(join(folder, 'b\u001b[2J.yaml'), '');
    await symlink('elsewhere', join(folder, 'folder'));
    await symlink('README.md', join(folder, 'notes.md'));
    await mkdir(join(folder, 'lib', 'specs'), { recursive: true });
    await writeFile(join(folder, 'lib', '.git'), 'gitdir: ../.git/modules/lib\n');
    await writeFile(join(folder, 'lib', 'specs', 'a.yaml'), '');
    expect((await read([])).map(({ id, code }) => [id, code])).toEqual([
      ['b\u001b[2J.yaml', 'SPEC_BAD_NAME'],
      ['big.json', 'SPEC_TOO_LARGE'],
      ['fits.json', undefined],
      ['folder', 'SPEC_NOT_A_FILE'],
      ['large.yaml', 'SPEC_LFS_POINTER'],
      ['lib', 'SPEC_NOT_A_FILE'],
    ]);
    expect((await read([], { 'git.include': 'fits.*' })).map(({ id }) => id)).toEqual(['fits.json']);
  });

  it('refuses links, and says when there is no such folder', async () => {
    await symlink('/etc/hostname', join(folder, 'link.yaml'));
    expect(await read([])).toEqual([{ id: 'link.yaml', blobId: '', kind: 'refused', code: 'SPEC_NOT_A_FILE' }]);
    await expect(read([], { 'git.root': 'none' })).rejects.toThrow(/cannot read .*none: no such file or folder/);
  });
});
