import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { RunReport, SpecReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeFetch, kubeRequest } from '../support/kube-client.ts';
import type { Intercept, RecordedRequest } from '../support/recording-proxy.ts';
import { endLeases, instancesOf, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'recreate';
const APP = `web-${NAME}`;
const DRAIN_MS = 4_000;
const RECREATE = 'poolkeeper.dev/recreate: "true"';

interface WebOptions {
  readonly color: string;
  readonly deployment?: string;
  readonly service?: string;
  readonly clusterIP?: string;
}

/** The application, its selectors of one colour, with annotations of its Deployment and of its Service. */
const web = ({ color, deployment = '', service = '', clusterIP }: WebOptions): string => `apiVersion: v1
kind: Service
metadata:
  name: ${APP}
  annotations: { traefik.enable: "true", traefik.frontend.rule: "Host:${APP}.example.com", ${service} }
spec:
  type: NodePort
  ${clusterIP === undefined ? '' : `clusterIP: ${clusterIP}`}
  selector: { app: ${APP}, color: ${color} }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${APP}, annotations: { ${deployment} } }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${APP}, color: ${color} } }
  template:
    metadata: { labels: { app: ${APP}, color: ${color} } }
    spec: { containers: [{ name: web, image: registry.example.com/web:1 }] }
`;

const others = (value: string): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: fixed, annotations: { ${RECREATE} } }
immutable: true
data: { value: "${value}" }
---
apiVersion: batch/v1
kind: Job
metadata: { name: once, annotations: { ${RECREATE} } }
spec:
  suspend: true
  template: { spec: { restartPolicy: Never, containers: [{ name: once, image: "registry.example.com/once:${value}" }] } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: data, annotations: { ${RECREATE} } }
spec:
  replicas: 0
  serviceName: data
  selector: { matchLabels: { app: data } }
  template:
    metadata: { labels: { app: data } }
    spec: { containers: [{ name: data, image: registry.example.com/data:1 }] }
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: ${value}Gi } } }
`;

const stack = inject('stack') as StackConnection;

interface Live {
  readonly metadata: { readonly uid: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: { readonly readyReplicas?: number };
}

const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAME}/deployments/${APP}`;
const SERVICE = `/api/v1/namespaces/${NAME}/services/${APP}`;

const liveAt = async (path: string): Promise<Live | undefined> => {
  const { status, body } = await kubeFetch(stack, { method: 'GET', path });
  return status === 200 ? (body as Live) : undefined;
};
const nodePortOf = (live: Live | undefined): unknown => (live?.spec['ports'] as readonly { nodePort: number }[] | undefined)?.[0]?.nodePort;
const specOf = (report: RunReport): SpecReport | undefined => report.specs.find(({ id }) => id === 'web.yaml');

/** What stood in both stores at a write of the daemon. */
interface Moment {
  readonly kind: string;
  readonly registered: number;
  readonly drainedMs: number;
  readonly ready: number;
}

