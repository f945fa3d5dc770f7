import { startSandboxKubernetes } from '../../src/sandbox/kubernetes/start-sandbox-kubernetes.ts';
import { clusterContract } from './cluster.suite.ts';

clusterContract('the sandbox', async () => {
  const token = 'token-of-the-sandbox';
  const sandbox = await startSandboxKubernetes({ token });
  return { url: sandbox.url, token, stop: () => sandbox.stop() };
});
