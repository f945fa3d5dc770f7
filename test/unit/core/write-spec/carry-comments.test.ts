import fc from 'fast-check';
import { parseEvents } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { SourceFile } from '../../../../src/core/spec/finding.ts';
import { parseDocuments } from '../../../../src/core/spec/parse-documents.ts';
import { commentsOf } from '../../../../src/core/write-spec/comments.ts';
import { formatSpec } from '../../../../src/core/write-spec/format-spec.ts';

const formatted = (text: string): string | undefined => {
  const made = formatSpec('a.yaml', text);
  return made.kind === 'formatted' ? made.text : undefined;
};

describe('comments in what is formatted', () => {
  it.each([
    ['at the top', '# head\n\n# the web\nkind: A\napiVersion: v1\n', '# head\n\n# the web\napiVersion: v1\nkind: A\n'],
    ['that are set off', '# licence\n\nkind: A\napiVersion: v1\n', '# licence\n\napiVersion: v1\nkind: A\n'],
    ['above a field that moves', 'kind: A\n# old\napiVersion: v1\n', '# old\napiVersion: v1\nkind: A\n'],
    ['beside a field that moves', 'kind: A   # kind\napiVersion: v1 #version\n', 'apiVersion: v1 #version\nkind: A # kind\n'],
    ['beside a key', 'kind: A\nmetadata:   # meta\n    name: a\n', 'kind: A\nmetadata: # meta\n  name: a\n'],
    [
      'inside a list',
      'kind: A\nspec:\n  ports:\n  # web\n  - port: 80 # plain\n    name: http\n  # - port: 443\n  type: X\n',
      'kind: A\nspec:\n  # - port: 443\n  type: X\n  ports:\n    # web\n    - name: http\n      port: 80 # plain\n',
    ],
    [
      'that end a part',
      'spec:\n  a:\n    b: 1\n    # c: 2\n  d: 3\nkind: A\n# end\n',
      'kind: A\nspec:\n  a:\n    b: 1\n    # c: 2\n  d: 3\n# end\n',
    ],
    ['beside brackets', 'kind: A\nspec: { args: [a, b] } # all\n', 'kind: A\nspec: # all\n  args:\n    - a\n    - b\n'],
    ['inside brackets', 'kind: A\nspec: [\n  a, # one\n  b # two\n  ]\n', 'kind: A\n# one\n# two\nspec:\n  - a\n  - b\n'],
    [
      'at a text of several lines',
      'kind: A\ndata:\n  b: | # sh\n    # no comment\n    x\n  # after\n',
      'kind: A\ndata:\n  b: | # sh\n    # no comment\n    x\n  # after\n',
    ],
    [
      'between documents',
      'kind: A\n# end of a\n---\n# b\nkind: B\n--- # c\nkind: C\n',
      'kind: A\n# end of a\n---\n# b\nkind: B\n---\n# c\nkind: C\n',
    ],
    ['with Windows line ends', 'kind: A # k\r\napiVersion: v1\r\n', 'apiVersion: v1\nkind: A # k\n'],
  ])('%s', (_, text, expected) => {
    expect(formatted(text)).toBe(expected);
    expect(formatted(expected)).toBe(expected);
  });

  it('are lost where a null is, so that the file is kept', () => {
    expect(formatSpec('a.yaml', 'kind: A\nspec: # why\n')).toMatchObject({
      kind: 'kept',
      problem: { message: 'the file is left as it is: its comments would be lost', where: { line: 2, column: 7 } },
    });
  });

  const LINES = [
    'spec:',
    '  ports:',
    '  - port: 80',
    '    name: http',
    '  - port: 443',
    '  type: X',
    'kind: A',
    'metadata: {name: a, labels: {x: y}}',
    'data:',
    '  text: |',
    '    # inside',
    '    more',
    '---',
    'apiVersion: v1',
    'kind: B',
  ];
  it('leave a text without any as it would be', () => {
    expect(formatted(`${LINES.join('\n')}\n`)).toMatch(/^kind: A\nmetadata:/);
  });

  const noise = fc.array(
    fc.record({ line: fc.nat(LINES.length), column: fc.nat(6), isBeside: fc.boolean(), gap: fc.boolean(), word: fc.nat(99) }),
    { maxLength: 12 },
  );

  it('are all there again, wherever they stood, and the second time nothing changes', () => {
    fc.assert(
      fc.property(noise, (comments) => {
        const lines = LINES.map((line) => line);
        for (const { line, column, isBeside, gap, word } of comments.toSorted((a, b) => b.line - a.line)) {
          if (isBeside && line < LINES.length) lines[line] += ` # ${word}`;
          else lines.splice(line, 0, `${gap ? '\n' : ''}${' '.repeat(column)}# ${word}`);
        }
        const text = `${lines.join('\n')}\n`;
        const once = formatted(text);
        const isRead = parseDocuments(text, new SourceFile('a', text), false).problems.length === 0;
        if (!isRead || once === undefined) return;
        expect(formatted(once)).toBe(once);
        const textsOf = (yaml: string): readonly string[] =>
          commentsOf(yaml, parseEvents(yaml, {}))
            .map((comment) => comment.text)
            .sort();
        expect(textsOf(once)).toEqual(textsOf(text));
      }),
      { numRuns: 500 },
    );
  });
});
