import { describe, expect, it } from 'vitest';
import { scaledByAutoscaler, withLiveReplicas } from '../../../../src/core/desired/live-replicas.ts';
import type { FieldManager, LiveObject } from '../../../../src/core/model/objects.ts';
import { deployment, liveOf } from '../../../support/builders.ts';

const scaler = (name: string, more: Partial<FieldManager> = {}): FieldManager => ({
  name,
  operation: 'Update',
  subresource: 'scale',
  ownsReplicas: true,
  ...more,
});
const AUTOSCALER = scaler('kube-controller-manager');
const KUBECTL = scaler('kubectl');
/** The server shows our own entry beside the others'. */
const OURS = scaler('poolkeeper-me', { operation: 'Apply', subresource: '' });

/** A Deployment of ours that runs with 6; `ours` tells whether our apply holds the number. */
function running(ours: boolean, ...managers: readonly FieldManager[]): LiveObject {
  const live = liveOf(deployment('web', ours ? { replicas: 6, paused: false } : { paused: false }), { managers });
  return { ...live, managers: ours ? [OURS, ...managers] : managers, spec: { replicas: 6 } };
}

describe('withLiveReplicas', () => {
  it.each<readonly [string, { stated?: number; live: LiveObject | undefined; autoscaled?: boolean }, number | undefined]>([
    ['a new object sends what the spec states', { stated: 2, live: undefined, autoscaled: true }, 2],
    ['a new object without a number sends none', { live: undefined }, undefined],
    ['a stated number is sent', { stated: 2, live: running(true) }, 2],
    ['a stated number is sent against kubectl scale', { stated: 2, live: running(false, KUBECTL) }, 2],
    [
      'a stated number is sent against an owner who is no autoscaler',
      { stated: 2, live: running(true, scaler('kube-controller-manager', { subresource: '' })) },
      2,
    ],
    ['under an autoscaler of the spec: the live number while only we own it', { stated: 2, live: running(true), autoscaled: true }, 6],
    [
      'under an autoscaler of the spec: nothing once another owns it',
      { stated: 2, live: running(false, AUTOSCALER), autoscaled: true },
      undefined,
    ],
    [
      'under an autoscaler of the spec: nothing while two own it',
      { stated: 2, live: running(true, AUTOSCALER), autoscaled: true },
      undefined,
    ],
    ['under a foreign autoscaler: nothing', { stated: 2, live: running(false, AUTOSCALER) }, undefined],
    ['a number taken out of the spec: the live one while only we own it', { live: running(true) }, 6],
    ['a number taken out of the spec: nothing once kubectl has scaled', { live: running(false, KUBECTL) }, undefined],
    ['no number in the spec and none of ours: nothing', { live: running(false) }, undefined],
  ])('%s', (_name, { stated, live, autoscaled = false }, expected) => {
    const object = deployment('web', stated === undefined ? { paused: false } : { replicas: stated, paused: false });
    const sent = withLiveReplicas(object, live, { autoscaled, owner: 'me' });
    expect(sent['spec']).toEqual(expected === undefined ? { paused: false } : { replicas: expected, paused: false });
  });

  it('gives the very object back when there is nothing to change, so that it is not pinned to a version', () => {
    const unstated = deployment('web', { paused: false });
    const stated = deployment('web');
    expect(withLiveReplicas(unstated, running(false), { autoscaled: false, owner: 'me' })).toBe(unstated);
    expect(withLiveReplicas(stated, running(true), { autoscaled: false, owner: 'me' })).toBe(stated);
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} };
    expect(withLiveReplicas(settings, liveOf(settings), { autoscaled: true, owner: 'me' })).toBe(settings);
  });
});

it('knows an autoscaler by its name and by the scale subresource', () => {
  expect(scaledByAutoscaler(running(false, AUTOSCALER))).toBe(true);
  expect(scaledByAutoscaler(running(false, KUBECTL))).toBe(false);
  expect(scaledByAutoscaler(running(false, scaler('kube-controller-manager', { ownsReplicas: false })))).toBe(false);
});
