import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedactor } from '../../../src/shared/redact.ts';
import { createLogger } from '../../../src/telemetry/create-logger.ts';
import { LogLevelControl } from '../../../src/telemetry/log-level-control.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }));
afterEach(() => void vi.useRealTimers());

function rig() {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) }, redact: createRedactor([]) });
  const texts = (): readonly string[] => lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
  return { log, lines, texts, control: new LogLevelControl(log, 'info') };
}

describe('LogLevelControl', () => {
  it('changes what is written for a while, and tells so', () => {
    const { log, lines, texts, control } = rig();
    log.debug('hidden');
    expect(control.set('debug', 600_000)).toEqual({ level: 'debug', configured: 'info', untilMs: 601_000 });
    log.debug('shown');
    vi.advanceTimersByTime(599_999);
    expect(control.state()).toMatchObject({ level: 'debug' });
    vi.advanceTimersByTime(1);
    expect(control.state()).toEqual({ level: 'info', configured: 'info' });
    log.debug('hidden again');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', to: 'debug', configured: 'info', untilMs: 601_000 });
    expect(texts()).toEqual(['the log level is debug now', 'shown', 'the log level is info again, as configured']);
  });

  it('goes by the last wish', () => {
    const { control } = rig();
    control.set('debug', 1_000);
    control.set('warn', 5_000);
    vi.advanceTimersByTime(1_000);
    expect(control.state()).toEqual({ level: 'warn', configured: 'info', untilMs: 6_000 });
  });

  it('comes back at once when the configured level is wished, and stays', () => {
    const { control } = rig();
    control.set('debug', 1_000);
    expect(control.set('info', 1_000)).toEqual({ level: 'info', configured: 'info' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind when it is stopped', () => {
    const { control } = rig();
    control.set('debug', 1_000);
    control.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
