import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport, SpecReport } from '../../src/core/report/run-report.ts';
import { kubeFetch, kubeRequest } from '../support/kube-client.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'rollout';
/** A namespace with a quota of its own. */
const NARROW = `${NAME}-narrow`;
const NEVER_READY = { 'poolkeeper.test/never-ready': 'true' };
const MISSING = 'registry.invalid/web:missing';
const stack = inject('stack') as StackConnection;

interface AppOptions {
  readonly image?: string;
  /** Annotations of the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  /** How long a roll-out may make no progress, in seconds. */
  readonly deadline?: number;
  readonly namespace?: string;
}

/** A spec with a Deployment and its Service. */
function app(name: string, options: AppOptions = {}): string {
  const { image = 'registry.invalid/web:1', annotations = {}, replicas = 2, deadline = 600, namespace = NAME } = options;
  const labels = { app: name };
  const template = { metadata: { labels, annotations }, spec: { containers: [{ name: 'web', image }] } };
  const spec = { replicas, progressDeadlineSeconds: deadline, selector: { matchLabels: labels }, template };
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  const items = [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace }, spec },
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { type: 'NodePort', selector: labels, ports } },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

describe.skipIf(inject('stack') === undefined)('roll-outs', () => {
  let site: Site;

  beforeAll(async () => {
    await kubeRequest(stack, 'POST', '/api/v1/namespaces', { metadata: { name: NARROW } });
    const quota = { metadata: { name: 'one-pod' }, spec: { hard: { pods: '1' } } };
    await kubeRequest(stack, 'POST', `/api/v1/namespaces/${NARROW}/resourcequotas`, quota);
    site = await prepareSite({ stack, name: NAME, files: { 'settled.yaml': app('settled') } });
    await site.daemon.start();
    await until('the first service', 'settled.yaml', ({ state }) => state === 'in-step');
  });
  afterAll(async () => {
    await site?.remove();
    await kubeFetch(stack, { method: 'DELETE', path: `/api/v1/namespaces/${NARROW}` });
  });

  it('one that gets stuck is waited for in the words of its pods, holds up nobody, and ends with the commit that mends it', async () => {
    await commit({ 'stuck.yaml': app('stuck', { annotations: NEVER_READY }) });
    const words =
      /^Deployment rollout\/stuck: 0 of 2 replicas \w+ available; pod stuck-\S+: ContainersNotReady: containers with unready status: \[web\]$/;
    const stuck = await until('the stuck roll-out', 'stuck.yaml', ({ waiting }) => waiting.some(({ what }) => words.test(what)));
    expect([stuck.state, stuck.legs.kubernetes, stuck.problems]).toEqual(['waiting', 'waiting', []]);
    expect(stuck.waiting).toContainEqual(expect.objectContaining({ on: 'apps/Deployment/rollout/stuck', rollout: true }));
    await commit({ 'other.yaml': app('other') });
    await until('another service meanwhile', 'other.yaml', ({ state }) => state === 'in-step');
    expect(await instancesOf(stack, 'other')).toHaveLength(SHARED_NODES.length);
    expect(await instancesOf(stack, 'stuck')).toEqual([]);
    await commit({ 'stuck.yaml': app('stuck') });
    await until('the end of the wait', 'stuck.yaml', ({ state }) => state === 'in-step');
    expect(await instancesOf(stack, 'stuck')).toHaveLength(SHARED_NODES.length);
  });

  it('one that fails says why, leaves the old pods in traffic, and is replaced by the next commit', async () => {
    await commit({ 'settled.yaml': app('settled', { image: MISSING, deadline: 2 }) });
    const failed = await until('the failed roll-out', 'settled.yaml', ({ state }) => state === 'failed');
    expect(failed.problems).toEqual([
      expect.objectContaining({
        code: 'ROLLOUT_FAILED',
        message: expect.stringMatching(
          /^Deployment rollout\/settled: no progress within the progress deadline; 1 of 2 replicas \w+ updated; pod settled-\S+: ImagePullBackOff: container web: Back-off pulling image "registry\.invalid\/web:missing"$/,
        ),
        where: expect.objectContaining({ file: 'settled.yaml', line: 1 }),
      }),
    ]);
    expect(await instancesOf(stack, 'settled')).toHaveLength(SHARED_NODES.length);
    await commit({ 'settled.yaml': app('settled', { image: 'registry.invalid/web:2' }) });
    await until('the mended service', 'settled.yaml', ({ state }) => state === 'in-step');
  });

  it('one whose pods a quota refuses says so, and ends with the commit that fits', async () => {
    await commit({ 'narrow.yaml': app('narrow', { namespace: NARROW }) });
    const refused = await until('the refusal', 'narrow.yaml', ({ state }) => state === 'failed');
    const [problem] = refused.problems;
    expect(problem).toMatchObject({ code: 'ROLLOUT_FAILED', next: 'fix-spec' });
    expect(problem?.message).toMatch(/^Deployment rollout-narrow\/narrow: .*; pods "narrow-\S+" is forbidden: exceeded quota: one-pod/);
    // What does run is in traffic.
    await until('the pool', 'narrow.yaml', (_, report) =>
      report.pools.some(({ pool, registered }) => pool === `${NARROW}/narrow` && registered > 0),
    );
    await commit({ 'narrow.yaml': app('narrow', { namespace: NARROW, replicas: 1 }) });
    await until('the smaller service', 'narrow.yaml', ({ state }) => state === 'in-step');
  });

  async function commit(files: Readonly<Record<string, string>>): Promise<void> {
    await site.git.commit(files, 'a change');
    await site.daemon.resync();
  }

  /** The report of a spec at the present head, once it fits. */
  async function until(what: string, id: string, fits: (spec: SpecReport, report: RunReport) => boolean): Promise<SpecReport> {
    const revision = await site.git.repository.head();
    const find = (report: RunReport): SpecReport | undefined => report.specs.find((spec) => spec.id === id && fits(spec, report));
    const report = await site.daemon.waitFor(what, (seen) => seen.revision === revision && find(seen) !== undefined, 60_000);
    const spec = find(report);
    if (spec === undefined) throw new Error(`${what}: ${id} is not in the report`);
    return spec;
  }
});
