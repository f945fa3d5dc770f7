import { LONGEST_QUESTION, type WhyQuestion } from './explanation.ts';
import { readUrl } from './read-url.ts';

/** What is wrong with a question, as a sentence; undefined when it can be answered. */
export function whyNoQuestion({ kind, value }: WhyQuestion): string | undefined {
  if (value.trim() === '') return `${kind} is empty.`;
  if (value.length > LONGEST_QUESTION) return `${kind} is longer than ${LONGEST_QUESTION} characters.`;
  if (/\p{Cc}/u.test(value)) return `${kind} holds control characters.`;
  if (kind === 'url' && readUrl(value) === undefined) return 'url is not an http or https URL.';
  return undefined;
}
