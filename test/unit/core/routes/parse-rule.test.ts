import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPriority, parseRule, type Rule } from '../../../../src/core/routes/parse-rule.ts';

/** The rule with every operation in parentheses. */
function shape(rule: Rule): string {
  if (rule.kind === 'match') return `${rule.matcher}(${rule.values.join(',')})`;
  if (rule.kind === 'not') return `!${shape(rule.rule)}`;
  return `(${shape(rule.left)} ${rule.kind} ${shape(rule.right)})`;
}
function read(text: string): string {
  const parsed = parseRule(text);
  return parsed.ok ? shape(parsed.rule) : `column ${parsed.error.column}: ${parsed.error.message}`;
}

describe('parseRule', () => {
  it.each([
    ['Host(`a.example`)', 'Host(a.example)'],
    ['Host("a.example")', 'Host(a.example)'],
    ['Host(`a`) && Path(`/b`)', '(Host(a) and Path(/b))'],
    ['Host(`a`) || Host(`b`) && Path(`/c`)', '(Host(a) or (Host(b) and Path(/c)))'],
    ['(Host(`a`) || Host(`b`)) && Path(`/c`)', '((Host(a) or Host(b)) and Path(/c))'],
    ['Host(`a`) || Host(`b`) || Host(`c`)', '((Host(a) or Host(b)) or Host(c))'],
    ['!Host(`a`) && !(Path(`/b`))', '(!Host(a) and !Path(/b))'],
    ['!!Host(`a`)', '!!Host(a)'],
    ['Host(`a`,)', 'Host(a)'],
    ['Host(`a`) &&\nPath(`/b`)', '(Host(a) and Path(/b))'],
    ['  Host ( `a` )&&\tPath(`/b`)\n', '(Host(a) and Path(/b))'],
    ['host(`a`) && PATHPREFIX(`/b`) && Pathregexp(`/c`)', '((Host(a) and PathPrefix(/b)) and PathRegexp(/c))'],
    ['Header("X-A", `b,c`) && Query(`q`)', '(Header(X-A,b,c) and Query(q))'],
    ['Query(`a`, `b`)', 'Query(a,b)'],
    ['Path("/a\\"b\\\\c\\x41")', 'Path(/a"b\\cA)'],
    ['PathRegexp(`^/a/[0-9]{1,3}$`)', 'PathRegexp(^/a/[0-9]{1,3}$)'],
    ['HostRegexp(`(?i)^.+\\.example$`)', 'HostRegexp((?i)^.+\\.example$)'],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it.each([
    ['', 'column 1: expected a matcher such as Host, found the end of the rule'],
    ['Host(`a`', 'column 9: expected ) or , before the end of the rule'],
    ['Host(`a', 'column 6: the text that begins here does not end: a second ` is missing'],
    ['Host(a)', 'column 6: expected a text in backticks or double quotes, found "a"'],
    ['Host(`a`) Path(`/b`)', 'column 11: expected && or || before "Path"'],
    ['Host(`a`) and Path(`/b`)', 'column 11: expected && or || before "and"'],
    ['Host(`a`) &&', 'column 13: expected a matcher such as Host, found the end of the rule'],
    ['(Host(`a`)', 'column 11: expected ) before the end of the rule'],
    ['Host(`a`))', 'column 10: expected && or || before ")"'],
    ['Host(`a`) & Path(`/b`)', 'column 11: unexpected "&"; matchers such as Host(`a.example`) are joined by &&, || and !'],
    ['Host(`a`, `b`)', 'column 1: Host takes 1 value, not 2; join several by ||: Host(`a`) || Host(`b`)'],
    ['Host()', 'column 1: Host takes 1 value, not 0'],
    ['Header(`a`)', 'column 1: Header takes 2 values, not 1'],
    ['Host(``)', 'column 6: Host takes no empty value'],
    ['Host(`bücher.example`)', 'column 6: Host takes ASCII only; write the name in its xn-- form'],
    ['Path(`a`)', 'column 6: Path begins with a "/"'],
    ['PathPrefix(`a`)', 'column 12: PathPrefix begins with a "/"'],
    ['ClientIP(`10.0.0.0/33`)', 'column 10: "10.0.0.0/33" is no address and no range such as 10.0.0.0/8'],
    ['PathRegexp(`(`)', 'column 12: compiling PathRegexp expression: error parsing regexp: missing closing ): `(`'],
    [
      'PathRegexp(`^/(?=a)`)',
      'column 12: compiling PathRegexp expression: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
    ],
    ['HostRegexp(`(a)\\1`)', 'column 12: compiling HostRegexp expression: error parsing regexp: invalid escape sequence: `\\1`'],
    ['Host(`a`)\n&& Path(`/b`)', 'column 10: the rule ends with this line; put && or || at the end of the line, not at the beginning'],
    ['Path("/\\d")', 'column 6: "/\\d" holds an escape that Traefik does not know; write \\\\ for a backslash, or use backticks'],
  ])('refuses %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it('names the matchers there are when it meets another', () => {
    expect(read('Hosts(`a`)')).toMatch(/^column 1: there is no matcher Hosts; Traefik 3 has ClientIP, Method, Host,/);
  });

  it('reads every rule that is made of its parts', () => {
    const leaf = fc.constantFrom('Host(`a`)', 'Path(`/b`)', 'Header(`c`, `d`)', 'Query("e")');
    const { rule } = fc.letrec<{ rule: string }>((tie) => ({
      rule: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(tie('rule'), fc.constantFrom('&&', '||'), tie('rule')).map(([a, sign, b]) => `(${a} ${sign} ${b})`),
        tie('rule').map((inner) => `!${inner}`),
      ),
    }));
    fc.assert(fc.property(rule, (text) => parseRule(text).ok));
  });

  it.each([
    ['(', 'deeper than 500'],
    ['!', 'deeper than 500'],
    ['Path(`/`) && ', 'more than 2000 matchers'],
    ['Path(`/`) || ', 'more than 2000 matchers'],
  ])('refuses a rule of %j without end, which no walk over it would survive', (part, says) => {
    expect(parseRule(part.repeat(50_000))).toMatchObject({ ok: false, error: { message: expect.stringContaining(says) } });
    expect(parseRule(`${part.repeat(300)}Path(\`/\`)${part === '(' ? ')'.repeat(300) : ''}`).ok).toBe(true);
  });

  it('answers to any text, with a column inside it or just behind', () => {
    const words = fc.constantFrom('Host', '(', ')', '`a`', '"', '`', '&&', '||', '!', ',', ' ', 'ü', '\\');
    fc.assert(
      fc.property(fc.array(words), (parts) => {
        const text = parts.join('');
        const parsed = parseRule(text);
        if (parsed.ok) return;
        expect(parsed.error.column).toBeGreaterThanOrEqual(1);
        expect(parsed.error.column).toBeLessThanOrEqual(text.length + 1);
      }),
    );
  });
});

describe('defaultPriority', () => {
  it('is the length of the rule in bytes', () => {
    expect(defaultPriority('Path(`/ä`)')).toBe(11);
  });
});
