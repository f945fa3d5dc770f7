import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DoctorCheck, DoctorModule } from '../../../src/cli/cli-io.ts';
import { type CliWorld, callCli } from '../../support/call-cli.ts';
import { readDeploy } from '../../support/deploy-files.ts';

const ENV = { POOLKEEPER_CLUSTER: 'prod' };

function doctor(argv: readonly string[], { env = ENV, checks }: Pick<CliWorld, 'env'> & { readonly checks?: readonly DoctorCheck[] } = {}) {
  const load = async (): Promise<DoctorModule> => {
    const real = { ...(await import('../../../src/cli/doctor.ts')), ...(await import('../../../src/cli/doctor-git.ts')) };
    return checks === undefined
      ? real
      : { ...real, examineConsul: async () => ({ kind: 'ok', value: checks }), examineGit: async () => ({ kind: 'ok', value: checks }) };
  };
  return callCli(['doctor', ...argv], { env, load: { doctor: load } });
}

const GOOD: DoctorCheck = { name: 'address', status: 'ok', message: 'Consul answers' };
const WARNED: DoctorCheck = { name: 'agent', status: 'warning', message: 'not told' };
const BAD: DoctorCheck = { name: 'own-nodes', status: 'failed', message: 'a write is refused', remedy: 'Add the right.' };

describe('doctor consul', () => {
  it('writes a line for each check, with what to do, and fails when one failed', async () => {
    expect(await doctor(['consul'], { checks: [GOOD, WARNED, BAD] })).toEqual({
      code: 1,
      stderr: '',
      stdout: [
        'ok       address    Consul answers',
        'warning  agent      not told',
        'failed   own-nodes  a write is refused. Add the right.',
        '',
      ].join('\n'),
    });
  });

  it('is content with warnings', async () => {
    expect(await doctor(['consul'], { checks: [GOOD, WARNED] })).toMatchObject({ code: 0 });
  });

  it('tells the same as JSON', async () => {
    const { code, stdout } = await doctor(['consul', '--output', 'json'], { checks: [GOOD, BAD] });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ ok: false, checks: [GOOD, BAD] });
  });

  it('wants a leg that it knows, and a cluster, but no repository', async () => {
    expect(await doctor([])).toMatchObject({ code: 64 });
    expect(await doctor(['traefik'])).toMatchObject({ code: 64, stderr: expect.stringContaining('consul') });
    const { code, stderr } = await doctor(['consul', '--policy'], { env: {} });
    expect(code).toBe(78);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('cluster: must be set')]);
  });

  it('says which file of the configuration cannot be read', async () => {
    const answer = await doctor(['consul'], { env: { ...ENV, POOLKEEPER_CONSUL_CA_FILE: '/none/ca.pem' } });
    expect(answer).toMatchObject({ code: 78, stderr: expect.stringMatching(/CONFIG_UNREADABLE: consul\.caFile: .*\/none\/ca\.pem/) });
  });
});

describe('doctor git', () => {
  it('writes a line for each check, and needs no cluster', async () => {
    const answer = await doctor(['git'], { checks: [GOOD, BAD], env: { POOLKEEPER_GIT_URL: '/srv/specs.git' } });
    expect(answer).toMatchObject({ code: 1, stderr: '', stdout: expect.stringContaining('a write is refused. Add the right.') });
  });

  it('says what is wrong with a repository', async () => {
    const { code, stdout } = await doctor(['git'], { env: { POOLKEEPER_GIT_URL: '/none/specs.git' } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed {3}login .*\/none\/specs\.git/m);
  });

  it('wants a repository, and no options of consul', async () => {
    expect(await doctor(['git'], { env: {} })).toMatchObject({ code: 78, stderr: expect.stringContaining('git.url: must be set') });
    const answer = await doctor(['git', '--policy'], { env: { POOLKEEPER_GIT_URL: '/srv/specs.git' } });
    expect(answer).toMatchObject({ code: 64, stderr: expect.stringContaining('are for consul') });
  });
});

describe('doctor consul --policy', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'doctor-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('prints the policy under deploy/ for the default configuration, and as JSON when asked', async () => {
    const policy = readDeploy('consul', 'policy.hcl');
    expect(await doctor(['consul', '--policy'])).toEqual({ code: 0, stdout: policy, stderr: '' });
    const { stdout } = await doctor(['consul', '--policy', '--output', 'json']);
    expect(JSON.parse(stdout)).toEqual({ policy });
  });

  it.each(['both', 'kv', 'catalog'])('asks for what registration: %s needs', async (registration) => {
    const { stdout } = await doctor(['consul', '--policy'], { env: { ...ENV, POOLKEEPER_REGISTRATION: registration } });
    expect(stdout.includes('kubernetes/specifications/')).toBe(registration !== 'catalog');
    expect(stdout).toContain('kubernetes/deployments/');
  });

  it('names the services of the specs as Consul will, also those that are not registered now', async () => {
    const service = (name: string, annotations = ''): string =>
      `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, annotations: {${annotations}} }\nspec: { ports: [{ port: 80 }] }\n`;
    await writeFile(
      join(directory, 'a.yaml'),
      [
        service('web'),
        service('api', 'poolkeeper.dev/service-name: orders-api'),
        'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n',
      ].join('---\n'),
    );
    const { code, stdout } = await doctor(['consul', '--policy', '--exact', directory]);
    expect(code).toBe(0);
    expect([...stdout.matchAll(/^service "(.*)"/gm)].map(([, name]) => name)).toEqual(['orders-api', 'poolkeeper-prod', 'web']);
  });

  it('prints nothing for specs that are broken or not there', async () => {
    await writeFile(join(directory, 'broken.yaml'), 'kind: [');
    const broken = await doctor(['consul', '--policy', '--exact', directory]);
    expect(broken).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('broken.yaml:1:') });
    expect(await doctor(['consul', '--exact', join(directory, 'none')])).toMatchObject({ code: 1, stdout: '' });
  });
});
