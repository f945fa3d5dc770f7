import { describe, expect, it } from 'vitest';
import { optionEntries } from '../../../src/config/option-entries.ts';
import { PROBLEMS } from '../../../src/shared/problem.ts';
import { METRICS } from '../../../src/telemetry/metric-table.ts';
import { renderReferences } from '../../support/generate-references.ts';
import { RUNBOOK_URL, readRules } from '../../support/prometheus-rules.ts';

const references = renderReferences();
const runbook = references['docs/runbook.md'] ?? '';
const cli = references['docs/cli.md'] ?? '';
const { alerts } = readRules();
/** The anchors of the headings, as GitHub makes them. */
const anchors = [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(' ', '-'));

describe('docs/runbook.md', () => {
  it('has a section for every alert, where its runbook_url leads, and for no other', () => {
    for (const { annotations } of alerts) expect(anchors).toContain(annotations.runbook_url.replace(`${RUNBOOK_URL}#`, ''));
    const sections = /## Alerts\n(.*)\n## Codes/s.exec(runbook)?.[1] ?? '';
    const titles = [...sections.matchAll(/^### (\w+)$/gm)].map(([, title]) => title);
    expect([...titles].sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  });

  it('has a section for every code, each once, with what to do', () => {
    const titles = [...runbook.matchAll(/^#### (\w+)$/gm)].map(([, title]) => title);
    expect([...titles].sort()).toEqual(Object.keys(PROBLEMS).sort());
    for (const { remedy } of Object.values(PROBLEMS)) expect(runbook).toContain(`What to do: ${remedy}`);
  });

  it('leads nowhere else than to its own sections', () => {
    const links = [...runbook.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.length).toBeGreaterThan(alerts.length);
    expect(anchors).toEqual(expect.arrayContaining(links));
  });

  it.each([
    ['docs/runbook.md', runbook],
    ['the rules', alerts.map(({ annotations }) => annotations.description).join('\n')],
  ])('names only commands, options and metrics that there are: %s', (_title, text) => {
    const commands = [...text.matchAll(/`poolkeeper ([a-z]+)/g)].map(([, command = '']) => command);
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) expect(cli).toContain(`\n## poolkeeper ${command}\n`);
    const sections = new Set(optionEntries().map(({ key }) => key.split('.')[0]));
    // Undotted words may be anything; `kubernetes.dryRun` is an option or a mistake.
    const options = [...text.matchAll(/`([a-z]+)\.([a-zA-Z]+)`/g)].filter(([, section]) => sections.has(section));
    const known = optionEntries().map(({ key }) => key);
    for (const [, section, name] of options) expect(known).toContain(`${section}.${name}`);
    for (const [, name] of text.matchAll(/`poolkeeper_(\w+)`/g)) expect(Object.keys(METRICS)).toContain(name);
  });
});
