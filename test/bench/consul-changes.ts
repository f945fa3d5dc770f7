import { setTimeout as delay } from 'node:timers/promises';
import { consulNodeName } from '../../src/core/model/consul-names.ts';
import { nodeName } from '../../src/core/model/ids.ts';
import { DRAIN_ANNOTATION } from '../../src/core/model/nodes.ts';
import { kubeRequest, patchTypes } from '../support/kube-client.ts';
import { setNodeReady } from '../support/nodes.ts';
import type { RecordedRequest } from '../support/recording-proxy.ts';
import type { RunningServer } from '../support/server.ts';
import { consulRequest, instancesOf, type Site } from '../support/site.ts';
import { type CatalogWrites, countWrites, type Reading, startReader } from './catalog-watch.ts';
import type { ConsulSizes } from './consul.ts';
import { beginOfRun, poll } from './rig.ts';
import { spread } from './statistics.ts';
import { hostOf, type Manifest, specFile, tagOf, workload } from './workload.ts';

/** One service gets another Host: until all its instances have the new tag, and what a reader saw in between. */
export async function measureTagChanges(sizes: ConsulSizes, site: Site): Promise<object> {
  return await measureCommits(site, sizes, (trial) => {
    const i = trial % sizes.services;
    const host = hostOf(i, trial + 1);
    const manifests = workload(`svc-${i}`, site.name, host);
    return { service: `svc-${i}`, host, file: `svc-${i}.json`, manifests };
  });
}

/** A spec that adds a Service to pods that run already. */
export async function measureServiceAdded(sizes: ConsulSizes, site: Site): Promise<object> {
  return await measureCommits(site, sizes, (trial) => {
    const service = `added-${trial}`;
    const host = `${service}.example.com`;
    const manifests = workload(service, site.name, host).flatMap((object) => {
      if (object.kind !== 'Service') return [];
      return [{ ...object, spec: { ...(object['spec'] as object), selector: { app: `svc-${trial % sizes.services}` } } }];
    });
    return { service, host, file: `${service}.json`, manifests };
  });
}

interface Change {
  readonly service: string;
  readonly host: string;
  readonly file: string;
  readonly manifests: readonly Manifest[];
}

