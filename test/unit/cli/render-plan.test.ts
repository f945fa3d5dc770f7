import { describe, expect, it } from 'vitest';
import { createColors } from '../../../src/cli/colors.ts';
import { renderPlan } from '../../../src/cli/render-plan.ts';
import { renderPlanMarkdown } from '../../../src/cli/render-plan-markdown.ts';
import { poolKey, specId } from '../../../src/core/model/ids.ts';
import type { DiffLine } from '../../../src/core/report/diff-line.ts';
import type { PlannedChange } from '../../../src/core/report/plan-diff.ts';
import { actionReport, runReport, specReport } from '../../support/run-report.ts';

const ON = 'Service prod/web';
const report = runReport({
  specs: [
    specReport('a.yaml', { state: 'changing', actions: [actionReport({ on: ON, result: 'planned', changes: ['change', 'content'] })] }),
  ],
});
const changes = (lines: readonly DiffLine[]): readonly PlannedChange[] => [
  { spec: specId('a.yaml'), leg: 'kubernetes', op: 'apply-object', on: ON, why: ['change', 'content'], lines, state: 'planned' },
  {
    spec: specId('a.yaml'),
    leg: 'traefik',
    op: 'route',
    on: 'routes of pool prod/web',
    why: [],
    lines: [{ what: 'router web', op: 'add', after: 'Path(`/a`)' }],
    state: 'planned',
  },
];

describe('renderPlan with what changes', () => {
  const lines: readonly DiffLine[] = [
    { what: 'spec.replicas', op: 'change', before: 1, after: 2 },
    { what: 'data.a', op: 'add', after: 'two words' },
    { what: 'data.b', op: 'remove', before: 'true' },
    { what: 'data.c\u001b[2J', op: 'change', before: '\u001b[2J', after: `${'x'.repeat(200)}\u009b` },
    { what: 'key a/b', op: 'remove' },
  ];

  it('tells each field below its action, and the routers that follow', () => {
    expect(renderPlan(report, createColors(false), changes(lines))).toContain(`a.yaml (changing)
  ~ apply-object Service prod/web: change
      ~ spec.replicas: 1 → 2
      + data.a: "two words"
      - data.b: "true"
      ~ data.c·[2J: "\\u001b[2J" → ${JSON.stringify('x'.repeat(200)).slice(0, 119)}…
      - key a/b
  = routes of pool prod/web
      + router web: Path(\`/a\`)
`);
  });

  it('colours what comes, goes and changes', () => {
    const text = renderPlan(report, createColors(true), changes(lines));
    for (const part of ['\u001b[33m~ spec.replicas', '\u001b[32m+ data.a', '\u001b[31m- data.b']) expect(text).toContain(part);
  });

  it('shows the first of very many lines, and how many more there are', () => {
    const many = Array.from({ length: 100 }, (_, i): DiffLine => ({ what: `data.${i}`, op: 'add', after: i }));
    const text = renderPlan(report, createColors(false), changes(many));
    expect(text).toContain('      + data.58: 58\n      and 41 more\n');
  });
});

describe('renderPlan with what is not done yet', () => {
  const waits = 'pool prod/web drains before its objects are deleted';
  const leaving = runReport({
    specs: [specReport('a.yaml', { state: 'leaving', waiting: [{ leg: 'consul', what: waits, on: poolKey('prod', 'web') }] })],
  });
  const later = (more: Pick<PlannedChange, 'op' | 'on' | 'state'> & Partial<PlannedChange>): PlannedChange => ({
    ...{ spec: specId('a.yaml'), leg: 'kubernetes', why: [], lines: [], reason: waits },
    ...more,
  });
  const text = (...all: readonly PlannedChange[]): string => renderPlan(leaving, createColors(false), all);

  it('names what is deleted after the drain in one line, with what it waits for, once', () => {
    const deletes = ['Deployment prod/web', 'Service prod/web'].map((on) =>
      later({ op: 'delete-object', on, state: 'waiting', untilMs: 0 }),
    );
    expect(text(...deletes)).toContain(`a.yaml (leaving)
  deleted after the drain: Deployment prod/web, Service prod/web: ${waits} (until 1970-01-01T00:00:00.000Z)

`);
    expect(renderPlanMarkdown(leaving, deletes)).toContain('\n  deleted after the drain: Deployment prod/web, Service prod/web: ');
  });

  it('tells what an object that waits would become', () => {
    const change = later({
      op: 'apply-object',
      on: ON,
      state: 'waiting',
      reason: 'waits for b.yaml',
      lines: [{ what: 'spec.replicas', op: 'change', after: 2 }],
    });
    expect(text(change)).toContain(`  waiting apply-object ${ON}: waits for b.yaml\n      ~ spec.replicas: 2\n  waiting: ${waits}\n`);
  });

  it('shows nothing of what is held as if it went', () => {
    const lines = [{ what: 'router web', op: 'remove', before: 'Path(`/a`)' }] as const;
    const held = [
      later({ leg: 'consul', op: 'deregister-pool', on: 'pool prod/web', state: 'held', lines }),
      later({ leg: 'traefik', op: 'route', on: 'routes of pool prod/web', state: 'held', lines }),
    ];
    expect(text(...held)).not.toContain('router web');
  });
});

describe('renderPlanMarkdown', () => {
  it('is a diff block that nothing inside it ends', () => {
    const text = renderPlanMarkdown(report, changes([{ what: 'data.a', op: 'change', before: '`````', after: '' }]));
    expect(text).toContain('\nActions: 1 planned.\n');
    expect(text).toMatch(/^``````diff\n.*^! {6}data\.a: ````` → ""\n.*^``````\n/ms);
  });

  it('is cut to what a comment may hold', () => {
    const specs = Array.from({ length: 3_000 }, (_, i) => specReport(`${i}.yaml`, { actions: [actionReport({ result: 'planned' })] }));
    const text = renderPlanMarkdown(runReport({ specs }), []);
    expect(text.length).toBeLessThan(65_000);
    expect(text).toContain('the rest is too long for a comment');
  });
});
