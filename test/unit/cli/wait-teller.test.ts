import { describe, expect, it } from 'vitest';
import { WaitTeller } from '../../../src/cli/wait-teller.ts';
import type { RunReport } from '../../../src/core/report/run-report.ts';
import { runReport, specReport } from '../../support/run-report.ts';

const at = (startedAtMs: number, specs: RunReport['specs']): RunReport => ({ ...runReport({ specs }), startedAtMs, durationMs: 0 });
const waits = (what: string, rollout?: true): RunReport['specs'] => [
  specReport('a.yaml', {
    state: 'waiting',
    waiting: [{ leg: 'kubernetes', what, on: undefined, ...(rollout === undefined ? {} : { rollout }) }],
  }),
];

describe('what a command waits for', () => {
  it('is told once, when it lasts, and again when it is something else', () => {
    const said: string[] = [];
    const teller = new WaitTeller((line) => said.push(line));
    teller.tell(at(0, waits('wave 1 waits for db')));
    expect(said).toEqual([]);
    for (const ms of [2_000, 3_000, 9_000]) teller.tell(at(ms, waits('wave 1 waits for db')));
    expect(said).toEqual(['waiting: a.yaml: wave 1 waits for db']);
    for (const ms of [10_000, 12_000]) teller.tell(at(ms, waits('wave 1 waits for web')));
    expect(said).toEqual(['waiting: a.yaml: wave 1 waits for db', 'waiting: a.yaml: wave 1 waits for web']);
  });

  it('is not told when it is over soon, or is a roll-out, which nobody waits for', () => {
    const said: string[] = [];
    const teller = new WaitTeller((line) => said.push(line));
    teller.tell(at(0, waits('the NodePort')));
    teller.tell(at(1_000, [specReport('a.yaml')]));
    teller.tell(at(2_000, waits('the NodePort')));
    for (const ms of [3_000, 60_000]) teller.tell(at(ms, waits('1 of 2 replicas', true)));
    expect(said).toEqual([]);
  });
});
