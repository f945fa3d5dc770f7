import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/core/model/objects.ts';
import type { PodTrouble } from '../../../../src/core/model/pods.ts';
import { condition, type Expected, failed, type Given, judge, live, progressing, ready } from './judge-health.ts';

describe('any object', () => {
  it.each<readonly [string, Given, Expected]>([
    ['is unknown while nobody has looked', {}, ['unknown', 'its status has not been looked at']],
    ['is progressing while it is deleted, looked at or not', { more: { deleting: true } }, progressing('it is being deleted')],
    [
      'is progressing while finalizers keep it, and they are told',
      { status: { phase: 'Bound' }, more: { deleting: true, finalizers: ['a/b', 'c/d'] } },
      progressing('it is being deleted (finalizers: a/b, c/d)'),
    ],
    ['is ready without a status: most kinds have none', { status: {} }, ready],
    ['is ready by its condition', { status: { conditions: [condition('Ready', 'True')] } }, ready],
    [
      'is progressing by it',
      { status: { conditions: [condition('Ready', 'False', 'Issuing', 'a key is made')] } },
      progressing('not ready: a key is made'),
    ],
    [
      'is progressing while it is not known',
      { status: { conditions: [condition('Ready', 'Unknown', 'Pending')] } },
      progressing('not ready: Pending'),
    ],
    [
      'says something even if the condition does not',
      { status: { conditions: [condition('Ready', 'False')] } },
      progressing('not ready: the condition Ready is False'),
    ],
    ['is ready whatever other conditions say', { status: { conditions: [condition('Synced', 'False', 'No')] } }, ready],
    [
      'has failed when it is stalled',
      { status: { conditions: [condition('Ready', 'False'), condition('Stalled', 'True', 'BadChart', 'no such chart')] } },
      failed('no such chart'),
    ],
    ['has not failed when it is not', { status: { conditions: [condition('Stalled', 'False'), condition('Ready', 'True')] } }, ready],
    [
      'is progressing while it is reconciled',
      { status: { conditions: [condition('Ready', 'True'), condition('Reconciling', 'True', 'NewRevision')] } },
      progressing('NewRevision'),
    ],
    [
      'is ready when it is not any more',
      { status: { conditions: [condition('Reconciling', 'False'), condition('Ready', 'True')] } },
      ready,
    ],
    [
      'is progressing while its controller is behind, whatever it said before',
      { generation: 3, status: { observedGeneration: 2, conditions: [condition('Ready', 'True')] } },
      progressing('its controller has not taken up the latest change yet'),
    ],
    [
      'is judged once it has caught up',
      { generation: 3, status: { observedGeneration: 3, conditions: [condition('Ready', 'True')] } },
      ready,
    ],
    ['is judged when its controller does not say', { generation: 3, status: { conditions: [condition('Ready', 'True')] } }, ready],
  ])('%s', (_what, given, expected) => {
    expect(judge('example.com/v1', 'Widget', given)).toEqual(expected);
  });
});

describe('the words of the pods', () => {
  const trouble = (pod: string, reason: string, message = ''): PodTrouble => ({
    pod,
    workload: live('apps/v1', 'Deployment', {}).key,
    reason,
    message,
  });
  const slow: Given = { spec: { replicas: 2 }, status: { replicas: 2, updatedReplicas: 2, observedGeneration: 1 }, generation: 1 };
  const pull = trouble('web-b', 'ImagePullBackOff', 'Back-off pulling image "web:2"');

  it('follow the reason', () => {
    const [, reason] = judge('apps/v1', 'Deployment', slow, [pull]);
    expect(reason).toBe('0 of 2 replicas are available; pod web-b: ImagePullBackOff: Back-off pulling image "web:2"');
  });

  it('are those of the pod that says most', () => {
    const [, reason] = judge('apps/v1', 'Deployment', slow, [
      trouble('web-a', 'ContainersNotReady', 'containers with unready status'),
      pull,
    ]);
    expect(reason).toContain('pod web-b: ImagePullBackOff');
    expect(judge('apps/v1', 'Deployment', slow, [trouble('web-a', 'ContainersNotReady')])[1]).toBe(
      '0 of 2 replicas are available; pod web-a: ContainersNotReady',
    );
  });

  it('do not decide: an image that cannot be pulled is no failure before the deadline', () => {
    expect(judge('apps/v1', 'Deployment', slow, [pull])[0]).toBe('progressing');
  });

  it('are not told of what is ready, deleted or not yet seen by its controller', () => {
    const reasons = [
      { ...slow, spec: { replicas: 0 }, status: { observedGeneration: 1 } },
      { ...slow, more: { deleting: true } },
      { ...slow, generation: 2 },
    ];
    for (const given of reasons) expect(judge('apps/v1', 'Deployment', given, [pull])[1]).not.toContain('web-b');
  });
});

describe('healthOf', () => {
  const KINDS = [
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'ReplicaSet'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['batch/v1', 'Job'],
    ['v1', 'PersistentVolumeClaim'],
    ['v1', 'Pod'],
    ['v1', 'Service'],
    ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
    ['example.com/v1', 'Widget'],
  ] as const;
  const names = ['replicas', 'readyReplicas', 'conditions', 'phase', 'loadBalancer', 'observedGeneration', 'updateStrategy', 'type'];
  const fields = fc.dictionary(fc.constantFrom(...names), fc.jsonValue()).map((value) => value as JsonObject);

  it('takes whatever a custom controller writes, and gives a reason exactly when it is not ready', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fields, fields, ([apiVersion, kind], spec, status) => {
        const [state, reason] = judge(apiVersion, kind, { spec, status, generation: 1 });
        expect(reason === '').toBe(state === 'ready');
      }),
    );
  });
});
