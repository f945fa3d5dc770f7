import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_STATES, SPEC_STATES } from '../../../src/core/report/run-report.ts';
import { PROBLEMS } from '../../../src/shared/problem.ts';
import { ALERT_CASES, type AlertCase } from '../../support/alert-cases.ts';
import { deployPath, findProgram, readDeploy } from '../../support/deploy-files.ts';
import { makeTempDirectory, type TempDirectory } from '../../support/processes.ts';
import { RUNBOOK_URL, readRules } from '../../support/prometheus-rules.ts';
import { selectorsOf, wrongNames } from '../../support/promql-names.ts';
import { RECORD_CASES, type RecordCase } from '../../support/record-cases.ts';

const { alerts, records } = readRules();
const RULES = deployPath('prometheus', 'poolkeeper.rules.yml');
const PROMISED = [
  ...['PoolBelowFloor', 'PoolEmpty', 'HoldActive', 'NoSuccessfulSync', 'GitAheadOfCluster', 'TraefikDisagrees', 'RouteConflict'],
  ...['OwnerConflict', 'SpecBroken', 'WritesAtRest', 'LeaderMissing', 'SnapshotStale', 'CertificateOrTokenFailing'],
];
const promtool = await findProgram('promtool', 'prometheus');

const run = (...args: readonly string[]): Promise<{ readonly ok: boolean; readonly output: string }> =>
  new Promise((resolve) => {
    execFile(promtool ?? '', args, (error, stdout, stderr) => resolve({ ok: error === null, output: stdout + stderr }));
  });

let directory: TempDirectory;
beforeAll(async () => {
  directory = await makeTempDirectory('prometheus-rules');
});
afterAll(() => directory.remove());

