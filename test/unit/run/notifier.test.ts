import { afterEach, describe, expect, it } from 'vitest';
import { revision, specId } from '../../../src/core/model/ids.ts';
import type { ChannelMessage, CommitStatus, EventName, Sender, SendResult } from '../../../src/core/model/notification.ts';
import type { DeliveryTimings } from '../../../src/run/delivery.ts';
import { Notifier, type NotifierOptions } from '../../../src/run/notifier.ts';
import { type Problem, problem } from '../../../src/shared/problem.ts';
import { runReport, specReport } from '../../support/run-report.ts';

const TIMINGS: DeliveryTimings = { retry: { baseMs: 2, maxMs: 4 }, longestWaitMs: 40, giveUpMs: 60_000 };
const A = revision('aaaaaaa1');
const touched = new Set([specId('a')]);
const broken = runReport({
  revision: A,
  specs: [specReport('a', { state: 'broken', problems: [problem('SPEC_UNKNOWN_FIELD', 'field hidden-x')] })],
});
const fine = runReport({ revision: A, specs: [specReport('a')] });
const standby = runReport({ leader: { consul: false, kubernetes: false, holder: 'other' } });

/** A sender that answers as a test says, and remembers what it was given. */
class FakeSender<T> implements Sender<T> {
  readonly channel;
  readonly sent: T[] = [];
  closed = false;
  answer: (what: T) => SendResult | Promise<SendResult> = () => ({ kind: 'sent' });

