import { describe, expect, it } from 'vitest';
import { decode, summary, words } from './decode.ts';

const HEAD = 'apiVersion: v1\nkind: Pod\n';

describe('what is said of text that is no YAML', () => {
  it.each([
    ['a tab', 'metadata:\n\tname: a\n', '4:1', 'Use spaces, not a tab.'],
    ['a tab after spaces', 'metadata:\n  labels:\n  \ta: b\n   c: d\n', '5:3', 'Use spaces, not a tab.'],
    ['no space after a colon, above the line where the parser stops', 'id:a\nmetadata:\n  name: a\n', '3:3', 'Put a space after the ":".'],
    ['no space after a dash', 'a:\n- b\n-c\nd: e\n', '5:1', 'Put a space after the "-".'],
    ['a quote that is never closed', 'metadata:\n  name: "a\ndata:\n  x: y\n', '4:9', 'Close the quote'],
    ['a quote that the next one closes', 'metadata:\n  name: "a\n  x: "y"\n', '4:9', 'Close the quote'],
    ['text behind a quote', "a: 'it's'\n", '3:8', 'Put the whole value in quotes'],
    ['an item in another column', 'spec:\n  containers:\n    - name: a\n   - name: b\n', '6:4', 'Begin the "-" of all items in one column'],
    ['a field in another column', 'metadata:\n  name: a\n   labels: {}\n', '5:4', 'Begin the fields of one mapping in one column'],
    ['a field of an item', 'spec:\n  - name: a\n   image: b\n', '5:4', 'the fields of an item in one column'],
    ['a colon in a value', 'data:\n  a: b: c\n', '4:7', 'Put the whole value in quotes'],
    ['a template', 'spec:\n  image: {{ .Values.image }}\n', '4:10', 'templates are not filled in here'],
    ['a key without a colon', 'spec:\n  a\n  b: c\n', '4:3', 'Write ":" after the key'],
    ['what no text may begin with', 'spec:\n  a: @b\n', '4:6', 'Put the text in quotes'],
    ['a bracket that is not closed', 'spec: [a, b\n', '4:1', 'Close it'],
    ['no comma', 'spec: { "a": 1 "b": 2 }\n', '3:19', 'Put a comma between the two'],
  ])('%s', (_, text, place, remedy) => {
    const decoded = decode('a.yaml', HEAD + text);
    expect(summary(decoded)).toEqual([`${place} SPEC_SYNTAX`]);
    expect(words(decoded)).toContain(remedy);
  });

  it('takes quotes inside a text of several lines for text', () => {
    const decoded = decode('a.yaml', `${HEAD}data:\n  script: |\n    "$a" b\n    'c' d\n\n    e\n  x: {{ y }}\n`);
    expect(words(decoded)).toContain('template');
  });

  it.each([
    ['{"a": [1, 2,]}', 'Remove the comma before it.'],
    ['{"a": 1, // one\n"b": 2}', 'Remove the comment'],
    ["{'a': 1}", 'Use double quotes.'],
    ['{"a": 1\n"b": 2}', 'Put a comma between the two.'],
    ['{"a": True}', 'in small letters'],
  ])('JSON: %s', (text, remedy) => {
    expect(words(decode('a.json', text))).toContain(remedy);
  });
});

describe('documents beside a broken one', () => {
  const bad = (kind: string): string => `apiVersion: v1\nkind: ${kind}\nmetadata: { name: A_B }\n`;

  it('are looked at, before and behind it, each at its place', () => {
    const text = `${bad('ConfigMap')}---\nkind: Pod\n\tname: x\n--- # third\n${bad('Secret')}---\na: "b\n---\n${bad('Service')}`;
    expect(summary(decode('a.yaml', text))).toEqual([
      '3:19 SPEC_INVALID_FIELD metadata.name',
      '6:1 SPEC_SYNTAX',
      '10:19 SPEC_INVALID_FIELD metadata.name',
      '12:4 SPEC_SYNTAX',
      '14:1 SPEC_MISSING_FIELD spec',
      '16:19 SPEC_INVALID_FIELD metadata.name',
    ]);
  });

  it('are left alone where a directive could belong to them, and after many that are broken', () => {
    expect(summary(decode('a.yaml', `%YAML 1.2\n---\na: "b\n---\n${bad('Secret')}`))).toHaveLength(1);
    expect(summary(decode('a.yaml', '---\n[\n'.repeat(900)))).toHaveLength(20);
    expect(summary(decode('a.yaml', '---\n[\n'.repeat(100_000)))).toHaveLength(1);
    // As many as one call can take would be too many.
    expect(summary(decode('a.yaml', 'a: 1\n'.repeat(200_000)))).toHaveLength(21);
  });

  it.each([
    ['a.yaml', 'a: 1\nb: 2\na: 3\n', ['1:1 SPEC_UNKNOWN_FORMAT', '3:1 SPEC_SYNTAX']],
    ['a.json', '{"a":1,\n "a":2}', ['1:1 SPEC_UNKNOWN_FORMAT', '2:3 SPEC_SYNTAX']],
    [
      'a.yaml',
      `${bad('ConfigMap')}data: {}\ndata: { a: 1, a: 2, a: 3 }\n`,
      [
        '3:19 SPEC_INVALID_FIELD metadata.name',
        '5:1 SPEC_SYNTAX',
        '5:15 SPEC_SYNTAX',
        '5:21 SPEC_SYNTAX',
        '5:24 SPEC_INVALID_FIELD data.a',
      ],
    ],
  ])('and the rest of a document in which a key stands twice: %s %j', (path, text, expected) => {
    expect(summary(decode(path, text))).toEqual(expected);
  });
});
