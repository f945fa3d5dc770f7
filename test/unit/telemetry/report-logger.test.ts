import { describe, expect, it } from 'vitest';
import type { NodeAction } from '../../../src/core/model/action.ts';
import { revision } from '../../../src/core/model/ids.ts';
import { problem } from '../../../src/shared/problem.ts';
import { ReportLogger } from '../../../src/telemetry/report-logger.ts';
import { actionReport, removalHold, runReport, sourceReport, specReport } from '../../support/run-report.ts';

function reportLogger() {
  let lines: string[] = [];
  const at = (level: string) => (_fields: unknown, message: string) => void lines.push(`${level} ${message}`);
  const logger = new ReportLogger({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
  return (report = runReport()): readonly string[] => {
    lines = [];
    logger.logReport(report);
    return lines;
  };
}

describe('ReportLogger', () => {
  it('is quiet at rest', () => {
    const log = reportLogger();
    const report = runReport({ specs: [specReport('a.yaml')] });
    expect(log(report)).toEqual(['info run at new revision 4f1c0de']);
    expect(log(report)).toEqual(['debug run']);
    expect(log(runReport({ specs: report.specs, revision: revision('beef') }))).toEqual(['info run at new revision beef']);
  });

  it('writes a line for each action that failed, and one for the run', () => {
    const log = reportLogger();
    log();
    const actions = [
      actionReport(),
      actionReport({ op: 'delete-object', changes: [], result: 'failed', problem: problem('KUBERNETES_REFUSED', 'no') }),
      actionReport({ result: 'failed', problem: problem('SNAPSHOT_STALE', 'old') }),
      actionReport({ result: 'planned' }),
      actionReport({ result: 'held' }),
    ];
    expect(
      log(
        runReport({
          specs: [specReport('a.yaml', { actions })],
          actions: [actionReport({ leg: 'consul', op: 'ensure-node', on: 'k8s-w1', changes: [] })],
        }),
      ),
    ).toEqual([
      'error delete-object Service prod/web: failed: no',
      'warn apply-object Service prod/web: spec.ports[0].port: failed: old',
      'info run',
    ]);
  });

  it('tells of what is done at once', () => {
    const lines: unknown[] = [];
    const write = (fields: object, message: string) => void lines.push([fields, message]);
    const logger = new ReportLogger({ debug: write, info: write, warn: write, error: write });
    const action = { kind: 'delete-node', name: 'k8s-w1' } as unknown as NodeAction;
    logger.logDone({ spec: undefined, action, result: 'failed' }, 'beef');
    logger.logDone({ spec: undefined, action, result: 'skipped' }, 'beef');
    expect(lines).toEqual([]);
    logger.logDone({ spec: undefined, action, result: 'done' }, 'beef');
    expect(lines).toEqual([
      [
        expect.objectContaining({ event: 'action', op: 'delete-node', result: 'done', revision: 'beef' }),
        expect.stringContaining('Consul node k8s-w1'),
      ],
    ]);
  });

  it('tells a problem when it appears, when it changes and when it ends, not in between', () => {
    const log = reportLogger();
    log();
    const broken = (message: string) =>
      runReport({ specs: [specReport('a.yaml', { state: 'broken', problems: [problem('SPEC_SYNTAX', message)] })] });
    expect(log(broken('one'))).toEqual(['error one', 'info a.yaml: broken', 'info run']);
    expect(log(broken('one'))).toEqual(['debug run']);
    expect(log(broken('two'))).toEqual(['error two', 'info no longer: one', 'info run']);
    expect(log(runReport({ specs: [specReport('a.yaml')] }))).toEqual(['info no longer: two', 'info a.yaml: broken → in-step', 'info run']);
  });

  it('tells a failed roll-out once, whatever its pods say meanwhile', () => {
    const log = reportLogger();
    const where = { file: 'a.yaml', line: 3, column: 1, path: '' };
    const failing = (what: string): readonly string[] =>
      log(
        runReport({ specs: [specReport('a.yaml', { problems: [problem('ROLLOUT_FAILED', `Deployment prod/web: ${what}`, { where })] })] }),
      );
    expect(failing('ErrImagePull')).toContain('error Deployment prod/web: ErrImagePull');
    expect(failing('ImagePullBackOff')).toEqual(['debug run']);
    expect(log(runReport({ specs: [specReport('a.yaml')] }))).toContain('info no longer: Deployment prod/web: ImagePullBackOff');
  });

  it('tells holds and sources that do not answer, once', () => {
    const log = reportLogger();
    log();
    const report = runReport({
      holds: [removalHold('a.yaml', 'pool prod/web')],
      sources: [sourceReport('consul', { kind: 'stale', reason: problem('CONSUL_UNAVAILABLE', 'no answer') })],
    });
    expect(log(report)).toEqual([
      'error no answer',
      'warn held: pool prod/web: removing pool prod/web is above the limit of 2',
      'info run',
    ]);
    expect(
      log({
        ...report,
        sources: [sourceReport('consul', { kind: 'stale', ageMs: 99_000, reason: problem('CONSUL_UNAVAILABLE', 'no answer') })],
      }),
    ).toEqual(['debug run']);
    expect(log()).toHaveLength(3);
  });
});
