import { describe, expect, it } from 'vitest';
import { drainWaits } from '../../../src/cli/drain-waits.ts';
import { poolKey } from '../../../src/core/model/ids.ts';
import type { NodeAnswer, NodePoolView, NodeView } from '../../../src/http/node-views.ts';
import { problem } from '../../../src/shared/problem.ts';
import { nodeReport, sourceReport } from '../../support/run-report.ts';

function answer(node: Partial<NodeView>, sources: NodeAnswer['sources'] = []): NodeAnswer {
  const view = { ...nodeReport('w1'), inCluster: true, pools: [], ...node };
  return { startedAtMs: 0, sources: [sourceReport('nodes'), sourceReport('consul'), ...sources], node: view };
}

const pool = (name: string, more: Partial<NodePoolView> = {}): NodePoolView => ({
  pool: poolKey('prod', name),
  service: name,
  in: true,
  code: 'ready',
  reason: 'Ready',
  cell: 'p',
  registered: true,
  passing: true,
  byAgent: false,
  instances: 3,
  ...more,
});

const left = pool('web', { in: false, code: 'drained', reason: 'drained', registered: false, passing: false });
const leaving = { ...left, registered: true };
const kept = pool('api', { code: 'kept-by-floor', reason: 'kept: the pool must not fall below 3' });
const grace = pool('web', { in: false, code: 'grace', reason: 'it comes in after 5 s more', registered: false, passing: false });
const marked = { draining: true, eligible: false, code: 'drained', reason: 'drained' } as const;
const stale = sourceReport('consul', { kind: 'stale', reason: problem('CONSUL_UNAVAILABLE', 'no leader') });

describe('what a drain waits for', () => {
  it.each<readonly [string, NodeAnswer, readonly string[]]>([
    ['a daemon that has not looked since', answer({ pools: [pool('web')] }), ['the daemon has not seen the mark yet']],
    ['an instance that still stands', answer({ ...marked, check: 'passing', pools: [leaving] }), ['prod/web: leaving (drained)']],
    [
      'an agent that still registers it, whatever the check of the synthetic node says',
      answer({ ...marked, check: 'critical', pools: [{ ...left, byAgent: true }] }),
      ['prod/web: leaving (drained)'],
    ],
    [
      'a Traefik that has not let go, only once Consul has',
      answer({ ...marked, check: 'critical', pools: [{ ...leaving, heldBy: ['Traefik replica edge-1 still sends it requests'] }] }),
      ['prod/web: Traefik replica edge-1 still sends it requests'],
    ],
    [
      'Consul before any Traefik',
      answer({ ...marked, check: 'passing', pools: [{ ...leaving, heldBy: ['x'] }] }),
      ['prod/web: leaving (drained)'],
    ],
    ['nothing more when each Traefik has let go', answer({ ...marked, check: 'critical', pools: [{ ...leaving, heldBy: [] }] }), []],
    [
      'a pool that its floor keeps',
      answer({ ...marked, registered: 1, pools: [left, kept] }),
      ['prod/api: kept: the pool must not fall below 3'],
    ],
    [
      'a pool that is kept in while the check is about to pass again',
      answer({ ...marked, check: 'critical', pools: [kept] }),
      ['prod/api: kept: the pool must not fall below 3'],
    ],
    [
      'a pool that cannot be decided',
      answer({ ...marked, pools: [pool('web', { in: undefined, code: undefined, reason: 'not decided' })] }),
      ['prod/web: not decided'],
    ],
    [
      'instances of pools without a spec',
      answer({ ...marked, registered: 3, pools: [leaving] }),
      ['prod/web: leaving (drained)', '2 registered for pools that no spec holds'],
    ],
    [
      'Consul, when the daemon cannot see it',
      answer({ ...marked, registered: 0, pools: [] }, [stale]),
      ["the daemon's view of consul is stale (no leader)"],
    ],
    ['nothing once its check is critical', answer({ ...marked, registered: 2, check: 'critical', pools: [leaving] }), []],
    ['nothing once its instances are gone', answer({ ...marked, registered: 0, check: 'passing', pools: [left] }), []],
    ['nothing of a node that never was in', answer({ ...marked, registered: 0, check: undefined }), []],
    ['nothing of a node that is gone altogether', answer({ inCluster: false, registered: 0, check: undefined, pools: [] }), []],
    [
      'a node that is gone from the cluster only',
      answer({ inCluster: false, registered: 1, check: undefined, pools: [leaving] }),
      ['prod/web: leaving (drained)'],
    ],
  ])('%s', (_what, given, waits) => {
    expect(drainWaits('drain', given).map(({ pool: on, why }) => (on === undefined ? why : `${on}: ${why}`))).toEqual(waits);
  });
});

describe('what an undrain waits for', () => {
  it.each<readonly [string, NodeAnswer, readonly string[]]>([
    ['a daemon that has not looked since', answer({ ...marked }), ['the daemon still sees the mark']],
    [
      'the grace of the node',
      answer({ eligible: false, code: 'grace', reason: 'it comes in after 5 s more' }),
      ['it comes in after 5 s more'],
    ],
    ['a cordon', answer({ eligible: false, code: 'cordoned', reason: 'the node is cordoned' }), ['the node is cordoned']],
    ['the grace of a pool', answer({ pools: [grace] }), ['prod/web: it comes in after 5 s more']],
    [
      'a registration',
      answer({ pools: [pool('web', { registered: false, passing: false }), pool('api')] }),
      ['prod/web: not registered yet'],
    ],
    [
      'a check that does not pass',
      answer({ pools: [pool('web', { passing: false })] }),
      ['prod/web: registered, and its checks do not pass yet'],
    ],
    ['nothing where its agent registers it', answer({ pools: [pool('web', { registered: false, passing: false, byAgent: true })] }), []],
    ['nothing where it passes again', answer({ pools: [pool('web'), pool('api')] }), []],
    [
      'a Traefik that lacks backends',
      answer({ pools: [pool('web', { awaitedBy: ['Traefik replica edge-1 lacks 1 backend'] }), pool('api', { awaitedBy: [] })] }),
      ['prod/web: Traefik replica edge-1 lacks 1 backend'],
    ],
    [
      'Consul before any Traefik',
      answer({ pools: [pool('web', { awaitedBy: ['x'] }), pool('api', { registered: false, passing: false })] }),
      ['prod/api: not registered yet'],
    ],
    ['no Traefik for a pool that does not need the node', answer({ pools: [{ ...grace, code: 'not-needed', awaitedBy: ['x'] }] }), []],
    ['nothing where other nodes are enough', answer({ pools: [{ ...grace, code: 'not-needed' }, pool('api')] }), []],
    ['nothing for a pool that is not in Consul', answer({ pools: [pool('web', { registered: false, passing: false, instances: 0 })] }), []],
    ['nothing of a node that is no backend', answer({ eligible: false, code: 'control-plane', reason: 'it is a control-plane node' }), []],
  ])('%s', (_what, given, waits) => {
    expect(drainWaits('undrain', given).map(({ pool: on, why }) => (on === undefined ? why : `${on}: ${why}`))).toEqual(waits);
  });
});
