import { describe, expect, it } from 'vitest';
import { nodeName } from '../../../src/core/model/ids.ts';
import type { NodeDrainResult, NodeDrains } from '../../../src/core/model/ports.ts';
import { type DrainWish, drainNode } from '../../../src/run/drain-node.ts';
import { type Problem, problem } from '../../../src/shared/problem.ts';

const { signal } = new AbortController();

async function ask(wish: DrainWish, result: NodeDrainResult = { kind: 'done' }, allowed = true) {
  const asked: unknown[] = [];
  const note = (...what: readonly unknown[]): NodeDrainResult => {
    asked.push(what);
    return result;
  };
  const drains: NodeDrains = {
    mark: async (node, reason) => note('mark', node, reason),
    unmark: async (node) => note('unmark', node),
  };
  const names = () => ['node-1', 'node-2', 'db-1'].map(nodeName);
  return { asked, refused: await drainNode({ drains, allowed, names }, wish, signal) };
}

describe('drainNode', () => {
  it('marks and unmarks', async () => {
    expect(await ask({ node: 'node-1', drain: true, reason: 'new disk' })).toEqual({
      asked: [['mark', 'node-1', 'new disk']],
      refused: undefined,
    });
    expect(await ask({ node: 'node-1', drain: false })).toEqual({ asked: [['unmark', 'node-1']], refused: undefined });
  });

  it('tells the name that was probably meant', async () => {
    const refused = async (node: string): Promise<Problem | undefined> =>
      (await ask({ node, drain: true }, { kind: 'no-such-node' })).refused;
    expect(await refused('ndoe-1')).toMatchObject({
      code: 'NODE_UNKNOWN',
      message: 'there is no node ndoe-1',
      remedy: 'Did you mean "node-1"?',
    });
    expect(await refused('elsewhere')).toMatchObject({ remedy: expect.stringContaining('`poolkeeper status` lists them') });
  });

  it('hands on what Kubernetes refused', async () => {
    const forbidden = problem('KUBERNETES_FORBIDDEN', 'the API server forbids "patch" on nodes');
    expect((await ask({ node: 'node-1', drain: true }, { kind: 'failed', problem: forbidden })).refused).toBe(forbidden);
  });

  it('asks nobody where it is switched off, and says how to do it by hand', async () => {
    expect(await ask({ node: 'node-1', drain: true }, { kind: 'done' }, false)).toEqual({
      asked: [],
      refused: expect.objectContaining({
        code: 'DRAIN_DISABLED',
        remedy: 'Run: kubectl annotate node node-1 poolkeeper.dev/drain=true --overwrite',
      }),
    });
    const undrain = await ask({ node: 'node-1', drain: false }, { kind: 'done' }, false);
    expect(undrain.refused?.remedy).toBe('Run: kubectl annotate node node-1 poolkeeper.dev/drain-');
  });
});
