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

  it.each(['Invalid', 'Forbidden'])(
    'is nothing that an admission policy says in such words (%s): what is made anew may be refused as well',
    async (reason) => {
      const name = `${namespace}-${reason.toLowerCase()}`;
      const group = '/apis/admissionregistration.k8s.io/v1';
      const resourceRules = [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'], resourceNames: [name] },
      ];
      const validations = [{ expression: 'object.data.a != "2"', message: 'data.a cannot be changed to 2: it is immutable', reason }];
      const policies = `${group}/validatingadmissionpolicies`;
      const bindings = `${group}/validatingadmissionpolicybindings`;
      await kubeFetch(stack, {
        method: 'POST',
        path: policies,
        body: { metadata: { name }, spec: { matchConstraints: { resourceRules }, validations } },
      });
      await kubeFetch(stack, {
        method: 'POST',
        path: bindings,
        body: { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } },
      });
      const path = at(`/api/v1/namespaces/NS/configmaps/${name}`);
      const settings = (a: string): unknown => objectOf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}, data: {a: "${a}"}}`);
      await kubeApply(stack, path, settings('1'));
      const call = {
        method: 'PATCH',
        path: `${path}?fieldManager=poolkeeper-test&force=true`,
        body: settings('2'),
        contentType: patchTypes.apply,
      };
      const refused = await waitUntil('the policy to be in force', async () => {
        const answer = await kubeFetch(stack, { ...call, path: `${call.path}&dryRun=All` });
        return answer.status === 200 ? undefined : answer;
      });
      for (const one of [`${policies}/${name}`, `${bindings}/${name}`, path]) await kubeFetch(stack, { method: 'DELETE', path: one });
      const found = problemOfStatus(statusOfAnswer(refused), { verb: 'patch', resource: 'configmaps', namespace, name });
      expect(found, JSON.stringify(refused.body)).toMatchObject({
        code: 'KUBERNETES_REFUSED',
        message: expect.stringContaining('data.a cannot be changed to 2'),
      });
    },
  );

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
