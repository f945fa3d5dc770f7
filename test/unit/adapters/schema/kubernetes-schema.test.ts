import { describe, expect, it } from 'vitest';
import { createSchemaCheck, unpackKubernetesSchema } from '../../../../src/adapters/schema/kubernetes-schema.ts';
import type { JsonObject } from '../../../../src/core/model/objects.ts';

const schema = unpackKubernetesSchema();
const check = createSchemaCheck(schema);

/** `path: fault` of everything that is wrong with a Deployment of this container. */
function ofContainer(container: JsonObject): readonly string[] {
  const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', ...container }] } };
  return words({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { selector: {}, template } }).map((text) =>
    text.replace('spec.template.spec.containers.0', 'container'),
  );
}

const words = (object: JsonObject): readonly string[] => check(object).map(({ path, fault }) => `${path.join('.')}: ${fault.kind}`);

describe('the schema of Kubernetes', () => {
  it('has every kind that people commit, of the release that the tests run', () => {
    expect(schema.version).toMatch(/^1\.35\./);
    expect(Object.keys(schema.kinds)).toEqual(
      expect.arrayContaining([
        'v1/Service',
        'v1/Secret',
        'apps/v1/StatefulSet',
        'batch/v1/CronJob',
        'networking.k8s.io/v1/Ingress',
        'autoscaling/v2/HorizontalPodAutoscaler',
        'policy/v1/PodDisruptionBudget',
        'rbac.authorization.k8s.io/v1/Role',
        'apiextensions.k8s.io/v1/CustomResourceDefinition',
      ]),
    );
  });

  it.each<[string, JsonObject, readonly string[]]>([
    ['nothing wrong', { image: 'a', ports: [{ containerPort: 80 }], resources: { limits: { cpu: 1, memory: '64Mi' } } }, []],
    ['an unknown field', { imag: 'a' }, ['container.imag: unknown-field']],
    ['a field that is missing', { ports: [{ name: 'http' }] }, ['container.ports.0.containerPort: missing-field']],
    ['a wrong type', { ports: [{ containerPort: '80' }] }, ['container.ports.0.containerPort: wrong-type']],
    ['a wrong word', { imagePullPolicy: 'always' }, ['container.imagePullPolicy: wrong-value']],
    ['no quantity', { resources: { limits: { memory: '64 MB' } } }, ['container.resources.limits.memory: wrong-form']],
    ['a port twice', { ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }, ['container.ports.1: repeated-item']],
    ['a port of two protocols', { ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] }, []],
    ['an integer or text', { livenessProbe: { httpGet: { port: 'http' } }, readinessProbe: { httpGet: { port: 1 } } }, []],
    ['neither of them', { livenessProbe: { httpGet: { port: true } } }, ['container.livenessProbe.httpGet.port: wrong-type']],
  ])('finds %s', (_, container, expected) => {
    expect(ofContainer(container)).toEqual(expected);
  });

  it('leaves metadata and status to others, and looks into those of templates', () => {
    const bad = { nme: 'a' };
    expect(words({ apiVersion: 'v1', kind: 'ConfigMap', metadata: bad, status: {} })).toEqual([]);
    expect(words({ apiVersion: 'v1', kind: 'PodTemplate', metadata: bad, template: { metadata: bad } })).toEqual([
      'template.metadata.nme: unknown-field',
    ]);
  });

  it('tells unknown kinds of its own groups, and passes over those of others, and what is not stable', () => {
    expect(words({ apiVersion: 'apps/v1', kind: 'Deploymnt' })).toEqual(['kind: unknown-kind']);
    expect(words({ apiVersion: 'apps/v3', kind: 'Deployment' })).toEqual(['apiVersion: unknown-kind']);
    expect(words({ apiVersion: 'apps/v2beta1', kind: 'Deployment' })).toEqual([]);
    expect(words({ apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', spec: 1 })).toEqual([]);
  });

  it('keeps what may hold anything, and what refers to itself', () => {
    const definition = (extra: JsonObject): JsonObject => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      spec: {
        group: 'example.com',
        names: { kind: 'Thing', plural: 'things' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { properties: { a: extra } } } }],
      },
    });
    expect(words(definition({ type: 'string', default: { any: [1] }, 'x-kubernetes-preserve-unknown-fields': true }))).toEqual([]);
    expect(words(definition({ typ: 'string' }))).toEqual(['spec.versions.0.schema.openAPIV3Schema.properties.a.typ: unknown-field']);
  });
});
