import { describe, expect, it } from 'vitest';
import { revision } from '../../../src/core/model/ids.ts';
import type { SpecFiles, SpecSet } from '../../../src/core/model/spec-set.ts';
import { Engine } from '../../../src/run/engine.ts';
import { SpecPoller } from '../../../src/run/spec-poller.ts';
import { problem } from '../../../src/shared/problem.ts';
import type { Step, TraceIds, Tracer } from '../../../src/shared/tracer.ts';
import { complete, deployment, endpoints, POLICY, service, spec, specSet, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';
import { settle } from '../../support/model-world.ts';

const signal = new AbortController().signal;
const WEB = spec('web.json', deployment('web'), service('web'));
const before = specSet([WEB]);
const changed = specSet([spec('web.json', deployment('web'), service('web', { annotations: { tags: 'other' } }))]);

/** Keeps traces instead of sending them; its clock ticks with every look. */
class FakeTracer implements Tracer {
  readonly begun: TraceIds[] = [];
  readonly ended: Step[] = [];
  #nowMs = 0;
  begin(_name: string, startMs: number): ReturnType<Tracer['begin']> {
    const ids = { traceId: `trace-${this.begun.length}`, spanId: 'span' };
    this.begun.push(ids);
    this.#nowMs = startMs;
    return { ids, now: () => ++this.#nowMs, end: (root) => void this.ended.push(root) };
  }
}

async function rig(idleRuns = false) {
  const site = new FakeSite(settle(world({ specs: complete(before), endpoints: [endpoints('default/web')] })).world);
  const clock = { now: () => site.nowMs, random: () => 0.5 };
  let set: SpecSet = before;
  const read = async () => {
    const files = { problems: [], revision: set.revision, changed: [], fetchedAtMs: site.nowMs, movedAfterMs: 0 } as unknown as SpecFiles;
    return complete({ ...files, files: [] });
  };
  const poller = new SpecPoller({ read }, () => set, clock);
  await poller.poll('', signal);
  const tracer = new FakeTracer();
  const told: unknown[] = [];
  const engine = new Engine({
    ports: site.ports(),
    policy: POLICY,
    clock,
    poller,
    dryRun: false,
    tracing: { tracer, idleRuns },
    onOutcome: ({ action, result }, trace) => told.push([action.kind, result, trace?.traceId]),
  });
  return {
    site,
    engine,
    tracer,
    told,
    run: (trigger = 'kubernetes') => engine.run([trigger], signal),
    commit: async (next: SpecSet) => {
      set = { ...next, revision: revision('r9') };
      await engine.poll(signal);
    },
  };
}

const outline = ({ name, steps }: Step): readonly string[] => [
  name,
  ...steps.flatMap((inner) => outline(inner).map((line) => `  ${line}`)),
];

/** Every step lies within the one that holds it, and none ends before it begins. */
function expectNested({ startMs, endMs, steps }: Step): void {
  expect(endMs).toBeGreaterThanOrEqual(startMs);
  for (const step of steps) {
    expect(step.startMs).toBeGreaterThanOrEqual(startMs);
    expect(step.endMs).toBeLessThanOrEqual(endMs);
    expectNested(step);
  }
}

describe('the trace of a run', () => {
  it('holds every step, and every action with what it was done to', async () => {
    const { run, commit, tracer, told } = await rig();
    await commit(changed);
    const { report, trace } = await run('git');
    const [root] = tracer.ended;
    if (root === undefined) throw new Error('no trace');
    expect(trace).toEqual(tracer.begun[0]);
    expect(outline(root)).toEqual([
      'run',
      '  read',
      '  decode',
      '  observe',
      '  build',
      '  pass',
      '    build',
      '    plan',
      '    guard',
      '    apply',
      '      apply-object',
      '      register-pool',
      '  pass',
      '    build',
      '    plan',
      '    guard',
      '    apply',
      '      write-kv',
      '  pass',
      '    build',
      '    plan',
      '    guard',
      '  verify',
      '  report',
    ]);
    expectNested(root);
    expect(root.facts).toMatchObject({
      'poolkeeper.trigger': ['git'],
      'poolkeeper.revision': 'r9',
      'poolkeeper.passes': report.passes,
      'poolkeeper.specs': 1,
      'poolkeeper.pools': 1,
      'poolkeeper.actions': 3,
      'poolkeeper.actions.failed': 0,
    });
    const apply = root.steps.flatMap((step) => step.steps).find(({ name }) => name === 'apply');
    expect(apply?.steps[0]).toMatchObject({
      facts: {
        'poolkeeper.leg': 'kubernetes',
        'poolkeeper.op': 'apply-object',
        'poolkeeper.on': 'Service default/web',
        'poolkeeper.spec': 'web.json',
        'poolkeeper.result': 'done',
      },
    });
    expect(told).toEqual([
      ['apply-object', 'done', 'trace-0'],
      ['register-pool', 'done', 'trace-0'],
      ['write-kv', 'done', 'trace-0'],
    ]);
  });

  it('is not sent when nothing happened, unless that is wished', async () => {
    const quiet = await rig();
    expect((await quiet.run()).trace).toBeUndefined();
    expect(quiet.tracer.ended).toEqual([]);
    const chatty = await rig(true);
    expect((await chatty.run()).trace).toEqual(chatty.tracer.begun[0]);
    expect(chatty.tracer.ended).toHaveLength(1);
  });

  it('is not made of a first look', async () => {
    const { engine, tracer, commit } = await rig();
    await commit(changed);
    await engine.run(['start'], signal, 'look');
    expect(tracer.begun).toEqual([]);
  });

  it('tells an action that failed, with its reason', async () => {
    const { run, commit, tracer, site } = await rig();
    site.refuse = (action) => (action.kind !== 'apply-object' ? undefined : problem('KUBERNETES_REFUSED', 'no such field'));
    await commit(changed);
    await run('git');
    const failed = tracer.ended[0]?.steps
      .flatMap((step) => step.steps.flatMap((inner) => inner.steps))
      .find(({ error }) => error !== undefined);
    expect(failed).toMatchObject({
      name: 'apply-object',
      error: 'no such field',
      facts: { 'poolkeeper.result': 'failed', 'error.type': 'KUBERNETES_REFUSED' },
    });
    expect(tracer.ended[0]?.facts).toMatchObject({ 'poolkeeper.actions.failed': 1 });
  });

  it('ends with the error of a run that throws, and with the step in which that was', async () => {
    const { run, tracer, site, commit } = await rig();
    await commit(changed);
    site.before = (action) => {
      if (action.kind === 'apply-object') throw new Error('cannot happen');
    };
    await expect(run('git')).rejects.toThrow('cannot happen');
    const [root] = tracer.ended;
    expect(root).toMatchObject({ error: 'cannot happen', facts: { 'poolkeeper.trigger': ['git'] } });
    expect(root && outline(root).at(-1)).toBe('    apply');
  });
});
