import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpecState } from '../../../src/core/report/run-report.ts';
import { RunFollower } from '../../../src/http/follow-runs.ts';
import type { OverviewAnswer, OverviewRow } from '../../../src/http/overview.ts';
import { applyChange } from '../../../src/web/apply-change.ts';
import { summarise } from '../../../src/web/commit-summary.ts';
import { countStates, filterRows } from '../../../src/web/filter-rows.ts';
import { readPageUrl, STATE_FILTERS, VIEWS, writePageUrl } from '../../../src/web/page-url.ts';
import { STANDINGS } from '../../../src/web/standing.ts';
import { visibleRange } from '../../../src/web/visible-range.ts';
import { asSentence, duration, shortAge } from '../../../src/web/words.ts';
import { poolReport, runReport, specReport } from '../../support/run-report.ts';

const leg = { state: 'in-step', sinceMs: 0, text: '' } as const;
const row = (key: string, state: SpecState = 'in-step', more: Partial<OverviewRow> = {}): OverviewRow => ({
  key,
  spec: `${key}.yaml` as OverviewRow['spec'],
  state,
  legs: { git: leg, kubernetes: leg, consul: leg, traefik: leg },
  desired: 0,
  registered: 0,
  passing: 0,
  nodes: '',
  held: 0,
  ...more,
});

