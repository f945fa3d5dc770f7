import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest, patchTypes } from '../support/kube-client.ts';
import { type CliResult, runCli } from '../support/run-cli.ts';
import { consulRequest, instancesOf, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'suspended';
const APPS = ['a', 'b', 'c', 'd'];
const nameOf = (app: string): string => `${app}-${NAME}`;
const files = (apps: readonly string[], replicas = 2): Record<string, string> =>
  Object.fromEntries(apps.map((app) => [`${app}.yaml`, appManifest(nameOf(app), { replicas })]));

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('a daemon that restarts', () => {
  let site: Site;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME, files: files(APPS), env: { POOLKEEPER_TRAEFIK_LET_GO: '1s' } });
    await site.daemon.start();
    await settled(({ specs }) => specs.length === APPS.length && specs.every(({ state }) => state === 'in-step'));
  });

  afterAll(async () => {
    await site?.remove();
  });

  const run = (...args: readonly string[]): Promise<CliResult> => runCli(site.daemon, ...args, '--url', site.daemon.url);
  const memoryOf = async (): Promise<unknown> =>
    JSON.parse((await kvEntries(stack, `${NAME}/.poolkeeper/${NAME}/memory`))[0]?.value ?? '{}');
  const deployment = (app: string): string => `/apis/apps/v1/namespaces/${NAME}/deployments/${nameOf(app)}`;

  async function replicasOf(app: string): Promise<number> {
    return ((await kubeRequest(stack, 'GET', deployment(app))) as { readonly spec: { readonly replicas: number } }).spec.replicas;
  }

  async function commit(changed: Record<string, string>, remove: readonly string[] = []): Promise<void> {
    await site.git.commit(changed, 'a change', { remove: remove.map((app) => `${app}.yaml`) });
    await site.daemon.resync();
  }

  /** Waits for a report of the newest commit by a daemon that leads. */
  async function settled(is: (report: RunReport) => boolean): Promise<RunReport> {
    const revision = await site.git.repository.head();
    return await site.daemon.waitFor(
      'the report',
      (report) => report.revision === revision && report.leader.consul && report.leader.kubernetes && is(report),
    );
  }

  it('knows what is suspended: neither a commit nor drift is looked at, until it is resumed', async () => {
    expect((await run('suspend', 'a.yaml', '--reason', 'scaled by hand')).code).toBe(0);
    await site.daemon.stop();
    await site.daemon.start();
    const report = await settled(({ specs }) => specs.some(({ id, state }) => id === 'a.yaml' && state === 'suspended'));
    expect(report.suspensions).toMatchObject([{ spec: 'a.yaml', reason: 'scaled by hand' }]);
    await kubeRequest(stack, 'PATCH', deployment('a'), { spec: { replicas: 5 } }, patchTypes.merge);
    await commit(files(['a', 'b'], 3));
    await settled(({ specs }) => specs.every(({ id, state }) => id === 'a.yaml' || state === 'in-step'));
    expect([await replicasOf('a'), await replicasOf('b')]).toEqual([5, 3]);
    expect((await instancesOf(stack, nameOf('a'))).length).toBeGreaterThan(0);
    expect((await run('resume', 'a.yaml')).code).toBe(0);
    await settled(({ specs }) => specs.every(({ state }) => state === 'in-step'));
    expect(await replicasOf('a')).toBe(3);
    expect(await memoryOf()).not.toHaveProperty('suspended');
  });

  it('uses an approval that was given before, once, and by way of the drain', async () => {
    await commit({}, ['a', 'b', 'c']);
    const { held } = await settled((report) => report.held !== undefined);
    await site.daemon.stop();
    // As if it had ended between the answer to the approval and the run that uses it.
    const memory = (await memoryOf()) as Readonly<Record<string, unknown>>;
    const keys = ['a', 'b', 'c'].flatMap((app) => [
      `pool:${NAME}/${nameOf(app)}`,
      ...['/Service', 'apps/Deployment'].map((kind) => `object:${kind}/${NAME}/${nameOf(app)}`),
    ]);
    const revision = await site.git.repository.head();
    const approval = { kind: 'hold', id: held?.id, source: memory['source'], revision, keys, removals: 3, atMs: Date.now() };
    const kept = { ...memory, approvals: [{ ...approval, untilMs: Date.now() + 600_000 }] };
    const entry = (await kvRaw()).Flags;
    await consulRequest(stack, 'PUT', `/v1/kv/${NAME}/.poolkeeper/${NAME}/memory?flags=${entry}`, kept);
    await site.daemon.start();
    const report = await settled(({ specs }) => specs.length === 1 && specs[0]?.state === 'in-step');
    expect([report.held, report.approvals, report.holds]).toEqual([undefined, undefined, []]);
    for (const app of ['a', 'b', 'c']) expect(await instancesOf(stack, nameOf(app))).toEqual([]);
    expect(await memoryOf()).toMatchObject({ removals: { [keys[0] ?? '']: { approvedBy: held?.id } } });
  });

  async function kvRaw(): Promise<{ readonly Flags: number }> {
    const [entry] = (await consulRequest(stack, 'GET', `/v1/kv/${NAME}/.poolkeeper/${NAME}/memory`)) as readonly {
      readonly Flags: number;
    }[];
    return entry ?? { Flags: 0 };
  }
});
