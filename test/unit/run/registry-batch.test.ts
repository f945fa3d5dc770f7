import { describe, expect, it } from 'vitest';
import type { RegistryAction } from '../../../src/core/model/action.ts';
import { kvKey } from '../../../src/core/model/ids.ts';
import type { Fence, Registry, RegistryResult } from '../../../src/core/model/ports.ts';
import { RegistryBatch } from '../../../src/run/registry-batch.ts';
import { problem } from '../../../src/shared/problem.ts';
import { complete, EMPTY_REGISTRY } from '../../support/builders.ts';

const FENCE: Fence = { key: kvKey('leader'), session: 's' };
const drop = (name: string): RegistryAction => ({ kind: 'delete-node', name, modifyIndex: 1 });

/** A registry that answers when the test lets it. */
class SlowRegistry implements Registry {
  readonly commits: {
    readonly names: readonly string[];
    readonly answer: (results: readonly RegistryResult[]) => void;
    readonly fail: (error: unknown) => void;
  }[] = [];
  state = () => complete(EMPTY_REGISTRY);
  changed = () => () => undefined;
  async refresh(): Promise<void> {}
  commit(actions: readonly RegistryAction[]): Promise<readonly RegistryResult[]> {
    const names = actions.map((action) => (action.kind === 'delete-node' ? action.name : action.kind));
    return new Promise((answer, fail) => this.commits.push({ names, answer, fail }));
  }
}
const DONE: RegistryResult = { kind: 'done' };

describe('RegistryBatch', () => {
  const open = (fence: () => Fence | undefined = () => FENCE) => {
    const registry = new SlowRegistry();
    return { registry, batch: new RegistryBatch(registry, fence, new AbortController().signal) };
  };

  it('sends together what comes together, and what comes meanwhile with the next', async () => {
    const { registry, batch } = open();
    const first = [batch.commit(drop('a')), batch.commit(drop('b'))];
    await expect.poll(() => registry.commits.length).toBe(1);
    const second = [batch.commit(drop('c')), batch.commit(drop('d'))];
    registry.commits[0]?.answer([DONE, { kind: 'failed', problem: problem('CONSUL_CHANGED', 'b') }]);
    expect((await Promise.all(first)).map(({ kind }) => kind)).toEqual(['done', 'failed']);
    await expect.poll(() => registry.commits.length).toBe(2);
    registry.commits[1]?.answer([DONE, DONE]);
    await Promise.all(second);
    expect(registry.commits.map(({ names }) => names)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('asks for the fence at each sending', async () => {
    let held = true;
    const { registry, batch } = open(() => (held ? FENCE : undefined));
    const first = batch.commit(drop('a'));
    await expect.poll(() => registry.commits.length).toBe(1);
    const second = batch.commit(drop('b'));
    held = false;
    registry.commits[0]?.answer([DONE]);
    expect(await first).toEqual(DONE);
    expect(await second).toMatchObject({ kind: 'failed', problem: { code: 'CONSUL_FENCED' } });
    expect(registry.commits).toHaveLength(1);
  });

  it('takes a missing result for a failure', async () => {
    const { registry, batch } = open();
    const both = Promise.all([batch.commit(drop('a')), batch.commit(drop('b'))]);
    await expect.poll(() => registry.commits.length).toBe(1);
    registry.commits[0]?.answer([DONE]);
    expect(await both).toMatchObject([DONE, { kind: 'failed', problem: { code: 'INTERNAL' } }]);
  });

  it('rejects all of a sending that is aborted, and works on afterwards', async () => {
    const { registry, batch } = open();
    const both = Promise.allSettled([batch.commit(drop('a')), batch.commit(drop('b'))]);
    await expect.poll(() => registry.commits.length).toBe(1);
    registry.commits[0]?.fail(new Error('stop'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = batch.commit(drop('c'));
    await expect.poll(() => registry.commits.length).toBe(2);
    registry.commits[1]?.answer([DONE]);
    expect(await next).toEqual(DONE);
  });
});
