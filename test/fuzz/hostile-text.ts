import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';

/** How many cases each parser is tried with: on a CI machine as many as the promise says. */
export const CASES = process.env['CI'] === 'true' ? 10_000 : 1_000;

const MAX_MS = 2_000;
const MAX_BYTES = 200 * 1024 * 1024;

/**
 * Runs one case: it may not throw, take longer than 2 s, or leave the process with 200 MB more. The time is that of the processor, by
 * which a busy machine does not count.
 */
export function survives(work: () => void): void {
  const [began, before] = [process.cpuUsage(), process.memoryUsage.rss()];
  work();
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(MAX_MS);
  expect(process.memoryUsage.rss() - before).toBeLessThan(MAX_BYTES);
}

const EXAMPLES = join(import.meta.dirname, '..', '..', 'specs-example');

/** The text of every example, to be spoilt. */
export const examples: readonly string[] = readdirSync(EXAMPLES, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(json|ya?ml)$/.test(entry.name))
  .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

const repeated = (unit: string, max: number) => fc.integer({ min: 1, max }).map((count) => unit.repeat(count));

/** Pieces that parsers have stumbled over. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      '<<',
      'hasOwnProperty',
      '\ufeff',
      '\r\n',
      '\r',
      '\t',
      '\0',
      '\u2028',
      '\u0085',
    ],
    ...[
      '&a ',
      '*a',
      '&a [*a]',
      '<<: *a',
      '!!js/function >',
      '!!binary |',
      '!<tag:x>',
      '%YAML 1.2\n',
      '---\n',
      '...\n',
      '? ',
      '- - - ',
      '|+9',
      '>-',
    ],
    ...[
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      "'",
      '\\u0000',
      '\\ud800',
      '\\x',
      '#',
      '~',
      'null',
      'true',
      '.inf',
      '.nan',
      '1e999',
      '-0',
      '0x',
      '1_000',
    ],
    ...[
      '0o7',
      '2001-12-14t21:59:43.10-05:00',
      '99999999999999999999',
      'apiVersion: v1\n',
      'kind: Service\n',
      'kind: List\nitems:\n',
      '"objects": {',
    ],
    ...['x: {y: z}\n', 'a: &b {c: *b}\n', '$(a)', '{{.Domain}}', '`', '||', '&&', '!', 'Host(`a`)', 'PathPrefix(`/`)', '(a+)+$'],
  ),
  repeated('[', 1000),
  repeated('{"a":', 600),
  repeated('- ', 600),
  repeated(' ', 2000),
  repeated('a', 4000),
  repeated('- *a\n', 300),
  repeated('---\n', 200),
  repeated('&a ', 300),
  repeated('!', 600),
  repeated('"', 300),
  repeated('(', 1500),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** An alias bomb: each level names the one before several times. */
const bomb = fc
  .tuple(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 2, max: 10 }), fc.constantFrom('[', '{'))
  .map(([width, levels, open]) => {
    const line = (level: number): string => {
      const items = Array.from({ length: width }, (_, n) => `${open === '{' ? `k${n}: ` : ''}${level === 0 ? 'x' : `*l${level - 1}`}`);
      return `l${level}: &l${level} ${open}${items.join(', ')}${open === '{' ? '}' : ']'}`;
    };
    return Array.from({ length: levels }, (_, level) => line(level)).join('\n');
  });

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((result, { at, remove, insert }) => {
    const place = Math.floor(at * result.length);
    return result.slice(0, place) + insert + result.slice(place + remove);
  }, text);
}

const edits = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), remove: fc.nat(200), insert: fc.oneof(fc.constant(''), piece) }),
  { minLength: 1, maxLength: 4 },
);

/** Pieces in a row. */
export const pieces = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''));

/** A text that is nearly one of `seeds`, or something wild. */
export const spoilt = (seeds: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...seeds), edits).map(([text, changes]) => edited(text, changes)) },
    { weight: 2, arbitrary: pieces },
    { weight: 1, arbitrary: bomb },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
  );

/** Bytes that need not be UTF-8. */
export const spoiltBytes = (seeds: readonly string[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 6, arbitrary: spoilt(seeds).map((text) => new TextEncoder().encode(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...seeds), fc.nat(255), fc.nat()).map(([text, byte, at]) => {
        const bytes = new TextEncoder().encode(text);
        bytes[at % Math.max(1, bytes.length)] = byte;
        return bytes;
      }),
    },
  );
