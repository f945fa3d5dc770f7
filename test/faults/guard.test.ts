import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import type { ProblemCode } from '../../src/shared/problem.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { runCli } from '../support/run-cli.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'guard';
const APPS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const fileOf = (app: string): string => `${app}.yaml`;
const nameOf = (app: string): string => `${app}-${NAME}`;
const files = (apps: readonly string[]): Record<string, string> =>
  Object.fromEntries(apps.map((app) => [fileOf(app), appManifest(nameOf(app))]));

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('removing too much', () => {
  let site: Site;

  beforeAll(async () => {
    site = await prepareSite({
      stack,
      name: NAME,
      // A second folder, which the daemon is pointed at later.
      files: { ...files(APPS), 'elsewhere/z.yaml': appManifest(nameOf('z')) },
      env: { POOLKEEPER_TRAEFIK_LET_GO: '1s' },
    });
    await site.daemon.start();
    await atRest([...APPS, 'z']);
  });

  afterAll(async () => {
    await site?.remove();
  });

  it('is held, and said everywhere with what releases it', async () => {
    const before = await running();
    await commit({}, 'three at once', ['a', 'b', 'c']);
    const report = await held('REMOVAL_LIMIT', ['a', 'b', 'c']);

    const reasons = report.holds.map(({ reason }) => reason);
    expect(new Set(reasons.map(({ code }) => code))).toEqual(new Set(['REMOVAL_LIMIT']));
    expect(new Set(reasons.map(({ remedy }) => remedy))).toEqual(
      new Set([
        'Commit with the trailer "Poolkeeper-Allow-Removal: 3" (or more), or look at it with `poolkeeper approve` and let it go, or put the files back.',
      ]),
    );
    // Three pools, and a Service and a Deployment for each.
    expect(report.holds).toHaveLength(9);
    expect(await site.daemon.metrics()).toContain('poolkeeper_holds{reason="REMOVAL_LIMIT"} 9\n');
    const told = (await site.daemon.logs()).filter((line) => line['event'] === 'hold' && line['ended'] !== true);
    expect(told).toHaveLength(9);
    expect(told[0]).toMatchObject({ level: 'warn', remedy: expect.stringContaining('Poolkeeper-Allow-Removal: 3') });
    const plan = await runCli(site.daemon, 'plan');
    expect(plan.stdout).toContain('Poolkeeper-Allow-Removal: 3');
    // One line for each spec: its pool and what goes with it share the reason.
    const lines = plan.stdout.split('\n').filter((line) => line.trim().startsWith('held'));
    expect(lines).toHaveLength(3);
    for (const name of ['a', 'b', 'c']) {
      expect(
        lines.some((line) => ['pool ', 'Service ', 'Deployment '].every((what) => line.includes(what) && line.includes(nameOf(name)))),
      ).toBe(true);
    }
    expect((await runCli(site.daemon, 'plan', '--exit-code')).code).toBe(2);
    expect(await running()).toEqual(before);
  });

  it('stays held after an unrelated commit, and after a restart', async () => {
    const before = await running();
    await commit({ [fileOf('d')]: appManifest(nameOf('d'), { replicas: 3 }) }, 'more of d', []);
    await held('REMOVAL_LIMIT', ['a', 'b', 'c']);
    expect(await replicasOf('d')).toBe(3);
    await site.daemon.stop();
    await site.daemon.start();
    await held('REMOVAL_LIMIT', ['a', 'b', 'c']);
    expect(await running()).toEqual(before);
  });

  it('is not released by a commit that allows less', async () => {
    const before = await running();
    await commit({}, 'too little\n\nPoolkeeper-Allow-Removal: 2', []);
    await held('REMOVAL_LIMIT', ['a', 'b', 'c']);
    await commit({}, 'no number\n\nPoolkeeper-Allow-Removal: all', []);
    await held('REMOVAL_LIMIT', ['a', 'b', 'c']);
    expect(await running()).toEqual(before);
  });

  it('is released by a commit that allows it, whose budget is spent then', async () => {
    await commit({}, 'yes, these three and two more\n\nPoolkeeper-Allow-Removal: 5', []);
    await atRest(['d', 'e', 'f', 'z']);
    expect((await running()).map((line) => line.split(' ')[1])).not.toContain(nameOf('a'));

    // What was not needed does not outlive the run that settled: it allows nothing later.
    await commit({}, 'one more', ['d']);
    const report = await held('REMOVAL_LIMIT', ['d']);
    expect(report.holds[0]?.reason.message).toContain('lately');
    await commit(files(['d']), 'put back', []);
    await atRest(['d', 'e', 'f', 'z']);
  });

  it('holds everything when the repository is emptied', async () => {
    const before = await running();
    await site.git.commit({}, 'nothing left', { remove: [...['d', 'e', 'f'].map(fileOf), 'elsewhere/z.yaml'] });
    await held('SPECS_VANISHED', ['d', 'e', 'f']);
    expect(await running()).toEqual(before);
    await commit({ ...files(['d', 'e', 'f']), 'elsewhere/z.yaml': appManifest(nameOf('z')) }, 'all of it again', []);
    await atRest(['d', 'e', 'f', 'z']);
    expect(await running()).toEqual(before);
  });

  it('holds everything when the daemon is pointed at another folder', async () => {
    const before = await running();
    await site.daemon.stop();
    const { daemon: elsewhere } = await site.another({ POOLKEEPER_GIT_ROOT: 'elsewhere' });
    await elsewhere.start();
    const report = await elsewhere.waitFor('the holds', ({ holds, leader }) => holds.length > 0 && leader.consul && leader.kubernetes);
    expect(new Set(report.holds.map(({ reason }) => reason.code))).toEqual(new Set(['SOURCE_CHANGED']));
    expect(new Set(report.holds.map(({ spec }) => spec))).toEqual(new Set(['d.yaml', 'e.yaml', 'f.yaml']));
    // The spec that is in both belongs to the file of the new root.
    expect((await running()).map((line) => line.split(' ')[1]).sort()).toEqual(before.map((line) => line.split(' ')[1]).sort());
    await elsewhere.stop();
    await site.daemon.start();
    await atRest(['d', 'e', 'f', 'z']);
    expect(await running()).toEqual(before);
  });

  async function commit(changed: Record<string, string>, message: string, removed: readonly string[]): Promise<void> {
    await site.git.commit(changed, message, { remove: removed.map(fileOf) });
    await site.daemon.resync();
  }

  /** Waits until the newest commit has been planned and exactly these specs are held for this reason. */
  async function held(code: ProblemCode, apps: readonly string[]): Promise<RunReport> {
    const revision = await site.git.repository.head();
    return await site.daemon.waitFor(`${code} for ${apps.join()}`, (report) => {
      const specs = new Set(report.holds.filter(({ reason }) => reason.code === code).map(({ spec }) => spec));
      const others = report.specs.filter(({ id }) => !specs.has(id));
      return (
        report.revision === revision &&
        report.leader.consul &&
        report.leader.kubernetes &&
        apps.every((app) => report.specs.some(({ id, state }) => id === fileOf(app) && state === 'held')) &&
        (code === 'SPECS_VANISHED' || others.every(({ state }) => state === 'in-step'))
      );
    });
  }

  async function atRest(apps: readonly string[]): Promise<void> {
    const revision = await site.git.repository.head();
    await site.daemon.waitFor(
      `rest with ${apps.join()}`,
      (report) =>
        report.revision === revision &&
        report.specs.length === apps.length &&
        report.specs.every(({ state }) => state === 'in-step') &&
        report.holds.length === 0,
    );
  }
});

async function replicasOf(app: string): Promise<number> {
  const path = `/apis/apps/v1/namespaces/${NAME}/deployments/${nameOf(app)}`;
  return ((await kubeRequest(stack, 'GET', path)) as { readonly spec: { readonly replicas: number } }).spec.replicas;
}

/** Every object and every instance of the site, told so that another one in its place shows. */
async function running(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of [`/api/v1/namespaces/${NAME}/services`, `/apis/apps/v1/namespaces/${NAME}/deployments`]) {
    const list = (await kubeRequest(stack, 'GET', path)) as List;
    found.push(...list.items.map(({ metadata }) => `object ${metadata.name} ${metadata.uid}`));
  }
  const pools = await Promise.all([...APPS, 'z'].map((app) => instancesOf(stack, nameOf(app))));
  const instances = pools.flat().map(({ Node, ServiceID, ServicePort }) => `instance ${ServiceID} ${Node}:${ServicePort}`);
  return [...found, ...instances];
}

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly uid: string } }[];
}