describe('the Prometheus rules', () => {
  it('have every alert that is promised, each with a severity, what to do, and a section of the runbook', () => {
    expect(alerts.map(({ alert }) => alert)).toEqual(expect.arrayContaining(PROMISED));
    for (const { alert, labels, annotations } of alerts) {
      expect(['critical', 'warning']).toContain(labels['severity']);
      expect(annotations.summary).not.toBe('');
      // The same text whatever fires, so that nothing in it can be missing.
      expect(annotations.description).toMatch(/^[^{}]{40,}$/);
      expect(annotations.description).toContain(` More: ${alert} in docs/runbook.md.`);
      expect(annotations.runbook_url).toBe(`${RUNBOOK_URL}#${alert.toLowerCase()}`);
    }
  });

  it('all lead to a copy of the runbook by the one command of the README', async () => {
    const [command] = /^sed -i .*$/m.exec(readDeploy('prometheus', 'README.md')) ?? [];
    const [, from = '', to = ''] = /'s\|(.*)\|(.*)\|'/.exec(command ?? '') ?? [];
    expect(from).toBe(RUNBOOK_URL);
    await copyFile(RULES, join(directory.path, 'poolkeeper.rules.yml'));
    await promisify(execFile)('sh', ['-c', command ?? 'false'], { cwd: directory.path });
    const copied = readRules(await readFile(join(directory.path, 'poolkeeper.rules.yml'), 'utf8')).alerts;
    expect(copied.map(({ annotations }) => annotations.runbook_url)).toEqual(alerts.map(({ alert }) => `${to}#${alert.toLowerCase()}`));
  });

  it('use metrics, labels and values that the daemon knows', () => {
    const recorded = records.map(({ record }) => record);
    for (const { expr } of [...alerts, ...records]) expect(wrongNames(expr, recorded)).toEqual([]);
    const values: Readonly<Record<string, readonly string[]>> = {
      'problems code': Object.keys(PROBLEMS),
      'specs state': SPEC_STATES,
      'traefik_replica_state state': GATEWAY_STATES,
      'pool_backends state': ['desired', 'registered', 'passing', 'serving'],
      'sync_latency_seconds_count stage': ['total'],
      'last_success_timestamp_seconds leg': ['git', 'kubernetes', 'consul', 'traefik'],
    };
    for (const { metric, matchers } of [...alerts, ...records].flatMap(({ expr }) => selectorsOf(expr)))
      for (const { label, value } of matchers) {
        const known = values[`${metric} ${label}`];
        if (known !== undefined) expect(known).toEqual(expect.arrayContaining(value.split('|')));
      }
  });

  it('would be found out if they used others', () => {
    expect(wrongNames('sum without (instance) (poolkeeper_holds{why="x"})')).toEqual(['holds has no label why']);
    expect(wrongNames('sum by (node) (poolkeeper_holds)')).toEqual(['no label node']);
    expect(wrongNames('poolkeeper_held + poolkeeper_sync_latency_seconds')).toEqual(['no metric held', 'no metric sync_latency_seconds']);
    expect(wrongNames('poolkeeper:a:b > 1', ['poolkeeper:a'])).toEqual(['nothing records poolkeeper:a:b']);
  });

  it.skipIf(promtool === undefined)('are taken by promtool (needs promtool)', async () => {
    expect(await run('check', 'rules', RULES)).toMatchObject({ ok: true });
  });

  it('are told a story for each, in which it fires and resolves, one in which it is silent, and one for each recording rule', () => {
    for (const { alert } of alerts)
      expect([alert, ALERT_CASES.some((one) => one.alert === alert && one.over !== undefined)]).toEqual([alert, true]);
    expect(new Set(RECORD_CASES.map(({ record }) => record))).toEqual(new Set(records.map(({ record }) => record)));

    for (const { alert } of alerts) {
      const stories = ALERT_CASES.filter((one) => one.alert === alert).map(({ fires }) => fires.length > 0);
      expect([alert, new Set(stories).size]).toEqual([alert, 2]);
    }
  });

  it.skipIf(promtool === undefined)('fire when they should, and else are silent (needs promtool)', async () => {
    const file = join(directory.path, 'stories.json');
    const rule_files = [RULES];
    await writeFile(
      file,
      JSON.stringify({ rule_files, evaluation_interval: '1m', tests: [...ALERT_CASES.map(promtoolTest), ...RECORD_CASES.map(recordTest)] }),
    );
    expect(await run('test', 'rules', file)).toEqual({ ok: true, output: expect.any(String) });
    const [first] = ALERT_CASES;
    if (first === undefined) throw new Error('there are stories');
    await writeFile(file, JSON.stringify({ rule_files, evaluation_interval: '1m', tests: [promtoolTest({ ...first, fires: [] })] }));
    expect(await run('test', 'rules', file)).toMatchObject({ ok: false, output: expect.stringContaining(first.alert) });
  });
});

/** A story in the form of `promtool test rules`. */
function promtoolTest({ alert, when, series, at, fires, over }: AlertCase): unknown {
  const rule = alerts.find((one) => one.alert === alert);
  return {
    name: `${alert}: ${when}`,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      {
        eval_time: `${at}m`,
        alertname: alert,
        exp_alerts: fires.map(({ labels, summary }) => ({
          exp_labels: { job: 'poolkeeper', ...rule?.labels, ...labels },
          exp_annotations: { ...rule?.annotations, summary },
        })),
      },
      ...(over === undefined ? [] : [{ eval_time: `${over}m`, alertname: alert, exp_alerts: [] }]),
    ],
  };
}

function recordTest({ record, when, series, at, gives }: RecordCase): unknown {
  const samples = gives.map(({ labels, value }) => ({
    labels: `${record}{${Object.entries({ job: 'poolkeeper', ...labels })
      .map(([label, text]) => `${label}="${text}"`)
      .join(',')}}`,
    value,
  }));
  return {
    name: `${record}: ${when}`,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [{ expr: `${record} >= 0`, eval_time: `${at}m`, exp_samples: samples }],
  };
}
