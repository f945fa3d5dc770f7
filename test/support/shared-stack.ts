import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { missingServers } from '../servers/catalog.ts';
import { createNode, type TestNode } from './nodes.ts';
import { type StackConnection, startStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The servers that all test files share. */
    stack: StackConnection;
  }
}

/** The nodes of the shared cluster. Nothing listens on them until a test starts listeners. */
export const SHARED_NODES: readonly TestNode[] = [1, 2, 3].map((i) => ({ name: `n${i}`, address: `127.0.1.${i}` }));

/**
 * Starts one stack of real servers for the whole test run, and builds the program that the end-to-end tests run. Files
 * keep apart by their own namespace, key path, owner and cluster.
 */
export default async function startSharedStack(project: TestProject): Promise<() => Promise<void>> {
  const missing = await missingServers();
  if (missing.length > 0) {
    throw new Error(`these servers are not built: ${missing.join(', ')}; get them by: npm run servers`);
  }
  buildBundle();
  const stack = await startStack({ traefik: { refresh: { kind: 'poll', intervalMs: 1_000 } } });
  await Promise.all(SHARED_NODES.map((node) => createNode(stack.connection(), node, {})));
  project.provide('stack', stack.connection());
  return () => stack.stop();
}

function buildBundle(): void {
  const root = join(import.meta.dirname, '..', '..');
  const built = spawnSync(process.execPath, [join(root, 'build.ts')], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the program cannot be built:\n${built.stderr}`);
}
