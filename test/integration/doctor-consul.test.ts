import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsulClient } from '../../src/adapters/consul/create-consul-client.ts';
import { createConsulLease } from '../../src/adapters/consul/create-consul-lease.ts';
import { createConsulRegistry } from '../../src/adapters/consul/create-consul-registry.ts';
import type { DoctorCheck } from '../../src/cli/cli-io.ts';
import { loadModules } from '../../src/cli/load-modules.ts';
import { consulPolicy, ruleText } from '../../src/core/rights/consul-policy.ts';
import { consulRules } from '../../src/core/rights/consul-rules.ts';
import { eventually, systemClock } from '../contract/registry-rig.ts';
import { callCli } from '../support/call-cli.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { aclOf } from '../support/consul-acl.ts';
import { deployPath, policyRules } from '../support/deploy-files.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';

let consul: ConsulServer;
let directory: TempDirectory;
beforeAll(async () => {
  directory = await makeTempDirectory('doctor');
  consul = await startConsul({ acl: true });
});
afterAll(async () => {
  await consul.stop();
  await directory.remove();
});

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `poolkeeper doctor consul` for a cluster, with a token or without one. */
async function doctor(cluster: string, token: string | undefined, ...argv: readonly string[]): Promise<Answer> {
  const tokenFile = join(directory.path, randomUUID());
  if (token !== undefined) await writeFile(tokenFile, token);
  return callCli(['doctor', 'consul', ...argv], {
    env: {
      POOLKEEPER_CLUSTER: cluster,
      POOLKEEPER_CONSUL_ADDRESS: consul.consulUrl,
      ...(token === undefined ? {} : { POOLKEEPER_CONSUL_TOKEN_FILE: tokenFile }),
    },
    readFile: (path) => readFileSync(path, 'utf8'),
    now: () => Date.now(),
    signal: AbortSignal.timeout(30_000),
    load: loadModules,
  });
}

async function checksOf(cluster: string, token: string | undefined, ...argv: readonly string[]): Promise<readonly DoctorCheck[]> {
  const { code, stdout } = await doctor(cluster, token, '--output', 'json', ...argv);
  const { ok, checks } = JSON.parse(stdout) as { readonly ok: boolean; readonly checks: readonly DoctorCheck[] };
  expect({ code, ok }).toEqual(checks.some(({ status }) => status === 'failed') ? { code: 1, ok: false } : { code: 0, ok: true });
  return checks;
}

const policyOf = async (cluster: string, ...argv: readonly string[]): Promise<string> =>
  (await doctor(cluster, undefined, '--policy', ...argv)).stdout;
const tokenFor = (rules: string): Promise<string> => aclOf(consul).tokenFor(rules);
const notOk = (checks: readonly DoctorCheck[]): Readonly<Record<string, string>> =>
  Object.fromEntries(checks.filter(({ status }) => status !== 'ok').map(({ name, status }) => [name, status]));
const namesFor = (cluster: string) => ({ cluster, keyPath: 'kubernetes', nodePrefix: 'k8s-' });

/** All that Consul holds, with the index of each thing. */
async function contents(): Promise<unknown> {
  const { manage } = aclOf(consul);
  const paths = ['kv/?recurse', 'catalog/nodes', 'catalog/services', 'health/state/any', 'session/list'];
  return Promise.all(paths.map((path) => manage('GET', path).catch((error: Error) => error.message)));
}

