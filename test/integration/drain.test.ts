import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest, patchTypes } from '../support/kube-client.ts';
import { createNode, setNodeReady } from '../support/nodes.ts';
import type { RecordedRequest } from '../support/recording-proxy.ts';
import { type CliResult, runCli } from '../support/run-cli.ts';
import { consulRequest, prepareSite, type Site } from '../support/site.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'drain';
const APPS = ['one', 'two', 'three'].map((app) => `${app}-${NAME}`);
/** It may lose no backend. */
const FULL = `full-${NAME}`;
const LEAVER = { name: 'n9', address: '127.0.1.9' };
const CONSUL_NODE = `k8s-${NAME}-${LEAVER.name}`;
const TAINT = { key: 'poolkeeper.test/leaves', effect: 'NoSchedule' };
const GRACE_MS = 2_000;

describe('a node that leaves', () => {
  const stack = inject('stack');
  let site: Site;

  beforeAll(async () => {
    await createNode(stack, LEAVER);
    const files = Object.fromEntries(APPS.map((app) => [`${app}.yaml`, appManifest(app)]));
    const env = { POOLKEEPER_POOL_GRACE: `${GRACE_MS}ms`, POOLKEEPER_POOL_DRAINING_TAINTS: `${TAINT.key}:${TAINT.effect}` };
    site = await prepareSite({ stack, name: NAME, files, env });
    await site.daemon.start();
    await everywhere();
  });

  afterAll(async () => {
    await kubeRequest(stack, 'DELETE', `/api/v1/nodes/${LEAVER.name}`).catch(() => undefined);
    await site?.remove();
  });

  /** The apps that Consul holds on the node, and those of them whose checks pass. */
  async function onLeaver(passing: boolean): Promise<readonly string[]> {
    const query = passing ? '?passing=true' : '';
    const found = APPS.map(async (app) => {
      const instances = (await consulRequest(stack, 'GET', `/v1/health/service/${app}${query}`)) as readonly {
        readonly Node: { readonly Node: string };
      }[];
      return instances.some(({ Node }) => Node.Node === CONSUL_NODE) ? [app] : [];
    });
    return (await Promise.all(found)).flat();
  }

  /** Waits until the node serves all apps, and the daemon knows it. */
  async function everywhere(): Promise<void> {
    let last: readonly string[] = [];
    const look = async (): Promise<true | undefined> => {
      last = await onLeaver(true);
      return last.length === APPS.length ? true : undefined;
    };
    await waitUntil('the node in all pools', look, { describe: () => last.join() });
  }

  async function nowhere(): Promise<void> {
    let last: readonly string[] = [];
    const look = async (): Promise<true | undefined> => {
      last = await onLeaver(false);
      return last.length === 0 ? true : undefined;
    };
    await waitUntil('the node in no pool', look, { describe: () => last.join() });
  }

  const patchNode = (patch: object): Promise<unknown> =>
    kubeRequest(stack, 'PATCH', `/api/v1/nodes/${LEAVER.name}`, patch, patchTypes.merge);
  const annotate = (value: string | null): Promise<unknown> => patchNode({ metadata: { annotations: { 'poolkeeper.dev/drain': value } } });

  /** The Services as they are, to the last change. */
  async function services(): Promise<unknown> {
    const { items } = (await kubeRequest(stack, 'GET', `/api/v1/namespaces/${NAME}/services`)) as { readonly items: readonly unknown[] };
    return items;
  }

  const ways = [
    {
      way: 'cordoned',
      leave: () => patchNode({ spec: { unschedulable: true } }),
      back: () => patchNode({ spec: { unschedulable: null } }),
    },
    { way: 'tainted', leave: () => patchNode({ spec: { taints: [TAINT] } }), back: () => patchNode({ spec: { taints: null } }) },
    { way: 'drained', leave: () => annotate('true'), back: () => annotate(null) },
    { way: 'not-ready', leave: () => setNodeReady(stack, LEAVER.name, false), back: () => setNodeReady(stack, LEAVER.name, true) },
    { way: 'deleting', leave: () => kubeRequest(stack, 'DELETE', `/api/v1/nodes/${LEAVER.name}`), back: () => createNode(stack, LEAVER) },
  ];

  it.each(ways)(
    '$way: leaves all pools by one operation before its instances go, and is back after the grace',
    async ({ way, leave, back }) => {
      const before = await services();
      site.consul.forget();
      site.kubernetes.forget();
      await leave();
      await nowhere();
      await back();
      await everywhere();
      const writes = site.consul.requests.filter(({ path }) => path === '/v1/txn').map(operationsOf);
      const critical = writes.filter(hasCritical);
      expect(critical.map(({ operations }) => operations.map(kindOf))).toEqual([['KV check-session', 'Check cas']]);
      const removals = writes.filter(hasRemoval);
      const entries = writes.filter(({ operations }) => operations.some(isEntry));
      const [left, firstRemoval, firstEntry] = [critical, removals, entries].map(([first]) => first?.atMs ?? Number.NaN);
      expect(removals.flatMap(({ operations }) => operations.filter(isRemoval))).toHaveLength(APPS.length);
      expect(firstRemoval).toBeGreaterThanOrEqual(left ?? 0);
      const [firstCritical, firstGone] = [hasCritical, hasRemoval].map((has) => writes.findIndex(has));
      expect(firstGone).toBeGreaterThan(firstCritical ?? 0);
      // The grace begins when the leaving is planned, a little before it is sent. A node that is made anew tells only the second
      // since when it is Ready.
      const leastMs = GRACE_MS - (way === 'deleting' ? 1_000 : 200);
      expect((firstEntry ?? 0) - (left ?? 0)).toBeGreaterThanOrEqual(leastMs);
      const passing = writes.flatMap(({ operations }) => operations.filter((one) => checkStatus(one) === 'passing'));
      expect(passing).toHaveLength(1);
      // Nothing was closed, nor even touched.
      expect(await services()).toEqual(before);
      expect(site.kubernetes.requests.filter(({ method, path }) => method !== 'GET' && path.includes('/services'))).toEqual([]);
      const reasons = async (): Promise<readonly string[]> => {
        const view = (await (await fetch(`${site.daemon.url}/api/v1/nodes/${LEAVER.name}`)).json()) as NodeAnswer;
        return view.node.pools.map(({ reason }) => reason);
      };
      await expect.poll(reasons, { timeout: 10_000 }).toEqual(['Ready', 'Ready', 'Ready']);
    },
  );

  const drain = (...args: readonly string[]): Promise<CliResult> => runCli(site.daemon, ...args, '--url', site.daemon.url);

  it('by `drain --wait` is out of Consul when that returns, and back in when `undrain --wait` does', async () => {
    const out = await drain('drain', LEAVER.name, '--wait', '--timeout', '50s', '--reason', 'a new disk');
    expect([await onLeaver(true), out]).toEqual([
      [],
      { code: 0, stderr: '', stdout: expect.stringMatching(/n9 is out of all pools in Consul\.\n$/) },
    ]);
    const status = await drain('status');
    expect(status.stdout).toContain('n9    out      the node has the annotation poolkeeper.dev/drain: a new disk');
    const back = await drain('undrain', LEAVER.name, '--wait', '--timeout', '50s');
    expect([await onLeaver(true), back]).toEqual([
      APPS,
      { code: 0, stderr: '', stdout: expect.stringMatching(/n9 is back: Consul has it passing in 3 pools\.\n$/) },
    ]);
  });

  it('says which pool keeps it and why when its floor does, and leaves the others', async () => {
    await site.git.commit(
      { [`${FULL}.yaml`]: appManifest(FULL, { annotations: { 'poolkeeper.dev/min-backends': '4' } }) },
      'a pool that needs every node',
    );
    await site.daemon.waitFor('the full pool', ({ pools }) => pools.some(({ service, passing }) => service === FULL && passing === 4));
    await drain('drain', LEAVER.name);
    await site.daemon.waitFor('the others to let go', ({ nodes }) =>
      nodes.some(({ node, draining, registered }) => node === LEAVER.name && draining && registered === 1),
    );
    const late = await drain('drain', LEAVER.name, '--wait', '--timeout', '1s');
    expect(late).toEqual({
      code: 1,
      stdout: expect.stringContaining('n9: waiting: '),
      stderr: `n9 is not out of all pools after 1s. It stays marked, and leaves when it may:
  ${NAME}/${FULL}: kept: the pool must not fall below 4 (the node has the annotation poolkeeper.dev/drain)
`,
    });
    expect(await onLeaver(false)).toEqual([]);
    const json = await drain('undrain', LEAVER.name, '--wait', '--output', 'json');
    expect(JSON.parse(json.stdout)).toEqual({ node: 'n9', draining: false, done: true, waitingFor: [] });
    expect(await onLeaver(true)).toEqual(APPS);
    await site.git.commit({}, 'less\n\nPoolkeeper-Allow-Removal: 1', { remove: [`${FULL}.yaml`] });
    await site.daemon.waitFor('the end of the full pool', ({ pools }) => pools.every(({ service }) => service !== FULL), 60_000);
  });

  it('may be asked for at a replica that stands by, which passes it on to the leader', async () => {
    const { daemon, kubernetes } = await site.another();
    await daemon.start();
    const out = await runCli(daemon, 'drain', LEAVER.name, '--wait', '--timeout', '50s', '--url', daemon.url);
    expect([out.code, await onLeaver(true)]).toEqual([0, []]);
    expect((await daemon.status()).leader.consul).toBe(false);
    const back = await runCli(daemon, 'undrain', LEAVER.name, '--wait', '--timeout', '50s', '--url', daemon.url);
    expect([back.code, await onLeaver(true)]).toEqual([0, APPS]);
    expect(nodePatches(kubernetes.requests)).toEqual([]);
    const unknown = await drain('drain', 'n99', '--wait');
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NODE_UNKNOWN: .* there is no node n99\. Did you mean "n9"\?/),
    });
    await daemon.stop();
  });

  it('is not marked where that is switched off, and the kubectl command is told', async () => {
    await site.daemon.stop();
    const { daemon, kubernetes } = await site.another({ POOLKEEPER_DRAIN_API: 'false' });
    await daemon.start();
    const refused = await runCli(daemon, 'drain', LEAVER.name, '--url', daemon.url);
    expect(refused).toMatchObject({ code: 78, stderr: expect.stringContaining('kubectl annotate node n9 poolkeeper.dev/drain=true') });
    expect(nodePatches(kubernetes.requests)).toEqual([]);
  });
});

