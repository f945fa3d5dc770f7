import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeLiveObject } from '../../../../src/adapters/kubernetes/live-object.ts';
import { decodePod } from '../../../../src/adapters/kubernetes/pod-facts.ts';
import type { Health } from '../../../../src/core/health/health.ts';
import { healthOf } from '../../../../src/core/health/health-of.ts';
import { splitObjectKey } from '../../../../src/core/model/ids.ts';
import { type KubernetesObject, keyOfObject } from '../../../../src/core/model/objects.ts';
import type { RecordedStatus } from '../../../support/record-status.ts';

/** Made by `node test/support/record-status.ts`. */
const RECORDED = readFileSync(join(import.meta.dirname, 'fixtures/status.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedStatus);

/** The health of a recorded object, its pods called POD. What goes in is what the adapter keeps of it. */
function healthThen({ object, pods }: RecordedStatus): Health {
  const { apiVersion, kind } = object;
  const { group, namespace } = splitObjectKey(keyOfObject(object as KubernetesObject));
  const live = decodeLiveObject(object, { apiVersion, group, kind, plural: '', namespaced: namespace !== '' }, 'poolkeeper');
  const trouble = pods.flatMap((pod) => decodePod(pod) ?? []).filter(({ workload }) => workload === live.key);
  const { state, reason } = healthOf(live, trouble);
  return { state, reason: reason.replace(/pod \S+:/, 'pod POD:').replace(/pods "\S+"/, 'pods "POD"') };
}

const ready = ['ready', ''] as const;
const unseen = ['progressing', 'its controller has not taken up the latest change yet'] as const;
const missing = 'pod POD: ImagePullBackOff: container web: Back-off pulling image "registry.invalid/web:missing"';
const unready = 'pod POD: ContainersNotReady: containers with unready status: [web]';
const quota = 'pods "POD" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0';

const EXPECTED: Readonly<Record<string, readonly (readonly [moment: string, state: Health['state'], reason: string])[]>> = {
  'a Deployment': [
    ['just made', ...unseen],
    ['complete', ...ready],
    ['just changed to an image that cannot be pulled', ...unseen],
    ['stuck half-way', 'progressing', `1 of 2 replicas are updated; ${missing}`],
    ['just changed back', ...unseen],
    ['complete again', ...ready],
    ['scaled to 0', ...ready],
    ['paused and changed', 'progressing', 'the roll-out is paused (spec.paused); 0 of 2 replicas are updated'],
    ['going on', ...ready],
    ['being deleted', 'progressing', 'it is being deleted (finalizers: example.com/hold)'],
  ],
  'a Deployment whose image cannot be pulled': [['before its deadline', 'progressing', `0 of 2 replicas are available; ${missing}`]],
  'a Deployment with a short deadline': [
    ['after it', 'failed', `no progress within the progress deadline; 0 of 2 replicas are available; ${missing}`],
    ['mended', ...ready],
  ],
  'a Deployment beyond a quota': [['refused', 'failed', `0 of 2 replicas are created; ${quota}`]],
  'a Deployment whose pods run and do not get ready': [['for now', 'progressing', `0 of 2 replicas are available; ${unready}`]],
  'a Deployment that fits no node': [
    [
      'for now',
      'progressing',
      "0 of 2 replicas are available; pod POD: Unschedulable: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. " +
        'no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
  ],
  'a Deployment with minReadySeconds': [['ready, not yet available', 'progressing', '0 of 2 replicas are available']],
  'a Deployment made paused': [['for now', 'progressing', 'the roll-out is paused (spec.paused); 0 of 2 replicas are created']],
  'a StatefulSet': [
    ['just made', ...unseen],
    ['complete', ...ready],
    ['stuck half-way', 'progressing', `1 of 2 replicas are ready; ${missing}`],
    ['scaled to 0', ...ready],
  ],
  'a StatefulSet whose first pod does not get ready': [['for now', 'progressing', `0 of 2 replicas are ready; ${unready}`]],
  'a StatefulSet with a partition': [
    ['complete', ...ready],
    ['updated above it', ...ready],
  ],
  'a StatefulSet updated by hand': [
    ['complete', ...ready],
    ['changed', ...ready],
  ],
  'a DaemonSet': [
    ['just made', ...unseen],
    ['complete', ...ready],
    ['stuck half-way', 'progressing', `its pod is updated on 1 of 2 nodes; ${missing}`],
  ],
  'a DaemonSet whose pods do not get ready': [['for now', 'progressing', `its pod is available on 0 of 2 nodes; ${unready}`]],
  'a DaemonSet for no node': [['at once', ...ready]],
  'a DaemonSet updated by hand': [
    ['complete', ...ready],
    ['changed', ...ready],
  ],
  'a ReplicaSet': [
    ['just made', ...unseen],
    ['complete', ...ready],
  ],
  'a ReplicaSet beyond a quota': [['refused', 'failed', `0 of 2 replicas are created; ${quota}`]],
  'a Job': [
    ['just made', 'progressing', '0 of 1 pod has succeeded'],
    ['at work', 'progressing', '0 of 1 pod has succeeded'],
    ['complete', ...ready],
  ],
  'a Job that fails': [
    ['at work', 'progressing', '0 of 1 pod has succeeded'],
    [
      'failed',
      'failed',
      'the Job has failed: BackoffLimitExceeded: Job has reached the specified backoff limit; ' +
        'pod POD: Error: container web ended with exit code 1 (Error)',
    ],
  ],
  'a Job that tries again': [
    ['at work', 'progressing', '0 of 1 pod has succeeded'],
    ['one pod failed', 'progressing', '0 of 1 pod has succeeded, 1 failed; pod POD: Error: container web ended with exit code 1 (Error)'],
  ],
  'a Job with several pods': [
    ['at work', 'progressing', '0 of 3 pods have succeeded'],
    ['one pod done', 'progressing', '1 of 3 pods have succeeded'],
  ],
  'a Job with a deadline': [['after it', 'failed', 'the Job has failed: DeadlineExceeded: Job was active longer than specified deadline']],
  'a Job that is suspended': [['for now', 'progressing', 'the Job is suspended (spec.suspend)']],
  'a claim that nothing provisions': [['pending', 'progressing', 'the claim is not bound to a volume yet']],
  'a claim with a volume': [
    ['bound', ...ready],
    ['lost', 'failed', 'the claim has lost its volume'],
  ],
  'a CustomResourceDefinition': [
    ['just made', 'progressing', 'the API server does not serve it yet'],
    ['established', ...ready],
  ],
  'a CustomResourceDefinition whose kind is taken': [['refused', 'failed', 'its names are not accepted: "WidgetList" is already in use']],
  'a Service of type LoadBalancer': [['without an address', 'progressing', 'it has no address of a load balancer yet']],
  'a Service of type NodePort': [['at once', ...ready]],
  'a PodDisruptionBudget': [['observed', ...ready]],
  'a HorizontalPodAutoscaler': [['without its target', ...ready]],
};

describe('healthOf, as controllers recorded it', () => {
  it.each(RECORDED.map((one) => [one.case, one.moment, one] as const))('%s, %s', (name, moment, one) => {
    const expected = EXPECTED[name]?.find(([known]) => known === moment);
    const { state, reason } = healthThen(one);
    expect([moment, state, reason]).toEqual(expected);
  });

  it('was recorded for every case', () => {
    const cases = Object.entries(EXPECTED).flatMap(([name, moments]) => moments.map(([moment]) => `${name}, ${moment}`));
    expect(RECORDED.map((one) => `${one.case}, ${one.moment}`)).toEqual(cases);
  });
});
