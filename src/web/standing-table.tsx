import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { StateIcon } from './icons.tsx';
import type { Opened } from './page-url.ts';
import type { Standing } from './standing.ts';
import { open } from './store.ts';

/** One line: a node of a service, or a service on a node. */
export interface StandingRow {
  readonly name: string;
  readonly opens: NonNullable<Opened>;
  readonly stands: Standing;
  readonly why: string;
  /** What stands beside the name. */
  readonly beside?: ComponentChildren;
}

/** More than this is drawn only when it is asked for: a node may have a thousand services, and each run draws them anew. */
const FIRST = 60;

/** Who serves and who does not, those that do not first, each with the reason. `what` is what the lines are: `Node`, `Service`. */
export function StandingTable({ what, rows }: { readonly what: string; readonly rows: readonly StandingRow[] }): JSX.Element {
  const [all, setAll] = useState(false);
  const sorted = [...rows].sort((a, b) => Number(a.stands.serves) - Number(b.stands.serves));
  const shown = all ? sorted : sorted.slice(0, FIRST);
  return (
    <>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">{what}</th>
            <th scope="col">State</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <Line key={row.name} row={row} />
          ))}
        </tbody>
      </table>
      {shown.length < sorted.length && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          Show the other {sorted.length - shown.length}
        </button>
      )}
    </>
  );
}

const Line = ({ row: { name, opens, stands, why, beside } }: { readonly row: StandingRow }): JSX.Element => (
  <tr>
    <th scope="row">
      <button type="button" class="plain link" onClick={() => open(opens)}>
        {name}
      </button>
      {beside}
    </th>
    <td>
      <span class={`state ${stands.tone}`}>
        <StateIcon tone={stands.tone} /> {stands.words}
      </span>
    </td>
    <td>{why}</td>
  </tr>
);
