import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadKubeConfig } from '../../../../src/adapters/kubernetes/connection.ts';

describe('loadKubeConfig', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const write = async (user: object, cluster: object = { server: 'https://192.0.2.1' }): Promise<string> => {
    const path = join(directory, 'config');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'ours' } }],
      'current-context': 'x',
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  };
  const codeOf = (load: () => unknown): string | undefined => {
    try {
      load();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : undefined;
    }
  };

  it('loads a context with its namespace', async () => {
    const config = loadKubeConfig({ kind: 'kubeconfig', path: await write({ token: 't' }) }, false);
    expect(config.getContextObject('x')?.namespace).toBe('ours');
  });

  it.each([
    ['a program', { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'login' } }],
    ['an auth provider', { 'auth-provider': { name: 'gcp' } }],
  ])('refuses a user who logs in by %s, unless that is allowed', async (_, user) => {
    const path = await write(user);
    expect(codeOf(() => loadKubeConfig({ kind: 'kubeconfig', path }, false))).toMatch(/^CONFIG_INVALID.*user u.*client certificate/);
    expect(codeOf(() => loadKubeConfig({ kind: 'kubeconfig', path }, true))).toBeUndefined();
  });

  it('merges several files as kubectl does: the first that has a name counts, and missing ones are passed over', async () => {
    const file = async (name: string, content: object): Promise<string> => {
      await writeFile(join(directory, name), JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...content }));
      return join(directory, name);
    };
    const a = await file('a', {
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'of a' } }],
    });
    const b = await file('b', {
      clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1' } }],
      users: [{ name: 'u', user: { token: 'of b' } }],
      'current-context': 'x',
    });
    const path = [join(directory, 'missing'), a, b];
    const config = loadKubeConfig({ kind: 'kubeconfig', path }, false);
    expect([config.getCurrentCluster()?.server, config.getCurrentUser()?.token]).toEqual(['https://192.0.2.1', 'of a']);
    expect(codeOf(() => loadKubeConfig({ kind: 'kubeconfig', path: [join(directory, 'missing')] }, false))).toMatch(/^CONFIG_UNREADABLE/);
  });

  it('names a file that cannot be read', () => {
    expect(codeOf(() => loadKubeConfig({ kind: 'kubeconfig', path: join(directory, 'missing') }, false))).toMatch(
      /^CONFIG_UNREADABLE.*missing/,
    );
  });

  it('names a context that is not there', async () => {
    const path = await write({ token: 't' });
    expect(codeOf(() => loadKubeConfig({ kind: 'kubeconfig', path, context: 'other' }, false))).toMatch(/^CONFIG_INVALID.*"other"/);
  });

  it('refuses plain HTTP without skipTlsVerify, nonsense for a server, and SOCKS proxies', async () => {
    const explicit = (server: string, skipTlsVerify: boolean) =>
      codeOf(() => loadKubeConfig({ kind: 'explicit', server, skipTlsVerify }, false));
    expect(explicit('http://127.0.0.1:1', false)).toMatch(/^CONFIG_INVALID.*HTTP protocol/);
    expect(explicit('http://127.0.0.1:1', true)).toBeUndefined();
    expect(explicit('not a url', true)).toMatch(/^CONFIG_INVALID/);
    const path = await write({ token: 't' }, { server: 'https://192.0.2.1', 'proxy-url': 'socks5://192.0.2.2' });
    expect(codeOf(() => loadKubeConfig({ kind: 'kubeconfig', path }, false))).toMatch(/^CONFIG_INVALID.*SOCKS/);
  });
});
