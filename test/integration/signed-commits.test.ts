import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { hasProgram } from '../support/programs.ts';
import { runCli } from '../support/run-cli.ts';
import { type SigningKey, signHead, sshSigner } from '../support/sign-commit.ts';
import { instancesOf, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'signed';
const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined || !hasProgram('ssh-keygen'))('a daemon that asks for signed commits', () => {
  let directory: TempDirectory;
  let key: SigningKey;
  let site: Site;

  beforeAll(async () => {
    directory = await makeTempDirectory(NAME);
    key = await sshSigner(directory.path, 'key');
    const allowedSignersFile = join(directory.path, 'allowed');
    await writeFile(allowedSignersFile, key.publicText);
    site = await prepareSite({
      stack,
      name: NAME,
      files: { 'web.yaml': appManifest(`web-${NAME}`) },
      env: { POOLKEEPER_GIT_VERIFY: 'head', POOLKEEPER_GIT_ALLOWED_SIGNERS_FILE: allowedSignersFile },
    });
    await signHead(site.git.repository, key);
    await site.daemon.start();
    await site.daemon.waitFor(
      'the pool to be registered',
      ({ specs }) => specs.length === 1 && specs.every(({ state }) => state === 'in-step'),
    );
  });
  afterAll(async () => {
    await site?.remove();
    await directory?.remove();
  });

  it('keeps the last verified one in force, says so everywhere, and goes on with the next that is signed', async () => {
    const good = await site.git.repository.head();
    const bad = await site.git.commit({ 'more.yaml': appManifest(`more-${NAME}`) }, 'smuggled', { remove: ['web.yaml'] });
    const refused = await site.daemon.waitFor('the refusal', ({ sources }) =>
      sources.some(({ reason }) => reason?.code === 'GIT_COMMIT_UNVERIFIED' && reason.message.includes(bad)),
    );
    expect(refused.revision).toBe(good);
    expect(refused.specs.map(({ id }) => id)).toEqual(['web.yaml']);
    expect(await instancesOf(site.stack, `web-${NAME}`)).not.toEqual([]);
    expect(await instancesOf(site.stack, `more-${NAME}`)).toEqual([]);
    const metrics = await site.daemon.metrics();
    expect(metrics).toContain('poolkeeper_snapshot_complete{source="git"} 0');
    expect(metrics).toContain(`poolkeeper_source_revision_info{revision="${good}"} 1`);
    const doctor = await runCli(site.daemon, 'doctor', 'git');
    expect(doctor).toMatchObject({ code: 1, stderr: '' });
    expect(doctor.stdout).toMatch(/^failed +signature +.* is not signed/m);

    const signed = await signHead(site.git.repository, key);
    await site.daemon.waitFor(
      'the signed commit',
      ({ revision, sources }) => revision === signed && sources.every(({ reason }) => reason === undefined),
    );
    expect((await runCli(site.daemon, 'doctor', 'git', '--output', 'json')).code).toBe(0);
  });
});

describe.skipIf(inject('stack') === undefined || !hasProgram('ssh-keygen'))('a daemon that has lost its mirror while it was down', () => {
  const LOST = 'lost-mirror';
  let directory: TempDirectory;
  let key: SigningKey;
  let site: Site;

  beforeAll(async () => {
    directory = await makeTempDirectory(LOST);
    key = await sshSigner(directory.path, 'key');
    const allowedSignersFile = join(directory.path, 'allowed');
    await writeFile(allowedSignersFile, key.publicText);
    site = await prepareSite({
      stack,
      name: LOST,
      files: { 'web.yaml': appManifest(`web-${LOST}`) },
      env: {
        POOLKEEPER_GIT_VERIFY: 'range',
        POOLKEEPER_GIT_FAST_FORWARD_ONLY: 'true',
        POOLKEEPER_GIT_ALLOWED_SIGNERS_FILE: allowedSignersFile,
      },
    });
    await signHead(site.git.repository, key);
    await site.daemon.start();
  });
  afterAll(async () => {
    await site?.remove();
    await directory?.remove();
  });

  const appliedRevision = async (): Promise<unknown> => {
    const entries = await kvEntries(site.stack, `${LOST}/.poolkeeper/${LOST}/memory`);
    return entries.map(({ value }) => (JSON.parse(value) as { readonly appliedRevision: unknown }).appliedRevision).at(0);
  };

  it.each([
    { what: 'a forced push', code: 'GIT_NOT_FAST_FORWARD', options: { parent: null } },
    { what: 'a commit below the head that nobody has signed', code: 'GIT_COMMIT_UNVERIFIED', options: {} },
  ])('refuses $what that came meanwhile, as soon as it knows what was in force', async ({ code, options }) => {
    const { daemon, git, consul } = site;
    const applied = await git.repository.head();
    await daemon.waitFor('the commit to be in force', ({ revision, specs }) => revision === applied && specs[0]?.state === 'in-step');
    await vi.waitUntil(async () => (await appliedRevision()) === applied, { timeout: 30_000 });
    await daemon.stop();
    await rm(daemon.env['POOLKEEPER_GIT_MIRROR_DIR'] ?? '', { recursive: true });
    await git.commit({ 'smuggled.yaml': appManifest(`smuggled-${LOST}`) }, 'smuggled', options);
    await git.commit({ 'web.yaml': appManifest(`web-${LOST}`, { replicas: 1 }) }, 'on top');
    await signHead(git.repository, key);
    // The repository answers long before Consul does.
    consul.intercept(() => ({ kind: 'delay', work: () => setTimeout(250) }));
    await daemon.start();
    const refused = await daemon.waitFor('the refusal', ({ sources }) => sources.some(({ reason }) => reason?.code === code));
    expect(refused.revision).toBeUndefined();
    consul.intercept(undefined);
    const told = (await daemon.logs()).filter(({ event }) => event === 'revision' || event === 'run').map(({ revision }) => revision);
    expect(told).not.toContain(await git.repository.head());
    expect(await instancesOf(site.stack, `smuggled-${LOST}`)).toEqual([]);
    expect(await instancesOf(site.stack, `web-${LOST}`)).not.toEqual([]);

    await git.repository.forceBranch('main', applied ?? '');
    await daemon.waitFor('what was in force before', ({ revision }) => revision === applied);
  });
});
