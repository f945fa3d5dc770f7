import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/core/model/objects.ts';
import { condition, type Expected, failed, judge, progressing, ready } from './judge-health.ts';

describe('other kinds', () => {
  it.each<readonly [string, string, string, JsonObject, JsonObject, Expected]>([
    [
      'v1',
      'ReplicationController',
      'is like a ReplicaSet',
      { replicas: 2 },
      { replicas: 2, availableReplicas: 1 },
      progressing('1 of 2 replicas are available'),
    ],
    ['batch/v1', 'Job', 'has pods without a number', { parallelism: 2 }, { active: 2 }, progressing('the Job runs (2 active)')],
    [
      'batch/v1',
      'Job',
      'fails without a reason',
      {},
      { conditions: [condition('Failed', 'True')] },
      failed('the Job has failed: no reason given'),
    ],
    ['batch/v1', 'Job', 'is complete though suspended since', { suspend: true }, { conditions: [condition('Complete', 'True')] }, ready],
    [
      'batch/v1',
      'Job',
      'is about to fail',
      { completions: 1 },
      { failed: 1, conditions: [condition('FailureTarget', 'True', 'DeadlineExceeded')] },
      progressing('0 of 1 pod has succeeded, 1 failed'),
    ],
    ['batch/v1', 'CronJob', 'is ready, whatever it runs', { suspend: true }, { conditions: [condition('Ready', 'False')] }, ready],
    ['v1', 'PersistentVolumeClaim', 'has no phase yet', {}, {}, progressing('the claim is not bound to a volume yet')],
    ['v1', 'Service', 'has an address', { type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }, ready],
    [
      'v1',
      'Service',
      'has an empty list of addresses',
      { type: 'LoadBalancer' },
      { loadBalancer: { ingress: [] } },
      progressing('it has no address of a load balancer yet'),
    ],
    ['v1', 'Service', 'needs none', { type: 'ExternalName' }, {}, ready],
    ['v1', 'Pod', 'runs and is ready', {}, { phase: 'Running', conditions: [condition('Ready', 'True')] }, ready],
    ['v1', 'Pod', 'has done its work', {}, { phase: 'Succeeded', conditions: [condition('Ready', 'False', 'PodCompleted')] }, ready],
    ['v1', 'Pod', 'has failed', {}, { phase: 'Failed' }, failed('the pod has failed')],
    [
      'v1',
      'Pod',
      'has failed for a reason',
      {},
      { phase: 'Failed', conditions: [condition('Ready', 'False', 'PodFailed')] },
      failed('the pod has failed: PodFailed'),
    ],
    [
      'v1',
      'Pod',
      'runs and is not ready',
      {},
      { phase: 'Running', conditions: [condition('Ready', 'False', '', 'probe')] },
      progressing('the pod is not ready: probe'),
    ],
    [
      'v1',
      'Pod',
      'fits no node',
      {},
      { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable', 'no node')] },
      progressing('the pod is not ready: no node'),
    ],
    ['v1', 'Pod', 'has only begun', {}, { phase: 'Pending' }, progressing('the pod is not ready yet')],
    [
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      'is being installed',
      {},
      { conditions: [condition('Established', 'False', 'Installing')] },
      progressing('the API server does not serve it yet'),
    ],
    [
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      'is not served any more',
      {},
      { conditions: [condition('Established', 'False', 'Gone', 'went away')] },
      failed('went away'),
    ],
    [
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      'lost its names',
      {},
      { conditions: [condition('Established', 'True'), condition('NamesAccepted', 'False', 'ShortNamesConflict')] },
      failed('its names are not accepted: ShortNamesConflict'),
    ],
    ['networking.k8s.io/v1', 'Ingress', 'is ready without an address', {}, {}, ready],
    ['example.com/v1', 'Deployment', 'of another group has no rule', { replicas: 3 }, {}, ready],
  ])('%s %s: %s', (apiVersion, kind, _what, spec, status, expected) => {
    expect(judge(apiVersion, kind, { spec, status })).toEqual(expected);
  });
});
