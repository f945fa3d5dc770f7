import { expect, it } from 'vitest';
import { takenOver } from '../../../../src/core/desired/taken-over.ts';
import type { FieldManager, LiveObject } from '../../../../src/core/model/objects.ts';
import { deployment, liveOf } from '../../../support/builders.ts';

const manager = (name: string, fields: FieldManager['fields'], subresource = ''): FieldManager => ({
  name,
  operation: 'Update',
  subresource,
  ownsReplicas: fields?.['f:spec']?.['f:replicas'] !== undefined,
  ...(fields === undefined ? {} : { fields }),
});
const stranger = (...managers: readonly FieldManager[]): LiveObject => {
  const { ourFields: _none, ...live } = liveOf(deployment('web'), { managers });
  return live;
};

it('moves the fields of the managers that are replaced into ours, merged at every depth', () => {
  const helm = manager('helm', { 'f:spec': { 'f:replicas': {}, 'f:template': { 'f:a': {} } } });
  const kubectl = manager('kubectl', { 'f:spec': { 'f:template': { 'f:b': {} } } });
  const other = manager('injector', { 'f:spec': { 'f:paused': {} } });
  const scale = manager('kubectl', undefined, 'scale');
  const live = takenOver(stranger(helm, kubectl, other, scale), ['helm', 'kubectl']);
  expect(live.ourFields).toEqual({ 'f:spec': { 'f:replicas': {}, 'f:template': { 'f:a': {}, 'f:b': {} } } });
  expect(live.managers).toEqual([other, scale]);
});

it('gives the very object back when there is nothing to take', () => {
  const live = stranger(manager('injector', { 'f:spec': {} }));
  expect(takenOver(live, ['helm'])).toBe(live);
  expect(takenOver(live, [])).toBe(live);
});
