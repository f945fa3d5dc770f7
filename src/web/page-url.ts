/** The lists that the page can show. */
export const VIEWS = ['services', 'nodes', 'held', 'activity'] as const;
export type ViewName = (typeof VIEWS)[number];

/** Which rows of the list are shown. */
export const STATE_FILTERS = ['all', 'attention', 'moving', 'in-step'] as const;
export type StateFilter = (typeof STATE_FILTERS)[number];

/** What is open beside the list. */
export type Opened = { readonly kind: 'row' | 'node' | 'why'; readonly name: string };

/** Everything of the page that its address keeps. */
export interface PageUrl {
  readonly view: ViewName;
  readonly search: string;
  readonly state: StateFilter;
  readonly opened: Opened | undefined;
}

const oneOf = <T extends string>(all: readonly T[], given: string | null): T => all.find((one) => one === given) ?? (all[0] as T);

/** Reads the query of an address; what it does not know is left out. */
export function readPageUrl(query: string): PageUrl {
  const given = new URLSearchParams(query);
  const kind = (['row', 'node', 'why'] as const).find((one) => given.has(one));
  return {
    view: oneOf(VIEWS, given.get('view')),
    search: given.get('q') ?? '',
    state: oneOf(STATE_FILTERS, given.get('state')),
    opened: kind === undefined ? undefined : { kind, name: given.get(kind) ?? '' },
  };
}

/** The address of a page, without what is as it is at first. */
export function writePageUrl({ view, search, state, opened }: PageUrl): string {
  const query = new URLSearchParams();
  if (view !== 'services') query.set('view', view);
  if (search !== '') query.set('q', search);
  if (state !== 'all') query.set('state', state);
  if (opened !== undefined) query.set(opened.kind, opened.name);
  const text = query.toString().replaceAll('%2F', '/').replaceAll('%3A', ':');
  return text === '' ? './' : `?${text}`;
}