describe('words', () => {
  it.each([
    [-5, 'now'],
    [999, 'now'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [47 * 3_600_000, '47 h'],
    [48 * 3_600_000, '2 d'],
  ])('say the age of %d ms', (ms, text) => expect(shortAge(ms)).toBe(text));

  it('say how long something took', () => expect([duration(0.417), duration(75)]).toEqual(['0.42 s', '1 min']));

  it('make sentences, and leave names as they are', () => {
    const sentence = (text: string) => asSentence(text, new Set(['alpha']));
    expect(sentence('it waits')).toBe('It waits.');
    expect(sentence('prod/web.yaml is broken')).toBe('prod/web.yaml is broken.');
    expect(sentence('node-1 is cordoned')).toBe('node-1 is cordoned.');
    expect(sentence('alpha is cordoned')).toBe('alpha is cordoned.');
    expect(sentence('Done.')).toBe('Done.');
  });
});

describe('the address of the page', () => {
  it('keeps everything that is chosen', () => {
    const opened = fc.option(fc.record({ kind: fc.constantFrom('row' as const, 'node' as const, 'why' as const), name: fc.string() }), {
      nil: undefined,
    });
    const url = fc.record({ view: fc.constantFrom(...VIEWS), search: fc.string(), state: fc.constantFrom(...STATE_FILTERS), opened });
    fc.assert(
      fc.property(url, (page) => {
        expect(readPageUrl(new URL(writePageUrl(page), 'http://localhost/').search)).toEqual(page);
      }),
    );
  });

  it('is empty at first, and takes what it does not know for that', () => {
    expect(writePageUrl(readPageUrl('?view=nothing&state=red'))).toBe('./');
  });
});

describe('the filter', () => {
  const rows = [
    row('prod/web', 'in-step', { service: 'frontend' }),
    row('prod/cart', 'held'),
    row('stage/web', 'waiting'),
    row('x', 'unknown'),
  ];
  const keys = (search: string, state: (typeof STATE_FILTERS)[number] = 'all') => filterRows(rows, { search, state }).map(({ key }) => key);

  it('finds rows by every word of the search', () => {
    expect(keys('web')).toEqual(['prod/web', 'stage/web']);
    expect(keys(' WEB  prod ')).toEqual(['prod/web']);
    expect(keys('frontend')).toEqual(['prod/web']);
  });

  it('finds rows by the hosts of their rules, the nodes that serve them, and the commit that last changed them', () => {
    const git = { ...leg, text: '4f1c0de' };
    const some = [
      row('prod/web', 'in-step', { hosts: 'shop.example.com', nodes: 'po', legs: { git, kubernetes: leg, consul: leg, traefik: leg } }),
      row('prod/cart', 'in-step', { nodes: 'op' }),
    ];
    const known = { nodes: [{ node: 'worker-1' }, { node: 'worker-2.internal' }] };
    const found = (search: string) => filterRows(some, { search, state: 'all' }, known).map(({ key }) => key);
    expect(found('shop.example')).toEqual(['prod/web']);
    expect(found('worker-1')).toEqual(['prod/web']);
    expect(found('Worker-2')).toEqual(['prod/cart']);
    expect(found('4f1c')).toEqual(['prod/web']);
    expect(found('4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d')).toEqual(['prod/web']);
    expect(found('worker')).toEqual([]);
  });

  it('finds rows by their state, and counts them', () => {
    expect(keys('', 'attention')).toEqual(['prod/cart', 'x']);
    expect(keys('', 'moving')).toEqual(['stage/web']);
    expect(countStates(rows)).toEqual({ all: 4, attention: 2, moving: 1, 'in-step': 1 });
  });
});

describe('the rows in sight', () => {
  it('cover the window, and are never many more', () => {
    const viewport = fc.record({
      count: fc.nat(5_000),
      rowHeight: fc.integer({ min: 20, max: 150 }),
      scrolled: fc.integer({ min: -2_000, max: 500_000 }),
      height: fc.integer({ min: 200, max: 3_000 }),
    });
    fc.assert(
      fc.property(viewport, (view) => {
        const { from, to } = visibleRange(view);
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(view.count);
        expect(to - from).toBeLessThanOrEqual(view.height / view.rowHeight + 18);
        for (let i = 0; i < view.count; i += 97) {
          const top = i * view.rowHeight - view.scrolled;
          if (top < view.height && top + view.rowHeight > 0) expect(i >= from && i < to).toBe(true);
        }
      }),
    );
  });
});

describe('how far the commit is', () => {
  it.each<[readonly SpecState[], string, string]>([
    [[], 'quiet', 'There are no services yet'],
    [['in-step'], 'good', 'This commit is in traffic for the one service'],
    // What is suspended does not have the commit.
    [['held', 'held', 'suspended'], 'bad', 'This commit is held back or suspended for all 3 services, which serve as before'],
    [['held', 'in-step', 'suspended'], 'bad', 'This commit is held back or suspended for 2 of 3 services, which serve as before'],
    [['in-step', 'suspended'], 'quiet', 'This commit is in traffic for 1 of 2 services'],
    [['in-step', 'waiting'], 'busy', 'This commit is in traffic for 1 of 2 services'],
    [['in-step', 'waiting', 'held'], 'bad', 'This commit is in traffic for 1 of 3 services'],
    [['unknown'], 'unknown', 'This commit is in traffic for 0 of 1 service'],
  ])('is told from %j', (states, tone, says) => {
    expect(summarise(states.map((state, i) => row(`r${i}`, state)))).toMatchObject({ tone, says });
  });

  it('says so where nobody knows what Traefik serves', () => {
    const silent = row('a', 'in-step', { legs: { git: leg, kubernetes: leg, consul: leg, traefik: { ...leg, state: 'unknown' } } });
    expect(summarise([silent, row('b', 'in-step')])).toMatchObject({
      tone: 'unknown',
      says: 'This commit is in Consul for all 2 services; what Traefik serves is not known',
    });
  });

  it('does not take back that a commit is in traffic while nodes come and go', () => {
    const moving = [row('a', 'changing'), row('b', 'waiting'), row('c')];
    expect(summarise(moving, true)).toMatchObject({
      tone: 'busy',
      says: 'This commit is in traffic; 2 services of 3 follow another change',
    });
    expect(summarise([...moving, row('d', 'failed')], true).says).toBe('This commit is in traffic for 1 of 4 services');
  });

  it('says of what is held that it serves as before', () => {
    expect(summarise([row('a', 'held'), row('b')])).toMatchObject({
      tone: 'bad',
      says: 'This commit is held back for 1 of 2 services, which serve as before',
    });
  });

  it('speaks of Consul where no Traefik is watched', () => {
    const unwatched = { ...leg, state: 'not-watched' } as const;
    const all = row('a', 'in-step', { legs: { git: leg, kubernetes: leg, consul: leg, traefik: unwatched } });
    expect(summarise([all]).says).toBe('This commit is in Consul for the one service');
  });
});

describe('where a node stands', () => {
  it('is said in other words for each letter', () => {
    const words = Object.values(STANDINGS).map((stands) => stands.words);
    expect(new Set(words).size).toBe(words.length);
  });
});

describe('a change', () => {
  const names = ['a', 'b', 'c', 'd'];
  const report = (startedAtMs: number, states: Readonly<Record<string, number>>) =>
    runReport({
      startedAtMs,
      pools: Object.entries(states).map(([name, passing]) => poolReport('n', name, { passing })),
      specs: Object.keys(states).map((name) => specReport(`n/${name}.yaml`)),
    });

  it('brings a page to where the server is, whatever happens', () => {
    const run = fc.dictionary(fc.constantFrom(...names), fc.nat(3), { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(run, { minLength: 2, maxLength: 6 }), ([first = {}, ...others]) => {
        const follower = new RunFollower('p');
        follower.take(report(0, first));
        follower.tell();
        const start = follower.answer();
        if (start === undefined) throw new Error('there is no answer');
        let page: OverviewAnswer | undefined = { nowMs: 0, token: false, ...start };
        for (const [index, states] of others.entries()) {
          follower.take(report(index + 1, states));
          const change = follower.tell();
          page = page && change && applyChange(page, change);
        }
        const { nowMs: _, token: __, ...shown } = page ?? { nowMs: 0, token: false };
        expect(shown).toEqual(follower.answer());
      }),
    );
  });

  it('from another state asks for everything', () => {
    const follower = new RunFollower('p');
    follower.take(report(0, { a: 1 }));
    follower.tell();
    const start = follower.answer();
    follower.take(report(1, { a: 2 }));
    follower.tell();
    follower.take(report(2, { a: 3 }));
    const change = follower.tell();
    expect(start && change && applyChange({ nowMs: 0, token: false, ...start }, change)).toBeUndefined();
  });
});
