import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import { patchTypes } from '../support/kube-client.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;
const DEPLOYMENT = '/apis/apps/v1/namespaces/NS/deployments/web';
const SCALERS = '/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers';

const deployment = (replicas: number | undefined, image = 'web:1'): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  ${replicas === undefined ? '' : `replicas: ${replicas}`}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: main, image: "registry.invalid/${image}" }] }
`;
const SCALER = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web' },
  spec: { minReplicas: 2, maxReplicas: 6, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
};
const scaled = (replicas: number | undefined, image?: string): string => `${deployment(replicas, image)}---\n${JSON.stringify(SCALER)}\n`;

describe.skipIf(inject('stack') === undefined)('replicas under an autoscaler', () => {
  let site: ClusterSite;

  beforeEach(async () => {
    site = await openClusterSite(stack);
  });
  afterEach(() => site?.close());

  const running = async (): Promise<number> => (await site.get<{ readonly spec: { readonly replicas: number } }>(DEPLOYMENT)).spec.replicas;
  const scaleAs = async (manager: string, replicas: number): Promise<unknown> =>
    site.call('PATCH', `${DEPLOYMENT}/scale?fieldManager=${manager}`, { spec: { replicas } }, patchTypes.merge);
  /** As the autoscaler's controller does; without metrics the real one only holds to minimum and maximum. */
  const autoscale = (replicas: number): Promise<unknown> => scaleAs('kube-controller-manager', replicas);

  async function commit(text: string, told: readonly string[] = []): Promise<readonly string[]> {
    site.commit({ 'web.yaml': text });
    return await site.settle(told);
  }
  const left = (running: number, stated: number): readonly string[] => [
    `KUBERNETES_REPLICAS_LEFT Deployment NS/web keeps ${running} replicas, which an autoscaler has set; the ${stated} of the file do not count`,
  ];

  it.each([
    ['keeps its number', 4],
    ['leaves its number out', undefined],
  ])('an autoscaler joins, works and goes, with restarts between, and the running number stays: the spec %s', async (_name, stated) => {
    await commit(deployment(4));
    expect(await running()).toBe(4);

    await commit(scaled(stated));
    expect(await running()).toBe(4);
    await site.expectRest();
    expect(await running()).toBe(4);

    await autoscale(5);
    // The number that was sent is no longer ours to send: what we have applied is written down once more.
    expect((await site.settle()).length).toBeLessThan(2);
    await site.expectRest();
    expect(await running()).toBe(5);

    expect(await commit(scaled(stated, 'web:2'))).toEqual(['change Deployment NS/web']);
    expect(await running()).toBe(5);
    await site.restart();
    expect(await commit(scaled(stated, 'web:3'))).toEqual(['change Deployment NS/web']);
    expect(await running()).toBe(5);

    // It is gone, but what it wrote stands; without a number in the spec nobody says otherwise.
    expect(await commit(deployment(undefined, 'web:3'))).toEqual(['delete HorizontalPodAutoscaler NS/web']);
    expect(await running()).toBe(5);
    await site.expectRest();
    expect(await running()).toBe(5);
  });

  it('a number in the spec counts again only once no autoscaler has written it', async () => {
    await commit(scaled(3));
    await autoscale(6);
    await commit(deployment(3), left(6, 3));
    await site.expectRest();
    expect(await running()).toBe(6);
    // Somebody takes the number over from the autoscaler that is no more.
    await scaleAs('kubectl', 5);
    expect(await site.settle()).toEqual(['change Deployment NS/web']);
    expect(await running()).toBe(3);
    await site.expectRest();
  });

  it('an autoscaler that somebody has made beside the specs is left to its work', async () => {
    await commit(deployment(2));
    await site.call('POST', `${SCALERS}?fieldManager=kubectl-autoscale`, { ...SCALER, metadata: { name: 'by-hand' } });
    await site.expectRest();
    await autoscale(4);
    await site.settle(left(4, 2));
    expect(await running()).toBe(4);
    expect(await commit(deployment(2, 'web:2'), left(4, 2))).toEqual(['change Deployment NS/web']);
    expect(await running()).toBe(4);
    await site.expectRest();
    await site.call('DELETE', `${SCALERS}/by-hand`);
    expect(await running()).toBe(4);
  });

  it('a number taken out of the spec leaves what runs; a new number is applied', async () => {
    await commit(deployment(3));
    await commit(deployment(undefined));
    expect(await running()).toBe(3);
    await site.expectRest();
    await scaleAs('kubectl', 5);
    await site.settle();
    await site.expectRest();
    expect(await running()).toBe(5);
    expect(await commit(deployment(2))).toEqual(['change Deployment NS/web']);
    expect(await running()).toBe(2);
    await site.expectRest();
  });
});
