import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import type { StackConnection } from '../support/stack.ts';
import { startValidatingWebhook } from '../support/validating-webhook.ts';

const stack = inject('stack') as StackConnection;
const CONFIG_MAPS = '/api/v1/namespaces/NS/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/NS/deployments';
const SERVICES = '/api/v1/namespaces/NS/services';
const QUOTAS = '/api/v1/namespaces/NS/resourcequotas';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const APP = [`${CONFIG_MAPS}/web`, `${DEPLOYMENTS}/web`, `${SERVICES}/web`];
const SOON = { timeout: 20_000, interval: 200 };

/** What a test changes of the application; everything else of it is fine. */
interface App {
  readonly value?: string;
  readonly label?: string;
  /** More of the container, and of the port of the Service. */
  readonly container?: string;
  readonly port?: string;
}

/** A ConfigMap, a Deployment and a Service, applied in this order. */
const app = ({ value = '1', label = 'web', container = '', port = '' }: App = {}): string => `
apiVersion: v1
kind: ConfigMap
metadata: { name: web }
data: { a: "${value}" }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 0
  selector: { matchLabels: { app: ${label} } }
  template:
    metadata: { labels: { app: ${label} } }
    spec: { containers: [{ name: main, image: registry.invalid/web:1, args: ["${value}"]${container} }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, annotations: { value: "${value}" } }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80${port} }]
`;
const other = (value: string): string => `{ apiVersion: v1, kind: ConfigMap, metadata: { name: other }, data: { a: "${value}" } }`;

