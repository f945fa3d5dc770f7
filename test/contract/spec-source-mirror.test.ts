import { access, chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownerOf } from '../../src/adapters/git/work-folders.ts';
import { GitRepository } from '../support/git-repository.ts';
import { complete, openFolderRig, openHttpRig, pathWith, type Rig, reasonOf, steady, texts } from './spec-source-rig.ts';

const MIRROR = 'poolkeeper-mirror.git';

/** Damages every object that the mirror holds: loose ones and packs. */
async function corruptObjects(rig: Rig): Promise<void> {
  const folder = join(rig.mirrorDir, MIRROR, 'objects');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, 0o600);
    await writeFile(path, 'damaged');
  }
}

describe('the mirror of a spec source', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openHttpRig();
  });
  afterEach(() => rig.close());

  it('is used again after a restart, without a fetch', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    const first = complete(await rig.open().read('', steady()));
    rig.commands.length = 0;
    expect(complete(await rig.open().read('', steady()))).toEqual(first);
    expect([...rig.commands].sort()).toEqual(['log', 'ls-remote', 'ls-tree', 'rev-parse', 'show']);
  });

  it('tells the last commit, as stale, after a restart while the server is away', async () => {
    const since = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    const head = await rig.repository.commit({ 'b.yaml': 'b' }, 'two');
    await rig.open().read('', steady());
    await rig.server?.setMode('down');
    rig.clock.nowMs = 2_000_000;
    const source = rig.open();
    const snapshot = await source.read(since, steady());
    const times = { readAtMs: 1_000_000, sinceMs: 2_000_000 };
    expect(snapshot).toMatchObject({ kind: 'stale', index: head, ...times, reason: { code: 'GIT_UNREACHABLE' } });
    expect(snapshot.kind === 'stale' && texts(snapshot.value)).toEqual({ 'a.yaml': 'a', 'b.yaml': 'b' });
    expect(snapshot).toMatchObject({ value: { commits: [{ revision: head }], fetchedAtMs: 1_000_000 } });
    await rig.server?.setMode('serving');
    rig.commands.length = 0;
    rig.clock.nowMs = 3_000_000;
    expect(await source.read(since, steady())).toMatchObject({ kind: 'complete', index: head, connectedAtMs: 3_000_000 });
    expect(rig.commands).toEqual(['ls-remote']);
  });

  it('tells nothing of another branch, or of another repository', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.open().read('', steady());
    await rig.server?.setMode('down');
    expect((await rig.open({ ref: 'other' }).read('', steady())).kind).toBe('unavailable');
    expect((await rig.open({ url: rig.url.replace('specs', 'other') }).read('', steady())).kind).toBe('unavailable');
  });

  it('is built anew when it is one of another repository', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.open().read('', steady());
    const other = await GitRepository.create(join(rig.mirrorDir, '..', 'other.git'));
    await other.commit({ 'b.yaml': 'b' }, 'other');
    const value = complete(await rig.open({ url: other.path }).read('', steady()));
    expect(texts(value)).toEqual({ 'b.yaml': 'b' });
    expect(value.problems).toEqual([]);
    expect(await readdir(rig.mirrorDir)).toEqual([MIRROR]);
  });

  it.each([
    { damage: 'its objects are damaged', harm: corruptObjects },
    { damage: 'it has no HEAD', harm: (broken: Rig) => rm(join(broken.mirrorDir, MIRROR, 'HEAD')) },
    { damage: 'its configuration is no configuration', harm: (broken: Rig) => writeFile(join(broken.mirrorDir, MIRROR, 'config'), '[[[') },
    { damage: 'it is gone', harm: (broken: Rig) => rm(broken.mirrorDir, { recursive: true }) },
    {
      damage: 'a killed fetch left a lock',
      harm: (broken: Rig) => writeFile(join(broken.mirrorDir, MIRROR, 'refs/poolkeeper/main.lock'), ''),
    },
  ])('is built anew when $damage', async ({ harm }) => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    const source = rig.open();
    await source.read('', steady());
    await harm(rig);
    await rig.repository.commit({ 'b.yaml': 'b' }, 'two');
    for (const reader of [source, rig.open()]) {
      expect(texts(complete(await reader.read('', steady())))).toEqual({ 'a.yaml': 'a', 'b.yaml': 'b' });
    }
    expect(await readdir(rig.mirrorDir)).toEqual([MIRROR]);
  });

  it('is built anew at an unchanged head, when it is needed to list commits', async () => {
    const since = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    const head = await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
    const source = rig.open();
    await source.read('', steady());
    await rm(rig.mirrorDir, { recursive: true });
    expect(complete(await source.read(since, steady())).commits).toMatchObject([{ revision: head }]);
  });

  it('does not hide a forced push when it is built anew', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'old');
    const source = rig.open();
    await source.read('', steady());
    await rm(rig.mirrorDir, { recursive: true });
    await rig.repository.commit({ 'b.yaml': 'b' }, 'new', { parent: null });
    expect(complete(await source.read('', steady())).problems).toMatchObject([{ code: 'GIT_HISTORY_REWRITTEN' }]);
  });

  it('tells nothing when it is damaged and the server is away', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.open().read('', steady());
    await corruptObjects(rig);
    await rig.server?.setMode('down');
    const snapshot = await rig.open().read('', steady());
    expect(snapshot).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_UNREACHABLE' } });
  });

  it('is not built anew again and again', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    const source = rig.open();
    await source.read('', steady());
    const breakAndRead = async (content: string) => {
      await writeFile(join(rig.mirrorDir, MIRROR, 'config'), '[[[');
      await rig.repository.commit({ 'a.yaml': content }, content);
      return (await source.read('', steady())).kind;
    };
    expect(await breakAndRead('b')).toBe('complete');
    expect(await breakAndRead('c')).toBe('stale');
    rig.clock.nowMs += 10 * 60 * 1000;
    expect(await breakAndRead('d')).toBe('complete');
  });

  it('leaves alone what else is in the folder, and removes what a killed rebuild left', async () => {
    const killed = ownerOf({ host: hostname(), pid: process.pid, startedMs: 1 });
    await mkdir(join(rig.mirrorDir, `${MIRROR}.new-${killed}-abc`), { recursive: true });
    await mkdir(join(rig.mirrorDir, 'other.git'), { recursive: true });
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    complete(await rig.open().read('', steady()));
    expect((await readdir(rig.mirrorDir)).sort()).toEqual(['other.git', MIRROR]);
  });

  it('is packed at times, without holding up a read', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    const source = rig.open({ tidyAfterFetches: 2 });
    await source.read('', steady());
    expect(rig.commands).not.toContain('gc');
    await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
    complete(await source.read('', steady()));
    await expect.poll(() => rig.commands).toContain('gc');
    expect(texts(complete(await source.read('', steady())))).toEqual({ 'a.yaml': 'b' });
  });

  it('that cannot be written is told', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await mkdir(join(rig.mirrorDir, '..'), { recursive: true });
    await writeFile(rig.mirrorDir, 'a file');
    expect(reasonOf(await rig.open().read('', steady()))).toMatchObject({
      code: 'GIT_READ_FAILED',
      message: expect.stringContaining(rig.mirrorDir),
    });
  });
});

