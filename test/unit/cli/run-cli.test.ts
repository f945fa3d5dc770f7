import { describe, expect, it } from 'vitest';
import type { DaemonModule, OnceModule, PlanWish } from '../../../src/cli/cli-io.ts';
import type { WriteHow } from '../../../src/cli/write-file.ts';
import type { Config } from '../../../src/config/config.ts';
import { specId } from '../../../src/core/model/ids.ts';
import type { RunReport } from '../../../src/core/report/run-report.ts';
import { type RecordedWorld, writeSnapshot } from '../../../src/core/snapshot/recorded-world.ts';
import { AppError } from '../../../src/shared/errors.ts';
import { problem } from '../../../src/shared/problem.ts';
import { type CliWorld, callCli } from '../../support/call-cli.ts';
import { actionReport, removalHold, runReport, sourceReport, specReport } from '../../support/run-report.ts';

const yaml = 'cluster: main\ngit: {url: /srv/specs.git}\n';

const UNAVAILABLE = { kind: 'unavailable', reason: problem('SNAPSHOT_STALE', 'not looked at'), sinceMs: 0 } as const;
const RECORDED: RecordedWorld = {
  ...{ recordedAtMs: 0, owner: 'poolkeeper', cluster: 'main', keyPath: 'kubernetes' },
  world: {
    cluster: { nodes: UNAVAILABLE, services: UNAVAILABLE, endpoints: UNAVAILABLE, pods: UNAVAILABLE, objects: new Map() },
    registry: UNAVAILABLE,
  },
};

/** A daemon module that records what it is asked, and answers with the given report. */
function fakeDaemon(report: RunReport = runReport()) {
  const calls: { readonly name: string; readonly config: Config }[] = [];
  let stopped = 0;
  const module: DaemonModule & OnceModule = {
    startDaemon: async (config) => {
      calls.push({ name: 'start', config });
      return { url: 'http://127.0.0.1:1', stop: async () => void stopped++ };
    },
    planOnce: async (config, { check }) => {
      calls.push({ name: check === true ? 'plan --check' : 'plan', config });
      return { report, changes: [], recorded: RECORDED };
    },
    syncOnce: async (config, { onReport }) => {
      calls.push({ name: 'sync', config });
      for (const ms of [0, 5_000]) onReport?.({ ...report, startedAtMs: report.startedAtMs + ms });
      return report;
    },
  };
  return { module, calls, stops: () => stopped };
}

function cli(
  argv: readonly string[],
  { daemon = fakeDaemon().module, files, ...more }: CliWorld & { readonly daemon?: DaemonModule & OnceModule } = {},
) {
  return callCli(argv, {
    files: { 'poolkeeper.yaml': yaml, ...files },
    now: () => 1_700_000_000_000,
    load: {
      daemon: async () => daemon,
      once: async () => daemon,
      demo: async () => ({ runDemo: async ({ once, json }) => (once && json ? 0 : 1) }),
    },
    ...more,
  });
}

