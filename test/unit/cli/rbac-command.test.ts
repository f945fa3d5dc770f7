import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { grantsOf, rulesIn } from '../../support/cluster-rights.ts';
import { deployPath, readDeploy } from '../../support/deploy-files.ts';
import { GitRepository } from '../../support/git-repository.ts';

const WIDGET = 'apiVersion: acme.io/v1\nkind: Widget\nmetadata: { name: w }\n';
const SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n';
const ROLE = 'apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: { name: r }\nrules: []\n';

describe('rbac', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rbac-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const rbac = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    callCli(['rbac', ...argv], {
      env: { PATH: process.env['PATH'], HOME: directory, ...env },
      load: { rights: () => import('../../../src/cli/rights.ts') },
    });
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(directory, name), text);
    return join(directory, name);
  };

  it('prints the rights for the files below a folder, without any configuration', async () => {
    await write('secret.yaml', SECRET);
    await write('notes.md', '# no spec');
    await write('.hidden.yaml', WIDGET);
    const { code, stdout, stderr } = await rbac([directory, '--namespace', 'ops', '--service-account', 'pk', '--name', 'pk-1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('    resources: [secrets]\n    verbs: [get, list, watch, create, patch, delete]\n');
    expect(loadAll(stdout)).toMatchObject([
      { kind: 'ClusterRole', metadata: { name: 'pk-1' } },
      { kind: 'ClusterRoleBinding', roleRef: { name: 'pk-1' }, subjects: [{ kind: 'ServiceAccount', name: 'pk', namespace: 'ops' }] },
      { kind: 'Role', metadata: { name: 'pk-1-lease', namespace: 'ops' } },
      { kind: 'RoleBinding', metadata: { namespace: 'ops' }, roleRef: { kind: 'Role', name: 'pk-1-lease' } },
    ]);
    const { stdout: json } = await rbac([directory, '--output', 'json', '--lease-namespace', 'leases']);
    expect(JSON.parse(json)).toMatchObject({ kind: 'List', items: [{}, {}, { metadata: { namespace: 'leases' } }, {}] });
  });

  it('reads the head of the configured repository where no path is given', async () => {
    const repository = await GitRepository.create(join(directory, 'specs.git'));
    await repository.commit({ 'specs/secret.yaml': SECRET, 'other/widget.yaml': WIDGET }, 'one');
    const config = { POOLKEEPER_CLUSTER: 'c', POOLKEEPER_GIT_URL: repository.path, POOLKEEPER_GIT_ROOT: 'specs' };
    const { code, stdout } = await rbac([], { ...config, POOLKEEPER_KUBERNETES_CREATE_NAMESPACES: 'true' });
    expect(code).toBe(0);
    expect(stdout).toContain('resources: [secrets]');
    expect(stdout).toContain('resources: [namespaces]\n    verbs: [get, list, watch, create, patch]\n');
    expect(await rbac([], { ...config, POOLKEEPER_GIT_REF: 'gone' })).toMatchObject({
      code: 78,
      stdout: '',
      stderr: expect.stringContaining('GIT_REF_MISSING'),
    });
    expect(await rbac([])).toMatchObject({ code: 78, stdout: '', stderr: expect.stringContaining('git.url: must be set') });
  });

  it('prints for the examples what deploy/kubernetes/access grants, and namespaces, of which they hold one', async () => {
    const { stdout } = await rbac(
      ['api.yaml', 'echoserver.json', 'shop.yaml', 'web.yaml'].map((name) => deployPath('..', 'specs-example', name)),
    );
    const grants = (manifest: string): readonly string[] =>
      grantsOf(rulesIn(manifest)).map(({ verb, resource, rule }) => [verb, resource, ...(rule.resourceNames ?? [])].join(' '));
    const printed = new Set(grants(stdout));
    const committed = new Set(['clusterrole.yaml', 'role.yaml'].flatMap((name) => grants(readDeploy('kubernetes', 'access', name))));
    expect([...committed].filter((grant) => !printed.has(grant))).toEqual(['get namespaces kube-system']);
    expect([...printed].filter((grant) => !committed.has(grant))).toEqual(
      ['get', 'list', 'watch', 'create', 'patch'].map((verb) => `${verb} namespaces`),
    );
  });

  it('prints nothing when a spec is broken, a file is not there or a kind is not known', async () => {
    const widget = await write('widget.yaml', WIDGET);
    const config = { KUBECONFIG: join(directory, 'missing') };
    expect(await rbac([widget], config)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/KUBERNETES_UNKNOWN_KIND: .*acme\.io\/Widget.*kubeconfig.*CustomResourceDefinition/),
    });
    const broken = await write('broken.yaml', 'kind: [');
    expect(await rbac([broken])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('broken.yaml:1:') });
    expect(await rbac([join(directory, 'none')])).toMatchObject({ code: 1, stderr: expect.stringContaining('FILE_NOT_READ') });
  });

  it('says that rights which specs give out must be granted by hand', async () => {
    const { code, stdout, stderr } = await rbac([await write('role.yaml', ROLE)]);
    expect(code).toBe(0);
    expect(stdout).toContain('resources: [roles]');
    expect(stderr).toMatch(/^note KUBERNETES_FORBIDDEN/);
  });
});
