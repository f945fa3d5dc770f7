import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport, SpecReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeApply, kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'prune';
const stack = inject('stack') as StackConnection;
const configMaps = `/api/v1/namespaces/${NAME}/configmaps`;
const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const bindings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
const POLICY = `${NAME}-keeps-configmaps`;

interface Shown {
  readonly uid: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
const configMap = (name: string, annotations: Readonly<Record<string, string>> = {}): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations }, data: { name } })}\n`;
const file = (...documents: readonly string[]): string => documents.join('---\n');
const shown = async (name: string, path = configMaps): Promise<Shown> =>
  ((await kubeRequest(stack, 'GET', `${path}/${name}`)) as { readonly metadata: Shown }).metadata;
const exists = async (name: string, path = configMaps): Promise<boolean> =>
  (await kubeFetch(stack, { method: 'GET', path: `${path}/${name}` })).status === 200;

describe.skipIf(inject('stack') === undefined)('what leaves Git', () => {
  let site: Site;

  beforeAll(async () => {
    const app = appManifest(`kept-${NAME}`, { annotations: { 'poolkeeper.dev/prune': 'false' } });
    site = await prepareSite({
      stack,
      name: NAME,
      files: { 'app.yaml': app, 'rest.yaml': file(configMap('rest-1'), configMap('rest-2')) },
      env: { POOLKEEPER_TRAEFIK_LET_GO: '1s' },
    });
    await site.daemon.start();
    await site.daemon.waitFor('the pool', (report) => report.pools.some(({ registered }) => registered === 3));
  });

  afterEach(() => site.kubernetes.intercept(undefined));
  afterAll(async () => {
    for (const path of [`${policies}/${POLICY}`, `${bindings}/${POLICY}`]) {
      await kubeFetch(stack, { method: 'DELETE', path });
    }
    await kubeFetch(stack, { method: 'DELETE', path: `/api/v1/namespaces/${NAME}-own` });
    await site?.remove();
  });

  it('is deleted with uid and version, in reverse order of waves', async () => {
    await applied({ 'waves.yaml': file(configMap('w0'), configMap('w2', wave(2)), configMap('w1', wave(1))) });
    site.kubernetes.forget();
    await gone(['waves.yaml']);
    const deletes = site.kubernetes.requests.filter(({ method }) => method === 'DELETE');
    expect(deletes.map(({ path }) => path.split('/').at(-1))).toEqual(['w2', 'w1', 'w0']);
    const preconditions = { uid: expect.any(String), resourceVersion: expect.any(String) };
    for (const { body } of deletes) expect(JSON.parse(body)).toMatchObject({ preconditions });
  });

  it('shows the finalizers that hold it, and is done when they are gone', async () => {
    await applied({ 'held.yaml': configMap('held') });
    await finalizers('held', ['example.com/backup']);
    await commit({}, ['held.yaml']);
    const report = await told('held.yaml', ({ waiting }) => waiting.length > 0);
    expect(report.state).toBe('leaving');
    expect(report.waiting.map(({ what }) => what)).toEqual([
      `ConfigMap ${NAME}/held is still being deleted (finalizers: example.com/backup)`,
    ]);
    await finalizers('held', []);
    await site.daemon.waitFor('held.yaml gone', without('held.yaml'));
    expect(await exists('held')).toBe(false);
  });

  it('stays when an admission policy refuses the delete, says why, and is tried again, after a restart too', async () => {
    await applied({ 'guarded.yaml': configMap('guarded') });
    await denyDeletes('guarded');
    await commit({}, ['guarded.yaml']);
    const report = await told('guarded.yaml', ({ problems }) => problems.length > 0);
    expect(report.problems[0]?.message).toContain('nobody deletes this');
    await site.daemon.stop();
    await site.daemon.start();
    await told('guarded.yaml', ({ problems }) => problems.length > 0);
    expect(await exists('guarded')).toBe(true);
    await kubeRequest(stack, 'DELETE', `${policies}/${POLICY}`);
    await tellsOfDelete('guarded', 200);
    await retriedUntilGone('guarded.yaml');
    expect(await exists('guarded')).toBe(false);
  });

  it('stays when the right to delete is missing, says which, and is tried again', async () => {
    await applied({ 'forbidden.yaml': configMap('forbidden') });
    const message = `configmaps "forbidden" is forbidden: User "x" cannot delete resource "configmaps" in API group "" in the namespace "${NAME}"`;
    const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403, message });
    site.kubernetes.intercept(({ method }) => (method === 'DELETE' ? { kind: 'answer', status: 403, body } : undefined));
    await commit({}, ['forbidden.yaml']);
    const report = await told('forbidden.yaml', ({ problems }) => problems.length > 0);
    expect(report.problems.map(({ code }) => code)).toEqual(['KUBERNETES_FORBIDDEN']);
    site.kubernetes.intercept(undefined);
    await retriedUntilGone('forbidden.yaml');
    expect(await exists('forbidden')).toBe(false);
  });

  it('is the same object under another file name, also when that file has a typo first', async () => {
    await applied({ 'old.yaml': configMap('renamed') });
    const { uid } = await shown('renamed');
    site.kubernetes.forget();
    await commit({ 'new.yaml': `${configMap('renamed')}}` }, ['old.yaml']);
    const held = await told('old.yaml', ({ state }) => state === 'held');
    expect(held.holds.map(({ reason }) => reason.code)).toEqual(['BROKEN_SPEC_MAY_OWN']);
    await applied({ 'new.yaml': configMap('renamed') });
    expect(await shown('renamed')).toMatchObject({ uid, annotations: { 'poolkeeper.dev/spec': 'new.yaml' } });
    await commit({ 'newer.yaml': configMap('renamed') }, ['new.yaml']);
    await told('newer.yaml', ({ state }) => state === 'in-step');
    expect(await shown('renamed')).toMatchObject({ uid, annotations: { 'poolkeeper.dev/spec': 'newer.yaml' } });
    expect(site.kubernetes.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
    expect((await site.daemon.status()).specs.map(({ id }) => id)).not.toContain('new.yaml');
  });

  it('is the same object in another file that has it now; what no file has is deleted', async () => {
    await applied({ 'one.yaml': file(configMap('stays'), configMap('moves'), configMap('goes')), 'two.yaml': configMap('two') });
    const { uid } = await shown('moves');
    await applied({ 'one.yaml': configMap('stays'), 'two.yaml': file(configMap('two'), configMap('moves')) });
    await waitUntil('the dropped one to go', async () => ((await exists('goes')) ? undefined : true));
    expect(await shown('moves')).toMatchObject({ uid, annotations: { 'poolkeeper.dev/spec': 'two.yaml' } });
    expect([await exists('stays'), await exists('two')]).toEqual([true, true]);
  });

  it('is the same object in another file, also when that file has a typo first', async () => {
    await applied({ 'from.yaml': file(configMap('remains'), configMap('wanders')), 'into.yaml': configMap('into') });
    const { uid } = await shown('wanders');
    await commit({ 'from.yaml': configMap('remains'), 'into.yaml': `${file(configMap('into'), configMap('wanders'))}}` });
    const held = await told('from.yaml', ({ state }) => state === 'held');
    expect(held.holds.map(({ reason }) => reason.message)).toEqual([
      `ConfigMap ${NAME}/wanders stays: it may have moved into into.yaml, which is broken`,
    ]);
    await applied({ 'into.yaml': file(configMap('into'), configMap('wanders')) });
    await told('from.yaml', ({ state }) => state === 'in-step');
    expect(await shown('wanders')).toMatchObject({ uid, annotations: { 'poolkeeper.dev/spec': 'into.yaml' } });
  });

  it('a claim of a volume stays with its data until it says otherwise', async () => {
    const claim = (annotations: object): string =>
      `${JSON.stringify({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', annotations }, spec: { storageClassName: 'none', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })}\n`;
    const claims = `/api/v1/namespaces/${NAME}/persistentvolumeclaims`;
    await commit({ 'data.yaml': claim({}) });
    await waitUntil('the claim', async () => ((await exists('data', claims)) ? true : undefined));
    await commit({}, ['data.yaml']);
    const kept = await told('data.yaml', ({ problems, state }) => problems.length > 0 && state === 'in-step');
    expect(kept.problems.map(({ code }) => code)).toEqual(['PRUNE_DISABLED']);
    expect(await exists('data', claims)).toBe(true);
    await commit({ 'data.yaml': claim({ 'poolkeeper.dev/prune': 'true' }) });
    await told('data.yaml', ({ problems }) => problems.length === 0);
    await commit({}, ['data.yaml']);
    await waitUntil('the claim to go', async () => ((await exists('data', claims)) ? undefined : true));
  });

  it('stays when its annotation says so, with its pool, and is noted', async () => {
    const instances = await instancesOf(stack, `kept-${NAME}`);
    await commit({}, ['app.yaml']);
    const report = await told('app.yaml', ({ problems, state }) => problems.length > 0 && state === 'in-step');
    expect(report.problems.map(({ code, severity }) => [code, severity])).toEqual([['PRUNE_DISABLED', 'note']]);
    expect(report.holds).toEqual([]);
    expect(await exists(`kept-${NAME}`, `/api/v1/namespaces/${NAME}/services`)).toBe(true);
    expect(await exists(`kept-${NAME}`, `/apis/apps/v1/namespaces/${NAME}/deployments`)).toBe(false);
    expect(await instancesOf(stack, `kept-${NAME}`)).toEqual(instances);
  });

  it('leaves its namespace to the strangers in it', async () => {
    const own = `${NAME}-own`;
    const path = `/api/v1/namespaces/${own}/configmaps`;
    const inside = configMap('ours').replace('"name":"ours"', `"name":"ours","namespace":"${own}"`);
    await applied({ 'own.yaml': file(`apiVersion: v1\nkind: Namespace\nmetadata: { name: ${own} }\n`, inside) });
    await kubeApply(stack, `${path}/theirs`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs' } }, 'kubectl');
    await commit({}, ['own.yaml']);
    const report = await told('own.yaml', ({ state }) => state === 'in-step');
    expect(report.problems.map(({ message }) => message)).toEqual([
      `Namespace ${own} stays: namespaces are never deleted; no spec contains it any more`,
    ]);
    expect([await exists('ours', path), await exists('theirs', path), await exists(own, '/api/v1/namespaces')]).toEqual([
      false,
      true,
      true,
    ]);
  });

  async function commit(files: Record<string, string>, remove: readonly string[] = []): Promise<void> {
    await site.git.commit(files, 'a change\n\nPoolkeeper-Allow-Removal: 20', { remove });
    await site.daemon.resync();
  }

  async function applied(files: Record<string, string>): Promise<void> {
    await commit(files);
    for (const id of Object.keys(files)) await told(id, ({ state }) => state === 'in-step');
  }

  async function gone(ids: readonly string[]): Promise<void> {
    await commit({}, ids);
    for (const id of ids) await site.daemon.waitFor(`${id} gone`, without(id));
  }

  /** The report of a spec at the newest commit, when it is as wanted. */
  async function told(id: string, wanted: (spec: SpecReport) => boolean): Promise<SpecReport> {
    const revision = await site.git.repository.head();
    const find = (report: RunReport): SpecReport | undefined => report.specs.find((spec) => spec.id === id && wanted(spec));
    const isTold = (report: RunReport): boolean => report.revision === revision && report.leader.kubernetes && find(report) !== undefined;
    return find(await site.daemon.waitFor(id, isTold)) as SpecReport;
  }

  async function retriedUntilGone(id: string): Promise<void> {
    await site.daemon.resync();
    await site.daemon.waitFor(`${id} gone`, without(id));
  }

  const without =
    (id: string) =>
    (report: RunReport): boolean =>
      report.specs.length > 0 && report.specs.every((spec) => spec.id !== id);
});

