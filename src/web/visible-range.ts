/** A list of rows of one height, and the part of it that is in sight; all in pixels. */
export interface Viewport {
  readonly count: number;
  readonly rowHeight: number;
  /** How far the top of the list is above the top of the window; negative while it is below. */
  readonly scrolled: number;
  readonly height: number;
}

/** Rows that are drawn beyond both edges, so that scrolling shows no gaps. */
const BEYOND = 8;

/** The first row that has to be drawn, and the one after the last. */
export function visibleRange({ count, rowHeight, scrolled, height }: Viewport): { readonly from: number; readonly to: number } {
  const first = Math.floor(scrolled / rowHeight) - BEYOND;
  const last = Math.ceil((scrolled + height) / rowHeight) + BEYOND;
  const from = Math.min(Math.max(0, first), count);
  return { from, to: Math.max(from, Math.min(count, last)) };
}
