import { describe, expect, it } from 'vitest';
import { newScopeMemo, settleScopes } from '../../../../src/core/desired/settle-scopes.ts';
import type { GroupKind } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject } from '../../../../src/core/model/objects.ts';
import type { KindScope } from '../../../../src/core/model/world.ts';
import { deployment, spec, specSet } from '../../../support/builders.ts';

const ISSUER = 'cert-manager.io/ClusterIssuer' as GroupKind;
const NONE = new Map<GroupKind, KindScope>();
const CLUSTER = new Map<GroupKind, KindScope>([[ISSUER, 'Cluster']]);

const issuer = (name: string, namespace = 'default'): KubernetesObject => ({
  apiVersion: 'cert-manager.io/v1',
  kind: 'ClusterIssuer',
  metadata: { name, namespace },
});
const definition = (scope: string): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'clusterissuers.cert-manager.io' },
  spec: { group: 'cert-manager.io', scope, names: { kind: 'ClusterIssuer', plural: 'clusterissuers' } },
});
const WEB = spec('web.yaml', deployment('web'));
const keysOf = (set: ReturnType<typeof specSet>): readonly string[] =>
  [...set.specs.values()].flatMap(({ objects }) => objects.map(({ key }) => key));

describe('the scope of custom kinds', () => {
  it('is what the API server says: objects of the cluster lose the namespace that was given to them', () => {
    const set = specSet([WEB, spec('tls.yaml', issuer('le'))]);
    const settled = settleScopes(set, CLUSTER, newScopeMemo());
    expect(keysOf(settled)).toEqual(['apps/Deployment/default/web', 'cert-manager.io/ClusterIssuer//le']);
    expect([...settled.specs.values()][1]?.objects[0]?.object.metadata).toEqual({ name: 'le' });
  });

  it('is read from the definition in a spec while the API server does not serve the kind', () => {
    const set = specSet([spec('crd.yaml', definition('Cluster')), spec('tls.yaml', issuer('le'))]);
    expect(keysOf(settleScopes(set, NONE, newScopeMemo()))).toContain('cert-manager.io/ClusterIssuer//le');
    expect(settleScopes(set, new Map([[ISSUER, 'Namespaced']]), newScopeMemo())).toBe(set);
  });

  it('changes nothing of kinds that nobody knows, and of namespaced ones', () => {
    for (const one of [specSet([spec('tls.yaml', issuer('le'))]), specSet([spec('a.yaml', definition('Namespaced'), issuer('le'))])]) {
      expect(settleScopes(one, NONE, newScopeMemo())).toBe(one);
    }
  });

  it('gives the very same values while nothing changes, and for specs that a commit leaves alone', () => {
    const memo = newScopeMemo();
    const tls = spec('tls.yaml', issuer('le'));
    const first = settleScopes(specSet([WEB, tls]), CLUSTER, memo);
    const set = specSet([WEB, tls]);
    const second = settleScopes(set, CLUSTER, memo);
    expect([...second.specs.values()].map((one, i) => one === [...first.specs.values()][i])).toEqual([true, true]);
    expect(settleScopes(set, CLUSTER, memo)).toBe(second);
  });

  it('breaks a file whose objects differ in nothing but a namespace that they do not have', () => {
    const settled = settleScopes(specSet([WEB, spec('tls.yaml', issuer('le', 'a'), issuer('le', 'b'))]), CLUSTER, newScopeMemo());
    expect([...settled.specs.keys()]).toEqual(['web.yaml']);
    expect([...settled.broken.values()].flat().map(({ code, message }) => [code, message])).toEqual([
      ['SPEC_DUPLICATE_OBJECT', expect.stringContaining('ClusterIssuer le stands in this file twice')],
    ]);
  });
});
