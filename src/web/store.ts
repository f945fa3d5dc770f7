import { computed, signal } from '@preact/signals';
import type { OverviewAnswer, RunFailure } from '../http/overview.ts';
import { filterRows } from './filter-rows.ts';
import { type Opened, type PageUrl, readPageUrl, writePageUrl } from './page-url.ts';
import { asSentence } from './words.ts';

/** Everything that the page knows; undefined until the first answer. */
export const overview = signal<OverviewAnswer | undefined>(undefined);

/** How the event stream is doing. */
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting');

/** What is to be said while there is nothing to show. */
export const trouble = signal<string | undefined>(undefined);

/** What keeps runs from ending: all that is shown is from the last that did. */
export const failing = signal<RunFailure | undefined>(undefined);

/** When the ages of the sources were told, by the server's clock. */
export const sourcesAtMs = signal(0);

/** When the server was last heard, by the clock of this machine. */
export const heardAtMs = signal(Date.now());

/** How far the clock of the server is ahead of the one of this machine. */
export const clockSkewMs = signal(0);

/** The time by the server's clock; it moves once a second. */
export const nowMs = signal(Date.now());

/** The token of changes. It is kept here and nowhere else: closing the page forgets it. */
export const token = signal<string | undefined>(undefined);

/** Whether the form for the token is open. */
export const signingIn = signal(false);

/** A change that is asked back about before it is made. */
export interface Asking {
  readonly title: string;
  /** What comes of it. */
  readonly says: string;
  /** An example of a reason; absent: none is asked for. */
  readonly reason?: string;
  /** What is on the button that does it. */
  readonly yes: string;
  readonly path: string;
  readonly method?: 'POST' | 'DELETE';
  readonly body?: object;
  /** What is said when it was taken. */
  readonly done: string;
}
export const asking = signal<Asking | undefined>(undefined);

/** The last thing that was asked for, and how it went. */
export const notice = signal<{ readonly tone: 'good' | 'bad'; readonly text: string } | undefined>(undefined);

export const page = signal<PageUrl>(readPageUrl(location.search));

/** The rows that are shown. */
export const shownRows = computed(() => filterRows(overview.value?.rows ?? [], page.value, overview.value?.head));

/** When the server was last heard, by its clock, while the connection is lost: all that is shown is as of then. */
export const lostAtMs = computed(() => (connection.value === 'lost' ? heardAtMs.value + clockSkewMs.value : undefined));

/** What is named by somebody else, word by word: it is never written otherwise. */
const names = computed(() => {
  const { head, rows = [] } = overview.value ?? {};
  const others = [...(head?.nodes ?? []).map(({ node }) => node), ...(head?.gateways ?? []).map(({ replica }) => replica)];
  return new Set<string>([...others, ...rows.flatMap(({ key, service = '' }) => [...key.split('/'), service])]);
});

/** Text as a sentence, in which names stay as they are. */
export const sentence = (text: string): string => asSentence(text, names.value);

/** Whether changes may be asked for. */
export const mayWrite = computed(() => overview.value?.token === false || token.value !== undefined);

/** Shows something else, and writes it into the address; `replace` without a step to go back. */
export function go(change: Partial<PageUrl>, how: 'push' | 'replace' = 'push'): void {
  const next = { ...page.value, ...change };
  page.value = next;
  const url = writePageUrl(next);
  if (how === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}

/** Opens something beside the list, or closes it. */
export const open = (opened: Opened | undefined): void => go({ opened });

addEventListener('popstate', () => {
  page.value = readPageUrl(location.search);
});
setInterval(() => {
  nowMs.value = Date.now() + clockSkewMs.value;
}, 1_000);