describe.skipIf(inject('stack') === undefined)('deleted and created again', () => {
  let site: Site;
  const moments: Moment[] = [];

  beforeAll(async () => {
    const steady = ['a', 'b'].map((name) => [`${name}.yaml`, appManifest(`${name}-${NAME}`, {})] as const);
    site = await prepareSite({
      stack,
      name: NAME,
      files: { ...Object.fromEntries(steady), 'web.yaml': web({ color: 'red' }), 'others.yaml': others('1') },
      env: { POOLKEEPER_TRAEFIK_LET_GO: '4s', POOLKEEPER_DRAIN_SECONDS: '0', POOLKEEPER_GUARD_MAX_REMOVED_OBJECTS: '4' },
    });
    for (const proxy of [site.kubernetes, site.consul]) proxy.intercept(watch);
    await site.daemon.start();
    await atRest();
  });

  afterAll(async () => {
    for (const proxy of [site?.kubernetes, site?.consul]) proxy?.intercept(undefined);
    await site?.remove();
    for (const path of [`apis/apps/v1/namespaces/${NAME}/statefulsets`, `apis/batch/v1/namespaces/${NAME}/jobs`])
      await kubeFetch(stack, { method: 'DELETE', path: `/${path}` });
  });

  beforeEach(() => {
    moments.length = 0;
    for (const proxy of [site.kubernetes, site.consul]) proxy.forget();
  });

  /** Looks past the daemon at what stands just before each write that matters. */
  function watch(request: RecordedRequest): Intercept | undefined {
    const isDelete = request.method === 'DELETE' && (request.path === DEPLOYMENT || request.path === SERVICE);
    const kinds = request.path === '/v1/txn' ? writeKindsOf(request) : [];
    const kind = isDelete ? 'delete' : kinds.find((one) => one === 'pool register' || one === 'pool deregister');
    if (kind === undefined || !(isDelete || request.body.includes(APP))) return undefined;
    return { kind: 'delay', work: async () => moments.push(await momentOf(kind)) };
  }

  async function momentOf(kind: string): Promise<Moment> {
    const [draining] = await kvEntries(stack, `${NAME}/.poolkeeper/${NAME}/draining/${NAME}/${APP}`);
    const { ports = {} } = JSON.parse(draining?.value ?? '{}') as { readonly ports?: Readonly<Record<string, number>> };
    const since = Math.max(0, ...Object.values(ports));
    const { status } = (await liveAt(DEPLOYMENT)) ?? {};
    return {
      kind,
      registered: (await instancesOf(stack, APP)).length,
      drainedMs: since === 0 ? 0 : Date.now() - since,
      ready: status?.readyReplicas ?? 0,
    };
  }

  const atRest = async (): Promise<void> => {
    const revision = await site.git.repository.head();
    const rests = ({ id, state }: SpecReport): boolean => state === 'in-step' || id === 'others.yaml';
    await site.daemon.waitFor('rest', (report) => report.revision === revision && report.specs.every(rests));
  };

  /** Commits a change and waits until the daemon has done it and rests. */
  async function commit(files: Readonly<Record<string, string>>, done: () => Promise<boolean>): Promise<void> {
    await site.git.commit(files, 'a change');
    await site.daemon.resync();
    await waitUntil('the change', async () => ((await done()) ? true : undefined), { timeoutMs: 40_000 });
    await atRest();
  }

  const deletes = (): readonly string[] => site.kubernetes.requests.flatMap(({ method, path }) => (method === 'DELETE' ? [path] : []));

  it('is refused without the annotation: the field is named, the pool stays', async () => {
    await site.git.commit({ 'web.yaml': web({ color: 'blue' }) }, 'another selector');
    await site.daemon.resync();
    const report = await site.daemon.waitFor('the refusal', (one) => specOf(one)?.state === 'failed');
    expect(specOf(report)?.problems).toMatchObject([{ code: 'KUBERNETES_IMMUTABLE', fields: ['spec.selector'], severity: 'error' }]);
    expect(specOf(report)?.problems[0]?.remedy).toContain('poolkeeper.dev/recreate');
    expect(await instancesOf(stack, APP)).toHaveLength(3);
    expect(deletes()).toEqual([]);
  });

  it('drains the pool of a Deployment whose selector changes, and takes it back when its new pods are ready', async () => {
    const before = await liveAt(DEPLOYMENT);
    const nodePort = nodePortOf(await liveAt(SERVICE));
    await commit({ 'web.yaml': web({ color: 'blue', deployment: RECREATE }) }, async () => {
      const after = await liveAt(DEPLOYMENT);
      return after !== undefined && after.metadata.uid !== before?.metadata.uid && (await instancesOf(stack, APP)).length === 3;
    });
    expect(moments.map(({ kind }) => kind)).toEqual(['pool deregister', 'delete', 'pool register']);
    const [leaving, deleted, back] = moments;
    expect(leaving).toMatchObject({ registered: 3, ready: 2 });
    expect(deleted).toMatchObject({ registered: 0, ready: 2 });
    expect(deleted?.drainedMs).toBeGreaterThanOrEqual(DRAIN_MS);
    expect(back?.ready).toBeGreaterThan(0);
    expect((await liveAt(DEPLOYMENT))?.spec['selector']).toEqual({ matchLabels: { app: APP, color: 'blue' } });
    expect((await liveAt(SERVICE))?.spec['selector']).toEqual({ app: APP, color: 'blue' });
    expect(nodePortOf(await liveAt(SERVICE))).toBe(nodePort);
    expect(deletes()).toEqual([DEPLOYMENT]);
  });

  it('keeps the NodePort of a Service whose cluster IP changes', async () => {
    const before = await liveAt(SERVICE);
    // The lower band of the range, which the API server gives to nobody who does not ask for it.
    const clusterIP = '10.96.0.77';
    const manifest = web({ color: 'blue', deployment: RECREATE, service: RECREATE, clusterIP });
    await commit({ 'web.yaml': manifest }, async () => {
      const after = await liveAt(SERVICE);
      return after !== undefined && after.metadata.uid !== before?.metadata.uid && (await instancesOf(stack, APP)).length === 3;
    });
    const after = await liveAt(SERVICE);
    expect(after?.spec['clusterIP']).toBe(clusterIP);
    expect(nodePortOf(after)).toBe(nodePortOf(before));
    expect(moments.map(({ kind, registered }) => [kind, registered])).toEqual([
      ['pool deregister', 3],
      ['delete', 0],
      ['pool register', 0],
    ]);
    expect(moments[1]?.drainedMs).toBeGreaterThanOrEqual(DRAIN_MS);
    expect(deletes()).toEqual([SERVICE]);
  });

  it('makes a Job, a StatefulSet and a ConfigMap new, and touches no pool for it', async () => {
    const paths = [
      `/api/v1/namespaces/${NAME}/configmaps/fixed`,
      `/apis/batch/v1/namespaces/${NAME}/jobs/once`,
      `/apis/apps/v1/namespaces/${NAME}/statefulsets/data`,
    ];
    const uids = async (): Promise<readonly (string | undefined)[]> =>
      Promise.all(paths.map(async (path) => (await liveAt(path))?.metadata.uid));
    const before = await uids();
    expect(before).not.toContain(undefined);
    await commit({ 'others.yaml': others('2') }, async () => {
      const after = await uids();
      return after.every((uid, i) => uid !== undefined && uid !== before[i]);
    });
    const config = (await kubeRequest(stack, 'GET', paths[0] ?? '')) as { readonly data: unknown };
    expect(config.data).toEqual({ value: '2' });
    expect([...deletes()].sort()).toEqual([...paths].sort());
    expect(moments).toEqual([]);
  });

  it('survives a kill while the pool drains: it does not come back before its time', async () => {
    const before = await liveAt(DEPLOYMENT);
    const manifest = web({ color: 'green', deployment: RECREATE, service: RECREATE, clusterIP: '10.96.0.77' });
    await site.git.commit({ 'web.yaml': manifest }, 'another selector');
    await site.daemon.resync();
    await waitUntil('the pool to leave', async () => ((await instancesOf(stack, APP)).length === 0 ? true : undefined));
    await site.daemon.kill();
    await endLeases(site);
    await site.daemon.start();
    await waitUntil(
      'the change',
      async () => {
        const after = await liveAt(DEPLOYMENT);
        const isNew = after !== undefined && after.metadata.uid !== before?.metadata.uid;
        return isNew && (await instancesOf(stack, APP)).length === 3 ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
    await atRest();
    expect(moments.map(({ kind }) => kind)).toEqual(['pool deregister', 'delete', 'pool register']);
    expect(moments[1]?.drainedMs).toBeGreaterThanOrEqual(DRAIN_MS);
  });
});
