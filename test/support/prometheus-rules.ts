import { load } from 'js-yaml';
import { readDeploy } from './deploy-files.ts';

/** Where the runbook is read, unless operators put another address into the rules. */
export const RUNBOOK_URL = 'https://poolkeeper.dev/docs/runbook.md';

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>;
}

interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** The rules that operators load, as written, or those of another text. */
export function readRules(text = readDeploy('prometheus', 'poolkeeper.rules.yml')): {
  readonly alerts: readonly AlertRule[];
  readonly records: readonly RecordingRule[];
} {
  const { groups } = load(text) as {
    readonly groups: readonly { readonly rules: readonly (AlertRule | RecordingRule)[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  return {
    alerts: rules.filter((rule): rule is AlertRule => 'alert' in rule),
    records: rules.filter((rule): rule is RecordingRule => 'record' in rule),
  };
}
