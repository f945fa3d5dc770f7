import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DRAIN_ANNOTATION } from '../../src/core/model/nodes.ts';
import type { CauseCode, Explanation, WhyKind } from '../../src/core/report/explanation.ts';
import { consulPolicy } from '../../src/core/rights/consul-policy.ts';
import { aclOf, type ConsulAcl } from '../support/consul-acl.ts';
import { kubeRequest, patchTypes } from '../support/kube-client.ts';
import { createNode, setNodeReady } from '../support/nodes.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.ts';
import { runCli } from '../support/run-cli.ts';
import { consulRequest, instancesOf, prepareSite, type Site } from '../support/site.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';
import { appFaults, faultNamespaces, faultyApp } from '../support/why-faults.ts';

const NAME = 'why';
const WEB = `web-${NAME}`;
const POOL = `${NAME}/${WEB}`;
const NODES = [1, 2, 3, 4, 5].map((i) => ({ name: `n${i}`, address: `127.0.1.${i}` }));
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
/** Answers count when none has changed for so long. */
const CALM_MS = 2_500;

interface Question {
  readonly what: string;
  readonly ask: { readonly kind: WhyKind; readonly value: string };
  readonly causes: readonly CauseCode[];
}

interface Row {
  readonly fault: string;
  readonly expected: string;
  readonly told: string;
  readonly right: boolean;
}

