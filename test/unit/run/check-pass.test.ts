import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import { NAMESPACE_KIND } from '../../../src/core/model/ids.ts';
import type { LiveObject } from '../../../src/core/model/objects.ts';
import { problem } from '../../../src/shared/problem.ts';
import { complete, deployment, POLICY, service, spec, specSet, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const WEB = spec('web.json', deployment('web'), service('web'));
const API = spec('api.json', deployment('api'));

describe('a plan that is checked', () => {
  it('tells all that the API server would refuse, with the place in the file, and writes nothing', async () => {
    const site = new FakeSite(world({ specs: complete(specSet([WEB, API])) }));
    site.refuse = (action) =>
      action.kind === 'apply-object' && action.key.endsWith('/web') ? problem('KUBERNETES_REFUSED', `no ${action.key}`) : undefined;
    const { last, outcomes } = await site.run({ dryRun: true, check: true });
    expect([outcomes, site.journal]).toEqual([[], []]);
    expect([...site.checks].sort()).toEqual(['/Service/default/web', 'apps/Deployment/default/api', 'apps/Deployment/default/web']);
    expect(last.guarded.plans.map((plan) => [plan.spec, plan.problems.map(({ message, where }) => [message, where?.file])])).toEqual([
      ['api.json', []],
      [
        'web.json',
        [
          ['no apps/Deployment/default/web', 'web.json'],
          ['no /Service/default/web', 'web.json'],
        ],
      ],
    ]);
  });

  it('asks for nothing without being told to, nor for what goes into a namespace that is not there yet', async () => {
    const site = new FakeSite(world({ specs: complete(specSet([WEB])) }));
    await site.run({ dryRun: true });
    const none = complete<ReadonlyMap<ObjectKey, LiveObject>>(new Map());
    const empty = new Map([...site.world.cluster.objects, [NAMESPACE_KIND, none] as const]);
    site.world = { ...site.world, cluster: { ...site.world.cluster, objects: empty } };
    await site.run({ dryRun: true, check: true, policy: { ...POLICY, createNamespaces: true } });
    expect(site.checks).toEqual([]);
  });
});
