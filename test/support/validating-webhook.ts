import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from './certificate.ts';
import { type KubernetesConnection, kubeRequest } from './kube-client.ts';

/** A validating admission webhook for the Deployments of one namespace. */
export interface ValidatingWebhook {
  /** What it says from now on of every Deployment: undefined lets it pass. */
  refuse(message: string | undefined): void;
  /** Ends its server, but leaves it registered: the API server waits for it in vain. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a webhook and registers it; the API server asks it within moments. */
export async function startValidatingWebhook(connection: KubernetesConnection, namespace: string): Promise<ValidatingWebhook> {
  const { cert, key } = selfSigned('webhook');
  let message: string | undefined;
  const server = createServer({ cert, key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { uid } = (JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } }).request;
    const verdict = message === undefined ? { uid, allowed: true } : { uid, allowed: false, status: { message } };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: verdict }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  await kubeRequest(connection, 'POST', configurations, {
    metadata: { name: namespace },
    webhooks: [
      {
        name: 'policy.example.com',
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(cert).toString('base64') },
        rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 2,
      },
    ],
  });
  const crash = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    refuse: (next) => {
      message = next;
    },
    crash,
    async stop() {
      await kubeRequest(connection, 'DELETE', `${configurations}/${namespace}`);
      await crash();
    },
  };
}