describe.skipIf(inject('stack') === undefined)('why', () => {
  const rules = consulPolicy({ cluster: NAME, keyPath: NAME, nodePrefix: 'k8s-' });
  const rows: Row[] = [];
  let stack: Stack;
  let traefik: TraefikServer;
  let catalog: RecordingProxy;
  let acl: ConsulAcl;
  let directory: TempDirectory;
  let site: Site;

  beforeAll(async () => {
    stack = await startStack({ consul: { acl: true } });
    acl = aclOf(stack);
    await Promise.all(NODES.map((node) => createNode(stack, node)));
    catalog = await startRecordingProxy(stack.consulUrl);
    traefik = await startTraefik({
      consulUrl: catalog.url,
      consulToken: stack.consulToken ?? '',
      refresh: { kind: 'poll', intervalMs: 500 },
      constraints: 'Tag(`kubernetes`)',
    });
    directory = await makeTempDirectory('why');
    const tokenFile = join(directory.path, 'token');
    await writeFile(tokenFile, await acl.tokenFor(rules));
    site = await prepareSite({
      stack,
      name: NAME,
      files: { 'web.json': faultyApp(WEB) },
      env: {
        POOLKEEPER_CONSUL_TOKEN_FILE: tokenFile,
        POOLKEEPER_TRAEFIK_API: `[{name: edge, url: "${traefik.apiUrl}"}]`,
        POOLKEEPER_TRAEFIK_LET_GO: '3s',
        POOLKEEPER_GIT_TIMEOUT: '2s',
        POOLKEEPER_CONSUL_TIMEOUT: '2s',
      },
    });
    await site.daemon.start();
    await inTraffic(POOL);
  });

  afterAll(async () => {
    await traefik?.resume();
    await site?.remove();
    await Promise.all([traefik?.stop(), catalog?.stop()]);
    await stack?.stop();
    await directory?.remove();
  });

  const why = async (kind: WhyKind, value: string): Promise<Explanation> => {
    const response = await fetch(`${site.daemon.url}/api/v1/why?${new URLSearchParams({ [kind]: value })}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Explanation;
  };

  /** Asks everything until no answer has changed for a while, and notes them all. */
  async function judge(questions: readonly Question[]): Promise<void> {
    const ask = (): Promise<readonly Explanation[]> => Promise.all(questions.map((one) => why(one.ask.kind, one.ask.value)));
    let answers = await ask();
    let calmSinceMs = Date.now();
    const endMs = Date.now() + 40_000;
    while (Date.now() - calmSinceMs < CALM_MS && Date.now() < endMs) {
      await sleep(250);
      const next = await ask();
      if (next.some(({ cause }, i) => cause?.code !== answers[i]?.cause?.code || cause?.link !== answers[i]?.cause?.link))
        calmSinceMs = Date.now();
      answers = next;
    }
    for (const [i, { what, causes }] of questions.entries()) {
      const cause = answers[i]?.cause;
      const right = causes.includes(cause?.code ?? 'ok');
      rows.push({
        fault: what,
        expected: causes.join(' or '),
        told: cause === undefined ? 'nothing' : `${cause.code} (${cause.link}): ${cause.says}`,
        right,
      });
    }
  }

  const inTraffic = async (...asked: readonly string[]): Promise<void> => {
    let last: readonly Explanation[] = [];
    const look = async (): Promise<true | undefined> => {
      last = await Promise.all(asked.map((one) => why('name', one).catch((error: unknown) => ({ verdict: String(error) }) as never)));
      return last.every(({ verdict, cause }) => verdict === 'in-traffic' && cause === undefined) ? true : undefined;
    };
    const wrong = (): string =>
      JSON.stringify(
        last.filter(({ verdict, cause }) => verdict !== 'in-traffic' || cause !== undefined).map(({ about, cause }) => [about, cause]),
        null,
        1,
      );
    await waitUntil(`in traffic: ${asked.join(', ')}`, look, { describe: wrong, timeoutMs: 40_000 });
  };
  const commit = async (files: Readonly<Record<string, string>>, message: string, remove: readonly string[] = []): Promise<void> => {
    await site.git.commit(files, message, { remove });
    await site.daemon.resync();
  };
  const patchNode = (name: string, patch: object): Promise<unknown> =>
    kubeRequest(stack, 'PATCH', `/api/v1/nodes/${name}`, patch, patchTypes.merge);
  const node = (what: string, name: string, ...causes: readonly CauseCode[]): Question => ({
    what,
    ask: { kind: 'node', value: name },
    causes,
  });
  const pool = (what: string, ...causes: readonly CauseCode[]): Question => ({ what, ask: { kind: 'pool', value: POOL }, causes });
  const foreign = (service: string, ...tags: readonly string[]): Promise<unknown> =>
    consulRequest(stack, 'PUT', '/v1/catalog/register', {
      Node: 'legacy',
      Address: '127.0.9.8',
      Service: { ID: service, Service: service, Port: 8080, Tags: tags },
    });

  it('names what is wrong with an application, and nothing once it is mended', async () => {
    const faults = appFaults(NAME);
    const { quota, pods, nowhere } = faultNamespaces(NAME);
    for (const [name, hard] of [
      [quota, { 'services.nodeports': '0' }],
      [pods, { pods: '0' }],
    ] as const) {
      await kubeRequest(stack, 'POST', '/api/v1/namespaces', { metadata: { name } });
      await kubeRequest(stack, 'POST', `/api/v1/namespaces/${name}/resourcequotas`, { metadata: { name: 'none' }, spec: { hard } });
    }
    await refuseForbidden(stack);
    await foreign(`taken-${NAME}`, 'legacy');
    const rule = `traefik.http.routers.thief.rule=Host(\`robbed-${NAME}.example.com\`)`;
    await foreign('thief', 'kubernetes', 'traefik.enable=true', rule, 'traefik.http.routers.thief.priority=1000');
    await commit(Object.fromEntries(faults.map(({ name, file }) => [`${name}.json`, file])), 'many mistakes');
    await site.daemon.waitFor('the commit', ({ specs }) => specs.length === faults.length + 1);
    await judge(faults);
    expect((await runCli(site.daemon, 'why', `image-${NAME}`, '--url', site.daemon.url)).stdout).toMatch(
      /^pool why\/image-why is not in traffic: .*\n\n✓ ok {11}commit .*\n(.*\n)*✗ broken {7}pods .*\[image-pull\]/,
    );

    for (const name of [quota, pods]) await kubeRequest(stack, 'DELETE', `/api/v1/namespaces/${name}/resourcequotas/none`);
    await kubeRequest(stack, 'POST', '/api/v1/namespaces', { metadata: { name: nowhere } });
    await kubeRequest(stack, 'DELETE', `${ADMISSION}/validatingadmissionpolicybindings/forbidden`);
    for (const ServiceID of [`taken-${NAME}`, 'thief'])
      await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node: 'legacy', ServiceID });
    const mended = faults.filter(({ what }) => !what.startsWith('a quota') && !what.startsWith('a namespace'));
    await commit(Object.fromEntries(mended.map(({ name }) => [`${name}.json`, faultyApp(name)])), 'no mistakes');
    await inTraffic(...faults.map(({ ask: { kind, value }, name }) => (kind === 'url' ? `${name}.example.com` : value)));
    const { code, stdout } = await runCli(site.daemon, 'why', `http://image-${NAME}.example.com/`, '--url', site.daemon.url);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^http:\/\/image-why\.example\.com\/ is in traffic\n/),
    });
  });

  it('names what is wrong with a node', async () => {
    await patchNode('n1', { spec: { unschedulable: true } });
    await setNodeReady(stack, 'n2', false);
    await patchNode('n3', { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } });
    await judge([
      node('a cordoned node', 'n1', 'cordoned'),
      node('a node that is not Ready', 'n2', 'not-ready'),
      node('a node with the label that excludes it', 'n3', 'excluded'),
      node('a node whose name is misspelt', 'n55', 'not-found'),
    ]);
    await setNodeReady(stack, 'n2', true);
    await patchNode('n1', { spec: { unschedulable: null } });
    await patchNode('n3', { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': null } } });
    await inTraffic(...NODES.map(({ name }) => name));

    for (const { name } of NODES) await patchNode(name, { metadata: { annotations: { [DRAIN_ANNOTATION]: 'true' } } });
    await judge([node('a drained node that waits for its turn', 'n5', 'kept-by-turn'), pool('all nodes drained', 'drained')]);
    for (const { name } of NODES) await patchNode(name, { metadata: { annotations: { [DRAIN_ANNOTATION]: null } } });
    await inTraffic(...NODES.map(({ name }) => name));

    await Promise.all(NODES.map(({ name }) => setNodeReady(stack, name, false)));
    await judge([pool('all nodes NotReady at once', 'kept-mass-not-ready')]);
    await Promise.all(NODES.map(({ name }) => setNodeReady(stack, name, true)));
    await inTraffic(POOL);
  });

  it('names a removal that waits for approval, and a source that does not answer', async () => {
    const gone = ['image', 'unready', 'misfit', 'empty', 'selector', 'target'].map((name) => `${name}-${NAME}.json`);
    await commit({}, 'six files less', gone);
    await site.daemon.waitFor('the hold', ({ holds }) => holds.length > 0);
    await judge([
      { what: 'a removal that waits for approval', ask: { kind: 'pool', value: `${NAME}/image-${NAME}` }, causes: ['REMOVAL_LIMIT'] },
    ]);
    await commit(Object.fromEntries(gone.map((file) => [file, faultyApp(file.replace('.json', ''))])), 'back again');
    await inTraffic(`image-${NAME}`);

    await site.git.setMode('down');
    await site.daemon.waitFor('Git away', ({ sources }) => sources.some(({ source, kind }) => source === 'git' && kind === 'stale'));
    await judge([
      pool('Git that does not answer', 'GIT_UNREACHABLE'),
      { what: 'an unknown pool while Git does not answer', ask: { kind: 'pool', value: `${NAME}/new` }, causes: ['GIT_UNREACHABLE'] },
    ]);
    await site.git.setMode('serving');
    await inTraffic(POOL);

    const narrow = rules.replace(/^node_prefix "" \{[^}]*\}/m, '');
    await acl.changeRules(rules, narrow);
    await site.daemon.resync();
    await site.daemon.waitFor(
      'Consul away',
      ({ sources }) => sources.some(({ source, kind }) => source === 'consul' && kind !== 'complete'),
      20_000,
    );
    await judge([pool('a token that sees a part of Consul only', 'CONSUL_FILTERED', 'CONSUL_FORBIDDEN')]);
    await acl.changeRules(narrow, rules);
    await inTraffic(POOL);

    const readOnly = rules.replace(
      /^service_prefix "" \{[^}]*\}/m,
      'service_prefix "" { policy = "read" }\nservice "poolkeeper-why" { policy = "write" }',
    );
    await acl.changeRules(rules, readOnly);
    const [first] = await instancesOf(stack, WEB);
    await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node: first?.Node, ServiceID: first?.ServiceID });
    await judge([pool('an instance that was deregistered by hand, and a token that may not write', 'CONSUL_FORBIDDEN')]);
    await acl.changeRules(readOnly, rules);
    await site.daemon.resync();
    await inTraffic(POOL);
  });

  it('names a Traefik that does not follow, and one that does not answer', async () => {
    catalog.intercept(() => ({ kind: 'answer', status: 500, body: 'no' }));
    await commit({ 'web.json': faultyApp(WEB, { annotations: { 'traefik.frontend.priority': '7' } }) }, 'another priority');
    await site.daemon.waitFor('the lag', ({ problems }) => problems.some(({ code }) => code.startsWith('TRAEFIK_')));
    await judge([pool('a Traefik that Consul does not answer', 'TRAEFIK_BEHIND')]);
    catalog.intercept(undefined);
    await inTraffic(POOL);

    await traefik.pause();
    // While something is awaited it is asked briskly.
    await commit({ 'web.json': faultyApp(WEB) }, 'no priority');
    await site.daemon.waitFor('the silence', ({ sources }) =>
      sources.some(({ source, kind }) => source === 'traefik:edge' && kind !== 'complete'),
    );
    await judge([
      {
        what: 'a Traefik that does not answer',
        ask: { kind: 'url', value: `http://${WEB}.example.com/` },
        causes: ['TRAEFIK_UNREACHABLE'],
      },
    ]);
    await traefik.resume();
    await site.daemon.resync();
    await inTraffic(POOL);
  });

  it('names the right first cause of at least 24 in 25 faults', () => {
    const table = rows.map(
      ({ right, fault, expected, told }) => `${right ? 'right' : 'WRONG'}  ${fault}: ${told}${right ? '' : `; expected ${expected}`}`,
    );
    process.stdout.write(`${table.join('\n')}\n${rows.filter(({ right }) => right).length} of ${rows.length} right\n`);
    expect(rows.length).toBeGreaterThanOrEqual(25);
    expect(rows.filter(({ right }) => right).length, table.join('\n')).toBeGreaterThanOrEqual(Math.ceil((rows.length * 24) / 25));
  });
});

