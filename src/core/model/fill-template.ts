import { type ChannelMessage, countMore } from './notification.ts';

/** The words between `{{` and `}}` that a template may use. */
export const PLACEHOLDERS = ['event', 'phase', 'subject', 'message', 'remedy', 'revision', 'cluster', 'time', 'more', 'link'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

/** What a message does not say itself. */
export interface TemplateFacts {
  readonly cluster: string;
  /** Where people see more; empty: nowhere. */
  readonly link: string;
  /** When it was told, in ISO 8601. */
  readonly time: string;
}

/** The values of a message by their placeholders. */
export function templateValues({ notification, more }: ChannelMessage, facts: TemplateFacts): Readonly<Record<Placeholder, string>> {
  const { event, phase, subject, message, remedy, revision } = notification;
  return { event, phase, subject, message, remedy, revision, ...facts, more: String(countMore(more)) };
}

/** Puts values into a template, each escaped as the inside of a JSON string; unknown placeholders stay. */
export const fillTemplate = (template: string, values: Readonly<Record<Placeholder, string>>): string =>
  template.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) =>
    isPlaceholder(name) ? JSON.stringify(values[name]).slice(1, -1) : whole,
  );

/** Why a template cannot be used; undefined: it can. What it makes must be JSON, whatever the values are. */
export function templateMistake(template: string): string | undefined {
  const unknown = [...template.matchAll(/\{\{\s*(.*?)\s*\}\}/g)].map(([, name = '']) => name).find((name) => !isPlaceholder(name));
  if (unknown !== undefined) return `there is no placeholder ${unknown}`;
  // A value with a quotation mark tells placeholders that stand outside of a string, but `more` is a number.
  const sample = Object.fromEntries(PLACEHOLDERS.map((name) => [name, name === 'more' ? '1' : 'a "b"\n']));
  try {
    JSON.parse(fillTemplate(template, sample as Record<Placeholder, string>));
    return undefined;
  } catch {
    return 'it does not make JSON';
  }
}

const isPlaceholder = (name: string): name is Placeholder => PLACEHOLDERS.some((one) => one === name);
