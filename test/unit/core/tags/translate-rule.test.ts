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

  it.each(['', ';;', 'Host', 'Host:', 'Host:,', 'Host:a;Path'])('refuses %j', (rule) => {
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
    [
      'HostRegexp:{sub:[a-z]+}.example.com,b.example.com',
      '(HostRegexp(`(?i)^(?:[a-z]+)\\.example\\.com$`) || HostRegexp(`(?i)^b\\.example\\.com$`))',
    ],
    ['HostRegexp:{any}.example.com', 'HostRegexp(`(?i)^[^.]+\\.example\\.com$`)'],
    ['HostRegexp:{x:a{2}}', 'HostRegexp(`(?i)^(?:a{2})$`)'],
    ['PathPrefix:/x/{id:[0-9]+}', 'PathRegexp(`^/x/(?:[0-9]+)`)'],
    ['Headers:X-A,1', 'Header(`X-A`, `1`)'],
    ['Headers:X-A,1,X-B,2', 'Header(`X-A`, `1`) && Header(`X-B`, `2`)'],
    ['HeadersRegexp: Content-Type, application/(text|json)', 'HeaderRegexp(`Content-Type`, `application/(text|json)`)'],
    ['Query:a=b, c=d', 'Query(`a`, `b`) && Query(`c`, `d`)'],
    ['Query:a=', 'QueryRegexp(`a`, `.*`)'],
    ['Query:a={v:[0-9]+}', 'QueryRegexp(`a`, `^(?:[0-9]+)$`)'],
    ['Query:a={v}', 'QueryRegexp(`a`, `^.*$`)'],
  ])('%s → %s', (v1, rule) => {
    expect(translateRule(v1)).toEqual({ kind: 'rule', rule, fields: {}, told: [] });
  });

  it.each([
    ['PathPrefixStrip:/x,/longer', '(PathPrefix(`/x`) || PathPrefix(`/longer`))', { 'M.stripprefix.prefixes': '/longer,/x' }],
    ['PathPrefixStripRegex:/a/{id:[0-9]+}', 'PathRegexp(`^/a/(?:[0-9]+)`)', { 'M.stripprefixregex.regex': '^/a/(?:[0-9]+)' }],
    ['AddPrefix:/p,/q', 'PathPrefix(`/`)', { 'M.addprefix.prefix': '/q' }],
    ['Host:a;ReplacePath:/p', 'Host(`a`)', { 'M.replacepath.path': '/p' }],
    [
      'ReplacePathRegex: ^/api/(.*) /$1',
      'PathPrefix(`/`)',
      { 'M.replacepathregex.regex': '^/api/(.*)', 'M.replacepathregex.replacement': '/$1' },
    ],
  ])('%s → %s and middlewares', (v1, rule, fields) => {
    expect(translateRule(v1)).toEqual({ kind: 'rule', rule, fields, told: [] });
  });

  it.each([
    ['Path:/a', 'Path(`/a`)', 'redirects /a/ to /a'],
    ['Path:/a/', 'Path(`/a/`)', 'also answers /a,'],
    ['Path:/x/{c}/{id:[0-9]+}', 'PathRegexp(`^/x/[^/]+/(?:[0-9]+)$`)', 'redirects'],
    ['PathStrip:/a', 'Path(`/a`)', 'redirects'],
    ['PathStripRegex:/a/{b}', 'PathRegexp(`^/a/[^/]+$`)', 'redirects'],
    ['ReplacePathRegex: ^/api/(.*)', 'PathPrefix(`/`)', 'ignores'],
  ])('%s → %s, and tells what differs', (v1, rule, reason) => {
    expect(translateRule(v1)).toMatchObject({ kind: 'rule', rule, told: [{ reason: expect.stringContaining(reason) }] });
  });

  it.each([
    ['Host:a.example.com;Pathprefix:/x', 'it is written PathPrefix'],
    ['Foo:x', 'no function "Foo"'],
    ['host:a.example.com', '"host"'],
    ['Host:*.example.com', 'literally'],
    ['Host:a:PathPrefix:/A', 'joined by ";"'],
    ['Host:münchen.example.com', 'ASCII'],
    ['HostRegexp:{s}.münchen.example.com', 'ASCII'],
    ['HostRegexp:{s:[a-z]{1,2}}.example.com', 'a comma in an expression'],
    ['HostRegexp:a}b', 'braces'],
    ['HostRegexp:{:a}', 'lacks a name'],
    ['Host: ,a', 'not a host name'],
    ['Method:G`T', 'HTTP method'],
    ['Path:/x/{id', 'braces'],
    ['PathPrefix:x', 'begin with "/"'],
    ['PathPrefix:/a\tb', 'control'],
    ['PathPrefixStrip:/{a}', 'PathStripRegex'],
    ['Headers:X-A', 'in turn'],
    ['HeadersRegexp:X-A,^a,X-B', 'in turn'],
    ['Query:a', 'name=value'],
    ['Query:a=b=c', 'name=value'],
  ])('does not translate %s', (v1, reason) => {
    expect(translateRule(v1)).toEqual({ kind: 'not-translated', reason: expect.stringContaining(reason) });
  });

  it('translates all of a rule or nothing', () => {
    const clause = fc.constantFrom('Host:a.example.com', 'Method:GET', 'PathPrefix:/x', 'HostRegexp:{', 'Foo:y');
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
