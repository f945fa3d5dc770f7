import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeApply, kubeRequest } from '../support/kube-client.ts';
import { consulRequest, instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'strangers';
const stack = inject('stack') as StackConnection;
const services = `/api/v1/namespaces/${NAME}/services`;
const deployments = `/apis/apps/v1/namespaces/${NAME}/deployments`;

interface LiveObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string } & Record<string, unknown>;
  readonly spec: Record<string, unknown>;
}
const live = async (path: string): Promise<LiveObject> => (await kubeRequest(stack, 'GET', path)) as LiveObject;

/** What other people have put into Consul before the daemon came: a node of a name that it wants, a service, and two keys. */
const FOREIGN_NODE = `k8s-${NAME}-n3`;
const TAKEN = `taken-${NAME}`;
const foreignKeys = [`${NAME}/deployments/${NAME}/keyed-${NAME}`, `${NAME}/deployments/${NAME}/of-nobody`];

describe.skipIf(inject('stack') === undefined)('what is not ours', () => {
  let site: Site;
  let foreignBefore: unknown;

  beforeAll(async () => {
    site = await prepareSite({
      stack,
      name: NAME,
      files: { 'own.yaml': appManifest(`own-${NAME}`) },
      // The question that the foreign keys raise at the first start is answered.
      env: { POOLKEEPER_REGISTRATION: 'both', POOLKEEPER_TRAEFIK_LET_GO: '1s' },
    });
    const service = { ID: TAKEN, Service: TAKEN, Port: 8080, Tags: ['legacy'] };
    await consulRequest(stack, 'PUT', '/v1/catalog/register', { Node: FOREIGN_NODE, Address: '127.0.9.9' });
    await consulRequest(stack, 'PUT', '/v1/catalog/register', { Node: `legacy-${NAME}`, Address: '127.0.9.8', Service: service });
    for (const key of foreignKeys) await consulRequest(stack, 'PUT', `/v1/kv/${key}`, '{"kind":"Service"}');
    foreignBefore = await foreign();
    await site.daemon.start();
    await site.daemon.waitFor('the pool', (report) => report.pools.some(({ registered }) => registered === 2));
  });

  afterAll(async () => {
    for (const Node of [FOREIGN_NODE, `legacy-${NAME}`]) await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node });
    await site?.remove();
  });

  it('a Consul node of the wanted name is left alone, and the pool does without it', async () => {
    const report = await site.daemon.status();
    expect(problemsOf(report, 'own.yaml')).toEqual([['CONSUL_NODE_TAKEN', 'error']]);
    expect((await instancesOf(stack, `own-${NAME}`)).map(({ Node }) => Node)).toEqual([`k8s-${NAME}-n1`, `k8s-${NAME}-n2`]);
    expect(await foreign()).toEqual(foreignBefore);
  });

  it('a Consul service and a key of the wanted name are left alone, and told', async () => {
    await commit({ 'taken.yaml': appManifest(TAKEN), 'keyed.yaml': appManifest(`keyed-${NAME}`) });
    const report = await told({ 'taken.yaml': 'conflict', 'keyed.yaml': 'conflict' });
    expect(problemsOf(report, 'taken.yaml')).toEqual([['CONSUL_NAME_TAKEN', 'error']]);
    expect(problemsOf(report, 'keyed.yaml').map(([code]) => code)).toContain('CONSUL_KEY_TAKEN');
    expect(await foreign()).toEqual(foreignBefore);
    await commit({}, ['taken.yaml']);
    await gone('taken.yaml');
    expect(await foreign()).toEqual(foreignBefore);
  });

  it('existing objects of the same names are refused untouched, and taken over when the spec says so', async () => {
    const name = `shop-${NAME}`;
    const labels = { app: 'theirs' };
    await kubeApply(stack, `${services}/${name}`, serviceOf(name, labels), 'kubectl');
    await kubeApply(stack, `${deployments}/${name}`, deploymentOf(name, labels), 'kubectl');
    const before = [await live(`${services}/${name}`), (await live(`${deployments}/${name}`)).spec];

    await commit({ 'shop.yaml': appManifest(name) });
    const report = await told({ 'shop.yaml': 'conflict' });
    expect(problemsOf(report, 'shop.yaml')).toEqual([
      ['OBJECT_NOT_OURS', 'error'],
      ['OBJECT_NOT_OURS', 'error'],
    ]);
    expect([await live(`${services}/${name}`), (await live(`${deployments}/${name}`)).spec]).toEqual(before);
    expect(await instancesOf(stack, name)).toEqual([]);
    await commit({}, ['shop.yaml']);
    await gone('shop.yaml');
    expect([await live(`${services}/${name}`), (await live(`${deployments}/${name}`)).spec]).toEqual(before);

    const adopt = 'annotations: { poolkeeper.dev/adopt: "true" }';
    const adopting = appManifest(name, { annotations: { 'poolkeeper.dev/adopt': 'true' } })
      .replace(`metadata: { name: ${name} }`, `metadata:\n  name: ${name}\n  ${adopt}`)
      // Selectors are immutable: the stranger's must be kept.
      .replaceAll(`app: ${name}`, 'app: theirs');
    await commit({ 'shop.yaml': adopting });
    await site.daemon.waitFor('the pool', (one) => one.pools.some(({ service, registered }) => service === name && registered === 2));
    const after = await live(`${services}/${name}`);
    expect(after.metadata.uid).toBe((before[0] as LiveObject).metadata.uid);
    // Their field that the spec does not have is ours now, and so it goes.
    expect(after.spec['sessionAffinity']).toBe('None');
  });

  it('copies of our objects with all our marks are not deleted with the original, nor changed', async () => {
    const name = `copied-${NAME}`;
    await commit({ 'copied.yaml': appManifest(name) });
    await site.daemon.waitFor('the pool', (one) => one.pools.some(({ service, registered }) => service === name && registered === 2));
    const copies = [await copy(services, name), await copy(deployments, name)];
    await commit({}, ['copied.yaml']);
    await gone('copied.yaml');
    await expect(live(`${services}/${name}`)).rejects.toThrow('404');
    await expect(live(`${deployments}/${name}`)).rejects.toThrow('404');
    expect(await live(`${services}/${name}-copy`)).toEqual(copies[0]);
    expect((await live(`${deployments}/${name}-copy`)).spec).toEqual(copies[1]?.spec);
    // It is nobody's spec, so it makes no pool and no row of its own.
    expect((await site.daemon.status()).pools.map(({ service }) => service)).not.toContain(`${name}-copy`);
  });

  it('an object that somebody else made in the place of ours is not deleted', async () => {
    const name = `replaced-${NAME}`;
    await commit({ 'replaced.yaml': appManifest(name) });
    await site.daemon.waitFor('the pool', (one) => one.pools.some(({ service, registered }) => service === name && registered === 2));
    // In one commit's time: the spec goes, and before its drain is over somebody puts up a Service of that name.
    await commit({}, ['replaced.yaml']);
    await site.daemon.waitFor('the drain', (one) => one.specs.some(({ id, state }) => id === 'replaced.yaml' && state === 'leaving'));
    await kubeRequest(stack, 'DELETE', `${services}/${name}`);
    await kubeApply(stack, `${services}/${name}`, serviceOf(name, { app: 'theirs' }), 'kubectl');
    const theirs = await live(`${services}/${name}`);
    await gone('replaced.yaml');
    expect(await live(`${services}/${name}`)).toEqual(theirs);
    expect(await foreign()).toEqual(foreignBefore);
  });

  async function commit(files: Record<string, string>, remove: readonly string[] = []): Promise<void> {
    const allowed = remove.length === 0 ? '' : `\n\nPoolkeeper-Allow-Removal: ${remove.length * 3}`;
    await site.git.commit(files, `a change${allowed}`, { remove });
    await site.daemon.resync();
  }

  async function told(states: Readonly<Record<string, string>>): Promise<RunReport> {
    const revision = await site.git.repository.head();
    const has = (report: RunReport, [id, state]: readonly [string, string]): boolean =>
      report.specs.some((spec) => spec.id === id && spec.state === state);
    return await site.daemon.waitFor(
      JSON.stringify(states),
      (report) => report.revision === revision && Object.entries(states).every((wanted) => has(report, wanted)),
    );
  }

  async function gone(id: string): Promise<void> {
    const revision = await site.git.repository.head();
    await site.daemon.waitFor(`${id} gone`, (report) => report.revision === revision && report.specs.every((spec) => spec.id !== id));
  }
});

