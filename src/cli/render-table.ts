import { stripVTControlCharacters } from 'node:util';

/** Lines of aligned columns, two spaces apart, with a heading; empty when there are no rows. Cells may be coloured. */
export function renderTable(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => visibleWidth(row[column] ?? ''))));
  return all.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
}

const visibleWidth = (cell: string): number => stripVTControlCharacters(cell).length;
