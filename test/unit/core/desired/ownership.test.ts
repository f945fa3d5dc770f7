import { describe, expect, it } from 'vitest';
import { identityOf, ownershipOf } from '../../../../src/core/desired/ownership.ts';
import type { LiveObject } from '../../../../src/core/model/objects.ts';
import { deployment, liveOf, owned, POLICY, service } from '../../../support/builders.ts';

const ours = owned(service('web'), 'web.json');
const without = (live: LiveObject, key: 'ourFields'): LiveObject => {
  const { [key]: _dropped, ...rest } = live;
  return rest;
};
const withoutMark = (live: LiveObject, mark: string): LiveObject => {
  const { [mark]: _dropped, ...annotations } = live.annotations;
  const { [`f:${mark}`]: _field, ...fields } = live.ourFields?.['f:metadata']?.['f:annotations'] ?? {};
  return { ...live, annotations, ourFields: { ...live.ourFields, 'f:metadata': { 'f:annotations': fields } } };
};

/** As somebody with that manager leaves it who sets its id. */
const idSetBy = (name: string, id: string, operation: 'Apply' | 'Update' = 'Apply'): LiveObject => {
  const fields = { 'f:metadata': { 'f:annotations': { 'f:poolkeeper.dev/id': {} } } };
  const managers = [{ name, operation, subresource: '', ownsReplicas: false, fields }];
  return { ...withoutMark(ours, 'poolkeeper.dev/id'), annotations: { 'poolkeeper.dev/id': id }, managers };
};

describe('ownershipOf', () => {
  it.each<readonly [string, LiveObject, ReturnType<typeof ownershipOf>]>([
    ['what we have applied', ours, 'owned'],
    ['an object of the cluster', owned({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } }, 'a.json'), 'owned'],
    ['what we have applied, its label stripped', { ...ours, labels: {} }, 'owned'],
    ['what we have applied, its id stripped', withoutMark(ours, 'poolkeeper.dev/id'), 'drifted'],
    ['its id overwritten by somebody', { ...withoutMark(ours, 'poolkeeper.dev/id'), annotations: { 'poolkeeper.dev/id': 'x' } }, 'drifted'],
    ['its id set again by somebody', { ...withoutMark(ours, 'poolkeeper.dev/id'), annotations: ours.annotations }, 'drifted'],
    ['what another owner has adopted', idSetBy('poolkeeper-blue', identityOf('blue', ours.key)), 'stranger'],
    ['its id forged, without an apply', idSetBy('poolkeeper-blue', identityOf('blue', ours.key), 'Update'), 'drifted'],
    ['its id forged by another manager', idSetBy('argocd', identityOf('blue', ours.key)), 'drifted'],
    ['the id of something else', idSetBy('poolkeeper-blue', identityOf('blue', owned(service('other'), 'a').key)), 'drifted'],
    ['an object that others made', without(liveOf(service('web')), 'ourFields'), 'stranger'],
    ['all our labels and annotations, but no apply of ours', without(ours, 'ourFields'), 'stranger'],
    ['a child that inherits everything', { ...without(ours, 'ourFields'), controlledBy: 'Deployment/web' }, 'stranger'],
    ['even our own apply, once a controller has it', { ...ours, controlledBy: 'Application/web' }, 'stranger'],
  ])('%s', (_name, live, expected) => {
    expect(ownershipOf(live, POLICY.owner)).toBe(expected);
  });

  it.each<readonly [string, string]>([
    ['another name', identityOf(POLICY.owner, owned(service('other'), 'a').key)],
    ['another namespace', identityOf(POLICY.owner, owned(service('web', { namespace: 'prod' }), 'a').key)],
    ['another kind', identityOf(POLICY.owner, owned(deployment('web'), 'a').key)],
    ['another owner', identityOf('someone', ours.key)],
  ])('does not count an id of %s as its own', (_name, id) => {
    expect(ownershipOf({ ...ours, annotations: { ...ours.annotations, 'poolkeeper.dev/id': id } }, POLICY.owner)).not.toBe('owned');
  });
});
