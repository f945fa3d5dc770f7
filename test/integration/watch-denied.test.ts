import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunReport, SourceReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { type RbacRule, rulesIn } from '../support/cluster-rights.ts';
import { type DaemonProcess, prepareDaemon } from '../support/daemon-process.ts';
import { readDeploy } from '../support/deploy-files.ts';
import { GitRepository } from '../support/git-repository.ts';
import { kubeRequest, patchTypes } from '../support/kube-client.ts';
import type { KubernetesUser } from '../support/kubernetes.ts';
import { createNode } from '../support/nodes.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { runCli } from '../support/run-cli.ts';
import { type Stack, startStack } from '../support/stack.ts';

const user: KubernetesUser = { name: 'poolkeeper-without-watch', token: 'token-without-watch' };
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const DEPLOYMENT = '/apis/apps/v1/namespaces/default/deployments/web';
const KIND = 'objects:apps/Deployment';
const rules = [
  ...rulesIn(readDeploy('kubernetes', 'access', 'clusterrole.yaml')),
  ...rulesIn(readDeploy('kubernetes', 'access', 'role.yaml')),
];

let stack: Stack;
let directory: TempDirectory;
let daemon: DaemonProcess;
beforeAll(async () => {
  directory = await makeTempDirectory('watch-denied');
  stack = await startStack({ kubernetes: { users: [user] } });
  await createNode(stack, { name: 'node-1', address: '127.0.1.1' });
  await grant(rules.map((rule) => (rule.resources.includes('deployments') ? withoutWatch(rule) : rule)));
  const metadata = { name: user.name };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user.name };
  await kubeRequest(stack, 'POST', `${RBAC}/clusterrolebindings`, { metadata, roleRef, subjects: [{ kind: 'User', name: user.name }] });
  const repository = await GitRepository.create(join(directory.path, 'specs.git'));
  await repository.commit({ 'web.yaml': appManifest('web') }, 'one service');
  const connection = { kubeconfigPath: await stack.kubeconfigFor(user), consulUrl: stack.consulUrl };
  daemon = await prepareDaemon({ stack: connection, cluster: 'denied', namespace: 'default', git: { url: repository.path } });
});
afterAll(async () => {
  await daemon.remove();
  await stack.stop();
  await directory.remove();
});

const withoutWatch = (rule: RbacRule): RbacRule => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'watch') });
const grant = (granted: readonly RbacRule[]): Promise<unknown> =>
  kubeRequest(stack, 'PATCH', `${RBAC}/clusterroles/${user.name}?fieldManager=test&force=true`, roleOf(granted), patchTypes.apply);
const roleOf = (granted: readonly RbacRule[]): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: user.name },
  rules: granted,
});
const deployments = ({ sources }: RunReport): SourceReport | undefined => sources.find(({ source }) => source === KIND);

it('a kind that may be listed and not watched is stale, tells the missing rule everywhere, and is kept in step by lists', async () => {
  await daemon.start();
  const missing = 'the API server forbids "watch" on deployments.apps in all namespaces';
  const report = await daemon.waitFor('a stale kind', (last) => deployments(last)?.kind === 'stale');
  expect(deployments(report)?.reason).toMatchObject({ code: 'KUBERNETES_FORBIDDEN', message: expect.stringContaining(missing) });
  expect(report.sources.filter(({ kind }) => kind !== 'complete').map(({ source }) => source)).toEqual([KIND]);

  const status = await runCli(daemon, 'status', '--url', daemon.url);
  expect(status.stdout).toMatch(/^objects:apps\/Deployment +stale /m);
  expect(status.stdout).toContain(missing);
  const ready = await fetch(`${daemon.url}/readyz?verbose`);
  expect(ready.status).toBe(200);
  expect(await ready.text()).toContain(`[-] ${KIND}: stale: ${missing}`);
  const metrics = await daemon.metrics();
  expect(metrics).toContain(`poolkeeper_snapshot_complete{source="${KIND}"} 0\n`);
  expect(metrics).toContain('poolkeeper_snapshot_complete{source="objects:/Service"} 1\n');
  expect(metrics).toContain(`poolkeeper_snapshot_age_seconds{source="${KIND}"}`);
  expect(await daemon.logs()).toContainEqual(expect.objectContaining({ event: 'problem', source: KIND, code: 'KUBERNETES_FORBIDDEN' }));

  // Nothing tells of this change but a list.
  await kubeRequest(stack, 'PATCH', DEPLOYMENT, { spec: { replicas: 5 } }, patchTypes.merge);
  const replicas = async (): Promise<unknown> =>
    ((await kubeRequest(stack, 'GET', DEPLOYMENT)) as { readonly spec: { readonly replicas: number } }).spec.replicas;
  await expect.poll(replicas, { timeout: 45_000, interval: 500 }).toBe(2);

  await grant(rules);
  await daemon.waitFor('the kind to be complete', (last) => deployments(last)?.kind === 'complete', 45_000);
  expect(await daemon.metrics()).toContain(`poolkeeper_snapshot_complete{source="${KIND}"} 1\n`);
});
