import { createRedactor } from '../shared/redact.ts';

/** What is written when something fails that nothing foresaw. */
export function crashText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `poolkeeper: unexpected error: ${createRedactor([])(text)}\n`;
}
