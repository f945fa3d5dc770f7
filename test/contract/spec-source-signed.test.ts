import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VerifyOptions } from '../../src/adapters/git/git-settings.ts';
import { hasProgram } from '../support/programs.ts';
import { openpgpSigner, type SigningKey, signHead, sshSigner } from '../support/sign-commit.ts';
import { complete, openFolderRig, type Rig, reasonOf, steady, texts } from './spec-source-rig.ts';

describe.skipIf(!hasProgram('ssh-keygen'))('a spec source that asks for signatures (needs ssh-keygen)', () => {
  let rig: Rig;
  let folder: string;
  let key: SigningKey;
  let stranger: SigningKey;
  let allowedSignersFile: string;
  beforeEach(async () => {
    rig = await openFolderRig();
    folder = join(rig.mirrorDir, '..', 'keys');
    await mkdir(folder, { recursive: true });
    [key, stranger] = await Promise.all([sshSigner(folder, 'trusted'), sshSigner(folder, 'stranger')]);
    allowedSignersFile = await write('allowed', key.publicText);
  });
  afterEach(() => rig.close());

  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const commit = async (content: string, signer?: SigningKey): Promise<string> => {
    const id = await rig.repository.commit({ 'a.yaml': content }, content);
    return signer === undefined ? id : signHead(rig.repository, signer);
  };
  const open = (mode: VerifyOptions['mode'] = 'head') => rig.open({ verify: { mode, allowedSignersFile } });

  it('takes a head that is signed by an allowed key, whoever wrote what is before it', async () => {
    await commit('not signed');
    const head = await commit('signed', key);
    expect(complete(await open().read('', steady())).revision).toBe(head);
  });

  it.each([
    { what: 'not signed', signer: () => undefined, says: 'is not signed' },
    { what: 'signed by a stranger', signer: () => stranger, says: 'is signed by a key that git.allowedSignersFile does not hold (SHA256:' },
  ])('keeps the last verified commit when the next is $what, and goes on with one that is signed', async ({ signer, says }) => {
    const good = await commit('good', key);
    const source = open();
    complete(await source.read('', steady()));
    const bad = await commit('bad', signer());
    const snapshot = await source.read(good, steady());
    expect(snapshot).toMatchObject({ kind: 'stale', index: good, reason: { code: 'GIT_COMMIT_UNVERIFIED', next: 'fix-config' } });
    expect(reasonOf(snapshot).message).toContain(`commit ${bad} by Test ${says}`);
    // Also after a restart: what was fetched and not taken is not what the mirror gives.
    const again = await open().read(good, steady());
    expect(again).toMatchObject({ kind: 'stale', index: good, reason: { code: 'GIT_COMMIT_UNVERIFIED' } });
    expect(again.kind === 'stale' && texts(again.value)).toEqual({ 'a.yaml': 'good' });
    rig.commands.length = 0;
    await source.read(good, steady());
    expect(rig.commands).not.toContain('fetch');
    const mended = await commit('mended', key);
    expect(complete(await source.read(good, steady()))).toMatchObject({ revision: mended, problems: [] });
  });

  it('has nothing to tell when no commit was ever verified', async () => {
    await commit('bad');
    expect(await open().read('', steady())).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_COMMIT_UNVERIFIED' } });
  });

  it('takes a commit that waits as soon as its key is allowed', async () => {
    await commit('good', key);
    const source = open();
    complete(await source.read('', steady()));
    const head = await commit('new colleague', stranger);
    expect((await source.read('', steady())).kind).toBe('stale');
    await write('allowed', key.publicText + stranger.publicText);
    expect(complete(await source.read('', steady())).revision).toBe(head);
  });

  it('looks at the commit in force again at a start: its key may count no more', async () => {
    await commit('good', key);
    complete(await open().read('', steady()));
    await write('allowed', stranger.publicText);
    expect(await open().read('', steady())).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_COMMIT_UNVERIFIED' } });
  });

  it('asks with range for every commit after the one in force', async () => {
    await commit('before anybody looked');
    const first = await commit('first', key);
    const source = open('range');
    expect(complete(await source.read('', steady())).revision).toBe(first);
    const smuggled = await commit('smuggled');
    await commit('on top', key);
    const snapshot = await source.read(first, steady());
    expect(snapshot).toMatchObject({ kind: 'stale', index: first });
    expect(reasonOf(snapshot).message).toContain(smuggled);
    expect(complete(await open('head').read(first, steady())).files).toHaveLength(1);
  });

  it('asks for the head also when it was moved back', async () => {
    const unsigned = await commit('unsigned');
    const head = await commit('signed', key);
    const source = open('range');
    complete(await source.read('', steady()));
    await rig.repository.forceBranch('main', unsigned);
    expect(await source.read(head, steady())).toMatchObject({ kind: 'stale', index: head, reason: { code: 'GIT_COMMIT_UNVERIFIED' } });
  });

  it('judges with range what it took by its head alone again, as soon as it is known what was in force', async () => {
    const applied = await commit('applied', key);
    const smuggled = await commit('smuggled');
    const head = await commit('on top', key);
    const source = open('range');
    expect(complete(await source.read('', steady()))).toMatchObject({ revision: head, judgedAlone: true });
    const refused = { kind: 'unavailable', reason: { code: 'GIT_COMMIT_UNVERIFIED', message: expect.stringContaining(smuggled) } };
    expect(await source.read(applied, steady())).toMatchObject(refused);
    expect(await source.read(applied, steady())).toMatchObject(refused);
    // It is not in force for the next process either, whatever that one knows.
    expect(await open('range').read(applied, steady())).toMatchObject(refused);
  });

  it('verifies a head that it has refused only once, until the keys or the heads are others', async () => {
    const applied = await commit('applied', key);
    const source = open('range');
    complete(await source.read(applied, steady()));
    await commit('smuggled');
    await commit('on top', key);
    const verifications = async (): Promise<number> => {
      rig.commands.length = 0;
      expect(await source.read(applied, steady())).toMatchObject({ kind: 'stale', reason: { code: 'GIT_COMMIT_UNVERIFIED' } });
      return rig.commands.filter((command) => command === 'log').length;
    };
    expect([await verifications(), await verifications(), await verifications()]).toEqual([1, 0, 0]);
    await write('allowed', `${key.publicText}${stranger.publicText}`);
    expect([await verifications(), await verifications()]).toEqual([1, 0]);
    await commit('more on top', key);
    expect(await verifications()).toBe(1);
    // A checker that failed says the same of a good signature.
    rig.clock.nowMs += 300_001;
    expect([await verifications(), await verifications()]).toEqual([1, 0]);
  });

  it('says of a head that it was judged alone for as long as it was', async () => {
    const head = await commit('good', key);
    const source = open('range');
    expect(complete(await source.read('', steady())).judgedAlone).toBe(true);
    expect(complete(await source.read(head, steady())).judgedAlone).toBeUndefined();
    expect(complete(await open('head').read('', steady())).judgedAlone).toBeUndefined();
  });

  it('tells of a signature that does not fit, and of a name that would play with the terminal', async () => {
    await commit('good', key);
    const raw = await rig.repository.git(['cat-file', 'commit', 'main']);
    const forged = raw.replace(/^author Test/m, 'author \u001b[2JEve').replace('good', 'evil');
    const id = await rig.repository.git(['hash-object', '-t', 'commit', '-w', '--stdin'], `${forged}\n`);
    await rig.repository.forceBranch('main', id);
    const { message } = reasonOf(await open().read('', steady()));
    expect(message).toContain('·[2JEve has an SSH signature that does not fit it');
  });

  it('tells of keys that cannot be read, and of a program that is missing', async () => {
    await commit('good', key);
    const none = rig.open({ verify: { mode: 'head', allowedSignersFile: join(folder, 'none') } });
    expect(reasonOf(await none.read('', steady())).code).toBe('CONFIG_UNREADABLE');
    const garbage = rig.open({ verify: { mode: 'head', openpgpKeysFile: allowedSignersFile } });
    if (hasProgram('gpg')) expect(reasonOf(await garbage.read('', steady())).code).toBe('CONFIG_INVALID');
    const { spawnSync } = await import('node:child_process');
    const git = spawnSync('sh', ['-c', 'command -v git']).stdout.toString().trim();
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'git'), `#!/bin/sh\nexec ${git} "$@"\n`, { mode: 0o755 });
    for (const [verify, program] of [
      [{ mode: 'head', allowedSignersFile }, 'ssh-keygen'],
      [{ mode: 'head', openpgpKeysFile: allowedSignersFile }, 'gpg'],
    ] as const) {
      const reason = reasonOf(await rig.open({ verify, environment: { PATH: bin } }).read('', steady()));
      expect(reason).toMatchObject({ next: 'fix-config', remedy: expect.stringContaining(`Install ${program}`) });
    }
  });

  it.skipIf(!hasProgram('gpg'))('takes OpenPGP signatures by the keys of its file, and no others (needs gpg)', async () => {
    const [pgp, other] = await Promise.all([openpgpSigner(folder, 'anna'), openpgpSigner(folder, 'otto')]);
    try {
      const openpgpKeysFile = await write('keys.asc', pgp.publicText);
      const source = rig.open({ verify: { mode: 'head', openpgpKeysFile } });
      const good = await commit('good', pgp);
      expect(complete(await source.read('', steady())).revision).toBe(good);
      await commit('foreign', other);
      expect(reasonOf(await source.read('', steady())).message).toContain('git.openpgpKeysFile does not hold');
      await commit('by ssh', key);
      expect(reasonOf(await source.read('', steady())).message).toContain('git.allowedSignersFile is not set');
      const both = rig.open({ verify: { mode: 'head', openpgpKeysFile, allowedSignersFile } });
      expect(texts(complete(await both.read('', steady())))).toEqual({ 'a.yaml': 'by ssh' });
      expect((await readdir(rig.mirrorDir)).filter((name) => name.includes('keys'))).toEqual([]);
    } finally {
      await Promise.all([pgp.stop(), other.stop()]);
    }
  });
});

