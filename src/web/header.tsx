import type { JSX } from 'preact';
import { Glyph } from './icons.tsx';
import type { ViewName } from './page-url.ts';
import { writePageUrl } from './page-url.ts';
import { clockSkewMs, connection, failing, go, heardAtMs, nowMs, open, overview, page, signingIn, token } from './store.ts';
import { theme, toggleTheme } from './theme.ts';
import { ago, shortAge, toneOf } from './words.ts';

const TITLES: Readonly<Record<ViewName, string>> = { services: 'Services', nodes: 'Nodes', held: 'Held back', activity: 'Activity' };

/** Name, views, how fresh everything is, and what can be switched. */
export function Header(): JSX.Element {
  const dark = theme() === 'dark';
  return (
    <header class="top">
      <div class="brand">
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
          <rect width="32" height="32" rx="8" class="brand-tile" />
          <path d="M6 12c3.3 0 3.3 2.6 6.7 2.600S16 12 19.3 12s3.3 2.6 6.7 2.6" class="brand-wave" />
          <path d="M6 19c3.3 0 3.3 2.6 6.7 2.600S16 19 19.3 19s3.3 2.6 6.7 2.6" class="brand-wave far" />
        </svg>
        <h1>poolkeeper</h1>
      </div>
      <nav aria-label="Views">
        {(['services', 'nodes', 'held', 'activity'] as const).map((view) => (
          <ViewLink key={view} view={view} />
        ))}
      </nav>
      <div class="tools">
        <Freshness />
        <button type="button" class="tool" onClick={() => open({ kind: 'why', name: '' })} title="Why is something in traffic, or not? (w)">
          <Glyph name="question" />
          <span>Why?</span>
        </button>
        {overview.value?.token === true && (
          <button type="button" class="tool" onClick={signInOrOut}>
            <Glyph name="key" />
            <span>{token.value === undefined ? 'Sign in' : 'Sign out'}</span>
          </button>
        )}
        <button type="button" class="tool icon-only" onClick={toggleTheme} aria-label={dark ? 'Light colours' : 'Dark colours'}>
          <Glyph name={dark ? 'sun' : 'moon'} />
        </button>
      </div>
    </header>
  );
}

function signInOrOut(): void {
  if (token.value === undefined) signingIn.value = true;
  else token.value = undefined;
}

function ViewLink({ view }: { readonly view: ViewName }): JSX.Element {
  const head = overview.value?.head;
  const broken = overview.value?.rows.filter(({ state }) => toneOf(state) === 'bad' && state !== 'held').length ?? 0;
  const held =
    new Set(head?.holds.map(({ spec }) => spec)).size +
    (head?.problems.filter(({ severity }) => severity === 'error').length ?? 0) +
    broken;
  const show = (event: Event): void => {
    event.preventDefault();
    go({ view, opened: undefined });
    scrollTo(0, 0);
  };
  return (
    <a
      href={writePageUrl({ ...page.value, view, opened: undefined })}
      aria-current={page.value.view === view ? 'page' : undefined}
      onClick={show}
    >
      {TITLES[view]}
      {view === 'held' && held > 0 && <span class="badge">{held}</span>}
    </a>
  );
}

/** Whether what is shown is live, and how old it is. */
function Freshness(): JSX.Element {
  const sources = overview.value?.head.sources ?? [];
  const silent = sources.filter(({ kind }) => kind !== 'complete').map(({ source }) => source);
  const heardMs = nowMs.value - clockSkewMs.value - heardAtMs.value;
  const live = connection.value === 'live';
  const fails = live && failing.value !== undefined;
  const tone = !live || fails ? 'bad' : silent.length > 0 ? 'busy' : 'good';
  const text = fails ? 'Runs fail' : live ? 'Live' : connection.value === 'lost' ? 'Connection lost' : 'Connecting';
  const more =
    silent.length > 0 && live ? `${silent.slice(0, 2).join(', ')}${silent.length > 2 ? ' …' : ''} not answering` : `heard ${ago(heardMs)}`;
  return (
    <span
      class={`freshness ${tone}`}
      title={sources.map(({ source, kind, ageMs }) => `${source}: ${kind}, ${ageMs === undefined ? 'never' : shortAge(ageMs)}`).join('\n')}
    >
      <span class="pulse" aria-hidden="true" />
      <b>{text}</b>
      <span class="quiet">{heardMs < 1_500 && live && silent.length === 0 ? 'just now' : more}</span>
    </span>
  );
}
