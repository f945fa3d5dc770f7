import { effect, signal } from '@preact/signals';

type Theme = 'light' | 'dark';

const KEY = 'theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

/** What browsers refuse to keep, in private windows or where storage is switched off, lasts as long as the page. */
function keep<T>(work: (storage: Storage) => T): T | undefined {
  try {
    return work(localStorage);
  } catch {
    return undefined;
  }
}

const read = (): Theme | undefined => {
  const kept = keep((storage) => storage.getItem(KEY));
  return kept === 'light' || kept === 'dark' ? kept : undefined;
};

const chosen = signal(read());
const system = signal<Theme>(dark.matches ? 'dark' : 'light');
dark.addEventListener('change', () => {
  system.value = dark.matches ? 'dark' : 'light';
});

/** The theme in use: the chosen one, or else the system's. */
export const theme = (): Theme => chosen.value ?? system.value;

/** Takes the other one; choosing what the system has follows the system again. */
export function toggleTheme(): void {
  const next = theme() === 'dark' ? 'light' : 'dark';
  const own = next === system.value ? undefined : next;
  chosen.value = own;
  keep((storage) => (own === undefined ? storage.removeItem(KEY) : storage.setItem(KEY, own)));
}

effect(() => {
  document.documentElement.dataset['theme'] = theme();
});
