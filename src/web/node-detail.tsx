import type { JSX } from 'preact';
import type { Explanation } from '../core/report/explanation.ts';
import type { NodeAnswer, NodePoolView } from '../http/node-views.ts';
import { DrainButton } from './drain.tsx';
import { StateIcon } from './icons.tsx';
import { AsOf } from './lost-bar.tsx';
import { Detail, Section } from './service-detail.tsx';
import { standingOf } from './standing.ts';
import { type StandingRow, StandingTable } from './standing-table.tsx';
import { overview, sentence } from './store.ts';
import { useAnswer } from './use-answer.ts';
import { Chain, Verdict } from './why-chain.tsx';
import { count } from './words.ts';

/** Everything about one node: whether it takes traffic, why, and its place in every pool. */
export function NodeDetail({ name }: { readonly name: string }): JSX.Element {
  const answer = useAnswer<NodeAnswer>(`api/v1/nodes/${encodeURIComponent(name)}`);
  const why = useAnswer<Explanation>(`api/v1/why?node=${encodeURIComponent(name)}`);
  const known = overview.value?.head.nodes.find(({ node }) => node === name);
  const node = answer.value?.node;
  const draining = known?.draining ?? node?.draining ?? false;
  const eligible = known?.eligible ?? node?.eligible ?? false;
  const tone = eligible ? 'good' : 'bad';
  return (
    <Detail title={name} kind="Node">
      <div class="detail-line">
        <span class={`state ${tone}`}>
          <StateIcon tone={tone} /> {eligible ? 'takes traffic' : 'takes no traffic'}
        </span>
        <span>
          <AsOf />
          {sentence(known?.reason ?? node?.reason ?? 'it is not known')}
        </span>
      </div>
      <p>
        <DrainButton node={name} draining={draining} />
      </p>
      {why.value !== undefined && <Verdict explanation={why.value} />}
      {answer.error !== undefined && <p class="bad">{answer.error}</p>}
      {node !== undefined && <Pools pools={node.pools} />}
      {why.value !== undefined && (
        <Section title="Why">
          <Chain explanation={why.value} />
        </Section>
      )}
    </Detail>
  );
}

function Pools({ pools }: { readonly pools: readonly NodePoolView[] }): JSX.Element {
  const rows = pools.map(
    ({ pool, cell, reason, heldBy = [] }): StandingRow => ({
      name: pool,
      opens: { kind: 'row', name: pool },
      stands: standingOf(cell),
      why: [reason, ...heldBy].join('; '),
    }),
  );
  const serving = rows.filter(({ stands }) => stands.serves).length;
  return (
    <Section title="Services">
      <p class="quiet">
        It serves {serving} of {count(rows.length, 'service')}.
      </p>
      <StandingTable what="Service" rows={rows} />
    </Section>
  );
}
