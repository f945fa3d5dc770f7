import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { NAMESPACE_KIND } from '../../src/core/model/ids.ts';
import { MARKS } from '../../src/core/model/marks.ts';
import { keyOfObject } from '../../src/core/model/objects.ts';
import { isRollingOut, type RunReport } from '../../src/core/report/run-report.ts';
import { BUILT_IN_RESOURCES } from '../../src/core/rights/built-in-kinds.ts';
import { daemonRules } from '../../src/core/rights/daemon-rules.ts';
import type { RbacRule } from '../../src/core/rights/rbac-rule.ts';
import { syncOnce } from '../../src/once.ts';
import type { Problem } from '../../src/shared/problem.ts';
import { claimsOf, create, live, openRig, type Rig } from '../contract/cluster-rig.ts';
import { requireServer } from '../servers/catalog.ts';
import { deployPath } from '../support/deploy-files.ts';
import { GitRepository } from '../support/git-repository.ts';
import { kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import type { KubernetesUser } from '../support/kubernetes.ts';
import { createNode } from '../support/nodes.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { type Stack, startStack } from '../support/stack.ts';

const run = promisify(execFile);
const BUNDLE = join(import.meta.dirname, '..', '..', 'dist', 'poolkeeper.mjs');
const account: KubernetesUser = { name: 'system:serviceaccount:poolkeeper:poolkeeper', token: 'token-of-the-account' };

const namespaceVerbs = ['get', 'list', 'watch', 'create', 'patch'] as const;
/** He has every right that `rbac` gives where specs hold Namespaces, but that one. */
const userWithout = (verb: string): KubernetesUser => ({ name: `without-${verb}`, token: `token-without-${verb}` });

let stack: Stack;
let directory: TempDirectory;
beforeAll(async () => {
  directory = await makeTempDirectory('rbac');
  stack = await startStack({ kubernetes: { users: [account, ...namespaceVerbs.map(userWithout)] } });
});
afterAll(async () => {
  await stack.stop();
  await directory.remove();
});

const example = (name: string): string => readFileSync(deployPath('..', 'specs-example', name), 'utf8');

/** Prints rights by the built program, and grants them as the administrator. */
async function grant(...args: readonly string[]): Promise<void> {
  const { stdout } = await run(process.execPath, [BUNDLE, 'rbac', ...args], { env: { PATH: process.env['PATH'] } });
  const file = join(directory.path, 'rbac.yaml');
  await writeFile(file, stdout);
  await run(await requireServer('kubectl'), ['--kubeconfig', stack.kubeconfigPath, 'apply', '--server-side', '--filename', file], {
    env: { HOME: directory.path },
  });
}

async function configFor(repository: GitRepository): Promise<Config> {
  const env = {
    POOLKEEPER_CLUSTER: 'rbac',
    POOLKEEPER_GIT_URL: repository.path,
    POOLKEEPER_LEASE_NAMESPACE: 'poolkeeper',
    POOLKEEPER_KUBERNETES_KUBECONFIG: await stack.kubeconfigFor(account),
    POOLKEEPER_CONSUL_ADDRESS: stack.consulUrl,
    POOLKEEPER_POOL_GRACE: '0s',
    POOLKEEPER_TRAEFIK_LET_GO: '0s',
    POOLKEEPER_DRAIN_SECONDS: '0',
  };
  const loaded = loadConfig({ env, flags: {}, readFile: (path) => readFileSync(path, 'utf8') });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function expectInStep(report: RunReport, specs: readonly string[]): void {
  expect(report.leader).toMatchObject({ consul: true, kubernetes: true });
  expect(report.sources.filter(({ kind }) => kind !== 'complete')).toEqual([]);
  // How far the roll-outs are has nothing to do with rights.
  const states = report.specs.map((spec) => [
    spec.id,
    isRollingOut(spec) ? 'in-step' : spec.state,
    spec.problems.filter(({ severity }) => severity === 'error'),
  ]);
  expect(states).toEqual(specs.map((name) => [name, 'in-step', []]));
}

describe('the rights that `poolkeeper rbac` prints', () => {
  it('let the daemon apply, watch and delete what the examples hold', async () => {
    await kubeRequest(stack, 'POST', '/api/v1/namespaces', { metadata: { name: 'poolkeeper' } });
    await grant(deployPath('..', 'specs-example'));
    for (const number of [1, 2]) await createNode(stack, { name: `node-${number}`, address: `127.0.1.${number}` });
    const repository = await GitRepository.create(join(directory.path, 'specs.git'));
    const names = ['api.yaml', 'echoserver.json', 'shop.yaml', 'web.yaml'];
    await repository.commit(Object.fromEntries(names.map((name) => [name, example(name)])), 'all examples');
    const config = await configFor(repository);
    const io = { env: { PATH: process.env['PATH'] }, stdout: { write: () => true } };
    expectInStep(await syncOnce(config, io, AbortSignal.timeout(100_000)), names);

    // One spec goes whole, and of another one object.
    const documents = example('shop.yaml').split('---\n');
    const fewer = documents.filter((document) => !document.includes('kind: ConfigMap'));
    expect(fewer).toHaveLength(documents.length - 1);
    await repository.commit({ 'shop.yaml': fewer.join('---\n') }, 'less\n\nPoolkeeper-Allow-Removal: 3', { remove: ['web.yaml'] });
    expectInStep(
      await syncOnce(config, io, AbortSignal.timeout(100_000)),
      names.filter((name) => name !== 'web.yaml'),
    );
    for (const path of [
      '/api/v1/namespaces/shop/configmaps/shop',
      '/api/v1/namespaces/default/services/web',
      '/apis/apps/v1/namespaces/default/deployments/web',
    ]) {
      expect([path, (await kubeFetch(stack, { method: 'GET', path })).status]).toEqual([path, 404]);
    }
  });

  it.each(namespaceVerbs)('hold what namespaces need: without %s the daemon says which right is missing', async (verb) => {
    const user = userWithout(verb);
    const { cluster } = daemonRules({ owner: 'rbac', createNamespaces: true, drainApi: false, resources: [] });
    const rules = cluster.map((rule) =>
      rule.resources.includes('namespaces') ? { ...rule, verbs: rule.verbs.filter((granted) => granted !== verb) } : rule,
    );
    await bind(user, rules);
    const rig = await openRig({ url: stack.apiServerUrl, token: stack.token, stop: async () => undefined }, user.token);
    try {
      const problems = await keepNamespace(rig);
      expect(problems.map(({ code }) => code)).toContain('KUBERNETES_FORBIDDEN');
      expect(problems.map(({ message }) => message).join('\n')).toContain(`the API server forbids "${verb}" on namespaces `);
    } finally {
      await rig.close();
    }
  });

  it('name every kind of Kubernetes as the API server does', async () => {
    const served = new Map<string, string>();
    for (const version of await groupVersions()) {
      const path = version === 'v1' ? '/api/v1' : `/apis/${version}`;
      const { resources } = (await kubeRequest(stack, 'GET', path)) as ResourceList;
      const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
      for (const { name, kind, verbs } of resources) {
        if (!name.includes('/') && NEEDED.every((verb) => verbs.includes(verb))) served.set(`${group}/${kind}`, name);
      }
    }
    expect(Object.fromEntries([...BUILT_IN_RESOURCES].map(([kind, { plural }]) => [kind, plural]))).toEqual(Object.fromEntries(served));
  });
});

/** Gives a user these rules. */
async function bind(user: KubernetesUser, rules: readonly RbacRule[]): Promise<void> {
  const metadata = { name: user.name };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user.name };
  await kubeRequest(stack, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata, rules });
  const binding = { metadata, roleRef, subjects: [{ kind: 'User', name: user.name }] };
  await kubeRequest(stack, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', binding);
}

/** Creates a namespace by the adapter, and waits until a change of somebody else is seen, or it is known why not. */
async function keepNamespace(rig: Rig): Promise<readonly Problem[]> {
  const leg = await rig.open({ settleMs: 5_000 });
  const metadata = { name: `${rig.namespace}-own`, labels: { [MARKS.ownerLabel]: rig.owner }, annotations: { [MARKS.spec]: 'a.yaml' } };
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata };
  await leg.prepare(new Set(), claimsOf(object), rig.signal);
  const applied = await leg.apply(create(object), rig.signal);
  if (applied.kind === 'done') {
    const change = { metadata: { labels: { changed: 'yes' } } };
    await rig.call('PATCH', `/api/v1/namespaces/${metadata.name}`, change, patchTypes.merge);
  }
  const seen = (): boolean => live(leg, keyOfObject(object))?.labels['changed'] === 'yes';
  const reason = (): Problem | undefined => {
    const snapshot = leg.state().objects.get(NAMESPACE_KIND);
    return snapshot !== undefined && 'reason' in snapshot ? snapshot.reason : undefined;
  };
  if (applied.kind === 'done') await expect.poll(() => seen() || reason() !== undefined, { timeout: 10_000 }).toBe(true);
  return [...(applied.kind === 'failed' ? [applied.problem] : []), ...[reason() ?? []].flat()];
}

const NEEDED = ['list', 'watch', 'create', 'patch', 'delete'];

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly verbs: readonly string[] }[];
}

async function groupVersions(): Promise<readonly string[]> {
  const { groups } = (await kubeRequest(stack, 'GET', '/apis')) as {
    readonly groups: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
  };
  return ['v1', ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion))];
}
