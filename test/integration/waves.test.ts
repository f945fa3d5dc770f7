import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport, SpecReport } from '../../src/core/report/run-report.ts';
import { kubeApply, kubeFetch, kubeRequest } from '../support/kube-client.ts';
import { runCli } from '../support/run-cli.ts';
import { prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'waves';
const MADE = `${NAME}-made`;
const stack = inject('stack') as StackConnection;

const exists = async (path: string): Promise<boolean> => (await kubeFetch(stack, { method: 'GET', path })).status === 200;
const configMapPath = (name: string, namespace = NAME): string => `/api/v1/namespaces/${namespace}/configmaps/${name}`;
const text = (object: unknown): string => `${JSON.stringify(object)}\n`;
const configMap = (name: string, annotations: Readonly<Record<string, string>>, namespace = NAME): string =>
  text({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, annotations }, data: { name } });

/** A Deployment whose pods find a node, or never do. */
function deployment(name: string, fits: boolean): string {
  const labels = { app: name };
  const pod = {
    containers: [{ name: 'web', image: 'registry.example.com/web:1' }],
    ...(fits ? {} : { nodeSelector: { nowhere: 'at-all' } }),
  };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } };
  return text({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
}

describe.skipIf(inject('stack') === undefined)('what waits for something else', () => {
  let site: Site;

  beforeAll(async () => {
    site = await prepareSite({
      stack,
      name: NAME,
      files: { 'plain.yaml': configMap('plain', {}) },
      env: { POOLKEEPER_KUBERNETES_CREATE_NAMESPACES: 'true' },
    });
    await site.daemon.start();
    await told('plain.yaml', ({ state }) => state === 'in-step');
  });

  afterAll(async () => {
    for (const name of [MADE, `${MADE}-too`]) await kubeFetch(stack, { method: 'DELETE', path: `/api/v1/namespaces/${name}` });
    await site?.remove();
  });

  it('a higher wave waits for the health of the lower one, and goes on by itself when it comes', async () => {
    const later = configMap('later', { 'poolkeeper.dev/wave': '1' });
    await commit({ 'waves.yaml': `${later}---\n${deployment('db', false)}` });
    const waiting = await told('waves.yaml', ({ waiting: all }) => all.some(({ what }) => what.startsWith('wave 1 waits')));
    expect(waiting.waiting.map(({ what }) => what)).toContainEqual(
      expect.stringContaining(`wave 1 waits for Deployment ${NAME}/db of wave 0: `),
    );
    expect(waiting).toMatchObject({ state: 'waiting', legs: { kubernetes: 'waiting' } });
    expect(await exists(configMapPath('later'))).toBe(false);
    await commit({ 'waves.yaml': `${later}---\n${deployment('db', true)}` });
    await told('waves.yaml', ({ state }) => state === 'in-step');
    expect(await exists(configMapPath('later'))).toBe(true);
  });

  it('a spec waits for the one that it depends on, and for nothing once it is there', async () => {
    const on = { 'poolkeeper.dev/depends-on': 'base/queue.yaml' };
    await commit({ 'base/queue.yaml': deployment('queue', false), 'worker.yaml': configMap('worker', on) });
    const waiting = await told('worker.yaml', ({ waiting: all }) => all.length > 0);
    expect(waiting.waiting[0]?.what).toContain(`waits for base/queue.yaml: Deployment ${NAME}/queue: `);
    expect(await exists(configMapPath('worker'))).toBe(false);
    await commit({ 'base/queue.yaml': deployment('queue', true) });
    await told('worker.yaml', ({ state }) => state === 'in-step');
    await commit({ 'base/queue.yaml': deployment('queue', false) });
    await told('base/queue.yaml', ({ state }) => state === 'waiting');
    expect((await told('worker.yaml', () => true)).state).toBe('in-step');
  });

  it('a dependency on what does not exist, or on itself, is told', async () => {
    const on = (file: string): Readonly<Record<string, string>> => ({ 'poolkeeper.dev/depends-on': file });
    await commit({ 'lost.yaml': configMap('lost', on('base/quue.yaml')), 'self.yaml': configMap('self', on('self.yaml')) });
    const lost = await told('lost.yaml', ({ state }) => state === 'failed');
    expect(lost.problems[0]).toMatchObject({
      code: 'SPEC_DEPENDENCY_MISSING',
      remedy: 'Did you mean "base/queue.yaml"?',
      where: { line: 1 },
    });
    const self = await told('self.yaml', ({ state }) => state === 'failed');
    expect(self.problems[0]?.message).toBe('self.yaml depends on itself: self.yaml → self.yaml');
    expect(await exists(configMapPath('lost'))).toBe(false);
  });

  it('a namespace that nobody has made is created first, once, and belongs to nobody', async () => {
    await site.daemon.stop();
    await kubeApply(
      stack,
      `/api/v1/namespaces/${MADE}-too`,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${MADE}-too` } },
      'kubectl',
    );
    await site.git.commit(
      { 'a.yaml': configMap('a', {}, MADE), 'b.yaml': configMap('b', {}, MADE), 'c.yaml': configMap('c', {}, `${MADE}-too`) },
      'two in a new namespace, one in an old one',
    );
    const plan = await runCli(site.daemon, 'plan');
    expect(plan.stdout).toMatch(new RegExp(`Namespace ${MADE}\\b`));
    expect(plan.stdout).not.toContain(`Namespace ${MADE}-too`);
    site.kubernetes.forget();
    await site.daemon.start();
    for (const id of ['a.yaml', 'b.yaml', 'c.yaml']) await told(id, ({ state }) => state === 'in-step');
    const writes = site.kubernetes.requests.filter(({ method, path, query }) => {
      return method === 'PATCH' && /namespaces\/waves-made/.test(path) && query.get('dryRun') === null;
    });
    expect(writes.map(({ path }) => path)[0]).toBe(`/api/v1/namespaces/${MADE}`);
    expect(writes.filter(({ path }) => /namespaces\/[^/]+$/.test(path))).toHaveLength(1);
    const made = (await kubeRequest(stack, 'GET', `/api/v1/namespaces/${MADE}`)) as { readonly metadata: Record<string, unknown> };
    expect(made.metadata['annotations']).toBeUndefined();
    expect(made.metadata['labels']).toEqual({ 'app.kubernetes.io/managed-by': 'poolkeeper', 'kubernetes.io/metadata.name': MADE });
  });

  it('costs no request at rest', async () => {
    await site.daemon.resync();
    site.kubernetes.forget();
    await site.daemon.resync();
    await told('a.yaml', ({ state }) => state === 'in-step');
    expect(site.kubernetes.requests.filter(({ path, waits }) => !waits && path.startsWith('/api/v1/namespaces/waves'))).toEqual([]);
  });

  async function commit(files: Record<string, string>): Promise<void> {
    await site.git.commit(files, 'a change');
    await site.daemon.resync();
  }

  /** The report of a spec at the newest commit, when it is as wanted. */
  async function told(id: string, wanted: (spec: SpecReport) => boolean): Promise<SpecReport> {
    const revision = await site.git.repository.head();
    const find = (report: RunReport): SpecReport | undefined => report.specs.find((spec) => spec.id === id && wanted(spec));
    const isTold = (report: RunReport): boolean => report.revision === revision && report.leader.kubernetes && find(report) !== undefined;
    return find(await site.daemon.waitFor(id, isTold)) as SpecReport;
  }
});
