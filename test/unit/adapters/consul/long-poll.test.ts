import { describe, expect, it } from 'vitest';
import { runLongPoll } from '../../../../src/adapters/consul/long-poll.ts';

/** Early: it came before the time of the poll was over. */
type Given = number | { readonly early: number } | undefined;

/** Runs a poll on answers with these indexes; an undefined one is a failure. Gives what was asked, told and lost. */
async function follow(indexes: readonly Given[], rests?: () => boolean) {
  let nowMs = 0;
  const controller = new AbortController();
  const asked: number[] = [];
  const told: number[] = [];
  let lost = 0;
  const poll = {
    ask: async ({ index }: { readonly index: number }) => {
      asked.push(index);
      const given = indexes[asked.length - 1];
      const answered = typeof given === 'object' ? given.early : given;
      if (index !== 0 && typeof given === 'number') nowMs += 1_000;
      if (asked.length > indexes.length) controller.abort();
      if (answered === undefined) throw new Error('no answer');
      return { value: 'value', index: answered, filtered: false };
    },
    onAnswer: ({ index }: { readonly index: number }) => told.push(index),
    onFailure: () => {
      lost += 1;
    },
  };
  const pace = {
    waitMs: 1_000,
    gapMs: 0,
    backoff: { baseMs: 1, maxMs: 2 },
    random: () => 0.5,
    now: () => nowMs,
    ...(rests === undefined ? {} : { rests }),
  };
  await runLongPoll({ ...poll, ...pace }, controller.signal);
  return { asked, told, lost };
}

describe('runLongPoll', () => {
  it('begins without an index, goes on from each answer, and tells only what moved', async () => {
    expect(await follow([5, 5, 8])).toEqual({ asked: [0, 5, 5, 8], told: [5, 8], lost: 0 });
  });

  it('begins anew when the index went backwards', async () => {
    expect(await follow([9, 3, 3])).toEqual({ asked: [0, 9, 0, 3], told: [9, 3, 3], lost: 0 });
  });

  it('begins anew after failures, and tells the first answer although nothing moved', async () => {
    expect(await follow([5, undefined, undefined, 5, 5])).toEqual({ asked: [0, 5, 0, 0, 5, 5], told: [5, 5], lost: 2 });
  });

  it('does not wait for an index that a restored Consul has yet to reach', async () => {
    expect(await follow([500, undefined, 300, 300])).toEqual({ asked: [0, 500, 0, 300, 300], told: [500, 300], lost: 1 });
  });

  it('begins anew after an answer that came early and told of nothing: Consul was restored', async () => {
    expect(await follow([500, { early: 500 }, 300, 300])).toEqual({ asked: [0, 500, 0, 300, 300], told: [500, 300], lost: 0 });
  });

  it('asks again only when its owner has written what it writes, but does not wait for ever', async () => {
    let looks = 0;
    expect((await follow([5, 8], () => ++looks % 4 !== 0)).asked).toEqual([0, 5, 8]);
    expect(looks).toBe(8);
    looks = 0;
    expect((await follow([5], () => ++looks > 0)).asked).toEqual([0, 5]);
    expect(looks).toBe(19);
  });

  it('never asks for index 0 again after an answer of 0: that would not block', async () => {
    expect((await follow([0, 1])).asked).toEqual([0, 1, 1]);
  });
});
