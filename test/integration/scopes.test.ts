import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterSite, openClusterSite } from '../support/cluster-run.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;
const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/issuers.NS.example.com';
const ISSUER = '/apis/NS.example.com/v1/issuers/le';
const SOON = { timeout: 20_000 };

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'issuers.NS.example.com' },
  spec: {
    group: 'NS.example.com',
    scope: 'Cluster',
    names: { plural: 'issuers', singular: 'issuer', kind: 'Issuer', listKind: 'IssuerList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { url: { type: 'string' } } } } },
        },
      },
    ],
  },
};
const issuer = (url: string): string => `
apiVersion: NS.example.com/v1
kind: Issuer
metadata: { name: le }
spec: { url: "${url}" }
`;

describe.skipIf(inject('stack') === undefined)('a custom kind whose objects belong to the cluster', () => {
  let site: ClusterSite;

  beforeEach(async () => {
    site = await openClusterSite(stack, { dryRun: true });
  });
  afterEach(async () => {
    await site?.call('DELETE', DEFINITION).catch(() => undefined);
    await site?.close();
  });

  const urlOf = (): Promise<string | undefined> =>
    site.get<{ spec: { url: string } }>(ISSUER).then(
      ({ spec }) => spec.url,
      () => undefined,
    );
  /** What is there once the objects have been looked at again and again. */
  const afterRuns = async (): Promise<string | undefined> => {
    await site.run();
    return urlOf();
  };

  it('is applied, changed, kept in step, and pruned by what the API server says of its scope', async () => {
    const placed = JSON.stringify(definition).replaceAll(/\bNS\b/g, site.namespace);
    await site.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', JSON.parse(placed));
    await expect.poll(() => site.get(ISSUER.replace('/le', '')).catch(() => undefined), SOON).toBeDefined();
    site.commit({ 'tls.yaml': issuer('a'), 'other.yaml': configMap('other'), 'third.yaml': configMap('third') });
    expect(await site.run()).toMatchObject({ did: expect.arrayContaining(['create Issuer le']), problems: [] });
    expect(await urlOf()).toBe('a');
    await site.expectRest();
    site.commit({ 'tls.yaml': issuer('b'), 'other.yaml': configMap('other'), 'third.yaml': configMap('third') });
    expect(await site.run()).toMatchObject({ did: ['change Issuer le'], problems: [] });
    await site.expectRest();
    site.commit({ 'other.yaml': configMap('other'), 'third.yaml': configMap('third') });
    expect(await site.run()).toMatchObject({ did: ['delete Issuer le'], problems: [] });
    expect(await urlOf()).toBeUndefined();
  });

  it('may come together with its definition, in one file', async () => {
    site.commit({ 'tls.yaml': `${issuer('a')}---\n${JSON.stringify(definition)}\n` });
    expect(await site.run()).toMatchObject({ did: ['create CustomResourceDefinition issuers.NS.example.com'], problems: [] });
    await expect.poll(afterRuns, SOON).toBe('a');
    await site.expectRest();
  });
});

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