describe('runCli', () => {
  it('tells version and help with exit code 0', async () => {
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: '0.0.0-source\n', stderr: '' });
    const help = await cli(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const word of ['run', 'plan', 'sync', 'status', 'resync', 'demo', 'Examples:', 'Exit codes:']) expect(help.stdout).toContain(word);
  });

  it.each([[[]], [['nope']], [['plan', '--outptu', 'json']], [['plan', '--output', 'xml']], [['sync']], [['resync', 'a', 'b']]])(
    'answers wrong usage %j with 64',
    async (argv) => {
      expect(await cli(argv)).toMatchObject({ code: 64, stdout: '', stderr: expect.stringMatching(/./) });
    },
  );

  it('suggests what was meant', async () => {
    expect((await cli(['plna'])).stderr).toContain('Did you mean plan?');
  });

  it.each(['run', 'plan', 'sync --once'])('answers a wrong configuration of %s with 78 and every problem', async (command) => {
    const result = await cli([...command.split(' '), '--log-level', 'loud'], { files: { 'poolkeeper.yaml': 'clutser: x\n' } });
    expect(result).toMatchObject({ code: 78, stdout: '' });
    expect(result.stderr.split('\n').filter((line) => line !== '')).toEqual([
      expect.stringContaining('poolkeeper.yaml:1:1: CONFIG_UNKNOWN_KEY: there is no option clutser. Did you mean cluster?'),
      expect.stringContaining('cluster: must be set'),
      expect.stringContaining('git.url: must be set'),
      expect.stringContaining('log.level (--log-level)'),
    ]);
  });

  it('writes problems as JSON when asked', async () => {
    const { code, stdout, stderr } = await cli(['plan', '--output', 'json'], { files: { 'poolkeeper.yaml': 'cluster: x' } });
    expect({ code, stderr }).toEqual({ code: 78, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ problems: [{ code: 'CONFIG_INVALID', message: 'git.url: must be set' }] });
  });

  it('reads flags, variables and the named file', async () => {
    const daemon = fakeDaemon();
    const argv = ['plan', '--config', 'other.yaml', '--git-interval', '5s', '--drain-on-cordon', 'false', '--specs-namespace-from-folder'];
    const result = await cli(argv, {
      daemon: daemon.module,
      files: { 'other.yaml': `${yaml}owner: other\n` },
      env: { POOLKEEPER_LOG_LEVEL: 'debug' },
    });
    expect(result.stderr).toBe('');
    expect(daemon.calls[0]?.config).toMatchObject({
      owner: 'other',
      git: { intervalMs: 5000 },
      drain: { onCordon: false },
      specs: { namespaceFromFolder: true },
      log: { level: 'debug' },
    });
  });

  it('takes the file from POOLKEEPER_CONFIG, and does without one', async () => {
    const env = { POOLKEEPER_CONFIG: 'env.yaml' };
    const daemon = fakeDaemon();
    await cli(['plan'], { daemon: daemon.module, env, files: { 'env.yaml': `${yaml}owner: env\n` } });
    expect(daemon.calls[0]?.config.owner).toBe('env');
    expect(await cli(['plan'], { env })).toMatchObject({ code: 78, stderr: expect.stringContaining('env.yaml cannot be read (ENOENT)') });
    const nothing = () => {
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    };
    expect(await cli(['plan', '--cluster', 'main', '--git-url', '/srv/x.git'], { readFile: nothing })).toMatchObject({ code: 0 });
  });
});

describe('run', () => {
  it('runs until it is told to stop, and stops the daemon', async () => {
    const daemon = fakeDaemon();
    const stop = new AbortController();
    const running = cli(['run'], { daemon: daemon.module, signal: stop.signal });
    await expect.poll(() => daemon.calls.length).toBe(1);
    expect(daemon.stops()).toBe(0);
    stop.abort();
    expect(await running).toMatchObject({ code: 0, stderr: '' });
    expect(daemon.stops()).toBe(1);
  });

  it('stops also when it was told to while it started', async () => {
    const daemon = fakeDaemon();
    expect(await cli(['run'], { daemon: daemon.module, signal: AbortSignal.abort() })).toMatchObject({ code: 0 });
    expect(daemon.stops()).toBe(1);
  });

  it.each([
    [problem('CONSUL_CLUSTER_CLASH', 'another cluster'), 78],
    [problem('CONSUL_UNAVAILABLE', 'no answer'), 1],
  ])('tells why it could not start: %j', async (found, code) => {
    const daemon = { ...fakeDaemon().module, startDaemon: () => Promise.reject(new AppError(found)) };
    expect(await cli(['run'], { daemon })).toEqual({ code, stdout: '', stderr: expect.stringContaining(found.message) });
  });

  it('tells an unexpected error without the secrets in its URLs', async () => {
    const daemon = { ...fakeDaemon().module, startDaemon: () => Promise.reject(new Error('GET https://me:hunter2@host failed')) };
    const { code, stderr } = await cli(['run'], { daemon });
    expect({ code, leaks: stderr.includes('hunter2') }).toEqual({ code: 1, leaks: false });
    expect(stderr).toContain('INTERNAL: GET https://[redacted]@host failed');
  });
});

