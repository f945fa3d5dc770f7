import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { fieldManager } from '../../src/core/model/marks.ts';
import { openRig, type Rig } from '../contract/cluster-rig.ts';
import { requireServer } from '../servers/catalog.ts';
import { grantsOf, holdLease, liveInCluster, type RbacRule, rulesIn } from '../support/cluster-rights.ts';
import { deployPath, readDeploy } from '../support/deploy-files.ts';
import { kubeFetch, kubeRequest } from '../support/kube-client.ts';
import { type Kubernetes, type KubernetesUser, startKubernetes } from '../support/kubernetes.ts';
import { createNode } from '../support/nodes.ts';

const run = promisify(execFile);
const folder = deployPath('kubernetes');

/** The API server knows a service account's token by this name; RBAC goes by the name alone. */
const account: KubernetesUser = { name: 'system:serviceaccount:poolkeeper:poolkeeper', token: 'token-of-the-account' };
const rules = rulesIn(readDeploy('kubernetes', 'access', 'clusterrole.yaml'));
const leaseRules = rulesIn(readDeploy('kubernetes', 'access', 'role.yaml'));
const grants = grantsOf(rules).map((grant, index) => ({ ...grant, index }));
const leaseGrants = grantsOf(leaseRules).map((grant, index) => ({ ...grant, index }));
/** One user for each verb: he has every right but that one. */
const userWithout = (kind: string, index: number): KubernetesUser => ({ name: `${kind}-${index}`, token: `token-${kind}-${index}` });
const users = [
  account,
  ...grants.map(({ index }) => userWithout('role', index)),
  ...leaseGrants.map(({ index }) => userWithout('lease', index)),
];

let cluster: Kubernetes;
let kubectlPath: string;
beforeAll(async () => {
  kubectlPath = await requireServer('kubectl');
  cluster = await startKubernetes({ users });
  await kubectl('apply', '--server-side', '--kustomize', join(folder, 'access'));
});
afterAll(() => cluster.stop());

async function kubectlAs(kubeconfig: string, ...args: readonly string[]): Promise<string> {
  // HOME: where kubectl keeps what it has learnt of a server.
  const env = { PATH: process.env['PATH'], HOME: dirname(cluster.kubeconfigPath) };
  return (await run(kubectlPath, ['--kubeconfig', kubeconfig, ...args], { env, timeout: 60_000 })).stdout;
}
const kubectl = (...args: readonly string[]): Promise<string> => kubectlAs(cluster.kubeconfigPath, ...args);

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

async function build(path = folder): Promise<{ readonly text: string; readonly objects: readonly Manifest[] }> {
  const text = await kubectl('kustomize', path);
  return { text, objects: loadAll(text) as readonly Manifest[] };
}

