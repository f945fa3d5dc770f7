import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { syncOnce } from '../../src/once.ts';
import { requireServer } from '../servers/catalog.ts';
import { aclOf } from '../support/consul-acl.ts';
import { deployPath, readDeploy } from '../support/deploy-files.ts';
import { GitRepository } from '../support/git-repository.ts';
import type { KubernetesUser } from '../support/kubernetes.ts';
import { createNode } from '../support/nodes.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { type Stack, startStack } from '../support/stack.ts';

const account: KubernetesUser = { name: 'system:serviceaccount:poolkeeper:poolkeeper', token: 'token-of-the-account' };
const specs = ['echoserver.json', 'web.yaml'] as const;

let stack: Stack;
let directory: TempDirectory;
beforeAll(async () => {
  directory = await makeTempDirectory('deploy-daemon');
  stack = await startStack({ kubernetes: { users: [account] }, consul: { acl: true } });
});
afterAll(async () => {
  await stack.stop();
  await directory.remove();
});

it('the whole daemon brings specs into step with the configuration of deploy/compose and no rights but those of deploy', async () => {
  const kubectl = await requireServer('kubectl');
  const access = ['apply', '--server-side', '--kustomize', deployPath('kubernetes', 'access')];
  await promisify(execFile)(kubectl, ['--kubeconfig', stack.kubeconfigPath, ...access], { env: { HOME: directory.path } });
  for (const number of [1, 2]) await createNode(stack, { name: `node-${number}`, address: `127.0.1.${number}` });
  const repository = await GitRepository.create(join(directory.path, 'specs.git'));
  const files = specs.map((name) => [`specs/${name}`, readFileSync(deployPath('..', 'specs-example', name))] as const);
  await repository.commit(Object.fromEntries(files), 'two services');
  const token = join(directory.path, 'consul-token');
  await writeFile(token, await aclOf(stack).tokenFor(readDeploy('consul', 'policy.hcl')));
  const loaded = loadConfig({
    file: deployPath('compose', 'poolkeeper.yaml'),
    env: {
      POOLKEEPER_GIT_URL: repository.path,
      POOLKEEPER_GIT_MIRROR_DIR: join(directory.path, 'mirror'),
      POOLKEEPER_GIT_PASSWORD_FILE: token,
      POOLKEEPER_KUBERNETES_KUBECONFIG: await stack.kubeconfigFor(account),
      POOLKEEPER_CONSUL_ADDRESS: stack.consulUrl,
      POOLKEEPER_CONSUL_TOKEN_FILE: token,
    },
    flags: {},
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
  const io = { env: { PATH: process.env['PATH'] }, stdout: { write: () => true } };
  const report = await syncOnce(loaded.config, io, AbortSignal.timeout(100_000));
  expect(report.leader).toMatchObject({ consul: true, kubernetes: true });
  expect(report.sources.filter(({ kind }) => kind !== 'complete')).toEqual([]);
  const states = report.specs.map(({ id, state, problems }) => ({
    id,
    state,
    errors: problems.filter(({ severity }) => severity === 'error'),
  }));
  expect(states).toEqual(specs.map((name) => ({ id: `specs/${name}`, state: 'in-step', errors: [] })));
  expect(report.pools.map(({ registered }) => registered)).toEqual(specs.map(() => 2));
});