/** Refuses every Deployment with the label `forbidden`; in force when this returns. */
async function refuseForbidden(stack: Stack): Promise<void> {
  const constraints = {
    resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] }],
  };
  const metadata = { name: 'forbidden' };
  await kubeRequest(stack, 'POST', `${ADMISSION}/validatingadmissionpolicies`, {
    metadata,
    spec: {
      matchConstraints: constraints,
      validations: [
        {
          expression: '!has(object.metadata.labels) || !("forbidden" in object.metadata.labels)',
          message: 'the label forbidden is forbidden',
        },
      ],
    },
  });
  await kubeRequest(stack, 'POST', `${ADMISSION}/validatingadmissionpolicybindings`, {
    metadata,
    spec: { policyName: 'forbidden', validationActions: ['Deny'] },
  });
  const labels = { forbidden: 'yes' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'a' }] } };
  const probe = { metadata: { name: 'probe', labels }, spec: { replicas: 0, selector: { matchLabels: labels }, template } };
  const path = '/apis/apps/v1/namespaces/default/deployments?dryRun=All';
  const isRefused = (): Promise<true | undefined> =>
    kubeRequest(stack, 'POST', path, probe).then(
      () => undefined,
      () => true,
    );
  await waitUntil('the admission policy in force', isRefused);
}
