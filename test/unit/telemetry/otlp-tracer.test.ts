import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/shared/redact.ts';
import type { Step } from '../../../src/shared/tracer.ts';
import { createOtlpTracer, type OtlpTracerOptions, type SentSpans, type StoppableTracer } from '../../../src/telemetry/otlp-tracer.ts';
import { type OtlpServer, spanTree, startOtlpServer } from '../../support/otlp-server.ts';

let server: OtlpServer;
let sent: SentSpans[];
const tracers: StoppableTracer[] = [];
beforeEach(async () => {
  server = await startOtlpServer();
  sent = [];
});
afterEach(async () => {
  await server.stop();
  for (const tracer of tracers.splice(0)) await tracer.stop(AbortSignal.abort());
});

function tracer(more: Partial<OtlpTracerOptions> = {}): StoppableTracer {
  const made = createOtlpTracer({
    target: { url: `${server.url}/v1/traces`, headers: { authorization: 'Bearer t0ken-of-the-collector' }, ca: undefined },
    resource: { 'service.name': 'poolkeeper', 'service.version': '1.2.3' },
    redact: createRedactor(['hunter22']),
    onSent: (spans) => sent.push(spans),
    gatherMs: 5,
    ...more,
  });
  tracers.push(made);
  return made;
}

const START = 1_780_000_000_000;
const step = (name: string, fromMs: number, toMs: number, more: Partial<Step> = {}): Step => ({
  name,
  startMs: START + fromMs,
  endMs: START + toMs,
  facts: {},
  steps: [],
  ...more,
});
const soon = (): AbortSignal => AbortSignal.timeout(5_000);

describe('the tracer that sends OTLP', () => {
  it('sends the tree of steps with its times, facts and errors, under the ids that it told', async () => {
    const trace = tracer().begin('run', START - 10);
    const apply = step('apply', 2, 9, {
      steps: [step('write-kv', 3.25, 8.5, { error: 'no leader', facts: { 'error.type': 'CONSUL_FENCED' } })],
    });
    trace.end(
      step('run', -10, 20, {
        facts: { trigger: ['git', 'timer'], passes: 2, leader: true, rate: 0.5 },
        steps: [step('plan', 0, 2), apply],
      }),
    );
    await expect.poll(() => server.spans).toHaveLength(4);
    expect(spanTree(server.spans)).toEqual(['run', '  plan', '  apply', '    write-kv']);
    const [run, , , write] = [...server.spans].sort((a, b) => a.startMs - b.startMs);
    expect(run).toMatchObject({
      ...trace.ids,
      startMs: START - 10,
      endMs: START + 20,
      attributes: { trigger: ['git', 'timer'], passes: 2, leader: true, rate: 0.5 },
      error: undefined,
    });
    expect(write).toMatchObject({
      startMs: START + 3.25,
      endMs: START + 8.5,
      error: 'no leader',
      attributes: { 'error.type': 'CONSUL_FENCED' },
    });
    expect(new Set(server.spans.map(({ traceId }) => traceId))).toEqual(new Set([trace.ids.traceId]));
    expect(trace.ids).toEqual({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/), spanId: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(server.resource()).toMatchObject({ 'service.name': 'poolkeeper', 'service.version': '1.2.3' });
    expect(server.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { authorization: 'Bearer t0ken-of-the-collector', 'content-type': 'application/json' },
    });
    await expect.poll(() => sent).toEqual([{ result: 'sent', count: 4 }]);
  });

  it('shows no secret in names, facts and errors', async () => {
    const facts = { on: 'Secret hunter22', list: ['https://user:pass22@git.example.com', 'hunter22'] };
    tracer()
      .begin('run', START)
      .end(step('run', 0, 1, { facts, error: 'hunter22 was refused' }));
    await expect.poll(() => server.spans).toHaveLength(1);
    expect(server.requests[0]?.body).not.toMatch(/hunter22|pass22|t0ken/);
    expect(server.spans[0]).toMatchObject({ attributes: { on: 'Secret [redacted]' }, error: '[redacted] was refused' });
  });

  it('sends nothing of a trace that is never ended', async () => {
    const made = tracer();
    made.begin('run', START);
    made.begin('run', START).end(step('run', 0, 1));
    await made.stop(soon());
    expect(server.spans).toHaveLength(1);
  });

  it('sends what waits when it is stopped', async () => {
    const made = tracer({ gatherMs: 60_000 });
    made.begin('run', START).end(step('run', 0, 1, { steps: [step('plan', 0, 1)] }));
    await made.stop(soon());
    expect(server.spans).toHaveLength(2);
  });

  it('is stopped by the deadline while the endpoint does not answer, and lets go of it', async () => {
    server.answer('never');
    const made = tracer({ timeoutMs: 30_000 });
    made.begin('run', START).end(step('run', 0, 1));
    await expect.poll(() => server.requests).toHaveLength(1);
    made.begin('run', START).end(step('run', 0, 1));
    const deadline = AbortSignal.timeout(50);
    await made.stop(deadline);
    expect(deadline.aborted).toBe(true);
    expect(server.spans).toEqual([]);
    // What was under way has failed for good: no try follows that would keep the process.
    await expect.poll(() => sent.length).toBe(2);
    expect(server.requests).toHaveLength(2);
  });

  it('is stopped at once while nothing listens at the endpoint', async () => {
    const made = tracer({ gatherMs: 60_000 });
    await server.stop();
    made.begin('run', START).end(step('run', 0, 1));
    const deadline = AbortSignal.timeout(5_000);
    await made.stop(deadline);
    expect(deadline.aborted).toBe(false);
    expect(sent).toEqual([{ result: 'failed', count: 1, error: expect.stringContaining('ECONNREFUSED') }]);
  });

  it('counts what the endpoint refuses, and says why', async () => {
    server.answer(401);
    tracer()
      .begin('run', START)
      .end(step('run', 0, 1, { steps: [step('plan', 0, 1)] }));
    await expect.poll(() => sent).toEqual([{ result: 'failed', count: 2, error: 'HTTP 401 Unauthorized' }]);
  });

  it('gives up a batch that is not answered in time', async () => {
    server.answer('never');
    tracer({ timeoutMs: 50 })
      .begin('run', START)
      .end(step('run', 0, 1));
    await expect.poll(() => sent).toEqual([{ result: 'failed', count: 1, error: expect.stringMatching(/timed out/i) }]);
  });

  it('keeps no more than it may, the run itself first, and goes on when there is room again', async () => {
    const made = tracer({ maxQueue: 3 });
    const many = step('run', 0, 9, { steps: [step('a', 0, 1), step('b', 1, 2), step('c', 2, 3), step('d', 3, 4)] });
    made.begin('run', START).end(many);
    expect(sent).toEqual([
      { result: 'dropped', count: 1 },
      { result: 'dropped', count: 1 },
    ]);
    await expect.poll(() => server.spans.map(({ name }) => name)).toEqual(['run', 'a', 'b']);
    await expect.poll(() => sent.at(-1)).toEqual({ result: 'sent', count: 3 });
    made.begin('run', START).end(step('run', 0, 1));
    await expect.poll(() => server.spans).toHaveLength(4);
  });

  it('has a clock that is the wall clock, in fractions of a millisecond', () => {
    const trace = tracer().begin('run', START);
    const [first, second] = [trace.now(), trace.now()];
    expect(Math.abs(first - Date.now())).toBeLessThan(1_000);
    expect(second).toBeGreaterThan(first);
  });
});
