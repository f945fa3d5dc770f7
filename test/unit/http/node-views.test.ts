import { describe, expect, it } from 'vitest';
import { nodeName, replicaName } from '../../../src/core/model/ids.ts';
import type { PoolReport, ReplicaReport } from '../../../src/core/report/run-report.ts';
import { type NodePoolView, nodeAnswer } from '../../../src/http/node-views.ts';
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
const viewOf = (replicas: PoolReport['replicas']): NodePoolView | undefined => {
  const pool = poolReport('prod', 'web', { decisions: [out], ...(replicas === undefined ? {} : { replicas }) });
  return nodeAnswer(runReport({ nodes: [nodeReport('w1')], pools: [pool] }), 'w1')?.node.pools[0];
};
const heldBy = (replicas: PoolReport['replicas']): readonly string[] | undefined => viewOf(replicas)?.heldBy;
const awaitedBy = (replicas: PoolReport['replicas']): readonly string[] | undefined => viewOf(replicas)?.awaitedBy;

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

describe('what Traefik has not yet of a pool', () => {
  it.each<readonly [string, ReplicaReport, readonly string[]]>([
    ['a replica that has all', replica('a', 'in-step'), []],
    ['one that has too many', replica('a', 'changing', ['w1']), []],
    ['one that lacks some', { ...replica('a', 'changing'), missing: 2 }, ['Traefik replica a lacks 2 backends']],
    ['one that is behind', { ...replica('a', 'behind'), missing: 1 }, ['Traefik replica a lacks 1 backend']],
    ['one that has not been asked since', replica('a', 'unasked'), ['Traefik replica a is asked again']],
    ['one that does not answer', replica('a', 'stale'), ['Traefik replica a does not answer']],
    ['one that has not answered for long', { ...replica('a', 'lost'), missing: 2 }, []],
  ])('tells of %s', (_name, one, expected) => {
    expect(awaitedBy([one])).toEqual(expected);
  });

  it('names each replica, and says nothing where none is watched', () => {
    expect(awaitedBy([replica('a', 'stale'), replica('b', 'unasked')])).toHaveLength(2);
    expect(awaitedBy(undefined)).toBeUndefined();
  });
});
