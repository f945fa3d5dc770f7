import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/shared/redact.ts';
import { createLogger } from '../../../src/telemetry/create-logger.ts';
import { prettyLines } from '../../../src/telemetry/pretty-lines.ts';

async function rig(isTTY?: boolean) {
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text), ...(isTTY === undefined ? {} : { isTTY }) };
  const log = createLogger({ level: 'debug', destination: await prettyLines(output), redact: createRedactor(['hunter22']) });
  return { log, written };
}

describe('pretty lines', () => {
  it('say the time, the level, what happened and its fields, in one line each', async () => {
    const { log, written } = await rig();
    log.info({ event: 'run', durationMs: 12, trigger: ['git'], trace_id: 'abc' }, 'run at new revision 4f1c0de');
    log.warn('careful');
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: run at new revision 4f1c0de \{"durationMs":12,"trigger":\["git"\]\}\n$/);
    expect(written[1]).toMatch(/^\[.*\] WARN: careful\n$/);
  });

  it('have colours on a terminal only', async () => {
    const escapeCharacter = String.fromCharCode(27);
    const [terminal, file] = [await rig(true), await rig(false)];
    terminal.log.error('bad');
    file.log.error('bad');
    expect([terminal.written[0]?.includes(escapeCharacter), file.written[0]?.includes(escapeCharacter)]).toEqual([true, false]);
  });

  it('show no more than the lines that they are made of', async () => {
    const { log, written } = await rig();
    log.error({ err: new Error('hunter22 was refused') }, 'https://me:hunter22@host');
    expect(written.join('')).toContain('[redacted] was refused');
    expect(written.join('')).not.toContain('hunter22');
  });
});
