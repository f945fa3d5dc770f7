import type { NodeName } from '../core/model/ids.ts';
import { nodeName } from '../core/model/ids.ts';
import { DRAIN_ANNOTATION } from '../core/model/nodes.ts';
import type { NodeDrains } from '../core/model/ports.ts';
import { nearest } from '../core/spec/did-you-mean.ts';
import { type Problem, problem } from '../shared/problem.ts';

/** A person's wish about a node: that it leaves all pools, or may come back. */
export type DrainWish =
  | { readonly node: string; readonly drain: true; readonly reason?: string | undefined }
  | { readonly node: string; readonly drain: false };

export interface DrainNodeOptions {
  readonly drains: NodeDrains;
  /** `drain.api`. */
  readonly allowed: boolean;
  /** The nodes that are known, for "did you mean". */
  readonly names: () => readonly NodeName[];
}

/** Marks a node as wished; undefined when that is done. The pools follow when the watch tells of it. Never throws but for an abort. */
export async function drainNode(
  { drains, allowed, names }: DrainNodeOptions,
  wish: DrainWish,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  if (!allowed) return disabled(wish);
  const node = nodeName(wish.node);
  const result = wish.drain ? await drains.mark(node, wish.reason, signal) : await drains.unmark(node, signal);
  if (result.kind === 'done') return undefined;
  return result.kind === 'failed' ? result.problem : unknown(wish.node, names());
}

function disabled({ node, drain }: DrainWish): Problem {
  const command = `kubectl annotate node ${node} ${DRAIN_ANNOTATION}${drain ? '=true --overwrite' : '-'}`;
  return problem('DRAIN_DISABLED', 'drain.api is false: nodes are not marked from here', { remedy: `Run: ${command}` });
}

function unknown(name: string, names: readonly NodeName[]): Problem {
  const near = nearest(name, names);
  return problem('NODE_UNKNOWN', `there is no node ${name}`, near === undefined ? {} : { remedy: `Did you mean "${near}"?` });
}
