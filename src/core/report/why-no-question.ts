import { LONGEST_QUESTION, type WhyQuestion } from './explanation.ts';
import { readUrl } from './read-url.ts';

/** What is wrong with a question, as a sentence; undefined when it can be answered. */
export function whyNoQuestion({ kind, value }: WhyQuestion): string | undefined {
  if (value.trim() === '') return `${kind} is empty.`;
  if (value.length > LONGEST_QUESTION) return `${kind} is longer than ${LONGEST_QUESTION} characters.`;
  if (/\p{Cc}/u.test(value)) return `${kind} holds control characters.`;
  if (kind === 'url' && readUrl(value) === undefined) return 'url is not an http or https URL.';
  if (kind === 'commit' && !looksLikeCommit(value.trim()))
    return 'commit is not the id of a commit, nor the first 7 or more digits of one.';
  return undefined;
}

/** Whether a text may be the id of a commit or the beginning of one; fewer digits may as well be a name. */
export const looksLikeCommit = (text: string): boolean => /^[0-9a-f]{7,64}$/i.test(text);
