import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { askHost } from '../support/ask-host.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { startLoad } from '../support/http-load.ts';
import { kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import { type NodeAgents, startNodeAgents } from '../support/node-agents.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { startPoolReader } from '../support/pool-reader.ts';
import { type CliResult, runCli } from '../support/run-cli.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { type CatalogInstance, instancesOf, kvEntries, prepareSite, type Replica, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'e2e-agents';
const NODES = SHARED_NODES.map(({ name }) => name);
const NAMES = ['web', 'shop', 'blog', 'wiki'];
/** One that may never lose a backend: it cannot move node by node. */
const blog = appManifest('blog', { annotations: { 'poolkeeper.dev/min-backends': '3' } });
const files = { ...Object.fromEntries(NAMES.map((name) => [`${name}.yaml`, appManifest(name)])), 'blog.yaml': blog };

describe('pools that consul-template and agents register', () => {
  let consul: ConsulServer;
  let traefik: TraefikServer;
  let agents: NodeAgents;
  let listeners: NodeListeners;
  let site: Site;
  let stack: StackConnection;

  beforeAll(async () => {
    consul = await startConsul();
    traefik = await startTraefik({ consulUrl: consul.consulUrl });
    stack = { ...inject('stack'), consulUrl: consul.consulUrl, traefik };
    listeners = await startNodeListeners({ stack, nodes: SHARED_NODES });
    agents = await startNodeAgents({ consul, nodes: SHARED_NODES, cluster: NAME, keyPath: NAME });
    site = await prepareSite({ stack, name: NAME, files, env: { POOLKEEPER_REGISTRATION: 'kv' } });
    await site.daemon.start();
  });

  afterAll(async () => {
    // Their consul-templates have the name of the site in their environment.
    await agents?.stop();
    await site?.remove();
    await listeners?.stop();
    await traefik?.stop();
    await consul?.stop();
  });

  const registered = async (name: string): Promise<readonly CatalogInstance[]> => await instancesOf(stack, name);
  const on = async (name: string): Promise<readonly string[]> => (await registered(name)).map(({ Node }) => Node).sort();
  const untilOn = (name: string, nodes: readonly string[]): Promise<true> =>
    waitUntil(`${name} on ${nodes.join()}`, async () => ((await on(name)).join() === nodes.join() ? true : undefined));

  it('go from a commit over the tree and a rendered file to the agents, and into traffic', async () => {
    for (const name of NAMES) await untilOn(name, NODES);
    expect(await agents.of('n1').rendered()).toEqual([...NAMES].sort());
    const [instance] = await registered('web');
    expect(instance?.ServiceTags).toEqual(expect.arrayContaining(['kubernetes', expect.stringMatching(/^traefik\.http\.routers\./)]));
    const answers = new Set<string>();
    const ask = async (): Promise<true | undefined> => {
      const { status, body } = await askHost(traefik.webUrl, 'web.example.com');
      if (status === 200) answers.add(body.split(' ')[0] ?? '');
      return answers.size === NODES.length ? true : undefined;
    };
    await waitUntil('an answer of every node', ask, { describe: () => [...answers].join() });
    await site.daemon.waitFor('the agents in the status', (report) => agentsOf(report, 'web')?.join() === NODES.join());
  });

  it('follow tags, and leave a node that is cordoned, by what the tree tells', async () => {
    await site.git.commit({ 'web.yaml': appManifest('web', { tags: 'kubernetes,blue' }) }, 'a tag');
    await site.daemon.resync();
    await waitUntil('the tag on every instance', async () =>
      (await registered('web')).every(({ ServiceTags }) => ServiceTags.includes('blue')) ? true : undefined,
    );
    await cordon('n3', true);
    await untilOn('web', ['n1', 'n2']);
    await cordon('n3', false);
    await untilOn('web', NODES);
  });

  it('leave before their objects do', async () => {
    const isThere = async (): Promise<boolean> => {
      const path = `/api/v1/namespaces/${NAME}/services/wiki`;
      return (await kubeFetch(stack, { method: 'GET', path })).status === 200;
    };
    await site.git.commit({}, 'no wiki', { remove: ['wiki.yaml'] });
    await site.daemon.resync();
    await waitUntil('wiki out of Consul', async () => ((await on('wiki')).length === 0 ? true : undefined));
    expect(await isThere()).toBe(true);
    await waitUntil('wiki out of Kubernetes', async () => ((await isThere()) ? undefined : true));
    expect(await agents.of('n1').rendered()).toEqual(['blog', 'shop', 'web']);
  });

  it('stay with their agents when the catalog is to have them, and move without a lost request', async () => {
    await site.daemon.stop();
    const both = await site.another({ POOLKEEPER_REGISTRATION: 'both' });
    await both.daemon.start();
    const held = await both.daemon.waitFor('the pools are held', (report) => codes(report).length === 3);
    expect(new Set(codes(held))).toEqual(new Set(['CONSUL_AGENTS_REGISTER']));
    expect(await on('web')).toEqual(NODES);

    await waitUntil('web in traffic', async () => ((await askHost(traefik.webUrl, 'web.example.com')).status === 200 ? true : undefined));
    const reader = startPoolReader(consul, 'web', 2);
    const load = startLoad({ url: traefik.webUrl, headers: { host: 'web.example.com' }, perSecond: 200 });
    const result = await migrate(both, [`${NAME}/web`]);
    expect(result).toMatchObject({ code: 0 });
    const reading = await reader.stop();
    const sent = await load.stop();
    expect(sent.failures).toEqual([]);
    expect(reading.violations).toEqual([]);
    expect(reading.nodes.at(-1)).toBe(NODES.map((node) => `k8s-${NAME}-${node}`).join(' '));
    expect(await on('shop')).toEqual(NODES);

    const others = startPoolReader(consul, 'blog', 3);
    expect(await migrate(both, ['--all'])).toMatchObject({ code: 0 });
    // It cannot move node by node: for a moment the periodic sync of an agent may put back what one transaction has swapped, since no
    // transaction tells an agent. It is never missing, and nothing but the very same backend is doubled.
    expect((await others.stop()).violations.filter((violation) => !violation.endsWith('twice'))).toEqual([]);
    await both.daemon.waitFor('rest', (report) => report.specs.every((spec) => spec.state === 'in-step'));
    for (const name of ['web', 'shop', 'blog']) expect(await on(name)).toEqual(NODES.map((node) => `k8s-${NAME}-${node}`));
    expect(await agents.of('n2').rendered()).toEqual([]);
    expect(await kvEntries(stack, `${NAME}/.poolkeeper/${NAME}/migrating/`)).toEqual([]);

    const [{ ServicePort: Port } = { ServicePort: 0 }] = await registered('web');
    await agents.of('n1').define({ Name: 'web', Port });
    const doubled = await both.daemon.waitFor('the doubled pool is told', (report) => codes(report).length > 0);
    expect(codes(doubled)).toEqual(['CONSUL_POOL_DOUBLED']);
    await agents.of('n1').undefine('web');
    await both.daemon.waitFor('rest again', (report) => report.specs.every((spec) => spec.state === 'in-step'));
    expect(await on('web')).toHaveLength(3);
    await both.daemon.stop();
  });

  const migrate = ({ daemon }: Replica, args: readonly string[]): Promise<CliResult> =>
    runCli(daemon, 'migrate', ...args, '--wait', '--timeout', '50s', '--url', daemon.url);

  const cordon = (node: string, unschedulable: boolean): Promise<unknown> =>
    kubeRequest(stack, 'PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable } }, patchTypes.merge);
});

const codes = ({ specs }: RunReport): readonly string[] =>
  specs.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error').map(({ code }) => code));

const agentsOf = ({ pools }: RunReport, service: string): readonly string[] | undefined =>
  pools.find((pool) => pool.service === service)?.agents?.nodes;
