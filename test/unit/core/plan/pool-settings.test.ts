import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import { complete, deployment, endpoints, keys, node, POLICY, service, spec, specSet, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const POOL = keys.pool('web');

/** The nodes of a pool whose Service has these annotations, once all are in and then `change` has come over them: `-n2 cordoned`. */
function told(
  annotations: Readonly<Record<string, string>>,
  change: (nodes: readonly NodeFacts[]) => readonly NodeFacts[],
): readonly string[] {
  const nodes = [node('n1'), node('n2', { labels: { disk: 'hdd' } }), node('n3'), node('n4')];
  const web = spec('web.json', deployment('web'), service('web', { annotations }));
  const before = settle(world({ specs: complete(specSet([web])), endpoints: [endpoints('default/web')], nodes })).world;
  const after = { ...before, cluster: { ...before.cluster, nodes: complete(change(nodes)) } };
  const decisions = planWorld(after).context.decisions.get(POOL)?.decisions ?? [];
  return decisions.map((one) => `${one.in ? '' : '-'}${one.node} ${one.code}`);
}

const down =
  (...names: readonly string[]) =>
  (nodes: readonly NodeFacts[]) =>
    nodes.map((one) => (names.includes(one.name) ? { ...one, unschedulable: true } : one));

describe('what a Service says of its own pool', () => {
  it('goes by the configuration where it says nothing', () => {
    expect(POLICY.pool.minBackends).toBe(1);
    expect(told({}, down('n1', 'n2'))).toEqual(['-n1 cordoned', '-n2 cordoned', 'n3 ready', 'n4 ready']);
  });

  it('poolkeeper.dev/min-backends: raises its floor', () => {
    const annotations = { 'poolkeeper.dev/min-backends': '3' };
    expect(told(annotations, down('n1', 'n2'))).toEqual(['n1 kept-by-floor', '-n2 cordoned', 'n3 ready', 'n4 ready']);
  });

  it('poolkeeper.dev/min-backends: 0 lets the last one go, for a reason that is no wish', () => {
    const gone = (nodes: readonly NodeFacts[]): readonly NodeFacts[] => nodes.map((one) => ({ ...one, deleting: true }));
    expect(told({}, gone)).toEqual(['n1 kept-by-floor', '-n2 deleting', '-n3 deleting', '-n4 deleting']);
    const none = told({ 'poolkeeper.dev/min-backends': '0' }, gone);
    expect(none).toEqual(['-n1 deleting', '-n2 deleting', '-n3 deleting', '-n4 deleting']);
  });

  it('poolkeeper.dev/nodes: takes nodes out of its pool, and the floors count those that are left', () => {
    const annotations = { 'poolkeeper.dev/nodes': 'disk!=hdd' };
    expect(told(annotations, down())).toEqual(['n1 ready', '-n2 not-selected', 'n3 ready', 'n4 ready']);
    expect(told(annotations, down('n1', 'n3', 'n4'))).toEqual(['-n1 cordoned', '-n2 not-selected', 'n3 kept-by-turn', 'n4 kept-by-turn']);
  });
});
