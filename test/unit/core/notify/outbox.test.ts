import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChannelMessage,
  countMore,
  EVENT_NAMES,
  type More,
  moreText,
  type Notification,
} from '../../../../src/core/model/notification.ts';
import { EMPTY_OUTBOX, giveUp, type Outbox, put, putBack, take } from '../../../../src/core/notify/outbox.ts';

const LIMIT = { most: 3, windowMs: 1_000, longest: 5 };
const told = (event: Notification['event'], subject = 'x'): Notification => ({
  event,
  phase: 'begun',
  subject,
  message: `${event} ${subject}`,
  remedy: '',
  revision: '',
  atMs: 0,
});
const filled = (count: number): Outbox =>
  Array.from({ length: count }, (_, i) => told('spec-broken', `${i}`)).reduce<Outbox>((box, one) => put(box, one, LIMIT), EMPTY_OUTBOX);

/** Takes all that the limit allows at one moment. */
function drain(
  box: Outbox,
  nowMs: number,
): { readonly box: Outbox; readonly messages: readonly ChannelMessage[]; readonly againAtMs?: number } {
  const messages: ChannelMessage[] = [];
  for (let now = box; ; ) {
    const { outbox, message, againAtMs } = take(now, nowMs, LIMIT);
    now = outbox;
    if (message === undefined) return { box: now, messages, ...(againAtMs === undefined ? {} : { againAtMs }) };
    messages.push(message);
  }
}

const linesOf = (messages: readonly ChannelMessage[]): readonly string[] =>
  messages.map(({ notification, more }) =>
    [notification?.subject, moreText(more)].filter((text) => text !== undefined && text !== '').join(' '),
  );

describe('the outbox of a channel', () => {
  it('sends what the limit allows, and the number of the rest with the last one', () => {
    const { box, messages } = drain(filled(5), 0);
    expect(linesOf(messages)).toEqual(['0', '1', '2 and 2 more: 2 spec-broken']);
    expect(take(box, 1, LIMIT).message).toBeUndefined();
  });

  it('sends exactly as many as are allowed one by one', () => {
    expect(linesOf(drain(filled(3), 0).messages)).toEqual(['0', '1', '2']);
  });

  it('waits until the window lets one more through', () => {
    const { box } = drain(filled(3), 500);
    const late = put(box, told('held', 'late'), LIMIT);
    expect(drain(late, 700)).toMatchObject({ messages: [], againAtMs: 1_500 });
    expect(linesOf(drain(late, 1_500).messages)).toEqual(['late']);
  });

  it('counts the oldest when too many wait', () => {
    expect(linesOf(drain(filled(7), 0).messages)).toEqual(['2 and 2 more: 2 spec-broken', '3', '4 and 2 more: 2 spec-broken']);
  });

  it('sends what failed again first, and counts what was given up', () => {
    const first = take(filled(2), 0, LIMIT);
    const message = first.message as ChannelMessage;
    expect(linesOf(drain(putBack(first.outbox, message), 1).messages)).toEqual(['0', '1']);
    expect(linesOf(drain(giveUp(first.outbox, message), 1).messages)).toEqual(['1 and 1 more: 1 spec-broken']);
  });

  it('tells what was given up only together with the next notification', () => {
    const { outbox, message } = take(filled(1), 0, LIMIT);
    const lost = giveUp(outbox, message as ChannelMessage);
    expect(drain(lost, 1)).toMatchObject({ messages: [] });
    expect(linesOf(drain(put(lost, told('held', 'next'), LIMIT), 1).messages)).toEqual(['next and 1 more: 1 spec-broken']);
  });

  it('gives each message a name of its own, which it keeps when it is sent again', () => {
    const first = take(filled(2), 0, LIMIT);
    const message = first.message as ChannelMessage;
    const ids = drain(putBack(first.outbox, message), 1).messages.map(({ id }) => id);
    expect(ids[0]).toBe(message.id);
    expect(new Set(ids).size).toBe(2);
  });

  it('never loses a count, and never sends more than the limit allows', () => {
    const event = fc.constantFrom(...EVENT_NAMES);
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), events: fc.array(event, { maxLength: 12 }) }),
      fc.record({
        kind: fc.constant('take' as const),
        afterMs: fc.integer({ min: 0, max: 900 }),
        result: fc.constantFrom('sent', 'failed', 'lost'),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let box: Outbox = EMPTY_OUTBOX;
        let nowMs = 0;
        const [into, out] = [new Map<string, number>(), new Map<string, number>()];
        const sentAtMs: number[] = [];
        const add = (counts: Map<string, number>, more: More, one?: Notification): void => {
          for (const [name, count] of Object.entries(more)) counts.set(name, (counts.get(name) ?? 0) + count);
          if (one !== undefined) counts.set(one.event, (counts.get(one.event) ?? 0) + 1);
        };
        for (const now of steps) {
          if (now.kind === 'put') {
            for (const name of now.events) {
              box = put(box, told(name), LIMIT);
              add(into, {}, told(name));
            }
            continue;
          }
          nowMs += now.afterMs;
          const { outbox, message } = take(box, nowMs, LIMIT);
          box = outbox;
          if (message === undefined) continue;
          sentAtMs.push(nowMs);
          if (now.result === 'sent') add(out, message.more, message.notification);
          else box = now.result === 'failed' ? putBack(box, message) : giveUp(box, message);
        }
        for (const atMs of sentAtMs)
          expect(sentAtMs.filter((other) => other <= atMs && other > atMs - LIMIT.windowMs).length).toBeLessThanOrEqual(LIMIT.most);
        expect(box.queue.length).toBeLessThanOrEqual(LIMIT.longest);
        add(out, box.more);
        for (const one of box.queue) add(out, {}, one);
        if (box.again !== undefined) add(out, box.again.more, box.again.notification);
        expect(Object.fromEntries([...out].filter(([, count]) => count > 0).sort())).toEqual(Object.fromEntries([...into].sort()));
      }),
    );
  });

  it('has a word for what it only counts', () => {
    expect([countMore({}), moreText({})]).toEqual([0, '']);
    expect(moreText({ held: 2, 'spec-broken': 1 })).toBe('and 3 more: 1 spec-broken, 2 held');
  });
});