describe('the git processes of a spec source', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openFolderRig();
    await rig.repository.commit({ 'a.yaml': 'a', 'b.yaml': 'b' }, 'one');
  });
  afterEach(() => rig.close());

  it('that die halfway are failures, though they had given an answer', async () => {
    const PATH = await pathWith(rig, 'git', 'exec_git "$@" | { test "$1" != ls-tree && cat || { head -c 40; kill -9 $$; }; }');
    const snapshot = await rig.open({ environment: { PATH } }).read('', steady());
    expect(snapshot.kind).toBe('unavailable');
    expect(reasonOf(snapshot)).toMatchObject({ code: 'GIT_READ_FAILED', message: expect.stringContaining('a signal') });
  });

  it('that give other bytes than the tree names are failures', async () => {
    const PATH = await pathWith(rig, 'git', 'test "$1" = show || { exec_git "$@"; exit; }; exec_git "$@" | tr a x');
    const snapshot = await rig.open({ environment: { PATH } }).read('', steady());
    expect(reasonOf(snapshot)).toMatchObject({ code: 'GIT_READ_FAILED', message: expect.stringContaining('the bytes of blob') });
  });

  it('that cannot be started are told', async () => {
    const snapshot = await rig.open({ environment: { PATH: '/nonexistent' } }).read('', steady());
    expect(reasonOf(snapshot)).toMatchObject({ next: 'fix-config', remedy: expect.stringContaining('Install git') });
  });

  it('see neither our secrets nor the Git settings of the machine', async () => {
    const home = join(rig.mirrorDir, '..', 'home');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, '.gitconfig'), '[url "file:///nowhere/"]\n\tinsteadOf = file:///\n');
    const seen = join(home, 'environment');
    const PATH = await pathWith(rig, 'git', `env >> '${seen}'; exec_git "$@"`);
    const environment = { PATH, HOME: home, CONSUL_HTTP_TOKEN: 'canary', GIT_DIR: '/nowhere', GIT_SSL_CAINFO: '/nowhere', PAGER: 'false' };
    complete(await rig.open({ environment }).read('', steady()));
    const variables = await readFile(seen, 'utf8');
    expect(variables).toContain(`HOME=${home}`);
    expect(variables).not.toMatch(/canary|GIT_SSL_CAINFO|PAGER/);
  });

  it('reach a repository by ssh, with the command that is configured', async () => {
    // Speaks for the far end: runs the command that ssh would have been asked to run there.
    await pathWith(rig, 'far-end', 'test "$1" = -G && exit 1; test "$1" = reader@git.example || exit 9; shift; exec sh -c "$*"');
    const sshCommand = join(rig.mirrorDir, '..', 'bin', 'far-end');
    const url = `reader@git.example:${rig.repository.path}`;
    expect(texts(complete(await rig.open({ url, sshCommand }).read('', steady())))).toEqual({ 'a.yaml': 'a', 'b.yaml': 'b' });
    await pathWith(rig, 'far-end', 'echo "reader@git.example: Permission denied (publickey)." >&2; exit 255');
    expect(reasonOf(await rig.open({ url, sshCommand }).read('', steady())).code).toBe('GIT_AUTH_FAILED');
  });

  it('run no hook of the mirror', async () => {
    const source = rig.open();
    await source.read('', steady());
    const marker = join(rig.mirrorDir, '..', 'hook-ran');
    const hook = join(rig.mirrorDir, MIRROR, 'hooks', 'reference-transaction');
    await mkdir(join(hook, '..'), { recursive: true });
    await writeFile(hook, `#!/bin/sh\ntouch '${marker}'\n`, { mode: 0o755 });
    await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
    expect(texts(complete(await source.read('', steady())))).toMatchObject({ 'a.yaml': 'b' });
    await expect(access(marker)).rejects.toThrow('ENOENT');
  });

  it('read a repository whose ids are SHA-256', async () => {
    const path = join(rig.mirrorDir, '..', 'sha256.git');
    await rig.repository.git(['init', '--quiet', '--bare', '--object-format=sha256', '--initial-branch=main', path]);
    const input = 'commit refs/heads/main\ncommitter T <t@example.com> now\ndata 1\nx\nM 100644 inline a.yaml\ndata 1\na\n';
    await rig.repository.git([`--git-dir=${path}`, 'fast-import', '--quiet', '--date-format=now'], input);
    expect(texts(complete(await rig.open({ url: path }).read('', steady())))).toEqual({ 'a.yaml': 'a' });
  });
});
