import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/shared/redact.ts';
import { createLogger, type LogLevel } from '../../../src/telemetry/create-logger.ts';

function logger(level: LogLevel = 'debug') {
  const lines: string[] = [];
  const log = createLogger({ level, destination: { write: (line) => lines.push(line) }, redact: createRedactor(['hunter22']) });
  return { log, lines, parsed: () => lines.map((line): unknown => JSON.parse(line)) };
}

describe('createLogger', () => {
  it('writes one JSON object per line, with the level as a word and an ISO time', () => {
    const { log, lines, parsed } = logger();
    log.warn({ spec: 'prod/web.yaml' }, 'broken');
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(parsed()).toEqual([{ level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), spec: 'prod/web.yaml', msg: 'broken' }]);
  });

  it('keeps quiet below its level', () => {
    const { log, lines } = logger('warn');
    log.info('not this');
    expect(lines).toEqual([]);
  });

  it('masks a secret wherever it stands', () => {
    const { log, lines } = logger();
    const error = Object.assign(new Error('login with hunter22 failed', { cause: new Error('hunter22 is wrong') }), {
      detail: { url: 'x?hunter22' },
    });
    log.info({ text: 'hunter22', deep: [{ list: ['a hunter22'] }], reason: error }, 'hunter22 %s %o', 'hunter22', { a: 'hunter22' });
    log.info('hunter22');
    log.error(error);
    log.error({ err: error });
    log.error({ err: error }, 'message');
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toContain('hunter22');
    expect(lines[2]).toContain('login with [redacted] failed');
  });

  it('masks what requests carry, known to us or not', () => {
    const { log, lines } = logger();
    const error = Object.assign(new Error('x'), { config: { headers: { authorization: 'Bearer other' } } });
    log.error({ err: error, headers: { token: 'other', 'x-consul-token': 'other' } }, 'http://user:other@host/');
    expect(lines.join('')).not.toContain('other');
  });

  it('leaves lines valid that hold both a URL and an @', () => {
    const { log, parsed } = logger();
    log.info({ address: 'http://127.0.0.1:8500', author: 'me@example.com' }, 'x');
    expect(parsed()).toEqual([expect.objectContaining({ address: 'http://127.0.0.1:8500', author: 'me@example.com' })]);
  });
});
