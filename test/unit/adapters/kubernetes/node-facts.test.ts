import { describe, expect, it } from 'vitest';
import { decodeNode } from '../../../../src/adapters/kubernetes/node-facts.ts';

describe('decodeNode', () => {
  const node = (heartbeat: string) => ({
    metadata: { name: 'n1', labels: { zone: 'a' }, annotations: { note: 'x' }, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { unschedulable: true, taints: [{ key: 'k', effect: 'NoExecute', value: 'v' }] },
    status: {
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      conditions: [
        { type: 'MemoryPressure', status: 'False', lastHeartbeatTime: heartbeat },
        { type: 'Ready', status: 'True', lastHeartbeatTime: heartbeat, lastTransitionTime: '2026-01-01T00:01:00Z' },
      ],
    },
  });

  it('tells what a pool needs to know', () => {
    expect(decodeNode(node('2026-01-01T01:00:00Z'))).toEqual({
      name: 'n1',
      ready: true,
      readyChangedAtMs: Date.parse('2026-01-01T00:01:00Z'),
      createdAtMs: Date.parse('2026-01-01T00:00:00Z'),
      unschedulable: true,
      deleting: false,
      taints: [{ key: 'k', effect: 'NoExecute' }],
      labels: { zone: 'a' },
      annotations: { note: 'x' },
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    });
  });

  it('does not change by a heartbeat', () => {
    expect(decodeNode(node('2026-01-01T02:00:00Z'))).toEqual(decodeNode(node('2026-01-01T01:00:00Z')));
  });

  it.each([['False'], ['Unknown']])('takes Ready=%s for not ready, and a node without conditions too', (status) => {
    expect(decodeNode({ metadata: { name: 'n' }, status: { conditions: [{ type: 'Ready', status }] } }).ready).toBe(false);
    expect(decodeNode({ metadata: { name: 'n' } })).toMatchObject({
      ready: false,
      readyChangedAtMs: 0,
      createdAtMs: 0,
      taints: [],
      addresses: [],
    });
  });
});