async function measureCommits(site: Site, sizes: ConsulSizes, changeOf: (trial: number) => Change): Promise<object> {
  const trials: Trial[] = [];
  for (let trial = 0; trial < sizes.trials; trial++) {
    trials.push(await measureCommit(site, sizes, changeOf(trial)));
    // What the change has woken comes to rest.
    await delay(1_000);
  }
  const last = trials.at(-1);
  return {
    from: 'fromApply: the request that applies the Service; fromRun: begin of the run; fromResync: the request for a resync after the push; to: on every node',
    fromApplyMs: spread(trials.map(({ fromApplyMs }) => fromApplyMs)),
    fromRunMs: spread(trials.map(({ fromRunMs }) => fromRunMs)),
    fromResyncMs: spread(trials.map(({ fromResyncMs }) => fromResyncMs)),
    reads: sum(trials, ({ reading }) => reading.reads),
    mixedReads: sum(trials, ({ reading }) => reading.mixed),
    partialReads: sum(trials, ({ reading }) => reading.partial),
    consulWritesOfLast: last?.writes,
  };
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((total, item) => total + of(item), 0);

interface Trial {
  readonly fromApplyMs: number;
  readonly fromRunMs: number;
  readonly fromResyncMs: number;
  readonly reading: Reading;
  readonly writes: CatalogWrites;
}

async function measureCommit(site: Site, { nodes }: ConsulSizes, { service, host, file, manifests }: Change): Promise<Trial> {
  const { stack, git, daemon, consul, kubernetes } = site;
  await git.commit({ [file]: specFile(manifests) }, host);
  const reader = startReader(stack, service, { tag: tagOf(host), nodes });
  consul.forget();
  kubernetes.forget();
  const askedAtMs = Date.now();
  await daemon.resync();
  const arrivedAtMs = await reader.arrived;
  const reading = await reader.stop();
  const applied = kubernetes.requests.find((one) => isApplyOf(one, service));
  const beganAtMs = await beginOfRun(daemon, applied?.atMs ?? Number.NaN);
  return {
    fromApplyMs: arrivedAtMs - (applied?.atMs ?? Number.NaN),
    fromRunMs: arrivedAtMs - beganAtMs,
    fromResyncMs: arrivedAtMs - askedAtMs,
    reading,
    writes: countWrites(consul.requests),
  };
}

const isApplyOf = ({ method, path, query }: RecordedRequest, service: string): boolean =>
  method !== 'GET' && path.endsWith(`/services/${service}`) && !query.has('dryRun');

/** Nodes that leave all pools, each for another reason; then all come back. */
export async function measureNodes({ nodes }: ConsulSizes, site: Site): Promise<object> {
  const { stack } = site;
  const [cordoned, annotated, notReady] = [`n${nodes}`, `n${nodes - 1}`, `n${nodes - 2}`];
  const patch = (name: string, body: unknown): Promise<unknown> =>
    kubeRequest(stack, 'PATCH', `/api/v1/nodes/${name}`, body, patchTypes.merge);
  const annotate = (value: string | null): Promise<unknown> =>
    patch(annotated, { metadata: { annotations: { [DRAIN_ANNOTATION]: value } } });
  const whole = await standsOn(site, cordoned);
  const figures = {
    from: 'the request to the API server; criticalMs: the node check is critical; goneMs: no instance stands on the node; writes until then',
    cordon: await measureLeaving(site, cordoned, () => patch(cordoned, { spec: { unschedulable: true } })),
    annotation: await measureLeaving(site, annotated, () => annotate('true')),
    notReady: await measureLeaving(site, notReady, () => setNodeReady(stack, notReady, false)),
  };
  const askedAtMs = Date.now();
  await patch(cordoned, { spec: { unschedulable: false } });
  await annotate(null);
  await setNodeReady(stack, notReady, true);
  const back = async (name: string): Promise<boolean> =>
    (await standsOn(site, name)) === whole && (await statusOf(site, name)) === 'passing';
  await poll(async () => (await Promise.all([cordoned, annotated, notReady].map(back))).every(Boolean), 100);
  return { ...figures, backMs: Date.now() - askedAtMs };
}

async function measureLeaving(site: Site, name: string, leave: () => Promise<unknown>): Promise<object> {
  const { consul } = site;
  consul.forget();
  const askedAtMs = Date.now();
  const left = leave();
  await poll(async () => (await statusOf(site, name)) === 'critical', 5);
  const criticalMs = Date.now() - askedAtMs;
  await left;
  await poll(async () => (await standsOn(site, name)) === 0, 50);
  const goneMs = Date.now() - askedAtMs;
  const transactions = consul.requests.filter(({ method, path }) => method === 'PUT' && path === '/v1/txn');
  const draining = transactions.findIndex(({ body }) => body.includes('"critical"'));
  const upTo = countWrites(transactions.slice(0, draining + 1));
  await delay(1_500);
  return { criticalMs, writesUntilCritical: upTo, goneMs, writesUntilGone: countWrites(transactions) };
}

const consulNode = (site: Site, name: string): string => consulNodeName('k8s-', site.name, nodeName(name));

async function statusOf(site: Site, name: string): Promise<string | undefined> {
  const checks = await consulRequest(site.stack, 'GET', `/v1/health/node/${consulNode(site, name)}`);
  return (checks as readonly { readonly ServiceID: string; readonly Status: string }[]).find(({ ServiceID }) => ServiceID === '')?.Status;
}

async function standsOn(site: Site, name: string): Promise<number> {
  const path = `/v1/catalog/node-services/${consulNode(site, name)}`;
  return ((await consulRequest(site.stack, 'GET', path)) as { readonly Services: readonly unknown[] | null }).Services?.length ?? 0;
}

/** The API server hangs, just after a commit: nothing may leave the catalog. */
export async function measureApiServerAway(sizes: ConsulSizes, site: Site, apiServer: RunningServer): Promise<object> {
  const { stack, git, daemon, consul, name } = site;
  const seconds = Math.min(20, sizes.restSeconds);
  const count = async (): Promise<number> => {
    const nodes = await Promise.all(Array.from({ length: sizes.nodes }, (_, i) => standsOn(site, `n${i + 1}`)));
    return nodes.reduce((total, one) => total + one, 0);
  };
  const before = await count();
  const host = hostOf(0, 1_000);
  await git.commit({ 'svc-0.json': specFile(workload('svc-0', name, host)) }, host);
  consul.forget();
  await apiServer.pause();
  try {
    await daemon.resync();
    await delay(seconds * 1_000);
    const instances = await count();
    const { deregistrations, catalogOperations } = countWrites(consul.requests);
    return { seconds, instancesBefore: before, instances, catalogOperations, deregistrations };
  } finally {
    await apiServer.resume();
    const tag = tagOf(host);
    await poll(async () => (await instancesOf(stack, 'svc-0')).every(({ ServiceTags }) => ServiceTags.includes(tag)), 100);
  }
}
