import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { actionsOf, type RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { makeTempDirectory } from '../support/processes.ts';
import type { RecordedRequest } from '../support/recording-proxy.ts';
import { runCli } from '../support/run-cli.ts';
import { kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'plan-run';
const nameOf = (app: string): string => `${app}-${NAME}`;
const settings = (value: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { value: ${value} }\n`;

const CHANGED = {
  'a.yaml': appManifest(nameOf('a'), { replicas: 3, nodePort: 30_060 }),
  'b.yaml': appManifest(nameOf('b'), { tags: 'kubernetes,blue' }),
  'settings.yaml': settings('two'),
  'new.yaml': settings('new').replace('name: settings', 'name: more-settings'),
};
const NOWHERE = 'http://127.0.0.1:9';

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('what `plan` tells is what the daemon does', () => {
  let site: Site;

  beforeAll(async () => {
    const apps = Object.fromEntries(['a', 'b', 'c'].map((app) => [`${app}.yaml`, appManifest(nameOf(app))]));
    site = await prepareSite({
      stack,
      name: NAME,
      files: { ...apps, 'settings.yaml': settings('one') },
      env: { POOLKEEPER_TRAEFIK_LET_GO: '1s' },
    });
    await site.daemon.start();
    await atRest(4);
    await site.daemon.stop();
  });

  afterAll(async () => {
    await site?.remove();
  });

  it('shows what would change with its values: of a folder, and the same against a snapshot without any server', async () => {
    const folder = await makeTempDirectory('plan');
    for (const [file, text] of Object.entries(CHANGED)) await writeFile(join(folder.path, file), text);
    await writeFile(join(folder.path, 'c.yaml'), appManifest(nameOf('c')));
    const snapshot = join(folder.path, 'snapshot');
    try {
      forget();
      const live = await runCli(site.daemon, 'plan', '--dir', folder.path, '--record', snapshot);
      expect({ code: live.code, stderr: live.stderr }).toEqual({ code: 0, stderr: '' });
      expect((await stat(snapshot)).mode & 0o777).toBe(0o600);
      expect(allRequests().flatMap(writeKindsOf)).toEqual([]);
      for (const line of [
        `  ~ apply-object ConfigMap ${NAME}/settings: change\n      ~ data.value: one → two\n`,
        `  ~ apply-object Deployment ${NAME}/${nameOf('a')}: change\n      ~ spec.replicas: 2 → 3\n`,
        `  + apply-object ConfigMap ${NAME}/more-settings: create\n      + data.value: new\n`,
        '      + tag: blue\n',
        `      ~ key ${NAME}/deployments/${NAME}/${nameOf('b')}: metadata.annotations.tags: kubernetes → kubernetes,blue\n`,
      ])
        expect(live.stdout).toContain(line);
      expect(live.stdout).toMatch(/^ {6}~ spec\.ports\[http\]\.nodePort: \d+ → 30060$/m);
      const env = {
        ...site.daemon.env,
        KUBECONFIG: '/none',
        POOLKEEPER_KUBERNETES_KUBECONFIG: '/none',
        POOLKEEPER_CONSUL_ADDRESS: NOWHERE,
      };
      const recorded = await runCli({ env }, 'plan', '--snapshot', snapshot, '--dir', folder.path, '--exit-code');
      expect(recorded).toEqual({ code: 2, stderr: '', stdout: live.stdout });
    } finally {
      await folder.remove();
    }
  });

  it('for changes: the same objects and pools, and nothing else', async () => {
    await site.git.commit(CHANGED, 'changes of every kind');
    const planned = await plan();
    expect(planned).toEqual(
      [
        `ConfigMap ${NAME}/more-settings`,
        `ConfigMap ${NAME}/settings`,
        `Deployment ${NAME}/${nameOf('a')}`,
        `Service ${NAME}/${nameOf('a')}`,
        `Service ${NAME}/${nameOf('b')}`,
        `pool ${NAME}/${nameOf('b')}`,
      ].sort(),
    );
    // A pool follows its NodePort when that is open.
    expect(await written(5)).toEqual([...planned, `pool ${NAME}/${nameOf('a')}`].sort());
    expect(await plan()).toEqual([]);
  });

  it('for what comes and goes: what is planned, and then what had to wait for it', async () => {
    await site.git.commit({ 'd.yaml': appManifest(nameOf('d')) }, 'one comes, one goes', { remove: ['c.yaml'] });
    const planned = await plan();
    expect(planned).toEqual([`Deployment ${NAME}/${nameOf('d')}`, `Service ${NAME}/${nameOf('d')}`, `pool ${NAME}/${nameOf('c')}`].sort());
    // A pool is registered when Kubernetes has given it a NodePort, and objects are deleted when their pool has drained.
    const followUps = [`Deployment ${NAME}/${nameOf('c')}`, `Service ${NAME}/${nameOf('c')}`, `pool ${NAME}/${nameOf('d')}`];
    expect(await written(5)).toEqual([...planned, ...followUps].sort());
    expect(await plan()).toEqual([]);
  });

  /** What `plan` names, each once; it must write nothing, and its exit code must tell whether there is anything. */
  async function plan(): Promise<readonly string[]> {
    forget();
    const result = await runCli(site.daemon, 'plan', '--exit-code', '--output', 'json');
    expect(result.stderr).toBe('');
    const report = JSON.parse(result.stdout) as RunReport;
    const actions = actionsOf(report).map(({ action }) => action);
    expect(result.code).toBe(actions.length === 0 ? 0 : 2);
    expect(actions.every(({ result: outcome }) => outcome === 'planned')).toBe(true);
    expect(allRequests().flatMap(writeKindsOf)).toEqual([]);
    expect(report.revision).toBe(await site.git.repository.head());
    return [...new Set(actions.map(({ on }) => on))].sort();
  }

  /** Lets the daemon do it, and tells what the servers were made to change, each once. */
  async function written(specs: number): Promise<readonly string[]> {
    forget();
    await site.daemon.start();
    await atRest(specs);
    await site.daemon.stop();
    return [...new Set(allRequests().flatMap(thingsWritten))].sort();
  }

  async function atRest(count: number): Promise<void> {
    const revision = await site.git.repository.head();
    await site.daemon.waitFor(
      'rest',
      (report) =>
        report.revision === revision &&
        report.leader.consul &&
        report.leader.kubernetes &&
        report.specs.length === count &&
        report.specs.every(({ state }) => state === 'in-step'),
    );
    // A NodePort that has moved closes when it has drained; the spec is in step before.
    const draining = `${NAME}/.poolkeeper/${NAME}/draining/`;
    await waitUntil('nothing that drains', async () => ((await kvEntries(stack, draining)).length === 0 ? true : undefined));
  }

  function forget(): void {
    site.kubernetes.forget();
    site.consul.forget();
  }

  const allRequests = (): readonly RecordedRequest[] => [...site.kubernetes.requests, ...site.consul.requests];
});

const KINDS: Readonly<Record<string, string>> = { services: 'Service', deployments: 'Deployment', configmaps: 'ConfigMap' };

/** The objects and pools that a request changes, named as a plan names them; nothing for leases, sessions and our own memory. */
function thingsWritten(request: RecordedRequest): readonly string[] {
  const { method, path, body } = request;
  if (method === 'GET' || path.includes('/coordination.k8s.io/')) return [];
  if (path === '/v1/txn') return (JSON.parse(body) as readonly Operation[]).flatMap(thingsOfOperation);
  if (path.startsWith('/v1/session/') || path.includes('leader')) return [];
  const [, namespace, kind = '', name] = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  return [`${KINDS[kind] ?? path} ${namespace}/${name}`];
}

interface Operation {
  readonly KV?: { readonly Verb: string; readonly Key: string };
  readonly Node?: { readonly Node: { readonly Node: string } };
  readonly Service?: { readonly Service: { readonly ID: string; readonly Meta?: Readonly<Record<string, string>> } };
  readonly Check?: { readonly Check: { readonly CheckID: string } };
}

function thingsOfOperation({ KV, Node, Service }: Operation): readonly string[] {
  const key = KV === undefined || KV.Verb === 'check-session' ? undefined : /\/(?:deployments|draining)\/(.+)$/.exec(KV.Key)?.[1];
  // The id of an instance is the name of its Consul service and 16 hexadecimal digits.
  const pool = Service === undefined ? key : `${NAME}/${Service.Service.ID.slice(0, -17)}`;
  return [...(pool === undefined ? [] : [`pool ${pool}`]), ...(Node === undefined ? [] : [`Consul node ${Node.Node.Node}`])];
}