describe('plan', () => {
  const something = runReport({ specs: [specReport('a.yaml', { state: 'changing', actions: [actionReport({ result: 'planned' })] })] });
  const nodesOnly = runReport({ actions: [actionReport({ leg: 'consul', op: 'ensure-node', result: 'planned' })] });
  const held = runReport({ holds: [removalHold('a.yaml', 'pool prod/a')] });
  const broken = runReport({ specs: [specReport('a.yaml', { state: 'broken' })] });
  const blind = runReport({ sources: [sourceReport('consul', { kind: 'unavailable' })] });

  it.each([
    ['nothing', runReport(), [], 0],
    ['nothing', runReport(), ['--exit-code'], 0],
    ['something', something, [], 0],
    ['something', something, ['--exit-code'], 2],
    ['nodes', nodesOnly, ['--exit-code'], 2],
    ['held', held, ['--exit-code'], 2],
    ['broken', broken, ['--exit-code'], 1],
    ['blind', blind, [], 1],
  ])('%s to do: exit code', async (_, report, flags, code) => {
    expect((await cli(['plan', ...flags], { daemon: fakeDaemon(report).module })).code).toBe(code);
  });

  it('has the plan tried by the API server when asked to', async () => {
    const { module, calls } = fakeDaemon();
    await cli(['plan', '--check'], { daemon: module });
    await cli(['plan'], { daemon: module });
    expect(calls.map(({ name }) => name)).toEqual(['plan --check', 'plan']);
  });

  describe('with a snapshot', () => {
    const wishes: PlanWish[] = [];
    const { module } = fakeDaemon(something);
    const daemon = {
      ...module,
      planOnce: async (config: Config, io: PlanWish) => {
        wishes.push({ ...io, directory: `${io.directory} ${config.git.ref}` });
        const change = {
          leg: 'kubernetes',
          op: 'apply-object',
          on: 'Service prod/web',
          why: ['change', 'content'],
          state: 'planned',
        } as const;
        const lines = [{ what: 'spec.replicas', op: 'change', before: 1, after: 2 }] as const;
        return { report: something, changes: [{ ...change, spec: specId('a.yaml'), lines }], recorded: RECORDED };
      },
    };

    it('writes one, and plans against it', async () => {
      const files: Record<string, string> = {};
      const writeFile = (path: string, text: string, { isPrivate }: WriteHow): void => {
        expect(isPrivate).toBe(true);
        files[path] = text;
      };
      expect(await cli(['plan', '--record', 's.json'], { daemon, writeFile })).toMatchObject({ code: 0 });
      expect(wishes.at(-1)).toMatchObject({ standIn: false });
      const argv = ['plan', '--snapshot', 's.json', '--dir', 'specs', '--output', 'markdown'];
      const { stdout, stderr } = await cli(argv, { daemon, files });
      expect(stderr).toBe('');
      expect(wishes.at(-1)).toMatchObject({ recorded: RECORDED, directory: 'specs main', standIn: true });
      expect(stdout).toContain('```diff\nRevision 4f1c0de');
      expect(stdout).toMatch(/^! {2}apply-object Service prod\/web: change\n! {6}spec\.replicas: 1 → 2$/m);
    });

    it('refuses one of another daemon, and one without a source', async () => {
      const files = { 's.json': writeSnapshot({ ...RECORDED, cluster: 'other' }) };
      expect(await cli(['plan', '--snapshot', 's.json'], { daemon, files })).toMatchObject({
        code: 78,
        stderr: expect.stringContaining('was made for cluster other, and main is configured'),
      });
      const writeFile = () => expect.unreachable();
      const half = fakeDaemon(blind).module;
      expect(await cli(['plan', '--record', 's.json'], { daemon: half, writeFile })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('s.json is not written: the source consul is unavailable'),
      });
    });

    it('plans for another branch', async () => {
      const { module: planning, calls } = fakeDaemon();
      const env = { POOLKEEPER_GIT_FAST_FORWARD_ONLY: 'true', POOLKEEPER_GIT_TAG: 'v1' };
      await cli(['plan', '--ref', 'feature/x'], { daemon: planning, env });
      // It goes on from the commit in force only when it is merged.
      expect(calls.at(-1)?.config.git).toMatchObject({ ref: 'feature/x', fastForwardOnly: false });
      expect(calls.at(-1)?.config.git.tag).toBeUndefined();
      await cli(['plan', '--ref', 'feature/x'], { daemon });
      expect(wishes.at(-1)).toMatchObject({ directory: 'undefined feature/x', standIn: true });
    });
  });

  it('shows the plan, as text without colours or as JSON', async () => {
    const daemon = fakeDaemon(something).module;
    expect((await cli(['plan'], { daemon })).stdout).toContain('+ apply-object Service prod/web: spec.ports[0].port\n');
    expect(JSON.parse((await cli(['plan', '--output', 'json'], { daemon })).stdout)).toEqual({
      ...(JSON.parse(JSON.stringify(something)) as object),
      changes: [],
    });
  });

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ TERM: 'dumb' }, true, false],
  ])('has colours with %j on a terminal (%s): %s', async (env, isTerminal, colored) => {
    const { stdout } = await cli(['plan'], { daemon: fakeDaemon(something).module, env, isTerminal });
    expect(stdout.includes('\u001b[')).toBe(colored);
  });
});