describe('poolkeeper doctor consul', () => {
  it('finds nothing wrong with the policy that it prints, and leaves Consul as it was', async () => {
    const policy = await policyOf('prod');
    expect(policy).toBe(consulPolicy(namesFor('prod')));
    const token = await tokenFor(policy);
    const before = await contents();
    const { code, stdout, stderr } = await doctor('prod', token);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').filter((line) => line !== '' && !/^ok {2,}[a-z-]+ +\S/.test(line))).toEqual([]);
    expect(stdout).toContain('a transaction takes 128 operations');
    expect(stdout).toContain('the leader has yet to write its canaries (key, node, instance)');
    expect(await contents()).toEqual(before);
  });

  it('says why there is no connection, and tries nothing else', async () => {
    const { code, stdout } = await doctor('prod', undefined, '--consul-address', 'http://127.0.0.1:1');
    const [address, ...others] = stdout.trim().split('\n');
    expect(code).toBe(1);
    expect(address).toMatch(/^failed +address +.*ECONNREFUSED.*Check that Consul runs/);
    expect(others).toHaveLength(11);
    for (const line of others) expect(line).toMatch(/^skipped +[a-z-]+ +not tried, since address failed$/);
  });

  const cases = consulRules(namesFor('prod')).map((rule, index) => ({ ...rule, cluster: `without-${index}`, index }));
  it.each(cases)('says so when the policy lacks $resource "$name"', async ({ right, cluster, index }) => {
    const names = namesFor(cluster);
    const rules = policyRules(consulPolicy(names)).filter((_, position) => position !== index);
    const lacking = consulRules(names)[index];
    if (lacking === undefined) throw new Error('no such rule');
    const checks = await checksOf(cluster, await tokenFor(rules.map(({ text }) => text).join('\n')));
    const check = checks.find(({ name }) => name === right);
    expect(check).toMatchObject({
      status: right === 'agent' ? 'warning' : 'failed',
      remedy: `Add to the policy of the token: ${ruleText(lacking)}`,
    });
    const { [right]: _, ...others } = notOk(checks);
    expect(Object.values(others).every((status) => status === 'skipped')).toBe(true);
  });

  it('takes a policy for the services of the specs only when it is told so', async () => {
    const specs = deployPath('..', 'specs-example');
    const policy = await policyOf('exact', '--exact', specs);
    expect(policy).toContain('service "echoserver" {');
    const token = await tokenFor(policy);
    expect(notOk(await checksOf('exact', token, '--exact', specs))).toEqual({});
    expect(notOk(await checksOf('exact', token))).toEqual({ services: 'failed', canaries: 'skipped' });
    const lacking = await tokenFor(policy.replace(/service "shop" \{[^}]*\}/, ''));
    const services = (await checksOf('exact', lacking, '--exact', specs)).find(({ name }) => name === 'services');
    expect(services).toMatchObject({ status: 'failed', message: expect.stringContaining('shop') });
  });

  it('wants no right to the history in mode catalog', async () => {
    const [keep, drop] = [
      ['--registration', 'both'],
      ['--registration', 'catalog'],
    ];
    const policy = await policyOf('only-catalog', ...drop);
    expect(policy).not.toContain('specifications');
    const token = await tokenFor(policy);
    expect(notOk(await checksOf('only-catalog', token, ...drop))).toEqual({});
    expect(notOk(await checksOf('only-catalog', token, ...keep))).toEqual({ 'history-keys': 'failed', canaries: 'skipped' });
  });

  it('tells a token that Consul does not know from one that may do nothing, and from none', async () => {
    const unknown = await checksOf('prod', randomUUID());
    expect(unknown.find(({ name }) => name === 'token')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('does not know the token'),
      remedy: expect.stringContaining('`consul.tokenFile`'),
    });
    expect(unknown.find(({ name }) => name === 'sessions')).toMatchObject({ status: 'skipped', message: 'not tried, since token failed' });
    const rights = ['nodes', 'own-nodes', 'services', 'pool-keys', 'history-keys', 'own-keys', 'sessions'].map((name) => [name, 'failed']);
    const nothing = { ...Object.fromEntries(rights), agent: 'warning', commit: 'skipped', canaries: 'skipped' };
    expect(notOk(await checksOf('prod', await tokenFor('')))).toEqual(nothing);
    expect(notOk(await checksOf('prod', undefined))).toEqual({ ...nothing, token: 'warning' });
  });

  it('warns of a token that expires within a day', async () => {
    const { manage } = aclOf(consul);
    const policy = (await manage('PUT', 'acl/policy', { Name: 'short', Rules: consulPolicy(namesFor('short')) })) as {
      readonly ID: string;
    };
    const make = async (ExpirationTTL: string): Promise<string> =>
      ((await manage('PUT', 'acl/token', { Policies: [{ ID: policy.ID }], ExpirationTTL })) as { readonly SecretID: string }).SecretID;
    expect(notOk(await checksOf('short', await make('1h')))).toEqual({ token: 'warning' });
    expect(notOk(await checksOf('short', await make('23h59m')))).toEqual({ token: 'warning' });
    const long = await checksOf('short', await make('24h'));
    expect(long.find(({ name }) => name === 'token')?.message).toContain('and expires at ');
  });

  it('may run beside a daemon, whose lease and canaries stay as they are', async () => {
    const signal = AbortSignal.timeout(30_000);
    const token = await tokenFor(consulPolicy(namesFor('live')));
    const client = createConsulClient({ address: consul.consulUrl, token });
    const names = { client, owner: 'poolkeeper', cluster: 'live', clock: systemClock };
    const lease = createConsulLease({ ...names, holder: () => ({ address: 'test', clusterUid: 'uid' }) });
    const registry = createConsulRegistry({ ...names, lease });
    try {
      lease.start(signal);
      await eventually(() => lease.state().held, 'the lease is held');
      await registry.start(signal);
      const state = registry.state();
      const before = await contents();
      const checks = await checksOf('live', token);
      expect(notOk(checks)).toEqual({});
      expect(checks.find(({ name }) => name === 'canaries')?.message).toMatch(/and the canaries$/);
      expect(await contents()).toEqual(before);
      expect(lease.state().held).toBe(true);
      await registry.refresh(signal);
      expect(registry.state()).toMatchObject({ kind: 'complete', value: 'value' in state ? { kv: state.value.kv } : {} });
    } finally {
      await registry.stop();
      await lease.release(signal).catch(() => undefined);
      client.close();
    }
  });

  it('says that namespaces need Consul Enterprise', async () => {
    const checks = await checksOf('prod', await tokenFor(consulPolicy(namesFor('prod'))), '--consul-namespace', 'team');
    const failed = checks.filter(({ status }) => status === 'failed');
    expect(failed[0]?.message).toContain('Consul Enterprise feature');
  });
});
