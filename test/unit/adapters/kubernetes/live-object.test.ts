import { describe, expect, it } from 'vitest';
import type { ApiResource } from '../../../../src/adapters/kubernetes/discovery.ts';
import { decodeLiveObject } from '../../../../src/adapters/kubernetes/live-object.ts';

const deployments: ApiResource = { apiVersion: 'apps/v1', group: 'apps', kind: 'Deployment', plural: 'deployments', namespaced: true };
const services: ApiResource = { apiVersion: 'v1', group: '', kind: 'Service', plural: 'services', namespaced: true };
const secrets: ApiResource = { apiVersion: 'v1', group: '', kind: 'Secret', plural: 'secrets', namespaced: true };
const meta = { name: 'web', namespace: 'prod', uid: 'u1', resourceVersion: '7' };

describe('decodeLiveObject', () => {
  it('keeps what the core reads and nothing else', () => {
    const managedFields = [
      { manager: 'poolkeeper-me', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
      { manager: 'poolkeeper-me', operation: 'Apply', subresource: 'status', fieldsV1: { 'f:status': {} } },
      { manager: 'poolkeeper-me', operation: 'Update', fieldsV1: { 'f:spec': {} } },
      { manager: 'hpa', operation: 'Update', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    ];
    const ownerReferences = [
      { kind: 'Application', name: 'not-a-controller' },
      { kind: 'Rollout', name: 'web', controller: true },
    ];
    const object = {
      metadata: {
        ...meta,
        generation: 4,
        managedFields,
        ownerReferences,
        labels: { app: 'web' },
        annotations: { note: 'x' },
        finalizers: ['hold'],
        deletionTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: { big: true } },
      status: { replicas: 3, terminatingReplicas: 1 },
    };
    const live = decodeLiveObject(object, deployments, 'me');
    expect(live).toEqual({
      key: 'apps/Deployment/prod/web',
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'prod',
      name: 'web',
      uid: 'u1',
      resourceVersion: '7',
      labels: { app: 'web' },
      annotations: { note: 'x' },
      controlledBy: 'Rollout/web',
      deleting: true,
      finalizers: ['hold'],
      ourFields: { 'f:spec': { 'f:replicas': {} } },
      managers: [
        { name: 'poolkeeper-me', operation: 'Apply', subresource: '', ownsReplicas: true },
        { name: 'poolkeeper-me', operation: 'Apply', subresource: 'status', ownsReplicas: false },
        { name: 'poolkeeper-me', operation: 'Update', subresource: '', ownsReplicas: false, fields: { 'f:spec': {} } },
        { name: 'hpa', operation: 'Update', subresource: 'scale', ownsReplicas: true },
      ],
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } } },
      generation: 4,
      status: { replicas: 3 },
    });
    expect(Object.isFrozen(live) && Object.isFrozen(live.spec['selector']) && Object.isFrozen(live.ourFields)).toBe(true);
  });

  it('keeps the replicas of a custom kind that can be scaled', () => {
    const fleets: ApiResource = { apiVersion: 'a.dev/v1', group: 'a.dev', kind: 'Fleet', plural: 'fleets', namespaced: true };
    const specOf = (resource: ApiResource, spec: object) => decodeLiveObject({ metadata: meta, spec }, resource, 'me').spec;
    expect(specOf({ ...fleets, scalable: true }, { replicas: 3, order: [] })).toEqual({ replicas: 3 });
    expect(specOf({ ...fleets, scalable: true }, { replicas: 'many' })).toEqual({});
    expect(specOf(fleets, { replicas: 3 })).toEqual({});
  });

  it('keeps the whole spec of a Service, and nothing of a Secret', () => {
    const spec = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] };
    expect(decodeLiveObject({ metadata: meta, spec }, services, 'me').spec).toEqual(spec);
    const secret = decodeLiveObject({ metadata: meta, data: { password: 'c2VjcmV0' } }, secrets, 'me');
    expect(JSON.stringify(secret)).not.toContain('c2VjcmV0');
    expect(secret.ourFields).toBeUndefined();
  });

  it('keeps of a status what health rules read, without times, and long messages cut', () => {
    const condition = { type: 'Progressing', status: 'False', reason: 'Late', message: 'm'.repeat(900) };
    const times = { lastTransitionTime: '2026-01-01T00:00:00Z', lastUpdateTime: '2026-01-01T00:00:00Z' };
    const status = {
      observedGeneration: 3,
      updatedReplicas: 1,
      unavailableReplicas: 2,
      collisionCount: 5,
      currentRevision: 'web-1',
      phase: { not: 'a phase' },
      conditions: [
        { ...condition, ...times },
        { type: 'Available', status: 'True', ...times },
      ],
      loadBalancer: { ingress: [] },
    };
    expect(decodeLiveObject({ metadata: meta, status }, deployments, 'me').status).toEqual({
      observedGeneration: 3,
      updatedReplicas: 1,
      unavailableReplicas: 2,
      currentRevision: 'web-1',
      conditions: [
        { ...condition, message: 'm'.repeat(300) },
        { type: 'Available', status: 'True' },
      ],
    });
    const ingress = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    expect(decodeLiveObject({ metadata: meta, status: ingress }, services, 'me').status).toEqual(ingress);
  });

  it('tells an object without status from an answer without it', () => {
    const bare = decodeLiveObject({ kind: 'Secret', metadata: meta }, secrets, 'me');
    expect(bare.status).toEqual({});
    expect(decodeLiveObject({ metadata: meta, status: {} }, deployments, 'me').status).toBe(bare.status);
    expect(decodeLiveObject({ kind: 'PartialObjectMetadata', metadata: meta }, deployments, 'me')).not.toHaveProperty('status');
  });

  it('keeps of the spec of a workload what health rules read', () => {
    const kept = { paused: true, suspend: false, completions: 2, parallelism: 1, updateStrategy: { type: 'OnDelete' } };
    const spec = { ...kept, strategy: { type: 'Recreate', rollingUpdate: null }, template: {}, minReadySeconds: 5 };
    expect(decodeLiveObject({ metadata: meta, spec }, deployments, 'me').spec).toEqual({ ...kept, strategy: { type: 'Recreate' } });
  });

  it.each(['name', 'uid', 'resourceVersion'])('refuses an object without %s', (missing) => {
    const metadata = { ...meta, [missing]: undefined };
    expect(() => decodeLiveObject({ metadata }, secrets, 'me')).toThrow(/KUBERNETES_UNAVAILABLE.*secrets/);
  });
});
