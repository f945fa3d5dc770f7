import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import { endLeases, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'last-good';
const WEB = 'web-last-good';
const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAME}/deployments/${WEB}`;
const SERVICE = `/api/v1/namespaces/${NAME}/services/${WEB}`;

interface Metadata {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Of kinds with a spec and a status: goes up with changes of the spec alone. */
  readonly generation?: number;
}

const versionOf = ({ generation, resourceVersion }: Metadata): unknown => generation ?? resourceVersion;

const stack = inject('stack') as StackConnection;

/** Promise 10: a broken spec keeps its last good version running, found again in Git by blob id. */
describe.skipIf(inject('stack') === undefined)('a spec that is broken', () => {
  let site: Site;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME, files: { 'web.yaml': appManifest(WEB, { replicas: 3 }) } });
    await site.daemon.start();
    await site.daemon.waitFor('rest', ({ specs }) => specs.length === 1 && specs.every(({ state }) => state === 'in-step'));
    const revision = await site.git.commit({ 'web.yaml': `${appManifest(WEB, { replicas: 1 })}\n  broken: [` }, 'one replica, and a slip');
    await site.daemon.resync();
    await site.daemon.waitFor('the broken file', (report) => report.revision === revision && report.specs[0]?.state === 'broken');
  });

  afterAll(async () => {
    await site?.remove();
  });

  it('is repaired to its last good version', async () => await expectRepairs());

  it('is repaired after a restart, too', async () => {
    await site.daemon.kill();
    await endLeases(site);
    await site.daemon.start();
    await expectRepairs();
  });

  it('is repaired by a process that has none of the files of the one before', async () => {
    await site.daemon.stop();
    await rm(site.daemon.env['POOLKEEPER_GIT_MIRROR_DIR'] ?? '', { recursive: true });
    await site.daemon.start();
    await expectRepairs();
  });

  it('stays as it is while it is told to be broken, and follows its next good version', async () => {
    const before = await versions();
    await site.daemon.resync();
    expect(await versions()).toEqual(before);
    const { specs } = await site.daemon.status();
    expect(specs.map(({ id, state }) => [id, state])).toEqual([['web.yaml', 'broken']]);
    await site.git.commit({ 'web.yaml': appManifest(WEB, { replicas: 2 }) }, 'two replicas');
    await site.daemon.resync();
    await waitUntil('two replicas', async () => ((await replicas()) === 2 ? true : undefined));
  });

  it('that is gone goes, whatever was good of it', async () => {
    await site.git.commit({ 'web.yaml': '{', 'other.yaml': appManifest('other-last-good') }, 'broken once more');
    await site.daemon.resync();
    await site.daemon.waitFor('the broken file', ({ specs }) => specs.some(({ state }) => state === 'broken'));
    await site.git.commit({}, 'away with it', { remove: ['web.yaml'] });
    await site.daemon.resync();
    await waitUntil(
      'the end of it',
      async () => ((await status(DEPLOYMENT)) === 404 && (await status(SERVICE)) === 404 ? true : undefined),
      {
        timeoutMs: 60_000,
      },
    );
  });

  /** An edit, a deletion of each object: all is as the last good version says again. */
  async function expectRepairs(): Promise<void> {
    await kubeRequest(stack, 'PATCH', DEPLOYMENT, { spec: { replicas: 5 } }, patchTypes.merge);
    await waitUntil('three replicas again', async () => ((await replicas()) === 3 ? true : undefined));
    for (const path of [DEPLOYMENT, SERVICE]) {
      const { uid } = await metadata(path);
      expect((await kubeFetch(stack, { method: 'DELETE', path })).status).toBe(200);
      await waitUntil(`${path} again`, async () => {
        const now = await metadata(path).catch(() => undefined);
        return now !== undefined && now.uid !== uid ? true : undefined;
      });
    }
    expect(await replicas()).toBe(3);
  }

  const status = async (path: string): Promise<number> => (await kubeFetch(stack, { method: 'GET', path })).status;

  async function get(path: string): Promise<{ readonly metadata: Metadata; readonly spec: { readonly replicas?: number } }> {
    const { status: code, body } = await kubeFetch(stack, { method: 'GET', path });
    if (code !== 200) throw new Error(`${path}: ${code}`);
    return body as Awaited<ReturnType<typeof get>>;
  }

  const metadata = async (path: string): Promise<Metadata> => (await get(path)).metadata;
  const replicas = async (): Promise<number | undefined> => (await get(DEPLOYMENT).catch(() => undefined))?.spec.replicas;
  const versions = async (): Promise<readonly unknown[]> =>
    await Promise.all([DEPLOYMENT, SERVICE].map(async (path) => versionOf(await metadata(path))));
});