const nodePatches = (requests: readonly RecordedRequest[]): readonly RecordedRequest[] =>
  requests.filter(({ path, method }) => method === 'PATCH' && path.includes('/nodes/'));

interface NodeAnswer {
  readonly node: { readonly pools: readonly { readonly reason: string }[] };
}

interface Operation {
  readonly KV?: { readonly Verb: string };
  readonly Service?: { readonly Verb: string; readonly Node: string };
  readonly Check?: {
    readonly Verb: string;
    readonly Check: { readonly Node: string; readonly ServiceID?: string; readonly Status?: string };
  };
}

const operationsOf = ({ atMs, body }: RecordedRequest): { readonly atMs: number; readonly operations: readonly Operation[] } => ({
  atMs,
  operations: JSON.parse(body) as readonly Operation[],
});

const kindOf = (operation: Operation): string =>
  Object.entries(operation)
    .map(([kind, { Verb }]: [string, { readonly Verb: string }]) => `${kind} ${Verb}`)
    .join();

/** The status that an operation gives to the check of the node itself. */
function checkStatus({ Check }: Operation): string | undefined {
  if (Check === undefined || Check.Check.Node !== CONSUL_NODE || (Check.Check.ServiceID ?? '') !== '') return undefined;
  return Check.Check.Status;
}

const onNode = ({ Service }: Operation): boolean => Service?.Node === CONSUL_NODE;
const isRemoval = (operation: Operation): boolean => onNode(operation) && operation.Service?.Verb.startsWith('delete') === true;
const isEntry = (operation: Operation): boolean => onNode(operation) && operation.Service?.Verb.startsWith('delete') === false;
const hasRemoval = ({ operations }: ReturnType<typeof operationsOf>): boolean => operations.some(isRemoval);
const hasCritical = ({ operations }: ReturnType<typeof operationsOf>): boolean => operations.some((one) => checkStatus(one) === 'critical');
