import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { NodeReport } from '../core/report/run-report.ts';
import type { OverviewRow } from '../http/overview.ts';
import { DrainTool } from './drain.tsx';
import { FilterBar } from './filter-bar.tsx';
import { StateIcon } from './icons.tsx';
import { STANDINGS, standingOf } from './standing.ts';
import { open, overview, sentence, shownRows } from './store.ts';
import { visibleRange } from './visible-range.ts';
import { count } from './words.ts';

const ROW = 30;

/** The nodes, and which of them serve which service. */
export function NodesView(): JSX.Element {
  const nodes = overview.value?.head.nodes ?? [];
  return (
    <section aria-label="Nodes">
      <ul class="nodes">
        {nodes.map((node) => (
          <NodeCard key={node.node} node={node} />
        ))}
      </ul>
      <FilterBar />
      <Matrix nodes={nodes} rows={shownRows.value.filter(({ pool }) => pool !== undefined)} />
      <Legend rows={shownRows.value} />
    </section>
  );
}

/** What the signs stand for; those of agents only where there are any. */
function Legend({ rows }: { readonly rows: readonly OverviewRow[] }): JSX.Element {
  const agents = rows.some(({ byAgents }) => byAgents !== undefined);
  const shown = Object.entries(STANDINGS).filter(([letter]) => letter !== '-' && (agents || (letter !== 'a' && letter !== 't')));
  return (
    <p class="legend">
      {shown.map(([letter, { tone, words }]) => (
        <span key={letter} class={`state ${tone}`}>
          <span class={`cell ${letter}`} aria-hidden="true" /> {words}
        </span>
      ))}
    </p>
  );
}

function NodeCard({ node: { node, eligible, reason, draining, registered } }: { readonly node: NodeReport }): JSX.Element {
  const tone = eligible ? 'good' : draining ? 'busy' : 'bad';
  return (
    <li>
      <button type="button" class={`node ${tone}`} title={reason} onClick={() => open({ kind: 'node', name: node })}>
        <span class="node-name">
          <StateIcon tone={tone} /> <b>{node}</b>
        </span>
        <span class="quiet">{eligible ? count(registered, 'service') : sentence(reason)}</span>
      </button>
    </li>
  );
}

/** One line per service, one cell per node; only the lines in sight are drawn. */
function Matrix({ nodes, rows }: { readonly nodes: readonly NodeReport[]; readonly rows: readonly OverviewRow[] }): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  const [scrolled, setScrolled] = useState(0);
  useLayoutEffect(() => {
    const look = (): void => setScrolled(-(body.current?.getBoundingClientRect().top ?? 0));
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, []);
  const { from, to } = visibleRange({ count: rows.length, rowHeight: ROW, scrolled, height: innerHeight });
  return (
    <div class="matrix" role="region" aria-label="Which node serves which service" tabIndex={0}>
      <div role="table" aria-label="Services by nodes" aria-rowcount={rows.length + 1}>
        <div role="row" class="line head" aria-rowindex={1}>
          <span role="columnheader" class="line-name">
            Service
          </span>
          {nodes.map(({ node, draining }) => (
            <span key={node} role="columnheader" class="node-head">
              <span>{node}</span>
              <DrainTool node={node} draining={draining} />
            </span>
          ))}
        </div>
        <div class="lines" role="rowgroup" ref={body} style={{ height: `${rows.length * ROW}px` }}>
          {rows.slice(from, to).map((row, index) => (
            <Line key={row.key} row={row} nodes={nodes} index={from + index} />
          ))}
        </div>
      </div>
    </div>
  );
}

interface LineProps {
  readonly row: OverviewRow;
  readonly nodes: readonly NodeReport[];
  readonly index: number;
}

const Line = ({ row, nodes, index }: LineProps): JSX.Element => (
  <div role="row" class="line" aria-rowindex={index + 2} style={{ transform: `translateY(${index * ROW}px)` }}>
    <span role="rowheader" class="line-name">
      <button type="button" class="plain link" onClick={() => open({ kind: 'row', name: row.key })}>
        {row.key}
      </button>
    </span>
    {nodes.map(({ node }, place) => {
      const letter = row.nodes[place];
      const words = standingOf(letter).words;
      return (
        <span key={node} role="cell" class="cell-box" title={`${row.key} on ${node}: ${words}`}>
          <span class={`cell ${letter === '-' ? 'none' : (letter ?? 'none')}`} aria-hidden="true" />
          <span class="hidden">{words}</span>
        </span>
      );
    })}
  </div>
);
