import type { JSX } from 'preact';
import type { NodeDecision } from '../core/model/action.ts';
import type { PoolReport } from '../core/report/run-report.ts';
import { StateIcon } from './icons.tsx';
import { type Standing, standing } from './standing.ts';
import { open } from './store.ts';

/** Every node of a pool: those that do not serve first, with the reason. */
export function BackendTable({
  pool,
  addresses,
}: {
  readonly pool: PoolReport;
  readonly addresses: Readonly<Record<string, string>>;
}): JSX.Element {
  const registered = new Set<string>(pool.registeredOn);
  const passing = new Set<string>(pool.passingOn);
  const rows = pool.decisions
    .map((decision) => ({
      decision,
      stands: standing({ wanted: decision.in, registered: registered.has(decision.node), passing: passing.has(decision.node) }),
    }))
    .sort((a, b) => Number(a.stands.serves) - Number(b.stands.serves));
  if (rows.length === 0) return <p class="quiet">No node is decided on: the pool leaves, or what it is made of is not known.</p>;
  const serving = rows.filter(({ stands }) => stands.serves).length;
  return (
    <>
      <p class="quiet">
        {serving} of {rows.length} nodes serve it. {pool.health.mode === 'node' ? '' : `Health: ${pool.health.words}.`}
      </p>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ decision, stands }) => (
            <BackendRow key={decision.node} decision={decision} stands={stands} address={addresses[decision.node]} />
          ))}
        </tbody>
      </table>
    </>
  );
}

interface BackendRowProps {
  readonly decision: NodeDecision;
  readonly stands: Standing;
  readonly address: string | undefined;
}

const BackendRow = ({ decision: { node, reason }, stands, address }: BackendRowProps): JSX.Element => (
  <tr>
    <th scope="row">
      <button type="button" class="plain link" onClick={() => open({ kind: 'node', name: node })}>
        {node}
      </button>
      {address !== undefined && <code>{address}</code>}
    </th>
    <td>
      <span class={`state ${stands.tone}`}>
        <StateIcon tone={stands.tone} /> {stands.words}
      </span>
    </td>
    <td>{reason}</td>
  </tr>
);