/** A copy of the manifests that a test changes, in a folder that goes with the cluster. */
async function withCopy<T>(work: (path: string) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(dirname(cluster.kubeconfigPath), 'copy-'));
  try {
    await cp(folder, join(path, 'base'), { recursive: true });
    return await work(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

async function dryRun(text: string): Promise<readonly string[]> {
  const path = join(dirname(cluster.kubeconfigPath), 'manifests.yaml');
  await writeFile(path, text);
  const output = await kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '--filename', path);
  return output.trim().split('\n');
}

describe('deploy/kubernetes', () => {
  it('builds, and the API server takes every object of it as it stands', async () => {
    const { text, objects } = await build();
    const lines = await dryRun(text);
    expect(lines).toHaveLength(objects.length);
    for (const line of lines) expect(line).toMatch(/serverside-applied \(server dry run\)$/);
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      'ClusterRole',
      'ClusterRoleBinding',
      'ConfigMap',
      'Deployment',
      'Namespace',
      'PodDisruptionBudget',
      'Role',
      'RoleBinding',
      'Service',
      'ServiceAccount',
    ]);
    await expect(dryRun(text.replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem'))).rejects.toThrow(/field not declared in schema/);
  });

  it.each(['networkpolicy.yaml', join('access', 'more-kinds.yaml')])('has %s ready to be named in its kustomization', async (name) => {
    await dryRun(readDeploy('kubernetes', name));
    const kustomization = readDeploy('kubernetes', dirname(name), 'kustomization.yaml');
    expect(kustomization).toContain(`  # - ${basename(name)}\n`);
    await withCopy(async (path) => {
      const file = join(path, 'base', dirname(name), 'kustomization.yaml');
      await writeFile(file, kustomization.replace(`# - ${basename(name)}`, `- ${basename(name)}`));
      expect((await build(join(path, 'base'))).objects.length).toBeGreaterThan((await build()).objects.length);
    });
  });

  it('lets the Pods reach every port that Kubernetes chooses NodePorts from, which the probe of nodes in doubt needs', () => {
    const [policy] = loadAll(readDeploy('kubernetes', 'networkpolicy.yaml')) as [NetworkPolicy];
    const ranges = policy.spec.egress.flatMap(({ ports }) => ports.map(({ port, endPort, protocol }) => [port, endPort, protocol]));
    expect(ranges).toContainEqual([30_000, 32_767, undefined]);
  });

  it('gives the Pods a configuration that is right, and every file that it names', async () => {
    const { objects } = await build();
    const config = objects.find(({ kind }) => kind === 'ConfigMap');
    expect(config?.metadata.name).toMatch(/^poolkeeper-[a-z0-9]{10}$/);
    const pod = podSpecOf(objects);
    expect(pod.volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name).toBe(config?.metadata.name);
    const read: string[] = [];
    const text = config?.data?.['poolkeeper.yaml'] ?? '';
    const loaded = loadConfig({
      file: '/etc/poolkeeper/poolkeeper.yaml',
      env: {},
      flags: {},
      readFile: (path) => {
        read.push(path);
        return path.endsWith('poolkeeper.yaml') ? text : 'secret';
      },
    });
    if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
    const [container] = pod.containers;
    const mounted = container?.volumeMounts.map(({ mountPath }) => mountPath) ?? [];
    for (const path of [...read, `${loaded.config.git.mirrorDir}/x`]) expect(mounted).toContain(dirname(path));
    expect(container?.args).toEqual(['run', '--config', '/etc/poolkeeper/poolkeeper.yaml']);
    expect(container?.ports).toEqual([{ name: 'http', containerPort: loaded.config.http.listen.port }]);
    expect(loaded.config.kubernetes.inCluster).toBe(true);
    expect(leaseRules[0]?.resourceNames).toEqual([fieldManager(loaded.config.owner)]);
  });

  it('runs: two replicas on two nodes, in a namespace that takes nothing less restricted', async () => {
    const secret = ['consul-token', 'git-password', 'http-token'].map((key) => `--from-literal=${key}=x`);
    await kubectl('--namespace=poolkeeper', 'create', 'secret', 'generic', 'poolkeeper', ...secret);
    for (const number of [1, 2]) await createNode(cluster, { name: `node-${number}`, address: `127.0.1.${number}` });
    await kubectl('apply', '--server-side', '--kustomize', folder);
    await kubectl('--namespace=poolkeeper', 'rollout', 'status', 'deployment/poolkeeper', '--timeout=60s');
    const pods = (await kubeRequest(cluster, 'GET', '/api/v1/namespaces/poolkeeper/pods')) as PodList;
    expect(pods.items.map(({ spec }) => spec.nodeName).sort()).toEqual(['node-1', 'node-2']);
    const { status, body } = await kubeFetch(cluster, {
      method: 'POST',
      path: '/api/v1/namespaces/poolkeeper/pods',
      body: { metadata: { name: 'root' }, spec: { containers: [{ name: 'main', image: 'main' }] } },
    });
    expect({ status, body }).toMatchObject({ status: 403, body: { message: expect.stringContaining('violates PodSecurity "restricted') } });
  });

  it('takes the overlay of deploy/README.md', async () => {
    const [, overlay = ''] = /```yaml\n(# overlay\/kustomization\.yaml\n[\s\S]*?)```/.exec(readDeploy('README.md')) ?? [];
    expect(overlay).toContain('kind: Kustomization');
    await withCopy(async (path) => {
      const config = readDeploy('kubernetes', 'poolkeeper.yaml').replace('cluster: prod', 'cluster: staging');
      await cp(join(path, 'base'), join(path, 'deploy', 'kubernetes'), { recursive: true });
      await mkdir(join(path, 'overlay'));
      await writeFile(join(path, 'overlay', 'kustomization.yaml'), overlay);
      await writeFile(join(path, 'overlay', 'poolkeeper.yaml'), config);
      const { text, objects } = await build(join(path, 'overlay'));
      await dryRun(text);
      expect(objects.filter(({ kind }) => kind === 'ConfigMap').map(({ data }) => data)).toEqual([{ 'poolkeeper.yaml': config }]);
      expect(podSpecOf(objects).containers[0]?.image).toBe('registry.example.com/poolkeeper:0.1.0');
    });
  });

  it('gives a control host the account and nothing of the administrator, as deploy/README.md tells', async () => {
    const [, script = ''] = /```sh\n(umask 077\n[\s\S]*?)```/.exec(readDeploy('README.md')) ?? [];
    await withCopy(async (path) => {
      await cp(join(path, 'base'), join(path, 'deploy', 'kubernetes'), { recursive: true });
      const PATH = `${dirname(kubectlPath)}:${process.env['PATH']}`;
      await run('sh', ['-ec', script], { cwd: path, env: { PATH, HOME: path, KUBECONFIG: cluster.kubeconfigPath } });
      const file = join(path, 'kubeconfig');
      expect(await kubectlAs(file, 'auth', 'whoami', '--output=jsonpath={.status.userInfo.username}')).toBe(account.name);
      expect(await kubectlAs(file, 'config', 'get-users')).toBe('NAME\npoolkeeper\n');
      expect(await readFile(file, 'utf8')).not.toContain(cluster.token);
    });
  });
});

describe('the rights of deploy/kubernetes/access', () => {
  const withRig = async <T>(user: KubernetesUser, work: (rig: Rig) => Promise<T>): Promise<T> => {
    const rig = await openRig({ url: cluster.apiServerUrl, token: cluster.token, stop: async () => undefined }, user.token);
    try {
      return await work(rig);
    } finally {
      await rig.close();
    }
  };

  it('are all that the daemon needs', async () => {
    expect(await withRig(account, liveInCluster)).toEqual([]);
  });

  it.each(grants)('without $verb on $resource the daemon says which right is missing', async ({ verb, resource, index }) => {
    const user = userWithout('role', index);
    await grant(
      'ClusterRole',
      user,
      grants.filter((other) => other.index !== index).map(({ rule }) => rule),
    );
    const problems = await withRig(user, liveInCluster);
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['KUBERNETES_FORBIDDEN']));
    const [plural] = resource.split('.');
    expect(problems.map(({ message }) => message)).toContainEqual(expect.stringMatching(new RegExp(`cannot ${verb} resource "${plural}"`)));
  });

  it('let it hold the Lease', async () => {
    expect(await withRig(account, (rig) => holdLease(rig, 'poolkeeper'))).toBe('held and released');
  });

  it.each(leaseGrants)('without $verb on $resource it does not get the Lease', async ({ verb, index }) => {
    const user = userWithout('lease', index);
    const namespace = `lease-${index}`;
    await kubectl('create', 'namespace', namespace);
    await grant(
      'Role',
      user,
      leaseGrants.filter((other) => other.index !== index).map(({ rule }) => rule),
      namespace,
    );
    expect(await withRig(user, (rig) => holdLease(rig, namespace))).toMatch(new RegExp(`cannot ${verb} resource "leases"`));
  });

  it('hold no wildcard, and nothing that would lead further', async () => {
    const kubeconfig = await cluster.kubeconfigFor(account);
    const rows = (await kubectlAs(kubeconfig, 'auth', 'can-i', '--list', '--namespace=poolkeeper')).trim().split('\n').slice(1);
    expect(rows.filter((row) => row.startsWith('deployments.apps'))).toHaveLength(1);
    expect(rows.filter((row) => /^\*|\[\*\]$/.test(row))).toEqual([]);
    const may = (...what: readonly string[]): Promise<string> =>
      kubectlAs(kubeconfig, 'auth', 'can-i', ...what).catch((error: { readonly stdout?: string }) => error.stdout ?? '');
    expect(await may('delete', 'deployments.apps', '--namespace=default')).toBe('yes\n');
    for (const what of [
      ['get', 'secrets'],
      ['create', 'pods'],
      ['delete', 'pods'],
      ['create', 'pods/exec'],
      ['update', 'nodes'],
      ['patch', 'nodes', '--subresource=status'],
      ['delete', 'nodes'],
      ['delete', 'namespaces'],
      ['get', 'namespaces/default'],
      ['update', 'leases.coordination.k8s.io/other', '--namespace=poolkeeper'],
      ['get', 'leases.coordination.k8s.io/poolkeeper-poolkeeper', '--namespace=kube-system'],
      ['create', 'clusterroles.rbac.authorization.k8s.io'],
      ['impersonate', 'users'],
    ]) {
      expect([what, await may(...what)]).toEqual([what, 'no\n']);
    }
  });

  it('hold no wildcard in the file for more kinds either, and no way to give out rights', () => {
    const more = grantsOf(rulesIn(readDeploy('kubernetes', 'access', 'more-kinds.yaml')));
    expect(more.length).toBeGreaterThan(20);
    for (const { verb, resource } of [...more, ...grants, ...leaseGrants]) {
      expect(`${verb} ${resource}`).not.toMatch(/\*|rbac|bind|escalate|impersonate|\//);
    }
  });
});

