import { describe, expect, it } from 'vitest';
import type { NodeName } from '../../../../src/core/model/ids.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { PoolPolicy } from '../../../../src/core/model/policy.ts';
import { NOW_MS, node } from '../../../support/builders.ts';

import type { Given } from './decide.ts';
import { cordoned, decide, excluded, many, names, notReady, recent, spot, tainted, told } from './decide.ts';

const answers = (byName: Readonly<Record<string, boolean>>): ReadonlyMap<NodeName, boolean> =>
  new Map(Object.entries(byName).map(([name, does]) => [nodeName(name), does]));

describe('decidePool', () => {
  it.each<readonly [string, Given, readonly string[]]>([
    ['no node, no member', { nodes: [] }, []],
    ['Ready nodes', { nodes: many(2), members: [] }, ['n1 ready', 'n2 ready']],
    ['one NotReady of three', { nodes: [node('n1'), node('n2', notReady), node('n3')] }, ['n1 ready', '-n2 not-ready', 'n3 ready']],
    ['one being deleted', { nodes: [node('n1'), node('n2', { deleting: true })] }, ['n1 ready', '-n2 deleting']],
    ['a member that is gone', { nodes: [node('n1')], members: names(1, 2) }, ['n1 ready', '-n2 deleting']],
    ['a draining taint', { nodes: [node('n1'), node('n2', tainted)] }, ['n1 ready', '-n2 tainted']],
    ['another taint', { nodes: [node('n1', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] })] }, ['n1 ready']],
    [
      'a configured taint',
      { nodes: [node('n1'), node('n2', { taints: [{ key: 'bye', effect: 'NoExecute' }] })], policy: { drainingTaints: ['bye'] } },
      ['n1 ready', '-n2 tainted'],
    ],
    ['the exclude label, whatever its value', { nodes: [node('n1'), node('n2', excluded)] }, ['n1 ready', '-n2 excluded']],
    [
      'a control-plane node',
      { nodes: [node('n1'), node('n2', { labels: { 'node-role.kubernetes.io/control-plane': '' } })] },
      ['n1 ready', '-n2 control-plane'],
    ],
    [
      'a master of old',
      { nodes: [node('n1'), node('n2', { labels: { 'node-role.kubernetes.io/master': 'true' } })] },
      ['n1 ready', '-n2 control-plane'],
    ],
    [
      'a control-plane node that may serve',
      { nodes: [node('n1', { labels: { 'node-role.kubernetes.io/control-plane': '' } })], policy: { controlPlane: true } },
      ['n1 ready'],
    ],
    [
      'the configured selector',
      { nodes: [node('n1'), node('n2', { labels: { spot: '1' } })], policy: { nodes: spot } },
      ['n1 ready', '-n2 not-selected'],
    ],
    [
      'the selector of the Service',
      { nodes: [node('n1'), node('n2', { labels: { spot: '1' } })], demand: { nodes: spot } },
      ['n1 ready', '-n2 not-selected'],
    ],
    [
      'no address of the wanted type',
      { nodes: [node('n1'), node('n2', { addresses: [{ type: 'Hostname', address: 'n2' }] })] },
      ['n1 ready', '-n2 no-address'],
    ],
    [
      'no address of the wanted family',
      { nodes: [node('n1'), node('n2', { addresses: [{ type: 'InternalIP', address: 'fd00::2' }] })] },
      ['n1 ready', '-n2 no-address'],
    ],
    [
      'an empty address',
      { nodes: [node('n1'), node('n2', { addresses: [{ type: 'InternalIP', address: '' }] })], members: [] },
      ['n1 ready', '-n2 no-address'],
    ],
    ['a newcomer within its grace', { nodes: [node('n1'), node('n2', recent)], members: ['n1'] }, ['n1 ready', '-n2 grace']],
    [
      'a newcomer at the end of its grace',
      { nodes: [node('n1'), node('n2', { readyChangedAtMs: NOW_MS - 10_000 })], members: ['n1'] },
      ['n1 ready', 'n2 ready'],
    ],
    ['a member whose Ready is new', { nodes: [node('n1', recent)] }, ['n1 ready']],
    ['a cordoned node', { nodes: [node('n1'), node('n2', cordoned)] }, ['n1 ready', '-n2 cordoned']],
    [
      'cordons that are not to drain',
      { nodes: [node('n1'), node('n2', cordoned)], policy: { drainOnCordon: false } },
      ['n1 ready', 'n2 ready'],
    ],
    [
      'half of the pool cordoned',
      { nodes: many(4, (i) => (i > 2 ? cordoned : {})) },
      ['n1 ready', 'n2 ready', '-n3 cordoned', '-n4 cordoned'],
    ],
    [
      'more than half cordoned',
      { nodes: many(4, (i) => (i > 1 ? cordoned : {})) },
      ['n1 ready', '-n2 cordoned', '-n3 cordoned', 'n4 kept-by-turn'],
    ],
    ['all cordoned', { nodes: many(3, () => cordoned) }, ['-n1 cordoned', 'n2 kept-by-turn', 'n3 kept-by-turn']],
    ['all cordoned and tainted', { nodes: many(2, (i) => (i === 1 ? cordoned : tainted)) }, ['-n1 cordoned', 'n2 kept-by-turn']],
    ['the only node cordoned', { nodes: [node('n1', cordoned)] }, ['n1 kept-by-turn']],
    [
      'cordoned ones that are out already count first',
      { nodes: many(4, (i) => (i > 1 ? cordoned : {})), members: names(1, 2, 4) },
      ['n1 ready', '-n2 cordoned', '-n3 cordoned', 'n4 kept-by-turn'],
    ],
    [
      'a cordoned node that is NotReady is a failure, not a wish',
      { nodes: [node('n1'), node('n2', { ...cordoned, ...notReady }), node('n3')] },
      ['n1 ready', '-n2 not-ready', 'n3 ready'],
    ],
    ['Local: only nodes with a ready endpoint', { nodes: many(3), local: names(2) }, ['-n1 no-endpoint', 'n2 ready', '-n3 no-endpoint']],
    ['Local: no endpoint anywhere, a member stays', { nodes: many(2), local: [] }, ['n1 kept-by-floor', '-n2 no-endpoint']],
    [
      'Local: no endpoint anywhere, nobody is registered',
      { nodes: many(2), members: [], local: [] },
      ['-n1 no-endpoint', '-n2 no-endpoint'],
    ],
    [
      'Local: cordoned nodes with the last endpoints all stay',
      { nodes: many(4, (i) => (i > 2 ? cordoned : {})), local: names(3, 4) },
      ['-n1 no-endpoint', '-n2 no-endpoint', 'n3 kept-last-endpoint', 'n4 kept-last-endpoint'],
    ],
    [
      'Local: a cordoned node leaves while another one serves',
      { nodes: [node('n1'), node('n2', cordoned)], local: names(1, 2) },
      ['n1 ready', '-n2 cordoned'],
    ],
    ['all NotReady', { nodes: many(2, () => notReady) }, ['n1 kept-mass-not-ready', 'n2 kept-mass-not-ready']],
    ['the only node NotReady', { nodes: [node('n1', notReady)] }, ['n1 kept-mass-not-ready']],
    [
      'all NotReady, one of them never registered',
      { nodes: many(2, () => notReady), members: ['n1'] },
      ['n1 kept-mass-not-ready', '-n2 not-ready'],
    ],
    ['half NotReady', { nodes: many(4, (i) => (i > 2 ? notReady : {})) }, ['n1 ready', 'n2 ready', '-n3 not-ready', '-n4 not-ready']],
    [
      'three of five NotReady',
      { nodes: many(5, (i) => (i > 2 ? notReady : {})) },
      ['n1 ready', 'n2 ready', 'n3 kept-mass-not-ready', 'n4 kept-mass-not-ready', 'n5 kept-mass-not-ready'],
    ],
    [
      'Local: nodes without endpoints count among the Ready ones',
      { nodes: many(6, (i) => (i > 4 ? notReady : {})), local: names(1) },
      ['n1 ready', '-n2 no-endpoint', '-n3 no-endpoint', '-n4 no-endpoint', '-n5 not-ready', '-n6 not-ready'],
    ],
    [
      'nodes of no concern do not count among the Ready ones',
      { nodes: [...many(3, (i) => (i > 1 ? notReady : {})), node('n4', excluded), node('n5', excluded)] },
      ['n1 ready', 'n2 kept-mass-not-ready', 'n3 kept-mass-not-ready', '-n4 excluded', '-n5 excluded'],
    ],
    [
      'all NotReady, one of them tried without an answer',
      { nodes: many(3, () => notReady), demand: { reachable: answers({ n1: true, n2: false }) } },
      ['n1 kept-mass-not-ready', '-n2 not-ready', 'n3 kept-mass-not-ready'],
    ],
    [
      'most NotReady, and only a Ready one answers: they are believed',
      { nodes: many(4, (i) => (i > 1 ? notReady : {})), demand: { reachable: answers({ n1: true, n2: false, n3: false, n4: false }) } },
      ['n1 ready', '-n2 not-ready', '-n3 not-ready', '-n4 not-ready'],
    ],
    [
      'most NotReady, and the floor keeps one of those that do not answer',
      {
        nodes: many(4, (i) => (i > 1 ? notReady : {})),
        demand: { minBackends: 2, reachable: answers({ n1: true, n2: false, n3: false, n4: false }) },
      },
      ['n1 ready', 'n2 kept-by-floor', '-n3 not-ready', '-n4 not-ready'],
    ],
    [
      'none answers at all: the way from here is broken, not the nodes',
      { nodes: many(3, () => notReady), demand: { reachable: answers({ n1: false, n2: false, n3: false }) } },
      ['n1 kept-mass-not-ready', 'n2 kept-mass-not-ready', 'n3 kept-mass-not-ready'],
    ],
    [
      'few NotReady: whether they answer does not count',
      { nodes: many(4, (i) => (i > 3 ? notReady : {})), demand: { reachable: answers({ n4: true }) } },
      ['n1 ready', 'n2 ready', 'n3 ready', '-n4 not-ready'],
    ],
    [
      'all drained by annotation',
      { nodes: many(2, () => ({ annotations: { 'poolkeeper.dev/drain': 'true' } })) },
      ['-n1 drained', 'n2 kept-by-turn'],
    ],
    [
      'Local: drained nodes with the last endpoints stay',
      { nodes: many(2, () => ({ annotations: { 'poolkeeper.dev/drain': 'true' } })), local: names(1, 2) },
      ['n1 kept-last-endpoint', 'n2 kept-last-endpoint'],
    ],
    [
      'one that left lately comes in early when the floor needs it',
      {
        nodes: [node('n1', notReady), node('n2')],
        members: ['n1'],
        demand: { stayOut: new Map([[nodeName('n2'), NOW_MS + 5_000]]) },
      },
      ['-n1 not-ready', 'n2 kept-by-floor'],
    ],
    [
      'the floor keeps the likeliest to serve',
      { nodes: [node('n1', { deleting: true }), node('n2', excluded)], demand: { minBackends: 1 } },
      ['-n1 deleting', 'n2 kept-by-floor'],
    ],
    [
      'the floor keeps a Ready node rather than one that is gone',
      { nodes: [node('n2', { labels: { spot: '1' } })], members: names(1, 2), demand: { nodes: spot } },
      ['-n1 deleting', 'n2 kept-by-floor'],
    ],
    ['the last member stays though it is gone', { nodes: [], members: ['n1'] }, ['n1 kept-by-floor']],
    ['the last member stays though it lost its address', { nodes: [node('n1', { addresses: [] })] }, ['n1 kept-by-floor']],
    [
      'a floor of two',
      { nodes: [node('n1'), node('n2', notReady), node('n3', notReady), node('n4')], members: names(1, 2, 3), demand: { minBackends: 3 } },
      ['n1 ready', 'n2 kept-by-floor', '-n3 not-ready', 'n4 ready'],
    ],
    [
      'a floor above all that there is',
      { nodes: [node('n1'), node('n2', excluded)], demand: { minBackends: 9 } },
      ['n1 ready', 'n2 kept-by-floor'],
    ],
    ['a floor of nothing', { nodes: [node('n1', excluded)], demand: { minBackends: 0 } }, ['-n1 excluded']],
    [
      'the floor does not fill a pool with nodes that never were in',
      { nodes: [node('n1', excluded), node('n2', notReady), node('n3')], members: ['n3'], demand: { minBackends: 3 } },
      ['-n1 excluded', '-n2 not-ready', 'n3 ready'],
    ],
    [
      'nobody but newcomers: they need not wait',
      { nodes: [node('n1', recent), node('n2', recent)], members: [] },
      ['n1 kept-by-floor', '-n2 grace'],
    ],
    ['not needed', { nodes: many(3), members: names(2), demand: { maxBackends: 1 } }, ['-n1 not-needed', 'n2 ready', '-n3 not-needed']],
    [
      'a leaver makes room',
      { nodes: [node('n1', { deleting: true }), node('n2')], members: names(1), demand: { maxBackends: 1 } },
      ['-n1 deleting', 'n2 ready'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(told(decide(given))).toEqual(expected);
  });

  it.each<readonly [string, Partial<NodeFacts>, Partial<PoolPolicy>, string]>([
    ['the first type that there is', {}, { addressTypes: ['ExternalIP', 'InternalIP'] }, '10.0.0.1'],
    [
      'the wanted order, not the order of the node',
      {
        addresses: [
          { type: 'InternalIP', address: '10.0.0.1' },
          { type: 'ExternalIP', address: '198.51.100.1' },
        ],
      },
      { addressTypes: ['ExternalIP', 'InternalIP'] },
      '198.51.100.1',
    ],
    [
      'the wanted family',
      {
        addresses: [
          { type: 'InternalIP', address: 'fd00::1' },
          { type: 'InternalIP', address: '10.0.0.1' },
        ],
      },
      {},
      '10.0.0.1',
    ],
    [
      'IPv6',
      {
        addresses: [
          { type: 'InternalIP', address: '10.0.0.1' },
          { type: 'InternalIP', address: 'fd00::1' },
        ],
      },
      { addressFamily: 'IPv6' },
      'fd00::1',
    ],
    [
      'a host name, which fits any family',
      { addresses: [{ type: 'Hostname', address: 'n1.example.com' }] },
      { addressTypes: ['InternalIP', 'Hostname'], addressFamily: 'IPv6' },
      'n1.example.com',
    ],
  ])('takes %s', (_name, facts, policy, address) => {
    expect(decide({ nodes: [node('n1', facts)], policy }).backends).toEqual([{ node: 'n1', address }]);
  });

  it('keeps the registered address of a member that it keeps although its node is gone', () => {
    expect(decide({ nodes: [], members: ['n7'] }).backends).toEqual([{ node: 'n7', address: '10.9.0.7' }]);
  });

  it('says when a grace ends, and only while somebody waits for it', () => {
    const waiting = { nodes: [node('n1'), node('n2', recent), node('n3', { readyChangedAtMs: NOW_MS - 1_000 })], members: ['n1'] };
    expect(decide(waiting).lookAgainAtMs).toBe(NOW_MS + 6_000);
    expect(decide({ ...waiting, members: ['n1', 'n2', 'n3'] }).lookAgainAtMs).toBeUndefined();
    expect(decide({ nodes: [node('n1', recent)], members: [] }).lookAgainAtMs).toBeUndefined();
  });

  it('gives every node a reason in words, and those that it keeps against a reason also that reason', () => {
    const { decisions } = decide({ nodes: many(3, () => cordoned), members: names(1, 2, 3) });
    expect(decisions.map(({ reason }) => reason)).toEqual([
      'the node is cordoned',
      'kept: at most half of a pool leaves at once (the node is cordoned)',
      'kept: at most half of a pool leaves at once (the node is cordoned)',
    ]);
  });

  it('says what trying a doubted node has shown', () => {
    const nodes = many(3, () => notReady);
    const words = (reachable?: ReadonlyMap<NodeName, boolean>): readonly string[] =>
      decide({ nodes, demand: reachable === undefined ? {} : { reachable } }).decisions.map(({ reason }) => reason);
    const doubt = '3 of 3 nodes are NotReady at once';
    expect(words()[0]).toBe(`kept: ${doubt}, which is not believed (the node is not Ready)`);
    expect(words(answers({ n1: true, n2: false }))).toEqual([
      `kept: ${doubt}, and a NodePort of this one answers (the node is not Ready)`,
      'the node is not Ready, and no NodePort of it answers',
      `kept: ${doubt}, which is not believed (the node is not Ready)`,
    ]);
    expect(words(answers({ n1: false }))[0]).toBe(
      `kept: ${doubt}, which is not believed; no node answers from here (the node is not Ready)`,
    );
  });

  it('names the nodes to try: registered and NotReady together with most others, whatever was heard of them', () => {
    const nodes = many(4, (i) => (i > 1 ? notReady : {}));
    const doubted = (given: Partial<Given>): readonly string[] => decide({ nodes, members: names(1, 2, 3), ...given }).doubted;
    expect(doubted({})).toEqual(['n2', 'n3']);
    expect(doubted({ demand: { reachable: answers({ n1: true, n2: false }) } })).toEqual(['n2', 'n3']);
    expect(doubted({ nodes: many(4, (i) => (i > 2 ? notReady : {})) })).toEqual([]);
  });

  it('tells which members are let go and may come back, and whether that lies in the pool', () => {
    const nodes = [node('n1'), node('n2', cordoned), node('n3', { deleting: true }), node('n4'), node('n5', notReady), node('n6')];
    const { leaving } = decide({ nodes, members: names(1, 2, 3, 4, 7), local: names(1, 2, 5, 6), demand: { maxBackends: 1 } });
    expect(leaving).toEqual([
      { node: 'n2', here: false },
      { node: 'n4', here: true },
    ]);
  });

  it('warns where a node that is not needed holds pods of a Local pool', () => {
    const { decisions } = decide({ nodes: many(2), local: names(1, 2), members: ['n1'], demand: { maxBackends: 1 } });
    expect(decisions[1]).toMatchObject({ code: 'not-needed', reason: expect.stringContaining('pods on it get no traffic') });
  });
});
