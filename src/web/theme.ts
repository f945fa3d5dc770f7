import { effect, signal } from '@preact/signals';

type Theme = 'light' | 'dark';

const KEY = 'theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

const read = (): Theme | undefined => {
  const kept = localStorage.getItem(KEY);
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
  chosen.value = next === system.value ? undefined : next;
  if (chosen.value === undefined) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen.value);
}

effect(() => {
  document.documentElement.dataset['theme'] = theme();
});