const ROLLOUT = { leg: 'kubernetes', what: '0 of 2 replicas are available', on: undefined, rollout: true } as const;
const ENDPOINT = { leg: 'consul', what: 'the first endpoint', on: undefined } as const;

describe('sync', () => {
  it.each([
    ['in step', runReport({ specs: [specReport('a'), specReport('b', { state: 'suspended' })] }), 0],
    ['rolling out', runReport({ specs: [specReport('a', { state: 'waiting', waiting: [ROLLOUT] })] }), 0],
    ['rolling out, and waiting for more', runReport({ specs: [specReport('a', { state: 'waiting', waiting: [ROLLOUT, ENDPOINT] })] }), 1],
    ['failing to roll out', runReport({ specs: [specReport('a', { state: 'failed' })] }), 1],
    ['still changing', runReport({ specs: [specReport('a', { state: 'changing' })] }), 1],
    ['held', runReport({ holds: [removalHold('a.yaml', 'pool prod/a')] }), 1],
  ])('%s: exit code', async (_, report, code) => {
    expect((await cli(['sync', '--once'], { daemon: fakeDaemon(report).module })).code).toBe(code);
  });

  it('says beside it what it waits for, but not into JSON', async () => {
    const waiting = [{ leg: 'kubernetes' as const, what: 'wave 1 waits for Deployment prod/db', on: undefined }];
    const daemon = fakeDaemon(runReport({ specs: [specReport('a.yaml', { state: 'waiting', waiting })] })).module;
    expect((await cli(['sync', '--once'], { daemon })).stderr).toBe('waiting: a.yaml: wave 1 waits for Deployment prod/db\n');
    expect((await cli(['sync', '--once', '--output', 'json'], { daemon })).stderr).toBe('');
  });

  it('says who leads when it wrote nothing for that reason, and nothing of it else', async () => {
    const standby = runReport({ leader: { consul: false, kubernetes: false, holder: 'replica-b' } });
    expect((await cli(['sync', '--once'], { daemon: fakeDaemon(standby).module })).stdout).toContain(
      'Nothing was written: replica-b leads.',
    );
    expect((await cli(['sync', '--once'])).stdout).not.toContain('leads');
  });

  it('writes JSON when asked', async () => {
    expect(JSON.parse((await cli(['sync', '--once', '--output', 'json'])).stdout)).toMatchObject({ passes: 1 });
  });
});

describe('demo', () => {
  it('hands its options over and its exit code back', async () => {
    expect((await cli(['demo', '--once', '--output', 'json'])).code).toBe(0);
    expect((await cli(['demo'])).code).toBe(1);
  });
});
