import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FieldsV1, LiveObject } from '../../src/core/model/objects.ts';
import { applyMarked, decodeOne, marked, readLive, removeObject } from './apply-marked.ts';
import { IN_STEP_CASES } from './in-step-cases.ts';
import { sendEdit } from './in-step-edit.ts';
import { kubeRequest } from './kube-client.ts';
import { startKubernetes } from './kubernetes.ts';

/** What a real API server showed of one object: all that the comparison reads. */
export interface RecordedObject {
  readonly case: string;
  /** Empty: right after our apply. */
  readonly edit: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly ourFields: FieldsV1;
}

/** The namespace of the recording: names and hashes depend on it. */
export const RECORDED_NAMESPACE = 'recorded';
const target = join(import.meta.dirname, '../unit/core/plan/fixtures/in-step.jsonl');

/** Applies and edits every case on a real API server, and writes down our fields. */
async function record(): Promise<void> {
  const cluster = await startKubernetes();
  try {
    const recorded: RecordedObject[] = [];
    await kubeRequest(cluster, 'POST', '/api/v1/namespaces', { metadata: { name: RECORDED_NAMESPACE } });
    for (const { name, path: pattern, yaml, edits } of IN_STEP_CASES) {
      const path = pattern.replace('/NS/', `/${RECORDED_NAMESPACE}/`);
      for (const edit of [undefined, ...edits]) {
        await removeObject(cluster, path);
        const object = decodeOne(yaml, RECORDED_NAMESPACE);
        await applyMarked(cluster, path, marked(object, undefined));
        if (edit !== undefined) await sendEdit(cluster, path, edit);
        recorded.push(reduced(name, edit?.name ?? '', await readLive(cluster, path)));
      }
    }
    await writeFile(target, recorded.map((one) => `${JSON.stringify(one)}\n`).join(''));
  } finally {
    await cluster.stop();
  }
}

function reduced(name: string, edit: string, { labels, annotations, ourFields = {} }: LiveObject): RecordedObject {
  return { case: name, edit, labels, annotations, ourFields };
}

if (import.meta.main) await record();
