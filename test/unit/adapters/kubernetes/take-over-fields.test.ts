import { describe, expect, it } from 'vitest';
import { takeOverFields } from '../../../../src/adapters/kubernetes/take-over-fields.ts';

const entry = (manager: string, operation: 'Apply' | 'Update', fieldsV1: object, more: object = {}) => ({
  manager,
  operation,
  apiVersion: 'apps/v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});
const request = { owner: 'me', takeFrom: ['kubectl', 'helm'], apiVersion: 'apps/v1' };

describe('takeOverFields', () => {
  it('has nothing to do where none of the managers stands', () => {
    expect(takeOverFields([entry('someone', 'Apply', { 'f:spec': {} })], request)).toBeUndefined();
  });

  it('moves entries into a new Apply entry of ours, merged at every depth', () => {
    const moved = takeOverFields(
      [
        entry('kubectl', 'Update', { 'f:spec': { 'f:replicas': {}, 'f:template': { 'f:spec': { 'f:a': {} } } } }),
        entry('someone', 'Update', { 'f:spec': { 'f:paused': {} } }),
        entry('helm', 'Apply', { 'f:spec': { '.': {}, 'f:template': { 'f:spec': { 'f:b': {} } } } }),
      ],
      request,
    );
    expect(moved).toEqual([
      entry('someone', 'Update', { 'f:spec': { 'f:paused': {} } }),
      entry('poolkeeper-me', 'Apply', { 'f:spec': { '.': {}, 'f:replicas': {}, 'f:template': { 'f:spec': { 'f:a': {}, 'f:b': {} } } } }),
    ]);
  });

  it('keeps what we own already', () => {
    const moved = takeOverFields(
      [entry('poolkeeper-me', 'Apply', { 'f:data': { 'f:a': {} } }), entry('kubectl', 'Update', { 'f:data': { 'f:b': {} } })],
      request,
    );
    expect(moved).toEqual([entry('poolkeeper-me', 'Apply', { 'f:data': { 'f:a': {}, 'f:b': {} } })]);
  });

  it('leaves entries of subresources, and drops those of another version', () => {
    const status = entry('kubectl', 'Update', { 'f:status': {} }, { subresource: 'status' });
    const old = entry('kubectl', 'Update', { 'f:spec': { 'f:old': {} } }, { apiVersion: 'extensions/v1beta1' });
    expect(takeOverFields([status, old, entry('helm', 'Update', { 'f:spec': { 'f:a': {} } })], request)).toEqual([
      status,
      entry('poolkeeper-me', 'Apply', { 'f:spec': { 'f:a': {} } }),
    ]);
    expect(takeOverFields([status, old], request)).toEqual([status]);
  });
});
