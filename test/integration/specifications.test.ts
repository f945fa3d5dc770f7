import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { consulRequest, endLeases, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'records';
const WEB = `web-${NAME}`;
const PREFIX = `${NAME}/specifications/${NAME}/${WEB}/`;
const stack = inject('stack') as StackConnection;
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'password' }, stringData: { password: 'hidden-word' } };

interface Stored {
  readonly id: string;
  readonly namespace: string;
  readonly objects: { readonly deployments: { readonly specification: { readonly spec: { readonly replicas: number } } } };
}

describe.skipIf(inject('stack') === undefined)('what is recorded under specifications/', () => {
  let site: Site;

  beforeAll(async () => {
    const files = {
      'web.yaml': manifest(1),
      'other.yaml': appManifest(`other-${NAME}`, {}),
      'third.yaml': appManifest(`third-${NAME}`, {}),
    };
    site = await prepareSite({ stack, name: NAME, files, env: { POOLKEEPER_TRAEFIK_LET_GO: '1s', POOLKEEPER_DRAIN_SECONDS: '1' } });
    await site.daemon.start();
    await deployed(1);
  });
  afterAll(() => site?.remove());

  it('is the envelope that was deployed, without data of Secrets', async () => {
    const entries = await stored();
    const latest = entries.get('latest') ?? '';
    const { id, namespace, objects } = JSON.parse(latest) as Stored;
    expect([...entries.keys()].sort()).toEqual([id, 'deployed', 'latest'].sort());
    expect([...entries.values()]).toEqual([latest, latest, latest]);
    expect([namespace, Object.keys(objects)]).toEqual([NAME, ['deployments', 'services']]);
    expect(JSON.stringify(await kvEntries(stack, `${NAME}/`))).not.toMatch(/hidden-word|aGlkZGVuLXdvcmQ/);
  });

  it('is not written again by a restart', async () => {
    const before = await kvEntries(stack, `${NAME}/specifications/`);
    site.consul.forget();
    await site.daemon.kill();
    await endLeases(site);
    await site.daemon.start();
    await site.daemon.waitFor('rest', (report) => report.leader.consul && report.specs.every(({ state }) => state === 'in-step'));
    expect(await kvEntries(stack, `${NAME}/specifications/`)).toEqual(before);
    expect(site.consul.requests.flatMap(writeKindsOf)).not.toContain('specification');
  });

  it('follows changes in transactions of its own, and keeps five', async () => {
    site.consul.forget();
    for (let replicas = 2; replicas <= 7; replicas++) {
      await site.git.commit({ 'web.yaml': manifest(replicas) }, `${replicas} replicas`);
      await deployed(replicas);
    }
    const history = [...(await stored())].filter(([name]) => name.includes('_')).sort(([a], [b]) => (a < b ? -1 : 1));
    expect(history.map(([, value]) => replicasOf(value))).toEqual([3, 4, 5, 6, 7]);
    const transactions = site.consul.requests.map(writeKindsOf).filter((kinds) => kinds.includes('specification'));
    expect(transactions).toEqual(Array.from({ length: 6 }, () => ['specification']));
  });

  it('is not written over what someone else has put there, comes back once that is gone, and leaves the keys of others alone', async () => {
    await consulRequest(stack, 'PUT', `/v1/kv/${PREFIX}latest`, 'theirs');
    await consulRequest(stack, 'PUT', `/v1/kv/${PREFIX}1500000000000000_theirs`, 'theirs');
    // A value that someone wrote over carries their Flags: it is theirs now.
    await site.git.commit({ 'web.yaml': manifest(8) }, '8 replicas');
    // A run that had read the key before it was changed tells of that as well.
    const taken = `the key ${PREFIX}latest of pool ${NAME}/${WEB} was written by someone else`;
    await site.daemon.waitFor('the refusal, and nothing else', ({ specs }) => {
      const told = specs.flatMap(({ problems }) => problems.map(({ message }) => message));
      return told.length === 1 && told[0] === taken;
    });
    expect((await stored()).get('latest')).toBe('theirs');
    await consulRequest(stack, 'DELETE', `/v1/kv/${PREFIX}latest`);
    await site.git.commit({ 'web.yaml': manifest(9) }, '9 replicas');
    await deployed(9);
    expect((await stored()).get('latest')).toBe((await stored()).get('deployed'));
    expect((await stored()).get('1500000000000000_theirs')).toBe('theirs');
  });

  it('goes when its Service is gone', async () => {
    await site.git.commit({}, 'no web\n\nPoolkeeper-Allow-Removal: 3', { remove: ['web.yaml'] });
    const look = async (): Promise<true | undefined> => ((await stored()).size === 1 ? true : undefined);
    await waitUntil('the records are gone', look);
    expect([...(await stored()).keys()]).toEqual(['1500000000000000_theirs']);
  });

  const manifest = (replicas: number): string => `${appManifest(WEB, { replicas })}---\n${JSON.stringify(secret)}\n`;
  const replicasOf = (value: string): number => (JSON.parse(value) as Stored).objects.deployments.specification.spec.replicas;
  const stored = async (): Promise<ReadonlyMap<string, string>> =>
    new Map((await kvEntries(stack, PREFIX)).map(({ key, value }) => [key.slice(PREFIX.length), value]));
  const deployed = (replicas: number): Promise<true> => {
    const look = async (): Promise<true | undefined> => {
      const value = (await stored()).get('deployed');
      return value !== undefined && replicasOf(value) === replicas ? true : undefined;
    };
    return waitUntil(`${replicas} replicas are recorded as deployed`, look);
  };
});
