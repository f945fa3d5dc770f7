import { createHash } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitRepository } from '../support/git-repository.ts';
import { processesWith } from '../support/running-processes.ts';
import { complete, openFolderRig, pathWith, type Rig, reasonOf, steady, texts } from './spec-source-rig.ts';

/** Writes a tree object as it stands, which `git mktree` would refuse; returns its id. */
async function writeTree(
  repository: GitRepository,
  entries: readonly (readonly [mode: string, name: string, id: string])[],
): Promise<string> {
  const body = Buffer.concat(entries.map(([mode, name, id]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])));
  return repository.git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], body);
}

async function commitTree(repository: GitRepository, tree: string, parent?: string): Promise<string> {
  const person = 'Test <test@example.com> 1700000000 +0000';
  const commit = `tree ${tree}\n${parent === undefined ? '' : `parent ${parent}\n`}author ${person}\ncommitter ${person}\n\nhostile\n`;
  const id = await repository.git(['hash-object', '-t', 'commit', '-w', '--stdin'], commit);
  await repository.forceBranch('main', id);
  return id;
}

const blob = (repository: GitRepository, content: string): Promise<string> => repository.git(['hash-object', '-w', '--stdin'], content);

/** Each folder holds the one before ten times over: 10^12 files in twelve small objects. */
async function endlessTree(repository: GitRepository): Promise<string> {
  let tree = await writeTree(repository, [['100644', 'a.yaml', await blob(repository, 'x')]]);
  for (let level = 0; level < 12; level++) {
    tree = await writeTree(
      repository,
      Array.from({ length: 10 }, (_, n) => ['40000', `d${n}`, tree] as const),
    );
  }
  return tree;
}

