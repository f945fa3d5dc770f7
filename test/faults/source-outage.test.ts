import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isRollingOut, type RunReport } from '../../src/core/report/run-report.ts';
import type { ProblemCode } from '../../src/shared/problem.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { createNode, setNodeReady } from '../support/nodes.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { consulRequest, instancesOf, prepareSite, type Site } from '../support/site.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'outage';
const PASSWORD = 'correct horse';
const APPS = ['a', 'b', 'c', 'd'] as const;
/** Long enough for several polls, retries and runs of the daemon, in which it could do the wrong thing. */
const WATCHED_MS = 3_000;

const fileOf = (app: string): string => `${app}.yaml`;
const nameOf = (app: string): string => `${app}-${NAME}`;

describe.skipIf(inject('stack') === undefined)('a source that is away', () => {
  let stack: Stack;
  let site: Site;
  let directory: TempDirectory;
  let first: string;

  beforeAll(async () => {
    stack = await startStack({ consul: { acl: true, persistent: true } });
    await Promise.all(SHARED_NODES.map((node) => createNode(stack, node)));
    directory = await makeTempDirectory('outage');
    const tokenFile = join(directory.path, 'token');
    await writeFile(tokenFile, await createToken(stack));
    site = await prepareSite({
      stack,
      name: NAME,
      files: Object.fromEntries(APPS.map((app) => [fileOf(app), appManifest(nameOf(app))])),
      git: { user: 'keeper', password: PASSWORD },
      env: {
        POOLKEEPER_CONSUL_TOKEN_FILE: tokenFile,
        POOLKEEPER_KUBERNETES_TIMEOUT: '2s',
        POOLKEEPER_CONSUL_TIMEOUT: '2s',
        POOLKEEPER_GIT_TIMEOUT: '2s',
        POOLKEEPER_TRAEFIK_LET_GO: '1s',
      },
    });
    first = (await site.git.repository.head()) ?? '';
    await site.daemon.start();
    await inStep(APPS.length);
  });

  afterAll(async () => {
    await site?.remove();
    await stack?.stop();
    await directory?.remove();
  });

  describe('Git', () => {
    const outages: readonly (readonly [string, ProblemCode, () => Promise<unknown>, () => Promise<unknown>])[] = [
      ['refuses connections', 'GIT_UNREACHABLE', () => site.git.setMode('down'), () => site.git.setMode('serving')],
      ['never answers', 'GIT_UNREACHABLE', () => site.git.setMode('hanging'), () => site.git.setMode('serving')],
      ['answers with errors', 'GIT_UNREACHABLE', () => site.git.setMode('failing'), () => site.git.setMode('serving')],
      [
        'refuses the credentials',
        'GIT_AUTH_FAILED',
        async () => site.git.setPassword('another one'),
        async () => site.git.setPassword(PASSWORD),
      ],
      [
        'has lost the branch',
        'GIT_REF_MISSING',
        () => site.git.repository.deleteBranch('main'),
        () => site.git.repository.forceBranch('main', first),
      ],
    ];

    it.each(outages)('%s: told, nothing lost, nodes followed, and over by itself', async (_, code, begin, end) => {
      const before = await running();
      await begin();
      const report = await told('git', 'stale', code);
      expect(report.specs.map(({ state }) => state)).toEqual(APPS.map(() => 'unknown'));
      await expectUntouched(before);
      // Node changes are followed although Git is away.
      await setNodeReady(stack, 'n3', false);
      await waitUntil('n3 out of every pool', async () => ((await backends()).every((nodes) => nodes === 'n1 n2') ? true : undefined));
      await setNodeReady(stack, 'n3', true);
      await waitUntil('n3 back in', async () => ((await backends()).every((nodes) => nodes === 'n1 n2 n3') ? true : undefined));
      await end();
      await inStep(APPS.length);
      expect((await running()).objects).toEqual(before.objects);
      expect(await textOfLogs()).not.toContain(PASSWORD);
    });
  });

  describe('Consul', () => {
    const noLeader = { kind: 'answer', status: 500, body: 'No cluster leader' } as const;
    const denied = { kind: 'answer', status: 403, body: 'Permission denied: token with AccessorID lacks permission' } as const;
    const outages: readonly (readonly [string, ProblemCode, () => Promise<unknown>, () => Promise<unknown>])[] = [
      ['has no leader', 'CONSUL_UNAVAILABLE', async () => falsify(noLeader), async () => site.consul.intercept(undefined)],
      ['is killed', 'CONSUL_UNAVAILABLE', () => stack.server('consul').kill(), () => stack.server('consul').restart()],
      ['hangs', 'CONSUL_UNAVAILABLE', () => stack.server('consul').pause(), () => stack.server('consul').resume()],
      ['refuses the token', 'CONSUL_FORBIDDEN', async () => falsify(denied), async () => site.consul.intercept(undefined)],
      ['hides what the token may not see', 'CONSUL_FILTERED', () => setPolicy(stack, KEYS_ONLY), () => setPolicy(stack, ALL)],
    ];

    it.each(outages)('%s: told, removals and closings wait, and it is over by itself', async (_, code, begin, end) => {
      const before = await running();
      try {
        await begin();
        // Who has been let in already is not asked again: the next look at the source tells.
        site.consul.cut();
        await told('consul', undefined, code);
        const revision = await removeAndChange();
        await site.daemon.waitFor('the new revision', (report) => report.revision === revision);
        await waitUntil('the Kubernetes leg goes on', async () => ((await replicasOf('b')) === 3 ? true : undefined));
        await sleep(WATCHED_MS);
        expect(await objects()).toEqual(before.objects);
      } finally {
        await end();
      }
      await inStep(APPS.length - 1);
      expect(await running()).toEqual({ objects: without('a', before.objects), instances: without('a', before.instances) });
      await restoreAll();
    });
  });

  describe('the API server', () => {
    const outages: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
      ['is killed', () => stack.server('kube-apiserver').kill(), () => stack.server('kube-apiserver').restart()],
      ['has lost etcd', () => stack.server('etcd').pause(), () => stack.server('etcd').resume()],
      ['hangs', () => stack.server('kube-apiserver').pause(), () => stack.server('kube-apiserver').resume()],
    ];

    it.each(outages)('%s: told, pools untouched, and it is over by itself', async (title, begin, end) => {
      const before = await running();
      try {
        await begin();
        // A connection that is silent for a while says nothing; broken ones do.
        if (title !== 'is killed') site.kubernetes.cut();
        await told('services', 'stale', 'KUBERNETES_UNAVAILABLE');
        const revision = await removeAndChange();
        const report = await site.daemon.waitFor('the new revision', (one) => one.revision === revision && one.holds.length > 0);
        expect(report.holds.map(({ reason }) => reason.code)).toContain('SNAPSHOT_NOT_COMPLETE');
        await sleep(WATCHED_MS);
        expect(await instances()).toEqual(before.instances);
      } finally {
        await end();
      }
      await inStep(APPS.length - 1);
      expect(await running()).toEqual({ objects: without('a', before.objects), instances: without('a', before.instances) });
      await restoreAll();
    });
  });

  /** Waits until the status tells a source's problem, and checks that log, metric and readiness tell it too. */
  async function told(source: string, kind: 'stale' | undefined, code: ProblemCode): Promise<RunReport> {
    const report = await site.daemon.waitFor(`${source}: ${code}`, (one) =>
      one.sources.some((found) => found.source === source && found.reason?.code === code && (kind === undefined || found.kind === kind)),
    );
    const reason = report.sources.find((found) => found.source === source)?.reason;
    expect(reason?.remedy).toMatch(/\w{3,}/);
    const lines = (await site.daemon.logs()).filter(
      (line) => line['event'] === 'problem' && line['source'] === source && line['code'] === code,
    );
    expect(lines.length).toBeGreaterThan(0);
    expect(await (await fetch(`${site.daemon.url}/readyz?verbose`)).text()).toContain(source);
    expect((await fetch(`${site.daemon.url}/livez`)).status).toBe(200);
    return report;
  }

  async function expectUntouched(before: Running): Promise<void> {
    await sleep(WATCHED_MS);
    expect(await running()).toEqual(before);
  }

  async function inStep(count: number): Promise<void> {
    await site.daemon.waitFor(
      'rest',
      ({ specs, sources, leader }) =>
        specs.length === count &&
        // The node controller marks the pods of nodes that it has lost; nobody mends them on fake nodes.
        specs.every((spec) => spec.state === 'in-step' || isRollingOut(spec)) &&
        sources.every(({ kind }) => kind === 'complete') &&
        leader.consul &&
        leader.kubernetes,
      60_000,
    );
  }

  function removeAndChange(): Promise<string> {
    const files = { [fileOf('b')]: appManifest(nameOf('b'), { replicas: 3 }) };
    return site.git.commit(files, 'no a, more of b', { remove: [fileOf('a')] });
  }

  async function replicasOf(app: string): Promise<number> {
    const path = `/apis/apps/v1/namespaces/${NAME}/deployments/${nameOf(app)}`;
    return ((await kubeRequest(stack, 'GET', path)) as { readonly spec: { readonly replicas: number } }).spec.replicas;
  }

  async function restoreAll(): Promise<void> {
    await site.git.commit(Object.fromEntries(APPS.map((app) => [fileOf(app), appManifest(nameOf(app))])), 'all of them again');
    await inStep(APPS.length);
  }

  function falsify(answer: { readonly kind: 'answer'; readonly status: number; readonly body: string }): void {
    site.consul.intercept(() => answer);
  }

  const without = (app: string, lines: readonly string[]): readonly string[] => lines.filter((line) => !line.includes(nameOf(app)));

  const textOfLogs = async (): Promise<string> => JSON.stringify(await site.daemon.logs());

  const running = async (): Promise<Running> => ({ objects: await objects(), instances: await instances() });

  async function objects(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const [kind, path] of [
      ['Service', '/api/v1'],
      ['Deployment', '/apis/apps/v1'],
    ] as const) {
      const list = (await kubeRequest(stack, 'GET', `${path}/namespaces/${NAME}/${kind.toLowerCase()}s`)) as List;
      found.push(...list.items.map(({ metadata }) => `${kind} ${metadata.name} ${metadata.uid}`));
    }
    return found;
  }

  async function instances(): Promise<readonly string[]> {
    const lists = await Promise.all(APPS.map((app) => instancesOf(stack, nameOf(app))));
    return lists.flat().map(({ Node, ServiceID, ServicePort, ModifyIndex }) => `${Node} ${ServiceID} ${ServicePort} ${ModifyIndex}`);
  }

  async function backends(): Promise<readonly string[]> {
    const lists = await Promise.all(
      APPS.map(async (app) => (await consulRequest(stack, 'GET', `/v1/health/service/${nameOf(app)}?passing`)) as Healthy),
    );
    return lists.map((list) =>
      list
        .map(({ Node }) => Node.Node.replace(`k8s-${NAME}-`, ''))
        .sort()
        .join(' '),
    );
  }
});