function problemsOf(report: RunReport, id: string): readonly (readonly [string, string])[] {
  return (report.specs.find((spec) => spec.id === id)?.problems ?? []).map(({ code, severity }) => [code, severity] as const);
}

const serviceOf = (name: string, labels: Readonly<Record<string, string>>): unknown => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels: { team: 'theirs' } },
  spec: { selector: labels, sessionAffinity: 'ClientIP', ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
});

const deploymentOf = (name: string, labels: Readonly<Record<string, string>>): unknown => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 1,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'registry.example.com/theirs:1' }] } },
  },
});

/** What `kubectl get -o yaml | sed s/name/…/ | kubectl create -f -` makes of an object. */
async function copy(path: string, name: string): Promise<LiveObject> {
  const { metadata, spec, ...rest } = await live(`${path}/${name}`);
  const { labels, annotations } = metadata as { labels?: unknown; annotations?: unknown };
  const { clusterIP: _, clusterIPs: __, ...plain } = spec;
  const ports = (plain['ports'] as readonly Record<string, unknown>[] | undefined)?.map(({ nodePort: _p, ...port }) => port);
  const copied = { ...plain, ...(ports === undefined ? {} : { ports }) };
  await kubeRequest(stack, 'POST', path, { ...rest, metadata: { name: `${name}-copy`, labels, annotations }, spec: copied });
  return await live(`${path}/${name}-copy`);
}

/** Everything that others hold in Consul, with the indexes that tell any write. */
async function foreign(): Promise<unknown> {
  const nodes = await Promise.all([FOREIGN_NODE, `legacy-${NAME}`].map((node) => consulRequest(stack, 'GET', `/v1/catalog/node/${node}`)));
  const keys = await Promise.all(foreignKeys.map((key) => consulRequest(stack, 'GET', `/v1/kv/${key}`)));
  return { nodes, keys };
}