/** Gives a user these rules and no others. */
async function grant(kind: 'Role' | 'ClusterRole', user: KubernetesUser, granted: readonly RbacRule[], namespace?: string): Promise<void> {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const base = `/apis/rbac.authorization.k8s.io/v1${scope}`;
  const metadata = { name: user.name };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name: user.name };
  await kubeRequest(cluster, 'POST', `${base}/${kind.toLowerCase()}s`, { metadata, rules: granted });
  await kubeRequest(cluster, 'POST', `${base}/${kind.toLowerCase()}bindings`, {
    metadata,
    roleRef,
    subjects: [{ kind: 'User', name: user.name }],
  });
}

interface NetworkPolicy {
  readonly spec: {
    readonly egress: readonly {
      readonly ports: readonly { readonly port: number; readonly endPort?: number; readonly protocol?: string }[];
    }[];
  };
}

interface PodList {
  readonly items: readonly { readonly spec: { readonly nodeName: string } }[];
}

interface PodSpec {
  readonly containers: readonly {
    readonly image: string;
    readonly args: readonly string[];
    readonly ports: readonly unknown[];
    readonly volumeMounts: readonly { readonly mountPath: string }[];
  }[];
  readonly volumes: readonly { readonly configMap?: { readonly name: string } }[];
}

function podSpecOf(objects: readonly Manifest[]): PodSpec {
  const found = objects.find(({ kind }) => kind === 'Deployment');
  if (found === undefined) throw new Error('there is no Deployment');
  return (found.spec as { readonly template: { readonly spec: PodSpec } }).template.spec;
}
