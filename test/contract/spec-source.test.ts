import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitSubmodule, complete, openFolderRig, openHttpRig, type Rig, reasonOf, steady, texts } from './spec-source-rig.ts';

describe.each([
  { transport: 'a file URL', open: openFolderRig },
  { transport: 'HTTP with a password', open: openHttpRig },
])('a spec source over $transport', ({ open }) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await open();
  });
  afterEach(() => rig.close());

  describe('files', () => {
    it('gives every file with an accepted ending at the head, byte by byte', async () => {
      const binary = Buffer.from([0, 255, 10, 13, 0, 128]);
      const head = await rig.repository.commit(
        { 'prod/web.json': '{"a":1}\n', 'prod/ü mit Raum.yaml': 'a: 1', 'b.YML': '', 'prod/bin.yaml': binary, 'README.md': 'no spec' },
        'specs',
      );
      const value = complete(await rig.open().read('', steady()));
      expect(value.revision).toBe(head);
      expect(value.files.map(({ id }) => id)).toEqual(['b.YML', 'prod/bin.yaml', 'prod/web.json', 'prod/ü mit Raum.yaml']);
      expect(texts(value)).toMatchObject({ 'b.YML': '', 'prod/web.json': '{"a":1}\n', 'prod/ü mit Raum.yaml': 'a: 1' });
      expect(value.files[1]?.content).toEqual({ kind: 'bytes', bytes: new Uint8Array(binary) });
      expect(value.problems).toEqual([]);
    });

    it('reads below the root only, and names files by their path in the repository', async () => {
      await rig.repository.commit({ 'deploy/specs/a.yaml': 'a', 'deploy/specs-old/b.yaml': 'b', 'c.yaml': 'c' }, 'specs');
      const value = complete(await rig.open({ root: 'deploy/specs/' }).read('', steady()));
      expect(texts(value)).toEqual({ 'deploy/specs/a.yaml': 'a' });
    });

    it('skips hidden files and folders below the root, not a hidden root', async () => {
      await rig.repository.commit({ '.deploy/a.yaml': 'a', '.deploy/.b.yaml': 'b', '.deploy/.github/c.yaml': 'c' }, 'specs');
      const value = complete(await rig.open({ root: '.deploy' }).read('', steady()));
      expect(texts(value)).toEqual({ '.deploy/a.yaml': 'a' });
    });

    it('refuses symbolic links and submodules that stand in the place of specs', async () => {
      await rig.repository.commit(
        {
          'a.yaml': 'a',
          'link.yaml': { mode: '120000', content: '/etc/passwd' },
          folder: { mode: '120000', content: 'elsewhere' },
          'notes.md': { mode: '120000', content: 'README.md' },
        },
        'links',
      );
      await commitSubmodule(rig.repository, 'lib.d');
      const value = complete(await rig.open().read('', steady()));
      expect(texts(value)).toEqual({
        'a.yaml': 'a',
        folder: 'SPEC_NOT_A_FILE',
        'lib.d': 'SPEC_NOT_A_FILE',
        'link.yaml': 'SPEC_NOT_A_FILE',
      });
    });

    it('refuses a file above the limit without reading it', async () => {
      await rig.repository.commit({ 'big.json': Buffer.alloc(2 * 1024 * 1024, 'x'), 'fits.json': Buffer.alloc(1024 * 1024, 'y') }, 'big');
      const shown: string[] = [];
      const source = rig.open({ onCommand: (args) => shown.push(...(args[0] === 'show' ? args.slice(1) : [])) });
      const value = complete(await source.read('', steady()));
      expect(value.files.map(({ content }) => content.kind)).toEqual(['refused', 'bytes']);
      expect(value.files[0]?.content).toMatchObject({ problem: { code: 'SPEC_TOO_LARGE', where: { file: 'big.json' } } });
      expect(shown).toEqual([value.files[1]?.blobId]);
    });

    it('gives no files, and not a failure, when the root holds no spec', async () => {
      await rig.repository.commit({ 'specs/README.md': 'none yet' }, 'empty');
      expect(complete(await rig.open({ root: 'specs' }).read('', steady())).files).toEqual([]);
    });

    it.each([
      { limits: { maxFiles: 1 }, says: '2 files, more than 1' },
      { limits: { maxTotalBytes: 3 }, says: '4 bytes together, more than 3' },
    ])('is unavailable when the repository holds $says', async ({ limits, says }) => {
      await rig.repository.commit({ 'a.yaml': 'aa', 'b.yaml': 'bb' }, 'two');
      const reason = reasonOf(await rig.open({ limits }).read('', steady()));
      expect(reason).toMatchObject({ code: 'GIT_READ_FAILED', next: 'fix-config', message: expect.stringContaining(says) });
    });
  });

  describe('the cost of a look', () => {
    it('is one git process when the head has not moved', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const source = rig.open();
      const first = await source.read('', steady());
      rig.commands.length = 0;
      rig.clock.nowMs += 30_000;
      const second = await source.read('', steady());
      expect(rig.commands).toEqual(['ls-remote']);
      expect(complete(second)).toBe(complete(first));
      expect(second).toMatchObject({ kind: 'complete', readAtMs: 1_030_000, connectedAtMs: 1_000_000 });
    });

    it('is one git process though another branch, told first, ends with the name', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      await rig.repository.commit({ 'b.yaml': 'b' }, 'other', { branch: 'a/refs/heads/main' });
      const source = rig.open();
      await source.read('', steady());
      rig.commands.length = 0;
      expect(texts(complete(await source.read('', steady())))).toEqual({ 'a.yaml': 'a' });
      expect(rig.commands).toEqual(['ls-remote']);
    });

    it('is one git process also when all commits have been applied meanwhile', async () => {
      const before = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const head = await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
      const source = rig.open();
      expect(complete(await source.read(before, steady())).commits).toHaveLength(1);
      rig.commands.length = 0;
      expect(complete(await source.read(head, steady())).commits).toEqual([]);
      expect(rig.commands).toEqual(['ls-remote']);
    });

    it('is one blob when one file has changed', async () => {
      await rig.repository.commit({ 'a.yaml': 'a', 'b.yaml': 'b', 'c.yaml': 'c' }, 'three');
      const shown: string[] = [];
      const source = rig.open({ onCommand: (args) => shown.push(...(args[0] === 'show' ? args.slice(1) : [])) });
      await source.read('', steady());
      expect(shown).toHaveLength(3);
      await rig.repository.commit({ 'b.yaml': 'changed' }, 'one of them');
      const value = complete(await source.read('', steady()));
      expect(texts(value)).toEqual({ 'a.yaml': 'a', 'b.yaml': 'changed', 'c.yaml': 'c' });
      expect(shown.slice(3)).toEqual([value.files[1]?.blobId]);
    });

    it('is no blob when a file was only renamed, and forgets blobs that are gone', async () => {
      await rig.repository.commit({ 'a.yaml': 'a', 'gone.yaml': 'gone' }, 'two');
      const source = rig.open();
      await source.read('', steady());
      rig.commands.length = 0;
      await rig.repository.commit({ 'renamed.yaml': 'a' }, 'rename', { remove: ['a.yaml', 'gone.yaml'] });
      expect(texts(complete(await source.read('', steady())))).toEqual({ 'renamed.yaml': 'a' });
      expect(rig.commands).not.toContain('show');
      await rig.repository.commit({ 'back.yaml': 'gone' }, 'back');
      await source.read('', steady());
      expect(rig.commands).toContain('show');
    });

    it('is shared by reads at the same time', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const source = rig.open();
      const [first, second] = await Promise.all([source.read('', steady()), source.read('', steady())]);
      expect(second).toBe(first);
      expect(rig.commands.filter((command) => command === 'ls-remote')).toHaveLength(1);
    });
  });

  describe('times', () => {
    it('tell between which looks the head has moved', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const source = rig.open();
      expect(complete(await source.read('', steady()))).toMatchObject({ movedAfterMs: 1_000_000, fetchedAtMs: 1_000_000 });
      rig.clock.nowMs = 1_030_000;
      await source.read('', steady());
      rig.clock.nowMs = 1_060_000;
      await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
      const moved = { movedAfterMs: 1_030_000, fetchedAtMs: 1_060_000 };
      expect(complete(await source.read('', steady()))).toMatchObject(moved);
      rig.clock.nowMs = 1_090_000;
      expect(complete(await source.read('', steady()))).toMatchObject(moved);
    });
  });
});
