import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { complete, openFolderRig, openHttpRig, type Rig, reasonOf, steady, texts } from './spec-source-rig.ts';

describe.each([
  { transport: 'a file URL', open: openFolderRig },
  { transport: 'HTTP with a password', open: openHttpRig },
])('what a spec source follows over $transport', ({ open }) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await open();
  });
  afterEach(() => rig.close());

  const tag = (name: string, commit: string) => rig.repository.git(['update-ref', `refs/tags/${name}`, commit]);
  const annotate = (name: string, commit: string) =>
    rig.repository.git(['-c', 'user.name=T', '-c', 'user.email=t@example.com', 'tag', '-a', '-m', 'release', name, commit]);

  it('is a tag, plain or with a message', async () => {
    const first = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
    await tag('plain', first);
    await annotate('told', first);
    for (const name of ['plain', 'told']) {
      const source = rig.open({ tag: name });
      expect(complete(await source.read('', steady())).revision).toBe(first);
      rig.commands.length = 0;
      complete(await source.read('', steady()));
      expect(rig.commands).toEqual(['ls-remote']);
    }
    expect(reasonOf(await rig.open({ tag: 'none' }).read('', steady()))).toMatchObject({
      code: 'GIT_REF_MISSING',
      message: expect.stringContaining('tag none'),
    });
  });

  it('is a tag that was moved, with a warning', async () => {
    const first = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await tag('live', first);
    const source = rig.open({ tag: 'live' });
    complete(await source.read('', steady()));
    const second = await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
    await tag('live', second);
    expect(complete(await source.read('', steady()))).toMatchObject({ revision: second, problems: [] });
    await tag('live', first);
    expect(complete(await source.read('', steady()))).toMatchObject({ revision: first, problems: [{ code: 'GIT_HISTORY_REWRITTEN' }] });
  });

  it('is the highest tag that fits a range of versions', async () => {
    const commits: Record<string, string> = {};
    for (const name of ['v1.2.0', '1.10.0', 'v1.9.9', 'v2.0.0', 'v1.11.0-rc.1', 'nightly', 'v1.x']) {
      commits[name] = await rig.repository.commit({ 'a.yaml': name }, name);
      await annotate(name, commits[name]);
    }
    const source = rig.open({ semver: '>=1.2 <2' });
    expect(complete(await source.read('', steady())).revision).toBe(commits['1.10.0']);
    await tag('v1.12.0', commits['v1.2.0'] ?? '');
    // An older commit under a newer version is no rewritten history.
    expect(complete(await source.read('', steady()))).toMatchObject({ revision: commits['v1.2.0'], problems: [] });
    expect(reasonOf(await rig.open({ semver: '^3' }).read('', steady()))).toMatchObject({
      code: 'GIT_REF_MISSING',
      message: expect.stringContaining('>=3.0.0 <4.0.0-0'),
    });
  });

  it('is one commit that the branch reaches', async () => {
    const first = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
    const aside = await rig.repository.commit({ 'a.yaml': 'c' }, 'aside', { branch: 'side', parent: first });
    const source = rig.open({ commit: first });
    expect(texts(complete(await source.read('', steady())))).toEqual({ 'a.yaml': 'a' });
    rig.commands.length = 0;
    complete(await source.read('', steady()));
    expect(rig.commands).toEqual(['ls-remote']);
    await rig.repository.commit({ 'a.yaml': 'd' }, 'three');
    expect(complete(await source.read('', steady()))).toMatchObject({ revision: first, problems: [] });
    for (const commit of [aside, '1'.repeat(40)]) {
      const reason = reasonOf(await rig.open({ commit }).read('', steady()));
      expect(reason).toMatchObject({ code: 'GIT_REF_MISSING', message: expect.stringContaining(commit) });
    }
    await rig.repository.commit({ 'a.yaml': 'e' }, 'anew', { parent: null });
    expect(await source.read('', steady())).toMatchObject({ kind: 'stale', index: first, reason: { code: 'GIT_REF_MISSING' } });
  });

  it('is known again after a restart while the server is away', async () => {
    const first = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await tag('v1.0.0', first);
    for (const options of [{ tag: 'v1.0.0' }, { semver: '^1' }, { commit: first }]) {
      complete(await rig.open(options).read('', steady()));
      await rig.server?.setMode('down');
      if (rig.server === undefined) await rig.repository.git(['update-ref', '-d', 'refs/tags/v1.0.0']);
      const again = await rig.open(options).read('', steady());
      if (rig.server !== undefined) expect(again).toMatchObject({ kind: 'stale', index: first });
      await rig.server?.setMode('serving');
      await tag('v1.0.0', first);
    }
  });

  it('may be fetched without its history', async () => {
    const first = await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
    await rig.repository.commit({ 'a.yaml': 'b' }, 'two\n\nPoolkeeper-Allow-Removal: 9');
    const third = await rig.repository.commit({ 'a.yaml': 'c' }, 'three\n\nPoolkeeper-Allow-Removal: 2');
    const source = rig.open({ shallow: true });
    const value = complete(await source.read(first, steady()));
    expect(value).toMatchObject({ revision: third, problems: [] });
    expect(value.commits).toMatchObject([{ revision: third, allowRemoval: ['2'] }]);
    const fourth = await rig.repository.commit({ 'a.yaml': 'd' }, 'four');
    const next = complete(await source.read(third, steady()));
    expect(next.commits.map(({ revision }) => revision)).toEqual([fourth]);
    expect(next.problems).toEqual([]);
    await rig.repository.commit({ 'a.yaml': 'e' }, 'anew', { parent: null });
    expect(texts(complete(await source.read(fourth, steady())))).toEqual({ 'a.yaml': 'e' });
  });

  it('is only what the globs take', async () => {
    await rig.repository.commit(
      {
        'specs/prod/web.yaml': 'a',
        'specs/prod/old/web.yaml': 'b',
        'specs/stage/web.yaml': 'c',
        'specs/top.yaml': 'd',
        'specs/prod-old': { mode: '120000', content: 'elsewhere' },
      },
      'one',
    );
    const paths = async (include: readonly string[], exclude: readonly string[]) =>
      Object.keys(texts(complete(await rig.open({ root: 'specs', include, exclude }).read('', steady()))));
    // What stands in the place of a folder counts where the globs would take something below it.
    expect(await paths(['prod/**'], ['**/old/**'])).toEqual(['specs/prod/web.yaml']);
    expect(await paths(['prod*/**'], ['**/old/**'])).toEqual(['specs/prod-old', 'specs/prod/web.yaml']);
    expect(await paths(['**'], ['prod*/**'])).toEqual(['specs/stage/web.yaml', 'specs/top.yaml']);
    expect(await paths(['*.yaml', 'stage/*'], ['prod-*'])).toEqual(['specs/stage/web.yaml', 'specs/top.yaml']);
    expect(await paths([], ['{prod,stage}/**', 'prod-old'])).toEqual(['specs/top.yaml']);
  });

  it('tells pointers of Git LFS as what they are', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;
    await rig.repository.commit({ 'a.yaml': pointer, 'b.yaml': `# ${pointer}`, 'c.yaml': pointer + 'x'.repeat(1100) }, 'lfs');
    const value = texts(complete(await rig.open().read('', steady())));
    expect(value['a.yaml']).toBe('SPEC_LFS_POINTER');
    expect(value['b.yaml']).toContain('version');
    expect(value['c.yaml']).toContain('version');
  });
});
