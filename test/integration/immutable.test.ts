import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { problemOfStatus, statusOfAnswer } from '../../src/adapters/kubernetes/api-status.ts';
import { decodeOne } from '../support/apply-marked.ts';
import { IMMUTABLE_CASES } from '../support/immutable-cases.ts';
import { kubeApply, kubeFetch, patchTypes } from '../support/kube-client.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('what kube-apiserver says of an immutable field', () => {
  const namespace = `immutable-${process.pid}`;
  const at = (text: string): string => text.replaceAll('NS', namespace);
  const objectOf = (yaml: string): unknown => decodeOne(at(yaml), namespace);

  beforeAll(async () => {
    await kubeFetch(stack, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
  });

  afterAll(async () => {
    for (const { path } of IMMUTABLE_CASES) await kubeFetch(stack, { method: 'DELETE', path: at(path) });
  });

  /** Until then its scope may still change. */
  async function isEstablished(path: string): Promise<true | undefined> {
    type Definition = { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null } };
    const { status } = (await kubeFetch(stack, { method: 'GET', path })).body as Definition;
    return status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') === true ? true : undefined;
  }

  it.each(IMMUTABLE_CASES)('$name', async ({ path, before, after, fields }) => {
    await kubeApply(stack, at(path), objectOf(before));
    if (path.includes('/customresourcedefinitions/')) await waitUntil('the definition to be in force', () => isEstablished(at(path)));
    const query = 'fieldManager=poolkeeper-test&force=true&fieldValidation=Strict';
    const call = { method: 'PATCH', path: `${at(path)}?${query}`, body: objectOf(after), contentType: patchTypes.apply };
    const { status, body } = await kubeFetch(stack, call);
    const said = JSON.stringify((body as { readonly details?: unknown }).details);
    const found = problemOfStatus(statusOfAnswer({ status, body }), { verb: 'patch', resource: 'things', namespace, name: 'it' });
    expect(found, said).toMatchObject({ code: 'KUBERNETES_IMMUTABLE', fields });
    expect(found.message).toBe(`patch things ${namespace}/it: ${fields.join(', ')} cannot be changed on a live object`);
  });

  it('is not all where something else is wrong, too: what is deleted then could not be created', async () => {
    const path = at('/api/v1/namespaces/NS/services/none');
    const service = (address: string): unknown =>
      objectOf(
        `{apiVersion: v1, kind: Service, metadata: {name: none}, spec: {type: NodePort, ${address}ports: [{name: http, port: 80}]}}`,
      );
    await kubeApply(stack, path, service(''));
    const call = { method: 'PATCH', path: `${path}?fieldManager=poolkeeper-test&force=true`, body: service('clusterIP: None, ') };
    const { status, body } = await kubeFetch(stack, { ...call, contentType: patchTypes.apply });
    await kubeFetch(stack, { method: 'DELETE', path });
    const found = problemOfStatus(statusOfAnswer({ status, body }), { verb: 'patch', resource: 'services', namespace, name: 'none' });
    expect(found.code).toBe('KUBERNETES_REFUSED');
    expect(found.message).toContain("may not be set to 'None' for NodePort services");
  });
});
