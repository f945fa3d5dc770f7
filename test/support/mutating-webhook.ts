import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { kubeRequest } from './kube-client.ts';
import type { StackConnection } from './stack.ts';

/** One operation of a JSON patch. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** A mutating admission webhook for the Deployments of one namespace. */
export interface MutatingWebhook {
  /** What it does to each object from now on. */
  mutate(patchOf: (object: Readonly<Record<string, unknown>>) => readonly PatchOperation[]): void;
  stop(): Promise<void>;
}

/** Starts a webhook and registers it; the API server asks it within moments. It shows the API server's own certificate. */
export async function startMutatingWebhook(stack: StackConnection, namespace: string): Promise<MutatingWebhook> {
  const certificates = join(dirname(stack.kubeconfigPath), 'certs');
  const [cert, key] = await Promise.all(['apiserver.crt', 'apiserver.key'].map((name) => readFile(join(certificates, name))));
  let patchOf: (object: Readonly<Record<string, unknown>>) => readonly PatchOperation[] = () => [];
  const server = createServer({ cert, key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string; object: Readonly<Record<string, unknown>> } };
    const patch = Buffer.from(JSON.stringify(patchOf(review.request.object))).toString('base64');
    const answer = { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  await kubeRequest(stack, 'POST', configurations, {
    metadata: { name: namespace },
    webhooks: [
      {
        name: 'rewrite.example.com',
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: cert?.toString('base64') },
        rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
      },
    ],
  });
  return {
    mutate: (next) => {
      patchOf = next;
    },
    async stop() {
      await kubeRequest(stack, 'DELETE', `${configurations}/${namespace}`);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