  constructor(channel: Sender<T>['channel']) {
    this.channel = channel;
  }
  async send(what: T): Promise<SendResult> {
    this.sent.push(what);
    return await this.answer(what);
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

const fails = (retry: boolean, afterMs?: number): SendResult => ({
  kind: 'failed',
  retry,
  problem: problem('NOTIFIER_FAILED', 'away'),
  ...(afterMs === undefined ? {} : { afterMs }),
});

describe('Notifier', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  function started(more: Partial<NotifierOptions> = {}) {
    const commits = new FakeSender<CommitStatus>('commit-status');
    const channel = new FakeSender<ChannelMessage>('slack');
    const results: string[] = [];
    const problems: (string | undefined)[] = [];
    const events: ReadonlySet<EventName> = new Set(['spec-broken', 'leader-changed', 'commit-in-traffic']);
    const notifier = new Notifier({
      commits,
      channels: [channel],
      events,
      clock: { now: () => Date.now(), random: () => 0.5 },
      limit: { most: 100, windowMs: 60_000, longest: 10 },
      timings: TIMINGS,
      redact: (text) => text.replaceAll('hidden', '[redacted]'),
      onStart: (name) => results.push(`${name} starts`),
      onResult: (name, result) => results.push(`${name} ${result}`),
      onProblem: (_name, told: Problem | undefined) => problems.push(told?.code),
      ...more,
    });
    const stop = new AbortController();
    const running = notifier.run(stop.signal);
    stops.push(async () => {
      stop.abort();
      await running;
    });
    const states = (): readonly string[] => commits.sent.map(({ state }) => state);
    return { notifier, commits, channel, results, problems, states };
  }

  it('tells the hosting service and the channels what a report says, without secrets', async () => {
    const { notifier, commits, channel } = started();
    notifier.take(broken, touched);
    await expect.poll(() => commits.sent).toEqual([{ revision: A, state: 'failure', description: 'a: field [redacted]-x' }]);
    await expect
      .poll(() => channel.sent)
      .toMatchObject([{ notification: { event: 'spec-broken', message: 'a is broken: field [redacted]-x' }, more: {} }]);
  });

  it('tells channels only of the events that were asked for', async () => {
    const { notifier, channel, states } = started({ events: new Set(['commit-in-traffic']) });
    notifier.take(broken, touched);
    notifier.take(fine, touched);
    await expect.poll(states).toEqual(['success']);
    await expect
      .poll(() => channel.sent.map(({ notification }) => notification?.message))
      .toEqual(['commit aaaaaaa: in Consul: 1 spec in step (Traefik is not watched)']);
  });

  it('tells nothing while another replica leads, nor what it had not told yet', async () => {
    const { notifier, commits, channel } = started();
    notifier.take(broken, touched);
    notifier.take(standby, touched);
    notifier.take({ ...fine, leader: { consul: true, kubernetes: true } }, touched);
    await expect.poll(() => commits.sent.map(({ state }) => state)).toContain('success');
    expect(channel.sent.map(({ notification }) => notification?.event)).not.toContain('spec-broken');
    expect(channel.sent.map(({ notification }) => notification?.message)).toContain('another replica leads now; before it was other');
  });

  it('tells while nobody can say who leads Consul, and this replica leads Kubernetes', async () => {
    const { notifier, states } = started();
    notifier.take({ ...broken, leader: { consul: false, kubernetes: true } }, touched);
    await expect.poll(states).toEqual(['failure']);
  });

  it('tries again what fails, counts each try, and tells the problem and its end once', async () => {
    const { notifier, commits, results, problems } = started();
    let tries = 0;
    commits.answer = () => (++tries < 4 ? fails(true) : { kind: 'sent' });
    notifier.take(broken, touched);
    await expect
      .poll(() => results.filter((one) => one.startsWith('commit') && !one.endsWith('starts')))
      .toEqual(['commit-status failed', 'commit-status failed', 'commit-status failed', 'commit-status sent']);
    expect(problems).toEqual(['NOTIFIER_FAILED', undefined]);
    expect(notifier.problems()).toEqual([]);
  });

  it('says what is wrong as long as it is', async () => {
    const { notifier, commits } = started();
    commits.answer = () => fails(true);
    notifier.take(broken, touched);
    await expect.poll(() => notifier.problems().map(({ code }) => code)).toEqual(['NOTIFIER_FAILED']);
  });

  it('sends the newest status of a commit, and not what it was while nobody answered', async () => {
    const { notifier, commits, states } = started();
    let answer: (result: SendResult) => void = () => undefined;
    commits.answer = () => new Promise((resolve) => (answer = resolve));
    notifier.take(broken, touched);
    await expect.poll(states).toEqual(['failure']);
    notifier.take(fine, touched);
    commits.answer = () => ({ kind: 'sent' });
    answer(fails(true));
    await expect.poll(states).toEqual(['failure', 'success']);
  });

  it('leaves a server alone for as long as it asks, within bounds', async () => {
    const { notifier, commits } = started();
    const atMs: number[] = [];
    commits.answer = () => {
      atMs.push(performance.now());
      return atMs.length === 1 ? fails(true, 3_600_000) : { kind: 'sent' };
    };
    notifier.take(broken, touched);
    await expect.poll(() => atMs).toHaveLength(2);
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThanOrEqual(TIMINGS.longestWaitMs - 1);
  });

  it('gives up what is refused, and tells the number of it with the next message', async () => {
    const { notifier, channel, results } = started({ events: new Set(['spec-broken', 'commit-in-traffic']) });
    channel.answer = () => (channel.sent.length === 1 ? fails(false) : { kind: 'sent' });
    notifier.take(broken, touched);
    await expect.poll(() => results).toContain('slack lost');
    notifier.take(fine, touched);
    await expect.poll(() => channel.sent).toHaveLength(2);
    expect(channel.sent[1]).toMatchObject({ more: { 'spec-broken': 1 } });
  });

  it('puts nothing back that was in flight when another replica began to lead', async () => {
    const { notifier, commits, channel, results } = started({ events: new Set(['spec-broken']) });
    const answers: ((result: SendResult) => void)[] = [];
    commits.answer = channel.answer = () => new Promise((resolve) => answers.push(resolve));
    notifier.take(broken, touched);
    await expect.poll(() => answers).toHaveLength(2);
    notifier.take(standby, touched);
    commits.answer = channel.answer = () => ({ kind: 'sent' });
    for (const answer of answers) answer(fails(true));
    await expect.poll(() => results.filter((one) => one.endsWith('failed'))).toHaveLength(2);
    notifier.take({ ...fine, revision: revision('bbbbbbb2') }, touched);
    await expect.poll(() => commits.sent.map(({ state }) => state)).toEqual(['failure', 'success']);
    expect(channel.sent).toHaveLength(1);
  });

  it('gives each message its own time, also on a channel that has failed for long', async () => {
    let nowMs = 0;
    const { notifier, commits, results } = started({ channels: [], clock: { now: () => nowMs, random: () => 0.5 } });
    commits.answer = () => fails(true);
    notifier.take(broken, touched);
    await expect.poll(() => results).toContain('commit-status failed');
    nowMs = TIMINGS.giveUpMs;
    await expect.poll(() => results).toContain('commit-status lost');
    const before = results.length;
    notifier.take(fine, touched);
    await expect.poll(() => results.length).toBeGreaterThan(before + 1);
    expect(results.slice(before)).not.toContain('commit-status lost');
  });

  it('leaves a channel that refuses everything alone until there is something new to tell', async () => {
    const { notifier, channel, results } = started({ events: new Set(['spec-broken']) });
    channel.answer = () => fails(false);
    notifier.take(broken, touched);
    await expect.poll(() => results).toContain('slack lost');
    await new Promise((resolve) => setTimeout(resolve, 20 * TIMINGS.retry.maxMs));
    expect(channel.sent).toHaveLength(1);
  });

  it('cuts no secret in two before it is masked', async () => {
    const { notifier, commits, channel } = started();
    const message = `${'x'.repeat(133)}hidden ${'x'.repeat(400)}`;
    const told = problem('SPEC_UNKNOWN_FIELD', message);
    const long = problem('SPEC_UNKNOWN_FIELD', `${'x'.repeat(484)}hidden ${'x'.repeat(400)}`);
    notifier.take(runReport({ revision: A, specs: [specReport('a', { state: 'broken', problems: [told] })] }), touched);
    notifier.take(runReport({ revision: revision('bbbbbbb2'), specs: [specReport('b', { state: 'broken', problems: [long] })] }), touched);
    await expect.poll(() => commits.sent.map(({ state }) => state)).toContain('failure');
    await expect.poll(() => channel.sent.length).toBeGreaterThan(1);
    expect(JSON.stringify([...commits.sent, ...channel.sent])).not.toMatch(/x(h|hi|hid|hidd|hidde|hidden)…/);
  });

  it('gives up what has failed for too long', async () => {
    const { notifier, commits, results } = started({ timings: { ...TIMINGS, giveUpMs: 0 } });
    commits.answer = () => fails(true);
    notifier.take(broken, touched);
    await expect.poll(() => results).toContain('commit-status lost');
    notifier.take(fine, touched);
    await expect.poll(() => results.filter((one) => one === 'commit-status lost')).toHaveLength(2);
  });

  it('goes on when a sender throws', async () => {
    const { notifier, commits, results } = started();
    commits.answer = () => {
      commits.answer = () => ({ kind: 'sent' });
      throw new Error('unforeseen');
    };
    notifier.take(broken, touched);
    await expect
      .poll(() => results.filter((one) => one.startsWith('commit') && !one.endsWith('starts')))
      .toEqual(['commit-status failed', 'commit-status sent']);
  });

  it('waits for no sender: a report is taken at once, also the thousandth', async () => {
    const { notifier, commits, results } = started();
    commits.answer = () => new Promise(() => undefined);
    for (let i = 0; i < 1_000; i++) notifier.take({ ...broken, revision: revision(`${i}`) }, touched);
    expect(commits.sent.length).toBeLessThanOrEqual(1);
    // What waits is bounded: the statuses of old commits go.
    expect(results.filter((one) => one === 'commit-status lost').length).toBeGreaterThan(900);
  });

  it('closes its senders when it stops', async () => {
    const { commits, channel } = started();
    for (const stop of stops.splice(0)) await stop();
    expect([commits.closed, channel.closed]).toEqual([true, true]);
  });
});
