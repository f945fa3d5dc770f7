import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../../../src/core/model/objects.ts';
import { BUILT_IN_RESOURCES } from '../../../../src/core/rights/built-in-kinds.ts';
import { daemonRules, type RightsInput } from '../../../../src/core/rights/daemon-rules.ts';
import type { RbacRule } from '../../../../src/core/rights/rbac-rule.ts';
import { resourcesOfSpecs } from '../../../../src/core/rights/resources-of-specs.ts';
import { deployment, service, spec } from '../../../support/builders.ts';

const object = (apiVersion: string, kind: string, more: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x' },
  ...more,
});

const DEFAULTS: RightsInput = { owner: 'poolkeeper', createNamespaces: false, drainApi: false, resources: [] };

/** The cluster rules for specs with these objects, as `resource.group: verbs`. */
function rulesFor(objects: readonly KubernetesObject[], more: Partial<RightsInput> = {}): Readonly<Record<string, string>> {
  const { known } = resourcesOfSpecs([spec('a.yaml', ...objects)]);
  return shown(daemonRules({ ...DEFAULTS, resources: known.values(), ...more }).cluster);
}

const shown = (rules: readonly RbacRule[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    rules.flatMap(({ apiGroups, resources, resourceNames = [], verbs }) =>
      resources.map((resource) => [[resource, ...apiGroups.filter((group) => group !== ''), ...resourceNames].join('.'), verbs.join()]),
    ),
  );

const ALL = 'get,list,watch,create,patch,delete';
const ALWAYS = {
  'namespaces.kube-system': 'get',
  nodes: 'list,watch',
  pods: 'list,watch',
  services: 'list,watch',
  'endpointslices.discovery.k8s.io': 'list,watch',
};

describe('the rights of a daemon', () => {
  it('are to watch what pools are made of, where there are no specs', () => {
    expect(rulesFor([])).toEqual(ALWAYS);
  });

  it('are to change the kinds of the specs, and no others', () => {
    expect(rulesFor([deployment('web'), service('web')])).toEqual({ ...ALWAYS, 'deployments.apps': ALL, services: ALL });
    expect(rulesFor([object('v1', 'Secret')])).toEqual({ ...ALWAYS, secrets: ALL });
  });

  it('are never to delete namespaces, and to see all of them only where specs hold or need one', () => {
    const { 'namespaces.kube-system': _, ...rest } = ALWAYS;
    const kept = { ...rest, namespaces: 'get,list,watch,create,patch' };
    expect(rulesFor([object('v1', 'Namespace')])).toEqual(kept);
    expect(rulesFor([], { createNamespaces: true })).toEqual(kept);
  });

  it('are to change nodes only where drains may be asked for', () => {
    expect(rulesFor([], { drainApi: true })).toEqual({ ...ALWAYS, nodes: 'list,watch,patch' });
    expect(rulesFor([object('v1', 'Node')], { drainApi: true })).toEqual({ ...ALWAYS, nodes: ALL });
  });

  it('are to change custom kinds that a spec defines, under the name that it defines', () => {
    const names = { kind: 'Mouse', plural: 'mice' };
    const definition = object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { spec: { group: 'acme.io', names } });
    expect(rulesFor([object('acme.io/v1', 'Mouse'), definition])).toEqual({
      ...ALWAYS,
      'mice.acme.io': ALL,
      'customresourcedefinitions.apiextensions.k8s.io': ALL,
    });
    const { unknown } = resourcesOfSpecs([spec('a.yaml', object('acme.io/v1', 'Mouse'), object('acme.io/v1', 'Mouse'))]);
    expect([...unknown]).toEqual([['acme.io/Mouse', 'acme.io/v1']]);
  });

  it('are to hold one Lease, by its name', () => {
    expect(daemonRules({ ...DEFAULTS, owner: 'blue' }).lease).toEqual([
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: ['poolkeeper-blue'], verbs: ['get', 'update'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    ]);
  });

  it('hold no wildcard, and do not depend on the order of the specs', () => {
    const some = fc.shuffledSubarray([...BUILT_IN_RESOURCES.values()]);
    fc.assert(
      fc.property(some, fc.boolean(), fc.boolean(), (resources, createNamespaces, drainApi) => {
        const { cluster, lease } = daemonRules({ owner: 'a', createNamespaces, drainApi, resources });
        expect(JSON.stringify([cluster, lease])).not.toContain('*');
        expect(daemonRules({ owner: 'a', createNamespaces, drainApi, resources: resources.toReversed() }).cluster).toEqual(cluster);
        const secrets = resources.some(({ plural }) => plural === 'secrets');
        expect('secrets' in shown(cluster)).toBe(secrets);
      }),
    );
  });
});
