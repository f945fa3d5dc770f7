import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseV1Rule } from '../../../../src/core/tags/parse-v1-rule.ts';
import { translateRule } from '../../../../src/core/tags/translate-rule.ts';

describe('parseV1Rule', () => {
  it.each([
    ['Host:a', [{ name: 'Host', args: ['a'] }]],
    [
      ' Host : a , b ;; Path:/x;',
      [
        { name: 'Host', args: ['a', 'b'] },
        { name: 'Path', args: ['/x'] },
      ],
    ],
    ['Headers:X-A,1::2', [{ name: 'Headers', args: ['X-A', '1:2'] }]],
    ['Host:a:PathPrefix:/A', [{ name: 'Host', args: ['a:PathPrefix:/A'] }]],
  ])('takes %j apart', (rule, clauses) => {
    expect(parseV1Rule(rule)).toEqual({ kind: 'rule', clauses });
  });

  it.each(['', ';;', 'Host', 'Host:', 'Host:,', 'Host:a;Path', 'Host:{{.ServiceName}}.x'])('refuses %j', (rule) => {
    expect(parseV1Rule(rule).kind).toBe('invalid');
  });
});

describe('translateRule', () => {
  it.each([
    ['Host:A.Example.com', 'Host(`a.example.com`)'],
    ['Host:a.example.com,b.example.com', '(Host(`a.example.com`) || Host(`b.example.com`))'],
    ['Host:a.example.com,A.example.com', 'Host(`a.example.com`)'],
    ['Method:get,POST', '(Method(`GET`) || Method(`POST`))'],
    ['PathPrefix:/x,/y', '(PathPrefix(`/x`) || PathPrefix(`/y`))'],
    ['PathPrefix:/a`b"c', 'PathPrefix("/a`b\\"c")'],
    ['Path:/', 'Path(`/`)'],
    ['Host:a.example.com;Method:GET,PUT;PathPrefix:/x', 'Host(`a.example.com`) && (Method(`GET`) || Method(`PUT`)) && PathPrefix(`/x`)'],
  ])('%s → %s', (v1, rule) => {
    expect(translateRule(v1)).toEqual({ kind: 'rule', rule, notes: [] });
  });

  it.each([
    ['Path:/a', 'redirects /a/ to /a'],
    ['Path:/a/', 'also answers /a,'],
  ])('%s notes the trailing slash', (v1, note) => {
    expect(translateRule(v1)).toMatchObject({ kind: 'rule', notes: [expect.stringContaining(note)] });
  });

  it.each([
    ['Host:a.example.com;PathPrefixStrip:/x', 'PathPrefixStrip'],
    ['host:a.example.com', '"host"'],
    ['Host:*.example.com', 'literally'],
    ['Host:a:PathPrefix:/A', 'joined by ";"'],
    ['Host:münchen.example.com', 'ASCII'],
    ['Host: ,a', 'not a host name'],
    ['Method:G`T', 'HTTP method'],
    ['Path:/x/{id:[0-9]+}', 'pattern'],
    ['PathPrefix:x', 'begin with "/"'],
    ['PathPrefix:/a\tb', 'control'],
  ])('does not translate %s', (v1, reason) => {
    expect(translateRule(v1)).toEqual({ kind: 'not-translated', reason: expect.stringContaining(reason) });
  });

  it('translates all of a rule or nothing', () => {
    const clause = fc.constantFrom('Host:a.example.com', 'Method:GET', 'PathPrefix:/x', 'HostRegexp:x', 'Foo:y');
    fc.assert(
      fc.property(fc.uniqueArray(clause, { minLength: 1 }), (clauses) => {
        const translated = translateRule(clauses.join(';'));
        const known = clauses.every((text) => !/^(?:HostRegexp|Foo)/.test(text));
        expect(translated.kind).toBe(known ? 'rule' : 'not-translated');
        if (translated.kind === 'rule') expect(translated.rule.split(' && ')).toHaveLength(clauses.length);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (rule) => {
        expect(['rule', 'not-translated']).toContain(translateRule(rule).kind);
      }),
    );
  });
});
