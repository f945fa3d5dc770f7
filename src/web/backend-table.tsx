import type { JSX } from 'preact';
import type { PoolReport } from '../core/report/run-report.ts';
import type { OverviewRow } from '../http/overview.ts';
import { standingOf } from './standing.ts';
import { type StandingRow, StandingTable } from './standing-table.tsx';
import { overview } from './store.ts';

interface BackendTableProps {
  readonly pool: PoolReport;
  readonly row: OverviewRow;
  /** Where the registered backends answer, by node. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Every node of a pool: those that do not serve first, with the reason. */
export function BackendTable({ pool, row, addresses }: BackendTableProps): JSX.Element {
  const letters = new Map(overview.value?.head.nodes.map(({ node }, place) => [node, row.nodes[place]]));
  const rows = pool.decisions.map(({ node, reason }): StandingRow => {
    const address = addresses[node];
    const beside = address === undefined ? {} : { beside: <code>{address}</code> };
    return { name: node, opens: { kind: 'node', name: node }, stands: standingOf(letters.get(node)), why: reason, ...beside };
  });
  if (rows.length === 0) return <p class="quiet">No node is decided on: the pool leaves, or what it is made of is not known.</p>;
  const serving = rows.filter(({ stands }) => stands.serves).length;
  const judged = pool.health.mode === 'node' && pool.agents === undefined ? '' : ` Health: ${pool.health.words}.`;
  return (
    <>
      <p class="quiet">{`${serving} of ${rows.length} nodes serve it.${judged}${registrarWords(pool)}`}</p>
      <StandingTable what="Node" rows={rows} />
    </>
  );
}

/** Who registers a pool, where it is not the daemon alone. */
function registrarWords({ agents }: PoolReport): string {
  if (agents === undefined) return '';
  return agents.moving ? ' It moves from Consul agents to the catalog.' : ' The Consul agents of the nodes register it.';
}
