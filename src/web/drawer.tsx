import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Glyph } from './icons.tsx';
import { NodeDetail } from './node-detail.tsx';
import { ServiceDetail } from './service-detail.tsx';
import { open, overview, page } from './store.ts';
import { WhyPanel } from './why-panel.tsx';

/** What is open beside the list: a service, a node, or a question. */
export function Drawer(): JSX.Element | null {
  const { opened } = page.value;
  const panel = useRef<HTMLElement>(null);
  const name = opened === undefined ? undefined : `${opened.kind} ${opened.kind === 'why' ? '' : opened.name}`;
  useEffect(() => {
    if (name === undefined) return;
    panel.current?.scrollTo(0, 0);
    (panel.current?.querySelector<HTMLElement>('[data-focus]') ?? panel.current)?.focus({ preventScroll: true });
  }, [name]);
  if (opened === undefined || overview.value === undefined) return null;
  return (
    <aside class="drawer" aria-label="Details" tabIndex={-1} ref={panel}>
      <button type="button" class="tool icon-only close" aria-label="Close details" onClick={closeDrawer}>
        <Glyph name="close" />
      </button>
      {opened.kind === 'row' && <ServiceDetail name={opened.name} />}
      {opened.kind === 'node' && <NodeDetail name={opened.name} />}
      {opened.kind === 'why' && <WhyPanel asked={opened.name} />}
    </aside>
  );
}

/** Closes what is open, and gives the focus back to the row that it was opened from. */
export function closeDrawer(): void {
  const { opened } = page.value;
  open(undefined);
  if (opened?.kind !== 'row') return;
  document.querySelector<HTMLElement>(`[data-row="${CSS.escape(opened.name)}"]`)?.focus({ preventScroll: true });
}
