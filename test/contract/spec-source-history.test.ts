import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { revision, specId } from '../../src/core/model/ids.ts';
import { complete, openFolderRig, openHttpRig, type Rig, reasonOf, steady, texts } from './spec-source-rig.ts';

describe.each([
  { transport: 'a file URL', open: openFolderRig },
  { transport: 'HTTP with a password', open: openHttpRig },
])('the history of a spec source over $transport', ({ open }) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await open();
  });
  afterEach(() => rig.close());

  describe('a branch that does not just go on', () => {
    it('is followed after a forced push, with one warning', async () => {
      const base = await rig.repository.commit({ 'a.yaml': 'a' }, 'base');
      await rig.repository.commit({ 'a.yaml': 'b' }, 'taken back');
      const source = rig.open();
      await source.read('', steady());
      const head = await rig.repository.commit({ 'a.yaml': 'c' }, 'instead', { parent: base });
      const value = complete(await source.read('', steady()));
      expect(value).toMatchObject({ revision: head, problems: [{ code: 'GIT_HISTORY_REWRITTEN', severity: 'warning' }] });
      expect(texts(value)).toEqual({ 'a.yaml': 'c' });
      expect(complete(await source.read('', steady()))).toMatchObject({ revision: head, problems: [] });
    });

    it('brings no approval when it was written anew: its commits have other ids, and nobody knows which were spent', async () => {
      const base = await rig.repository.commit({ 'a.yaml': 'a' }, 'base');
      const approval = 'clean up\n\nPoolkeeper-Allow-Removal: 50';
      const applied = await rig.repository.commit({ 'b.yaml': 'b' }, approval, { parent: base });
      const source = rig.open();
      await source.read(base, steady());
      const again = await rig.repository.commit({ 'b.yaml': 'c' }, approval, { parent: base });
      const rewritten = complete(await source.read(applied, steady()));
      expect(rewritten).toMatchObject({ revision: again, commits: [{ allowRemoval: [] }] });
      await rig.repository.commit({ 'c.yaml': 'c' }, approval);
      expect(complete(await source.read(again, steady())).commits).toMatchObject([{ allowRemoval: ['50'] }]);
    });

    it('is followed after a push of an unrelated history, also one made while no process looked', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'old');
      await rig.open().read('', steady());
      await rig.repository.commit({ 'b.yaml': 'b' }, 'new', { parent: null });
      const value = complete(await rig.open().read('', steady()));
      expect(value.problems).toMatchObject([{ code: 'GIT_HISTORY_REWRITTEN' }]);
      expect(texts(value)).toEqual({ 'b.yaml': 'b' });
    });

    it('is warned of when the first read of the new history failed', async () => {
      await rig.repository.commit({ 'specs/a.yaml': 'a' }, 'old');
      const source = rig.open({ root: 'specs' });
      await source.read('', steady());
      await rig.repository.commit({ 'elsewhere.yaml': 'a' }, 'new', { parent: null });
      expect(reasonOf(await source.read('', steady())).code).toBe('GIT_ROOT_MISSING');
      await rig.repository.commit({ 'specs/b.yaml': 'b' }, 'root put back');
      expect(complete(await source.read('', steady())).problems).toMatchObject([{ code: 'GIT_HISTORY_REWRITTEN' }]);
    });

    it('is followed without a warning when it was merged or moved forward', async () => {
      const base = await rig.repository.commit({ 'a.yaml': 'a' }, 'base');
      const source = rig.open();
      await source.read('', steady());
      const side = await rig.repository.commit({ 'b.yaml': 'b' }, 'side', { branch: 'side', parent: base });
      await rig.repository.forceBranch('main', side);
      expect(complete(await source.read('', steady()))).toMatchObject({ revision: side, problems: [] });
    });

    it('is stale while it does not exist, from the first look that missed it, and complete when it is back', async () => {
      const head = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const source = rig.open();
      await source.read('', steady());
      await rig.repository.deleteBranch('main');
      rig.clock.nowMs = 1_030_000;
      const gone = await source.read('', steady());
      expect(gone).toMatchObject({ kind: 'stale', readAtMs: 1_000_000, sinceMs: 1_030_000, reason: { code: 'GIT_REF_MISSING' } });
      expect(texts(gone.kind === 'stale' ? gone.value : complete(gone))).toEqual({ 'a.yaml': 'a' });
      rig.clock.nowMs = 1_060_000;
      expect(await source.read('', steady())).toMatchObject({ kind: 'stale', sinceMs: 1_030_000 });
      await rig.repository.forceBranch('main', head);
      rig.clock.nowMs = 1_090_000;
      expect(await source.read('', steady())).toMatchObject({ kind: 'complete', readAtMs: 1_090_000, connectedAtMs: 1_090_000 });
    });

    it('is unavailable when it never existed, though another ends with its name', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'one', { branch: 'x/refs/heads/main' });
      const snapshot = await rig.open().read('', steady());
      expect(snapshot).toMatchObject({ kind: 'unavailable', sinceMs: 1_000_000, reason: { code: 'GIT_REF_MISSING' } });
    });

    it('may have a name with slashes and letters of any script', async () => {
      const head = await rig.repository.commit({ 'a.yaml': 'a' }, 'one', { branch: 'team/größe#1' });
      expect(complete(await rig.open({ ref: 'team/größe#1' }).read('', steady())).revision).toBe(head);
    });
  });

  describe('the root', () => {
    it('that goes away makes the snapshot stale, never empty', async () => {
      await rig.repository.commit({ 'specs/a.yaml': 'a', 'specs-old/b.yaml': 'b' }, 'one');
      const source = rig.open({ root: 'specs' });
      await source.read('', steady());
      await rig.repository.commit({ specs: 'now a file' }, 'two', { remove: ['specs/a.yaml'] });
      const snapshot = await source.read('', steady());
      expect(snapshot.kind).toBe('stale');
      expect(reasonOf(snapshot)).toMatchObject({ code: 'GIT_ROOT_MISSING', message: expect.stringContaining('specs') });
    });

    it('that was never there makes it unavailable', async () => {
      await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const snapshot = await rig.open({ root: 'specs' }).read('', steady());
      expect(snapshot.kind).toBe('unavailable');
      expect(reasonOf(snapshot).code).toBe('GIT_ROOT_MISSING');
    });

    it('is a folder by its name, not a pattern', async () => {
      await rig.repository.commit({ 'a[1]/a.yaml': 'a', 'a1/b.yaml': 'b', ':(top)x/c.yaml': 'c' }, 'odd');
      expect(texts(complete(await rig.open({ root: 'a[1]' }).read('', steady())))).toEqual({ 'a[1]/a.yaml': 'a' });
      expect(texts(complete(await rig.open({ root: ':(top)x' }).read('', steady())))).toEqual({ ':(top)x/c.yaml': 'c' });
    });
  });

  describe('commits', () => {
    it('are those after the given one, newest first, with author, time, subject and trailers', async () => {
      const since = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const second = await rig.repository.commit({ 'a.yaml': 'b' }, 'Größe: "zwei"\n\nA body\n');
      const trailers = 'Poolkeeper-Allow-Removal: 3\npoolkeeper-allow-removal: 4\nSigned-off-by: T <t@example.com>';
      const third = await rig.repository.commit(
        { 'a.yaml': 'c' },
        `drei\n\nPoolkeeper-Allow-Removal: 9 in the body does not count\n\n${trailers}\n`,
      );
      const committedAtS = Number(await rig.repository.git(['show', '--no-patch', '--format=%ct', third]));
      const { commits, head } = complete(await rig.open().read(since, steady()));
      expect(head).toEqual(commits[0]);
      expect(commits).toEqual([
        { revision: third, author: 'Test', committedAtMs: committedAtS * 1000, subject: 'drei', allowRemoval: ['3', '4'] },
        { revision: second, author: 'Test', committedAtMs: expect.any(Number), subject: 'Größe: "zwei"', allowRemoval: [] },
      ]);
    });

    it('come with what each of the last ones changed, a merge against its first parent, specs below the root only', async () => {
      const files = { 'x/a.yaml': 'a', 'x/b.yaml': 'b', 'x/README.md': 'no spec', 'c.yaml': 'elsewhere' };
      const first = await rig.repository.commit(files, 'one\n\nPoolkeeper-Allow-Removal: 1');
      const second = await rig.repository.commit({ 'x/a.yaml': 'aa', 'x/ü mit Raum.yaml': 'ü' }, ':100644 is no file');
      const branch = await rig.repository.commit({ 'x/d.yaml': 'd' }, 'on a branch', { branch: 'topic', parent: first });
      const third = await rig.repository.commit({ 'x/d.yaml': 'd' }, 'both', { remove: ['x/b.yaml'] });
      const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
      const merge = (
        await rig.repository.git([...identity, 'commit-tree', `${third}^{tree}`, '-p', second, '-p', branch, '-m', 'merge'])
      ).trim();
      await rig.repository.git(['update-ref', 'refs/heads/main', merge]);
      const source = rig.open({ root: 'x' });
      const { recent = [], head } = complete(await source.read('', steady()));
      expect(head).toMatchObject({ revision: merge, subject: 'merge' });
      const told = (commits: typeof recent) =>
        Object.fromEntries(commits.map(({ revision, changes }) => [revision, changes.map(({ id, change }) => `${change} ${id}`)]));
      expect(told(recent)).toEqual({
        [merge]: ['removed x/b.yaml', 'added x/d.yaml'],
        [branch]: ['added x/d.yaml'],
        [second]: ['changed x/a.yaml', 'added x/ü mit Raum.yaml'],
        [first]: ['added x/a.yaml', 'added x/b.yaml'],
      });
      expect(recent[0]?.revision).toBe(merge);
      const blobs = new Map(complete(await source.read('', steady())).files.map(({ id, blobId }) => [id, blobId]));
      for (const { id, blobId } of recent.slice(0, 3).flatMap(({ changes }) => changes)) expect(blobId).toBe(blobs.get(id));
      const asked = { spec: specId('x/a.yaml'), at: revision(merge), most: 1 };
      expect(told((await source.history?.(asked, steady())) ?? [])).toEqual({ [second]: ['changed x/a.yaml'] });
      expect(told((await source.history?.({ ...asked, most: 9 }, steady())) ?? [])).toMatchObject({ [first]: ['added x/a.yaml'] });
      expect(await source.history?.({ ...asked, spec: specId('x/[a]*.yaml'), most: 9 }, steady())).toEqual([]);
    });

    it('are told without what they changed where the history is not fetched', async () => {
      const head = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const source = rig.open({ shallow: true });
      const value = complete(await source.read('', steady()));
      expect([value.head?.revision, value.recent]).toEqual([head, undefined]);
      expect(await source.history?.({ spec: specId('a.yaml'), at: value.revision, most: 9 }, steady())).toEqual([]);
    });

    it('are told without what they changed where that is more than a process may write', async () => {
      const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.yaml`, `${i}`]));
      await rig.repository.commit(many, 'all');
      const other = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.yaml`, `again ${i}`]));
      const head = await rig.repository.commit(other, 'all again');
      const value = complete(await rig.open({ limits: { maxOutputBytes: 5_000 } }).read('', steady()));
      expect([value.head?.revision, value.recent]).toEqual([head, undefined]);
    });

    it('are none when there is nothing to list them from', async () => {
      const head = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const source = rig.open();
      for (const since of ['', head, '1'.repeat(40), '--all', 'main', head.slice(0, 12)]) {
        expect(complete(await source.read(since, steady())).commits).toEqual([]);
      }
    });

    it('are listed anew when they are asked for from another commit at the same head', async () => {
      const first = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const second = await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
      const third = await rig.repository.commit({ 'a.yaml': 'c' }, 'three');
      const source = rig.open();
      const revisions = async (since: string) => complete(await source.read(since, steady())).commits.map(({ revision }) => revision);
      expect(await revisions(second)).toEqual([third]);
      expect(await revisions(first)).toEqual([third, second]);
      const [narrow, wide] = await Promise.all([revisions(second), revisions(first)]);
      expect([narrow, wide]).toEqual([[third], [third, second]]);
    });

    it('are at most 1000', async () => {
      const since = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
      const commit = (n: number) =>
        `commit refs/heads/main\ncommitter T <t@example.com> now\ndata 1\nx\n${n === 0 ? `from ${since}\n` : ''}\n`;
      const many = Array.from({ length: 1001 }, (_, n) => commit(n)).join('');
      await rig.repository.git(['fast-import', '--quiet', '--date-format=now'], many);
      const value = complete(await rig.open().read(since, steady()));
      expect(value.commits).toHaveLength(1000);
      expect(value.commits[0]?.revision).toBe(value.revision);
    });
  });
});
