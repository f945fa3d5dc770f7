import { describe, expect, it } from 'vitest';
import { decode, objectsOf, summary, words } from './decode.ts';

const decodeObject = (object: unknown) => decode('a.json', JSON.stringify(object));
const onlyObject = (object: unknown) => objectsOf(decodeObject(object))[0] as unknown as Record<string, unknown>;
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [] } };

describe('old API versions', () => {
  const noteOf = (object: unknown) => words(decodeObject(object));
  const metadata = { name: 'a' };

  it.each([
    ['extensions/v1beta1', 'Deployment'],
    ['apps/v1beta1', 'StatefulSet'],
    ['apps/v1beta2', 'DaemonSet'],
    ['extensions/v1beta1', 'ReplicaSet'],
  ])('%s %s becomes apps/v1', (apiVersion, kind) => {
    expect(onlyObject({ apiVersion, kind, metadata, spec: { template } })).toMatchObject({
      apiVersion: 'apps/v1',
      kind,
      spec: { template, selector: { matchLabels: { app: 'a' } } },
    });
  });

  it('keeps a selector, leaves out what is gone, and names new defaults', () => {
    const spec = { template, selector: { matchLabels: { app: 'b' } }, rollbackTo: {}, templateGeneration: 3 };
    const old = { apiVersion: 'extensions/v1beta1', kind: 'DaemonSet', metadata, spec };
    expect(onlyObject(old)['spec']).toEqual({ template, selector: { matchLabels: { app: 'b' } } });
    expect(noteOf(old)).toContain('spec.rollbackTo left out; spec.templateGeneration left out; spec.updateStrategy.type now defaults');
    expect(noteOf({ ...old, spec: { template, updateStrategy: { type: 'OnDelete' } } })).not.toContain('defaults');
  });

  it('cannot fill a selector without labels', () => {
    const decoded = decodeObject({ apiVersion: 'apps/v1beta1', kind: 'Deployment', metadata, spec: { template: {} } });
    expect(summary(decoded)).toEqual([expect.stringContaining('SPEC_API_VERSION_GONE apiVersion')]);
    expect(words(decoded)).toContain('template.metadata.labels is missing');
  });

  it('rewrites an Ingress', () => {
    const old = {
      apiVersion: 'networking.k8s.io/v1beta1',
      kind: 'Ingress',
      metadata,
      spec: {
        backend: { serviceName: 'a', servicePort: 80 },
        rules: [
          {
            host: 'a.example.com',
            http: {
              paths: [
                { path: '/', backend: { serviceName: 'b', servicePort: 'http' } },
                { path: '/c', pathType: 'Exact', backend: { resource: { kind: 'Bucket' } } },
              ],
            },
          },
          { host: 'b.example.com' },
        ],
      },
    };
    expect(onlyObject(old)).toMatchObject({
      apiVersion: 'networking.k8s.io/v1',
      spec: {
        defaultBackend: { service: { name: 'a', port: { number: 80 } } },
        rules: [
          {
            http: {
              paths: [
                { path: '/', pathType: 'ImplementationSpecific', backend: { service: { name: 'b', port: { name: 'http' } } } },
                { path: '/c', pathType: 'Exact', backend: { resource: { kind: 'Bucket' } } },
              ],
            },
          },
          { host: 'b.example.com' },
        ],
      },
    });
    expect(onlyObject(old)['spec']).not.toHaveProperty('backend');
    expect(noteOf(old)).toContain('pathType ImplementationSpecific added');
  });

  it.each([
    ['batch/v1beta1', 'CronJob', 'batch/v1'],
    ['autoscaling/v2beta2', 'HorizontalPodAutoscaler', 'autoscaling/v2'],
    ['policy/v1beta1', 'PodDisruptionBudget', 'policy/v1'],
    ['extensions/v1beta1', 'NetworkPolicy', 'networking.k8s.io/v1'],
    ['rbac.authorization.k8s.io/v1beta1', 'Role', 'rbac.authorization.k8s.io/v1'],
  ])('%s %s becomes %s, its fields unchanged', (apiVersion, kind, to) => {
    const spec = { selector: { matchLabels: { app: 'a' } } };
    const decoded = decodeObject({ apiVersion, kind, metadata, spec });
    expect(objectsOf(decoded)).toEqual([{ apiVersion: to, kind, metadata: { name: 'a', namespace: 'default' }, spec }]);
    expect(summary(decoded)).toEqual([expect.stringContaining('SPEC_OLD_API_VERSION apiVersion')]);
  });

  it.each([
    [{ apiVersion: 'autoscaling/v2beta1', kind: 'HorizontalPodAutoscaler' }, 'autoscaling/v2:'],
    [{ apiVersion: 'policy/v1beta1', kind: 'PodSecurityPolicy' }, 'Pod Security Admission'],
    [{ apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', spec: { selector: {} } }, 'every pod'],
    [{ apiVersion: 'extensions/v1beta1', kind: 'Thing' }, 'api-resources'],
    [{ apiVersion: 'apps/v1beta2', kind: 'Scale' }, 'apps/v1'],
    [{ apiVersion: 'apiextensions.k8s.io/v1beta1', kind: 'CustomResourceDefinition' }, 'apiextensions.k8s.io/v1'],
  ])('%j cannot be rewritten', (object, remedy) => {
    const decoded = decodeObject({ ...object, metadata });
    expect(summary(decoded)).toEqual([expect.stringContaining('SPEC_API_VERSION_GONE apiVersion')]);
    expect(words(decoded)).toContain(remedy);
  });

  it.each([
    ['extensions/v1beta1', {}, true],
    ['extensions/v1beta1', { selector: { matchLabels: { app: 'a' } } }, undefined],
    ['apps/v1', { selector: { matchLabels: { app: 'a' } } }, undefined],
  ])('%s with %j tells whether the selector was filled: %j', (apiVersion, more, filled) => {
    const decoded = decodeObject({ apiVersion, kind: 'Deployment', metadata, spec: { template, ...more } });
    expect(decoded.kind === 'spec' ? decoded.spec.objects.map(({ filledSelector }) => filledSelector) : decoded).toEqual([filled]);
  });

  it('checks the fields of what it became', () => {
    const decoded = decodeObject({ apiVersion: 'apps/v1beta1', kind: 'Deployment', metadata, spec: { template, replcas: 1 } });
    expect(decoded.kind).toBe('broken');
    expect(words(decoded)).toContain('Did you mean "replicas"?');
  });
});
