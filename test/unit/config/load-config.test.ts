import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { type ConfigSources, loadConfig } from '../../../src/config/load-config.ts';
import type { Problem } from '../../../src/shared/problem.ts';

const least = 'cluster: main\ngit:\n  url: https://git.example.com/specs.git\n';

function load(yaml: string, more: Partial<ConfigSources> & { readonly files?: Readonly<Record<string, string>> } = {}) {
  const files: Readonly<Record<string, string>> = { 'poolkeeper.yaml': yaml, ...more.files };
  return loadConfig({
    file: 'poolkeeper.yaml',
    env: {},
    flags: {},
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
      return text;
    },
    ...more,
  });
}

function configOf(...args: Parameters<typeof load>): Config {
  const loaded = load(...args);
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config;
}

function problemsOf(...args: Parameters<typeof load>): readonly Problem[] {
  const loaded = load(...args);
  return loaded.kind === 'invalid' ? loaded.problems : [];
}

describe('loadConfig', () => {
  it('needs no more than a cluster and a repository; the rest has defaults', () => {
    const config = configOf(least);
    expect(config).toMatchObject({
      owner: 'poolkeeper',
      cluster: 'main',
      registration: 'both',
      registrationExplicit: false,
      git: { url: 'https://git.example.com/specs.git', ref: 'main', root: '', intervalMs: 30_000, timeoutMs: 60_000, jitter: 0.1 },
      consul: { address: 'http://127.0.0.1:8500', keyPath: 'kubernetes', nodePrefix: 'k8s-' },
      traefik: { entryPoints: { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } }, letGoMs: 20_000 },
      pool: { addressTypes: ['InternalIP', 'ExternalIP', 'Hostname'], graceMs: 10_000, minBackends: 1, health: 'node' },
      drain: { seconds: 10, onCordon: true },
      guard: { windowMs: 600_000 },
      http: { listen: { host: '127.0.0.1', port: 8080 } },
    });
    expect(config.git.username).toBeUndefined();
    expect(config.guard.maxRemovedPools).toBeUndefined();
  });

  it('lets flags win over variables, variables over the file, the file over defaults', () => {
    const yaml = `${least}  ref: from-file\n  interval: 1m\nowner: file\n`;
    const env = { POOLKEEPER_GIT_REF: 'from-env', POOLKEEPER_OWNER: 'env' };
    const config = configOf(yaml, { env, flags: { 'git.ref': 'from-flag' } });
    expect(config.git.ref).toBe('from-flag');
    expect(config.owner).toBe('env');
    expect(config.git.intervalMs).toBe(60_000);
  });

  it('works without any file', () => {
    const env = { POOLKEEPER_CLUSTER: 'main', POOLKEEPER_GIT_URL: '/srv/specs.git' };
    expect(configOf('', { file: undefined, env }).git.url).toBe('/srv/specs.git');
  });

  it('reads every kind of value from one line of text', () => {
    const env = {
      POOLKEEPER_POOL_ADDRESS_TYPES: 'Hostname, InternalIP',
      POOLKEEPER_GUARD_MAX_REMOVED_POOLS: '25%',
      POOLKEEPER_GUARD_MAX_REMOVED_OBJECTS: '7',
      POOLKEEPER_DRAIN_ON_CORDON: 'false',
      POOLKEEPER_TRAEFIK_ENTRY_POINTS: '{http: {name: main}, https: {name: safe, tls: true}}',
      POOLKEEPER_HTTP_LISTEN: '[::1]:9000',
      POOLKEEPER_RESYNC_SCHEDULE: '0 4 * * mon-fri',
      POOLKEEPER_RESYNC_TIMEZONE: 'Europe/Istanbul',
      POOLKEEPER_POOL_MAX_BACKENDS: '40',
      POOLKEEPER_POOL_NODES: 'pool in (a,b)',
    };
    expect(configOf(least, { env })).toMatchObject({
      pool: { addressTypes: ['Hostname', 'InternalIP'], maxBackends: 40, nodes: [{ key: 'pool', operator: 'in', values: ['a', 'b'] }] },
      guard: { maxRemovedPools: { kind: 'share', value: 0.25 }, maxRemovedObjects: { kind: 'number', value: 7 } },
      drain: { onCordon: false },
      traefik: { entryPoints: { http: { name: 'main', tls: false }, https: { name: 'safe', tls: true } } },
      http: { listen: { host: '::1', port: 9000 } },
      resync: { schedule: '0 4 * * mon-fri', timezone: 'Europe/Istanbul' },
    });
  });

  it('tells all problems at once, each with its place', () => {
    const problems = problemsOf('cluster: Main!\ngit:\n  interval: 30\n  reff: x\nconsul: yes\nguard: {window: soon}\n', {
      env: { POOLKEEPER_POOL_GRACE: 'long' },
      flags: { 'log.level': 'loud' },
    });
    const told = problems.map(({ message, where }) => [message.split(':')[0], where && `${where.line}:${where.column}`]);
    expect(told).toEqual([
      ['there is no option git.reff', '4:3'],
      ['consul', '5:1'],
      ['cluster', '1:1'],
      ['git.url', undefined],
      ['git.interval', '3:3'],
      ['pool.grace (POOLKEEPER_POOL_GRACE)', undefined],
      ['guard.window', '6:9'],
      ['log.level (--log-level)', undefined],
    ]);
    expect(problems.find(({ code }) => code === 'CONFIG_UNKNOWN_KEY')?.remedy).toBe('Did you mean git.ref?');
    expect(problems.find(({ message }) => message.startsWith('git.interval'))).toMatchObject({
      message: 'git.interval: expected a duration such as 30s, 5m or 500ms, above 0 and at most 480h, got 30',
      where: { file: 'poolkeeper.yaml' },
    });
  });

  it.each([
    ['git:\n  passwrdFile: x', 'Did you mean git.passwordFile?'],
    ['git:\n  password: x', 'Did you mean git.passwordFile?'],
    ['token: x', 'Remove the key.'],
    ['keyPath: x', 'Did you mean consul.keyPath?'],
  ])('guesses what %j was meant to be', (yaml, remedy) => {
    expect(problemsOf(yaml).find(({ code }) => code === 'CONFIG_UNKNOWN_KEY')?.remedy).toBe(remedy);
  });

  it('tells a misspelt variable, and leaves those alone that Kubernetes or other tools set', () => {
    const env = {
      POOLKEEPER_GIT_INTERVALL: '30s',
      POOLKEEPER_SERVERS_DIR: '/servers',
      POOLKEEPER_CONFIG: 'x.yaml',
      POOLKEEPER_URL: 'http://127.0.0.1:8080',
      POOLKEEPER_TOKEN_FILE: '/token',
      POOLKEEPER_PORT: 'tcp://10.0.0.1:8080',
      POOLKEEPER_SERVICE_HOST: '10.0.0.1',
      POOLKEEPER_PORT_8080_TCP_ADDR: '10.0.0.1',
    };
    const problems = problemsOf(least, { env });
    expect(problems.map(({ message }) => message)).toEqual(['there is no option for the variable POOLKEEPER_GIT_INTERVALL']);
  });

  it('takes an empty variable and a null for "not set"', () => {
    expect(configOf(`${least}  ref: null\nhttp:\n`, { env: { POOLKEEPER_OWNER: '' } })).toMatchObject({
      owner: 'poolkeeper',
      git: { ref: 'main' },
    });
  });

  it.each([
    [{}, 'registration: kv\n', true],
    [{ POOLKEEPER_REGISTRATION: 'both' }, '', true],
    [{ POOLKEEPER_REGISTRATION: '' }, '', false],
  ])('knows whether registration was chosen (%j, %j)', (env, yaml, explicit) => {
    expect(configOf(least + yaml, { env }).registrationExplicit).toBe(explicit);
  });

  it.each([['0.0.0.0:8080'], [':8080'], ['poolkeeper.example.com:80'], ['[::]:8080']])(
    'refuses to listen on %s without a token',
    (listen) => {
      const yaml = `${least}http: {listen: "${listen}"`;
      expect(problemsOf(`${yaml}}`).map(({ message }) => message)).toEqual([expect.stringContaining('http.listen: others can reach')]);
      expect(problemsOf(`${yaml}, tokenFile: token}`, { files: { token: 'secret\n' } })).toEqual([]);
    },
  );

  it.each([['127.0.0.1:0'], ['127.1.2.3:80'], ['localhost:80'], ['[::1]:80']])('needs no token on %s', (listen) => {
    expect(problemsOf(`${least}http: {listen: "${listen}"}`)).toEqual([]);
  });

  it.each([
    ['kubernetes: {inCluster: true, context: x}', 'kubernetes.inCluster'],
    ['consul: {certFile: x}', 'consul.certFile'],
    ['consul: {keyFile: x}', 'consul.keyFile'],
    ['resync: {timezone: UTC}', 'resync.timezone'],
    ['tracing: {endpoint: "http://c:4318", caFile: x}', 'tracing.caFile'],
  ])('refuses options that contradict each other: %s', (yaml, key) => {
    expect(problemsOf(`${least}${yaml}`).map(({ message }) => message.split(':')[0])).toEqual([key]);
  });

  it('reports unreadable and empty secret files without showing what stands in their place', () => {
    const yaml = `${least}consul: {tokenFile: hunter2-secret}\nhttp: {tokenFile: empty}\n`;
    const problems = problemsOf(yaml, { files: { empty: ' \n' } });
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'CONFIG_UNREADABLE consul.tokenFile: the file cannot be read (ENOENT)',
      'CONFIG_INVALID http.tokenFile: the file is empty',
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('tells a file of headers that is none, and nothing of what it holds', () => {
    const problems = problemsOf(`${least}tracing: {headersFile: headers}\n`, { files: { headers: 'hunter22-without-a-name\n' } });
    expect(problems.map(({ message }) => message)).toEqual(['tracing.headersFile: expected a name, a colon and a value in every line']);
    expect(problemsOf(`${least}tracing: {headersFile: headers}\n`, { files: { headers: 'Authorization: Bearer x\n' } })).toEqual([]);
  });

  it('refuses a password in a URL and does not repeat it', () => {
    const problems = problemsOf(
      'cluster: main\ngit: {url: "https://me:hunter2@example.com/x.git"}\nconsul: {address: "http://me:hunter2@c:8500"}',
    );
    expect(problems.map(({ message }) => message.split(':')[0])).toEqual(['git.url', 'consul.address']);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('accepts a user name in an ssh URL', () => {
    expect(configOf('cluster: main\ngit: {url: "ssh://git@example.com/x.git"}').git.url).toBe('ssh://git@example.com/x.git');
  });

  it.each([
    ['a: [1,\nb: 2', 2],
    ['- a\n', 1],
    ['a: 1\na: 2\n', 2],
    ['a: 1\n---\nb: 2\n', 1],
  ])('tells the place of a mistake in the YAML itself: %j', (yaml, line) => {
    expect(problemsOf(yaml)[0]).toMatchObject({ code: 'CONFIG_INVALID', where: { file: 'poolkeeper.yaml', line } });
  });

  it('tells a file that cannot be read', () => {
    expect(problemsOf('', { file: 'gone.yaml' })[0]).toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringContaining('gone.yaml'),
    });
  });

  it.each([
    ['git: {root: "../up"}', 'git.root'],
    ['traefik: {entryPoints: {http: {nam: web}}}', 'traefik.entryPoints'],
    ['resync: {schedule: "61 * * * *"}', 'resync.schedule'],
    ['guard: {maxRemovedPools: 100%}', 'guard.maxRemovedPools'],
    ['pool: {maxBackends: 0}', 'pool.maxBackends'],
    ['http: {listen: "127.0.0.1:70000"}', 'http.listen'],
    ['git: {ref: 2024}', 'git.ref'],
    ['pool: {nodes: "a=b=c"}', 'pool.nodes'],
    ['pool: {health: nodes}', 'pool.health'],
    ['git: {interval: 481h}', 'git.interval'],
    ['git: {interval: 0s}', 'git.interval'],
  ])('refuses %s', (yaml, key) => {
    const env = { POOLKEEPER_CLUSTER: 'main', POOLKEEPER_GIT_URL: 'https://example.com/x' };
    expect(problemsOf(yaml, { env }).map(({ message }) => message.split(':')[0])).toEqual([key]);
  });
});

describe('traefik.api', () => {
  const api = (text: string): string => `${least}traefik:\n  api:\n${text}`;
  const files = { '/run/ca.pem': 'PEM', '/run/password': 'secret\n' };

  it('lists replicas, each with how it is reached', () => {
    const yaml = api(
      '    - {name: edge-1, url: "https://10.0.0.5:8443", username: ops, passwordFile: /run/password, caFile: /run/ca.pem}\n    - {name: edge-2, url: "https://10.0.0.6", insecureSkipVerify: true}\n',
    );
    expect(configOf(yaml, { files }).traefik.api).toEqual([
      {
        name: 'edge-1',
        url: 'https://10.0.0.5:8443',
        username: 'ops',
        passwordFile: '/run/password',
        caFile: '/run/ca.pem',
        insecureSkipVerify: false,
      },
      { name: 'edge-2', url: 'https://10.0.0.6', insecureSkipVerify: true },
    ]);
  });

  it('is not watched unless it is set', () => {
    expect(configOf(least).traefik.api).toBeUndefined();
  });

  it('takes one line of YAML from the environment', () => {
    const env = { POOLKEEPER_TRAEFIK_API: '[{name: edge, url: "http://127.0.0.1:8082"}]' };
    expect(configOf(least, { env }).traefik.api).toEqual([{ name: 'edge', url: 'http://127.0.0.1:8082', insecureSkipVerify: false }]);
  });

  it.each<readonly [string, string, string]>([
    ['an empty list', '    []\n', 'traefik.api'],
    ['two of one name', '    [{name: a, url: "http://h:1"}, {name: a, url: "http://h:2"}]\n', 'traefik.api'],
    ['a password in the URL', '    [{name: a, url: "http://u:p@h:1"}]\n', '0.url'],
    ['a user without a password', '    [{name: a, url: "http://h:1", username: ops}]\n', '0.passwordFile'],
    ['authorities without TLS', '    [{name: a, url: "http://h:1", caFile: /run/ca.pem}]\n', '0.url'],
    [
      'authorities that nobody checks',
      '    [{name: a, url: "https://h:1", caFile: /run/ca.pem, insecureSkipVerify: true}]\n',
      '0.insecureSkipVerify',
    ],
    ['a key that it does not know', '    [{name: a, url: "http://h:1", token: x}]\n', '0'],
  ])('refuses %s', (_name, text, where) => {
    const [found] = problemsOf(api(text), { files });
    expect(found?.code).toBe('CONFIG_INVALID');
    expect(found?.message).toContain(where);
    expect(found?.message).not.toContain('u:p@');
  });

  it('needs a dialect that Traefik 3 reads', () => {
    const yaml = `${api('    [{name: a, url: "http://h:1"}]\n')}  dialect: v1\n`;
    expect(problemsOf(yaml).map(({ message }) => message)).toEqual(['traefik.api: only the API of Traefik 3 can be watched']);
  });

  it.each([
    ['watch', { kind: 'watch' }],
    ['2s', { kind: 'poll', intervalMs: 2_000 }],
  ])('is told how Traefik learns of changes: %s', (refresh, expected) => {
    expect(configOf(`${least}traefik: {refresh: ${refresh}}\n`).traefik.refresh).toEqual(expected);
    expect(configOf(least, { env: { POOLKEEPER_TRAEFIK_REFRESH: refresh } }).traefik.refresh).toEqual(expected);
  });

  it('reads what stands two levels down, by every name', () => {
    const yaml = `${least}traefik:\n  probe:\n    url: http://traefik\n    interval: 10s\n`;
    const probe = { url: 'http://traefik', intervalMs: 10_000, timeoutMs: 5_000, caFile: undefined, insecureSkipVerify: false };
    expect(configOf(yaml).traefik.probe).toEqual(probe);
    expect(configOf(yaml, { env: { POOLKEEPER_TRAEFIK_PROBE_URL: 'http://other' } }).traefik.probe.url).toBe('http://other');
    expect(problemsOf(`${least}traefik: {probe: on}\n`)[0]?.message).toBe('traefik.probe: expected a mapping of options');
    expect(problemsOf(`${least}traefik: {probe: {ur: "http://h"}}\n`)[0]?.remedy).toBe('Did you mean traefik.probe.url?');
    expect(problemsOf(`${yaml}    insecureSkipVerify: true\n`)[0]?.message).toBe(
      'traefik.probe: caFile and insecureSkipVerify are for https only',
    );
  });

  it('names a password file that cannot be read', () => {
    const yaml = api('    [{name: a, url: "http://h:1", username: ops, passwordFile: /none}]\n');
    expect(problemsOf(yaml).map(({ message }) => message)).toEqual([
      'traefik.api, replica a, passwordFile: the file cannot be read (ENOENT)',
    ]);
  });
});