/** What runs, told so that any write to it shows. */
interface Running {
  readonly objects: readonly string[];
  readonly instances: readonly string[];
}

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly uid: string } }[];
}

type Healthy = readonly { readonly Node: { readonly Node: string } }[];

const ALL =
  'key_prefix "" { policy = "write" } node_prefix "" { policy = "write" } service_prefix "" { policy = "write" } session_prefix "" { policy = "write" } agent_prefix "" { policy = "read" }';
const KEYS_ONLY = 'key_prefix "" { policy = "write" } session_prefix "" { policy = "write" } agent_prefix "" { policy = "read" }';
const POLICY = 'keeper';

/** A token whose rights a test can change while it is in use. */
async function createToken(stack: Stack): Promise<string> {
  await consulRequest(stack, 'PUT', '/v1/acl/policy', { Name: POLICY, Rules: ALL });
  const token = await consulRequest(stack, 'PUT', '/v1/acl/token', { Policies: [{ Name: POLICY }] });
  return (token as { readonly SecretID: string }).SecretID;
}

async function setPolicy(stack: Stack, rules: string): Promise<void> {
  const policy = (await consulRequest(stack, 'GET', `/v1/acl/policy/name/${POLICY}`)) as { readonly ID: string };
  await consulRequest(stack, 'PUT', `/v1/acl/policy/${policy.ID}`, { ID: policy.ID, Name: POLICY, Rules: rules });
}
