import { closeDrawer } from './drawer.tsx';
import { asking, go, open, page, shownRows, signingIn } from './store.ts';

/** The keys of the page: j and k or arrows move, Enter opens, / searches, w asks why, Esc closes. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || signingIn.value || asking.value !== undefined) return;
    if (event.key === 'Escape') leave();
    if (event.key === 'Escape' || isTyping(event.target)) return;
    const act = KEYS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.matches('input, textarea, select');

function focusSearch(): boolean {
  const field = document.querySelector<HTMLElement>('#search');
  field?.focus();
  return field !== null;
}

const KEYS: Readonly<Record<string, () => void>> = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  '/': () => {
    if (page.value.view === 'held' || page.value.view === 'activity') go({ view: 'services' });
    // What is typed right behind the slash must not be lost; where there is no field yet, it comes with the next frame.
    if (!focusSearch()) requestAnimationFrame(focusSearch);
  },
  w: () => open({ kind: 'why', name: '' }),
};

function leave(): void {
  if (page.value.opened !== undefined) closeDrawer();
  else if (page.value.search !== '') go({ search: '' }, 'replace');
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/** Moves from row to row; what is open follows. */
function move(by: number): void {
  if (page.value.view !== 'services') {
    scrollBy(0, by * 60);
    return;
  }
  const rows = shownRows.value;
  const { opened } = page.value;
  const focused = document.activeElement?.getAttribute('data-row');
  const current = rows.findIndex(({ key }) => key === (opened?.kind === 'row' ? opened.name : focused));
  const next = rows[Math.min(rows.length - 1, Math.max(0, current + by))];
  if (next === undefined) return;
  const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(next.key)}"]`);
  row?.focus({ preventScroll: true });
  row?.closest('[role="row"]')?.scrollIntoView({ block: 'nearest' });
  if (opened?.kind === 'row') go({ opened: { kind: 'row', name: next.key } }, 'replace');
}
