import { describe, expect, it } from 'vitest';
import { Discovery, resourcePath, resourceTitle } from '../../../../src/adapters/kubernetes/discovery.ts';
import type { KubeAnswer, KubeClient } from '../../../../src/adapters/kubernetes/kube-client.ts';
import { groupKind } from '../../../../src/core/model/ids.ts';

const signal = new AbortController().signal;
const missing: KubeAnswer = { status: 404, body: {} };
const serve = (documents: Map<string, unknown>, asked: string[]): KubeClient => ({
  server: '',
  namespace: undefined,
  send: async ({ path }) => {
    asked.push(path);
    const body = documents.get(path);
    return body === undefined ? missing : { status: 200, body };
  },
  open: async () => missing,
  close: async () => undefined,
});
const kinds = (...names: readonly string[]) => ({
  resources: names.flatMap((kind) => [
    { name: `${kind.toLowerCase()}s/status`, kind, namespaced: true },
    { name: `${kind.toLowerCase()}s`, kind, namespaced: kind !== 'Namespace' },
  ]),
});
const group = (preferred: string, ...versions: readonly string[]) => ({
  preferredVersion: { groupVersion: preferred },
  versions: versions.map((groupVersion) => ({ groupVersion })),
});

describe('Discovery', () => {
  it('finds core kinds and subresource-free names, asking once', async () => {
    const asked: string[] = [];
    const discovery = new Discovery(serve(new Map([['/api/v1', kinds('ConfigMap', 'Namespace')]]), asked), () => 0);
    const found = await discovery.inVersion('v1', 'ConfigMap', signal);
    expect(found).toEqual({ apiVersion: 'v1', group: '', kind: 'ConfigMap', plural: 'configmaps', namespaced: true });
    expect(await discovery.ofKind(groupKind('', 'Namespace'), undefined, signal)).toMatchObject({ namespaced: false });
    expect(asked).toEqual(['/api/v1']);
  });

  it('knows which kinds an autoscaler may scale', async () => {
    const { resources } = kinds('Plain', 'Scaled');
    const documents = new Map([['/apis/g/v1', { resources: [{ name: 'scaleds/scale', kind: 'Scale', namespaced: true }, ...resources] }]]);
    const discovery = new Discovery(serve(documents, []), () => 0);
    const scalable = async (kind: string) => (await discovery.inVersion('g/v1', kind, signal))?.scalable;
    expect([await scalable('Plain'), await scalable('Scaled')]).toEqual([undefined, true]);
  });

  it('prefers the hinted version, then the preferred one, then any that serves the kind', async () => {
    const documents = new Map<string, unknown>([
      ['/apis/g', group('g/v2', 'g/v1', 'g/v2', 'g/v3')],
      ['/apis/g/v1', kinds('Old', 'Both')],
      ['/apis/g/v2', kinds('Both')],
    ]);
    const discovery = new Discovery(serve(documents, []), () => 0);
    const version = async (kind: string, hint?: string) => (await discovery.ofKind(groupKind('g', kind), hint, signal))?.apiVersion;
    expect(await version('Both', 'g/v1')).toBe('g/v1');
    expect(await version('Both', 'g/v9')).toBe('g/v2');
    expect(await version('Both')).toBe('g/v2');
    expect(await version('Old')).toBe('g/v1');
    expect(await version('Never')).toBeUndefined();
  });

  it('looks again for what was not there after a while, and for anything after it was told to forget', async () => {
    const asked: string[] = [];
    const documents = new Map<string, unknown>();
    let now = 0;
    const discovery = new Discovery(serve(documents, asked), () => now);
    const find = () => discovery.ofKind(groupKind('g', 'Widget'), undefined, signal);
    expect(await find()).toBeUndefined();
    expect(await find()).toBeUndefined();
    expect(asked).toEqual(['/apis/g']);
    documents.set('/apis/g', group('g/v1', 'g/v1')).set('/apis/g/v1', kinds('Widget'));
    now = 60_000;
    expect(await find()).toMatchObject({ plural: 'widgets' });
    documents.set('/apis/g/v1', { resources: [{ name: 'renamed', kind: 'Widget', namespaced: true }] });
    expect(await find()).toMatchObject({ plural: 'widgets' });
    discovery.forget('g');
    expect(await find()).toMatchObject({ plural: 'renamed' });
  });

  it('does not take a failure for an absence', async () => {
    const client = { ...serve(new Map(), []), send: async () => ({ status: 503, body: {} }) };
    const discovery = new Discovery(client, () => 0);
    await expect(discovery.inVersion('v1', 'ConfigMap', signal)).rejects.toMatchObject({ problem: { code: 'KUBERNETES_UNAVAILABLE' } });
  });
});

describe('resourcePath', () => {
  const deployments = { apiVersion: 'apps/v1', group: 'apps', kind: 'Deployment', plural: 'deployments', namespaced: true };
  it('names all, a namespace or one object', () => {
    expect(resourcePath(deployments)).toBe('/apis/apps/v1/deployments');
    expect(resourcePath(deployments, 'prod')).toBe('/apis/apps/v1/namespaces/prod/deployments');
    expect(resourcePath(deployments, 'prod', 'a:b')).toBe('/apis/apps/v1/namespaces/prod/deployments/a%3Ab');
    expect(resourcePath({ ...deployments, apiVersion: 'v1', group: '', plural: 'nodes' }, '', 'n')).toBe('/api/v1/nodes/n');
    expect(resourceTitle(deployments)).toBe('deployments.apps');
  });
});
