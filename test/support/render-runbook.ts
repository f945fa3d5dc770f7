import { PROBLEMS, type ProblemCode, type ProblemNext } from '../../src/shared/problem.ts';
import { readRules } from './prometheus-rules.ts';
import { ALERT_TEXTS, type AlertText } from './runbook-alerts.ts';
import { CODE_TEXTS, type CodeText } from './runbook-codes.ts';

interface CodeGroup {
  readonly title: string;
  readonly codes: RegExp;
  /** Where to look, unless a code knows better. */
  readonly look: string;
}

/** The first that fits takes a code. */
const GROUPS: readonly CodeGroup[] = [
  {
    title: 'Configuration and command line',
    codes: /^(CONFIG|FILE|SNAPSHOT_UNREADABLE|DAEMON|UNAUTHORIZED|INTERNAL|NODE_UNKNOWN|POOL_UNKNOWN|SPEC_UNKNOWN$|MIGRATION|DRAIN)/,
    look: '`poolkeeper plan --config poolkeeper.yaml` reads the configuration as the daemon does, tells every problem at once, and writes nothing.',
  },
  {
    title: 'Notifications',
    codes: /^NOTIFIER/,
    look: '`poolkeeper status` names the channel and how it answered; the log has a line when it began. Nothing else of the daemon depends on it.',
  },
  {
    title: 'Git',
    codes: /^GIT/,
    look: '`curl http://127.0.0.1:8080/readyz?verbose` has the words of git; `poolkeeper doctor git` tries the repository.',
  },
  {
    title: 'Guards',
    codes: /^(REMOVAL|NOTHING_HELD|HOLD_CHANGED|SOURCE_CHANGED|SPECS_VANISHED|BROKEN_SPEC|PRUNE|SNAPSHOT_NOT_COMPLETE)/,
    look: '`poolkeeper status` names what is held and what releases it.',
  },
  {
    title: 'Specs and tags',
    codes: /^(SPEC|TAG|POOL)/,
    look: '`poolkeeper validate FILE` shows the place, what is wrong and what to write; `poolkeeper status` names the files.',
  },
  {
    title: 'Kubernetes',
    codes: /^(KUBERNETES|OBJECT|ROLLOUT|SNAPSHOT_STALE|LEASE)/,
    look: '`poolkeeper status` names the object and has the answer of the API server.',
  },
  {
    title: 'Consul',
    codes: /^(CONSUL|REGISTRATION)/,
    look: '`poolkeeper status` names the thing; `poolkeeper doctor consul` tries every right.',
  },
  {
    title: 'Traefik and routes',
    codes: /^(TRAEFIK|ROUTE)/,
    look: '`poolkeeper status` names pool and replica; `poolkeeper why URL` follows a request.',
  },
];

const NEXT: Readonly<Record<ProblemNext, string>> = {
  retry: 'may pass by itself',
  'fix-spec': 'until a spec is changed',
  'fix-config': 'until the configuration, or a right, is changed',
  'report-bug': 'please report it',
};

/** The runbook: a section for every alert and every problem code. Throws when a code belongs to no section. */
export function renderRunbook(note: string): string {
  const codes = Object.keys(PROBLEMS) as readonly ProblemCode[];
  const groups = Map.groupBy(codes, (code) => {
    const group = GROUPS.find((one) => one.codes.test(code));
    if (group === undefined) throw new Error(`no section of the runbook takes ${code}: add it to GROUPS`);
    return group;
  });
  const severities = new Map(readRules().alerts.map(({ alert, labels }) => [alert, labels['severity'] ?? '']));
  return `# Runbook

${note}
What to do when an alert of \`deploy/prometheus/poolkeeper.rules.yml\` fires, and what every code in the status, the log and the metric
\`poolkeeper_problems\` means. Commands ask the daemon at \`POOLKEEPER_URL\`, else at http://127.0.0.1:8080; in Kubernetes first
\`kubectl --namespace poolkeeper port-forward deployment/poolkeeper 8080\`.

Three things hold in every incident: what serves goes on serving, nothing is removed on the word of a source that is not sure, and a
restart loses nothing and mends nothing.

## Alerts

| alert | severity |
|---|---|
${Object.keys(ALERT_TEXTS)
  .map((alert) => `| [${alert}](#${alert.toLowerCase()}) | ${severities.get(alert) ?? ''} |`)
  .join('\n')}
${Object.entries(ALERT_TEXTS).map(renderAlert).join('')}
## Codes

Each is an error (what it speaks of stops), a warning or a note. The status and the log have a message with names beside it.
${GROUPS.map((group) => `\n### ${group.title}\n\nHow to look: ${group.look}\n${(groups.get(group) ?? []).map(renderCode).join('')}`).join('')}`;
}

const listed = (items: readonly string[], mark: (index: number) => string): string =>
  items.map((item, index) => `${mark(index)} ${item}`).join('\n');

const renderAlert = ([alert, { means, look, act }]: readonly [string, AlertText]): string => `
### ${alert}

${means}

How to look:

${listed(look, (index) => `${index + 1}.`)}

What to do:

${listed(act, () => '-')}
`;

function renderCode(code: ProblemCode): string {
  const { severity, next, remedy } = PROBLEMS[code];
  const { means, look, more }: CodeText = CODE_TEXTS[code];
  const looking = look === undefined ? '' : `\nHow to look: ${look}${look.endsWith('.') ? '' : '.'}\n`;
  return `
#### ${code}

${means} (${severity}, ${NEXT[next]})
${looking}
What to do: ${remedy}${more === undefined ? '' : ` ${more}`}
`;
}
