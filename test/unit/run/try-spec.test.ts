import { describe, expect, it } from 'vitest';
import type { ApplyObject } from '../../../src/core/model/action.ts';
import type { KubernetesObject } from '../../../src/core/model/objects.ts';
import { keyOfObject } from '../../../src/core/model/objects.ts';
import { trySpec } from '../../../src/run/try-spec.ts';
import { problem } from '../../../src/shared/problem.ts';
import { deployment, service } from '../../support/builders.ts';

const NO = problem('KUBERNETES_REFUSED', 'no');
const apply = (object: KubernetesObject): ApplyObject => ({
  kind: 'apply-object',
  key: keyOfObject(object),
  object,
  why: 'create',
  changes: [],
});
const definition = (group: string, kind: string): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.${group}` },
  spec: { group, names: { kind } },
});
const custom = (kind: string): KubernetesObject => ({
  apiVersion: 'example.com/v2',
  kind,
  metadata: { name: 'web', namespace: 'default' },
});

/** Tries objects; gives what was asked, in the order of asking, and what was refused. */
async function tried(
  objects: readonly KubernetesObject[],
  ...refused: readonly KubernetesObject[]
): Promise<{ asked: string[]; refusals: string[] }> {
  const asked: string[] = [];
  const no = new Set(refused.map(keyOfObject));
  const refusals = await trySpec(objects.map(apply), async ({ key }) => {
    asked.push(key);
    return no.has(key) ? { kind: 'failed', problem: NO } : { kind: 'done', changed: false };
  });
  return { asked, refusals: [...refusals.keys()] };
}

const [A, B, C] = [deployment('a'), deployment('b'), service('c')];
const [KEY_A, KEY_B, KEY_C] = [A, B, C].map(keyOfObject);

describe('trySpec', () => {
  it('asks nothing of a single object, or of none', async () => {
    expect(await tried([])).toEqual({ asked: [], refusals: [] });
    expect(await tried([A])).toEqual({ asked: [], refusals: [] });
  });

  it('asks for all but the first, which says the same when it is applied', async () => {
    expect(await tried([A, B, C], A)).toEqual({ asked: [KEY_B, KEY_C], refusals: [] });
  });

  it('asks for the first one too when another is refused, and tells all refusals in their order', async () => {
    expect(await tried([A, B, C], C)).toEqual({ asked: [KEY_B, KEY_C, KEY_A], refusals: [KEY_C] });
    expect((await tried([A, B, C], A, C)).refusals).toEqual([KEY_A, KEY_C]);
  });

  it('leaves out objects of a kind that the same plan defines, wherever they stand', async () => {
    const widget = custom('Widget');
    const gadget = custom('Gadget');
    const define = definition('example.com', 'Widget');
    expect(await tried([define, widget, gadget], widget)).toEqual({ asked: [keyOfObject(gadget)], refusals: [] });
    expect(await tried([widget, define, gadget], widget, gadget)).toEqual({
      asked: [keyOfObject(define), keyOfObject(gadget)],
      refusals: [keyOfObject(gadget)],
    });
    expect((await tried([A, definition('other.com', 'Widget'), widget])).asked).toContain(keyOfObject(widget));
  });

  it('leaves out what refers to an object that the same plan creates: the dry run would not find it', async () => {
    const meta = (name: string): KubernetesObject['metadata'] => ({ name, namespace: 'default' });
    const account: KubernetesObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta('a') };
    const pod: KubernetesObject = { apiVersion: 'v1', kind: 'Pod', metadata: meta('p') };
    const rbac = 'rbac.authorization.k8s.io/v1';
    const role: KubernetesObject = { apiVersion: rbac, kind: 'Role', metadata: meta('r') };
    const binding: KubernetesObject = { apiVersion: rbac, kind: 'RoleBinding', metadata: meta('b') };
    expect((await tried([account, role, pod, binding], pod, binding)).asked).toEqual([keyOfObject(role)]);
    expect((await tried([A, pod, binding])).asked).toEqual([pod, binding].map(keyOfObject));
  });
});