const wave = (number: number): Readonly<Record<string, string>> => ({ 'poolkeeper.dev/wave': String(number) });

async function finalizers(name: string, list: readonly string[]): Promise<void> {
  await kubeRequest(stack, 'PATCH', `${configMaps}/${name}`, { metadata: { finalizers: list } }, patchTypes.merge);
}

/** A ValidatingAdmissionPolicy against the deletion of one ConfigMap; it is in force when this returns. */
async function denyDeletes(name: string): Promise<void> {
  const group = { apiVersion: 'admissionregistration.k8s.io/v1' };
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['configmaps'], resourceNames: [name] };
  const policy = {
    ...group,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: POLICY },
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'false', message: 'nobody deletes this' }] },
  };
  const binding = {
    ...group,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: POLICY },
    spec: { policyName: POLICY, validationActions: ['Deny'] },
  };
  await kubeRequest(stack, 'POST', policies, policy);
  await kubeRequest(stack, 'POST', bindings, binding);
  await tellsOfDelete(name, 422);
}

/** Waits until the API server would answer a delete so: it hears of a policy, and of its end, a moment later. */
async function tellsOfDelete(name: string, status: number): Promise<void> {
  const tried = { method: 'DELETE', path: `${configMaps}/${name}?dryRun=All` };
  await waitUntil(`a delete to be answered ${status}`, async () => ((await kubeFetch(stack, tried)).status === status ? true : undefined));
}
