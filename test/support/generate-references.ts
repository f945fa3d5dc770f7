import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/build-program.ts';
import { createContext } from '../../src/cli/command-context.ts';
import { writtenText } from '../../src/config/option.ts';
import { type OptionEntry, optionEntries } from '../../src/config/option-entries.ts';
import { METRIC_PREFIX, METRICS, type MetricRow } from '../../src/telemetry/metric-table.ts';
import { modules } from './call-cli.ts';
import { internalsDashboard } from './dashboards/internals.ts';
import { overviewDashboard } from './dashboards/overview.ts';
import { serviceDashboard } from './dashboards/service.ts';
import { renderConfigSchema } from './render-config-schema.ts';
import { openApiDocument, renderApiReference } from './render-openapi.ts';
import { renderRunbook } from './render-runbook.ts';
import { renderSpecReference } from './render-spec-reference.ts';
import { renderSpecSchema } from './render-spec-schema.ts';
import { renderTraefikReference } from './render-traefik-reference.ts';

const NOTE = (source: string): string => `<!-- Made by \`npm run docs\` from ${source}: change it there. -->\n`;

/** The reference pages that are made from the code, by their path in the repository. */
export function renderReferences(): Readonly<Record<string, string>> {
  return {
    'docs/configuration.md': renderConfigurationReference(),
    'docs/metrics.md': renderMetricsReference(),
    'docs/cli.md': renderCliReference(),
    'docs/specs.md': renderSpecReference(),
    'docs/traefik.md': renderTraefikReference(),
    'docs/api.md': renderApiReference(NOTE('`test/support/api-routes.ts`')),
    'docs/openapi.json': renderJson(openApiDocument()),
    'docs/runbook.md': renderRunbook(NOTE('`src/shared/problem.ts` and `test/support/runbook-*.ts`')),
    'grafana/overview.json': renderJson(overviewDashboard()),
    'grafana/service.json': renderJson(serviceDashboard()),
    'grafana/internals.json': renderJson(internalsDashboard()),
    'docs/schema/config.schema.json': renderConfigSchema(),
    'docs/schema/spec.schema.json': renderSpecSchema(),
  };
}

const renderJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function renderConfigurationReference(): string {
  const entries = optionEntries();
  const sections = [...new Set(entries.map(sectionOf))];
  return `# Configuration

${NOTE('`src/config/options.ts`')}
Every option can be set in a YAML file, as an environment variable, and as a flag of \`run\`, \`plan\` and \`sync\`; each of these wins over
the ones before it. The file is the one that \`--config\` or \`POOLKEEPER_CONFIG\` names, else \`poolkeeper.yaml\` in the working directory, if
there is one. Relative paths begin at the working directory.

- Keys with dots are nested in YAML: \`git.url\` is \`url\` under \`git\`.
- Durations are written \`500ms\`, \`30s\`, \`5m\`, \`1h30m\`.
- In variables and flags, items of a list are separated by commas, and a map is YAML in one line. An empty variable counts as not set.
- Secrets are read from the files that the options ending in \`File\` name; white space around them is dropped.
- All problems are reported at once, with the line and column in the file and, for unknown keys, what was probably meant. The exit code is 78.

The least that is needed:

\`\`\`yaml
cluster: main
git:
  url: https://git.example.com/specs.git
\`\`\`
${sections
  .map((section) =>
    renderSection(
      section,
      entries.filter((entry) => sectionOf(entry) === section),
    ),
  )
  .join('')}`;
}

const sectionOf = ({ key }: OptionEntry): string => (key.includes('.') ? key.slice(0, key.indexOf('.')) : '');

function renderSection(section: string, entries: readonly OptionEntry[]): string {
  const rows = entries.map(({ key, env, flag, option }) => {
    const value = option.default === undefined ? '' : writtenText(option.default);
    const standard = option.required ? 'required' : value !== '' ? code(value) : option.default === undefined ? 'none' : 'empty';
    return `| ${code(key)} | ${cell(option.help)} Expects ${cell(option.kind.expects)}. | ${standard} | ${code(env)} | ${code(flag)} |`;
  });
  return `
## ${section === '' ? 'General' : section}

| Key | What it does | Default | Variable | Flag |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function renderMetricsReference(): string {
  const rows = Object.entries(METRICS).map(([name, row]: [string, MetricRow]) => {
    const labels = row.labels.length === 0 ? 'none' : row.labels.map(code).join(', ');
    return `| ${code(METRIC_PREFIX + name)} | ${row.type} | ${labels} | ${[row.help, row.note ?? ''].join(' ').trim()} |`;
  });
  return `# Metrics

${NOTE('`src/telemetry/metric-table.ts`')}
Served at \`GET /metrics\` in the Prometheus text format, together with the metrics of the process and of Node.js that prom-client collects
(\`process_*\`, \`nodejs_*\`). Times are in seconds. A series whose source is unavailable is absent, not 0; series of pools that are gone are removed.

Names, types, labels and buckets stay as they are once they are released; \`test/unit/telemetry/released-metrics.json\` keeps the list, and
metrics may be added. With \`metrics.exemplars: true\` the scrape is in the format of OpenMetrics, and each bucket of \`sync_latency_seconds\`
carries an exemplar: \`revision\`, the commit that it counted last, and \`trace_id\`, the trace of the run that ended it, where runs are traced.
Prometheus keeps exemplars with \`--enable-feature=exemplar-storage\`, and Grafana leads from them to the trace.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function renderCliReference(): string {
  const none = { write: () => undefined };
  const program = buildProgram(
    createContext(
      {
        argv: [],
        env: {},
        stdout: none,
        stderr: none,
        isTerminal: false,
        readFile: () => '',
        readInput: async () => '',
        now: () => 0,
        signal: new AbortController().signal,
        load: modules(),
      },
      () => undefined,
    ),
  );
  const commands = visible(program).flatMap((command) => [
    `\n## poolkeeper ${command.name()}\n\n${helpBlock(command)}`,
    ...visible(command).map((inner) => `\n### poolkeeper ${command.name()} ${inner.name()}\n\n${helpBlock(inner)}`),
  ]);
  return `# Command line

${NOTE('`src/cli`')}
${helpBlock(program)}${commands.join('')}`;
}

/** Without those that are for programs. */
const visible = (command: Command): readonly Command[] => command.commands.filter((inner) => !inner.name().startsWith('_'));

/** The help that a command prints, its examples included. */
function helpBlock(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (part) => void parts.push(part) });
  command.outputHelp();
  return `\`\`\`text\n${parts.join('').trim()}\n\`\`\`\n`;
}

const code = (text: string): string => `\`${cell(text)}\``;

/** A bar ends a cell of a Markdown table. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(import.meta.dirname, '..', '..');
  for (const [path, text] of Object.entries(renderReferences())) writeFileSync(join(root, path), text);
}
