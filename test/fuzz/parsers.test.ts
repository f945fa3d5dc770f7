import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyError } from '../../src/adapters/git/classify-error.ts';
import { pickRef } from '../../src/adapters/git/follow.ts';
import { parseRemote } from '../../src/adapters/git/parse-remote.ts';
import { folderFilter, pathFilter } from '../../src/adapters/git/path-filter.ts';
import { parseLog } from '../../src/adapters/git/read-commits.ts';
import { parseTree } from '../../src/adapters/git/read-tree.ts';
import { parseSignatures } from '../../src/adapters/git/verify-commits.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { optionEntries } from '../../src/config/option-entries.ts';
import { specId } from '../../src/core/model/ids.ts';
import { parseRule } from '../../src/core/routes/parse-rule.ts';
import { readSnapshot, writeSnapshot } from '../../src/core/snapshot/recorded-world.ts';
import { decodeSpec } from '../../src/core/spec/decode-spec.ts';
import { readSettings } from '../../src/core/spec/read-settings.ts';
import { buildTags } from '../../src/core/tags/build-tags.ts';
import { parseMemory } from '../../src/run/read-memory.ts';
import { AppError } from '../../src/shared/errors.ts';
import { endpoints, MEMORY, world } from '../support/builders.ts';
import { CASES, examples, pieces, spoilt, spoiltBytes, survives } from './hostile-text.ts';

/** Nothing that was parsed may have reached the prototype of all objects. */
function expectUnpolluted(): void {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}

function tryAll<T>(arbitrary: fc.Arbitrary<T>, work: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => survives(() => work(value))),
    { numRuns: CASES },
  );
  expectUnpolluted();
}

