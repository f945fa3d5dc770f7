import { describe, expect, it } from 'vitest';
import type { LogLevel } from '../../../src/shared/log-levels.ts';
import { createRedactor } from '../../../src/shared/redact.ts';
import { createLogger } from '../../../src/telemetry/create-logger.ts';

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

/** What must not be seen, in all the places where it may stand. `hunter22` is a secret of ours, `stranger22` one that only its place tells. */
const LEAKS: readonly (readonly [string, (log: ReturnType<typeof logger>['log']) => void])[] = [
  ['the message', (log) => log.info('token hunter22')],
  ['a field', (log) => log.info({ text: 'hunter22' }, 'x')],
  ['a field deep inside', (log) => log.info({ a: [{ b: { c: ['hunter22'] } }] }, 'x')],
  ['what replaces a placeholder', (log) => log.info('%s and %j', 'hunter22', { a: 'hunter22' })],
  ['a secret as base64', (log) => log.info({ data: Buffer.from('hunter22').toString('base64') }, 'x')],
  [
    'a URL with a password',
    (log) => log.info({ url: 'https://ops:stranger22@git.example.com/specs.git' }, 'clone of https://ops:stranger22@host failed'),
  ],
  ['a URL with a token for a user', (log) => log.info('fetch https://stranger22@git.example.com')],
  ['an error', (log) => log.error(new Error('hunter22'))],
  [
    'the cause of a cause of an error',
    (log) => log.error({ err: new Error('a', { cause: new Error('b', { cause: new Error('hunter22') }) }) }, 'x'),
  ],
  ['an error among others', (log) => log.error({ err: new AggregateError([new Error('hunter22')], 'all failed') }, 'x')],
  ['an error under another name', (log) => log.error({ reason: new Error('a', { cause: new Error('hunter22') }) }, 'x')],
  ['fields of an error', (log) => log.error({ err: Object.assign(new Error('x'), { response: { data: { list: ['hunter22'] } } }) }, 'x')],
  ['the stack of an error', (log) => log.error({ err: Object.assign(new Error('x'), { stack: 'Error: x\n at hunter22' }) }, 'x')],
  [
    'headers of a request',
    (log) => log.error({ err: Object.assign(new Error('x'), { config: { headers: { Authorization: 'Bearer stranger22' } } }) }, 'x'),
  ],
  [
    'headers of an answer',
    (log) => log.error({ err: Object.assign(new Error('x'), { response: { headers: { 'set-cookie': ['sid=stranger22'] } } }) }, 'x'),
  ],
  [
    'headers in a field',
    (log) => log.info({ headers: { authorization: 'Bearer stranger22', 'X-Consul-Token': 'stranger22', cookie: 'sid=stranger22' } }, 'x'),
  ],
  ['what lies very deep', (log) => log.info({ deep: nest(20, { a: 'hunter22' }) }, 'hunter22')],
  ['a password deep inside', (log) => log.info({ config: { consul: { token: 'stranger22', password: 'stranger22' } } }, 'x')],
];

const nest = (levels: number, inner: object): object => (levels === 0 ? inner : { in: nest(levels - 1, inner) });

describe('redaction', () => {
  it.each(LEAKS)('masks %s', (_where, write) => {
    const { log, lines } = logger();
    write(log);
    expect(lines).toHaveLength(1);
    expect(lines.join('')).toContain('[redacted]');
    expect(lines.join('')).not.toMatch(/hunter22|stranger22|aHVudGVyMjI/);
  });

  it('leaves what only looks like it', () => {
    const { log, parsed } = logger();
    log.info({ tokenFile: '/run/secrets/token', password: undefined, cookies: 2, tokens: ['a'] }, 'the token is in a file');
    expect(parsed()).toEqual([
      expect.objectContaining({ tokenFile: '/run/secrets/token', cookies: 2, tokens: ['a'], msg: 'the token is in a file' }),
    ]);
  });
});
