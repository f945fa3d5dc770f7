import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import { type MutatingWebhook, type PatchOperation, startMutatingWebhook } from '../support/mutating-webhook.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;
const PROBE = '/apis/apps/v1/namespaces/NS/deployments/probe';
const DEPLOYMENT = '/apis/apps/v1/namespaces/NS/deployments/web';
const IMAGE = '/spec/template/spec/containers/0/image';

const deployment = (name: string, image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, labels: { tier: front } }
spec:
  replicas: 0
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: ${image}, args: [serve] }] }
`;

interface Shown {
  readonly metadata: { readonly generation: number; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } } };
}

/** Puts a registry mirror in front of every image that has none. */
function mirror(object: Readonly<Record<string, unknown>>): readonly PatchOperation[] {
  const image = (object as unknown as Shown).spec.template.spec.containers[0]?.image ?? '';
  return image.startsWith('mirror.invalid/') ? [] : [{ op: 'replace', path: IMAGE, value: `mirror.invalid/${image}` }];
}

describe.skipIf(inject('stack') === undefined)('a mutating admission webhook', () => {
  let site: ClusterSite;
  let webhook: MutatingWebhook;

  beforeEach(async () => {
    site = await openClusterSite(stack);
    webhook = await startMutatingWebhook(stack, site.namespace);
  });

  afterEach(async () => {
    await webhook?.stop();
    await site?.close();
  });

  const shown = async (): Promise<Shown> => await site.get<Shown>(DEPLOYMENT);
  const imageOf = async (): Promise<string | undefined> => (await shown()).spec.template.spec.containers[0]?.image;

  /** Webhooks are asked a moment after they are registered. */
  async function mutating(patchOf: Parameters<MutatingWebhook['mutate']>[0]): Promise<void> {
    let asked = 0;
    webhook.mutate((object) => {
      asked++;
      return patchOf(object);
    });
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'probe' }, spec: {} };
    const ask = async (): Promise<number> => {
      const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'main', image: 'a', args: ['a'] }] } };
      const spec = { selector: { matchLabels: { app: 'a' } }, template };
      await site.call('PATCH', `${PROBE}?fieldManager=probe&dryRun=All`, { ...body, spec }, 'application/apply-patch+yaml');
      return asked;
    };
    await expect.poll(ask, { timeout: 20_000 }).toBeGreaterThan(0);
  }

  it('that rewrites an image makes no loop: each commit is applied once, and nothing is left to do', async () => {
    await mutating(mirror);
    site.commit({ 'web.yaml': deployment('web', 'registry.invalid/web:1') });
    expect((await site.run()).writes).toEqual([`PATCH ${DEPLOYMENT}`]);
    expect(await imageOf()).toBe('mirror.invalid/registry.invalid/web:1');
    await site.expectRest();

    site.commit({ 'web.yaml': deployment('web', 'registry.invalid/web:2') });
    expect(await site.run()).toMatchObject({ did: ['change Deployment NS/web'], writes: [`PATCH ${DEPLOYMENT}`] });
    expect(await imageOf()).toBe('mirror.invalid/registry.invalid/web:2');
    expect((await shown()).metadata.generation).toBe(2);
    await site.expectRest();
  });

  it('that begins to rewrite an image later makes no loop either', async () => {
    site.commit({ 'web.yaml': deployment('web', 'registry.invalid/web:1') });
    await site.run();
    await mutating(mirror);
    await site.call(
      'PATCH',
      `${DEPLOYMENT}?fieldManager=ops`,
      { metadata: { annotations: { touched: '1' } } },
      'application/merge-patch+json',
    );
    expect(await imageOf()).toBe('mirror.invalid/registry.invalid/web:1');
    await site.run();
    expect(await imageOf()).toBe('mirror.invalid/registry.invalid/web:1');
    await site.expectRest();
  });

  it.each<readonly [string, PatchOperation]>([
    ['a label', { op: 'remove', path: '/metadata/labels/tier' }],
    ['a list', { op: 'remove', path: '/spec/template/spec/containers/0/args' }],
    ['our owner label', { op: 'remove', path: '/metadata/labels/poolkeeper.dev~1owner' }],
    ['our id', { op: 'remove', path: '/metadata/annotations/poolkeeper.dev~1id' }],
  ])('that takes %s away from every object makes no loop: managedFields still say that it is ours', async (_name, operation) => {
    await mutating((object) => (JSON.stringify(object).includes('registry.invalid') ? [operation] : []));
    site.commit({ 'web.yaml': deployment('web', 'registry.invalid/web:1') });
    expect((await site.run()).writes).toEqual([`PATCH ${DEPLOYMENT}`]);
    await site.expectRest();
  });

  it('that takes our hash away costs one apply, which is told, and no more until something changes', async () => {
    await mutating((object) =>
      JSON.stringify(object).includes('poolkeeper.dev/hash') ? [{ op: 'remove', path: '/metadata/annotations/poolkeeper.dev~1hash' }] : [],
    );
    site.commit({ 'web.yaml': deployment('web', 'registry.invalid/web:1') });
    const first = await site.run();
    expect(first.writes).toEqual([`PATCH ${DEPLOYMENT}`]);
    expect(first.problems).toEqual([
      'KUBERNETES_NO_EFFECT the API server takes our apply of Deployment NS/web, but its annotation poolkeeper.dev/hash does not stay',
    ]);
    expect((await site.run()).writes).toEqual([]);
    await site.restart();
    expect((await site.run()).writes).toEqual([`PATCH ${DEPLOYMENT}`]);
    expect((await site.run()).writes).toEqual([]);

    site.commit({ 'web.yaml': deployment('web', 'registry.invalid/web:2') });
    expect((await site.run()).writes).toEqual([`PATCH ${DEPLOYMENT}`]);
    expect((await shown()).metadata.generation).toBe(2);
  });
});
