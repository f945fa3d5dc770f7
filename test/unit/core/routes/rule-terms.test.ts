import { describe, expect, it } from 'vitest';
import { matchRule } from '../../../../src/core/routes/match-rule.ts';
import { parseRule } from '../../../../src/core/routes/parse-rule.ts';
import { routeRequest } from '../../../../src/core/routes/route-request.ts';
import { confinedHosts, type RuleTerms, readTerms, sharedRequest, surelyCovers } from '../../../../src/core/routes/rule-terms.ts';
import { joinedRules, RULE_REQUESTS, WRITTEN_RULES } from '../../../support/rule-cases.ts';

const read = (text: string): readonly RuleTerms[] => {
  const parsed = parseRule(text);
  return parsed.ok ? [readTerms(parsed.rule)] : [];
};
const covers = (wide: string, narrow: string): boolean => {
  const [one, other] = [...read(wide), ...read(narrow)];
  return one !== undefined && other !== undefined && surelyCovers(one, other);
};

describe('what rules surely say of each other', () => {
  it.each([
    ['Host(`a`)', 'Host(`A.`) && Path(`/x`)', true],
    ['PathPrefix(`/a`)', 'Path(`/ab`)', true],
    ['PathPrefix(`/a`)', 'PathPrefix(`/b`)', false],
    ['Path(`/a`)', 'PathPrefix(`/a`)', false],
    ['Host(`a`) || Host(`b`)', 'Host(`b`) || Host(`a`)', true],
    ['Host(`a`)', 'Host(`a`) || Host(`b`)', false],
    ['!Path(`/x`)', 'Path(`/y`)', true],
    ['!PathPrefix(`/a/b`)', '!PathPrefix(`/a`)', true],
    ['!PathPrefix(`/a`)', '!PathPrefix(`/a/b`)', false],
    ['HostRegexp(`^x`)', 'Host(`ab`)', false],
    ['Method(`get`)', 'Method(`GET`) && Header(`x-a`, `1`)', true],
    ['Header(`X-A`, `1`)', 'Header(`x-a`, `1`)', true],
    ['!(Host(`a`) && Path(`/x`))', '!Host(`a`)', true],
  ])('%s takes all of %s: %s', (wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected);
  });

  it('is true of every request', () => {
    const rules = [...WRITTEN_RULES, ...joinedRules(60, 3)].flatMap(read);
    const requests = RULE_REQUESTS.map((request) =>
      routeRequest({ ...request, headers: { ...request.headers, host: request.host ?? 'a.example' }, clientIp: '127.0.0.1' }),
    );
    const taken = rules.map(({ rule }) => requests.map((request) => matchRule(rule, request)));
    let covered = 0;
    for (const [at, wide] of rules.entries()) {
      for (const [which, narrow] of rules.entries()) {
        if (at === which || !surelyCovers(wide, narrow)) continue;
        covered += 1;
        const missed = requests.filter((_, number) => taken[which]?.[number] === true && taken[at]?.[number] !== true);
        expect([wide.rule, narrow.rule, missed]).toEqual([wide.rule, narrow.rule, []]);
      }
    }
    expect(covered).toBeGreaterThan(50);
  });

  it('finds a request that two rules share, and none where they cannot', () => {
    const [one, other, third] = ['Host(`a`) && PathPrefix(`/x`)', 'Path(`/x/y`) && Header(`X-A`, `1`)', 'Host(`b`)'].flatMap(read);
    if (one === undefined || other === undefined || third === undefined) throw new Error('a rule cannot be read');
    expect(sharedRequest(one, other)).toMatchObject({ host: 'a', path: '/x/y' });
    expect(sharedRequest(one, third)).toBeUndefined();
  });

  it('finds it behind any of several hosts, however they are written, and beside a rule that names none', () => {
    const [some, others, any, apart] = [
      '(Host(`a`) || Host(`b`)) && PathRegexp(`^/x/`)',
      '(Host(`c`) || Host(`B.`)) && PathPrefix(`/x/y`)',
      'PathPrefix(`/x/z`) && !Host(`a`)',
      '(Host(`c`) || Host(`d`)) && PathPrefix(`/x/y`)',
    ].flatMap(read);
    if (some === undefined || others === undefined || any === undefined || apart === undefined) throw new Error('a rule cannot be read');
    expect(sharedRequest(some, others)).toMatchObject({ host: 'b', path: '/x/y' });
    expect(sharedRequest(some, any)).toMatchObject({ host: 'b', path: '/x/z' });
    expect(sharedRequest(some, apart)).toBeUndefined();
  });

  it('finds none where two rules tell requests apart by a header or a query key', () => {
    const [acme, other, anybody, queried] = [
      'Host(`a`) && Header(`X-Tenant`, `acme`)',
      'Host(`a`) && Header(`x-tenant`, `other`)',
      'Host(`a`) && !Header(`X-Tenant`, `other`)',
      'Host(`a`) && Query(`v`, `2`) && Header(`X-Tenant`, `acme`)',
    ].flatMap(read);
    if (acme === undefined || other === undefined || anybody === undefined || queried === undefined)
      throw new Error('a rule cannot be read');
    expect(sharedRequest(acme, other)).toBeUndefined();
    expect(sharedRequest(acme, anybody)).toMatchObject({ host: 'a' });
    expect(sharedRequest(acme, queried)).toMatchObject({ host: 'a', query: [['v', '2']] });
  });

  it.each<[string, readonly string[] | undefined]>([
    ['Host(`A.`) || Host(`b`) && Path(`/x`)', ['a', 'b']],
    ['Host(`a`) || Path(`/x`)', undefined],
    ['HostRegexp(`^x`) && Path(`/x`)', ['^x']],
    ['HostRegexp(`^x`) || Host(`b`)', ['^x', 'b']],
    ['Host(`a`) && HostRegexp(`^x`)', ['a', '^x']],
    // Who names no host may have any.
    ['HostRegexp(`.`)', undefined],
    ['!HostRegexp(`^x`)', undefined],
  ])('knows the hosts that %s is confined to', (text, expected) => {
    const bounds = read(text)
      .map(confinedHosts)[0]
      ?.map((bound) => (bound.kind === 'host' ? bound.host : bound.source));
    expect(bounds).toEqual(expected);
  });
});