/** Runs work that may refuse what it gets in its own words. */
function orRefused(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

const TIMEOUT_MS = 120_000;

describe('hostile input', { timeout: TIMEOUT_MS }, () => {
  it.each(['a.yaml', 'a.json'])('never breaks the reader of spec files: %s', (path) => {
    const options = { defaultNamespace: 'default', namespaceFromFolder: true, root: '' };
    tryAll(spoiltBytes(examples), (bytes) => {
      const decoded = decodeSpec({ id: specId(path), blobId: '0', content: { kind: 'bytes', bytes } }, options);
      // Plain JSON: what a report or a recording is made of.
      expect(JSON.stringify(decoded).length).toBeLessThan(64 * 1024 * 1024);
    });
  });

  const KEYS = [
    ...['register', 'port', 'service-name', 'nodes', 'min-backends', 'drain-seconds', 'health', 'adopt', 'recreate', 'tags', 'depends-on'],
    ...['wave', 'suspend', 'prune', 'probe-path', 'probe-codes'],
  ].map((name) => `poolkeeper.dev/${name}`);
  const TRAEFIK = [
    ...[
      'traefik.enable',
      'traefik.tags',
      'traefik.frontend.rule',
      'traefik.frontends.a.rule',
      'traefik.frontend.entryPoints',
      'traefik.port',
    ],
    ...['traefik.frontend.auth.basic', 'traefik.frontend.whiteList.sourceRange', 'traefik.backend.loadbalancer.method', 'traefik.protocol'],
    ...['traefik.http.routers.a.rule', 'traefik.http.services.a.loadbalancer.server.port', 'traefik.http.middlewares.__proto__.headers.x'],
  ];
  const VALUES = [
    ...[
      'true',
      'false',
      '80',
      '-1',
      '1e9',
      'a=b',
      'Host:a.example',
      'PathPrefixStrip:/a;Method:GET',
      'wrr',
      '10.0.0.0/8,::1/64',
      'a,b,,c',
      '{{.Domain}}',
    ],
    ...[
      'PathRegex:/{a:(x+x+)+y}',
      'HostRegexp:{sub:[a-z]+}.example',
      'a:$apr1$x',
      'traefik.enable=true\ntraefik.http.routers.a.rule=Host(`a`)',
    ],
  ];
  const annotations = fc.dictionary(
    fc.oneof(fc.constantFrom(...KEYS, ...TRAEFIK, '__proto__', 'constructor', 'traefik', 'traefik.'), pieces),
    fc.oneof(fc.constantFrom(...VALUES), spoilt(VALUES)),
    { maxKeys: 8, noNullPrototype: true },
  );

  it('never breaks the reader of annotations', () => {
    tryAll(annotations, (value) => void readSettings(value));
  });

  it.each(['v1', 'v3', 'both'] as const)('never breaks the tags for %s', (dialect) => {
    const entryPoints = { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } };
    tryAll(fc.tuple(annotations, fc.array(spoilt(VALUES), { maxLength: 3 })), ([value, extraTags]) => {
      const { tags } = buildTags({ annotations: value, extraTags, namespace: 'a', name: 'b', dialect, entryPoints });
      expect(new Set(tags).size).toBe(tags.length);
    });
  });

  it('never breaks the reader of rules', () => {
    const RULES = [
      'Host(`a.example`) && (PathPrefix(`/a`) || !Method(`GET`))',
      'HostRegexp(`^[a-z]+$`)',
      'ClientIP(`10.0.0.0/8`)',
      'Query(`a`, `b`)',
    ];
    tryAll(spoilt(RULES), (text) => void parseRule(text));
  });

  it('never breaks the readers of what git writes', () => {
    const ID = '0123456789abcdef0123456789abcdef01234567';
    const OUTPUTS = [
      `100644 blob ${ID}      12\ta.yaml\x00120000 blob ${ID}       3\tlink\x00160000 commit ${ID}       -\tsub\x00`,
      `${ID}\trefs/heads/main\n${ID}\trefs/tags/v1.2.3\n${ID}\trefs/tags/v1.2.3^{}\n`,
      `${ID}\x00Author\x001700000000\x00subject\x003\x1f4\x00`,
      `${ID}\x00Author\x00G\x00SHA256:abc\x00`,
      'debug1: Server host key: ssh-ed25519 SHA256:abc\nHost key verification failed.\nfatal: Could not read from remote repository.\n',
    ];
    tryAll(spoilt(OUTPUTS), (text) => {
      for (const { path } of parseTree(text)) expect(path).not.toContain('\x00');
      for (const follow of [{ kind: 'branch', branch: 'main' } as const, { kind: 'semver', range: '>=1' } as const]) {
        const picked = pickRef(text, follow);
        if (picked !== undefined)
          expect(picked).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{40,64}$/), name: expect.stringMatching(/^refs\//) });
      }
      parseSignatures(text);
      expect(classifyError({ what: 'git fetch', output: text, remote: true }).message.length).toBeLessThan(700);
      parseLog(text);
    });
  });

  it('never breaks the readers of the address, the globs and the state of a repository', () => {
    const URLS = [
      'https://git.example/specs.git',
      'git@git.example:specs.git',
      'ssh://git@[::1]:22/specs',
      '/srv/specs.git',
      'ext::sh -c x',
    ];
    const GLOBS = ['prod/**', '{a,b/c}/*.yaml', '**/[a-z]*/!(x|y)/?.json', '+(a|b)/**/c'];
    tryAll(fc.tuple(spoilt(URLS), spoilt(GLOBS), fc.constantFrom('a', 'a/b', 'prod/eu/x')), ([url, glob, folder]) => {
      orRefused(() => expect(parseRemote(url).url).not.toMatch(/^-|\s/));
      orRefused(() => {
        const [isWanted, mayHoldWanted] = [pathFilter([glob], []), folderFilter([glob], [])];
        if (isWanted(`${folder}/web.yaml`)) expect(mayHoldWanted(folder)).toBe(true);
      });
    });
  });

  it('never breaks the readers of a snapshot and of what the daemon remembers', () => {
    const { specs: _, ...empty } = world({ endpoints: [endpoints('default/web')] });
    const about = { recordedAtMs: 0, owner: 'a', cluster: 'b', keyPath: 'c' };
    const FILES = [writeSnapshot({ ...about, world: empty }), '{"format":"poolkeeper-snapshot","version":1,"world":{"$map":[[1,2]]}}'];
    tryAll(fc.tuple(spoilt(FILES), spoilt([JSON.stringify(MEMORY), '{"__proto__":{"polluted":1}}'])), ([text, memory]) => {
      const read = readSnapshot(text, 'f');
      if (read.kind === 'unreadable') expect(read.problem.code).toBe('SNAPSHOT_UNREADABLE');
      expect(parseMemory(memory)).toMatchObject({ version: 1 });
    });
  });

  it('never breaks the reader of the configuration', () => {
    const keys = optionEntries().map(({ key }) => key);
    const FILES = [
      'cluster: main\ngit:\n  url: https://git.example/specs.git\n  semver: ">=1 <2"\n  include: [prod/**]\npool: {nodes: "a in (b,c)", graceMs: 10s}\n',
      'cluster: main\ngit: {url: /srv/specs.git, interval: 1m}\ntraefik:\n  api: [{name: a, url: http://a:8080}]\n  entryPoints: {http: {name: web}}\n',
    ];
    const value = fc.oneof(
      fc.constantFrom('1s', '0', 'true', '[a', '{a: b}', '10%', '* * * * *', 'Europe/Istanbul', '[::1]:80'),
      spoilt(FILES),
    );
    tryAll(fc.tuple(spoilt(FILES), fc.constantFrom(...keys), value), ([text, key, flag]) => {
      const loaded = loadConfig({ file: 'f', env: {}, flags: { [key]: flag }, readFile: () => text });
      if (loaded.kind === 'invalid') expect(loaded.problems).not.toEqual([]);
    });
  });
});