describe('a spec source of a hostile repository', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openFolderRig();
  });
  afterEach(() => rig.close());

  it('takes nothing from paths that lead elsewhere', async () => {
    const { repository } = rig;
    const id = await blob(repository, 'x');
    const inner = await writeTree(repository, [['100644', 'evil.yaml', id]]);
    const tree = await writeTree(repository, [
      ['40000', '..', inner],
      ['40000', '.git', inner],
      ['100644', 'C:evil.yaml', id],
      ['40000', 'GIT~1', inner],
      ['100644', 'a.yaml', id],
      ['40000', 'con', inner],
    ]);
    await commitTree(repository, tree);
    const value = texts(complete(await rig.open().read('', steady())));
    // What is no path on another system is a name like any other here: nothing is ever written to a disk by it.
    expect(Object.keys(value)).toEqual(['C:evil.yaml', 'GIT~1/evil.yaml', 'a.yaml', 'con/evil.yaml']);
    await expect(access(join(rig.mirrorDir, '..', 'evil.yaml'))).rejects.toThrow('ENOENT');
  });

  it('refuses names that would play with a terminal, and one name for two files', async () => {
    const { repository } = rig;
    const [one, two] = [await blob(repository, 'one'), await blob(repository, 'two')];
    const tree = await writeTree(repository, [
      ['100644', 'a\u001b[2J.yaml', one],
      ['100644', 'b\nc.yaml', one],
      ['100644', 'twice.yaml', one],
      ['100644', 'twice.yaml', two],
    ]);
    await commitTree(repository, tree);
    const value = complete(await rig.open().read('', steady()));
    expect(new Set(Object.values(texts(value)))).toEqual(new Set(['SPEC_BAD_NAME']));
    const said = value.files.map(({ content }) => (content.kind === 'refused' ? content.problem.message : ''));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(said.join('')).not.toMatch(/[\u0000-\u001f]/);
  });

  it('refuses a name that is not UTF-8', async () => {
    const id = await blob(rig.repository, 'x');
    const body = Buffer.concat([Buffer.from('100644 a'), Buffer.from([0xff]), Buffer.from('.yaml\0'), Buffer.from(id, 'hex')]);
    await commitTree(rig.repository, await rig.repository.git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], body));
    expect(Object.values(texts(complete(await rig.open().read('', steady()))))).toEqual(['SPEC_NOT_UTF8']);
  });

  it('ends a listing that would never end, and keeps nothing of it', async () => {
    await commitTree(rig.repository, await endlessTree(rig.repository));
    const before = process.memoryUsage().rss;
    const reason = reasonOf(await rig.open({ limits: { maxOutputBytes: 4_000_000 } }).read('', steady()));
    expect(reason).toMatchObject({ code: 'GIT_READ_FAILED', next: 'fix-config', message: expect.stringContaining('wrote more than') });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect(await processesWith(rig.mirrorDir, 'directory')).toEqual([]);
  });

  it('reads a head although a commit before it would never be listed', async () => {
    const { repository } = rig;
    const parent = await commitTree(repository, await endlessTree(repository));
    await commitTree(repository, await writeTree(repository, [['100644', 'a.yaml', await blob(repository, 'x')]]), parent);
    const { files, head, recent } = complete(await rig.open().read('', steady()));
    expect([files.map(({ id }) => id), head?.revision, recent]).toEqual([['a.yaml'], await repository.head(), undefined]);
    expect(await processesWith(rig.mirrorDir, 'directory')).toEqual([]);
  });

  it('refuses 100,000 files, and a file of 50 MB without reading it', async () => {
    const { repository } = rig;
    const id = await blob(repository, 'x');
    const many = await writeTree(
      repository,
      Array.from({ length: 100_000 }, (_, n) => ['100644', `f${String(n).padStart(6, '0')}.yaml`, id] as const),
    );
    await commitTree(repository, many);
    expect(reasonOf(await rig.open().read('', steady()))).toMatchObject({
      code: 'GIT_READ_FAILED',
      next: 'fix-config',
      message: expect.stringContaining('100000 files, more than 10000'),
    });
    await repository.commit({ 'big.yaml': Buffer.alloc(50_000_000, 'x'), 'a.yaml': 'a' }, 'big', { parent: null });
    const before = process.memoryUsage().rss;
    expect(texts(complete(await rig.open().read('', steady())))).toEqual({ 'a.yaml': 'a', 'big.yaml': 'SPEC_TOO_LARGE' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  it('ends a fetch that would fill the disk', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    // What the far end sends is slow enough for a look in between.
    const PATH = await pathWith(
      rig,
      'git',
      'test "$1" = fetch || { exec_git "$@"; exit; }; head -c 3000000 /dev/zero > "$GIT_DIR/objects/pack/tmp_pack_x"; exec sleep 30',
    );
    const reason = reasonOf(await rig.open({ environment: { PATH }, limits: { maxMirrorBytes: 2_000_000 } }).read('', steady()));
    expect(reason).toMatchObject({
      code: 'GIT_READ_FAILED',
      next: 'fix-config',
      message: expect.stringContaining('more than 2000000 bytes'),
    });
    expect(await readdir(rig.mirrorDir)).toEqual([]);
    expect(texts(complete(await rig.open({ limits: { maxMirrorBytes: 2_000_000 } }).read('', steady())))).toEqual({ 'a.yaml': 'a' });
  });

  it('runs nothing that .gitmodules, .gitattributes or a replaced object ask for', async () => {
    const { repository } = rig;
    const marker = join(rig.mirrorDir, '..', 'ran');
    const head = await repository.commit(
      {
        '.gitmodules': `[submodule "x"]\n\tpath = -u./touch\n\turl = ext::sh -c "touch% ${marker}"\n\tupdate = !touch ${marker}\n`,
        '.gitattributes': '*.yaml filter=evil diff=evil\n',
        'a.yaml': 'a',
      },
      'one',
    );
    const other = await repository.commit({ 'a.yaml': 'replaced' }, 'other', { branch: 'other', parent: null });
    await repository.git(['update-ref', `refs/replace/${head}`, other]);
    expect(texts(complete(await rig.open().read('', steady())))).toEqual({ 'a.yaml': 'a' });
    await expect(access(marker)).rejects.toThrow('ENOENT');
  });

  it('cuts long texts of commits, and takes trailers as they are', async () => {
    const since = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.repository.commit({ 'a.yaml': 'b' }, `${'s'.repeat(100_000)}\n\nPoolkeeper-Allow-Removal: __proto__\n`);
    const [commit] = complete(await rig.open().read(since, steady())).commits;
    expect(commit?.subject).toHaveLength(500);
    expect(commit?.allowRemoval).toEqual(['__proto__']);
  });

  it('gives bytes as they are: BOM, CRLF and invalid UTF-8', async () => {
    const contents = { 'bom.yaml': Buffer.from('\ufeffa: 1'), 'crlf.yaml': Buffer.from('a: 1\r\n'), 'raw.yaml': Buffer.from([0xc3, 0x28]) };
    await rig.repository.commit(contents, 'bytes');
    const { files } = complete(await rig.open().read('', steady()));
    const hashes = files.map(({ content }) => content.kind === 'bytes' && createHash('sha1').update(content.bytes).digest('hex'));
    expect(hashes).toEqual(Object.values(contents).map((bytes) => createHash('sha1').update(bytes).digest('hex')));
  });

  it.each(['--upload-pack=touch', '-u', 'a..b', 'a b', 'HEAD', 'refs/heads/../x', 'a\u0000b', '@{-1}', 'x.lock'])(
    'never gives git %j as a branch or a tag',
    (name) => {
      expect(() => rig.open({ ref: name })).toThrow('CONFIG_INVALID');
      expect(() => rig.open({ tag: name })).toThrow('CONFIG_INVALID');
      expect(() => rig.open({ commit: name })).toThrow('CONFIG_INVALID');
    },
  );

  it.each([
    'ext::sh -c touch% /x',
    '-oProxyCommand=touch /x',
    'ssh://-oProxyCommand=touch/x',
    'ssh://-l@host/x',
    '-l@host:x',
    'fd::17',
    'file::/x',
    'user@-host:x',
  ])('never goes to %j', (url) => {
    expect(() => rig.open({ url })).toThrow(/GIT_URL_REFUSED/);
  });
});