describe('a spec source that follows only forward', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openFolderRig();
  });
  afterEach(() => rig.close());

  it('keeps its commit over a forced push, also after a restart, until the branch descends from it again', async () => {
    const base = await rig.repository.commit({ 'a.yaml': 'a' }, 'base');
    const head = await rig.repository.commit({ 'a.yaml': 'b' }, 'head');
    const source = rig.open({ fastForwardOnly: true });
    complete(await source.read('', steady()));
    const forced = await rig.repository.commit({ 'a.yaml': 'c' }, 'forced', { parent: base });
    const refused = { kind: 'stale', index: head, reason: { code: 'GIT_NOT_FAST_FORWARD' } };
    expect(await source.read(head, steady())).toMatchObject(refused);
    expect(reasonOf(await source.read(head, steady())).message).toContain(`${forced} does not descend from ${head}`);
    expect(await rig.open({ fastForwardOnly: true }).read(head, steady())).toMatchObject(refused);
    const onward = await rig.repository.commit({ 'a.yaml': 'd' }, 'onward', { parent: head });
    expect(complete(await source.read(head, steady()))).toMatchObject({ revision: onward, problems: [] });
  });

  it('takes the new history when it is told to, and goes on from there', async () => {
    await rig.repository.commit({ 'a.yaml': 'a' }, 'old');
    complete(await rig.open({ fastForwardOnly: true }).read('', steady()));
    await rig.repository.commit({ 'a.yaml': 'b' }, 'new', { parent: null });
    expect((await rig.open({ fastForwardOnly: true }).read('', steady())).kind).toBe('stale');
    complete(await rig.open().read('', steady()));
    const next = await rig.repository.commit({ 'a.yaml': 'c' }, 'next');
    expect(complete(await rig.open({ fastForwardOnly: true }).read('', steady()))).toMatchObject({ revision: next, problems: [] });
  });

  it('knows the commit in force also without a mirror, from what was applied last', async () => {
    const applied = await rig.repository.commit({ 'a.yaml': 'a' }, 'old');
    await rig.repository.commit({ 'a.yaml': 'b' }, 'new', { parent: null });
    expect(reasonOf(await rig.open({ fastForwardOnly: true }).read(applied, steady())).code).toBe('GIT_NOT_FAST_FORWARD');
  });

  describe('when the mirror was lost, and a forced push came while nobody looked', () => {
    let [applied, forced] = ['', ''];
    beforeEach(async () => {
      applied = await rig.repository.commit({ 'a.yaml': 'a' }, 'applied');
      forced = await rig.repository.commit({ 'a.yaml': 'b' }, 'forced', { parent: null });
    });
    const refused = () => ({
      kind: 'unavailable',
      reason: { code: 'GIT_NOT_FAST_FORWARD', message: expect.stringContaining(`${forced} does not descend from ${applied}`) },
    });

    it('takes back what it took before it was known what was in force', async () => {
      const source = rig.open({ fastForwardOnly: true });
      expect(complete(await source.read('', steady())).revision).toBe(forced);
      expect(await source.read(applied, steady())).toMatchObject(refused());
      expect(await source.read(applied, steady())).toMatchObject(refused());
      const onward = await rig.repository.commit({ 'a.yaml': 'c' }, 'onward', { parent: applied });
      expect(complete(await source.read(applied, steady())).revision).toBe(onward);
    });

    it('does so also after one more restart, and while the server is away', async () => {
      complete(await rig.open({ fastForwardOnly: true }).read('', steady()));
      expect(await rig.open({ fastForwardOnly: true }).read(applied, steady())).toMatchObject(refused());
      await rig.repository.deleteBranch('main');
      expect((await rig.open({ fastForwardOnly: true }).read(applied, steady())).kind).toBe('unavailable');
    });

    it('tells nothing of it when the server is away by then', async () => {
      complete(await rig.open({ fastForwardOnly: true }).read('', steady()));
      await rig.repository.deleteBranch('main');
      const reason = { code: 'GIT_REF_MISSING' };
      expect(await rig.open({ fastForwardOnly: true }).read('', steady())).toMatchObject({ kind: 'stale', index: forced, reason });
      expect(await rig.open({ fastForwardOnly: true }).read(applied, steady())).toMatchObject({ kind: 'unavailable', reason });
    });

    it('judges what came after by what was in force, and not by what it took', async () => {
      const source = rig.open({ fastForwardOnly: true });
      complete(await source.read('', steady()));
      const onTop = await rig.repository.commit({ 'a.yaml': 'c' }, 'on top');
      expect(reasonOf(await source.read(applied, steady())).message).toContain(`${onTop} does not descend from ${applied}`);
    });

    it('takes it again when the mirror is built anew meanwhile', async () => {
      const source = rig.open({ fastForwardOnly: true });
      complete(await source.read('', steady()));
      await rm(rig.mirrorDir, { recursive: true });
      expect(await source.read(applied, steady())).toMatchObject(refused());
    });
  });

  it('goes on from what it took once it is known that it descends from what was in force', async () => {
    const applied = await rig.repository.commit({ 'a.yaml': 'a' }, 'applied');
    const head = await rig.repository.commit({ 'a.yaml': 'b' }, 'head');
    const source = rig.open({ fastForwardOnly: true });
    complete(await source.read('', steady()));
    expect(complete(await source.read(applied, steady())).revision).toBe(head);
    // By now it is the head that counts, also where nobody can tell what was applied.
    await rig.repository.commit({ 'a.yaml': 'c' }, 'beside', { parent: applied });
    expect(await source.read(applied, steady())).toMatchObject({ kind: 'stale', index: head, reason: { code: 'GIT_NOT_FAST_FORWARD' } });
    expect(await rig.open({ fastForwardOnly: true }).read('', steady())).toMatchObject({ kind: 'stale', index: head });
  });
});
