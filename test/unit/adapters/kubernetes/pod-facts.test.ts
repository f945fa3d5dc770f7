import { describe, expect, it } from 'vitest';
import { decodePod } from '../../../../src/adapters/kubernetes/pod-facts.ts';

const replicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d9c', controller: true };
const metadata = {
  name: 'web-7d9c-x',
  namespace: 'prod',
  labels: { app: 'web', 'pod-template-hash': '7d9c' },
  ownerReferences: [replicaSet],
};
const unready = { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [web]' };
const container = (state: object, lastState: object = {}, name = 'web'): object => ({ name, ready: false, state, lastState });
const waiting = (reason: string, message?: string): object => ({ waiting: { reason, ...(message === undefined ? {} : { message }) } });
const pending = (state: object, lastState?: object): object => ({
  phase: 'Pending',
  conditions: [unready],
  containerStatuses: [container(state, lastState)],
});
const of = (status: object, meta: object = {}): unknown => decodePod({ metadata: { ...metadata, ...meta }, status });
const why = (status: object): unknown => {
  const { reason, message } = (of(status) ?? {}) as { readonly reason?: string; readonly message?: string };
  return reason === undefined ? undefined : [reason, message];
};

describe('decodePod', () => {
  it.each([
    [
      'an image that cannot be pulled',
      pending(waiting('ImagePullBackOff', 'Back-off pulling image "x"')),
      ['ImagePullBackOff', 'container web: Back-off pulling image "x"'],
    ],
    ['an image name that is none', pending(waiting('InvalidImageName')), ['InvalidImageName', 'container web']],
    [
      'a container that ends again and again',
      {
        phase: 'Running',
        conditions: [unready],
        containerStatuses: [
          container(waiting('CrashLoopBackOff', 'back-off 40s restarting failed container=web'), {
            terminated: { exitCode: 137, reason: 'OOMKilled' },
          }),
        ],
      },
      ['CrashLoopBackOff', 'container web: it last ended with exit code 137 (OOMKilled); back-off 40s restarting failed container=web'],
    ],
    [
      'an init container, which comes first',
      {
        phase: 'Pending',
        conditions: [unready],
        initContainerStatuses: [container(waiting('CreateContainerConfigError', 'configmap "settings" not found'), {}, 'migrate')],
        containerStatuses: [container(waiting('PodInitializing'))],
      },
      ['CreateContainerConfigError', 'container migrate: configmap "settings" not found'],
    ],
    [
      'a pod that fits on no node',
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }],
      },
      ['Unschedulable', '0/3 nodes are available'],
    ],
    [
      'a pod that runs and is not ready',
      { phase: 'Running', conditions: [unready], containerStatuses: [container({ running: {} })] },
      ['ContainersNotReady', 'containers with unready status: [web]'],
    ],
    ['a pod of a lost node', { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }, ['NotReady', '']],
    [
      'an evicted pod',
      { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.', conditions: [] },
      ['Evicted', 'The node was low on resource: memory.'],
    ],
    [
      'a pod that failed by itself',
      { phase: 'Failed', containerStatuses: [container({ terminated: { exitCode: 2, reason: 'Error', message: 'no database\n' } })] },
      ['Error', 'container web ended with exit code 2 (Error): no database'],
    ],
    ['a failed pod that says nothing', { phase: 'Failed' }, ['Failed', '']],
  ])('%s', (_, status, expected) => expect(why(status)).toEqual(expected));

  it.each([
    ['is ready', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }],
    ['has succeeded', { phase: 'Succeeded', conditions: [unready] }],
    ['begins as every pod', pending(waiting('ContainerCreating'))],
    ['has not been looked at by anybody', {}],
    ['runs, its readiness not known yet', { phase: 'Running' }],
  ])('is silent of a pod that %s', (_, status) => expect(of(status)).toBeUndefined());

  it('is silent of a pod that nobody controls, and of one that is being deleted', () => {
    const bad = pending(waiting('ErrImagePull'));
    expect(of(bad)).toBeDefined();
    expect(of(bad, { ownerReferences: [{ ...replicaSet, controller: false }] })).toBeUndefined();
    expect(of(bad, { deletionTimestamp: '2026-01-01T00:00:00Z' })).toBeUndefined();
  });

  it.each([
    ['the Deployment of a ReplicaSet', {}, 'apps/Deployment/prod/web'],
    ['a ReplicaSet by itself', { labels: {} }, 'apps/ReplicaSet/prod/web-7d9c'],
    ['a ReplicaSet of another controller', { labels: { 'pod-template-hash': 'other' } }, 'apps/ReplicaSet/prod/web-7d9c'],
    ['a Job', { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'load', controller: true }] }, 'batch/Job/prod/load'],
    [
      'a core kind',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'ReplicationController', name: 'old', controller: true }] },
      '/ReplicationController/prod/old',
    ],
  ])('belongs to %s', (_, meta, workload) =>
    expect(of(pending(waiting('ErrImagePull')), meta)).toMatchObject({ pod: 'web-7d9c-x', workload }),
  );

  it('cuts long messages', () => {
    expect((of(pending(waiting('ErrImagePull', 'x'.repeat(2000)))) as { message: string }).message).toHaveLength(300);
  });
});
