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
        managedFields,
        ownerReferences,
        labels: { app: 'web' },
        annotations: { note: 'x' },
        finalizers: ['hold'],
        deletionTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: { big: true } },
      status: { replicas: 3 },
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
        { name: 'poolkeeper-me', operation: 'Update', subresource: '', ownsReplicas: false },
        { name: 'hpa', operation: 'Update', subresource: 'scale', ownsReplicas: true },
      ],
      spec: { replicas: 3, selector: { matchLabels: { app: 'web' } } },
    });
    expect(Object.isFrozen(live) && Object.isFrozen(live.spec['selector']) && Object.isFrozen(live.ourFields)).toBe(true);
  });

  it('keeps the whole spec of a Service, and nothing of a Secret', () => {
    const spec = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] };
    expect(decodeLiveObject({ metadata: meta, spec }, services, 'me').spec).toEqual(spec);
    const secret = decodeLiveObject({ metadata: meta, data: { password: 'c2VjcmV0' } }, secrets, 'me');
    expect(JSON.stringify(secret)).not.toContain('c2VjcmV0');
    expect(secret.ourFields).toBeUndefined();
  });

  it.each(['name', 'uid', 'resourceVersion'])('refuses an object without %s', (missing) => {
    const metadata = { ...meta, [missing]: undefined };
    expect(() => decodeLiveObject({ metadata }, secrets, 'me')).toThrow(/KUBERNETES_UNAVAILABLE.*secrets/);
  });
});
