import { describe, expect, it } from 'vitest';
import { nodeName, replicaName } from '../../../src/core/model/ids.ts';
import type { PoolReport, ReplicaReport } from '../../../src/core/report/run-report.ts';
import { nodeAnswer } from '../../../src/http/node-views.ts';
import { nodeReport, poolReport, runReport } from '../../support/run-report.ts';

const out = { node: nodeName('w1'), in: false, code: 'drained', reason: 'drained' } as const;
const replica = (name: string, state: ReplicaReport['state'], lingering: readonly string[] = []): ReplicaReport => ({
  replica: replicaName(name),
  state,
  serving: 2,
  missing: 0,
  lingering,
  routers: [],
});
const heldBy = (replicas: PoolReport['replicas']): readonly string[] | undefined => {
  const pool = poolReport('prod', 'web', { decisions: [out], ...(replicas === undefined ? {} : { replicas }) });
  return nodeAnswer(runReport({ nodes: [nodeReport('w1')], pools: [pool] }), 'w1')?.node.pools[0]?.heldBy;
};

describe('what Traefik still makes of a node', () => {
  it.each<readonly [string, ReplicaReport, readonly string[]]>([
    ['a replica that has dropped it', replica('a', 'in-step'), []],
    ['one that sends it requests', replica('a', 'changing', ['w1']), ['Traefik replica a still sends it requests']],
    ['one that is behind, and sends it requests', replica('a', 'behind', ['w1']), ['Traefik replica a still sends it requests']],
    ['one that has others to drop', replica('a', 'changing', ['w2']), []],
    ['one that has not been asked since', replica('a', 'unasked'), ['Traefik replica a is asked again']],
    ['one that does not answer', replica('a', 'stale', ['w1']), ['Traefik replica a does not answer']],
    ['one that has not answered for long: it counts by time', replica('a', 'lost', ['w1']), []],
  ])('tells of %s', (_name, one, expected) => {
    expect(heldBy([one])).toEqual(expected);
  });

  it('names each replica, and says nothing where none is watched', () => {
    expect(heldBy([replica('a', 'stale'), replica('b', 'changing', ['w1'])])).toHaveLength(2);
    expect(heldBy(undefined)).toBeUndefined();
  });
});
