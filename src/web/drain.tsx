import type { JSX } from 'preact';
import { change } from './api.ts';
import { confirm } from './confirm.tsx';
import { Glyph } from './icons.tsx';
import { standingOf } from './standing.ts';
import { mayWrite, overview, signingIn } from './store.ts';
import { count } from './words.ts';

interface DrainProps {
  readonly node: string;
  readonly draining: boolean;
}

/** Takes a node out of all pools, after a question, or lets it come back. */
export function DrainButton({ node, draining }: DrainProps): JSX.Element {
  const verb = draining ? 'Undrain' : 'Drain';
  return (
    <button type="button" class="button" onClick={() => askToDrain({ node, draining })}>
      {mayWrite.value ? verb : `Sign in to ${verb.toLowerCase()}`}
    </button>
  );
}

/** The same with a sign alone, where there is no room. */
export function DrainTool({ node, draining }: DrainProps): JSX.Element {
  const words = `${draining ? 'Undrain' : 'Drain'} ${node}`;
  return (
    <button
      type="button"
      class={`tool icon-only drain-tool ${draining ? 'busy' : ''}`}
      aria-label={words}
      title={words}
      onClick={() => askToDrain({ node, draining })}
    >
      <Glyph name={draining ? 'undrain' : 'drain'} />
    </button>
  );
}

function askToDrain({ node, draining }: DrainProps): void {
  const path = `api/v1/nodes/${encodeURIComponent(node)}/${draining ? 'undrain' : 'drain'}`;
  if (draining) {
    if (mayWrite.value) void change(path, `${node} may come back.`);
    else signingIn.value = true;
    return;
  }
  const { head, rows = [] } = overview.value ?? {};
  const place = head?.nodes.findIndex((one) => one.node === node) ?? -1;
  const serves = rows.filter((row) => standingOf(row.nodes[place]).serves).length;
  confirm({
    title: `Drain ${node}?`,
    says: `It serves ${count(serves, 'service')} now. It leaves every pool that can do without it, and takes no new requests; its pods stay. It comes back only when it is undrained.`,
    reason: 'Such as: kernel update',
    yes: `Drain ${node}`,
    path,
    done: `${node} leaves all pools.`,
  });
}
