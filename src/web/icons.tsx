import type { JSX } from 'preact';
import type { Tone } from './words.ts';

/** The shape of each tone: they differ without their colours, too. */
const SHAPES: Readonly<Record<Tone, JSX.Element>> = {
  good: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.8 8.200l2.2 2.2 4.2-4.6" class="mark" />
    </>
  ),
  busy: (
    <>
      <circle cx="8" cy="8" r="6" class="line" />
      <path d="M8 4.600V8l2.3 1.6" class="line" />
    </>
  ),
  bad: (
    <>
      <path d="M8 .8 15.2 8 8 15.2.8 8z" fill="currentColor" />
      <path d="M8 4.600v4M8 11.100v.1" class="mark" />
    </>
  ),
  unknown: (
    <>
      <rect x="2" y="2" width="12" height="12" rx="2" class="line dashed" />
      <path d="M6.3 6.400c0-2.3 3.5-2.2 3.5-.1 0 1.4-1.8 1.4-1.8 2.700M8 11.300v.1" class="line" />
    </>
  ),
  quiet: <path d="M3.5 8h9" class="line" />,
};

/** The sign of a tone, for the eye only: text beside it says the same. */
export const StateIcon = ({ tone }: { readonly tone: Tone }): JSX.Element => (
  <svg class={`state-icon ${tone}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    {SHAPES[tone]}
  </svg>
);

const GLYPHS = {
  close: 'M4 4l8 8M12 4l-8 8',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3.5 3.5',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.500M8 13.500V15M1 8h1.500M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.500A6 6 0 0 1 6.5 2.500a6 6 0 1 0 7 7z',
  resync: 'M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.500V4.500H10.5',
  arrow: 'M2 8h11M9.5 4.500L13 8l-3.5 3.5',
  drain: 'M8 2v8M4.5 7L8 10.500 11.500 7M3 13.500h10',
  undrain: 'M8 11V3M4.5 6L8 2.500 11.500 6M3 13.500h10',
  key: 'M10.5 8.500a3 3 0 1 0-2.6-1.500L3 12v2h2v-1.500h1.500V11H8l1-1.700c.5.1 1-.8 1.5-.800z',
  question: 'M5.5 6c0-3 5-3 5 0 0 2-2.5 2-2.5 4M8 13v.1',
} as const;

/** A drawn sign; for the eye only. */
export const Glyph = ({ name }: { readonly name: keyof typeof GLYPHS }): JSX.Element => (
  <svg class="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d={GLYPHS[name]} class="line" />
  </svg>
);
