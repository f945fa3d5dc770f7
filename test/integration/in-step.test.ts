import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ownershipOf } from '../../src/core/desired/ownership.ts';
import { MARKS } from '../../src/core/model/marks.ts';
import { judgeStep } from '../../src/core/plan/in-step.ts';
import { applyMarked, decodeOne, MARKED_OWNER, marked, readLive, removeObject } from '../support/apply-marked.ts';
import { IN_STEP_CASES } from '../support/in-step-cases.ts';
import { sendEdit } from '../support/in-step-edit.ts';
import { kubeRequest } from '../support/kube-client.ts';

const stack = inject('stack');

describe.skipIf(stack === undefined)('in step on kube-apiserver', () => {
  const connection = stack ?? { apiServerUrl: '', token: '' };
  const namespace = `in-step-${process.pid}`;
  const at = (path: string): string => path.replace('/NS/', `/${namespace}/`);

  beforeAll(async () => {
    await kubeRequest(connection, 'POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  });

  describe.each(IN_STEP_CASES)('$name', ({ path: pattern, yaml, edits }) => {
    const path = at(pattern);
    const object = decodeOne(yaml, namespace);
    const fresh = async (): Promise<ReturnType<typeof marked>> => {
      await removeObject(connection, path);
      const wanted = marked(object, undefined);
      await applyMarked(connection, path, wanted);
      return wanted;
    };

    it('is in step and ours right after it is applied, and the same again when it is applied again', async () => {
      const wanted = await fresh();
      const live = await readLive(connection, path);
      expect(ownershipOf(live, MARKED_OWNER)).toBe('owned');
      expect(judgeStep(marked(object, live), live)).toEqual({ kind: 'in-step' });
      // A controller may write its status in between.
      const appliesToNothing = async (): Promise<boolean> =>
        (await readLive(connection, path)).resourceVersion === (await applyMarked(connection, path, wanted)).resourceVersion;
      await expect.poll(appliesToNothing, { timeout: 10_000 }).toBe(true);
    });

    it.each(edits)('says $verdict after: $name', async (edit) => {
      await fresh();
      await sendEdit(connection, path, edit);
      const live = await readLive(connection, path);
      const verdict = judgeStep(marked(object, live), live);
      const lost = [...(edit.lost ?? [])].sort();
      const told = verdict.kind === 'in-step' ? [] : [...verdict.changes].sort();
      expect([verdict.kind, told]).toEqual([edit.verdict, lost]);
      expect(ownershipOf(live, MARKED_OWNER)).not.toBe('stranger');
      if (edit.blocks === true) {
        await expect(applyMarked(connection, path, marked(object, live))).rejects.toThrow('422');
        return;
      }
      const repaired = await applyMarked(connection, path, marked(object, live));
      expect(judgeStep(marked(object, repaired), repaired)).toEqual({ kind: 'in-step' });
    });
  });

  it('knows a copy, which carries our managedFields and marks, for a stranger', async () => {
    const path = at('/api/v1/namespaces/NS/configmaps/original');
    const object = decodeOne('{apiVersion: v1, kind: ConfigMap, metadata: {name: original}, data: {a: "1"}}', namespace);
    await applyMarked(connection, path, marked(object, undefined));
    const raw = (await kubeRequest(connection, 'GET', path)) as { readonly metadata: Readonly<Record<string, unknown>> };
    const { uid: _uid, resourceVersion: _version, ...metadata } = raw.metadata;
    await kubeRequest(connection, 'POST', at('/api/v1/namespaces/NS/configmaps'), { ...raw, metadata: { ...metadata, name: 'copy' } });
    const copy = await readLive(connection, at('/api/v1/namespaces/NS/configmaps/copy'));
    expect(copy.annotations[MARKS.id]).toContain('original');
    expect(copy.labels[MARKS.ownerLabel]).toBe(MARKED_OWNER);
    expect(ownershipOf(copy, MARKED_OWNER)).toBe('stranger');
  });

  it('knows what Kubernetes makes of our objects, which inherits their labels, for a stranger', async () => {
    const path = at('/api/v1/namespaces/NS/services/inherited');
    const yaml = '{apiVersion: v1, kind: Service, metadata: {name: inherited}, spec: {selector: {app: none}, ports: [{port: 80}]}}';
    await applyMarked(connection, path, marked(decodeOne(yaml, namespace), undefined));
    const slices = at('/apis/discovery.k8s.io/v1/namespaces/NS/endpointslices');
    const found = async (): Promise<string | undefined> => {
      const list = (await kubeRequest(connection, 'GET', `${slices}?labelSelector=kubernetes.io/service-name%3Dinherited`)) as {
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      };
      return list.items[0]?.metadata.name;
    };
    await expect.poll(found, { timeout: 20_000 }).toBeDefined();
    const slice = await readLive(connection, `${slices}/${await found()}`);
    expect(slice.labels[MARKS.ownerLabel]).toBe(MARKED_OWNER);
    expect(ownershipOf(slice, MARKED_OWNER)).toBe('stranger');
  });
});