describe.skipIf(inject('stack') === undefined)('a spec of which something is refused', () => {
  let site: ClusterSite;
  let cleanUp: (() => Promise<unknown>)[];

  beforeEach(async () => {
    cleanUp = [];
    site = await openClusterSite(stack, { dryRun: true });
  });
  afterEach(async () => {
    for (const undo of cleanUp) await undo();
    await site?.close();
  });

  const create = async (path: string, body: object): Promise<void> => {
    const { metadata } = (await site.call('POST', path, body)) as { metadata: { name: string } };
    cleanUp.push(() => site.call('DELETE', `${path}/${metadata.name}`));
  };
  /** What is stated in the objects of the application; undefined where there is none. Their status moves by itself. */
  const contents = (): Promise<readonly unknown[]> =>
    Promise.all(
      APP.map(async (path) => {
        const shown = await site.call('GET', path).catch(() => undefined);
        const { uid, annotations } = (shown?.['metadata'] ?? {}) as { uid?: string; annotations?: Readonly<Record<string, string>> };
        return shown && { uid, hash: annotations?.['poolkeeper.dev/hash'], spec: shown['spec'], data: shown['data'] };
      }),
    );
  /** Admission begins to refuse a moment after it is told to. */
  const refusesDeployments = (): Promise<void> =>
    expect
      .poll(async () => {
        const labels = { app: 'probe' };
        const spec = {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'a' }] } },
        };
        const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'probe' }, spec };
        const probe = site.call('PATCH', `${DEPLOYMENTS}/probe?fieldManager=probe&dryRun=All`, body, 'application/apply-patch+yaml');
        return probe.then(
          () => 'taken',
          () => 'refused',
        );
      }, SOON)
      .toBe('refused');

  /** The spec as it was before, when it was there, and another one beside it. */
  async function stands(): Promise<void> {
    site.commit({ 'web.yaml': app(), 'other.yaml': other('1') });
    await site.run();
  }

  /** Commits, runs, and shows that nothing of the spec was applied, while the other one was; gives the problems. */
  async function refusedRun(file: string, next: 'rests' | 'retries' = 'rests'): Promise<readonly string[]> {
    const before = await contents();
    site.commit({ 'web.yaml': file, 'other.yaml': other('2') });
    const run = await site.run();
    expect(await contents()).toEqual(before);
    expect(await site.get(`${CONFIG_MAPS}/other`)).toMatchObject({ data: { a: '2' } });
    expect(run.writes.filter((write) => !write.endsWith('(dry run)'))).toEqual([`PATCH ${CONFIG_MAPS}/other`]);
    expect(run.did.filter((what) => /ConfigMap NS\/web/.test(what))).toEqual([expect.stringMatching(/ConfigMap NS\/web: skipped$/)]);
    const problems = [...new Set(run.problems)];
    // What only a change mends is not tried again at once, and told as before.
    if (next === 'retries') return problems;
    const again = await site.run();
    expect(again.writes).toEqual([]);
    expect(again.problems).toEqual(problems);
    return problems;
  }

  /** The spec is taken once the reason is gone. */
  async function takes(file: string): Promise<void> {
    site.commit({ 'web.yaml': file, 'other.yaml': other('2') });
    const run = await site.run();
    expect(run.problems).toEqual([]);
    expect(await site.get(`${CONFIG_MAPS}/web`)).toMatchObject({ data: { a: '3' } });
    expect((await site.run()).writes).toEqual([]);
  }

  it('for a field that does not exist is left as it is, and the field is named', async () => {
    await stands();
    expect(await refusedRun(app({ value: '2', container: ', comand: [a]' }))).toEqual([
      'KUBERNETES_REFUSED Deployment NS/web: .spec.template.spec.containers[name="main"].comand: field not declared in schema',
    ]);
    await takes(app({ value: '3' }));
  });

  it('in several objects tells all of them at once', async () => {
    await stands();
    expect(await refusedRun(app({ value: '2', container: ', comand: [a]', port: ', protocol: HTTP' }))).toEqual([
      expect.stringMatching(/^KUBERNETES_REFUSED Deployment NS\/web: .*\.comand: field not declared in schema$/),
      expect.stringMatching(/^KUBERNETES_REFUSED Service NS\/web: spec.ports\[0\].protocol: Unsupported value: "HTTP"/),
    ]);
    await takes(app({ value: '3' }));
  });

  it('when it is new leaves nothing behind', async () => {
    site.commit({ 'other.yaml': other('1') });
    await site.run();
    expect(await refusedRun(app({ port: ', protocol: HTTP' }))).toEqual([
      expect.stringMatching(/^KUBERNETES_REFUSED Service NS\/web: spec.ports\[0\].protocol: Unsupported value: "HTTP"/),
    ]);
    expect(await contents()).toEqual([undefined, undefined, undefined]);
    await takes(app({ value: '3' }));
  });

  it('for an immutable field is left as it is', async () => {
    await stands();
    expect(await refusedRun(app({ value: '2', label: 'web-2' }))).toEqual([
      'KUBERNETES_IMMUTABLE Deployment NS/web: spec.selector cannot be changed on a live object',
    ]);
    await takes(app({ value: '3' }));
  });

  it('by a quota names it', async () => {
    site.commit({ 'other.yaml': other('1') });
    await site.run();
    await create(QUOTAS, { metadata: { name: 'none' }, spec: { hard: { 'count/deployments.apps': '0' } } });
    await refusesDeployments();
    expect(await refusedRun(app({ value: '3' }), 'retries')).toEqual([
      expect.stringMatching(/^KUBERNETES_REFUSED Deployment NS\/web: .* exceeded quota: none, requested: count\/deployments.apps=1/),
    ]);
    await site.call('DELETE', `${QUOTAS}/none`);
    cleanUp.pop();
    // Nothing of ours tells that there is room now: it is tried again after a while.
    await expect.poll(async () => (await site.run()).problems, SOON).toEqual([]);
    expect(await site.get(`${CONFIG_MAPS}/web`)).toMatchObject({ data: { a: '3' } });
  });

  it('by a ValidatingAdmissionPolicy names the policy and says what it says', async () => {
    await stands();
    const name = site.namespace;
    const resourceRules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] }];
    const matchConstraints = { resourceRules, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } };
    const validations = [
      { expression: 'has(object.metadata.labels) && "team" in object.metadata.labels', message: 'every Deployment needs a team' },
    ];
    await create(`${ADMISSION}/validatingadmissionpolicies`, { metadata: { name }, spec: { matchConstraints, validations } });
    await create(`${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    });
    await refusesDeployments();
    expect(await refusedRun(app({ value: '2' }))).toEqual([
      expect.stringMatching(/^KUBERNETES_REFUSED Deployment NS\/web: .*ValidatingAdmissionPolicy 'NS'.*every Deployment needs a team/),
    ]);
    await takes(
      app({ value: '3' }).replace(
        'kind: Deployment\nmetadata: { name: web }',
        'kind: Deployment\nmetadata: { name: web, labels: { team: a } }',
      ),
    );
  });

  it('by an admission webhook says what it says, and that it does not answer', async () => {
    await stands();
    const webhook = await startValidatingWebhook(stack, site.namespace);
    cleanUp.push(() => webhook.stop());
    webhook.refuse('the image is not signed');
    await refusesDeployments();
    expect(await refusedRun(app({ value: '2' }))).toEqual([
      'KUBERNETES_REFUSED Deployment NS/web: admission webhook "policy.example.com" denied the request: the image is not signed',
    ]);
    await webhook.crash();
    site.commit({ 'web.yaml': app({ value: '4' }), 'other.yaml': other('2') });
    const [problem] = (await site.run()).problems;
    expect(problem).toMatch(/^KUBERNETES_REFUSED Deployment NS\/web: failed calling webhook "policy.example.com": .*connection refused/);
    expect(await site.get(`${CONFIG_MAPS}/web`)).toMatchObject({ data: { a: '1' } });
  });

  it('by a connection that breaks is left as it is, and tried again soon', async () => {
    await stands();
    site.interrupt(({ path, query }) => path.endsWith('/services/web') && query.has('dryRun'));
    expect(await refusedRun(app({ value: '3' }), 'retries')).toEqual([
      expect.stringMatching(/^KUBERNETES_UNAVAILABLE the API server did not answer PATCH .*\/services\/web/),
    ]);
    site.interrupt(undefined);
    await expect.poll(async () => (await site.run()).problems, SOON).toEqual([]);
    expect(await site.get(`${CONFIG_MAPS}/web`)).toMatchObject({ data: { a: '3' } });
  });

  it('costs one dry run for each object but the first; a single change costs one request', async () => {
    await stands();
    const writes = async (file: string): Promise<readonly string[]> => {
      site.commit({ 'web.yaml': file, 'other.yaml': other('1') });
      return (await site.run()).writes;
    };
    expect(await writes(app({ port: ', targetPort: 8080' }))).toEqual([`PATCH ${SERVICES}/web`]);
    expect(await writes(app({ value: '2', port: ', targetPort: 8080' }))).toEqual([
      `PATCH ${DEPLOYMENTS}/web (dry run)`,
      `PATCH ${SERVICES}/web (dry run)`,
      `PATCH ${CONFIG_MAPS}/web`,
      `PATCH ${DEPLOYMENTS}/web`,
      `PATCH ${SERVICES}/web`,
    ]);
  });
});

const WIDGETS = '/apis/NS.example.com/v1/namespaces/NS/widgets';
const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.NS.example.com';
const widget = (size: number): string => `
apiVersion: NS.example.com/v1
kind: Widget
metadata: { name: web }
spec: { size: ${size} }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.NS.example.com }
spec:
  group: NS.example.com
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget, listKind: WidgetList }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: { spec: { type: object, properties: { size: { type: integer } } } }
`;

describe.skipIf(inject('stack') === undefined)('a spec that brings what its objects need', () => {
  let site: ClusterSite;

  beforeEach(async () => {
    site = await openClusterSite(stack, { dryRun: true });
  });
  afterEach(async () => {
    await site?.call('DELETE', DEFINITION).catch(() => undefined);
    await site?.close();
  });

  it('makes the definition first and the custom object once its kind is served, also when both are removed and made again', async () => {
    const sizeOf = (): Promise<unknown> =>
      site.run().then(() =>
        site.get<{ spec: { size: number } }>(`${WIDGETS}/web`).then(
          ({ spec }) => spec.size,
          () => undefined,
        ),
      );
    site.commit({ 'web.yaml': widget(1) });
    expect(await site.run()).toMatchObject({ did: ['create CustomResourceDefinition widgets.NS.example.com'], problems: [] });
    await expect.poll(sizeOf, SOON).toBe(1);
    expect((await site.run()).writes).toEqual([]);

    await site.call('DELETE', DEFINITION);
    await expect.poll(() => site.get(DEFINITION).catch(() => undefined), SOON).toBeUndefined();
    await expect.poll(sizeOf, SOON).toBe(1);

    site.commit({ 'web.yaml': widget(2) });
    expect(await site.run()).toMatchObject({ did: ['change Widget NS/web'], problems: [] });
    site.commit({ 'web.yaml': widget(2).replace('size: 2', 'size: 2, colour: red') });
    expect((await site.run()).problems).toContainEqual(expect.stringContaining('.spec.colour: field not declared in schema'));
  });

  it('makes the namespace first, and the objects in it in the same run', async () => {
    const inside = (kind: string, more: string): string =>
      `---\napiVersion: v1\nkind: ${kind}\nmetadata: { name: web, namespace: NS-inner }\n${more}\n`;
    const namespace = '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: NS-inner }\n';
    site.commit({ 'web.yaml': inside('ConfigMap', 'data: { a: "1" }') + namespace + inside('ServiceAccount', '') });
    const run = await site.run();
    expect(run.did).toEqual(['create Namespace NS-inner', 'create ServiceAccount NS-inner/web', 'create ConfigMap NS-inner/web']);
    expect(run.problems).toEqual([]);
    expect((await site.run()).writes).toEqual([]);
    await site.call('DELETE', '/api/v1/namespaces/NS-inner');
  });
});
