import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/core/model/objects.ts';
import { condition, type Expected, failed, judge, progressing, ready } from './judge-health.ts';

const done = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };
const deadline = condition('Progressing', 'False', 'ProgressDeadlineExceeded');
const refusal = condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota: pods');

describe('a Deployment', () => {
  it.each<readonly [string, JsonObject, JsonObject, Expected]>([
    ['is ready when all is done', { replicas: 3 }, done, ready],
    [
      'has one replica unless it says otherwise',
      {},
      { observedGeneration: 1, replicas: 1, updatedReplicas: 1 },
      progressing('0 of 1 replica is available'),
    ],
    ['waits to be created', { replicas: 3 }, { ...done, replicas: 1, updatedReplicas: 1 }, progressing('1 of 3 replicas are created')],
    ['waits to be updated', { replicas: 3 }, { ...done, updatedReplicas: 2 }, progressing('2 of 3 replicas are updated')],
    ['waits for one old replica to go', { replicas: 3 }, { ...done, replicas: 4 }, progressing('1 replica is still to be removed')],
    ['waits for surplus replicas to go', { replicas: 1 }, done, progressing('2 replicas are still to be removed')],
    [
      'waits to be available, not only ready',
      { replicas: 3 },
      { ...done, availableReplicas: 2 },
      progressing('2 of 3 replicas are available'),
    ],
    [
      'waits while it is paused in the middle',
      { replicas: 3, paused: true },
      { ...done, updatedReplicas: 1 },
      progressing('the roll-out is paused (spec.paused); 1 of 3 replicas are updated'),
    ],
    ['is ready though paused when nothing is left', { replicas: 3, paused: true }, done, ready],
    [
      'fails by its deadline',
      { replicas: 3 },
      { ...done, availableReplicas: 2, conditions: [deadline] },
      failed('no progress within the progress deadline; 2 of 3 replicas are available'),
    ],
    [
      'fails by refused pods',
      { replicas: 3 },
      { ...done, replicas: 2, conditions: [refusal] },
      failed('2 of 3 replicas are created; exceeded quota: pods'),
    ],
    [
      'fails by its deadline first',
      { replicas: 3 },
      { ...done, replicas: 2, conditions: [refusal, deadline] },
      failed('no progress within the progress deadline; 2 of 3 replicas are created'),
    ],
    [
      'does not fail by pods that were refused once',
      { replicas: 3 },
      { ...done, replicas: 2, conditions: [{ ...refusal, status: 'False' }] },
      progressing('2 of 3 replicas are created'),
    ],
    ['is ready when a late condition still tells of trouble', { replicas: 3 }, { ...done, conditions: [refusal] }, ready],
    ['is ready without replicas', { replicas: 0 }, { observedGeneration: 1 }, ready],
    [
      'is not ready without replicas before its controller has looked',
      { replicas: 0 },
      {},
      progressing('its controller has not taken up the latest change yet'),
    ],
    [
      'is judged by a new revision, not by the failure of the old one',
      { replicas: 3 },
      { ...done, observedGeneration: 0, conditions: [deadline] },
      progressing('its controller has not taken up the latest change yet'),
    ],
  ])('%s', (_what, spec, status, expected) => {
    expect(judge('apps/v1', 'Deployment', { spec, status, generation: 1 })).toEqual(expected);
  });
});

describe('other workloads', () => {
  const partition = (number: number): JsonObject => ({
    replicas: 3,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: number } },
  });
  const onDelete: JsonObject = { replicas: 3, updateStrategy: { type: 'OnDelete' } };
  const nodes = { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 };
  it.each<readonly [string, string, JsonObject, JsonObject, Expected]>([
    ['StatefulSet', 'waits for surplus replicas to go', { replicas: 2 }, done, progressing('1 replica is still to be removed')],
    [
      'StatefulSet',
      'waits for its updates when all are ready',
      { replicas: 3 },
      { ...done, updatedReplicas: 2 },
      progressing('2 of 3 replicas are updated'),
    ],
    [
      'StatefulSet',
      'is ready though the current revision lags behind',
      { replicas: 3 },
      { ...done, currentRevision: 'a', updateRevision: 'b' },
      ready,
    ],
    [
      'StatefulSet',
      'waits for the replicas above its partition',
      partition(1),
      { ...done, updatedReplicas: 1 },
      progressing('1 of 2 replicas are updated (partition 1)'),
    ],
    ['StatefulSet', 'has nothing to update with a partition above all', partition(5), { ...done, updatedReplicas: 0 }, ready],
    [
      'StatefulSet',
      'waits for replicas also when updated by hand',
      onDelete,
      { ...done, readyReplicas: 2 },
      progressing('2 of 3 replicas are ready'),
    ],
    [
      'DaemonSet',
      'waits until its nodes are counted',
      {},
      { observedGeneration: 1 },
      progressing('its controller has not counted its nodes yet'),
    ],
    [
      'DaemonSet',
      'waits on one node',
      {},
      { ...nodes, desiredNumberScheduled: 1, updatedNumberScheduled: 0 },
      progressing('its pod is updated on 0 of 1 node'),
    ],
    [
      'DaemonSet',
      'waits to be available also when updated by hand',
      onDelete,
      { ...nodes, updatedNumberScheduled: 0, numberAvailable: 1 },
      progressing('its pod is available on 1 of 3 nodes'),
    ],
    [
      'ReplicaSet',
      'waits to be available',
      { replicas: 3 },
      { ...done, availableReplicas: 1 },
      progressing('1 of 3 replicas are available'),
    ],
    ['ReplicaSet', 'waits for surplus replicas to go', { replicas: 1 }, done, progressing('2 replicas are still to be removed')],
  ])('a %s %s', (kind, _what, spec, status, expected) => {
    expect(judge('apps/v1', kind, { spec, status, generation: 1 })).toEqual(expected);
  });
});
