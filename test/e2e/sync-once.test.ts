import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubeRequest } from '../support/kube-client.ts';
import { runCli } from '../support/run-cli.ts';
import { prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'sync-once';
const stack = inject('stack') as StackConnection;

const deployment = (name: string, image: string, deadline = 600): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: 2
  progressDeadlineSeconds: ${deadline}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: web, image: ${image} }] }
`;

describe.skipIf(inject('stack') === undefined)('sync --once', () => {
  let site: Site;

  beforeAll(async () => {
    site = await prepareSite({
      stack,
      name: NAME,
      files: {
        'good.yaml': deployment('good', 'registry.invalid/web:1'),
        'stuck.yaml': deployment('stuck', 'registry.invalid/web:missing'),
      },
    });
  });
  afterAll(async () => {
    await site?.remove();
  });

  it('is done when everything is applied: it neither waits for roll-outs nor fails for them, but tells of them', async () => {
    const { code, stdout, stderr } = await runCli(site.daemon, 'sync', '--once');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('+ apply-object Deployment sync-once/good');
    expect(stdout).toMatch(/waiting: Deployment sync-once\/stuck: (its controller|0 of 2 replicas)/);
  });

  it('fails for a roll-out that has failed, and says why', async () => {
    await site.git.commit({ 'stuck.yaml': deployment('stuck', 'registry.invalid/web:missing', 1) }, 'a short deadline');
    await runCli(site.daemon, 'sync', '--once');
    await expect.poll(() => conditionsOf('stuck'), { timeout: 30_000 }).toContain('ProgressDeadlineExceeded');
    const { code, stdout } = await runCli(site.daemon, 'sync', '--once');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /ROLLOUT_FAILED: Deployment sync-once\/stuck: no progress within .*ImagePullBackOff: .*registry\.invalid\/web:missing/,
    );
  });

  it('plan --check tells beforehand what the API server would refuse, with the field', async () => {
    const wrong = deployment('wrong', 'registry.invalid/web:1').replace('replicas: 2', 'replicas: -1');
    await site.git.commit({ 'wrong.yaml': wrong }, 'too few');
    const plain = await runCli(site.daemon, 'plan');
    expect(plain.stdout).toContain('+ apply-object Deployment sync-once/wrong');
    expect(plain.stdout).not.toContain('KUBERNETES_REFUSED');
    const checked = await runCli(site.daemon, 'plan', '--check');
    expect(checked.code).toBe(1);
    expect(checked.stdout).toMatch(/wrong\.yaml:1:1: KUBERNETES_REFUSED: Deployment sync-once\/wrong: spec\.replicas: Invalid value: -1/);
  });

  async function conditionsOf(name: string): Promise<readonly string[]> {
    const live = (await kubeRequest(stack, 'GET', `/apis/apps/v1/namespaces/${NAME}/deployments/${name}`)) as {
      readonly status: { readonly conditions?: readonly { readonly reason: string }[] };
    };
    return (live.status.conditions ?? []).map(({ reason }) => reason);
  }
});
